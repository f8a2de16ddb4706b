"""N2: what goes to the gNB about a UE, and who hears what comes from it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from cinq.crypto import kdf
from cinq.nf.amf import elements, n1, outcomes
from cinq.nf.amf.connection import NgConnection
from cinq.nf.amf.context import Ambr, UeContext
from cinq.nf.amf.errors import answer_broken, error_indication, incompatible, notify, unsupported
from cinq.numbering import Guti, NumberingError, SNssai, STmsi
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType
from cinq.wire import nas, ngap

if TYPE_CHECKING:
    from cinq.nf.amf.ran import Ran
    from cinq.nf.amf.ue import Ue

UNLIMITED = Ambr(4_000_000_000_000, 4_000_000_000_000)  # the most that there is, where nothing is subscribed
RELEASE_GUARD_S = 10.0  # how long a UEContextReleaseComplete is waited for
INITIAL = (nas.RegistrationRequest, nas.ServiceRequest, nas.DeregistrationRequestUEOriginating)
ACCEPTS = (nas.RegistrationAccept, nas.ServiceAccept)
REJECTS = (nas.RegistrationReject, nas.ServiceReject, nas.AuthenticationReject)


class Transfer(Struct, frozen=True, gc=False):
    """What an SMF sends through the AMF for one PDU session: a 5GSM message for the UE, SM information for the gNB.

    failure_ref: the SM context whose SMF wants to hear when the UE cannot be reached.
    """

    pdu_session_id: int
    n1: bytes | None = None
    n2: bytes | None = None
    n2_type: N2SmInfoType | None = None
    s_nssai: SNssai | None = None
    failure_ref: str | None = None


# towards the gNB


def send_nas(ue: Ue, message: nas.GmmMessage) -> None:
    """In the message that fits: an accept goes with the UE context when the gNB asked for one."""
    connection = ue.connection
    if connection is None:
        n1.report(ue, b"", f"{message.NAME} not sent: CM-IDLE")
        return
    if isinstance(message, ACCEPTS):
        resources, ue.resources = ue.resources, ()
        if not connection.context and (connection.wants_context or resources):
            _initial_context_setup(ue, connection, message, resources)
            return
        if resources:
            _setup_request(ue, connection, message, resources)
            return
    connection.send(
        ngap.DownlinkNASTransport(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            nas_pdu=n1.protect(ue, message),
        )
    )


def send_ngap(ue: Ue, message: ngap.Pdu) -> None:
    connection = ue.connection
    if connection is not None:
        connection.send(message)


def deliver(ue: Ue, transfer: Transfer) -> None:
    """Send what an SMF gave to a connected UE and its gNB (TS 23.502 §4.3.2.2.1 step 12, TS 38.413 §8.2)."""
    connection = ue.connection
    if connection is None:
        return
    kind = transfer.n2_type
    if kind == "PDU_RES_SETUP_REQ":
        if connection.context:
            _setup_request(ue, connection, None, (transfer,))
        else:
            _initial_context_setup(ue, connection, None, (transfer,))
    elif kind == "PDU_RES_REL_CMD":
        _release_command(ue, connection, transfer)
    elif kind == "PDU_RES_MOD_REQ":
        _modify_request(ue, connection, transfer)
    elif transfer.n1 is not None:
        ue.tell(sm_container(transfer.pdu_session_id, transfer.n1))


def sm_container(pdu_session_id: int, octets: bytes) -> nas.DLNASTransport:
    return nas.DLNASTransport(
        payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
        payload_container=octets,
        pdu_session_id=pdu_session_id,
    )


def _session_nas(ue: Ue, transfer: Transfer) -> bytes | None:
    if transfer.n1 is None:
        return None
    return n1.protect(ue, sm_container(transfer.pdu_session_id, transfer.n1))


def _initial_context_setup(
    ue: Ue, connection: NgConnection, message: nas.GmmMessage | None, resources: tuple[Transfer, ...]
) -> None:
    """TS 38.413 §8.3.1. KgNB: TS 33.501 §A.9."""
    context, settings, keys = ue.context, ue.amf.settings, ue.keys
    assert keys is not None
    nas_pdu = None if message is None else n1.protect(ue, message)
    sessions = [
        ngap.PDUSessionResourceSetupItemCxtReq(
            pdu_session_id=r.pdu_session_id,
            s_nssai=elements.s_nssai(r.s_nssai or settings.slices[0]),
            pdu_session_resource_setup_request_transfer=r.n2 or b"",
            nas_pdu=_session_nas(ue, r),
        )
        for r in resources
    ]
    connection.context = True
    connection.expect("InitialContextSetup")
    ambr = context.ue_ambr
    connection.send(
        ngap.InitialContextSetupRequest(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            ue_aggregate_maximum_bit_rate=elements.ue_ambr(ambr or UNLIMITED) if sessions else None,
            guami=elements.guami(settings.plmn, settings.amf_id),
            pdu_session_resource_setup_list_cxt_req=sessions or None,
            allowed_nssai=elements.allowed_nssai(context.allowed_nssai),
            ue_security_capabilities=elements.security_capabilities(context.security_capability),
            security_key=int.from_bytes(kdf.kgnb(keys.kamf, ue.kgnb_count), "big"),
            ue_radio_capability=context.radio_capability or None,
            index_to_rfsp=context.rfsp,
            masked_imeisv=elements.masked_imeisv(context.pei) if context.pei else None,
            nas_pdu=nas_pdu,
        )
    )


def _setup_request(
    ue: Ue, connection: NgConnection, message: nas.GmmMessage | None, resources: tuple[Transfer, ...]
) -> None:
    nas_pdu = None if message is None else n1.protect(ue, message)
    slices = ue.amf.settings.slices
    connection.expect("PDUSessionResourceSetup")
    ambr = ue.context.ue_ambr
    connection.send(
        ngap.PDUSessionResourceSetupRequest(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            nas_pdu=nas_pdu,
            pdu_session_resource_setup_list_su_req=[
                ngap.PDUSessionResourceSetupItemSUReq(
                    pdu_session_id=r.pdu_session_id,
                    s_nssai=elements.s_nssai(r.s_nssai or slices[0]),
                    pdu_session_resource_setup_request_transfer=r.n2 or b"",
                    pdu_session_nas_pdu=_session_nas(ue, r),
                )
                for r in resources
            ],
            ue_aggregate_maximum_bit_rate=elements.ue_ambr(ambr) if ambr else None,
        )
    )


def _release_command(ue: Ue, connection: NgConnection, transfer: Transfer) -> None:
    if not connection.context:  # the gNB has no resources of it: only the UE is to hear
        if transfer.n1 is not None:
            ue.tell(sm_container(transfer.pdu_session_id, transfer.n1))
        return
    connection.expect("PDUSessionResourceRelease")
    item = ngap.PDUSessionResourceToReleaseItemRelCmd(
        pdu_session_id=transfer.pdu_session_id,
        pdu_session_resource_release_command_transfer=transfer.n2 or b"",
    )
    connection.send(
        ngap.PDUSessionResourceReleaseCommand(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            nas_pdu=_session_nas(ue, transfer),
            pdu_session_resource_to_release_list_rel_cmd=[item],
        )
    )


def _modify_request(ue: Ue, connection: NgConnection, transfer: Transfer) -> None:
    connection.expect("PDUSessionResourceModify")
    item = ngap.PDUSessionResourceModifyItemModReq(
        pdu_session_id=transfer.pdu_session_id,
        nas_pdu=_session_nas(ue, transfer),
        pdu_session_resource_modify_request_transfer=transfer.n2 or b"",
    )
    connection.send(
        ngap.PDUSessionResourceModifyRequest(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            pdu_session_resource_modify_list_mod_req=[item],
        )
    )


def release_command(connection: NgConnection, cause: ngap.Cause) -> ngap.UEContextReleaseCommand:
    pair = ngap.UENGAPIDpair(
        amf_ue_ngap_id=connection.amf_ue_ngap_id, ran_ue_ngap_id=connection.ran_ue_ngap_id
    )
    return ngap.UEContextReleaseCommand(ue_ngap_ids=("uE-NGAP-ID-pair", pair), cause=cause)


def drop(connection: NgConnection, cause: ngap.Cause) -> None:
    """Release a connection that its UE has left; its gNB's answer is remembered as due, nothing waits for it."""
    if connection.releasing:
        return
    connection.send(release_command(connection, cause))
    ran, amf = connection.ran, connection.ue.amf
    amf.release_ids(connection)
    ran.leaving[connection.amf_ue_ngap_id] = (connection.ran_ue_ngap_id, amf.clock.now() + RELEASE_GUARD_S)


def page(ue: Ue, paging: ngap.Paging) -> None:
    """To every gNB that serves a tracking area of the UE's registration area (TS 38.413 §8.5.1)."""
    area = set(ue.context.registration_area)
    for ran in ue.amf.rans:
        if any(tai in area for tai, _ in ran.context.tais):
            ran.transmit(paging, 0, ue)


# from the gNB


def receive(ran: Ran, octets: bytes) -> None:
    """One NGAP PDU. Whatever it is, only what it names is touched."""
    try:
        message = ngap.decode(octets)
    except ngap.NgapError as error:
        if not error.tolerable or error.partial is None:
            answer_broken(ran, octets, error)
            _unsuccessful(ran, error)
            return
        message = error.partial
    if not ran.context.is_set_up and not isinstance(message, (ngap.NGSetupRequest, ngap.ErrorIndication)):
        emit_in(ran, message, octets, None)
        ran.tell(incompatible(message))
    elif isinstance(message, ngap.InitialUEMessage):
        _initial_ue_message(ran, message, octets)
    elif type(message) in ran.opens:
        emit_in(ran, message, octets, None)
        ran.receive(message)
    else:
        _of_a_ue(ran, message, octets)
    if message.diagnostics and ran.context.is_set_up:
        notify(ran, message)


def _unsuccessful(ran: Ran, error: ngap.NgapError) -> None:
    """An outcome that cannot be taken ends its procedure (§10.3.4.2, §10.3.5, §10.3.6): local error handling.

    What the gNB has set up is not known then: the connection is released, and counts as released where that was
    what the outcome was to say.
    """
    message = error.partial
    if message is None or message.KIND == "initiatingMessage":
        return
    amf_id: int | None = getattr(message, "amf_ue_ngap_id", None)
    ran_id: int | None = getattr(message, "ran_ue_ngap_id", None)
    connection = None if amf_id is None else ran.amf.connections.get(amf_id)
    if connection is None or connection.ran is not ran or connection.ran_ue_ngap_id != ran_id:
        return
    if isinstance(message, ngap.UEContextReleaseComplete):
        _of_a_connection(connection, message)
    elif message.PROCEDURE in connection.outstanding:
        connection.settle(message.PROCEDURE)
        cause: ngap.Cause = ("protocol", error.cause)
        connection.ue.receive(
            ngap.UEContextReleaseRequest(
                amf_ue_ngap_id=connection.amf_ue_ngap_id,
                ran_ue_ngap_id=connection.ran_ue_ngap_id,
                cause=cause,
            )
        )


def emit_in(ran: Ran, message: ngap.Pdu, octets: bytes, ue: Ue | None) -> None:
    if ran.amf.journal.listening:
        ran.emit("in", message, octets, ue)


def _of_a_ue(ran: Ran, message: ngap.Pdu, octets: bytes) -> None:
    amf_id: int | None = getattr(message, "amf_ue_ngap_id", None)
    ran_id: int | None = getattr(message, "ran_ue_ngap_id", None)
    if isinstance(message, ngap.PathSwitchRequest):
        amf_id = message.source_amf_ue_ngap_id
    if amf_id is None or ran_id is None:
        emit_in(ran, message, octets, None)
        if message.KIND == "initiatingMessage":
            unsupported(ran, message)
        else:
            ran.receive(message)
        return
    connection = ran.amf.connections.get(amf_id)
    if connection is None or connection.ran is not ran:
        emit_in(ran, message, octets, None)
        if isinstance(message, ngap.UEContextReleaseComplete):  # §10.6: a last message is not answered
            ran.leaving.pop(amf_id, None)
            return
        ran.tell(error_indication(("radioNetwork", "unknown-local-UE-NGAP-ID"), message))
        return
    emit_in(ran, message, octets, connection.ue)
    if connection.ran_ue_ngap_id != ran_id and not isinstance(message, ngap.PathSwitchRequest):
        if not isinstance(message, ngap.UEContextReleaseComplete):
            ran.tell(error_indication(("radioNetwork", "inconsistent-remote-UE-NGAP-ID"), message))
        return
    _of_a_connection(connection, message)


def _of_a_connection(connection: NgConnection, message: ngap.Pdu) -> None:
    ue = connection.ue
    match message:
        case ngap.UplinkNASTransport():
            connection.moved(message.user_location_information)
            if not message.nas_pdu:  # §10.4
                connection.ran.tell(error_indication(("protocol", "semantic-error"), message))
            elif not connection.releasing:
                n1.receive(ue, message.nas_pdu)
        case ngap.InitialContextSetupFailure() if "InitialContextSetup" in connection.outstanding:
            connection.settle("InitialContextSetup")
            ue.receive(message)
        case ngap.UEContextReleaseRequest():
            ue.receive(message)
        case ngap.UEContextReleaseComplete() if connection.releasing:
            ue.receive(message)
        case ngap.UERadioCapabilityInfoIndication():
            ue.commit(radio_capability=message.ue_radio_capability or ue.context.radio_capability)
        case ngap.NASNonDeliveryIndication():
            cause = message.cause[1] if message.cause else "no cause"
            n1.report(ue, message.nas_pdu or b"", f"not delivered to the UE: {cause}")
        case _ if outcomes.expected(connection, message):
            found = outcomes.of_sessions(message)
            if found:
                ue.beside(partial(outcomes.relay, ue, found), "session_resources")
        case _:
            unsupported(connection.ran, message)


def _initial_ue_message(ran: Ran, message: ngap.InitialUEMessage, octets: bytes) -> None:
    """TS 38.413 §8.6.1, TS 24.501 §4.4.4.3. A message that begins nothing leaves no trace of a UE."""
    try:
        place = _place(message)
        first = n1.peek(message.nas_pdu)
        if not isinstance(first, INITIAL):
            raise n1.Discarded(f"{first.NAME} begins nothing")
    except nas.NasError as error:
        _reject_broken(ran, message, octets, error)
    except (n1.Discarded, NumberingError) as reason:
        emit_in(ran, message, octets, None)
        ran.runtime.report(ran, "", message, f"refused: {reason}")
        ran.tell(error_indication(("protocol", "semantic-error"), message))
    else:
        if message.ran_ue_ngap_id in ran.connections:
            emit_in(ran, message, octets, None)
            ran.tell(error_indication(("radioNetwork", "inconsistent-remote-UE-NGAP-ID"), message))
            return
        known = ran.amf.known(_identity(first))
        arrival = n1.first(first, message.nas_pdu, known)
        if known is None or isinstance(arrival, n1.Unprotected):
            known = ran.amf.new_ue(UeContext())
        connection = ran.amf.new_connection(ran, message, place, known)
        known.connect(connection)
        emit_in(ran, message, octets, known)
        n1.arrived(known, arrival, message.nas_pdu)


def _place(message: ngap.InitialUEMessage) -> elements.Place:
    location = message.user_location_information
    if location[0] != "userLocationInformationNR":
        raise n1.Discarded(f"{location[0]} is no NR location")
    return elements.place_of(location[1])


def _identity(first: nas.NasMessage) -> Guti | STmsi | None:
    if isinstance(first, nas.ServiceRequest):
        return first.s_tmsi
    identity = getattr(first, "mobile_identity", None)
    return identity if isinstance(identity, Guti) else None


def _reject_broken(ran: Ran, message: ngap.InitialUEMessage, octets: bytes, error: nas.NasError) -> None:
    """A first message that cannot be read: reject it where it can be rejected, else tell the gNB (clause 7)."""
    rejectable = error.message_type in (nas.RegistrationRequest.TYPE, nas.ServiceRequest.TYPE)
    if error.cause is None or not rejectable or message.ran_ue_ngap_id in ran.connections:
        emit_in(ran, message, octets, None)
        ran.tell(error_indication(("protocol", "semantic-error"), message))
        return
    ue = ran.amf.new_ue(UeContext())
    ue.connect(ran.amf.new_connection(ran, message, _place(message), ue))
    emit_in(ran, message, octets, ue)
    n1.answer_broken(ue, message.nas_pdu, error)
