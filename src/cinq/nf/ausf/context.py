"""What the AUSF keeps of an authentication between challenge and answer. Never stored."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from cinq.crypto.eap_aka import SessionKeys
from cinq.procedure import Why

LIMIT = 50_000  # authentications that nobody has answered: the oldest give way
LIFETIME_S = 60.0  # T3560 runs five times 6 s (TS 24.501 §10.2)


@dataclass(frozen=True, slots=True)
class AkaContext:
    """5G AKA. serving_network: the name that the keys are bound to. kausf: 32 octets. xres_star: 16 octets."""

    supi: str
    serving_network: str
    xres_star: bytes = field(repr=False)
    kausf: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EapContext:
    """EAP-AKA'. identifier: of the last EAP request. rand: of the last challenge. xres: 4 to 16 octets.

    resynchronised: a synchronisation failure was answered already. failing: why the UE was notified of a failure,
    and no more than its answer is awaited.
    """

    supi: str
    serving_network: str
    identifier: int
    rand: bytes
    xres: bytes = field(repr=False)
    keys: SessionKeys = field(repr=False)
    resynchronised: bool = False
    failing: Why | None = None


AuthenticationContext = AkaContext | EapContext


class Contexts:
    """By authCtxId. A subscriber may have any number at once, and none touches another: who they are for only the
    answers tell. One that is not answered within LIFETIME_S is forgotten."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[float, AuthenticationContext]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, identifier: str, context: AuthenticationContext, now: float) -> None:
        while self._found:
            since, _ = next(iter(self._found.values()))
            if len(self._found) < LIMIT and now - since < LIFETIME_S:
                break
            self._found.popitem(last=False)
        self._found[identifier] = now, context

    def take(self, identifier: str, now: float) -> AuthenticationContext | None:
        """Each challenge is answered once: taking it removes it."""
        since, context = self._found.pop(identifier, (now, None))
        return context if now - since < LIFETIME_S else None
