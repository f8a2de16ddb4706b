"""UEs over a longer time, and UEs that misbehave on demand."""

from __future__ import annotations

import asyncio
import random

import pytest

from cinq.procedure import Refused, run_virtual
from cinq.ran.scenarios import churn, stay
from cinq.wire import nas

from .core import Core, Radio, settle


@pytest.mark.parametrize("seed", range(6))
def test_churn(seed: int) -> None:
    """Whatever the order, every step succeeds, and nothing is left at the end."""

    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        taken = await churn(ue, random.Random(seed).randrange, 60)
        assert [step for step in taken if step[1]] == []
        if ue.context.registered:
            await ue.deregister()
        await settle()
        assert not radio.gnb.n2.ues
        assert len(radio.gnb.bearers) == 0
        assert ue.is_idle
        assert radio.runtime.busy == 1  # the one that holds the association

    run_virtual(main())


def test_stay() -> None:
    async def main() -> None:
        core = Core()
        core.reject_registration = 22
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        task = asyncio.create_task(stay(ue))
        await asyncio.sleep(60)
        assert not ue.context.registered
        core.reject_registration = None
        await asyncio.sleep(120)
        assert ue.sessions[1].context.state == "ACTIVE"
        core.release_session(core.last(), nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=36))
        await asyncio.sleep(5)
        assert ue.sessions[1].context.state == "ACTIVE"
        core.down(
            core.last(),
            nas.DeregistrationRequestUETerminated(deregistration_type=nas.DeregistrationType()),
        )
        await asyncio.sleep(1)
        core.release(core.last())
        await asyncio.sleep(5)
        assert ue.context.registered
        core.reject_registration = 3
        core.down(
            core.last(),
            nas.DeregistrationRequestUETerminated(deregistration_type=nas.DeregistrationType()),
        )
        await asyncio.sleep(1)
        core.release(core.last())
        with pytest.raises(Refused):
            await task
        assert ue.context.barred

    run_virtual(main())


def test_gnb_misbehaves() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()

    run_virtual(main())
