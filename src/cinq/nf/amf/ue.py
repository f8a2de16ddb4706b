"""A UE: the subject of the 5GMM procedures and of the NGAP procedures of its connection."""

from __future__ import annotations

import asyncio
from functools import partial

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import UeContext, shared
from cinq.nf.amf.n1.envelope import Checked, Unprotected
from cinq.nf.amf.n1.exchange import Exchange, UsedUp
from cinq.nf.amf.n2 import carriage, standing
from cinq.nf.amf.n2.association import Access, NgConnection
from cinq.nf.amf.n2.carriage import PagingAttempt, Resource, Transfer
from cinq.nf.amf.n2.diagnosis import incompatible
from cinq.nf.amf.n2.elements import Place
from cinq.nf.amf.ports import Ports
from cinq.nf.amf.registry import Registry
from cinq.numbering import PlmnId, Tai
from cinq.procedure import Refused, Subject, Why
from cinq.wire import nas, ngap

REACHED_WITHIN_S = 60.0  # how long somebody waits for a UE that is paged
ACCEPTS = (nas.RegistrationAccept, nas.ServiceAccept)
NO_COUNT = Why(
    "the downlink NAS COUNT of the UE's keys is used up (TS 24.501 §4.4.3.5): it is released, and authenticated anew",
    "nothing: the UE registers again by itself",
)
REJECTS = (nas.RegistrationReject, nas.ServiceReject, nas.AuthenticationReject)


class Ue(Subject[UeContext]):
    """Besides the stored context, what lasts as long as a connection or a process:

    connection: the one that serves the UE; None in CM-IDLE. target: the one to which a handover is under way.
    exchange: its keys and counts on N1.
    kept: the store has its context. last_place: where it was when its connection ended,
    last_heard: as heard at that time.
    waiting: those who wait for the UE to be reached.
    complete_due: it went on without REGISTRATION COMPLETE, which may still come.
    paged: its 5G-GUTI was paged and is to be replaced. pending: what waits for the UE to be reached.
    resources: what is set up with the next accept.
    recommended: the cells where the gNB that served it last would page it.
    why: the cause of the next release of the connection.
    """

    __slots__ = (
        "access",
        "complete_due",
        "connection",
        "exchange",
        "kept",
        "last_heard",
        "last_place",
        "paged",
        "pending",
        "ports",
        "recommended",
        "registry",
        "resources",
        "target",
        "waiting",
        "why",
    )

    def __init__(self, ports: Ports, registry: Registry[Ue], access: Access, context: UeContext) -> None:
        super().__init__(context, ports.runtime)
        self.ports = ports
        self.registry = registry
        self.access = access
        self.connection: NgConnection | None = None
        self.target: NgConnection | None = None
        self.exchange = Exchange(context.security)
        self.kept = False
        self.last_place: Place | None = None
        self.last_heard = 0.0
        self.paged = False
        self.complete_due = False
        self.pending: tuple[Transfer, ...] = ()
        self.resources: tuple[Transfer, ...] = ()
        self.waiting: tuple[asyncio.Future[None], ...] = ()
        self.recommended: ngap.AssistanceDataForRecommendedCells | None = None
        self.why: ngap.Cause = ("nas", "normal-release")

    # ports of the subject

    def send(self, message: object) -> None:
        """A NAS message (protected, and carried by the NGAP message that fits) or an NGAP message."""
        if isinstance(message, nas.GmmMessage):
            self._send_nas(message)
            if isinstance(message, nas.AuthenticationReject):
                self.why = ("nas", "authentication-failure")
            if isinstance(message, REJECTS):
                self.release_soon()
        elif isinstance(message, PagingAttempt):
            self._page(message)
        elif isinstance(message, ngap.Pdu):
            if self.connection is not None:
                self.connection.send(message)
        else:
            raise TypeError(f"{type(message).__name__} cannot be sent to a UE")

    def _send_nas(self, message: nas.GmmMessage) -> None:
        """In the message that fits: an accept goes with the UE context when the gNB asked for one."""
        connection = self.connection
        if connection is None:
            journal.n1_ignored(self, b"", f"{message.NAME} not sent: CM-IDLE")
            return
        if isinstance(message, ACCEPTS):
            resources, self.resources = self.resources, ()
            if resources or (connection.wants_context and not connection.has_context):
                self.set_up(connection, message, resources)
                return
            if connection.has_context and self.exchange.is_new_to_gnb:
                self.rekey(connection)
        octets = self.protect(message)
        if isinstance(message, nas.DLNASTransport):
            connection.remember(octets, message)
        connection.send(carriage.nas_transport(connection, octets))

    def _page(self, attempt: PagingAttempt) -> None:
        """At the pace of pagings; by then it may have answered already, or be paged no longer."""
        self.access.pagings.soon(partial(self._page_now, attempt))

    def _page_now(self, attempt: PagingAttempt) -> None:
        """To the gNB named, or to every one that serves a tracking area of the attempt (TS 38.413 §8.5.1)."""
        if self.connection is not None or self.runtime.stopping:
            return
        for ran in self.access.rans:
            if attempt.gnb not in ("", ran.context.node_id):
                continue
            if any(tai in attempt.area for tai, _ in ran.context.tais):
                ran.transmit(attempt.message, 0, self)

    def stored(self, context: UeContext) -> None:
        self.registry.store(self)

    def commit(self, **changes: object) -> None:
        """As Subject.commit. CM state is what it is at this moment; so are the security counts of what is stored."""
        state = "CM-IDLE" if self.connection is None else "CM-CONNECTED"
        if state != self.context.cm_state:
            changes["cm_state"] = state
            changes["idle_since"] = self.ports.clock.now()
        if self.connection is not None and self.connection.ran.context.node_id != self.context.last_gnb:
            changes["last_gnb"] = shared(self.connection.ran.context.node_id)
        if "rm_state" in changes or self.context.rm_state == "RM-REGISTERED":
            keys = self.exchange.counted()
            if keys is not None:
                changes["security"] = keys
        super().commit(**changes)

    def status(self, message: object) -> object | None:
        """5GMM STATUS #98 for a checked message that fits no state (TS 24.501 §7.4); silence for any other.

        What a gNB begins, and the state does not allow, is a logical error (TS 38.413 §10.4).
        """
        if isinstance(message, ngap.Pdu):
            return incompatible(message) if message.KIND == "initiatingMessage" else None
        if self.complete_due and self.content(message) == nas.RegistrationComplete():
            self.complete_due = False
            return None
        if isinstance(message, Checked) and not isinstance(message.message, nas.FiveGMMStatus):
            return nas.FiveGMMStatus(cause=nas.GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE)
        return None

    def content(self, message: object) -> object:
        if isinstance(message, (Checked, Unprotected)):
            return message.message
        return message

    def describe(self, message: object) -> tuple[str, str]:
        content = self.content(message)
        if isinstance(content, nas.NasMessage):
            return "N1", content.NAME
        if isinstance(content, PagingAttempt):
            content = content.message
        return ("N2", type(content).__name__) if isinstance(content, ngap.Pdu) else ("", "")

    def idle(self) -> None:
        """A UE that is not registered keeps neither its connection nor, without one, its context."""
        if self.context.rm_state == "RM-REGISTERED":
            return
        if self.connection is None:
            self.registry.forget(self)
        elif not self.connection.releasing:
            self.want_beside(signals.ReleaseConnection(self.why))

    # what goes to the UE and its gNB

    def protect(self, message: nas.GmmMessage) -> bytes:
        """The NAS PDU of a downlink message. Refused: its keys have no COUNT left; its connection ends then."""
        octets = nas.encode(message)
        try:
            protected = self.exchange.protect(message, octets, self.commit)
        except UsedUp:
            self.commit(security=None)
            self.want(signals.ReleaseConnection(("nas", "unspecified")))
            raise Refused(None, NO_COUNT) from None
        if self.runtime.journal.listening or type(message) in journal.MAY_TROUBLE:
            journal.n1_message(self, "out", message, octets)
        return protected

    def resource(self, transfer: Transfer) -> Resource:
        """With its 5GSM message protected: it goes out now."""
        if transfer.n1 is None:
            return Resource(transfer, None)
        return Resource(transfer, self.protect(carriage.sm_container(transfer.pdu_session_id, transfer.n1)))

    def set_up(
        self, connection: NgConnection, message: nas.GmmMessage | None, transfers: tuple[Transfer, ...]
    ) -> None:
        """Resources of PDU sessions, with the UE context where the gNB has none; `message` goes along."""
        settings = self.ports.settings
        nas_pdu = None if message is None else self.protect(message)
        resources = [self.resource(transfer) for transfer in transfers]
        sessions = frozenset(transfer.pdu_session_id for transfer in transfers)
        if connection.has_context:
            setup = carriage.resource_setup(connection, self.context, settings, nas_pdu, resources)
            connection.begin(setup, signals.ResourceSetupSent(sessions))
        else:
            key = self.exchange.kgnb()
            stays = standing.of(self.access.orders, self.context.supi)
            whole = carriage.context_setup(connection, self.context, settings, key, nas_pdu, resources, stays)
            connection.has_context = True
            connection.begin(whole, signals.ContextSetupSent(sessions))

    def rekey(self, connection: NgConnection) -> None:
        """The UE has taken other keys into use than its gNB's KgNB is derived from (TS 33.501 §6.9.4.4)."""
        request = carriage.context_modification(connection, self.context, self.exchange.kgnb())
        self.exchange.rekeying = True
        connection.begin(request, signals.ContextModificationSent())

    def release_soon(self) -> None:
        """A rejected UE has no use of its connection. (One that is not registered loses it when it is idle.)"""
        if self.context.rm_state == "RM-REGISTERED":
            self.want(signals.ReleaseConnection(self.why))

    def reach(self) -> None:
        """It is CM-IDLE, and something is pending: page it, unless that is under way or it would not hear."""
        if not self.sleeps and self.running is not self.opens[signals.Page]:
            self.want(signals.Page())

    async def reachable(self) -> bool:
        """Whether it has a connection where it is heard: an idle UE is paged for it, one that comes is waited for."""
        if self.is_reached:
            return True
        if self.sleeps or self.context.rm_state != "RM-REGISTERED":
            return False
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting = (*self.waiting, waiter)
        if self.connection is None:
            self.reach()
        await asyncio.wait((waiter,), timeout=REACHED_WITHIN_S)
        return self.is_reached

    @property
    def is_reached(self) -> bool:
        return self.connection is not None and self.exchange.secured and not self.connection.releasing

    def wake(self) -> None:
        """It is reached, or cannot be: whoever waits looks."""
        waiting, self.waiting = self.waiting, ()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def renew_keys(self) -> None:
        """Its NAS COUNTs come to their end, unless that is mended already, or there is none left to say it with."""
        if not self.exchange.spent and self.running is not self.opens[signals.RenewKeys]:
            self.want(signals.RenewKeys())

    # its connection

    def connect(self, connection: NgConnection) -> None:
        """The UE begins to speak on a new connection. What it had before is the caller's to drop."""
        self.connection = connection
        self.exchange.secured = self.exchange.rekeying = False
        self.why = ("nas", "normal-release")

    def drop_connections(self) -> None:
        """The UE is elsewhere: the gNBs that had it let go."""
        for former in (self.connection, self.target):
            if former is not None:
                self.access.drop(former, ("radioNetwork", "release-due-to-5gc-generated-reason"))
        self.connection = self.target = None

    def disconnect(self) -> None:
        """CM-IDLE. A handover that was under way has no more use of its target."""
        connection, target = self.connection, self.target
        self.connection = self.target = None
        if connection is not None:
            self.last_place, self.last_heard = connection.place, connection.heard
            self.access.release(connection)
        if target is not None:
            self.access.drop(target, ("radioNetwork", "handover-cancelled"))
        self.exchange.secured = False

    def move(self) -> NgConnection:
        """The UE is at the target, which serves it from now on. Returns the source. NAS security goes on as it is."""
        source, target = self.connection, self.target
        assert source is not None
        assert target is not None
        self.connection, self.target = target, None
        return source

    def connection_ended(self, connection: NgConnection) -> None:
        """This connection is no more; the UE is CM-IDLE unless it has a newer one."""
        self.access.release(connection)
        if self.target is connection:
            self.target = None
        elif self.connection is connection:
            self.disconnect()
            if self.context.rm_state == "RM-REGISTERED":
                self.commit()
                if self.pending:
                    self.reach()
            elif self.is_idle:
                self.idle()

    def connection_lost(self, connection: NgConnection, reason: str) -> None:
        """It went away without a release: whatever the UE was doing ends, and its SMFs are told.

        Behind the answers that have come before: they have their effect first. A UE that has moved on by Xn is not lost
        with the gNB that it came from.
        """
        arriving = connection.arriving
        if arriving is not None and not arriving.is_lost:
            return
        if self.has_answer or connection.has_answer:
            asyncio.get_running_loop().call_soon(self.connection_lost, connection, reason)
            return
        if self.connection is not connection:
            self.connection_ended(connection)
            return
        self.abort(reason)
        self.connection_ended(connection)
        if self.context.rm_state == "RM-REGISTERED":
            if self.context.sm_contexts:
                self.want_beside(signals.DeactivateSessions())
        elif self.is_idle:
            self.idle()

    def reject(self, message: nas.GmmMessage) -> None:
        """Answer a message that cannot be read, on behalf of no procedure, and let go of an unknown UE."""
        self.tell(message)
        if self.is_idle:
            self.idle()

    @property
    def plmn(self) -> PlmnId:
        """The PLMN that serves it: that of its cell; of its 5G-GUTI while it has none (TS 23.501 §5.18)."""
        if self.connection is not None:
            return self.connection.place.tai.plmn
        guti = self.context.guti
        return self.ports.settings.plmn if guti is None else guti.plmn

    @property
    def tai(self) -> Tai:
        """Where it is now; where the network begins, without a connection."""
        return self.ports.settings.tais[0] if self.connection is None else self.connection.place.tai

    @property
    def sleeps(self) -> bool:
        """In MICO mode, idle for longer than its active time: it does not listen to paging (TS 23.501 §5.4.1.3)."""
        context = self.context
        if self.connection is not None or not context.mico:
            return False
        return self.ports.clock.now() > context.idle_since + context.t3324

    @property
    def may_have_service(self) -> bool:
        """Whether it is in no non-allowed area now (TS 24.501 §5.3.5.2); idle: whether it may be in none."""
        limits = self.context.service_area
        if limits is None:
            return True
        if self.connection is None:
            return any(limits.allows(tai.tac) for tai in self.context.registration_area)
        return limits.allows(self.tai.tac)

    @property
    def procedure_name(self) -> str:
        running = self.running
        return "" if running is None else running.name

    @property
    def whereabouts(self) -> str:
        return "" if self.connection is None else self.connection.whereabouts

    @property
    def label(self) -> str:
        supi = self.context.supi
        if supi is not None:
            return str(supi)
        connection = self.connection
        return "UE" if connection is None else f"UE {connection.amf_ue_ngap_id}"


def ue_of(connection: NgConnection) -> Ue:
    """The user of a connection of the AMF is a UE."""
    user: Ue = connection.user  # type: ignore[assignment]  # a cast() is a call, and this is asked for each message
    return user
