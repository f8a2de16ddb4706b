"""PDU Session Resource Modify, TS 38.413 §8.2.3: flows added, changed and released, a new uplink tunnel."""

from __future__ import annotations

from collections import Counter

import msgspec

from cinq.ran.gnb.context import Flow, PduSession
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, far_end, s_nssai_of
from cinq.ran.gnb.procedures import rrc_inactive
from cinq.ran.gnb.procedures.session_resources import admit_flows, secured, with_cause
from cinq.userplane.rules import RuleError
from cinq.wire import ngap

Item = ngap.PDUSessionResourceModifyItemModReq


def received(n2: N2, message: ngap.PDUSessionResourceModifyRequest) -> None:
    """PDU SESSION RESOURCE MODIFY REQUEST. The NAS message of a session that failed is not delivered."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    rrc_inactive.paged(ue)
    modified, failed, nas = [], [], []
    count = Counter(item.pdu_session_id for item in message.pdu_session_resource_modify_list_mod_req)
    for item in message.pdu_session_resource_modify_list_mod_req:
        psi = item.pdu_session_id
        try:
            if count[psi] > 1:
                raise Unsuccessful(("radioNetwork", "multiple-PDU-session-ID-instances"))
            transfer = _modified(n2, ue, item)
        except Unsuccessful as refused:
            answer = ngap.PDUSessionResourceModifyUnsuccessfulTransfer(cause=refused.cause)
            failed.append(
                ngap.PDUSessionResourceFailedToModifyItemModRes(
                    pdu_session_id=psi,
                    pdu_session_resource_modify_unsuccessful_transfer=ngap.encode_value(answer),
                )
            )
            continue
        if item.nas_pdu is not None:
            nas.append(item.nas_pdu)
        modified.append(
            ngap.PDUSessionResourceModifyItemModRes(
                pdu_session_id=psi, pdu_session_resource_modify_response_transfer=transfer
            )
        )
    ue.tell(
        ngap.PDUSessionResourceModifyResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_modify_list_mod_res=modified or None,
            pdu_session_resource_failed_to_modify_list_mod_res=failed or None,
            user_location_information=ue.location,
        )
    )
    for octets in nas:
        ue.deliver(octets)


def _modified(n2: N2, ue: UeContext, item: Item) -> bytes:
    psi = item.pdu_session_id
    before = ue.sessions.get(psi)
    if before is None:
        raise Unsuccessful(("radioNetwork", "unknown-PDU-session-ID"))
    if ue.context.leaving is not None:
        raise Unsuccessful(("radioNetwork", ue.context.leaving))
    if not ue.reached:
        raise Unsuccessful(("radioNetwork", "radio-connection-with-ue-lost"))
    try:
        request = ngap.decode_value(
            ngap.PDUSessionResourceModifyRequestTransfer, item.pdu_session_resource_modify_request_transfer
        )
    except ngap.NgapError as error:
        raise Unsuccessful(("protocol", error.cause)) from None
    after, done, refused = _flows(n2, psi, before, request)
    after = _rest(n2, after, request, item)
    try:
        ue.put(psi, after)
    except RuleError:
        raise Unsuccessful(("radioNetwork", "radio-resources-not-available")) from None
    flows = [ngap.QosFlowAddOrModifyResponseItem(qos_flow_identifier=qfi) for qfi in done]
    return ngap.encode_value(
        ngap.PDUSessionResourceModifyResponseTransfer(
            qos_flow_add_or_modify_response_list=flows or None,
            qos_flow_failed_to_add_or_modify_list=with_cause(refused),
        )
    )


def _flows(
    n2: N2, psi: int, before: PduSession, request: ngap.PDUSessionResourceModifyRequestTransfer
) -> tuple[PduSession, list[int], dict[int, ngap.Cause]]:
    """The session with its flows after; those added or changed; those refused, with the cause (§8.2.3.4)."""
    changes = request.qos_flow_add_or_modify_request_list or []
    gone = {flow.qos_flow_identifier for flow in request.qos_flow_to_release_list or ()}
    held = {flow.qfi: flow for flow in before.flows}
    refused: dict[int, ngap.Cause] = {}
    wanted: list[Flow] = []
    for change in changes:
        qfi = change.qos_flow_identifier
        if qfi in gone:
            refused[qfi] = ("radioNetwork", "multiple-qos-flow-ID-instances")
            gone.discard(qfi)
        elif any(flow.qfi == qfi for flow in wanted):
            refused[qfi] = ("radioNetwork", "multiple-qos-flow-ID-instances")
        elif change.qos_flow_level_qos_parameters is not None:
            wanted.append(Flow(qfi, change.qos_flow_level_qos_parameters))
        elif qfi in held:
            wanted.append(held[qfi])
        else:  # §9.3.4.3: a flow that is established needs them
            refused[qfi] = ("protocol", "semantic-error")
    given_back = [held[flow.qfi] for flow in wanted if flow.qfi in held]
    given_back += [held[qfi] for qfi in gone if qfi in held]
    admitted, denied = admit_flows(n2, psi, wanted, given_back)
    refused |= denied
    held |= {flow.qfi: flow for flow in admitted}
    kept = tuple(flow for flow in held.values() if flow.qfi not in gone)
    if changes and not admitted and refused and not gone:
        raise Unsuccessful(next(iter(refused.values())))
    if not kept:
        raise Unsuccessful(("radioNetwork", "invalid-qos-combination"))  # a session keeps one flow at least
    tunnel = msgspec.structs.replace(before.tunnel, qfis=tuple(flow.qfi for flow in kept))
    after = msgspec.structs.replace(before, flows=kept, tunnel=tunnel)
    return after, [flow.qfi for flow in admitted], refused


def _rest(
    n2: N2, session: PduSession, request: ngap.PDUSessionResourceModifyRequestTransfer, item: Item
) -> PduSession:
    """Uplink tunnel, session-AMBR, slice, protection."""
    changes: dict[str, object] = {}
    if request.ul_ngu_up_tnl_modify_list:
        first = request.ul_ngu_up_tnl_modify_list[0]
        upf, ul_teid = far_end(first.ul_ngu_up_tnl_information, n2.ports.bearers.ends)
        changes["tunnel"] = msgspec.structs.replace(session.tunnel, upf=upf, ul_teid=ul_teid)
    rates = request.pdu_session_aggregate_maximum_bit_rate
    if rates is not None:
        changes["ambr"] = (
            rates.pdu_session_aggregate_maximum_bit_rate_dl,
            rates.pdu_session_aggregate_maximum_bit_rate_ul,
        )
    if request.security_indication is not None:
        changes["security"] = secured(n2.ports.settings, request.security_indication)
    if item.s_nssai is not None:
        changes["s_nssai"] = s_nssai_of(item.s_nssai)
    return msgspec.structs.replace(session, **changes)
