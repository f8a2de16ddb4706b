"""N UEs through registration, PDU session and deregistration, K at a time, with the latency of each step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cinq.procedure import Aborted, Refused, Runtime, TimerExpired
from cinq.ran.radio.port import Cell
from cinq.ran.ue.settings import UeSettings
from cinq.ran.ue.ue import Ue

Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """ues: how many, from the IMSI of `ue` on. in_flight: how many of them at a time.

    session: whether each opens its first PDU session. deregister: whether each deregisters (normal) afterwards.
    timeout_s: for one UE, all steps together.
    """

    ue: UeSettings = UeSettings()
    ues: int = 2000
    in_flight: int = 64
    session: bool = True
    deregister: bool = False
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One UE: milliseconds of each step, from its start; error: why it did not come through, or ""."""

    registration_ms: float = 0.0
    session_ms: float = 0.0
    deregistration_ms: float = 0.0
    error: str = ""

    @property
    def attach_ms(self) -> float:
        """Registration and PDU session."""
        return self.registration_ms + self.session_ms


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a whole run. seconds: wall time from the first message to the last. cpu_s: this process, meanwhile."""

    samples: tuple[Sample, ...]
    seconds: float
    cpu_s: float

    @property
    def done(self) -> int:
        return sum(not sample.error for sample in self.samples)

    @property
    def errors(self) -> dict[str, int]:
        """How often each reason was given."""
        found: dict[str, int] = {}
        for sample in self.samples:
            if sample.error:
                found[sample.error] = found.get(sample.error, 0) + 1
        return found

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    def attach_ms(self, fraction: float) -> float:
        """The quantile (0 to 1) of registration and session together, over the UEs that came through."""
        times = sorted(sample.attach_ms for sample in self.samples if not sample.error)
        return times[min(len(times) - 1, int(fraction * len(times)))] if times else 0.0


@dataclass(slots=True)
class Load:
    """A run in progress. ues: those that are registered stay here until `leave`. on_done: after each UE."""

    settings: LoadSettings
    cell: Cell
    runtime: Runtime
    entropy: Entropy
    on_done: Callable[[int], None] | None = None
    ues: list[Ue] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    async def run(self) -> Outcome:
        settings = self.settings
        numbers = iter(range(settings.ues))
        begun, cpu = time.perf_counter(), time.process_time()
        finished = asyncio.Event()
        working = min(settings.in_flight, settings.ues)

        async def work() -> None:
            nonlocal working
            try:
                await self._work(numbers)
            finally:
                working -= 1
                if not working:
                    finished.set()

        for _ in range(working):
            self.runtime.spawn(work, "load")
        if working:
            await finished.wait()
        return Outcome(tuple(self.samples), time.perf_counter() - begun, time.process_time() - cpu)

    async def _work(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            ue = Ue(self.settings.ue.numbered(number), self.cell, self.runtime, self.entropy)
            self.ues.append(ue)
            self.samples.append(await self._one(ue))
            if self.on_done is not None:
                self.on_done(len(self.samples))

    async def _one(self, ue: Ue) -> Sample:
        settings, registration, session = self.settings, 0.0, 0.0
        start = time.perf_counter()
        try:
            async with asyncio.timeout(settings.timeout_s):
                await ue.register()
                then = time.perf_counter()
                registration = (then - start) * 1000
                if settings.session:
                    await ue.establish_session()
                    session = (time.perf_counter() - then) * 1000
                if not settings.deregister:
                    return Sample(registration, session)
                then = time.perf_counter()
                await ue.deregister()
        except (Refused, TimerExpired, Aborted, TimeoutError) as error:
            return Sample(registration, session, error=str(error) or type(error).__name__)
        deregistration = (time.perf_counter() - then) * 1000
        self.ues.remove(ue)
        ue.leave()
        return Sample(registration, session, deregistration)

    def leave(self) -> None:
        """All UEs go, without a word."""
        for ue in self.ues:
            ue.leave()
        self.ues.clear()


async def run(
    settings: LoadSettings,
    cell: Cell,
    runtime: Runtime,
    entropy: Entropy,
    on_done: Callable[[int], None] | None = None,
) -> Outcome:
    """The whole load; the UEs stay attached. `Load` gives more control."""
    return await Load(settings, cell, runtime, entropy, on_done).run()
