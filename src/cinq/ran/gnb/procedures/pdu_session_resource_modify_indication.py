"""PDU Session Resource Modify Indication, TS 38.413 §8.2.5: the gNB moves the downlink tunnel of sessions."""

from __future__ import annotations

import msgspec

from cinq.procedure import Timer, procedure
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, far_end, gtp_tunnel
from cinq.ran.gnb.procedures import pdu_session_resource_notify
from cinq.ran.gnb.signals import IndicateModification
from cinq.wire import ngap

MODIFY_INDICATION = Timer("PDU Session Resource Modify Indication", 10, 0)


@procedure(opens=IndicateModification)
async def modify_indication(
    ue: UeContext, wanted: IndicateModification
) -> ngap.PDUSessionResourceModifyConfirm:
    """§8.2.5.2. A session whose change failed keeps its tunnel; flows that failed are given up."""
    ue.require()
    bearers = ue.n2.ports.bearers
    teids = {psi: bearers.allocate_teid() for psi in wanted.pdu_session_ids if psi in ue.sessions}
    try:
        confirm = await ue.ask(
            _indication(ue, teids), ngap.PDUSessionResourceModifyConfirm, timer=MODIFY_INDICATION
        )
        for item in confirm.pdu_session_resource_modify_list_mod_cfm or ():
            teid = teids.pop(item.pdu_session_id, None)
            if teid is not None:
                _confirmed(ue, item.pdu_session_id, teid, item.pdu_session_resource_modify_confirm_transfer)
    finally:
        for teid in teids.values():
            bearers.free_teid(teid)
    return confirm


def _indication(ue: UeContext, teids: dict[int, int]) -> ngap.PDUSessionResourceModifyIndication:
    assert ue.amf_ue_ngap_id is not None
    items = []
    for psi, teid in teids.items():
        session = ue.sessions[psi]
        downlink = ngap.QosFlowPerTNLInformation(
            up_transport_layer_information=gtp_tunnel(ue.n2.ports.bearers.ends, teid),
            associated_qos_flow_list=[
                ngap.AssociatedQosFlowItem(qos_flow_identifier=qfi) for qfi in session.qfis
            ],
        )
        transfer = ngap.PDUSessionResourceModifyIndicationTransfer(
            dl_qos_flow_per_tnl_information=downlink,
            security_result=None if session.security is None else session.security.result,
        )
        items.append(
            ngap.PDUSessionResourceModifyItemModInd(
                pdu_session_id=psi,
                pdu_session_resource_modify_indication_transfer=ngap.encode_value(transfer),
            )
        )
    return ngap.PDUSessionResourceModifyIndication(
        amf_ue_ngap_id=ue.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        pdu_session_resource_modify_list_mod_ind=items,
        user_location_information=ue.location,
    )


def _confirmed(ue: UeContext, psi: int, teid: int, octets: bytes) -> None:
    """A transfer that cannot be read confirms nothing: the session keeps its tunnel (§10.3.5)."""
    session = ue.sessions.get(psi)
    try:
        transfer = ngap.decode_value(ngap.PDUSessionResourceModifyConfirmTransfer, octets)
        upf, ul_teid = far_end(transfer.ulngu_up_tnl_information, ue.n2.ports.bearers.ends)
    except (ngap.NgapError, Unsuccessful):
        session = None
    if session is None:
        ue.n2.ports.bearers.free_teid(teid)
        return
    tunnel = msgspec.structs.replace(session.tunnel, upf=upf, ul_teid=ul_teid, dl_teid=teid)
    ue.put(psi, msgspec.structs.replace(session, tunnel=tunnel))
    ue.n2.ports.bearers.free(session.tunnel)
    failed = {flow.qos_flow_identifier: flow.cause for flow in transfer.qos_flow_failed_to_modify_list or ()}
    if failed and set(failed) < set(session.qfis):
        pdu_session_resource_notify.flows_released(ue, psi, failed)
