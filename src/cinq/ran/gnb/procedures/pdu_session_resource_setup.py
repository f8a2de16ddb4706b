"""PDU Session Resource Setup, TS 38.413 §8.2.1."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures import rrc_inactive
from cinq.ran.gnb.procedures.session_resources import grant, response_transfer, unsuccessful_transfer
from cinq.wire import ngap


def received(n2: N2, message: ngap.PDUSessionResourceSetupRequest) -> None:
    """PDU SESSION RESOURCE SETUP REQUEST. NAS messages of sessions that failed are not delivered."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    rrc_inactive.paged(ue)
    if message.ue_aggregate_maximum_bit_rate is not None:
        ue.commit(ambr=message.ue_aggregate_maximum_bit_rate)
    items = message.pdu_session_resource_setup_list_su_req
    granted = grant(
        n2,
        ue,
        ((i.pdu_session_id, i.s_nssai, i.pdu_session_resource_setup_request_transfer) for i in items),
    )
    set_up = [
        ngap.PDUSessionResourceSetupItemSURes(
            pdu_session_id=psi,
            pdu_session_resource_setup_response_transfer=response_transfer(n2, session, refused),
        )
        for psi, (session, refused) in granted.admitted.items()
    ]
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemSURes(
            pdu_session_id=psi, pdu_session_resource_setup_unsuccessful_transfer=unsuccessful_transfer(cause)
        )
        for psi, cause in granted.failed.items()
    ]
    ue.tell(
        ngap.PDUSessionResourceSetupResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_setup_list_su_res=set_up or None,
            pdu_session_resource_failed_to_setup_list_su_res=failed or None,
        )
    )
    if message.nas_pdu is not None:
        ue.deliver(message.nas_pdu)
    for item in items:
        if item.pdu_session_nas_pdu is not None and item.pdu_session_id in granted.admitted:
            ue.deliver(item.pdu_session_nas_pdu)
