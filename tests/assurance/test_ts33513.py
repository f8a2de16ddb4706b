"""The cases of TS 33.513: each passes on the sound user plane, and each kills the mutants that it is for."""

from __future__ import annotations

import pytest

from cinq.assurance.cases import CASES
from cinq.assurance.verdict import Verdict

from .upf_mutants import MUTANTS
from .upf_site import asked

TEID, UNASSIGNED, MALFORMED = "33513-4.2.2.6", "33513-4.2.2.7", "33513-4.2.2.8"

KILLS: dict[tuple[str, str], tuple[str, ...]] = {
    (TEID, "A"): ("a_teid_is_given_twice", "zero_is_a_teid"),
    (TEID, "B"): ("teids_are_the_lowest_that_are_free",),
    (TEID, "C"): ("teids_are_counted",),
    (UNASSIGNED, "N3"): ("any_tunnel_will_do",),
    (MALFORMED, "N3"): (
        "the_version_is_not_looked_at",
        "the_length_is_not_looked_at",
        "extension_headers_are_passed_over",
        "what_is_malformed_ends_the_user_plane",
    ),
}
PLAYED = [
    (case.id.removeprefix("SCAS-"), sub.name)
    for case in CASES.values()
    for sub in case.subs.values()
    if case.row.spec == "33.513" and sub.play is not None and sub.feature is None
]


@pytest.mark.parametrize(("case", "sub"), PLAYED)
def test_the_sound_core_passes(case: str, sub: str) -> None:
    outcome = asked(case, sub)
    assert (outcome.verdict, outcome.judged.reason) == (Verdict.PASS, outcome.judged.reason)


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
