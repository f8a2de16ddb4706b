"""UEs that live lives of chance on one network: every step succeeds, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter

import pytest

from cinq.procedure import run_virtual
from cinq.ran.scenarios import churn
from tests.network.world import Network


def test_lives_leave_nothing_to_the_collector() -> None:
    """What a UE was is freed when it is over: looking for cycles blocks the event loop, so it happens seldom."""

    async def run() -> None:
        network = Network()
        network.provision(10)
        await network.start()
        gnb = await network.gnb()
        ues = [network.ue(gnb, number) for number in range(10)]
        for round_ in range(2):
            gc.collect()
            gc.disable()
            await asyncio.gather(
                *(churn(ue, random.Random(round_ * 100 + i).randrange, 20) for i, ue in enumerate(ues))
            )
            for ue in ues:
                if ue.context.registered:
                    await ue.deregister()
            await asyncio.sleep(60)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        left = Counter(type(each).__qualname__ for each in gc.garbage)
        gc.garbage.clear()
        assert not {name: count for name, count in left.items() if count >= 5}, left
        await network.stop()

    try:
        run_virtual(run())
    finally:
        gc.enable()


@pytest.mark.parametrize("seed", range(4))
def test_churn(seed: int) -> None:
    async def run() -> None:
        network = Network()
        network.provision(5)
        await network.start()
        gnb = await network.gnb()
        ues = [network.ue(gnb, number) for number in range(5)]
        lives = await asyncio.gather(
            *(churn(ue, random.Random(seed * 100 + i).randrange, 40) for i, ue in enumerate(ues))
        )
        assert [step for life in lives for step in life if step[1]] == []
        for ue in ues:
            if ue.context.registered:
                await ue.deregister()
        await asyncio.sleep(30)
        assert not gnb.n2.ues
        assert len(gnb.bearers) == 0
        assert all(ue.is_idle for ue in ues)
        await network.stop()

    run_virtual(run())
