"""Whatever changes, an SMF that applies the difference has the decision (TS 29.512 §4.2.6.1)."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.pcf.context import SmAssociation
from cinq.nf.pcf.decision import decide, difference, without
from cinq.nf.udr import policies
from cinq.sbi.models import Snssai
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyContextData, SmPolicyDecision
from cinq.settings.policy import Rule

T = TypeVar("T")
CONTEXT = SmPolicyContextData(
    supi="imsi-1",
    pdu_session_id=1,
    pdu_session_type="IPV4",
    dnn="internet",
    notification_uri="/x",
    slice_info=Snssai(sst=1),
)
rules = st.lists(
    st.builds(
        Rule,
        st.sampled_from("abcdef"),
        st.just(("permit out ip from 203.0.113.0/24 to assigned",)),
        st.sampled_from((5, 7, 9)),
        precedence=st.integers(1, 254),
        gate=st.sampled_from(("open", "closed")),
    ),
    max_size=6,
    unique_by=lambda rule: rule.name,
)


def decided(given_: list[Rule]) -> SmPolicyDecision:
    return decide(SmAssociation(CONTEXT, SmPolicyDecision()), map(policies.element, given_))


def merged(before: dict[str, T | None], change: dict[str, T | None]) -> dict[str, T | None]:
    return {name: value for name, value in {**before, **change}.items() if value is not None}


@given(rules, rules)
def test_the_difference_leads_from_one_to_the_other(one: list[Rule], two: list[Rule]) -> None:
    before, after = decided(one), decided(two)
    change = difference(before, after)
    if change is None:
        assert before == after
        return
    for name in ("sess_rules", "pcc_rules", "qos_decs", "traff_cont_decs"):
        assert merged(getattr(before, name), getattr(change, name)) == getattr(after, name)


@given(rules)
def test_a_decision_holds_together(given_: list[Rule]) -> None:
    decision = decided(given_)
    left = [rule for rule in decision.pcc_rules.values() if rule is not None]
    assert len({rule.precedence for rule in left}) == len(left) == len(given_)
    assert {name for rule in left for name in rule.ref_qos_data or ()} == set(decision.qos_decs)
    assert {name for rule in left for name in rule.ref_tc_data or ()} == set(decision.traff_cont_decs)
    nothing = without(decision, [rule.name for rule in given_])
    assert (nothing.pcc_rules, nothing.qos_decs, nothing.traff_cont_decs) == ({}, {}, {})
