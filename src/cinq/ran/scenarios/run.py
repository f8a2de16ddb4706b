"""Scenarios one after another against a core, each with a verdict that a person can act on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from cinq.procedure import Aborted, Event, Refused, TimerExpired
from cinq.ran.scenarios.bench import Bench, Place
from cinq.ran.scenarios.check import Failed, NotApplicable, Unreachable
from cinq.ran.scenarios.scenario import Scenario
from cinq.ran.station import Unmet
from cinq.ran.ue.settings import UeSettings

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"]
CLOSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """reason: what was wanted and found, "" for PASS. events: all that the emulated side sent and heard.

    unreachable: it is INCONCLUSIVE for that.
    """

    scenario: Scenario
    verdict: Verdict
    reason: str
    seconds: float
    events: tuple[Event, ...] = ()
    unreachable: bool = False


async def run(
    scenarios: Iterable[Scenario], place: Place, on_result: Callable[[Result], None] | None = None
) -> list[Result]:
    """Play each. Once the core cannot be reached twice in a row, the rest is INCONCLUSIVE at once."""
    pool = Pool(place)
    results: list[Result] = []
    away = 0
    for one in scenarios:
        if away >= 2:
            result = Result(
                one, "INCONCLUSIVE", f"not begun: {results[-1].reason.removeprefix('not begun: ')}", 0.0
            )
        else:
            result = await play(one, place, pool)
            if result.verdict != "SKIPPED":
                away = away + 1 if result.unreachable else 0
        results.append(result)
        if on_result is not None:
            on_result(result)
    return results


class Pool:
    """Test subscribers in turn, so that one scenario meets nothing that the one before it left behind."""

    def __init__(self, place: Place) -> None:
        self._ues = place.target.ues()
        self._eap = place.target.ues("EAP-AKA'")
        self._next = 0

    def for_scenario(self, needs: tuple[str, ...]) -> list[UeSettings]:
        """All of them, beginning with the one whose turn it is."""
        ues = self._eap if "EAP-AKA'" in needs else self._ues
        start = self._next % max(1, len(ues))
        self._next += 1
        return ues[start:] + ues[:start]


async def play(one: Scenario, place: Place, pool: Pool) -> Result:
    """One scenario, from an empty stage to an empty stage."""
    lacks = place.target.lacks(one.needs)
    if lacks:
        return Result(one, "SKIPPED", f"the target has not: {lacks}", 0.0)
    loop = asyncio.get_running_loop()
    bench, begun = Bench(place, pool.for_scenario(one.needs)), loop.time()
    verdict, reason, unreachable = await _verdict(one, bench)
    seconds, events = loop.time() - begun, tuple(bench.events)
    try:
        async with asyncio.timeout(CLOSE_S):
            await bench.close()
    except TimeoutError:
        verdict, reason = "INCONCLUSIVE", "the emulated side did not come to its end"
    return Result(one, verdict, reason, seconds, events, unreachable)


async def _verdict(one: Scenario, bench: Bench) -> tuple[Verdict, str, bool]:
    """Verdict, reason, and whether the core could not be reached."""
    try:
        async with asyncio.timeout(one.within):
            await one.play(bench)
    except Unreachable as unreachable:
        return "INCONCLUSIVE", str(unreachable), True
    except Exception as ended:
        return *_of(one, bench, ended), False
    return "PASS", "", False


def _of(one: Scenario, bench: Bench, ended: Exception) -> tuple[Verdict, str]:
    match ended:
        case Failed() | Unmet():
            return "FAIL", str(ended)
        case NotApplicable():
            return "SKIPPED", f"the target has not: {ended}"
        case TimeoutError():
            return "FAIL", f"not at its end within {one.within:g} s: {bench.standing()}"
        case Refused() | TimerExpired() | Aborted():
            return "FAIL", f"{type(ended).__name__}: {ended}"
    # a mistake of the scenario or of the emulated side says nothing about the core
    return "INCONCLUSIVE", f"a bug of the bench: {type(ended).__name__}: {ended}"
