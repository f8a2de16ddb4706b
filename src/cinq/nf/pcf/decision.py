"""What is decided for a session, and what of it is new: pure functions of TS 29.512 §4.2.2 and §4.2.6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from cinq.nf.pcf.context import SmAssociation, UeRule
from cinq.sbi.models import SubscribedDefaultQos
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    PccRule,
    PolicyControlRequestTrigger,
    QosData,
    SessionRule,
    SmPolicyContextData,
    SmPolicyDecision,
    TrafficControlData,
)
from cinq.sbi.services.nudr_policy import PolicyElement, RulePolicy, SessionPolicy

T = TypeVar("T")
SESSION_RULE = "default"
MAX_PRECEDENCE = 254  # TS 24.501 §9.11.4.13: 255 is left to the default QoS rule
TRIGGERS: tuple[PolicyControlRequestTrigger, ...] = (
    "SE_AMBR_CH",
    "DEF_QOS_CH",
    "RES_MO_RE",
    "QOS_NOTIF",
    "CM_SES_FAIL",
)
"""What the SMF reports by Npcf_SMPolicyControl_Update."""


def decide(association: SmAssociation, elements: Iterable[PolicyElement]) -> SmPolicyDecision:
    """The whole decision: one session rule, and the rules that fit the session, each precedence once."""
    request = association.request
    fitting = [e for e in elements if not isinstance(e, SessionPolicy | RulePolicy) or _fits(e, request)]
    rules = [
        e for e in fitting if isinstance(e, RulePolicy) and e.pcc_rule.pcc_rule_id not in association.failed
    ]
    asked = [*association.ue_rules.values(), *_of_application_functions(association)]
    pcc = [r.pcc_rule for r in rules] + [u.pcc_rule for u in asked]
    qos: list[QosData] = [r.qos for r in rules] + [u.qos for u in asked if u.qos]
    traffic: list[TrafficControlData] = [r.traffic for r in rules if r.traffic]
    traffic += [u.traffic for u in asked if u.traffic]
    session = next((e for e in fitting if isinstance(e, SessionPolicy)), SessionPolicy())
    return SmPolicyDecision(
        sess_rules={SESSION_RULE: _session_rule(request, session)},
        pcc_rules={rule.pcc_rule_id: rule for rule in _each_precedence_once(pcc)},
        qos_decs={each.qos_id: each for each in qos},
        traff_cont_decs={each.tc_id: each for each in traffic},
        chg_decs={r.charging.chg_id: r.charging for r in rules if r.charging},
        policy_ctrl_req_triggers=list(TRIGGERS),
    )


def _of_application_functions(association: SmAssociation) -> list[UeRule]:
    return [rule for name, rule in association.af_rules.items() if name not in association.failed]


def denied(request: SmPolicyContextData, elements: Iterable[PolicyElement]) -> bool:
    """Whether the operator denies such a session."""
    return any(isinstance(e, SessionPolicy) and e.denied and _fits(e, request) for e in elements)


def _fits(element: RulePolicy | SessionPolicy, request: SmPolicyContextData) -> bool:
    slices = [s.numbering() for s in element.single_nssais]
    return element.dnn in (None, request.dnn) and (not slices or request.slice_info.numbering() in slices)


def _session_rule(request: SmPolicyContextData, policy: SessionPolicy) -> SessionRule:
    """What is subscribed is authorised as it is, but for what the policy says."""
    return SessionRule(
        sess_rule_id=SESSION_RULE,
        auth_sess_ambr=policy.sess_ambr or request.subs_sess_ambr,
        auth_def_qos=_default_qos(request.subs_def_qos, policy.def_qos),
    )


def _default_qos(
    subscribed: SubscribedDefaultQos | None, policy: AuthorizedDefaultQos | None
) -> AuthorizedDefaultQos | None:
    if subscribed is None:
        return policy
    granted = AuthorizedDefaultQos(
        five_qi=subscribed.five_qi, arp=subscribed.arp, priority_level=subscribed.priority_level
    )
    if policy is None:
        return granted
    given = {f: value for f in policy.__struct_fields__ if (value := getattr(policy, f)) is not None}
    return replace(granted, **given)


def _each_precedence_once(rules: list[PccRule]) -> list[PccRule]:
    """In their order; one that another has already goes to the next that is free (TS 23.503 §6.3.1)."""
    taken: set[int] = set()
    found = []
    for rule in sorted(rules, key=lambda r: (r.precedence or MAX_PRECEDENCE, r.pcc_rule_id)):
        wanted = rule.precedence or MAX_PRECEDENCE
        free = next(
            (n for n in (*range(wanted, MAX_PRECEDENCE + 1), *range(wanted, 0, -1)) if n not in taken), 0
        )
        taken.add(free)
        found.append(rule if free == rule.precedence else replace(rule, precedence=free))
    return found


def difference(before: SmPolicyDecision, after: SmPolicyDecision) -> SmPolicyDecision | None:
    """What an SMF that has `before` is told so that it has `after`; None where that is nothing."""
    made = SmPolicyDecision(
        sess_rules=_changed(before.sess_rules, after.sess_rules),
        pcc_rules=_changed(before.pcc_rules, after.pcc_rules),
        qos_decs=_changed(before.qos_decs, after.qos_decs),
        traff_cont_decs=_changed(before.traff_cont_decs, after.traff_cont_decs),
        chg_decs=_changed(before.chg_decs, after.chg_decs),
    )
    return None if made == SmPolicyDecision() else made


def _changed(before: Mapping[str, T | None], after: Mapping[str, T | None]) -> dict[str, T | None]:
    gone: dict[str, T | None] = {name: None for name in before if name not in after}
    return {**gone, **{name: value for name, value in after.items() if before.get(name) != value}}


def without(decision: SmPolicyDecision, rules: Iterable[str]) -> SmPolicyDecision:
    """The decision without these PCC rules and what they alone refer to."""
    gone = set(rules)
    pcc = {name: rule for name, rule in decision.pcc_rules.items() if name not in gone}
    left = [rule for rule in pcc.values() if rule is not None]
    qos = {name for rule in left for name in rule.ref_qos_data or ()}
    traffic = {name for rule in left for name in rule.ref_tc_data or ()}
    charging = {name for rule in left for name in rule.ref_chg_data or ()}
    return msgspec.structs.replace(
        decision,
        pcc_rules=pcc,
        qos_decs={name: value for name, value in decision.qos_decs.items() if name in qos},
        traff_cont_decs={n: value for n, value in decision.traff_cont_decs.items() if n in traffic},
        chg_decs={n: value for n, value in decision.chg_decs.items() if n in charging},
    )
