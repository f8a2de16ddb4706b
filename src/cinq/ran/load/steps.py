"""What one UE of a load does, step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, get_args

from cinq.procedure import Aborted
from cinq.ran.gnb.cell import CellLink
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.station import Unmet
from cinq.ran.ue import Ue
from cinq.ran.ue.station import Released
from cinq.wire.nas import RegistrationKind

Step = Literal["register", "session", "idle", "service", "periodic", "update", "release", "deregister"]
STEPS: tuple[Step, ...] = get_args(Step)

WORDS: dict[Step, str] = {
    "register": "initial registration",
    "session": "establishment of the next PDU session of its settings",
    "idle": "AN release for user inactivity, asked for by the gNB",
    "service": "service request that brings every session back",
    "periodic": "periodic registration",
    "update": "mobility registration update",
    "release": "release of its newest PDU session",
    "deregister": "deregistration",
}
RELEASE_S = 10.0


class Actor:
    """A UE and the gNB where it is."""

    __slots__ = ("gnb", "ue")

    def __init__(self, ue: Ue, gnb: Gnb) -> None:
        self.ue = ue
        self.gnb = gnb

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
        ue, link = self.ue, self.ue.link
        context = link.context if isinstance(link, CellLink) else None
        if context is None:
            raise Aborted("the UE has no connection to release")
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
    "release": Actor.release,
    "deregister": Actor.deregister,
}
