"""PDU Session Resource Release, TS 38.413 §8.2.2."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures import rrc_inactive
from cinq.wire import ngap


def received(n2: N2, message: ngap.PDUSessionResourceReleaseCommand) -> None:
    """PDU SESSION RESOURCE RELEASE COMMAND. What is not known is released all the same; twice the same is once."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    rrc_inactive.paged(ue)
    transfer = ngap.encode_value(ngap.PDUSessionResourceReleaseResponseTransfer())
    identities = dict.fromkeys(i.pdu_session_id for i in message.pdu_session_resource_to_release_list_rel_cmd)
    for psi in identities:
        ue.drop(psi)
    if message.nas_pdu is not None:
        ue.deliver(message.nas_pdu)
    ue.tell(
        ngap.PDUSessionResourceReleaseResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_released_list_rel_res=[
                ngap.PDUSessionResourceReleasedItemRelRes(
                    pdu_session_id=psi, pdu_session_resource_release_response_transfer=transfer
                )
                for psi in identities
            ],
            user_location_information=ue.location,
        )
    )
