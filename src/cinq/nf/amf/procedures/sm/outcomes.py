"""What a gNB says of PDU session resources, TS 38.413 §8.2 and §8.3.1: on to the SMFs as it is."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.sm.resources import deliver_answer
from cinq.nf.amf.ue import Ue
from cinq.sbi import Problem
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType, SmContextUpdateData, UpdateSmContextRequest
from cinq.wire import ngap

Outcome = tuple[int, N2SmInfoType, bytes]


def expected(connection: NgConnection, message: ngap.Pdu) -> bool:
    """Whether the message is the outcome of a procedure that the AMF began, or a notification."""
    if isinstance(message, ngap.PDUSessionResourceNotify):
        return True
    if message.KIND == "initiatingMessage" or message.PROCEDURE not in connection.outstanding:
        return False
    connection.settle(message.PROCEDURE)
    return True


def of_sessions(message: ngap.Pdu) -> list[Outcome]:
    """PDU session, kind and transfer of each session that the message speaks of."""
    match message:
        case ngap.InitialContextSetupResponse():
            return [
                (i.pdu_session_id, "PDU_RES_SETUP_RSP", i.pdu_session_resource_setup_response_transfer)
                for i in message.pdu_session_resource_setup_list_cxt_res or ()
            ] + [
                (i.pdu_session_id, "PDU_RES_SETUP_FAIL", i.pdu_session_resource_setup_unsuccessful_transfer)
                for i in message.pdu_session_resource_failed_to_setup_list_cxt_res or ()
            ]
        case ngap.PDUSessionResourceSetupResponse():
            return [
                (i.pdu_session_id, "PDU_RES_SETUP_RSP", i.pdu_session_resource_setup_response_transfer)
                for i in message.pdu_session_resource_setup_list_su_res or ()
            ] + [
                (i.pdu_session_id, "PDU_RES_SETUP_FAIL", i.pdu_session_resource_setup_unsuccessful_transfer)
                for i in message.pdu_session_resource_failed_to_setup_list_su_res or ()
            ]
        case ngap.InitialContextSetupFailure():
            return [
                (i.pdu_session_id, "PDU_RES_SETUP_FAIL", i.pdu_session_resource_setup_unsuccessful_transfer)
                for i in message.pdu_session_resource_failed_to_setup_list_cxt_fail or ()
            ]
        case ngap.PDUSessionResourceReleaseResponse():
            return [
                (i.pdu_session_id, "PDU_RES_REL_RSP", i.pdu_session_resource_release_response_transfer)
                for i in message.pdu_session_resource_released_list_rel_res or ()
            ]
    return _of_changes(message)


def _of_changes(message: ngap.Pdu) -> list[Outcome]:
    match message:
        case ngap.PDUSessionResourceModifyResponse():
            return [
                (i.pdu_session_id, "PDU_RES_MOD_RSP", i.pdu_session_resource_modify_response_transfer)
                for i in message.pdu_session_resource_modify_list_mod_res or ()
            ] + [
                (i.pdu_session_id, "PDU_RES_MOD_FAIL", i.pdu_session_resource_modify_unsuccessful_transfer)
                for i in message.pdu_session_resource_failed_to_modify_list_mod_res or ()
            ]
        case ngap.PDUSessionResourceNotify():
            return [
                (i.pdu_session_id, "PDU_RES_NTY", i.pdu_session_resource_notify_transfer)
                for i in message.pdu_session_resource_notify_list or ()
            ] + [
                (i.pdu_session_id, "PDU_RES_NTY_REL", i.pdu_session_resource_notify_released_transfer)
                for i in message.pdu_session_resource_released_list_not or ()
            ]
    return []


async def relay(ue: Ue, found: list[Outcome]) -> None:
    """Nsmf_PDUSession_UpdateSMContext for each; what the SMF answers is delivered (TS 23.502 §4.3.2.2.1 step 15)."""
    for pdu_session_id, kind, octets in found:
        sm = ue.context.sm_context(pdu_session_id)
        if sm is None:
            journal.note(ue, f"{kind} of PDU session {pdu_session_id}, which the UE does not have")
            continue
        update = UpdateSmContextRequest(
            json_data=SmContextUpdateData(
                n2_sm_info=RefToBinaryData(content_id="n2SmInfo"), n2_sm_info_type=kind
            ),
            binary_data_n2_sm_information=octets,
        )
        try:
            answer = await ue.ports.nsmf.update_sm_context(sm.ref, update)
        except Problem as problem:
            journal.note(ue, f"{kind} of PDU session {pdu_session_id}: SMF answers {problem}")
            continue
        deliver_answer(ue, sm, answer)
