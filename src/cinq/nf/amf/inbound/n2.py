"""What a gNB says on N2, and who hears it. A procedure that a message opens needs no line here, or one in HEARD."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar, cast

from cinq.nf.amf import journal
from cinq.nf.amf.context import UeContext
from cinq.nf.amf.inbound import n1
from cinq.nf.amf.inbound.admission import Admission
from cinq.nf.amf.inbound.errors import answer_broken, notify, unsupported
from cinq.nf.amf.n1 import envelope
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import UNASSIGNED, NgConnection, Ran
from cinq.nf.amf.n2.diagnosis import error_indication, incompatible
from cinq.nf.amf.n2.failures import refusal
from cinq.nf.amf.procedures.ngap import (
    location_reporting,
    nas_delivery,
    path_switch,
    positioning,
    radio_capability,
    reports,
    suspension,
    trace,
)
from cinq.nf.amf.procedures.ngap.error_indication import indicated
from cinq.nf.amf.procedures.sm import outcomes
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.ue import Ue, ue_of
from cinq.numbering import Guti, NumberingError, STmsi
from cinq.procedure import Why
from cinq.wire import nas, ngap

log = logging.getLogger("cinq.amf")

P = TypeVar("P", bound=ngap.Pdu)
Handler = Callable[[Ue, NgConnection, P], None]
Row = tuple[type[ngap.Pdu], Handler[ngap.Pdu]]

INITIAL = (nas.RegistrationRequest, nas.ServiceRequest, nas.DeregistrationRequestUEOriginating)
NGAP_PPIDS = (60, 0)  # and 0, which some senders use


class Inbound:
    """One association: what `cinq.transport.sctp` tells of it. Whatever comes, only what it names is touched."""

    def __init__(
        self, registry: Registry[Ue], new_ue: Callable[[UeContext], Ue], ran: Ran, admission: Admission
    ) -> None:
        self._registry = registry
        self._new_ue = new_ue
        self._admission = admission
        self.ran = ran
        self.gate = admission.gate(ran, self._serve, self._proves)

    def message(self, octets: bytes, stream: int, ppid: int = 60) -> None:
        """One NGAP PDU. Never raises: a bug costs the one message, loudly."""
        ran = self.ran
        if ran.is_lost or ran.runtime.stopping:
            return
        if ppid not in NGAP_PPIDS:
            log.warning("%s: SCTP message of PPID %d ignored", ran.label, ppid)
            return
        if self.gate.arrives(octets):
            self._serve(octets)

    def _proves(self, octets: bytes) -> bool:
        """Whether the MAC of a first message is that of the UE that it names. Nothing is changed by looking."""
        try:
            message = ngap.decode(octets)
            assert isinstance(message, ngap.InitialUEMessage)
            first = envelope.peek(message.nas_pdu)
        except (ngap.NgapError, nas.NasError, envelope.Discarded):
            return False
        known = self._registry.known(identity_in(first)) or self._registry.known(additional(first))
        security = None if known is None else known.exchange.security
        if security is None:
            return False
        looked = envelope.first(first, message.nas_pdu, replace(security))
        return isinstance(looked, envelope.Checked)

    def _serve(self, octets: bytes) -> None:
        ran = self.ran
        try:
            self._receive(octets)
        except Exception as bug:
            cause = f"a message was lost to a bug: {type(bug).__name__}: {bug}"
            ran.runtime.report(ran, "", ran, cause, bug)

    def lost(self, reason: str) -> None:
        """The association is over."""
        ran = self.ran
        self._admission.gone(self.gate)
        if not ran.is_lost:
            ran.access.association_lost(ran, reason)
            journal.note(ran, f"association lost: {reason}")

    def _receive(self, octets: bytes) -> None:
        ran = self.ran
        try:
            message = ngap.decode(octets)
        except ngap.NgapError as error:
            taken = error.tolerable or (error.order_only and ran.ports.settings.accept_any_order)
            if error.partial is None or not taken:
                if not self._broken_outcome(octets, error):
                    answer_broken(ran, octets, error)
                return
            message = error.partial
        if not ran.context.is_set_up and not isinstance(message, (ngap.NGSetupRequest, ngap.ErrorIndication)):
            self._note(ran, message, octets)
            self._too_early(message)
        elif type(message) in HEARD:
            self._of_a_ue(message, octets)
        elif isinstance(message, ngap.InitialUEMessage):
            self._initial_ue_message(message, octets)
        elif isinstance(message, ngap.PathSwitchRequest):
            self._path_switch(message, octets)
        elif isinstance(message, ngap.RetrieveUEInformation):
            self._note(ran, message, octets)
            known = self._registry.known(elements.s_tmsi_of(message.five_g_s_tmsi))
            suspension.tell_about(ran, known, message)
        elif isinstance(message, ngap.UERadioCapabilityIDMappingRequest):
            self._note(ran, message, octets)
            known_by_id = self._registry.radio_capability(message.ue_radio_capability_id)
            radio_capability.id_mapping(ran, known_by_id, message)
        elif isinstance(message, ngap.ErrorIndication):
            self._error_indication(message, octets)
        elif type(message) in ran.opens:
            if message.PROCEDURE_CODE == ngap.NGSetupRequest.PROCEDURE_CODE:
                self.gate.close()  # it begins anew (§8.7.1.1)
            self._note(ran, message, octets)
            ran.receive(message)
        else:
            self._of_a_ue(message, octets)
        if message.diagnostics and ran.context.is_set_up:
            notify(ran, message)

    def _note(self, about: Ran | Ue, message: ngap.Pdu, octets: bytes) -> None:
        journal.n2_message(about, "in", message, octets, self.ran)

    def _error_indication(self, message: ngap.ErrorIndication, octets: bytes) -> None:
        """§8.7.5: about a UE of this gNB by its AMF UE NGAP ID, or about the interface. Never answered."""
        ran, number = self.ran, message.amf_ue_ngap_id
        connection = None if number is None else ran.access.connections.get(number)
        if connection is None or connection.ran is not ran:
            self._note(ran, message, octets)
            if number is None:
                ran.receive(message)
            return
        self._note(ue_of(connection), message, octets)
        if message.ran_ue_ngap_id in (None, connection.ran_ue_ngap_id):
            indicated(connection, message)

    def _too_early(self, message: ngap.Pdu) -> None:
        """Before NG Setup nothing is served (§8.7.1.1): a logical error (§10.4)."""
        ran = self.ran
        if message.KIND == "initiatingMessage":
            ran.tell(refusal(message, ("protocol", "message-not-compatible-with-receiver-state")))
        else:
            ran.runtime.report(ran, "", message, Why("ignored: before NG Setup nothing was asked (§10.4)"))

    # messages of one UE

    def _of_a_ue(self, message: ngap.Pdu, octets: bytes) -> None:
        ran = self.ran
        amf_id, ran_id = identities(message)
        if ran_id is None and amf_id is not None:
            ran_id = self._prepared(amf_id)
        if amf_id is None or ran_id is None:
            self._note(ran, message, octets)
            if message.KIND == "initiatingMessage":
                unsupported(ran, message)
            else:
                ran.receive(message)
            return
        connection = ran.access.connections.get(amf_id)
        if connection is None or connection.ran is not ran:
            self._note(ran, message, octets)
            if isinstance(message, ngap.UEContextReleaseComplete):  # §10.6: a last message is not answered
                ran.leaving.pop(amf_id, None)
                return
            ran.tell(refusal(message, ("radioNetwork", "unknown-local-UE-NGAP-ID")))
            return
        ue = ue_of(connection)
        self._note(ue, message, octets)
        if connection.ran_ue_ngap_id not in (ran_id, UNASSIGNED):
            if not isinstance(message, ngap.UEContextReleaseComplete):
                ran.tell(refusal(message, ("radioNetwork", "inconsistent-remote-UE-NGAP-ID")))
            self._end_connection(ran_id, "it is named with the AMF UE NGAP ID of another (TS 38.413 §10.6)")
            return
        hear(ue, connection, message)

    def _end_connection(self, ran_id: int, why: str) -> None:
        """The gNB takes this identity for something else: what it stood for is over here too."""
        former = self.ran.connections.get(ran_id)
        if former is not None:
            text = f"{self.ran.label} has lost the connection of RAN UE NGAP ID {ran_id}: {why}"
            former.user.connection_lost(former, Why(text))

    def _path_switch(self, request: ngap.PathSwitchRequest, octets: bytes) -> None:
        """§8.4.4: the one message about a connection that comes from another gNB than its own."""
        ran = self.ran
        connection = ran.access.connections.get(request.source_amf_ue_ngap_id)
        if connection is None or connection in connection.ran.preparing or connection.releasing:
            self._note(ran, request, octets)
            path_switch.refuse(ran, request, ("radioNetwork", "unknown-local-UE-NGAP-ID"))
            return
        ue = ue_of(connection)
        self._note(ue, request, octets)
        if ue.context.rm_state != "RM-REGISTERED" or not connection.has_context or not ue.exchange.secured:
            path_switch.refuse(ran, request, ("radioNetwork", "unspecified"), ue)
        else:
            connection.receive(path_switch.Arrived(request, ran))

    def _prepared(self, amf_id: int) -> int | None:
        """A gNB that a handover has asked for resources may answer without an identity of its own (§9.2.3.6)."""
        connection = self.ran.access.connections.get(amf_id)
        return UNASSIGNED if connection is not None and connection in self.ran.preparing else None

    def _broken_outcome(self, octets: bytes, error: ngap.NgapError) -> bool:
        """An outcome that cannot be taken ends its procedure (§10.3.4.2, §10.3.5, §10.3.6): local error handling.

        What the gNB has set up is not known then: the connection is released, and counts as released where that was
        what the outcome was to say. False: the gNB is to hear of it, since it cannot be decoded (§10.2) or names no
        connection (§10.6).
        """
        message = error.partial
        if message is None or message.KIND == "initiatingMessage":
            return False
        amf_id, ran_id = identities(message)
        connection = None if amf_id is None else self.ran.access.connections.get(amf_id)
        if connection is None or connection.ran is not self.ran or connection.ran_ue_ngap_id != ran_id:
            return False
        if isinstance(message, ngap.UEContextReleaseComplete):
            hear(ue_of(connection), connection, message)
        elif connection.awaits(type(message)):
            ue_of(connection).receive(
                ngap.UEContextReleaseRequest(
                    amf_ue_ngap_id=connection.amf_ue_ngap_id,
                    ran_ue_ngap_id=connection.ran_ue_ngap_id,
                    cause=("protocol", error.cause),
                )
            )
        if error.cause == "transfer-syntax-error":
            return False
        journal.n2_broken(ue_of(connection), octets, Why(f"{error}: local error handling"), self.ran.label)
        return True

    # the first message of a UE

    def _initial_ue_message(self, message: ngap.InitialUEMessage, octets: bytes) -> None:
        """TS 38.413 §8.6.1, TS 24.501 §4.4.4.3. A message that begins nothing leaves no trace of a UE."""
        ran = self.ran
        try:
            place = place_of(message)
            first = envelope.peek(message.nas_pdu)
            if not isinstance(first, INITIAL):
                raise envelope.Discarded(f"{first.NAME} begins nothing")
        except nas.NasError as error:
            self._reject_broken(message, octets, error)
        except (envelope.Discarded, NumberingError) as reason:
            self._note(ran, message, octets)
            ran.runtime.report(ran, "", message, f"refused: {reason}")
            ran.tell(error_indication(("protocol", "semantic-error"), message))
        else:
            self._end_connection(message.ran_ue_ngap_id, "another UE begins under it")
            known = self._registry.known(identity_in(first)) or self._registry.known(additional(first))
            security = None if known is None else known.exchange.security
            arrival = envelope.first(first, message.nas_pdu, security)
            stranger = known is None or isinstance(arrival, envelope.Unprotected)
            if known is None or stranger:
                known = self._new_ue(UeContext())
            known.drop_connections()
            connection = ran.access.connect(ran, message, place, known)
            known.connect(connection)
            if stranger:
                connection.initial = octets if ran.ports.settings.reroutes else b""
                self.gate.came(connection, octets)
            else:
                self.gate.back(connection)
            self._note(known, message, octets)
            n1.arrived(known, arrival)

    def _reject_broken(self, message: ngap.InitialUEMessage, octets: bytes, error: nas.NasError) -> None:
        """A first message that cannot be read: reject it where it can be rejected, else tell the gNB (clause 7)."""
        ran = self.ran
        rejectable = error.message_type in (nas.RegistrationRequest.TYPE, nas.ServiceRequest.TYPE)
        if error.cause is None or not rejectable:
            self._note(ran, message, octets)
            ran.tell(error_indication(("protocol", "semantic-error"), message))
            return
        self._end_connection(message.ran_ue_ngap_id, "another UE begins under it")
        ue = self._new_ue(UeContext())
        ue.connect(ran.access.connect(ran, message, place_of(message), ue))
        self._note(ue, message, octets)
        n1.answer_broken(ue, message.nas_pdu, error)


def identities(message: ngap.Pdu) -> tuple[int | None, int | None]:
    """AMF UE NGAP ID and RAN UE NGAP ID of the connection that a message is about, where it names one."""
    amf_id: int | None = getattr(message, "amf_ue_ngap_id", None)
    ran_id: int | None = getattr(message, "ran_ue_ngap_id", None)
    return amf_id, ran_id


def place_of(message: ngap.InitialUEMessage) -> elements.Place:
    location = message.user_location_information
    if location[0] != "userLocationInformationNR":
        raise envelope.Discarded(f"{location[0]} is no NR location")
    return elements.place_of(location[1])


def identity_in(first: nas.NasMessage) -> Guti | STmsi | None:
    if isinstance(first, nas.ServiceRequest):
        return first.s_tmsi
    identity = getattr(first, "mobile_identity", None)
    return identity if isinstance(identity, Guti) else None


def additional(first: nas.NasMessage) -> Guti | None:
    """The native 5G-GUTI of a UE that names itself by one mapped from EPS (TS 24.501 §5.5.1.2.2)."""
    return first.additional_guti if isinstance(first, nas.RegistrationRequest) else None


# who hears what is about a UE


def hear(ue: Ue, connection: NgConnection, message: ngap.Pdu) -> None:
    """By HEARD. What is not there is an answer to the connection's procedures, opens one, or is none of this AMF's."""
    handler = HEARD.get(type(message))
    if handler is not None:
        handler(ue, connection, message)
    elif message.KIND != "initiatingMessage" or type(message) in connection.opens:
        connection.receive(message)  # §10.4: an answer that nobody waits for is dealt with here alone
    elif type(message) in ue.opens:
        ue.receive(message)
    else:
        unsupported(connection.ran, message)


def row(kind: type[P], handler: Handler[P]) -> Row:
    return kind, cast(Handler[ngap.Pdu], handler)


def uplink_nas(ue: Ue, connection: NgConnection, message: ngap.UplinkNASTransport) -> None:
    """§8.6.3."""
    connection.moved(message.user_location_information)
    if not message.nas_pdu:  # §10.4
        connection.ran.tell(error_indication(("protocol", "semantic-error"), message))
    elif not connection.releasing:
        n1.receive(ue, message.nas_pdu)


def resource_notify(ue: Ue, connection: NgConnection, message: ngap.PDUSessionResourceNotify) -> None:
    """§8.2.4: on to the SMFs."""
    ue.beside(partial(outcomes.relay, ue, outcomes.of_sessions(message)), "resource_notify")


def handover_notify(ue: Ue, connection: NgConnection, message: ngap.HandoverNotify) -> None:
    """§8.4.3, from the target: the source's procedure waits for it."""
    source = ue.connection
    if ue.target is connection and source is not None and source.awaits(ngap.HandoverNotify):
        connection.moved(message.user_location_information)
        source.receive(message)
    else:
        connection.ran.tell(incompatible(message))


def target_of(ue: Ue, source: NgConnection, message: ngap.Pdu) -> NgConnection | None:
    """Where a UE of `source` is on its way to; while it is not, the gNB is told that its message does not fit.

    The two gNBs have associations of their own, so that the target's HANDOVER NOTIFY may overtake what the source says.
    """
    target = ue.target
    if target is None and ue.connection is not source:
        return ue.connection
    if target is None or target.ran_ue_ngap_id == UNASSIGNED or ue.connection is not source:
        source.ran.tell(incompatible(message))
        return None
    return target


def ran_status(ue: Ue, connection: NgConnection, message: ngap.UplinkRANStatusTransfer) -> None:
    """§8.4.6 and §8.4.7: what the source knows of PDCP goes on to the target as it is."""
    target = target_of(ue, connection, message)
    if target is None:
        return
    target.send(
        ngap.DownlinkRANStatusTransfer(
            amf_ue_ngap_id=target.amf_ue_ngap_id,
            ran_ue_ngap_id=target.ran_ue_ngap_id,
            ran_status_transfer_transparent_container=message.ran_status_transfer_transparent_container,
        )
    )


def ran_early_status(ue: Ue, connection: NgConnection, message: ngap.UplinkRANEarlyStatusTransfer) -> None:
    """§8.4.8 and §8.4.9: of a DAPS handover."""
    target = target_of(ue, connection, message)
    if target is None:
        return
    target.send(
        ngap.DownlinkRANEarlyStatusTransfer(
            amf_ue_ngap_id=target.amf_ue_ngap_id,
            ran_ue_ngap_id=target.ran_ue_ngap_id,
            early_status_transfer_transparent_container=message.early_status_transfer_transparent_container,
        )
    )


HEARD: dict[type[ngap.Pdu], Handler[ngap.Pdu]] = dict(
    (
        row(ngap.UplinkNASTransport, uplink_nas),
        row(ngap.NASNonDeliveryIndication, nas_delivery.non_delivery),
        row(ngap.UERadioCapabilityInfoIndication, radio_capability.indication),
        row(ngap.PDUSessionResourceNotify, resource_notify),
        row(ngap.RRCInactiveTransitionReport, reports.rrc_inactive),
        row(ngap.SecondaryRATDataUsageReport, reports.data_usage),
        row(ngap.LocationReport, location_reporting.report),
        row(ngap.LocationReportingFailureIndication, location_reporting.failure),
        row(ngap.TraceFailureIndication, trace.failure),
        row(ngap.CellTrafficTrace, trace.cell_traffic),
        row(ngap.UplinkUEAssociatedNRPPaTransport, positioning.of_a_ue),
        row(ngap.UEContextSuspendRequest, suspension.suspend),
        row(ngap.MTCommunicationHandlingRequest, suspension.mt_communication),
        row(ngap.HandoverNotify, handover_notify),
        row(ngap.UplinkRANStatusTransfer, ran_status),
        row(ngap.UplinkRANEarlyStatusTransfer, ran_early_status),
    )
)
