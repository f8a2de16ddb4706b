"""What one UE of a load does, step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, get_args

from cinq.procedure import Aborted
from cinq.ran.gnb.cell import CellLink
from cinq.ran.gnb.gnb import Gnb, Path
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.station import Unmet
from cinq.ran.ue import Ue
from cinq.ran.ue.station import Released
from cinq.wire.nas import RegistrationKind

Step = Literal[
    "register", "session", "idle", "service", "periodic", "update", "xn", "n2", "release", "deregister"
]
STEPS: tuple[Step, ...] = get_args(Step)

WORDS: dict[Step, str] = {
    "register": "initial registration",
    "session": "establishment of the next PDU session of its settings",
    "idle": "AN release for user inactivity, asked for by the gNB",
    "service": "service request that brings every session back",
    "periodic": "periodic registration",
    "update": "mobility registration update",
    "xn": "Xn handover to the next gNB",
    "n2": "N2 handover to the next gNB",
    "release": "release of its newest PDU session",
    "deregister": "deregistration",
}
RELEASE_S = 10.0


class Actor:
    """A UE and the gNBs between which it moves; it is at the one of the index `at`."""

    __slots__ = ("_at", "_gnbs", "ue")

    def __init__(self, ue: Ue, gnbs: Sequence[Gnb], at: int) -> None:
        self.ue = ue
        self._gnbs = gnbs
        self._at = at

    @property
    def gnb(self) -> Gnb:
        return self._gnbs[self._at]

    def _context(self) -> UeContext:
        link = self.ue.link
        context = link.context if isinstance(link, CellLink) else None
        if context is None:
            raise Aborted("the UE has no connection")
        return context

    async def take(self, step: Step) -> None:
        """Refused, TimerExpired, Aborted: what the network made of it."""
        await _ACTIONS[step](self)

    async def register(self) -> None:
        await self.ue.register()

    async def session(self) -> None:
        index = len(self.ue.sessions)
        if index >= len(self.ue.settings.sessions):
            raise Aborted("the UE has opened every session of its settings")
        await self.ue.establish_session(index)

    async def idle(self) -> None:
        """Done when the gNB has released the connection."""
        ue, context = self.ue, self._context()
        released = ue.station.expect(Released, timeout_s=RELEASE_S)
        self.gnb.release(context)
        try:
            await released
        except Unmet:
            raise Aborted(f"the core did not release the connection within {RELEASE_S:g} s") from None

    async def service(self) -> None:
        await self.ue.request_service()

    async def periodic(self) -> None:
        await self.ue.register(RegistrationKind.PERIODIC)

    async def update(self) -> None:
        await self.ue.register(RegistrationKind.MOBILITY)

    async def xn(self) -> None:
        await self._hand_over("xn")

    async def n2(self) -> None:
        await self._hand_over("n2")

    async def _hand_over(self, via: Path) -> None:
        if len(self._gnbs) < 2:
            raise Aborted("there is one gNB only: nowhere to go")
        there = (self._at + 1) % len(self._gnbs)
        await self.gnb.hand_over(self._context(), self._gnbs[there].cells[0], via)
        self._at = there

    async def release(self) -> None:
        if not self.ue.sessions:
            raise Aborted("the UE has no session to release")
        await self.ue.release_session(max(self.ue.sessions))

    async def deregister(self) -> None:
        await self.ue.deregister()


_ACTIONS: dict[Step, Callable[[Actor], Awaitable[None]]] = {
    "register": Actor.register,
    "session": Actor.session,
    "idle": Actor.idle,
    "service": Actor.service,
    "periodic": Actor.periodic,
    "update": Actor.update,
    "xn": Actor.xn,
    "n2": Actor.n2,
    "release": Actor.release,
    "deregister": Actor.deregister,
}
