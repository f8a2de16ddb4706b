"""A PDU session at the UE: the subject of 5GSM, TS 24.501 clause 6."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Protocol

from cinq.procedure import Refused, Runtime, Subject, Why
from cinq.ran.radio.port import Interface, Link
from cinq.ran.ue.access_control import Attempt, access, barred
from cinq.ran.ue.back_off import TYPE_CAUSES, BackOff, of_establishment, of_kind, of_session
from cinq.ran.ue.camp import Camp
from cinq.ran.ue.causes import Asked
from cinq.ran.ue.context import UNASSIGNED_PTI, SessionContext, UeContext
from cinq.ran.ue.qos import uplink_rules
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.ran.ue.signals import EstablishSession, ModifySession, ReleaseSession
from cinq.ran.ue.uplink import Uplink
from cinq.wire import nas

log = logging.getLogger("cinq.ran.ue")

INTERFACE_S = 10


class SessionUe(Protocol):
    """The UE as its sessions see it. released: PTI of the last release command confirmed, by session identity."""

    runtime: Runtime
    settings: UeSettings
    sessions: dict[int, Session]
    released: dict[int, int]
    back_off: BackOff
    link: Link
    uplink: Uplink
    camp: Camp
    context: UeContext

    @property
    def label(self) -> str: ...
    @property
    def asked(self) -> Asked: ...
    def tell(self, message: object) -> None: ...
    def changed(self) -> None: ...
    def allocate_pti(self) -> int: ...
    def initiate(self, body: Callable[[], Awaitable[object]], name: str) -> None: ...
    async def open_session(
        self,
        wanted: SessionSettings,
        pdu_session_id: int = 0,
        *,
        request_type: int = 1,
        old: int | None = None,
    ) -> object: ...


class Session(Subject[SessionContext]):
    """One PDU session of a UE. pti: of the procedure that the UE began, 0 when there is none.

    trouble: why programs cannot use the session although it is active.
    """

    __slots__ = ("_answered", "_old", "_request_type", "pti", "settings", "trouble", "ue")

    def __init__(self, ue: SessionUe, pdu_session_id: int, settings: SessionSettings) -> None:
        super().__init__(SessionContext(pdu_session_id), ue.runtime)
        self.ue = ue
        self.settings = settings
        self.pti = UNASSIGNED_PTI
        self.trouble = ""
        self._request_type: int = nas.RequestType.INITIAL_REQUEST
        self._old: int | None = None
        self._answered: asyncio.Event | None = None

    async def establish(self, wanted: EstablishSession) -> None:
        await self.demand(wanted)

    def opened_by(self, request_type: int, old: int | None) -> None:
        """What UL NAS TRANSPORT says of an establishment."""
        self._request_type, self._old = request_type, old

    async def modify(self, wanted: ModifySession) -> None:
        """Ask for a modification, TS 24.501 §6.4.2. Refused: by the network."""
        await self.demand(wanted)

    async def release(self) -> None:
        await self.demand(ReleaseSession())

    def send(self, message: object) -> None:
        """In UL NAS TRANSPORT, §5.4.5.2. DNN and S-NSSAI go with an establishment only, and not of an emergency."""
        assert isinstance(message, nas.GsmMessage)
        opens = isinstance(message, nas.PDUSessionEstablishmentRequest)
        wanted = self.settings
        named = opens and not wanted.emergency
        request_type = self._request_type if opens else None
        if isinstance(message, nas.PDUSessionModificationRequest):
            request_type = nas.RequestType.MODIFICATION_REQUEST
        transport = nas.ULNASTransport(
            payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
            payload_container=nas.encode(message),
            pdu_session_id=self.context.pdu_session_id,
            old_pdu_session_id=self._old if opens else None,
            request_type=request_type,
            s_nssai=wanted.s_nssai if named else None,
            dnn=(wanted.dnn or None) if named else None,
        )
        self.ue.uplink.carry(message, transport)

    def status(self, message: object) -> object | None:
        """5GSM STATUS #98 to a message that fits no state, §7.4; never to a STATUS, nor inside the UE."""
        if not isinstance(message, nas.GsmMessage) or isinstance(message, nas.FiveGSMStatus):
            return None
        return nas.FiveGSMStatus(
            pdu_session_id=message.pdu_session_id,
            pti=message.pti,
            cause=nas.GsmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE,
        )

    def describe(self, message: object) -> tuple[str, str]:
        return "N1", message.NAME if isinstance(message, nas.NasMessage) else type(message).__name__

    @property
    def label(self) -> str:
        return f"{self.ue.label} session {self.context.pdu_session_id}"

    def stored(self, context: SessionContext) -> None:
        self.ue.changed()

    def on_interface(self, interface: Interface, error: str) -> None:
        self.trouble = error
        if error:
            log.warning("%s: %s", self.label, error)
        self.commit(
            interface="" if error else interface.name,
            netns=interface.netns,
            address6=IPv6Address(interface.address6) if interface.address6 else None,
        )
        if self._answered is not None:
            self._answered.set()
            self._answered = None

    def open_interface(self) -> None:
        """Ask the cell for a network interface with the session's address."""
        context = self.context
        if context.has_interface:
            self._answered = asyncio.Event()
            self.ue.link.open_interface(
                Interface(
                    context.pdu_session_id,
                    "" if context.address is None else str(context.address),
                    context.mtu,
                    self.ue.settings.netns,
                    rules=uplink_rules(context.rules),
                    interface_identifier=context.interface_identifier,
                    behind=tuple(map(str, self.settings.behind)),
                    frames=context.is_ethernet,
                )
            )

    async def usable(self) -> None:
        """Returns when the cell has said whether programs can use the session; `trouble` says why they cannot."""
        if self._answered is None:
            return
        try:
            async with asyncio.timeout(INTERFACE_S):
                await self._answered.wait()
        except TimeoutError:
            self.trouble = "the gNB did not answer"

    @property
    def asked(self) -> Asked:
        """What the session wants, for explanations."""
        wanted = self.settings
        dnn = wanted.dnn or "the default DNN"
        return replace(
            self.ue.asked, dnn=dnn, s_nssai=str(wanted.s_nssai or "of the network's choice"), kind=wanted.kind
        )

    def check_access(self) -> None:
        """Refused where the cell bars what is asked for, in 5GMM-CONNECTED mode too (TS 24.501 §4.5.4.2)."""
        wanted, ue = self.settings, self.ue
        attempt = Attempt("emergency" if wanted.emergency else "data", ((wanted.dnn, wanted.s_nssai),))
        why = barred(ue.camp.information, access(ue.context, ue.camp.plmn, attempt).category)
        if why is not None:
            raise Refused(None, why)

    def check_back_off(self) -> None:
        """Refused while a back-off timer of this DNN or slice runs, or what is asked for is not given (§6.4.1.4)."""
        wanted = self.settings
        for key in of_kind(wanted):
            if self.ue.back_off.left(key)[1]:
                why = f"{wanted.dnn or 'the default DNN'} does not give {key[0]}: the network said so before"
                raise Refused(
                    None,
                    Why(why, "another `kind` or `ssc_mode` in the UE's sessions, or switch it off and on"),
                )
        timer, left = self.ue.back_off.left(*of_establishment(wanted.dnn, wanted.s_nssai))
        if left:
            mend = "wait: the network asked for it, or switch the UE off and on"
            raise Refused(None, Why(f"back-off timer {timer} runs for {left:.0f} s more", mend))

    def hold_off(self, cause: int, seconds: int | None) -> None:
        """The back-off timer that came with a cause, where one did."""
        wanted = self.settings
        kind, mode = of_kind(wanted)
        if cause in TYPE_CAUSES:
            self.ue.back_off.start(kind, nas.DEACTIVATED)
        elif cause == nas.GsmCause.NOT_SUPPORTED_SSC_MODE:
            self.ue.back_off.start(mode, nas.DEACTIVATED)
        self.ue.back_off.start(of_session(cause, wanted.dnn, wanted.s_nssai), seconds)

    def gone(self, reason: str = "") -> None:
        """The session ends here, and what was under way besides the caller; its interface goes."""
        self.abort(reason or "the session is released")
        self.pti = UNASSIGNED_PTI
        number = self.context.pdu_session_id
        if self.ue.sessions.get(number) is self:
            del self.ue.sessions[number]
        if self.context.has_interface:
            self.ue.link.close_interface(number)
        self.commit(
            state="INACTIVE",
            address=None,
            address6=None,
            interface_identifier=b"",
            bearer=False,
            interface="",
        )
