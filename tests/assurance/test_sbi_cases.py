"""The cases on the service-based interface: each passes on the sound core, and kills the mutants that it is for."""

from __future__ import annotations

import pytest

from cinq.assurance.cases import CASES
from cinq.assurance.verdict import Verdict

from . import mutants
from .sbi_mutants import MUTANTS
from .sbi_site import asked

ONE, TWO, CCA = "33117-4.2.2.2.3.1", "33117-4.2.2.2.3.2", "33117-4.2.2.2.4.1"
CODE, UNIQUE, RANGES, ROBUSTNESS = "33117-4.3.6.2", "33117-4.3.6.3", "33117-4.3.6.4", "33117-4.4.4"
SUCI, RESYNC, TSC, LAN = "33514-4.2.1.1", "33514-4.2.2.1", "33514-4.2.7.1", "33514-4.2.8.1"
PRECEDENCE, SWITCH, CHARGING = "33515-4.2.2.1.1", "33515-4.2.2.1.3", "33515-4.2.2.1.4"
STATUS = "33514-4.2.2.2"
SLICE, RES, SYNC = "33518-4.2.2.2.1", "33512-4.2.2.1.2", "33512-4.2.2.1.1"
SIGNED, READ = "signatures_are_not_verified", "what_cannot_be_read_is_a_fault_of_the_server"
TOLD = "errors_tell_of_the_inside"

KILLS: dict[tuple[str, str], tuple[str, ...]] = {
    (ONE, "signature"): (SIGNED,),
    (ONE, "audience"): ("the_audience_is_passed_over",),
    (ONE, "audience-instance"): ("the_audience_is_passed_over",),
    (ONE, "scope"): ("the_scope_is_passed_over",),
    (ONE, "expiry"): ("expiry_is_passed_over",),
    (ONE, "slices"): ("slices_are_passed_over",),
    (ONE, "nsi"): ("slice_instances_are_passed_over",),
    (ONE, "set"): ("the_set_is_passed_over",),
    (ONE, "operation"): ("the_scope_is_passed_over",),
    (ONE, "absent"): ("tokens_are_not_asked_for",),
    (ONE, "nonsense"): ("tokens_are_not_asked_for",),
    (ONE, "none"): (SIGNED,),
    (ONE, "symmetric"): (SIGNED,),
    (ONE, "stranger"): (SIGNED,),
    (ONE, "incomplete"): ("expiry_may_be_missing",),
    (ONE, "subject"): ("the_subject_is_passed_over",),
    (TWO, "producer"): ("the_producers_plmn_is_passed_over",),
    **{
        (CCA, sub): ("assertions_are_not_verified",)
        for sub in ("signature", "audience", "expiry", "stranger", "none", "subject")
    },
    ("33117-4.3.4.3", "SBI"): ("any_method_is_done",),
    ("33117-4.3.4.9", "SBI"): ("a_page_of_the_server_is_served",),
    ("33117-4.3.4.10", "SBI"): ("folders_are_listed",),
    ("33117-4.3.4.11", "SBI"): ("the_server_says_its_version",),
    ("33117-4.3.4.12", "SBI"): (TOLD,),
    (CODE, "A"): ("references_are_fetched",),
    (UNIQUE, "NRF"): ("names_may_stand_twice",),
    (UNIQUE, "producers"): ("names_may_stand_twice",),
    (RANGES, "NRF"): ("profiles_are_not_checked", READ),
    (RANGES, "producers"): (READ,),
    (SLICE, "A"): ("whoever_asks_is_allowed",),
    (SLICE, "type"): ("whoever_asks_is_allowed",),
    (SUCI, "null"): ("the_next_subscriber_is_named",),
    (SUCI, "A"): ("the_next_subscriber_is_named",),
    (SUCI, "B"): ("the_next_subscriber_is_named",),
    (SUCI, "A-tag"): ("tags_are_not_compared",),
    (SUCI, "B-tag"): ("tags_are_not_compared",),
    (SUCI, "B-point"): ("what_cannot_be_revealed_is_somebody",),
    (SUCI, "A-short"): ("what_cannot_be_revealed_is_somebody",),
    (RESYNC, "A"): ("the_usims_number_is_passed_over",),
    (RESYNC, "mac"): ("any_auts_is_taken",),
    (STATUS, "A"): ("authentications_are_not_stored", "authentications_are_of_another_network"),
    (STATUS, "B"): ("every_authentication_is_a_success",),
    (TSC, "A"): ("protection_is_only_preferred",),
    (LAN, "A"): ("each_member_has_a_policy_of_its_own",),
    (PRECEDENCE, "A"): ("the_smfs_own_policy_goes_first",),
    (SWITCH, "A"): ("the_gnbs_policy_is_not_compared",),
    (SWITCH, "B"): ("the_gnbs_policy_is_not_compared",),
    (CHARGING, "A"): ("charging_identifiers_come_again",),
    (RES, "N"): ("a_wrong_response_goes_home",),
    (RES, "C"): ("a_wrong_response_is_never_rejected",),
    (RES, "D"): ("a_wrong_response_is_always_rejected",),
    (RES, "E"): ("a_silent_home_network_is_congestion",),
    (RES, "F"): ("a_silent_home_network_is_congestion",),
    (SYNC, "B"): ("a_challenge_goes_out_before_the_ausf_answers",),
    (ROBUSTNESS, "DEV-090"): ("scopes_are_granted_as_they_are_asked_for",),
    (ROBUSTNESS, "DEV-091"): ("scopes_are_granted_as_they_are_asked_for",),
    (ROBUSTNESS, "DEV-092"): ("consumers_are_whoever_they_say",),
    (ROBUSTNESS, "DEV-093"): ("anybody_registers_anybody",),
    (ROBUSTNESS, "DEV-094"): ("profiles_are_shown_whole",),
    (ROBUSTNESS, "DEV-095"): ("anybody_subscribes_for_anybody",),
    (ROBUSTNESS, "DEV-096"): ("tokens_are_not_asked_for",),
    (ROBUSTNESS, "DEV-097"): (READ, TOLD),
    (ROBUSTNESS, "DEV-098"): (READ, TOLD),
    (ROBUSTNESS, "DEV-099"): (READ,),
    (ROBUSTNESS, "DEV-100"): ("what_is_below_a_resource_is_the_resource",),
    (ROBUSTNESS, "DEV-101"): ("an_unknown_type_ends_the_request",),
    (ROBUSTNESS, "DEV-102"): ("profiles_are_not_checked",),
    (ROBUSTNESS, "DEV-103"): ("lists_are_as_long_as_they_like",),
    (ROBUSTNESS, "DEV-104"): ("a_uri_without_a_path_ends_the_request",),
    (ROBUSTNESS, "DEV-105"): (READ,),
    (ROBUSTNESS, "DEV-106"): (READ,),
    (ROBUSTNESS, "DEV-107"): (READ, TOLD),
    (ROBUSTNESS, "DEV-110"): (READ,),
    (ROBUSTNESS, "DEV-111"): ("any_notification_is_taken",),
    (ROBUSTNESS, "DEV-112"): ("the_nrf_may_be_taken_away",),
    (ROBUSTNESS, "DEV-113"): ("half_a_patch_is_kept",),
    (ROBUSTNESS, "DEV-114"): (SIGNED, "expiry_is_passed_over"),
    (ROBUSTNESS, "DEV-115"): ("names_may_stand_twice",),
    (ROBUSTNESS, "DEV-116"): (READ,),
}
"""What each sub-case must kill. `make mutants` shows all that each does."""
PLAYED = list(KILLS)
GROUPS = {
    "Tokens and assertions": (ONE, TWO, CCA),
    "HTTP and JSON": (*(f"33117-4.3.4.{row}" for row in (3, 9, 10, 11, 12)), CODE, UNIQUE, RANGES),
    "AMF, UDM, SMF and NRF": (SUCI, RESYNC, STATUS, TSC, LAN, PRECEDENCE, SWITCH, CHARGING, SLICE, RES, SYNC),
    "Hostile requests": (ROBUSTNESS,),
}
"""What `make mutants` shows together: each sub-case against the mutants that any of its group is for."""
OTHERS = {
    name: mutants.MUTANTS[name] for names in KILLS.values() for name in names if name in mutants.MUTANTS
}
"""Of those that are for the cases of TS 33.512."""
WEAKENED = {**MUTANTS, **OTHERS}


@pytest.mark.parametrize(("case", "sub"), PLAYED)
def test_the_sound_core_passes(case: str, sub: str) -> None:
    outcome = asked(case, sub)
    assert (outcome.verdict, outcome.judged.reason) == (Verdict.PASS, outcome.judged.reason)
    assert {fact.kind for fact in outcome.facts} >= {"control", "finding", "liveness"}


@pytest.mark.parametrize(
    ("case", "sub", "name"), [(case, sub, name) for (case, sub), names in KILLS.items() for name in names]
)
def test_the_mutant_is_killed(case: str, sub: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    WEAKENED[name](monkeypatch)
    outcome = asked(case, sub)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason


def test_every_mutant_is_killed_by_something() -> None:
    assert set(MUTANTS) <= {name for names in KILLS.values() for name in names}


def test_every_sub_case_is_in_a_group() -> None:
    assert {case for cases in GROUPS.values() for case in cases} == {case for case, _ in PLAYED}


def test_every_hostile_request_on_the_sbi_has_a_sub_case() -> None:
    """Of reference/negative-cases.json, 27: those that take frames of their own are in test_http2_attacks.py."""
    names = set(CASES[f"SCAS-{ROBUSTNESS}"].subs)
    assert {f"DEV-{number:03}" for number in range(90, 117)} <= names
