"""The cases of TS 33.512: each passes on the sound core, and each kills the mutants that it is for."""

from __future__ import annotations

import pytest

from cinq.assurance.cases import CASES
from cinq.assurance.verdict import Verdict

from .mutants import MUTANTS
from .site import asked

SYNC, RES, INTEGRITY = "33512-4.2.2.1.1", "33512-4.2.2.1.2", "33512-4.2.2.1.4"
REPLAY, NULL, SELECTION = "33512-4.2.2.3.1", "33512-4.2.2.3.2", "33512-4.2.2.3.3"
XN, GUTI, CAPABILITY, CONTEXT = "33512-4.2.2.4.1", "33512-4.2.2.5.1", "33512-4.2.2.6.1", "33512-4.2.2.6.2"

KILLS: dict[tuple[str, str], tuple[str, ...]] = {
    (SYNC, "A"): ("auts_is_passed_over", "a_challenge_goes_out_before_the_ausf_answers"),
    (SYNC, "C"): ("an_auts_that_nobody_asked_for_is_taken", "an_auts_that_nobody_asked_for_is_answered"),
    (RES, "A"): ("any_response_is_right", "a_wrong_response_is_never_rejected"),
    (RES, "B"): ("any_response_is_right", "a_wrong_response_is_always_rejected"),
    (INTEGRITY, "a"): ("macs_are_not_checked",),
    (INTEGRITY, "b"): (
        "no_mac_is_taken_for_a_mac",
        "discarding_releases_the_ue",
        "discarding_ends_the_associations",
    ),
    (INTEGRITY, "a-2"): ("macs_are_not_checked",),
    (INTEGRITY, "b-2"): ("no_mac_is_taken_for_a_mac", "discarding_releases_the_ue"),
    (INTEGRITY, "c"): ("macs_are_not_checked", "a_mac_of_zeros_is_taken"),
    (REPLAY, "A"): ("counts_are_not_checked",),
    (REPLAY, "B"): ("counts_are_not_checked",),
    (REPLAY, "C"): ("counts_are_not_checked",),
    (NULL, "B"): ("null_integrity_is_preferred", "the_command_is_not_protected"),
    (SELECTION, "A"): ("the_last_algorithm_is_chosen", "another_algorithm_is_used_than_announced"),
    (SELECTION, "B"): ("the_order_is_built_in",),
    (SELECTION, "C"): ("macs_are_not_checked",),
    (XN, "A"): (
        "the_gnbs_capabilities_are_taken_over",
        "the_gnbs_capabilities_are_kept",
        "the_acknowledge_says_nothing",
    ),
    (XN, "B"): ("the_mismatch_is_not_logged",),
    (GUTI, "1"): (
        "the_guti_is_the_subscribers_for_ever",
        "nothing_is_ciphered",
        "null_ciphering_is_preferred",
    ),
    (GUTI, "2"): ("the_guti_stays", "nothing_is_ciphered", "null_ciphering_is_preferred"),
    (GUTI, "3"): ("the_guti_stays_after_a_paging", "nothing_is_ciphered"),
    (GUTI, "R"): ("temporary_identities_are_counted",),
    (CAPABILITY, "1"): ("any_capability_will_do",),
    (CAPABILITY, "2"): ("any_capability_will_do",),
    (CAPABILITY, "3"): ("mandatory_algorithms_are_not_looked_for",),
    (CAPABILITY, "4"): ("mandatory_algorithms_are_not_looked_for",),
    (CAPABILITY, "5"): ("any_capability_will_do",),
    (CONTEXT, "1"): ("the_gnb_hears_of_fewer_capabilities",),
    (CONTEXT, "2"): ("the_gnb_hears_of_fewer_capabilities",),
}
"""What each sub-case must kill. `make mutants` shows all that each does."""
PLAYED = [
    (case.id.removeprefix("SCAS-"), sub.name)
    for case in CASES.values()
    for sub in case.subs.values()
    if case.row.spec == "33.512"
    and sub.play is not None
    and sub.feature is None
    and "sbi nrf" not in sub.needs
]


@pytest.mark.parametrize(("case", "sub"), PLAYED)
def test_the_sound_core_passes(case: str, sub: str) -> None:
    outcome = asked(case, sub)
    assert (outcome.verdict, outcome.judged.reason) == (Verdict.PASS, outcome.judged.reason)
    assert {fact.kind for fact in outcome.facts} == {"control", "finding", "liveness", "step"}


@pytest.mark.parametrize(
    ("case", "sub", "name"), [(case, sub, name) for (case, sub), names in KILLS.items() for name in names]
)
def test_the_mutant_is_killed(case: str, sub: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name](monkeypatch)
    outcome = asked(case, sub)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason


def test_no_sub_case_is_shipped_without_a_killed_mutant() -> None:
    assert set(PLAYED) == set(KILLS)


def test_every_mutant_is_killed_by_something() -> None:
    assert set(MUTANTS) == {name for names in KILLS.values() for name in names}
