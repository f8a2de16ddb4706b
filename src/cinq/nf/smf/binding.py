"""From what the PCF decided to the QoS of the session: QoS flow binding, TS 23.503 §6.1.3.2.4, TS 29.512 §4.2.6.

The one place where QFIs, rule numbers and precedences are allocated. What stood before keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import Struct

from cinq.nf.smf.flows import (
    DEFAULT_RULE,
    QosFlow,
    QosProfile,
    Rates,
    SdfFilter,
    SdfRule,
    SessionQos,
    same,
)
from cinq.nf.smf.sdf import sdf_filters
from cinq.procedure import Why
from cinq.sbi.models import Ambr, Arp, bits_per_second
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    FailureCode,
    PccRule,
    QosData,
    SmPolicyDecision,
)

DEFAULT_QFI, MOST_FLOWS, MOST_RULES, MOST_FILTERS_OF_A_RULE = 1, 63, 253, 15
LOWEST_PRECEDENCE, RESERVED_PRECEDENCE = 254, 80
"""TS 24.501 §9.11.4.13: 80 is for QoS rules that the UE derives. 255 is the default rule's."""
T = TypeVar("T")
V = TypeVar("V", bound=Struct)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A PCC rule that cannot be in force."""

    name: str
    code: FailureCode
    why: Why


@dataclass(frozen=True, slots=True)
class Limits:
    """What the UE can do: packet filters in signalled QoS rules, reflective QoS."""

    packet_filters: int = 16
    reflective: bool = False


class Unbound(Exception):
    """A PCC rule that cannot be bound."""

    def __init__(self, code: FailureCode, why: Why) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


# -- decisions ------------------------------------------------------------------------------------------


def merged(policy: SmPolicyDecision, change: SmPolicyDecision) -> SmPolicyDecision:
    """The policy with a decision's changes: None under a name removes what has it (TS 29.512 §4.2.6.2)."""
    return msgspec.structs.replace(
        policy,
        sess_rules=_merged(policy.sess_rules, change.sess_rules),
        pcc_rules=_merged(policy.pcc_rules, change.pcc_rules),
        qos_decs=_merged(policy.qos_decs, change.qos_decs),
        traff_cont_decs=_merged(policy.traff_cont_decs, change.traff_cont_decs),
        chg_decs=_merged(policy.chg_decs, change.chg_decs),
        reflective_qos_timer=policy.reflective_qos_timer
        if change.reflective_qos_timer is None
        else change.reflective_qos_timer,
        policy_ctrl_req_triggers=change.policy_ctrl_req_triggers or policy.policy_ctrl_req_triggers,
    )


def _merged(known: dict[str, V | None], changes: dict[str, V | None]) -> dict[str, V | None]:
    if not changes:
        return known
    if not known and None not in changes.values():
        return changes
    result = dict(known)
    for name, change in changes.items():
        before = result.pop(name, None)
        if change is not None:
            result[name] = change if before is None else _overlaid(before, change)
    return result


def _overlaid(before: V, change: V) -> V:
    """The members that the change has replace those that were."""
    changes = {f: v for f in change.__struct_fields__ if (v := getattr(change, f)) is not None}
    return msgspec.structs.replace(before, **changes)


def without(policy: SmPolicyDecision, names: frozenset[str]) -> SmPolicyDecision:
    """The policy without these PCC rules."""
    if not names & policy.pcc_rules.keys():
        return policy
    kept = {name: rule for name, rule in policy.pcc_rules.items() if name not in names}
    return msgspec.structs.replace(policy, pcc_rules=kept)


# -- binding --------------------------------------------------------------------------------------------


@lru_cache(1024)
def rates(ambr: Ambr) -> Rates:
    return Rates(bits_per_second(ambr.uplink), bits_per_second(ambr.downlink))


def bound(
    subscribed: SessionQos, policy: SmPolicyDecision, before: SessionQos, limits: Limits
) -> tuple[SessionQos, tuple[Refusal, ...]]:
    """The session's QoS by this policy, and what of it cannot be in force. before: what is in force now.

    subscribed: session AMBR and default QoS flow that hold where no session rule says otherwise.
    """
    ambr, default = authorised(subscribed, policy)
    if not policy.pcc_rules:
        rule = SdfRule("", DEFAULT_RULE, default.qfi)
        return same(SessionQos(ambr, (default,), (rule,), policy.reflective_qos_timer or 0)), ()
    binder = _Binder(policy, default, before, limits)
    for each in sorted(filter(None, policy.pcc_rules.values()), key=_order):
        binder.take(each)
    qos = SessionQos(ambr, binder.flows(), binder.rules(), policy.reflective_qos_timer or 0)
    return same(qos), tuple(binder.refused)


def _order(rule: PccRule) -> tuple[int, str]:
    return LOWEST_PRECEDENCE if rule.precedence is None else rule.precedence, rule.pcc_rule_id


def authorised(subscribed: SessionQos, policy: SmPolicyDecision) -> tuple[Rates, QosFlow]:
    """Session AMBR and default QoS flow as the session rules change them. ValueError: a rate that is none."""
    ambr, flow = subscribed.ambr, subscribed.default_flow
    for rule in filter(None, policy.sess_rules.values()):
        if rule.auth_sess_ambr is not None:
            ambr = rates(rule.auth_sess_ambr)
        if rule.auth_def_qos is not None:
            flow = _default_flow(flow, rule.auth_def_qos)
    return ambr, flow


@lru_cache(1024)
def _default_flow(flow: QosFlow, qos: AuthorizedDefaultQos) -> QosFlow:
    """The same for all sessions of one kind."""
    profile = _with_arp(flow.profile, qos.arp)
    profile = msgspec.structs.replace(
        profile,
        five_qi=profile.five_qi if qos.five_qi is None else qos.five_qi,
        priority_level=profile.priority_level if qos.priority_level is None else qos.priority_level,
        averaging_window=qos.aver_window,
        max_data_burst=qos.max_data_burst_vol,
    )
    return QosFlow(flow.qfi, profile, _both(qos.gbr_ul, qos.gbr_dl), _both(qos.maxbr_ul, qos.maxbr_dl))


def _with_arp(profile: QosProfile, arp: Arp | None) -> QosProfile:
    if arp is None:
        return profile
    return msgspec.structs.replace(
        profile,
        arp_priority=arp.priority_level,
        may_preempt=arp.preempt_cap == "MAY_PREEMPT",
        preemptable=arp.preempt_vuln == "PREEMPTABLE",
    )


def _both(uplink: str | None, downlink: str | None) -> Rates | None:
    if uplink is None and downlink is None:
        return None
    return Rates(bits_per_second(uplink or "0 bps"), bits_per_second(downlink or "0 bps"))


class _Binder:
    """PCC rules bound one after the other, the earliest in precedence first."""

    def __init__(
        self, policy: SmPolicyDecision, default: QosFlow, before: SessionQos, limits: Limits
    ) -> None:
        self._policy, self._default, self._before, self._limits = policy, default, before, limits
        self._bound: list[tuple[PccRule, SdfRule, QosData | None]] = []
        self._qfis: dict[QosProfile, int] = {}
        self._numbers = {rule.number for rule in before.rules} | {DEFAULT_RULE}
        self._filters = 1  # the default rule's
        self.refused: list[Refusal] = []

    def take(self, rule: PccRule) -> None:
        name = rule.pcc_rule_id
        try:
            self._bound.append(self._bind(rule))
        except Unbound as unbound:
            self.refused.append(Refusal(name, unbound.code, unbound.why))
        except ValueError as error:
            mend = f"write the flowInfos and rates of PCC rule {name} as TS 29.512 has them"
            self.refused.append(Refusal(name, "INCOR_FLOW_INFO", Why(f"PCC rule {name}: {error}", mend)))

    def _bind(self, rule: PccRule) -> tuple[PccRule, SdfRule, QosData | None]:
        name, qos = rule.pcc_rule_id, self._referred(rule, rule.ref_qos_data, self._policy.qos_decs)
        control = self._referred(rule, rule.ref_tc_data, self._policy.traff_cont_decs)
        charged = self._referred(rule, rule.ref_chg_data, self._policy.chg_decs)
        filters = self._flow_filters(rule)
        profile = self._profile(rule, qos)
        status = None if control is None else control.flow_status
        wished = qos is not None and bool(qos.reflective_qos)
        made = SdfRule(
            name=name,
            number=0,
            qfi=self._qfi(name, profile, qos),
            filters=filters,
            mbr=None if qos is None or profile.is_gbr else _both(qos.maxbr_ul, qos.maxbr_dl),
            uplink_open=status in (None, "ENABLED", "ENABLED-UPLINK"),
            downlink_open=status in (None, "ENABLED", "ENABLED-DOWNLINK"),
            reflective=wished and self._limits.reflective and not profile.is_gbr,
            rating_group=(charged.rating_group or 0) if charged is not None else 0,
        )
        self._admit(made)
        return rule, msgspec.structs.replace(made, number=self._number(name)), qos

    def _referred(self, rule: PccRule, names: list[str] | None, known: dict[str, T | None]) -> T | None:
        if not names:
            return None
        found = known.get(names[0])
        if found is None:
            what = f"PCC rule {rule.pcc_rule_id} refers to {names[0]!r}, which no decision has"
            raise Unbound("UNKNOWN_REF_ID", Why(what, "send the data that the rule refers to with it"))
        return found

    def _flow_filters(self, rule: PccRule) -> tuple[SdfFilter, ...]:
        if not rule.flow_infos:
            what = f"PCC rule {rule.pcc_rule_id} has no flowInfos"
            code: FailureCode = "APP_ID_ERR" if rule.app_id else "MISS_FLOW_INFO"
            raise Unbound(code, Why(what, "give the rule flowInfos; applications are not detected here"))
        found = tuple(each for info in rule.flow_infos for each in sdf_filters(info))
        if rule.dis_ue_notif:
            return tuple(msgspec.structs.replace(f, for_ue=False) for f in found)
        return found

    def _profile(self, rule: PccRule, qos: QosData | None) -> QosProfile:
        default = self._default.profile
        if qos is None or qos.def_qos_flow_indication:
            return default
        profile = QosProfile(
            five_qi=default.five_qi if qos.five_qi is None else qos.five_qi,
            arp_priority=default.arp_priority,
            may_preempt=default.may_preempt,
            preemptable=default.preemptable,
            priority_level=qos.priority_level,
            averaging_window=qos.aver_window,
            max_data_burst=qos.max_data_burst_vol,
            notification_control=bool(qos.qnc),
        )
        profile = _with_arp(profile, qos.arp)
        guaranteed = _both(qos.gbr_ul, qos.gbr_dl)
        if profile.is_gbr != (guaranteed is not None):
            want = "wants gbrUl and gbrDl" if profile.is_gbr else "is of no GBR resource type"
            what = f"PCC rule {rule.pcc_rule_id}: 5QI {profile.five_qi} {want}"
            raise Unbound("UNSUCC_QOS_VAL", Why(what, "give guaranteed rates with a GBR 5QI, and only there"))
        return profile

    def _qfi(self, name: str, profile: QosProfile, qos: QosData | None) -> int:
        default = self._default
        if qos is None or qos.def_qos_flow_indication or (profile == default.profile and not profile.is_gbr):
            return default.qfi
        known = self._qfis.get(profile)
        if known is not None:
            return known
        was = [flow.qfi for flow in self._before.flows if flow.profile == profile and flow.qfi != default.qfi]
        taken = {default.qfi, *self._qfis.values(), *(flow.qfi for flow in self._before.flows)}
        free = [qfi for qfi in was if qfi not in self._qfis.values()] or [
            qfi for qfi in range(1, MOST_FLOWS + 1) if qfi not in taken
        ]
        if not free:
            what = f"PCC rule {name}: the session has {MOST_FLOWS} QoS flows"
            raise Unbound("MAX_NR_QoS_FLOW", Why(what, "take PCC rules with other QoS away first"))
        self._qfis[profile] = free[0]
        return free[0]

    def _admit(self, rule: SdfRule) -> None:
        """What the UE can hold."""
        count = len(rule.signalled)
        if len(rule.filters) > MOST_FILTERS_OF_A_RULE or self._filters + count > self._limits.packet_filters:
            what = (
                f"PCC rule {rule.name} has {len(rule.filters)} packet filters; a rule has at most "
                f"{MOST_FILTERS_OF_A_RULE}, the UE takes {self._limits.packet_filters} in all"
            )
            raise Unbound(
                "MAX_NR_PACKET_FILTERS_EXCEEDED", Why(what, "join filters, or take other rules away")
            )
        self._filters += count

    def _number(self, name: str) -> int:
        known = self._before.named(name)
        number = known.number if known else next(n for n in range(2, 10**6) if n not in self._numbers)
        if number > MOST_RULES:
            what = f"PCC rule {name}: the session has {MOST_RULES} rules"
            raise Unbound("RES_LIM", Why(what, "take PCC rules away first"))
        self._numbers.add(number)
        return number

    def flows(self) -> tuple[QosFlow, ...]:
        """The default flow, then those that rules are bound to, by QFI."""
        made = {self._default.qfi: self._default}
        for _, rule, qos in self._bound:
            if qos is None or rule.qfi == self._default.qfi:
                continue
            profile = next(p for p, qfi in self._qfis.items() if qfi == rule.qfi)
            made[rule.qfi] = _joined(made.get(rule.qfi) or QosFlow(rule.qfi, profile), qos, rule)
        return tuple(made[qfi] for qfi in (self._default.qfi, *sorted(made.keys() - {self._default.qfi})))

    def rules(self) -> tuple[SdfRule, ...]:
        """The default rule, then the others; each with its precedence."""
        values = precedences([_order(rule)[0] for rule, _, _ in self._bound])
        default = SdfRule("", DEFAULT_RULE, self._default.qfi)
        others = [
            msgspec.structs.replace(made, precedence=value)
            for (_, made, _), value in zip(self._bound, values, strict=True)
        ]
        return (default, *others)


def _joined(flow: QosFlow, qos: QosData, rule: SdfRule) -> QosFlow:
    """The flow with one more rule on it: guaranteed and maximum rates add up, the strictest loss rate holds."""
    is_gbr = flow.profile.is_gbr
    guaranteed = _both(qos.gbr_ul, qos.gbr_dl)
    return msgspec.structs.replace(
        flow,
        gfbr=_sum(flow.gfbr, guaranteed) if is_gbr else None,
        mfbr=_sum(flow.mfbr, _both(qos.maxbr_ul, qos.maxbr_dl) or guaranteed) if is_gbr else None,
        reflective=flow.reflective or rule.reflective,
        loss_uplink=_least(flow.loss_uplink, qos.max_packet_loss_rate_ul) if is_gbr else None,
        loss_downlink=_least(flow.loss_downlink, qos.max_packet_loss_rate_dl) if is_gbr else None,
    )


def _sum(one: Rates | None, other: Rates | None) -> Rates | None:
    if one is None or other is None:
        return one or other
    return Rates(one.uplink_bps + other.uplink_bps, one.downlink_bps + other.downlink_bps)


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def precedences(wanted: list[int]) -> list[int]:
    """What UE and UPF are told, for rules in their order: the wanted value where it can be, none twice."""
    values: list[int] = []
    for value in wanted:
        value = max(value, values[-1] + 1 if values else 1)
        values.append(value + (value == RESERVED_PRECEDENCE))
    most = LOWEST_PRECEDENCE
    for i in reversed(range(len(values))):
        value = min(values[i], most)
        values[i] = value - (value == RESERVED_PRECEDENCE)
        most = values[i] - 1
    return values
