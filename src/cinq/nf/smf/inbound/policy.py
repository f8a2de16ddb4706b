"""What a PCF decides for a session that is there: TS 29.512 §4.2.3.2."""

from __future__ import annotations

from cinq.nf.smf.binding import Limits, bound, merged, without
from cinq.nf.smf.context import Wanted
from cinq.nf.smf.procedures.policy import rule_reports
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import Modification
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import (
    PartialSuccessReport,
    SmPolicyDecision,
)


def to_confirm(change: SmPolicyDecision) -> frozenset[str]:
    """TS 29.512 §4.2.6.5.5: rules of which the PCF is told when UE and gNB have them."""
    asked = change.last_req_rule_data or ()
    return frozenset(
        name for each in asked if "SUCC_RES_ALLO" in each.req_data for name in each.ref_pcc_rule_ids
    )


def policy_decided(session: PduSession, change: SmPolicyDecision) -> PartialSuccessReport | None:
    """The session is to be so; the rules that cannot be are reported at once. Problem when nothing of it can be."""
    context = session.context
    wanted = session.wanted or Wanted(context.subscribed, context.decision)
    decision = merged(wanted.decision, change)
    limits = Limits(context.ue.packet_filters, context.ue.reflective_qos)
    try:
        _, refused = bound(wanted.subscribed, decision, context.qos, limits)
    except ValueError as error:
        raise Problem(400, "RULE_PERMANENT_ERROR", str(error)) from None
    for refusal in refused:
        session.runtime.report(session, "policy", None, refusal.why)
    names = frozenset(refusal.name for refusal in refused)
    if names and names >= change.pcc_rules.keys() and not change.sess_rules:
        raise Problem(400, "RULE_PERMANENT_ERROR", "; ".join(refusal.why for refusal in refused))
    session.wanted = Wanted(wanted.subscribed, without(decision, names))
    session.confirm |= to_confirm(change) - names
    session.want(Modification())
    if not refused:
        return None
    return PartialSuccessReport(failure_cause="RULE_PERMANENT_ERROR", rule_reports=rule_reports(refused))
