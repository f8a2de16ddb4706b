"""Facts, and the verdict that follows from them: a pure function, so that a verdict can be worked out again from the
evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Verdict(StrEnum):
    """Of one sub-case. What a report never says: certified, approved, compliant."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT-APPLICABLE"
    NOT_TESTED = "NOT-TESTED"


Kind = Literal["step", "control", "finding", "liveness"]
"""step: what the bench did. control: without it a finding proves nothing. finding: what the specification demands.
liveness: the target still serves others."""


class Fact(Struct, frozen=True):
    """One thing that was done or observed.

    statement: what is demanded, or was done, as a sentence. holds: whether it was observed so; a step holds always.
    observed: what was seen. utc: seconds since 1970. elapsed: seconds by the monotonic clock since the sub-case began.
    """

    kind: Kind
    statement: str
    holds: bool
    observed: str = ""
    utc: float = 0.0
    elapsed: float = 0.0


class Judged(Struct, frozen=True):
    """A verdict, and in words what it rests on."""

    verdict: Verdict
    reason: str


NO_CONTROL = "no positive control was observed: nothing shows that the stimulus reached the layer under test"
NO_FINDING = "nothing was found either way: the case did not come to its question"
NO_LIVENESS = "nothing shows that the target still served others afterwards"


class Broken(Struct, frozen=True):
    """Why a sub-case did not come to its end. beyond_doubt: then what was found before counts for nothing either.

    applies: False where what was seen shows that the requirement is about something that is not there.
    """

    reason: str
    beyond_doubt: bool = False
    applies: bool = True


def judge(facts: Sequence[Fact], broken: Broken | None = None) -> Judged:
    """What the facts of one sub-case amount to. broken: None where it came to its end.

    A finding that does not hold is a FAIL, also where a later control fails: what was seen was seen. Without one, a
    control that does not hold, or is not there, makes the sub-case INCONCLUSIVE: a PASS never rests on silence alone.
    """
    if broken is not None and broken.beyond_doubt:
        return Judged(Verdict.INCONCLUSIVE, broken.reason)
    wrong = _first(facts, ("finding", "liveness"))
    if wrong is not None:
        return Judged(Verdict.FAIL, _said(wrong))
    if broken is not None and broken.applies:
        return Judged(Verdict.INCONCLUSIVE, broken.reason)
    missing = _first(facts, ("control",))
    if missing is not None:
        return Judged(Verdict.INCONCLUSIVE, f"control: {_said(missing)}")
    kinds = {fact.kind for fact in facts}
    if broken is not None and "control" in kinds:
        return Judged(Verdict.NOT_APPLICABLE, broken.reason)
    for kind, lacking in (("finding", NO_FINDING), ("control", NO_CONTROL), ("liveness", NO_LIVENESS)):
        if kind not in kinds:
            return Judged(Verdict.INCONCLUSIVE, lacking)
    found = [fact.statement for fact in facts if fact.kind == "finding"]
    return Judged(Verdict.PASS, "; ".join(found))


def _first(facts: Iterable[Fact], kinds: tuple[Kind, ...]) -> Fact | None:
    return next((fact for fact in facts if fact.kind in kinds and not fact.holds), None)


def _said(fact: Fact) -> str:
    return f"{fact.statement}: {fact.observed}" if fact.observed else f"not so: {fact.statement}"


def of_case(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a case from those of its sub-cases: PASS only when every one that applies was asked and passed."""
    found = set(verdicts)
    for one in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_TESTED, Verdict.PASS):
        if one in found:
            return one
    return Verdict.NOT_APPLICABLE if found else Verdict.NOT_TESTED
