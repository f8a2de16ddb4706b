"""User inactivity, TS 38.413 §8.3.2: a UE whose bearers carry nothing for a while is to go idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cinq.ran.gnb.context import UeContext
from cinq.ran.gnb.procedures import release

if TYPE_CHECKING:
    from cinq.ran.gnb.gnb import Gnb


class Inactivity:
    """Looks at all UEs once in each period; one that sent and received nothing between two looks is released."""

    def __init__(self, gnb: Gnb) -> None:
        self._gnb = gnb
        self._seen: dict[int, int] = {}

    def look(self) -> None:
        n2, seen = self._gnb.n2, self._seen
        self._seen = {}
        for ue in list(n2.ues.values()):
            packets = self._packets(ue)
            if packets is None:
                continue
            if seen.get(ue.ran_ue_ngap_id) == packets:
                release.request(n2, ue, ("radioNetwork", "user-inactivity"))
            else:
                self._seen[ue.ran_ue_ngap_id] = packets

    def _packets(self, ue: UeContext) -> int | None:
        """How many the UE's bearers have carried; None while it has no initial context, or leaves already."""
        if not ue.has_context or ue.link.context is not ue:
            return None
        return sum(self._gnb.bearers.packets(ue.link.bearers[psi]) for psi in ue.sessions)
