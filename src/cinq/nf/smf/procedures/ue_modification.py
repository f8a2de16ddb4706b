"""PDU session modification asked for by the UE: TS 23.502 §4.3.3.2 step 1a, TS 24.501 §6.4.2."""

from __future__ import annotations

import msgspec

from cinq.nf.smf.authorization import ue_support
from cinq.nf.smf.binding import Refusal, merged
from cinq.nf.smf.context import Wanted
from cinq.nf.smf.n2 import Modified
from cinq.nf.smf.pco import extended_pco
from cinq.nf.smf.procedures.modification import Failed, Told, modify
from cinq.nf.smf.procedures.policy import report_to_pcf
from cinq.nf.smf.rejects import modification_reject
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import SmContextCreated, SmContextResumed, UeModification
from cinq.nf.smf.ue_request import Wrong, resource_requests
from cinq.procedure import ABORT, BESIDE, Verdict, collision, outcome, procedure
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyUpdateContextData, UeInitiatedResourceRequest
from cinq.wire import nas
from cinq.wire.nas import DataRate, GsmCause


@procedure(opens=UeModification)
async def ue_requested_modification(session: PduSession, requested: UeModification) -> None:
    """Steps 1a to 13. The network answers by a command with the PTI of the UE (§6.4.2.3), or by a reject (§6.4.2.4)."""
    message = requested.message
    if session.context.state == "INACTIVE":
        reject(session, requested, Wrong(GsmCause.INVALID_PDU_SESSION_IDENTITY, f"{session.label} has ended"))
        return
    try:
        await authorised(session, message)  # 2
        await modify(session, told(session, requested))  # 2a-13
    except Wrong as wrong:
        reject(session, requested, wrong)
    except Failed as failed:
        session.wanted = None
        if not failed.was_told:
            reject(session, requested, Wrong(GsmCause.INSUFFICIENT_RESOURCES, str(failed)))
        else:
            session.runtime.report(session, "ue_requested_modification", message, str(failed))


async def authorised(session: PduSession, message: nas.PDUSessionModificationRequest) -> None:
    """What the UE says of itself is noted; what it asks for is the PCF's to decide. Wrong: it is not authorised."""
    context = session.context
    wanted = resource_requests(context, message)
    support = ue_support(
        message.capability_5gsm, message.maximum_number_of_supported_packet_filters, context.ue
    )
    session.note(ue=support, security=with_rate(session, message.integrity_protection_maximum_data_rate))
    before = session.wanted
    for number, one in enumerate(wanted):
        try:
            await asked(session, one)
        except Wrong as wrong:
            if number:
                await taken_back(session, before, wrong)
            raise


async def taken_back(session: PduSession, before: Wanted | None, wrong: Wrong) -> None:
    """All that a UE asks for in one message, or nothing: the PCF hears that what it has granted is not in force."""
    granted, session.wanted = session.wanted, before
    known = session.context.decision.pcc_rules if before is None else before.decision.pcc_rules
    names = () if granted is None else (name for name in granted.decision.pcc_rules if name not in known)
    await report_to_pcf(session, [Refusal(name, "RES_ALLO_FAIL", wrong.why) for name in names])


def with_rate(session: PduSession, rate: nas.IntegrityProtectionMaximumDataRate | None) -> object:
    security = session.context.security
    if rate is None or security is None:
        return security
    return msgspec.structs.replace(
        security,
        rate_uplink="full" if rate.uplink == DataRate.FULL else "64kbps",
        rate_downlink="full" if rate.downlink == DataRate.FULL else "64kbps",
    )


async def asked(session: PduSession, wanted: UeInitiatedResourceRequest) -> None:
    """TS 29.512 §4.2.4.17, trigger RES_MO_RE."""
    context = session.context
    triggers = context.decision.policy_ctrl_req_triggers or []
    if "RES_MO_RE" not in triggers:
        what = f"{session.label}: the PCF lets no UE ask for QoS of its own"
        raise Wrong(GsmCause.QOS_5GS_NOT_ACCEPTED, what, "cinq policy set")
    data = SmPolicyUpdateContextData(rep_policy_ctrl_req_triggers=["RES_MO_RE"], ue_init_res_req=wanted)
    try:
        decision = await session.ports.pcf.update(context.policy, data)
    except Problem as problem:
        is_new = wanted.rule_op == "CREATE_PCC_RULE" or wanted.req_qos is not None
        cause = GsmCause.QOS_5GS_NOT_ACCEPTED if is_new else GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS
        raise Wrong(cause, problem.why, problem.why.mend) from None
    before = session.wanted or Wanted(context.subscribed, context.decision)
    session.wanted = Wanted(before.subscribed, merged(before.decision, decision))


def told(session: PduSession, requested: UeModification) -> Told:
    message, network = requested.message, session.ports.data_network(session.context.dnn)
    return Told(
        pti=message.pti,
        always_on=session.context.always_on if message.always_on_requested is not None else None,
        extended_pco=None if network is None else extended_pco(message.extended_pco, network),
        first=requested.first,
    )


def reject(session: PduSession, requested: UeModification, wrong: Wrong) -> None:
    """PDU SESSION MODIFICATION REJECT, §6.4.2.4.1."""
    why = outcome("refused", wrong.why)
    session.runtime.report(session, "ue_requested_modification", requested.message, why)
    answer = modification_reject(requested.message, wrong.cause, session.ports.settings.back_off_s)
    if not requested.first(nas.encode(answer), b""):
        session.tell(answer)


@collision(ue_requested_modification, SmContextCreated, SmContextResumed)
def _(session: PduSession, created: object) -> Verdict:
    """TS 24.501 §6.4.1.7 c): the UE begins anew."""
    return ABORT


@collision(ue_requested_modification, Modified)
def _(session: PduSession, modified: Modified) -> Verdict:
    """The gNB answers before the UE does."""
    return BESIDE
