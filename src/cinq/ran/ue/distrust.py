"""A reject that anybody could have sent: it is obeyed for a while (TS 24.501 §5.3.20.2, T3247), not for ever.

The UE of an emulated network has no other tracking area to look for meanwhile; it stays where it is and waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from cinq.ran.ue.context import UeContext
from cinq.ran.ue.timers import Timers
from cinq.wire.nas import GmmCause

T3247_S = (30 * 60, 60 * 60)
MOST_EVENTS = 10  # the clause allows no more; then the UE obeys until it is switched off
CAUSES = frozenset(
    (
        GmmCause.ILLEGAL_UE,
        GmmCause.ILLEGAL_ME,
        GmmCause.SERVICES_5GS_NOT_ALLOWED,
        GmmCause.PLMN_NOT_ALLOWED,
        GmmCause.TRACKING_AREA_NOT_ALLOWED,
        GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA,
        GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA,
        GmmCause.N1_MODE_NOT_ALLOWED,
        GmmCause.REDIRECTION_TO_EPC_REQUIRED,
        GmmCause.NO_NETWORK_SLICES_AVAILABLE,
        GmmCause.SERVING_NETWORK_NOT_AUTHORIZED,
    )
)


class Obeying(Protocol):
    """The UE that was refused."""

    context: UeContext
    timers: Timers
    entropy: Callable[[int], bytes]
    left: bool

    def commit(self, **changes: object) -> None: ...
    def initiate(self, body: Callable[[], Awaitable[object]], name: str) -> None: ...
    async def power_on(self) -> None: ...


class Distrust:
    """events: rejects without integrity protection since the UE was switched on or accepted."""

    __slots__ = ("_ue", "events")

    def __init__(self, ue: Obeying) -> None:
        self._ue = ue
        self.events = 0

    def obeys(self) -> None:
        """The UE does as it was told, until T3247 expires; one that runs goes on."""
        self.events += 1
        if not self._ue.timers.runs("T3247"):
            low, high = T3247_S
            seconds = low + int.from_bytes(self._ue.entropy(4), "big") % (high - low)
            self._ue.timers.start("T3247", seconds, self._expired)

    def reset(self) -> None:
        """Switched off, or accepted by a network that the UE knows to be genuine."""
        self.events = 0
        self._ue.timers.stop("T3247")

    def _expired(self) -> None:
        ue = self._ue
        if self.events >= MOST_EVENTS:
            return
        ue.commit(
            barred="",
            forbidden_plmns=frozenset(),
            forbidden_tais_roaming=frozenset(),
            forbidden_tais_regional=frozenset(),
        )
        if not ue.context.registered and not ue.left:
            ue.initiate(ue.power_on, "registration after T3247")
