"""User inactivity, TS 38.413 §8.3.2: a UE whose bearers carry nothing for a while is to go idle."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.procedures import ue_context_release_request


class Inactivity:
    """Looks at all UEs once in each period; one that sent and received nothing between two looks is released."""

    def __init__(self, n2: N2) -> None:
        self._n2 = n2
        self._seen: dict[int, int] = {}

    def look(self) -> None:
        n2, seen = self._n2, self._seen
        self._seen = {}
        for ue in list(n2.ues.values()):
            packets = self._packets(ue)
            if packets is None:
                continue
            if seen.get(ue.ran_ue_ngap_id) == packets:
                ue_context_release_request.send(ue, ("radioNetwork", "user-inactivity"))
            else:
                self._seen[ue.ran_ue_ngap_id] = packets

    def _packets(self, ue: UeContext) -> int | None:
        """How many the UE's bearers have carried; None while it has no initial context, or leaves already."""
        if not ue.context.has_context or not ue.reached:
            return None
        return ue.link.packets(ue)
