"""An emulated UE: one subject for 5GMM, one for each PDU session, on a radio link."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Literal

from cinq.numbering import Suci
from cinq.procedure import Aborted, Event, Refused, Runtime, Subject, TimerExpired, Why
from cinq.ran.radio.port import Cell, Interface, Link, Reconfiguration, SystemInformation, Warning
from cinq.ran.ue.back_off import BackOff
from cinq.ran.ue.broadcast import Shown, Warnings
from cinq.ran.ue.camp import Camp
from cinq.ran.ue.causes import Asked, authentication_rejected, explain
from cinq.ran.ue.context import Ended, Initial, Received, UeContext
from cinq.ran.ue.distrust import Distrust
from cinq.ran.ue.downlink import FROM_NETWORK, Downlink
from cinq.ran.ue.faults import Faults
from cinq.ran.ue.granted import acknowledged
from cinq.ran.ue.idle_mode import IdleMode
from cinq.ran.ue.security import Discarded, N1Security, capability_of
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.ran.ue.signals import Deregister, EstablishSession, ModifySession, Register, RequestService
from cinq.ran.ue.station import N1Station, Paged, Released
from cinq.ran.ue.timers import Timers
from cinq.ran.ue.uplink import Uplink
from cinq.ran.ue.usim import Usim
from cinq.wire import nas
from cinq.wire.nas.ie.transport import Payload

log = logging.getLogger("cinq.ran.ue")

Entropy = Callable[[int], bytes]
T3519_S = 60
_OWN: ContextVar[bool] = ContextVar("cinq-ue-own-initiative", default=False)


class Ue(Subject[UeContext]):
    """An emulated UE (radio.port.Mobile). Idle, it has no task; its one timer is T3512.

    released: PTI of the last release command that was confirmed, by PDU session identity. on_change: called whenever
    registration or a session changed, for screens; on_trouble: with what went wrong though nobody waits for it;
    on_payload: with what DL NAS TRANSPORT brings; on_shown: with each public warning. left: the user has deregistered
    the UE, which does not come back by itself. Refused, TimerExpired and Aborted are raised by the methods that perform
    procedures.
    """

    __slots__ = (
        "_capability",
        "_next_pti",
        "_suci",
        "authentication_failures",
        "back_off",
        "camp",
        "distrust",
        "downlink",
        "entropy",
        "faults",
        "idle_mode",
        "left",
        "link",
        "more_to_do",
        "on_change",
        "on_payload",
        "on_shown",
        "on_trouble",
        "reactivations",
        "released",
        "response",
        "security",
        "service_attempts",
        "sessions",
        "settings",
        "timers",
        "uplink",
        "usim",
        "warnings",
    )

    def __init__(self, settings: UeSettings, cell: Cell, runtime: Runtime, entropy: Entropy) -> None:
        super().__init__(UeContext(), runtime)
        self.settings = settings
        self.entropy = entropy
        self.usim = Usim(settings)
        self.security = N1Security()
        self.uplink = Uplink(self)
        self.downlink = Downlink(self)
        self.sessions: dict[int, Session] = {}
        self.released: dict[int, int] = {}
        self.authentication_failures = 0
        self.faults = Faults()
        self.timers = Timers()
        self.back_off = BackOff(lambda: asyncio.get_running_loop().time())
        self.response: tuple[bytes, bytes] | None = None
        self.on_trouble: Callable[[Ue, str, Why], None] | None = None
        self.on_payload: Callable[[Payload], None] | None = None
        self.on_shown: Callable[[Ue, Shown], None] | None = None
        self.warnings = Warnings()
        self.on_change: Callable[[Ue], None] | None = None
        self.camp = Camp(settings.plmn)
        self.idle_mode = IdleMode(self)
        self.distrust = Distrust(self)
        self.service_attempts = self.reactivations = 0
        self.left = False
        self.more_to_do = False
        self._suci: Suci | None = None
        self._next_pti = 1
        self._capability = capability_of(settings.integrity, settings.ciphering)
        self.link: Link = cell.attach(self)

    # what a user does

    async def register(
        self,
        kind: nas.RegistrationKind = nas.RegistrationKind.INITIAL,
        attempts: int = 5,
        *,
        follow_on: bool | None = None,
        uplink_data: frozenset[int] | None = None,
        allowed: frozenset[int] | None = None,
    ) -> None:
        """Register, TS 24.501 §5.5.1. Refused: with the REGISTRATION REJECT, or None where the network is silent.

        A refusal that may pass, and silence, are met by further attempts, T3511 apart: 5 as the specification has it.
        The rest as in signals.Register.
        """
        if not _OWN.get():
            self.left = False
        await self.demand(Register(kind, follow_on, attempts, uplink_data, allowed))

    async def deregister(self, switch_off: bool = False) -> None:
        """Deregister, TS 24.501 §5.5.2.2. Always ends deregistered, whatever the network says.

        A registration or a service request under way is aborted for it (§5.5.1.2.7, §5.6.1.7).
        """
        if isinstance(self.opening, (Register, RequestService)):
            self.abort("deregistration")
        self.left = True
        await self.demand(Deregister(switch_off))

    async def request_service(self, mobile_terminated: bool = False) -> None:
        """Leave CM-IDLE, TS 24.501 §5.6.1. Nothing happens where there is a connection and every bearer is up."""
        await self.demand(RequestService(mobile_terminated))

    async def establish_session(self, index: int = 0) -> Session:
        """Establish the PDU session of this index in the settings, TS 24.501 §6.4.1. Its identity is index+1."""
        return await self.open_session(self.settings.sessions[index], index + 1)

    async def open_session(
        self,
        wanted: SessionSettings,
        pdu_session_id: int = 0,
        *,
        request_type: int = nas.RequestType.INITIAL_REQUEST,
        old: int | None = None,
    ) -> Session:
        """Establish any PDU session, TS 24.501 §6.4.1, also of a DNN that has one already.

        pdu_session_id: 1 to 15, 0 takes the lowest that is free. request_type: a RequestType. old: the session that it
        takes the place of.
        """
        number = pdu_session_id or next(n for n in range(1, 16) if n not in self.sessions)
        session = self.sessions.get(number) or Session(self, number, wanted)
        if wanted.emergency and request_type == nas.RequestType.INITIAL_REQUEST:
            request_type = nas.RequestType.INITIAL_EMERGENCY_REQUEST

        async def establish() -> None:
            self.sessions[number] = session
            try:
                await session.establish(EstablishSession(request_type, old))
            finally:
                if session.context.state == "INACTIVE" and self.sessions.get(number) is session:
                    del self.sessions[number]

        await self._on_connection(establish, wanted)
        await session.usable()
        return session

    async def modify_session(self, pdu_session_id: int, wanted: ModifySession) -> None:
        """Ask for a modification of a PDU session, TS 24.501 §6.4.2. KeyError: there is none."""
        session = self.sessions[pdu_session_id]
        await self._on_connection(lambda: session.modify(wanted), session.settings)

    async def release_session(self, pdu_session_id: int) -> None:
        """Release a PDU session, TS 24.501 §6.4.3. KeyError: there is none."""
        session = self.sessions[pdu_session_id]
        await self._on_connection(session.release, session.settings)

    async def _on_connection(self, perform: Callable[[], Awaitable[None]], about: SessionSettings) -> None:
        """5GSM needs an N1 connection; where that is released meanwhile, it is tried once more (§5.4.5.2.6)."""
        for again in (True, False):
            if not self.link.connected:
                await self.demand(RequestService(sessions=((about.dnn, about.s_nssai),)))
            try:
                await perform()
                return
            except Aborted:
                if not again or self.link.connected or not self.context.registered:
                    raise

    def send_payload(self, kind: int, contents: bytes, additional_information: bytes | None = None) -> None:
        """SMS, LPP, UE policy ... in UL NAS TRANSPORT on the connection that there is, TS 24.501 §5.4.5.2.

        kind: a PayloadContainerType. additional_information: for LPP, the routing of the answer.
        """
        self.tell(
            nas.ULNASTransport(
                payload_container_type=kind,
                payload_container=contents,
                additional_information=additional_information,
            )
        )

    def reselect(self, nr_cell_identity: int) -> bool:
        """Camp on another cell while idle, TS 38.304 §5.2.4; outside the registration area a registration follows.

        False: there is no such cell, or the UE is connected.
        """
        return self.link.reselect(nr_cell_identity)

    def lose_radio_link(self, found: int | None = None) -> bool:
        """Radio link failure, TS 38.331 §5.3.10.3. found: the cell in which the connection is re-established.

        Where it is not, the UE recovers its NAS signalling connection by a registration (§5.5.1.3.2 f)), with the
        sessions whose bearers it had. Returns whether it was re-established.
        """
        if found is not None and self.link.re_establish(found):
            return True
        had = frozenset(n for n, session in self.sessions.items() if session.context.bearer)
        if self.link.connected:
            self.link.fail()
            self.on_released("radio link failure")
        if self.context.registered:
            again = Register(nas.RegistrationKind.MOBILITY, uplink_data=had)
            self.initiate(lambda: self.demand(again), "recovery of the connection")
        return False

    async def power_on(self) -> None:
        """Register and establish every session of the settings."""
        await self.register()
        for index in range(len(self.settings.sessions)):
            await self.establish_session(index)

    def leave(self) -> None:
        """Without a word: the radio link fails, interfaces go."""
        self.timers.stop_all()
        self.abort("leaves")
        self.link.detach()

    # the radio side: radio.port.Mobile

    @property
    def system_information(self) -> SystemInformation | None:
        """What the cell broadcasts."""
        return self.camp.information

    def on_system_information(self, information: SystemInformation) -> None:
        """Also of another cell that the UE camps on now: outside its registration area it registers (§5.5.1.3.2 a))."""
        before = self.camp.tai
        self.camp.heard(information)
        here, context = self.camp.tai, self.context
        moved = here != before and context.registered and not information.barred
        if moved and here not in context.tai_list:
            self.initiate(lambda: self.register(nas.RegistrationKind.MOBILITY), "registration in a new area")

    def on_downlink(self, nas_octets: bytes) -> None:
        """A NAS message. Whatever the octets, nothing is raised."""
        self.downlink.hear(nas_octets)

    def authentication_rejected(self, reject: nas.AuthenticationReject, checked: bool) -> None:
        """TS 24.501 §5.4.1.3.5: the USIM is invalid, whatever is under way. Without integrity it is so for a while."""
        self.timers.stop("T3520")
        self.deregistered(barred=authentication_rejected(self.asked), forget_identity=True, equivalents=True)
        if not checked:
            self.distrust.obeys()
        if not self.is_idle:
            self.receive(Ended("authentication rejected", reject))

    def on_released(self, cause: str) -> None:
        self.timers.stop("T3520", "T3540")
        self.security.released()
        if self.uplink.station is not None:
            self.uplink.station.event(Released(cause))
        for session in list(self.sessions.values()):
            session.abort("the N1 connection is released")
            session.commit(bearer=False)
        if not self.is_idle:
            self.receive(Ended(cause))
        if self.context.registered:
            self.idle_mode.entered()

    def on_handover(self, told: Reconfiguration) -> bool:
        """TS 33.501 §6.9.2.3.4: the key chain goes on. Connection, sessions and NAS do as well."""
        try:
            self.security.hand_over(told, self._capability)
        except Discarded as reason:
            self.troubled("handover", Why(f"the UE stays in its cell: {reason}", "the AMF's keys of the UE"))
            return False
        return True

    def on_bearer(self, pdu_session_id: int, up: bool) -> None:
        session = self.sessions.get(pdu_session_id)
        if session is not None:
            session.commit(bearer=up)
            if up:
                self.timers.stop("T3540")
            self.changed()

    def on_interface(self, interface: Interface, error: str) -> None:
        session = self.sessions.get(interface.pdu_session_id)
        if session is not None:
            session.on_interface(interface, error)

    def on_paging(self) -> None:
        """TS 24.501 §5.6.2.2.1: a service request for mobile terminated services."""
        if self.uplink.station is not None:
            self.uplink.station.event(Paged())
        self.initiate(lambda: self.request_service(mobile_terminated=True), "paging")

    def on_warning(self, warning: Warning) -> None:
        """TS 23.041 §8.2: shown to the user, once."""
        shown = self.warnings.heard(warning)
        if shown is not None and self.on_shown is not None:
            self.on_shown(self, shown)

    def on_uplink_data(self, pdu_session_id: int) -> None:
        """TS 24.501 §5.6.1.1 d): user data is pending."""
        self.initiate(self.request_service, "uplink data")

    @property
    def station(self) -> N1Station:
        """Where a test bench stands: any octets, filters, records (station.py)."""
        if self.uplink.station is None:
            self.uplink.station = N1Station(self.security, self.uplink)
        return self.uplink.station

    # the subject's ports

    def send(self, message: object) -> None:
        if isinstance(message, Initial):
            self.uplink.connect(message)
            return
        assert isinstance(message, nas.NasMessage)
        if not isinstance(message, (nas.RegistrationComplete, nas.ConfigurationUpdateComplete)):
            self.timers.stop("T3540")
        self.uplink.tell(message)

    def connecting(self, message: nas.NasMessage | None) -> None:
        self.idle_mode.left(message)

    def content(self, message: object) -> object:
        return message.message if isinstance(message, Received) else message

    def status(self, message: object) -> object | None:
        """TS 24.501 §7.4: 5GMM STATUS, but never to a message that was not checked, nor to a STATUS.

        #98 for what a network may say at another time, #97 for what no network says. A REGISTRATION ACCEPT that comes
        again is acknowledged again: the network has not heard the first REGISTRATION COMPLETE (§5.5.1.2.8 c)).
        """
        if not isinstance(message, Received) or not message.checked:
            return None
        if isinstance(message.message, nas.FiveGMMStatus):
            return None
        if isinstance(message.message, nas.RegistrationAccept) and self.context.registered:
            return nas.RegistrationComplete() if acknowledged(message.message) else None
        if isinstance(message.message, FROM_NETWORK):
            return nas.FiveGMMStatus(cause=nas.GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE)
        return nas.FiveGMMStatus(cause=nas.GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED)

    def describe(self, message: object) -> tuple[str, str]:
        content = self.content(message)
        name = content.NAME if isinstance(content, nas.NasMessage) else type(content).__name__
        return "N1", name

    @property
    def label(self) -> str:
        return str(self.settings.supi)

    def stored(self, context: UeContext) -> None:
        self.changed()

    def changed(self) -> None:
        if self.on_change is not None:
            self.on_change(self)

    def journal(
        self,
        direction: Literal["in", "out"],
        octets: bytes,
        message: nas.NasMessage | None,
        cause: str = "",
    ) -> None:
        """A NAS message that came or goes, deciphered as far as it is known."""
        runtime = self.runtime
        if runtime.journal.listening:
            running = "" if self.running is None else self.running.name
            name = "NAS PDU" if message is None else message.NAME
            now, label = runtime.clock.now(), self.label
            runtime.journal.emit(
                Event(now, "UE", label, running, direction, "N1", name, cause, octets, message)
            )

    # what procedures use

    @property
    def asked(self) -> Asked:
        """Who the UE is and what it wants, for explanations."""
        wanted = ", ".join(map(str, self.settings.slices)) or "no slice"
        return Asked(self.label, f"PLMN {self.camp.plmn}", str(self.camp.tai or "this tracking area"), wanted)

    @property
    def active_sessions(self) -> frozenset[int]:
        return frozenset(n for n, session in self.sessions.items() if session.context.state == "ACTIVE")

    def suci(self) -> Suci:
        """The one that was sent last while T3519 runs, else a fresh one (TS 24.501 §5.5.1.2.2, §5.4.3.3)."""
        if self._suci is None or not self.timers.runs("T3519"):
            self._suci = self.usim.conceal(self.entropy)
            self.timers.start("T3519", T3519_S, lambda: None)
        return self._suci

    @property
    def capability(self) -> bytes:
        """UE security capability as sent, TS 24.501 §9.11.3.54."""
        return self._capability

    def allocate_pti(self) -> int:
        """A procedure transaction identity that no session uses, 1 to 254 (TS 24.007 §11.2.3.1a)."""
        used = {session.pti for session in self.sessions.values()}
        while True:
            pti, self._next_pti = self._next_pti, self._next_pti % 254 + 1
            if pti not in used:
                return pti

    def initiate(self, body: Callable[[], Awaitable[object]], name: str) -> None:
        """Perform something on the UE's own initiative; that the network refuses it is in the journal already."""

        async def perform() -> None:
            _OWN.set(True)
            try:
                await body()
            except (Refused, TimerExpired, Aborted) as ended:
                log.info("%s: %s: %s", self.label, name, ended)
                self.troubled(name, explain(ended, self.asked))

        self.runtime.spawn(perform, name)

    def troubled(self, what: str, why: Why) -> None:
        """Something that nobody waits for went wrong: a screen may say so."""
        if self.on_trouble is not None:
            self.on_trouble(self, what, why)

    def drop_sessions(self, status: frozenset[int] | None = None) -> None:
        """Local release of all sessions, or of the active ones that a PDU session status does not name (§5.5.1.3.4)."""
        for pdu_session_id, session in list(self.sessions.items()):
            if status is None or (pdu_session_id not in status and session.context.state == "ACTIVE"):
                session.gone("released locally")

    def deregistered(
        self, *, barred: str = "", forget_identity: bool = False, equivalents: bool = False
    ) -> None:
        """5GMM-DEREGISTERED: sessions go; with forget_identity also GUTI, TAI list and keys (§5.5.1.2.5).

        equivalents: the list of equivalent PLMNs as well. What bars the UE stays until it is switched off.
        """
        barred = barred or self.context.barred
        self.timers.stop("T3512")
        self.drop_sessions()
        if forget_identity:
            self.security.delete()
            self.link.listen(None)
            self.commit(registered=False, guti=None, tai_list=(), last_visited_tai=None, barred=barred)
        else:
            self.commit(registered=False, barred=barred)
        if equivalents:
            self.commit(equivalent_plmns=())

    def switched_off(self) -> None:
        """What does not outlast it: the validity of the USIM, forbidden lists, back-off timers (§5.3.13, §5.3.13A)."""
        self.back_off.stop_all()
        self.timers.stop_all()
        self.distrust.reset()
        self.commit(
            barred="",
            forbidden_plmns=frozenset(),
            forbidden_tais_roaming=frozenset(),
            forbidden_tais_regional=frozenset(),
            rejected_nssai=(),
            pending_nssai=(),
        )
