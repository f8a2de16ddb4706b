"""Handover Resource Allocation (TS 38.413 §8.4.2) and Notification (§8.4.3): the target of an N2 handover."""

from __future__ import annotations

import msgspec

from cinq.ran.gnb.context import AsKeys, CellId
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, algorithms, gtp_tunnel, guami_of, nr_cgi, s_nssai_of
from cinq.ran.gnb.procedures import location_reporting, rrc_inactive, trace
from cinq.ran.gnb.procedures.session_resources import Granted, grant, result, with_cause
from cinq.ran.radio import rrc
from cinq.wire import ngap

Container = ngap.SourceNGRANNodeToTargetNGRANNodeTransparentContainer


def received(n2: N2, message: ngap.HandoverRequest) -> None:
    """HANDOVER REQUEST: a context for the UE that is to come, or HANDOVER FAILURE (§8.4.2.3)."""
    try:
        container = _container(message)
        cell = _cell(n2, message, container)
        integrity, ciphering = algorithms(message.ue_security_capabilities)
    except Unsuccessful as refused:
        _fail(n2, message, refused.cause)
        return
    ue, c_rnti = n2.connections.expect(cell, notify)
    n2.connections.name(ue, message.amf_ue_ngap_id)
    _store(ue, message, container, integrity, ciphering)
    wanted = [] if message.no_pdu_session_indication else message.pdu_session_resource_setup_list_ho_req
    granted = grant(
        n2, ue, ((i.pdu_session_id, i.s_nssai, i.handover_request_transfer) for i in wanted), awaited=True
    )
    if wanted and not granted.admitted:
        n2.forget(ue, "no session admitted")
        _fail(n2, message, next(iter(granted.failed.values())))
        return
    forwarding = _forwarding(n2, ue, message, container)
    keys = ue.context.keys
    command = rrc.encode(rrc.HandoverCommand(c_rnti, keys.used_ncc, message.nasc or b"", keys.used_new_key))
    ue.tell(_acknowledge(n2, ue, message, forwarding, granted, command))


def _container(message: ngap.HandoverRequest) -> Container:
    try:
        return ngap.decode_value(Container, message.source_to_target_transparent_container)
    except ngap.NgapError as error:
        raise Unsuccessful(("protocol", error.cause)) from None


def _cell(n2: N2, message: ngap.HandoverRequest, container: Container) -> CellId:
    """The cell that is meant. Unsuccessful: it is none of ours, or takes nobody like this (§8.4.2.4)."""
    if message.handover_type not in (None, "intra5gs"):
        raise Unsuccessful(("radioNetwork", "ho-failure-in-target-5GC-ngran-node-or-target-system"))
    cell = next((c for c in n2.cells if ("nR-CGI", nr_cgi(c)) == container.target_cell_id), None)
    if cell is None:
        raise Unsuccessful(("radioNetwork", "cell-not-available"))
    restriction = message.mobility_restriction_list
    if restriction is not None and restriction.serving_plmn != cell.gnb.plmn.octets:
        raise Unsuccessful(("radioNetwork", "ho-target-not-allowed"))
    if restriction is not None and _forbidden(cell, restriction):
        raise Unsuccessful(("radioNetwork", "ho-target-not-allowed"))
    denied = n2.ports.admission.handover(cell)
    if denied is not None:
        raise Unsuccessful(denied)
    if len(message.nasc or b"") > rrc.MOST_NAS:
        raise Unsuccessful(("protocol", "semantic-error"))
    return cell


def _forbidden(cell: CellId, restriction: ngap.MobilityRestrictionList) -> bool:
    """Forbidden Area Information, §9.3.1.85."""
    tac = cell.tac.to_bytes(3, "big")
    return any(
        item.plmn_identity == cell.gnb.plmn.octets and tac in item.forbidden_tacs
        for item in restriction.forbidden_area_information or ()
    )


def _store(
    ue: UeContext, message: ngap.HandoverRequest, container: Container, integrity: int, ciphering: int
) -> None:
    """§8.4.2.2. The key of the new cell is derived from the NH received, TS 33.501 §6.9.2.3.3."""
    context = message.security_context
    nh = context.next_hop_nh.to_bytes(32, "big")
    new_key = message.new_security_context_ind is not None
    pair = AsKeys(nh=nh, ncc=context.next_hop_chaining_count, new_key=new_key)
    keys = pair.for_target(ue.cell.pci, ue.cell.arfcn)
    guami: ngap.GUAMI | None = message.guami
    allowed: list[ngap.AllowedNSSAIItem] | None = message.allowed_nssai
    ue.commit(
        has_context=True,
        guami=None if guami is None else guami_of(guami),
        keys=keys,
        capabilities=message.ue_security_capabilities,
        nr_integrity=integrity,
        nr_ciphering=ciphering,
        ambr=message.ue_aggregate_maximum_bit_rate,
        allowed_nssai=tuple(s_nssai_of(item.s_nssai) for item in allowed or ()),
        mobility_restriction=message.mobility_restriction_list,
        inactive_assistance=message.core_network_assistance_information_for_inactive,
        history=tuple(container.ue_history_information),
    )
    rrc_inactive.requested(ue, message.rrc_inactive_transition_report_request)
    if message.trace_activation is not None:
        trace.activate(ue, message.trace_activation)
    if message.location_reporting_request_type is not None:
        location_reporting.remember(ue, message.location_reporting_request_type)


def _acknowledge(
    n2: N2,
    ue: UeContext,
    message: ngap.HandoverRequest,
    forwarding: dict[int, int],
    granted: Granted,
    command: bytes,
) -> ngap.HandoverRequestAcknowledge:
    """HANDOVER REQUEST ACKNOWLEDGE, §9.2.3.5."""
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemHOAck(
            pdu_session_id=psi,
            handover_resource_allocation_unsuccessful_transfer=ngap.encode_value(
                ngap.HandoverResourceAllocationUnsuccessfulTransfer(cause=cause)
            ),
        )
        for psi, cause in granted.failed.items()
    ]
    return ngap.HandoverRequestAcknowledge(
        amf_ue_ngap_id=message.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        pdu_session_resource_admitted_list=[
            ngap.PDUSessionResourceAdmittedItem(
                pdu_session_id=psi,
                handover_request_acknowledge_transfer=_admitted(n2, granted, psi, forwarding.get(psi, 0)),
            )
            for psi in granted.admitted
        ],
        pdu_session_resource_failed_to_setup_list_ho_ack=failed or None,
        target_to_source_transparent_container=ngap.encode_value(
            ngap.TargetNGRANNodeToSourceNGRANNodeTransparentContainer(rrc_container=command)
        ),
    )


def _forwarding(n2: N2, ue: UeContext, message: ngap.HandoverRequest, container: Container) -> dict[int, int]:
    """A TEID for forwarded packets of each session for which the source proposes it and the SMF sees a way."""
    proposed = {
        item.pdu_session_id
        for item in container.pdu_session_resource_information_list or ()
        if any(flow.dl_forwarding is not None for flow in item.qos_flow_information_list)
    }
    given = {}
    for item in message.pdu_session_resource_setup_list_ho_req:
        psi = item.pdu_session_id
        session = ue.sessions.get(psi)
        if session is None or psi not in proposed:
            continue
        transfer = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, item.handover_request_transfer
        )
        if transfer.data_forwarding_not_possible is None:
            given[psi] = n2.ports.bearers.allocate_teid()
            tunnel = msgspec.structs.replace(session.tunnel, forwarding=given[psi])
            ue.put(psi, msgspec.structs.replace(session, tunnel=tunnel))
    return given


def _admitted(n2: N2, granted: Granted, psi: int, forwarding: int) -> bytes:
    """Handover Request Acknowledge Transfer, §9.3.4.11. forwarding: the TEID of forwarded packets, 0 for none."""
    session, refused = granted.admitted[psi]
    ends = n2.ports.bearers.ends
    return ngap.encode_value(
        ngap.HandoverRequestAcknowledgeTransfer(
            dl_ngu_up_tnl_information=gtp_tunnel(ends, session.tunnel.dl_teid),
            dl_forwarding_up_tnl_information=gtp_tunnel(ends, forwarding) if forwarding else None,
            security_result=result(session.security),
            qos_flow_setup_response_list=[
                ngap.QosFlowItemWithDataForwarding(
                    qos_flow_identifier=qfi,
                    data_forwarding_accepted="data-forwarding-accepted" if forwarding else None,
                )
                for qfi in session.qfis
            ],
            qos_flow_failed_to_setup_list=with_cause(refused),
        )
    )


def _fail(n2: N2, message: ngap.HandoverRequest, cause: ngap.Cause) -> None:
    """HANDOVER FAILURE, §8.4.2.3."""
    n2.transmit(
        ngap.HandoverFailure(amf_ue_ngap_id=message.amf_ue_ngap_id, cause=cause),
        n2.stream_of(message.amf_ue_ngap_id),
    )


def notify(ue: UeContext, source: bool = False) -> None:
    """HANDOVER NOTIFY, §8.4.3: the UE has arrived. source: the source of a DAPS handover is to hear of it."""
    assert ue.amf_ue_ngap_id is not None
    ue.tell(
        ngap.HandoverNotify(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            user_location_information=ue.location,
            notify_source_ngran_node="notifySource" if source else None,
        )
    )
    location_reporting.arrived(ue)
