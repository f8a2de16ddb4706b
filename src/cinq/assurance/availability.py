"""How well a target serves while something is done to it: seconds by seconds, kept as evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from cinq.assurance.trial import DISAPPOINTMENTS, Trial

KEPT = "availability.json"
Service = Callable[[], Awaitable[float]]
"""Asks for a service once. Returns seconds; Failed, OSError or TimeoutError: it was not given."""


class Sample(Struct, frozen=True):
    """at: seconds since it began. rate: what was done meanwhile, in a second. took: seconds, None: not served; why."""

    at: float
    rate: float
    took: float | None
    why: str = ""


class Curve:
    """Samples in order."""

    def __init__(self, trial: Trial, service: Service, every: float) -> None:
        self.samples: list[Sample] = []
        self._trial = trial
        self._service = service
        self._every = every
        self._begun = asyncio.get_running_loop().time()

    async def during(
        self, rate: float, seconds: float, act: Callable[[int], None], tick: float = 0.02
    ) -> int:
        """`act` is told how often to act, so that it is `rate` a second. Returns how often that was in all."""
        asking = asyncio.ensure_future(self._ask(rate, seconds))
        loop = asyncio.get_running_loop()
        begun, done = loop.time(), 0
        try:
            while loop.time() < begun + seconds:
                due = int((loop.time() - begun) * rate) - done
                if due > 0:
                    act(due)
                    done += due
                await asyncio.sleep(tick)
            await asking
        finally:
            asking.cancel()
        return done

    async def rest(self, seconds: float) -> None:
        """While nothing is done."""
        await self._ask(0.0, seconds)

    async def _ask(self, rate: float, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            at = loop.time()
            took, why = None, ""
            try:
                took = await self._service()
            except (OSError, TimeoutError, *DISAPPOINTMENTS) as lost:
                why = str(lost) or type(lost).__name__
            self.samples.append(Sample(round(at - self._begun, 3), rate, took and round(took, 4), why))
            await asyncio.sleep(max(0.0, at + self._every - loop.time()))

    def keep(self) -> None:
        self._trial.keep(KEPT, msgspec.json.format(msgspec.json.encode(self.samples), indent=1))

    def lost(self) -> list[Sample]:
        return [one for one in self.samples if one.took is None]

    @property
    def words(self) -> str:
        """'at 0 a second 4 of 4, at most 12 ms; at 100 ...'."""
        parts = []
        for rate in dict.fromkeys(one.rate for one in self.samples):
            these = [one for one in self.samples if one.rate == rate]
            served = [one.took for one in these if one.took is not None]
            worst = f", at most {1000 * max(served):.0f} ms" if served else ""
            parts.append(f"at {rate:g} a second {len(served)} of {len(these)}{worst}")
        return "; ".join(parts)
