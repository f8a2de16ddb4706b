"""Cases one after another against a target, each sub-case from an empty stage to an empty stage, with its verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from msgspec import Struct

from cinq.assurance.case import Case, SubCase
from cinq.assurance.company import Company, Gone
from cinq.assurance.trial import DoesNotApply, Ended, Lab, Trial
from cinq.assurance.verdict import Broken, Fact, Judged, Verdict, judge
from cinq.procedure import Aborted, Event, Refused, TimerExpired
from cinq.ran.scenarios.bench import Bench, Place
from cinq.ran.scenarios.check import Failed, NotApplicable, Unreachable
from cinq.ran.scenarios.run import Pool
from cinq.ran.station import Unmet

CLOSE_S = 10.0
COMPANY_S = 60.0  # for those who must not notice, before and after
AWAY = 2  # so many sub-cases in a row that do not reach the target end the run


class Outcome(Struct, frozen=True):
    """What became of one sub-case. events: all that the bench's side sent and heard. seconds: how long it took.

    artefacts: what it keeps beside, by file name.
    """

    case: Case
    sub: SubCase
    judged: Judged
    facts: tuple[Fact, ...] = ()
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    artefacts: dict[str, bytes] = {}

    @property
    def verdict(self) -> Verdict:
        return self.judged.verdict

    @property
    def name(self) -> str:
        """'TC_NAS_REPLAY_AMF A'."""
        return f"{self.case.row.tc or self.case.row.title} {self.sub.name}"


class Stage(Struct, frozen=True):
    """What a run is given: the lab for facts and knobs, and a place for each sub-case, so that chance is its own."""

    lab: Lab
    place: Callable[[str], Place]


Wanted = tuple[Case, SubCase]


async def run(
    wanted: Iterable[Wanted], stage: Stage, on_outcome: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Play each. Once the target cannot be reached twice in a row, the rest is INCONCLUSIVE at once."""
    pool = Pool(stage.place("subscribers"))
    outcomes: list[Outcome] = []
    away = 0
    for case, sub in wanted:
        outcome = await play(
            case, sub, stage, pool, "the target could not be reached" if away >= AWAY else ""
        )
        if outcome.verdict is Verdict.INCONCLUSIVE and _unreachable(outcome):
            away += 1
        elif outcome.facts:
            away = 0
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
    return outcomes


def _unreachable(outcome: Outcome) -> bool:
    return not any(fact.holds and fact.kind != "step" for fact in outcome.facts)


def out_of_reach(sub: SubCase, lab: Lab, row: str = "") -> Judged | None:
    """Why it is not asked, None when it can be. row: '33.117 4.3.3.1.5', to name documents that the lab has."""
    if sub.feature is not None and (lacking := lab.target.lacks_feature(sub.feature)):
        return Judged(Verdict.NOT_APPLICABLE, lacking)
    if missing := lab.target.lacks(sub.needs):
        if at_hand := lab.documents.get(row, ()) if "documents" in sub.needs else ():
            return Judged(Verdict.NOT_TESTED, f"for a person to read: {'; '.join(at_hand)}")
        return Judged(Verdict.NOT_TESTED, f"the lab has not: {missing}")
    return None


async def play(case: Case, sub: SubCase, stage: Stage, pool: Pool, not_begun: str = "") -> Outcome:
    """One sub-case. not_begun: why it is not even begun."""
    unasked = out_of_reach(sub, stage.lab, f"{case.row.spec} {case.row.clause}")
    if unasked is None and not_begun:
        unasked = Judged(Verdict.INCONCLUSIVE, f"not begun: {not_begun}")
    if unasked is not None:
        return Outcome(case, sub, unasked)
    loop = asyncio.get_running_loop()
    bench, begun = Bench(stage.place(f"{case.id} {sub.name}"), pool.for_scenario(())), loop.time()
    trial = Trial(stage.lab, bench, f"{case.id}/{sub.name}")
    broken = await _played(sub, trial)
    seconds, events = loop.time() - begun, tuple(bench.events)
    try:
        async with asyncio.timeout(CLOSE_S):
            await bench.close()
    except TimeoutError:
        broken = broken or Broken("the emulated side did not come to its end")
    facts = tuple(trial.facts)
    return Outcome(case, sub, judge(facts, broken), facts, events, seconds, trial.artefacts)


async def _played(sub: SubCase, trial: Trial) -> Broken | None:
    """Plays it among those who must not notice. Returns why it did not come to its end, None when it did.

    What became of the others is looked at also when the sub-case itself broke: the target may be gone.
    """
    assert sub.play is not None
    company = trial.others = Company(trial)
    try:
        broken = await _ended(company.before(), COMPANY_S)
        if broken is None and all(fact.holds for fact in trial.facts):
            broken = await _ended(sub.play(trial), sub.within)
            if broken is not None and broken.beyond_doubt:
                return broken  # it is gone: there is nobody to ask
            return await _ended(company.after(), COMPANY_S) or broken
    finally:
        company.end()
    return broken


async def _ended(part: Coroutine[object, None, None], within: float) -> Broken | None:
    """Why it did not come to its end. A control that did not hold is a fact, and told by that."""
    try:
        async with asyncio.timeout(within):
            await part
    except Ended:
        return None
    except DoesNotApply as absent:
        return Broken(str(absent), applies=False)
    except Gone as gone:
        return Broken(str(gone), beyond_doubt=True)
    except Unreachable as unreachable:
        return Broken(str(unreachable))
    except NotApplicable as lacking:
        return Broken(f"the lab has not: {lacking}")
    except TimeoutError:
        return Broken(f"not at its end within {within:g} s")
    except (Failed, Unmet, Refused, TimerExpired, Aborted) as ended:
        return Broken(f"it ended early: {type(ended).__name__}: {ended}")
    except Exception as bug:  # a mistake of the case or of the emulated side says nothing about the target
        return Broken(f"a bug of the bench: {type(bug).__name__}: {bug}")
    return None
