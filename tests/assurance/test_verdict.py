"""What facts amount to: no verdict without a control, a finding and liveness."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cinq.assurance.evidence import Told, coverage
from cinq.assurance.verdict import Broken, Fact, Verdict, judge, of_case

KINDS = st.sampled_from(["step", "control", "finding", "liveness"])
FACTS = st.lists(st.builds(Fact, kind=KINDS, statement=st.just("x"), holds=st.booleans()), max_size=8)
BROKEN = st.one_of(st.none(), st.builds(Broken, st.just("why"), st.booleans()))
WHOLE = [Fact("control", "c", True), Fact("finding", "f", True), Fact("liveness", "l", True)]


@given(FACTS, BROKEN)
def test_a_pass_rests_on_all_three(facts: list[Fact], broken: Broken | None) -> None:
    if judge(facts, broken).verdict is Verdict.PASS:
        assert broken is None
        assert all(fact.holds for fact in facts if fact.kind != "step")
        assert {"control", "finding", "liveness"} <= {fact.kind for fact in facts}


@given(FACTS, BROKEN)
def test_a_fail_rests_on_something_seen(facts: list[Fact], broken: Broken | None) -> None:
    wrong = [fact for fact in facts if fact.kind in ("finding", "liveness") and not fact.holds]
    gone = broken is not None and broken.beyond_doubt
    assert (judge(facts, broken).verdict is Verdict.FAIL) == bool(wrong and not gone)


def test_each_of_the_three_is_wanted() -> None:
    assert judge(WHOLE).verdict is Verdict.PASS
    for left_out in range(3):
        judged = judge(WHOLE[:left_out] + WHOLE[left_out + 1 :])
        assert judged.verdict is Verdict.INCONCLUSIVE
        assert judged.reason


def test_a_case_is_passed_when_all_that_applies_was_asked() -> None:
    passed, untested, not_applicable = Verdict.PASS, Verdict.NOT_TESTED, Verdict.NOT_APPLICABLE
    assert of_case([passed, not_applicable]) is passed
    assert of_case([passed, untested]) is untested
    assert of_case([passed, Verdict.FAIL, Verdict.INCONCLUSIVE]) is Verdict.FAIL
    assert of_case([not_applicable]) is not_applicable
    assert of_case([]) is untested


def test_coverage_counts_what_could_be_told() -> None:
    def told(case: str, verdict: Verdict, beyond: bool = False) -> Told:
        return Told(case, "A", "", "33.512", "", "", "", verdict, "", beyond)

    replay, xn, guti = (f"SCAS-33512-4.2.2.{clause}" for clause in ("3.1", "4.1", "5.1"))
    found = coverage(
        [told(replay, Verdict.PASS), told(xn, Verdict.INCONCLUSIVE), told(guti, Verdict.PASS, True)]
    )
    assert (found.executed, found.beyond) == (1, 1)
    assert found.verdicts[Verdict.PASS] == 1
    assert found.black_box < found.rows
