"""What a gNB says of PDU session resources, TS 38.413 §8.2 and §8.3.1: on to the SMFs as it is."""

from __future__ import annotations

from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.sm.mobility import GNB
from cinq.nf.amf.procedures.sm.resources import deliver_answer
from cinq.nf.amf.ue import Ue, ue_of
from cinq.procedure import Timer, Why
from cinq.sbi import Problem
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType, SmContextUpdateData, UpdateSmContextRequest
from cinq.wire import ngap

Outcome = tuple[int, N2SmInfoType, bytes]


NGAP_GUARD = Timer("NGAP guard", 10.0, retransmissions=0)


class Asked(Struct, frozen=True, gc=False):
    """A request that a gNB is to answer. lacking: what its SMF hears of a session that the gNB says nothing of."""

    connection: NgConnection
    sessions: frozenset[int]
    lacking: N2SmInfoType


def names(asked: Asked, message: object) -> bool:
    """Whether an answer is about these sessions. One that names none belongs to the oldest request."""
    assert isinstance(message, ngap.Pdu)
    named = {number for number, _, _ in of_sessions(message)}
    return not named or not named.isdisjoint(asked.sessions)


async def came(asked: Asked, answer: ngap.Pdu) -> None:
    """What the gNB says of each session that was asked for goes to its SMF, and so does that it says nothing."""
    ue, found = ue_of(asked.connection), of_sessions(answer)
    named = {number for number, _, _ in found}
    for number in sorted(named - asked.sessions):
        journal.note(ue, f"the gNB answers for PDU session {number}, for which this request did not ask")
    await relay(ue, [outcome for outcome in found if outcome[0] in asked.sessions])
    if not asked.sessions <= named:
        await relay(ue, lacking(asked, asked.sessions - named))


async def none_came(asked: Asked) -> None:
    """The gNB has not answered, or its connection is gone: no SMF goes on waiting.

    When the UE is CM-IDLE the SMFs of all its sessions hear that (TS 23.502 §4.2.6 step 5).
    """
    ue = ue_of(asked.connection)
    if ue.connection is not None:
        await relay(ue, lacking(asked, asked.sessions))


def lacking(asked: Asked, sessions: frozenset[int]) -> list[Outcome]:
    return [(number, asked.lacking, LACKING[asked.lacking]) for number in sorted(sessions)]


UNSPECIFIED: ngap.Cause = ("radioNetwork", "unspecified")
LACKING: dict[N2SmInfoType, bytes] = {
    "PDU_RES_SETUP_FAIL": ngap.encode_value(
        ngap.PDUSessionResourceSetupUnsuccessfulTransfer(cause=UNSPECIFIED)
    ),
    "PDU_RES_MOD_FAIL": ngap.encode_value(
        ngap.PDUSessionResourceModifyUnsuccessfulTransfer(cause=UNSPECIFIED)
    ),
    "PDU_RES_REL_RSP": ngap.encode_value(ngap.PDUSessionResourceReleaseResponseTransfer()),
}


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
        case ngap.SecondaryRATDataUsageReport():
            return [
                (i.pdu_session_id, "SECONDARY_RAT_USAGE", i.secondary_rat_data_usage_report_transfer)
                for i in message.pdu_session_resource_secondary_rat_usage_list or ()
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
            text = f"not carried: {kind} of PDU session {pdu_session_id}: SMF answers {problem}"
            journal.note(ue, Why(text, problem.why.mend or GNB))
            continue
        deliver_answer(ue, sm, answer)
