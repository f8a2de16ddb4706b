"""UE Context Release Request, TS 38.413 §8.3.2."""

from __future__ import annotations

from cinq.ran.gnb.n2 import UeContext
from cinq.wire import ngap


def send(ue: UeContext, cause: ngap.Cause) -> None:
    """UE CONTEXT RELEASE REQUEST. A UE that the AMF has not answered yet is forgotten: it has no name there."""
    if ue.amf_ue_ngap_id is None:
        ue.n2.forget(ue, cause[1])
        return
    sessions = [ngap.PDUSessionResourceItemCxtRelReq(pdu_session_id=psi) for psi in ue.sessions]
    ue.tell(
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_list_cxt_rel_req=sessions or None,
            cause=cause,
        )
    )
