"""TS 33.117 §4.4.4 TC_BVT_ROBUSTNESS AND FUZZ TESTING: what no honest peer sends, on N1 and N2.

The stimuli are the scenario library's chapter `negative`, each with what the clauses want of the target; here each is
asked among those who must not notice. A sub-case has the scenario's name.
"""

from __future__ import annotations

from cinq.assurance.case import Case, Play
from cinq.assurance.trial import Trial
from cinq.ran.scenarios.library import LIBRARY
from cinq.ran.scenarios.scenario import Scenario

CASE = Case(
    "SCAS-33117-4.4.4",
    requirement="Unexpected input on any protocol that can be reached neither ends nor disturbs the product's service.",
    threat="A phone without a SIM, a subscriber, or a gNB in strange hands ends the service of all by one message.",
)


def asked(one: Scenario) -> Play:
    """A sub-case of a scenario."""

    async def play(trial: Trial) -> None:
        trial.step(one.title)
        with trial.finding(f"the target does as {', '.join(one.clauses)} want, and serves what comes behind"):
            await one.play(trial.bench)

    return play


for _one in LIBRARY.values():
    if _one.area == "negative":
        _needs = ("sixteen subscribers",) if _one.needs else ()
        CASE.sub(_one.name, _one.title, needs=_needs, within=_one.within + 30.0)(asked(_one))
