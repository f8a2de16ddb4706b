"""The SM policy association at the PCF: what it hears of, TS 29.512 §4.2.4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cinq.nf.smf.binding import Refusal, merged
from cinq.nf.smf.context import Wanted
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import Modification, QosNotified, SmContextCreated
from cinq.procedure import ABORT, Verdict, collision, procedure
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import (
    FailureCode,
    QosNotificationControlInfo,
    RuleReport,
    SmPolicyDecision,
    SmPolicyUpdateContextData,
)


async def report_to_pcf(session: PduSession, refused: Sequence[Refusal]) -> None:
    """§4.2.4.7, §4.2.4.15: rules that could not be enforced. What the PCF decides on it is not waited for."""
    for refusal in refused:
        session.runtime.report(session, "policy", None, refusal.why)
    if refused:
        await updated(session, SmPolicyUpdateContextData(rule_reports=rule_reports(refused)))


async def confirm_to_pcf(session: PduSession) -> None:
    """§4.2.4.10: of rules that UE and gNB have now, where the PCF asked for it."""
    names, session.confirm = session.confirm & session.context.decision.pcc_rules.keys(), frozenset()
    if names:
        report = RuleReport(pcc_rule_ids=sorted(names), rule_status="ACTIVE")
        data = SmPolicyUpdateContextData(
            rep_policy_ctrl_req_triggers=["SUCC_RES_ALLO"], rule_reports=[report]
        )
        await updated(session, data)


def rule_reports(refused: Sequence[Refusal]) -> list[RuleReport]:
    by_code: dict[FailureCode, list[str]] = {}
    for refusal in refused:
        by_code.setdefault(refusal.code, []).append(refusal.name)
    return [
        RuleReport(pcc_rule_ids=names, rule_status="INACTIVE", failure_code=code)
        for code, names in by_code.items()
    ]


@procedure(opens=QosNotified)
async def qos_notification(session: PduSession, said: QosNotified) -> None:
    """TS 29.512 §4.2.4.11, TS 23.502 §4.3.3.2 steps 1e and 2: the PCF hears what it asked to hear of."""
    triggers = session.context.decision.policy_ctrl_req_triggers or []
    if session.context.state == "INACTIVE" or "QOS_NOTIF" not in triggers:
        return
    qos = session.context.qos
    told: tuple[tuple[Literal["GUARANTEED", "NOT_GUARANTEED"], frozenset[int]], ...] = (
        ("GUARANTEED", said.fulfilled),
        ("NOT_GUARANTEED", said.unfulfilled),
    )
    reports = [
        QosNotificationControlInfo(ref_pcc_rule_ids=sorted(names), notif_type=kind)
        for kind, qfis in told
        if (names := qos.names_on(qfis))
    ]
    if reports:
        data = SmPolicyUpdateContextData(rep_policy_ctrl_req_triggers=["QOS_NOTIF"], qnc_reports=reports)
        decision = await updated(session, data)
        if decision is not None and decision != SmPolicyDecision():
            decided(session, decision)


def decided(session: PduSession, change: SmPolicyDecision) -> None:
    """The PCF has decided something more: the session is to be so."""
    context = session.context
    wanted = session.wanted or Wanted(context.subscribed, context.decision)
    session.wanted = Wanted(wanted.subscribed, merged(wanted.decision, change))
    session.want(Modification())


async def updated(session: PduSession, data: SmPolicyUpdateContextData) -> SmPolicyDecision | None:
    """Npcf_SMPolicyControl_Update; None when the PCF did not take it."""
    try:
        return await session.ports.pcf.update(session.context.policy, data)
    except Problem as problem:
        session.runtime.report(session, "policy", None, f"the PCF does not take a report: {problem}")
        return None


@collision(qos_notification, SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
