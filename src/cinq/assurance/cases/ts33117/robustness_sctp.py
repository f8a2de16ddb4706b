"""TS 33.117 §4.4.4 on SCTP below N2 (RFC 9260): INITs without an end, and a peer of one stream."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import closing

from cinq.assurance.availability import Curve
from cinq.assurance.cases.ts33117.tc_bvt_robustness import CASE
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed, Unreachable
from cinq.transport.raw import SCTP, Foreign, sctp_init

STEPS: tuple[tuple[int, float], ...] = ((200, 3.0), (2_000, 4.0))
"""INITs a second, and for how long."""
SOURCES = 200
EVERY_S, SETS_UP_S = 1.0, 2.0


@CASE.sub(
    "dev-058-init-flood",
    "SCTP INITs of nobody at rising rates: gNBs still set up",
    within=120.0,
    limit="whether the INITs stay unanswered depends on the target's route to interfaces.flood, which the lab sets",
)
async def init_flood(trial: Trial) -> None:
    """No state is kept before COOKIE ECHO (§5.1.3), so that nobody's place is taken."""
    loop, core = asyncio.get_running_loop(), trial.target.core

    async def sets_up() -> float:
        begun = loop.time()
        try:
            async with asyncio.timeout(SETS_UP_S):
                await trial.bench.gnb()
        except (TimeoutError, Unreachable) as error:
            raise Failed(str(error) or f"not within {SETS_UP_S:g} s") from None
        return loop.time() - begun

    with trial.control("a gNB sets up its association before"):
        await sets_up()
    curve = Curve(trial, sets_up, EVERY_S)
    sources = [str(one) for one in itertools.islice(trial.target.interfaces.flood.hosts(), SOURCES)]
    try:
        sender = Foreign()
    except OSError as error:
        raise Failed(f"the bench cannot: {error}") from None
    numbers = itertools.count(1)

    def send(count: int) -> None:
        for number in itertools.islice(numbers, count):
            init = sctp_init(core.amf_port, 1024 + number % 60_000, tag=number)
            sender.send(sources[number % len(sources)], str(core.amf_address), SCTP, init)

    with closing(sender):
        for rate, seconds in STEPS:
            trial.step(f"{rate} INITs a second to {core.amf_address}:{core.amf_port} for {seconds:g} s")
            await curve.during(rate, seconds, send)
    curve.keep()
    with trial.control("the INITs left") as seen:
        check.that(
            sender.sent > 10 * max(1, sender.dropped), f"{sender.dropped} were not let out by the host"
        )
        seen.text = f"{sender.sent} INITs"
    with trial.finding(f"all the while gNBs set up within {SETS_UP_S:g} s") as seen:
        seen.text = curve.words
        check.equal(len(curve.lost()), 0, f"gNBs that could not ({curve.words})")


@CASE.sub("dev-056-one-stream", "a gNB that has one SCTP stream in either direction")
async def one_stream(trial: Trial) -> None:
    """TS 38.412 §7 wants a pair of streams for common procedures and others for UEs: who offers one is served on it,
    or refused, and ends nothing."""
    with trial.control("a gNB with many streams sets up its association"):
        await trial.bench.gnb()
    served = ""
    with trial.finding("a gNB with one stream is served, or refused") as seen:
        try:
            gnb = await trial.bench.gnb(n2_streams=1)
        except Unreachable as refused:
            served = f"refused: {refused}"
        else:
            ue = trial.bench.ue(gnb)
            await trial.bench.succeeds(ue.register(), "registration")
            served = "served: a UE registers through it"
        seen.text = served
    with trial.finding("afterwards another gNB sets up"):
        try:
            await trial.bench.gnb()
        except Unreachable as error:
            raise Failed(str(error)) from None
