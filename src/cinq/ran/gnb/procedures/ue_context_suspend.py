"""UE Context Suspend and Resume of an ng-eNB, TS 38.413 §8.3.11 and §8.3.12; MT Communication Handling, §8.3.13."""

from __future__ import annotations

from cinq.procedure import Declined, Refused, Timer, procedure
from cinq.ran.gnb.context import AsKeys
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.n2.reasons import why
from cinq.ran.gnb.signals import HandleMtCommunication, Resume, Suspend
from cinq.wire import ngap

SUSPEND = Timer("UE Context Suspend", 10, 0)
RESUME = Timer("UE Context Resume", 10, 0)
MT_COMMUNICATION = Timer("MT Communication Handling", 10, 0)


@procedure(opens=Suspend)
async def suspend(ue: UeContext, _: Suspend) -> None:
    """§8.3.11. Refused: with the UE CONTEXT SUSPEND FAILURE; the UE stays connected."""
    assert ue.amf_ue_ngap_id is not None
    transfer = ngap.encode_value(ngap.UEContextSuspendRequestTransfer(suspend_indicator="true"))
    sessions = [
        ngap.PDUSessionResourceSuspendItemSUSReq(
            pdu_session_id=psi, ue_context_suspend_request_transfer=transfer
        )
        for psi in ue.sessions
    ]
    answer = await ue.ask(
        ngap.UEContextSuspendRequest(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_suspend_list_sus_req=sessions or None,
            user_location_information=ue.location,
        ),
        ngap.UEContextSuspendResponse,
        ngap.UEContextSuspendFailure,
        timer=SUSPEND,
    )
    if isinstance(answer, ngap.UEContextSuspendFailure):
        raise Refused(answer, why("UE Context Suspend Failure", answer.cause, ue.n2.ports.settings))
    ue.commit(inactive=True, keys=keys_after(ue, answer))


@procedure(opens=Resume)
async def resume(ue: UeContext, wanted: Resume) -> None:
    """§8.3.12. Refused: with the UE CONTEXT RESUME FAILURE; then the connection is over (§8.3.12.3)."""
    assert ue.amf_ue_ngap_id is not None
    transfer = ngap.encode_value(ngap.UEContextResumeRequestTransfer())
    sessions = [
        ngap.PDUSessionResourceResumeItemRESReq(
            pdu_session_id=psi, ue_context_resume_request_transfer=transfer
        )
        for psi in ue.sessions
    ]
    request = ngap.UEContextResumeRequest(
        amf_ue_ngap_id=ue.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        rrc_resume_cause=wanted.cause,
        pdu_session_resource_resume_list_res_req=sessions or None,
        user_location_information=ue.location,
    )
    try:
        answer = await ue.ask(
            request, ngap.UEContextResumeResponse, ngap.UEContextResumeFailure, timer=RESUME
        )
    except Declined as declined:
        ue.n2.forget(ue, declined.reason)
        raise
    if isinstance(answer, ngap.UEContextResumeFailure):
        reason = why("UE Context Resume Failure", answer.cause, ue.n2.ports.settings)
        ue.n2.forget(ue, reason)
        raise Refused(answer, reason)
    for item in answer.pdu_session_resource_failed_to_resume_list_res_res or ():
        ue.drop(item.pdu_session_id)
    ue.commit(inactive=answer.suspend_response_indication is not None, keys=keys_after(ue, answer))


@procedure(opens=HandleMtCommunication)
async def mt_communication(ue: UeContext, wanted: HandleMtCommunication) -> None:
    """§8.3.13. Refused: with the MT COMMUNICATION HANDLING FAILURE."""
    assert ue.amf_ue_ngap_id is not None
    sessions = [ngap.PDUSessionListMTCommHReqItem(pdu_session_id=psi) for psi in ue.sessions]
    answer = await ue.ask(
        ngap.MTCommunicationHandlingRequest(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            five_gc_action=wanted.action,
            pdu_session_list_mt_comm_h_req=sessions,
        ),
        ngap.MTCommunicationHandlingResponse,
        ngap.MTCommunicationHandlingFailure,
        timer=MT_COMMUNICATION,
    )
    if isinstance(answer, ngap.MTCommunicationHandlingFailure):
        raise Refused(answer, why("MT Communication Handling Failure", answer.cause, ue.n2.ports.settings))


def keys_after(ue: UeContext, answer: ngap.UEContextSuspendResponse | ngap.UEContextResumeResponse) -> AsKeys:
    """The AS keys with the pair that the AMF gave, if it gave one; what was unused goes (§8.3.11.2)."""
    keys = ue.context.keys
    given = answer.security_context
    return keys if given is None else keys.with_next(*next_hop(given))


def next_hop(context: ngap.SecurityContext) -> tuple[bytes, int]:
    """{NH, NCC}, §9.3.1.88."""
    return context.next_hop_nh.to_bytes(32, "big"), context.next_hop_chaining_count
