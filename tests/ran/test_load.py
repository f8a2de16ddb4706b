"""The registration load: all come through, the failures are counted with their reasons."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import run_virtual
from cinq.ran.load import Load, LoadSettings, run
from cinq.ran.load.run import quantile

from .core import Core, Entropy, Radio


def test_all_come_and_go() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        seen: list[int] = []
        settings = LoadSettings(ues=40, in_flight=7, first=("register", "session", "deregister"))
        outcome = await run(settings, [radio.gnb], radio.runtime, Entropy(), seen.append)
        assert outcome.done == 40
        assert outcome.errors == {}
        assert seen == list(range(1, 41))
        assert not radio.gnb.links
        assert not radio.gnb.n2.ues
        assert outcome.attach_ms(0.5) <= outcome.attach_ms(0.99)
        assert len({ue.supi for ue in core.ues.values()}) == 40

    run_virtual(main())


def test_failures_are_counted() -> None:
    async def main() -> None:
        core = Core()
        core.reject_registration = 11
        radio = Radio(core)
        await radio.up()
        load = Load(LoadSettings(ues=5, in_flight=2), [radio.gnb], radio.runtime, Entropy())
        outcome = await load.run()
        assert outcome.done == 0
        assert outcome.errors == {"5GMM cause #11 PLMN not allowed": 5}
        load.leave()
        assert not radio.gnb.links

    run_virtual(main())


def test_none() -> None:
    async def main() -> None:
        radio = Radio(Core())
        await radio.up()
        outcome = await run(LoadSettings(ues=0), [radio.gnb], radio.runtime, Entropy())
        assert outcome.done == 0
        assert outcome.attach_ms(0.5) == 0

    run_virtual(main())


def test_steps_repeat() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        settings = LoadSettings(ues=6, in_flight=3, repeat=("idle", "service"), loops=5)
        load = Load(settings, [radio.gnb], radio.runtime, Entropy())
        outcome = await load.run()
        assert outcome.errors == {}
        assert {step: len(found.times) for step, found in outcome.steps.items()} == {
            "register": 6,
            "session": 6,
            "idle": 30,
            "service": 30,
        }
        load.leave()

    run_virtual(main())


def test_a_rate_is_kept() -> None:
    async def main() -> None:
        radio = Radio(Core())
        await radio.up()
        loop = asyncio.get_running_loop()
        begun: list[float] = []
        settings = LoadSettings(ues=10, in_flight=10, rate=1000.0, first=("register",))
        await run(settings, [radio.gnb], radio.runtime, Entropy(), lambda count: begun.append(loop.time()))
        assert len(begun) == 10

    run_virtual(main())


def test_a_step_that_is_none() -> None:
    with pytest.raises(ValueError, match="wanted register"):
        LoadSettings(first=("fly",))  # type: ignore[arg-type]


def test_quantiles_are_of_nearest_rank() -> None:
    """The p99 of a hundred is the second largest, not the largest; the p50 of two is the lesser."""
    hundred = [float(n) for n in range(100, 0, -1)]
    assert [quantile(hundred, f) for f in (0.0, 0.5, 0.9, 0.99, 1.0)] == [1, 50, 90, 99, 100]
    assert quantile([2.0, 1.0], 0.5) == 1
    assert quantile([], 0.5) == 0
