"""Many UEs through the same steps, at a rate or as fast as it goes, with the latency of each step."""

from __future__ import annotations

import asyncio
import math
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cinq.procedure import Aborted, Refused, Runtime, TimerExpired
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.load.steps import STEPS, Actor, Step
from cinq.ran.ue.causes import short
from cinq.ran.ue.settings import UeSettings
from cinq.ran.ue.ue import Ue

Entropy = Callable[[int], bytes]
REASONS = 32  # different reasons of failure that are kept


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """ues: how many, from the IMSI of `ue` on. in_flight: how many of them are on their way at a time.

    rate: UEs that begin in a second, 0 for as many as `in_flight` lets. first: steps that each UE takes once; repeat:
    steps that it takes `loops` times after them. timeout_s: for one step of one UE. ValueError: a step that is none.
    """

    ue: UeSettings = UeSettings()
    ues: int = 2000
    in_flight: int = 64
    rate: float = 0.0
    first: tuple[Step, ...] = ("register", "session")
    repeat: tuple[Step, ...] = ()
    loops: int = 1
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for step in (*self.first, *self.repeat):
            if step not in STEPS:
                raise ValueError(f"found step {step!r}, wanted {', '.join(STEPS)}")
        if self.in_flight < 1 or self.ues < 0 or self.rate < 0 or self.loops < 0:
            raise ValueError("in_flight: wanted 1 or more; ues, rate and loops: wanted 0 or more")


def quantile(times: Sequence[float], fraction: float) -> float:
    """The least of them that so great a fraction (0 to 1) of them does not exceed (nearest rank); 0 of none."""
    ranked = sorted(times)
    return ranked[max(0, math.ceil(fraction * len(ranked)) - 1)] if ranked else 0.0


class Latencies:
    """Milliseconds that one step took, of every time it succeeded; how often it did not, and why."""

    __slots__ = ("errors", "failed", "times")

    def __init__(self) -> None:
        self.times = array("d")
        self.failed = 0
        self.errors: dict[str, int] = {}

    def fail(self, reason: str) -> None:
        self.failed += 1
        if reason in self.errors or len(self.errors) < REASONS:
            self.errors[reason] = self.errors.get(reason, 0) + 1

    def quantile(self, fraction: float) -> float:
        """The quantile (0 to 1) in milliseconds; 0 when it never succeeded."""
        return quantile(self.times, fraction)


@dataclass(frozen=True, slots=True)
class Outcome:
    """steps: in the order in which they were first taken. done: UEs that came through all of theirs.

    attach_ms: of each UE that came through, its first steps together. seconds: wall time. cpu_s: of this process.
    """

    steps: dict[Step, Latencies]
    attach_times: array[float]
    done: int
    seconds: float
    cpu_s: float

    @property
    def errors(self) -> dict[str, int]:
        """How often each reason was given."""
        found: dict[str, int] = {}
        for latencies in self.steps.values():
            for reason, count in latencies.errors.items():
                found[reason] = found.get(reason, 0) + count
        return found

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    def attach_ms(self, fraction: float) -> float:
        """The quantile (0 to 1) of all first steps together, over the UEs that came through them."""
        return quantile(self.attach_times, fraction)


@dataclass(slots=True)
class Load:
    """A run in progress. actors: UEs that are still attached, until `leave`. on_done: after each UE."""

    settings: LoadSettings
    gnbs: Sequence[Gnb]
    runtime: Runtime
    entropy: Entropy
    on_done: Callable[[int], None] | None = None
    actors: set[Actor] = field(default_factory=set)
    steps: dict[Step, Latencies] = field(default_factory=dict)
    attach_times: array[float] = field(default_factory=lambda: array("d"))
    begun: int = 0
    ended: int = 0
    done: int = 0

    async def run(self) -> Outcome:
        """Begins every UE and waits for all. A UE that fails a step leaves; the others go on."""
        settings = self.settings
        self.steps = {step: Latencies() for step in dict.fromkeys((*settings.first, *settings.repeat))}
        start, cpu = time.perf_counter(), time.process_time()
        finished = asyncio.Event()
        working = min(settings.in_flight, settings.ues)

        async def work() -> None:
            nonlocal working
            try:
                await self._work(start)
            finally:
                working -= 1
                if not working:
                    finished.set()

        for _ in range(working):
            self.runtime.spawn(work, "load")
        if working:
            await finished.wait()
        seconds, spent = time.perf_counter() - start, time.process_time() - cpu
        return Outcome(self.steps, self.attach_times, self.done, seconds, spent)

    async def again(self, steps: Sequence[Step]) -> Outcome:
        """Every UE that is attached takes these steps, as many at a time as the settings say."""
        self.steps, self.done, self.attach_times = {step: Latencies() for step in steps}, 0, array("d")
        start, cpu = time.perf_counter(), time.process_time()
        left = list(self.actors)
        room = asyncio.Semaphore(self.settings.in_flight)

        async def one(actor: Actor) -> None:
            async with room:
                begun = time.perf_counter()
                if await self._all(actor, steps):
                    self.attach_times.append((time.perf_counter() - begun) * 1000)
                    self.done += 1

        await asyncio.gather(*(one(actor) for actor in left))
        seconds, spent = time.perf_counter() - start, time.process_time() - cpu
        return Outcome(self.steps, self.attach_times, self.done, seconds, spent)

    async def _work(self, start: float) -> None:
        settings = self.settings
        while self.begun < settings.ues:
            number = self.begun
            self.begun += 1
            if settings.rate:
                await asyncio.sleep(max(0.0, start + number / settings.rate - time.perf_counter()))
            await self._one(number)
            self.ended += 1
            if self.on_done is not None:
                self.on_done(self.ended)

    async def _one(self, number: int) -> None:
        settings, at = self.settings, number % len(self.gnbs)
        ue = Ue(settings.ue.numbered(number), self.gnbs[at], self.runtime, self.entropy)
        actor = Actor(ue, self.gnbs, at)
        self.actors.add(actor)
        start = time.perf_counter()
        if not await self._all(actor, settings.first):
            return
        self.attach_times.append((time.perf_counter() - start) * 1000)
        for _ in range(settings.loops if settings.repeat else 0):
            if not await self._all(actor, settings.repeat):
                return
        self.done += 1
        if not actor.ue.context.registered:
            self._gone(actor)

    async def _all(self, actor: Actor, steps: Sequence[Step]) -> bool:
        """Whether it came through. One that did not leaves, with the reason noted."""
        for step in steps:
            start, latencies = time.perf_counter(), self.steps[step]
            try:
                async with asyncio.timeout(self.settings.timeout_s):
                    await actor.take(step)
            except (Refused, TimerExpired, Aborted, TimeoutError) as error:
                late = f"no end within {self.settings.timeout_s:g} s"
                latencies.fail(late if isinstance(error, TimeoutError) else short(error))
                self._gone(actor)
                return False
            latencies.times.append((time.perf_counter() - start) * 1000)
        return True

    def _gone(self, actor: Actor) -> None:
        self.actors.discard(actor)
        actor.ue.leave()

    def leave(self) -> None:
        """All UEs go, without a word."""
        for actor in self.actors:
            actor.ue.leave()
        self.actors.clear()


async def run(
    settings: LoadSettings,
    gnbs: Sequence[Gnb],
    runtime: Runtime,
    entropy: Entropy,
    on_done: Callable[[int], None] | None = None,
) -> Outcome:
    """The whole load; the UEs stay attached. `Load` gives more control."""
    return await Load(settings, gnbs, runtime, entropy, on_done).run()
