"""5GMM-IDLE at a UE: when it is reached, what it does by itself (TS 24.501 §5.3.1, §5.3.6, §5.3.7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from cinq.ran.radio.port import Link
from cinq.ran.ue.context import UeContext
from cinq.ran.ue.timers import Timers
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind

T3540_S = 10


class Resting(Protocol):
    """The UE as its idle mode sees it."""

    context: UeContext
    link: Link
    timers: Timers
    left: bool

    def initiate(self, body: Callable[[], Awaitable[object]], name: str) -> None: ...
    def on_released(self, cause: str) -> None: ...
    def commit(self, **changes: object) -> None: ...
    async def deregister(self) -> None: ...
    async def power_on(self) -> None: ...
    async def register(
        self, kind: RegistrationKind = RegistrationKind.INITIAL, attempts: int = 5
    ) -> None: ...


class IdleMode:
    """update_due: a registration that the network asked for follows the release of the connection (§5.4.4.3).

    anew_due: the UE deregisters and registers anew then, as the home network asked (§5.4.5.3.3 i)).
    """

    __slots__ = ("_gap_due", "_ue", "anew_due", "update_due")

    def __init__(self, ue: Resting) -> None:
        self._ue = ue
        self._gap_due = False
        self.update_due = self.anew_due = False

    def listens(self) -> None:
        """To the paging channel, for its 5G-S-TMSI; in MICO mode only while it is connected, or T3324 runs (§5.3.6)."""
        ue = self._ue
        guti, context = ue.context.guti, ue.context
        deaf = context.mico is not None and not ue.link.connected and not ue.timers.runs("T3324")
        ue.link.listen(None if guti is None or deaf else guti.s_tmsi)

    def entered(self) -> None:
        """T3512; in MICO mode T3324; T3447 after a connection of the UE's own making (§5.3.7, §5.3.17)."""
        ue, context = self._ue, self._ue.context
        if context.t3512_s > 0:
            ue.timers.start("T3512", context.t3512_s, self._periodic)
        if context.mico is not None:
            if context.t3324_s:
                ue.timers.start("T3324", context.t3324_s, self.listens)
            self.listens()
        if context.t3447_s and self._gap_due:
            ue.timers.start("T3447", context.t3447_s, lambda: None)
        self._gap_due = False
        if self.anew_due:
            self.anew_due = self.update_due = False
            ue.initiate(self._anew, "registration anew")
        elif self.update_due:
            self.update_due = False
            ue.initiate(lambda: ue.register(RegistrationKind.MOBILITY), "registration requested")

    async def _anew(self) -> None:
        """Deregister, forget the 5G-GUTI, power on again: parameters of the home network changed (§5.4.5.3.3 i))."""
        ue = self._ue
        await ue.deregister()
        ue.commit(guti=None)
        ue.left = False
        await ue.power_on()

    def left(self, message: nas.NasMessage | None) -> None:
        """A connection is opened, by this message."""
        self._ue.timers.stop("T3512", "T3324")
        if isinstance(message, nas.ServiceRequest):
            self._gap_due = message.service_type != nas.ServiceType.MOBILE_TERMINATED_SERVICES
        elif isinstance(message, nas.RegistrationRequest):
            self._gap_due = message.registration_type.follow_on

    def expect_release(self) -> None:
        """T3540: the network is to release the connection, else the UE does (§5.3.1.3)."""
        if self._ue.link.connected:
            self._ue.timers.start("T3540", T3540_S, self._release)

    def _release(self) -> None:
        self._ue.link.fail()
        self._ue.on_released("T3540 expired")

    def register_after_t3502(self, kind: RegistrationKind) -> None:
        """After five attempts, §5.5.1.2.7: T3502; at once where it is 0, never where it is deactivated."""
        ue = self._ue
        if ue.context.t3502_s != nas.DEACTIVATED:
            ue.timers.start(
                "T3502",
                ue.context.t3502_s,
                lambda: ue.initiate(lambda: ue.register(kind), "registration after T3502"),
            )

    def _periodic(self) -> None:
        """T3512 expired: periodic registration update, §5.5.1.3.2."""
        ue = self._ue
        if ue.context.registered and not ue.link.connected:
            ue.initiate(lambda: ue.register(RegistrationKind.PERIODIC), "periodic registration")
