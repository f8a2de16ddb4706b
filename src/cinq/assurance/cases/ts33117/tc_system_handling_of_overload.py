"""TS 33.117 §4.2.3.3.3 TC_SYSTEM_HANDLING_OF_OVERLOAD_SITUATIONS: documents; and, beyond, what a bench measures."""

from __future__ import annotations

from cinq.assurance.availability import Curve
from cinq.assurance.case import Case
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.stage import Stage, silence
from cinq.wire import nas

CASE = Case(
    "SCAS-33117-4.2.3.3.3",
    requirement="The vendor describes, with evidence, how the product acts when it is asked more than it can do.",
    threat="One gNB, or a crowd of phones without a SIM, stops the service of all.",
)
STEPS: tuple[tuple[int, float], ...] = ((10, 4.0), (50, 4.0), (200, 4.0))
"""First messages of phones that nobody knows, a second, and for how long."""
EVERY_S = 1.0
REST_S = 3.0

CASE.not_yet("A", "the design and the vendor's test results", "documents")


@CASE.sub(
    "measured",
    "registrations of unknown phones at one gNB, at rising rates: a UE at another registers all the while",
    needs=("sixteen subscribers",),
    beyond=True,
    within=180.0,
)
async def measured(trial: Trial) -> None:
    bench, others = trial.bench, check.present(trial.others, "those who must not notice")
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with trial.control("a UE registers at the gNB of the crowd, before"):
        await bench.succeeds(ue.register(), "registration")
    stage, ended = Stage(bench, gnb, ue, gnb), silence(gnb)
    curve = Curve(trial, others.golden, EVERY_S)
    await curve.rest(2 * EVERY_S)
    try:
        for rate, seconds in STEPS:
            trial.step(f"{rate} INITIAL UE MESSAGEs of unknown phones a second for {seconds:g} s")

            def crowd(count: int) -> None:
                for _ in range(count if gnb.n2.association is not None else 0):
                    stage.send(stage.first(nas.encode(stage.registration())))

            await curve.during(rate, seconds, crowd)
    finally:
        ended()
    with trial.control("the AMF has heard the crowd: it answered some of it"):
        check.that(bool(stage.answers()), "no answer came to any")
    await curve.rest(REST_S)
    curve.keep()
    with trial.finding("the golden UE registers within its time at every rate and afterwards") as seen:
        seen.text = curve.words
        check.equal(len(curve.lost()), 0, f"registrations that were not served ({curve.words})")
