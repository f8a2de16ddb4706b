"""What the SEPP keeps of its partners: whether an N32 connection was agreed on, and how much each may send."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.nf.sepp import prins
from cinq.nf.sepp.settings import Partner, Security


@dataclass(frozen=True, slots=True)
class N32Context:
    """An agreement with a partner's SEPP (TS 29.573 §5.9). sender: as that SEPP named itself. prins: with PRINS, keys
    and counters; None until its parameters are exchanged, and with TLS."""

    partner: Partner
    sender: str
    security: Security
    prins: prins.Security | None = None

    @property
    def stands(self) -> bool:
        """Whether messages may be forwarded."""
        return self.security == "TLS" or (self.prins is not None and not self.prins.keys.used_up)


class Bucket:
    """A token bucket: `rate` tokens a second, of which twice as many may gather."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = 2 * rate
        self._at = now

    def take(self, now: float) -> float:
        """0.0: it may go. Else the seconds until the next may."""
        self._left = min(2 * self._rate, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._rate
