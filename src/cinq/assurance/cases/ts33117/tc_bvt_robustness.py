"""TS 33.117 §4.4.4 TC_BVT_ROBUSTNESS AND FUZZ TESTING: what no honest peer sends, on N1, N2, N3 and N4.

By actor, inputs that are made from the tables of the codecs, so that every message and every element has its turn. And
the stimuli of the scenario library's chapter `negative`, each with what the clauses want of the target; a sub-case has
the scenario's name. All are asked among those who must not notice.
"""

from __future__ import annotations

from collections.abc import Callable

from cinq.assurance.case import Case, Play
from cinq.assurance.robustness import gtpu, nas, ngap, pfcp
from cinq.assurance.robustness.actor import Actor, Phone, RogueGnb, Subscriber, SubscribersSessions
from cinq.assurance.robustness.campaign import Campaign
from cinq.assurance.robustness.form import Grammar
from cinq.assurance.robustness.user_plane import OnN3, OnN4
from cinq.assurance.trial import Trial
from cinq.ran.scenarios.library import LIBRARY
from cinq.ran.scenarios.scenario import Scenario

CASE = Case(
    "SCAS-33117-4.4.4",
    requirement="Unexpected input on any protocol that can be reached neither ends nor disturbs the product's service.",
    threat="A phone without a SIM, a subscriber, or a gNB in strange hands ends the service of all by one message.",
)

LIMIT = "what harms the sender alone counts for nothing; transfers inside of NGAP IEs are octets of chance"
LONG_S = 3600.0  # the lab's effort ends it before


def by(actor: Callable[[Trial], Actor], grammar: Grammar) -> Play:
    """A sub-case of an actor."""

    async def play(trial: Trial) -> None:
        await Campaign(trial, grammar, actor(trial)).run()

    return play


for _name, _title, _actor, _grammar, _needs in (
    ("N1-phone", "5GMM messages of phones that nobody knows", Phone, nas.GMM_GRAMMAR, ()),
    ("N1-subscriber", "5GMM messages under the keys of a registered UE", Subscriber, nas.GMM_GRAMMAR, ()),
    ("N1-session", "5GSM messages of a registered UE", SubscribersSessions, nas.GSM_GRAMMAR, ()),
    ("N2-gnb", "NGAP messages of a gNB in strange hands", RogueGnb, ngap.GRAMMAR, ()),
    ("N3-gnb", "GTP-U messages of a gNB in strange hands", OnN3, gtpu.GRAMMAR, ("n6",)),
    ("N4-smf", "PFCP messages of an SMF in strange hands", OnN4, pfcp.GRAMMAR, ("n4", "n6")),
):
    CASE.sub(_name, _title, limit=LIMIT, needs=("sixteen subscribers", *_needs), within=LONG_S)(
        by(_actor, _grammar)
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
