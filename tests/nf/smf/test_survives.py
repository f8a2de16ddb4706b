"""What the SMF had begun with a session when the core was killed: it goes on, or is as if it had not begun."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import run_virtual
from cinq.wire import nas

from .gnb import DIRECT, acknowledge
from .pcf import MOMENT, commands, complete, in_force, session_of, with_ambr, with_rule
from .test_relocation import with_mode
from .world import SUPI, World, release_complete, setup_response


async def killed(w: World) -> World:
    """The next core, on what the last one had stored; the old one says no more."""
    again = await World(w.store).start()
    await asyncio.sleep(MOMENT)
    return again


@pytest.mark.parametrize("connected", [True, False])
def test_a_decision_that_was_not_brought_about(connected: bool) -> None:
    """The PCF has been told that it is taken. The UE hears of it from the next core."""

    async def main() -> None:
        w = await World().start()
        ref = await w.active()
        policy = session_of(w).context.policy
        if not connected:
            await w.update(ref, state="DEACTIVATED")
        await w.decide(ref, with_rule())
        await w.decide(ref, with_ambr("10 Mbps", "20 Mbps"))
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []
        stored = session_of(w).context.pending
        assert stored is not None
        assert list(stored.decision.pcc_rules) == ["voice"]

        again = await killed(w)
        again.pcf.associations.add(policy)
        assert session_of(again).context.pending == stored
        await asyncio.sleep(MOMENT)
        assert commands(again)
        await again.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(again) == ["voice"]
        assert session_of(again).context.qos.ambr.uplink_bps == 10_000_000
        assert session_of(again).context.pending is None

        third = await killed(again)
        third.pcf.associations.add(policy)
        await asyncio.sleep(1)
        assert in_force(third) == ["voice"]
        assert commands(third) == []
        for world in (w, again, third):
            await world.smf.stop()

    run_virtual(main())


@pytest.mark.parametrize("gone_s", [10, 100])
def test_t3593_runs_on(gone_s: int) -> None:
    """TS 24.501 §6.3.2.3: the former session ends when its lifetime is over, or at once where it ended meanwhile."""

    async def main() -> None:
        w = await World().start()
        ref = await with_mode(w, "SSC_MODE_3")
        relocating = asyncio.ensure_future(w.smf.relocate(SUPI, 1))
        await asyncio.sleep(MOMENT)
        await w.update(ref, n1=complete())
        assert await relocating
        policy = session_of(w).context.policy
        await w.smf.stop()
        await asyncio.sleep(gone_s)
        again = await killed(w)
        again.pcf.associations.add(policy)
        if gone_s < 60:
            assert again.amf.n1() == []
            await asyncio.sleep(60 - gone_s)
        await asyncio.sleep(1)
        assert isinstance(again.amf.n1()[-1], nas.PDUSessionReleaseCommand)
        await again.update(ref, n1=release_complete(0))
        await asyncio.sleep(MOMENT)
        assert again.smf.sessions.by_identity == {}
        await again.smf.stop()

    run_virtual(main())


@pytest.mark.parametrize("prepared", [False, True])
def test_a_handover_is_as_if_it_had_not_begun(prepared: bool) -> None:
    """Its connections ended with the AMF: the session is idle, and its user plane comes back when the UE asks."""

    async def main() -> None:
        w = await World().start()
        ref = await w.active()
        policy = session_of(w).context.policy
        await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        if prepared:
            await w.update(ref, n2=acknowledge(), kind="HANDOVER_REQ_ACK", ho_state="PREPARED")
        again = await killed(w)
        again.pcf.associations.add(policy)
        session = session_of(again)
        assert (session.handover, session.up_cnx_state) == (None, "DEACTIVATED")
        assert (await again.update(ref, ho_state="CANCELLED")).json_data.ho_state in (None, "CANCELLED")
        await again.update(ref, state="ACTIVATING")
        await again.update(ref, n2=setup_response(8, 1), kind="PDU_RES_SETUP_RSP")
        assert session.up_cnx_state == "ACTIVE" or session.an is not None
        await w.smf.stop()
        await again.smf.stop()

    run_virtual(main())
