"""The gNBs of an AMF, and the UE-associated logical NG-connections with them (TS 38.413 §3.1). Nothing is stored."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from cinq.nf.amf import journal
from cinq.nf.amf.availability import Availability
from cinq.nf.amf.consumers import Consumers
from cinq.nf.amf.context import RanContext
from cinq.nf.amf.n2 import carriage, elements
from cinq.nf.amf.n2.diagnosis import declined
from cinq.nf.amf.n2.failures import refusal
from cinq.nf.amf.n2.pacing import Pacer
from cinq.nf.amf.orders import Orders
from cinq.nf.amf.ports import Ports
from cinq.nf.amf.warnings import Warnings
from cinq.numbering import NumberingError, SNssai, Tai
from cinq.procedure import Declined, Signal, Subject, Why
from cinq.wire import nas, ngap

log = logging.getLogger("cinq.amf")

MAX_NGAP_ID = (1 << 40) - 1
UNASSIGNED = carriage.UNASSIGNED
NOT_NOW: ngap.Cause = ("protocol", "message-not-compatible-with-receiver-state")
OPERATOR: ngap.Cause = ("misc", "om-intervention")
"""An action of operation and maintenance (TS 38.413 §9.3.1.2): a policy keeps the gNB out."""
REMEMBERED = 4  # transports that a gNB may give back as not delivered
RELEASE_GUARD_S = 10.0  # how long a UEContextReleaseComplete is waited for


class N2Association(Protocol):
    """What the AMF needs of an SCTP association. `cinq.transport.sctp.Association` is one."""

    @property
    def outbound_streams(self) -> int:
        """Streams that the gNB agreed to receive, at least 1."""
        ...

    def send(self, octets: bytes, *, stream: int) -> None:
        """Queue one message on a stream."""
        ...

    @property
    def remote(self) -> tuple[str, int]: ...

    async def alive(self, within: float = 2.0) -> bool:
        """Whether the gNB's end answers a heartbeat within `within` seconds."""
        ...

    def abort(self, reason: str = "") -> None:
        """End it; `lost` follows."""
        ...


def stream_of(amf_ue_ngap_id: int, streams: int) -> int:
    """TS 38.412 §7: stream 0 is for messages of no UE; a UE keeps to one of the others, where there are any."""
    return 0 if streams < 2 else 1 + amf_ue_ngap_id % (streams - 1)


class User(journal.Acting, Protocol):
    """The UE behind a connection, as the connection and its gNB see it."""

    def connection_lost(self, connection: NgConnection, reason: str) -> None:
        """It went away without a release."""


class NgConnection(Subject[None]):
    """A UE-associated logical NG-connection: the subject of the class 1 procedures that the AMF begins on it.

    ids: those of both ends; a gNB that a handover asks for resources has not given its own yet (UNASSIGNED).
    stream: the SCTP stream that its messages take. place: where the UE is, as last reported.
    heard: when that was, seconds since 1970.
    wants_context: the gNB asked for an initial context setup. has_context: whether it has a UE context, or is
    being given one. releasing: a UE Context Release is under way.
    lately: the last transports to the UE, as they went out.
    cause: why the UE asked for its radio connection (TS 38.413 §9.3.1.111), carried over by a handover.
    initial: the INITIAL UE MESSAGE as it came, where its UE may be rerouted.
    arriving: where its UE is by now, while a path switch from there is under way.
    """

    __slots__ = (
        "amf_ue_ngap_id",
        "arriving",
        "cause",
        "has_context",
        "heard",
        "initial",
        "lately",
        "place",
        "ran",
        "ran_ue_ngap_id",
        "releasing",
        "stream",
        "user",
        "wants_context",
    )

    def __init__(
        self,
        ran: Ran,
        amf_ue_ngap_id: int,
        ran_ue_ngap_id: int,
        place: elements.Place,
        user: User,
        wants_context: bool = False,
    ) -> None:
        super().__init__(None, ran.runtime)
        self.ran = ran
        self.user = user
        self.amf_ue_ngap_id = amf_ue_ngap_id
        self.ran_ue_ngap_id = ran_ue_ngap_id
        self.stream = stream_of(amf_ue_ngap_id, ran.association.outbound_streams)
        self.place = place
        self.heard = ran.runtime.clock.now()
        self.wants_context = wants_context
        self.has_context = False
        self.releasing = False
        self.lately: tuple[tuple[bytes, nas.DLNASTransport], ...] = ()
        self.arriving: Ran | None = None
        self.initial = b""
        self.cause = ""

    def remember(self, octets: bytes, message: nas.DLNASTransport) -> None:
        """The gNB may say that it could not deliver this (§8.6.4)."""
        self.lately = (*self.lately[1 - REMEMBERED :], (octets, message))

    def sent(self, octets: bytes) -> nas.DLNASTransport | None:
        """The message in a NAS PDU that went out lately. Once: it is not lost twice."""
        for one in self.lately:
            if one[0] == octets:
                self.lately = tuple(other for other in self.lately if other is not one)
                return one[1]
        return None

    def send(self, message: object) -> None:
        assert isinstance(message, ngap.Pdu)
        self.ran.transmit(message, self.stream, self.user)

    def begin(self, request: ngap.Pdu, sent: Signal[None]) -> None:
        """Send the request of a class 1 procedure. `sent` opens what waits for its outcome, beside others in flight.

        It goes out at once: the COUNTs of the NAS messages that it may carry go up in the order of sending.
        """
        self.send(request)
        self.want_beside(sent)

    def status(self, message: object) -> object | None:
        """TS 38.413 §10.4: a request that does not fit the state fails. An answer is dealt with here alone."""
        if not isinstance(message, ngap.Pdu) or message.KIND != "initiatingMessage":
            return None
        if isinstance(message, ngap.ErrorIndication):
            return None
        return refusal(message, NOT_NOW)

    def declined(
        self, message: object, sent: object | None, expected: tuple[type[object], ...]
    ) -> Declined | None:
        return declined(self.ran.label, message, sent, expected, self.questions == 1)

    def describe(self, message: object) -> tuple[str, str]:
        return ("N2", type(message).__name__) if isinstance(message, ngap.Pdu) else ("", "")

    @property
    def label(self) -> str:
        return self.user.label

    @property
    def whereabouts(self) -> str:
        return self.ran.label

    def moved(self, location: ngap.UserLocationInformation | None) -> None:
        """The gNB reported where the UE is, or left that out (criticality ignore)."""
        if location is not None and location[0] == "userLocationInformationNR":
            try:
                self.place = elements.place_of(location[1])
            except NumberingError:
                return
            self.heard = self.ran.runtime.clock.now()


class Ran(Subject[RanContext]):
    """A gNB: the subject of the NGAP procedures that concern no single UE.

    due: ends the association when no NG Setup has come by then.
    connections: by RAN UE NGAP ID. preparing: those of handovers to it, for which it has given none yet.
    leaving: those whose release the gNB has not confirmed, by AMF UE NGAP ID, with the RAN UE NGAP ID and the
    time after which nobody waits any longer. claimed: the name that it gave with a setup that may be refused.
    drained: why it takes on nobody more. empties_at: when its UEs begin to be moved away; leaves_at: when it is let go
    at the latest; both by the loop's clock. moved: how often each UE was since it is drained.
    """

    __slots__ = (
        "access",
        "association",
        "claimed",
        "connections",
        "drained",
        "due",
        "empties_at",
        "is_lost",
        "leaves_at",
        "leaving",
        "moved",
        "ports",
        "preparing",
    )

    def __init__(self, ports: Ports, access: Access, association: N2Association) -> None:
        super().__init__(RanContext(), ports.runtime)
        self.ports = ports
        self.access = access
        self.association = association
        self.is_lost = False
        self.claimed = ""
        self.drained: Why | None = None
        self.empties_at = 0.0
        self.leaves_at: float | None = None
        self.moved: dict[str, int] = {}
        self.due: asyncio.TimerHandle | None = None
        self.connections: dict[int, NgConnection] = {}
        self.preparing: list[NgConnection] = []
        self.leaving: dict[int, tuple[int, float]] = {}

    def send(self, message: object) -> None:
        """A message that concerns no single UE: stream 0 is theirs (TS 38.412 §7)."""
        assert isinstance(message, ngap.Pdu)
        self.transmit(message, 0, None)

    def transmit(self, message: ngap.Pdu, stream: int, user: User | None) -> None:
        """user: whom the message concerns."""
        octets = ngap.encode(message)
        journal.n2_message(user or self, "out", message, octets, self)
        self.association.send(octets, stream=stream)

    @property
    def remote(self) -> tuple[str, int]:
        return self.association.remote

    def lose_connections(self, reason: str) -> None:
        """All UEs of the gNB are CM-IDLE, without a word to it."""
        for connection in (*self.connections.values(), *self.preparing):
            connection.user.connection_lost(connection, reason)
        self.leaving.clear()

    def status(self, message: object) -> object | None:
        """TS 38.413 §10.4: a message that does not fit the state. One that answers is dealt with here alone."""
        assert isinstance(message, ngap.Pdu)
        if isinstance(message, ngap.ErrorIndication) or message.KIND != "initiatingMessage":
            return None
        return refusal(message, NOT_NOW)

    def stored(self, context: RanContext) -> None:
        """Nothing is; but other slices may be there now."""
        self.access.availability.changed()

    def declined(
        self, message: object, sent: object | None, expected: tuple[type[object], ...]
    ) -> Declined | None:
        return declined(self.label, message, sent, expected, self.questions == 1)

    def describe(self, message: object) -> tuple[str, str]:
        return ("N2", type(message).__name__) if isinstance(message, ngap.Pdu) else ("", "")

    @property
    def procedure_name(self) -> str:
        running = self.running
        return "" if running is None else running.name

    @property
    def label(self) -> str:
        return self.context.name or self.context.node_id or "gNB"

    @property
    def whereabouts(self) -> str:
        if self.context.is_set_up:
            return self.label
        host, port = self.remote
        return f"{self.claimed} ({host}:{port})" if self.claimed else f"gNB at {host}:{port}"


class Access:
    """All gNBs of the AMF, and all connections by AMF UE NGAP ID."""

    def __init__(self, ports: Ports, warnings: Warnings, orders: Orders) -> None:
        self._ports = ports
        self.warnings = warnings
        self.orders = orders
        self.consumers = Consumers()
        self.rans: list[Ran] = []
        self.connections: dict[int, NgConnection] = {}
        self._last_ngap_id = 0
        self.pagings = Pacer()
        self.availability = Availability(ports, self)

    def supported(self) -> dict[Tai, frozenset[SNssai]]:
        """The slices of all gNBs in each tracking area."""
        found: dict[Tai, frozenset[SNssai]] = {}
        for ran in self.rans:
            for tai, slices in ran.context.tais:
                found[tai] = found.get(tai, frozenset()).union(slices)
        return found

    def associated(self, association: N2Association) -> Ran:
        ran = Ran(self._ports, self, association)
        self.rans.append(ran)
        self.setup_due(ran)
        return ran

    def setup_due(self, ran: Ran, more_s: float = 0.0) -> None:
        """An association that is not set up within the time, and `more_s`, is ended: others may want its place."""
        if ran.due is not None:
            ran.due.cancel()
        within = self._ports.settings.ng_setup_within_s + more_s

        def end() -> None:
            ran.due = None
            if not (ran.is_lost or ran.context.is_set_up or ran.runtime.stopping):
                address, port = ran.remote
                log.warning("association from %s:%d ended: no NG Setup within %g s", address, port, within)
                ran.association.abort(f"no NG Setup within {within:g} s")

        ran.due = asyncio.get_running_loop().call_later(within, end)

    def association_lost(self, ran: Ran, reason: str) -> None:
        """TS 38.412 §7: all UE-associated connections of the gNB are gone with it."""
        ran.is_lost = True
        if ran.due is not None:
            ran.due.cancel()
        self.rans.remove(ran)
        self.availability.changed()
        ran.abort(f"association lost: {reason}")
        ran.lose_connections(f"association lost: {reason}")

    def connect(
        self, ran: Ran, message: ngap.InitialUEMessage, place: elements.Place, user: User
    ) -> NgConnection:
        """A UE has come by an INITIAL UE MESSAGE."""
        wants_context = message.ue_context_request is not None
        number = self.unused_number()
        connection = NgConnection(ran, number, message.ran_ue_ngap_id, place, user, wants_context)
        connection.cause = message.rrc_establishment_cause
        self.connections[number] = ran.connections[message.ran_ue_ngap_id] = connection
        return connection

    def prepare(self, ran: Ran, place: elements.Place, user: User) -> NgConnection:
        """A UE may come by a handover: the gNB is still to give its identity (`assign`)."""
        number = self.unused_number()
        connection = NgConnection(ran, number, UNASSIGNED, place, user)
        self.connections[number] = connection
        ran.preparing.append(connection)
        return connection

    def assign(self, connection: NgConnection, ran_ue_ngap_id: int) -> bool:
        """The gNB's identity of a prepared connection. False: another of that gNB has it, or this one is released."""
        ran = connection.ran
        if ran_ue_ngap_id in ran.connections or connection not in ran.preparing:
            return False
        ran.preparing.remove(connection)
        connection.ran_ue_ngap_id = ran_ue_ngap_id
        ran.connections[ran_ue_ngap_id] = connection
        return True

    def switch(self, connection: NgConnection, ran: Ran, ran_ue_ngap_id: int) -> bool:
        """Its UE is at another gNB, which has said so (TS 38.413 §8.4.4). False: it uses that identity already."""
        if ran_ue_ngap_id in ran.connections:
            return False
        del connection.ran.connections[connection.ran_ue_ngap_id]
        connection.ran, connection.ran_ue_ngap_id = ran, ran_ue_ngap_id
        connection.stream = stream_of(connection.amf_ue_ngap_id, ran.association.outbound_streams)
        ran.connections[ran_ue_ngap_id] = connection
        return True

    def unused_number(self) -> int:
        """An AMF UE NGAP ID that no connection has."""
        number = self._last_ngap_id
        while True:
            number = number + 1 if number < MAX_NGAP_ID else 1
            if number not in self.connections:
                break
        self._last_ngap_id = number
        return number

    def release(self, connection: NgConnection) -> None:
        """Its identities are free; what waits for its gNB ends."""
        connection.abort("the connection is released")
        ran = connection.ran
        self.connections.pop(connection.amf_ue_ngap_id, None)
        if connection in ran.preparing:
            ran.preparing.remove(connection)
        elif ran.connections.get(connection.ran_ue_ngap_id) is connection:
            del ran.connections[connection.ran_ue_ngap_id]

    def drop(self, connection: NgConnection, cause: ngap.Cause) -> None:
        """Release one that its UE has left. The gNB's answer is remembered as due, nothing waits for it."""
        if connection.releasing:
            return
        connection.send(carriage.context_release(connection, cause))
        self.release(connection)
        until = self._ports.clock.now() + RELEASE_GUARD_S
        connection.ran.leaving[connection.amf_ue_ngap_id] = (connection.ran_ue_ngap_id, until)

    def reserve(self, ran: Ran, ran_ue_ngap_id: int) -> int:
        """The identity of a UE that is turned away: it is released at once, and nothing is kept of it."""
        number = self.unused_number()
        ran.leaving[number] = (ran_ue_ngap_id, self._ports.clock.now() + RELEASE_GUARD_S)
        return number

    def sweep(self) -> None:
        """Releases that no gNB has confirmed are over."""
        now = self._ports.clock.now()
        for ran in self.rans:
            for number, (_, until) in list(ran.leaving.items()):
                if until < now:
                    del ran.leaving[number]
