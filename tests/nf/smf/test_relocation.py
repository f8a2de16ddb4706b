"""Another anchor by SSC mode, and releases with their cause: TS 23.502 §4.3.5, TS 24.501 §6.3.2.2, §6.3.3.2."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Refused, run_virtual
from cinq.sbi.models import SscMode
from cinq.sbi.services.nudm_sdm import SscModes
from cinq.wire import nas, pfcp

from .pcf import MOMENT, command_reject, commands, complete, in_force, session_of, with_rule, without_rule
from .world import SUPI, World, play, release_complete, setup_response


async def with_mode(w: World, mode: SscMode) -> str:
    w.udm.change(ssc_modes=SscModes(default_ssc_mode=mode, allowed_ssc_modes=[mode]))
    return await w.active(bytes.fromhex("2e0101c1ffff91"))


def test_ssc_mode_1_keeps_its_anchor() -> None:
    async def scene(w: World) -> None:
        await w.active()
        with pytest.raises(Refused, match="SSC mode 1"):
            await w.smf.relocate(SUPI, 1)
        assert not await w.smf.relocate(SUPI, 9)

    play(scene)


def test_ssc_mode_2_is_released_with_39() -> None:
    async def scene(w: World) -> None:
        ref = await with_mode(w, "SSC_MODE_2")
        await w.smf.relocate(SUPI, 1)
        await asyncio.sleep(MOMENT)
        command = w.amf.n1()[-1]
        assert isinstance(command, nas.PDUSessionReleaseCommand)
        assert (command.cause, command.back_off_timer) == (39, None)
        await w.update(ref, n1=release_complete(0))
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


def test_ssc_mode_3_lives_on_until_its_lifetime_ends() -> None:
    """A modification command with #39 and the PDU session address lifetime; T3593 releases the former session."""

    async def scene(w: World) -> None:
        ref = await with_mode(w, "SSC_MODE_3")
        relocating = asyncio.ensure_future(w.smf.relocate(SUPI, 1))
        await asyncio.sleep(MOMENT)
        (command,) = commands(w)
        assert (command.pti, command.cause) == (0, 39)
        assert command.extended_pco == [(0x001E, b"\x00\x3c")]
        await w.update(ref, n1=complete())
        assert await relocating
        await asyncio.sleep(59)
        assert len(w.upf.sessions) == 1
        await asyncio.sleep(2)
        assert isinstance(w.amf.n1()[-1], nas.PDUSessionReleaseCommand)
        await w.update(ref, n1=release_complete(0))
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


def test_a_ue_that_does_not_want_another_anchor() -> None:
    async def scene(w: World) -> None:
        ref = await with_mode(w, "SSC_MODE_3")
        relocating = asyncio.ensure_future(w.smf.relocate(SUPI, 1))
        await asyncio.sleep(MOMENT)
        await w.update(ref, n1=command_reject(26))
        with pytest.raises(Refused, match="#26"):
            await relocating
        await asyncio.sleep(100)
        assert len(w.upf.sessions) == 1

    play(scene)


@pytest.mark.parametrize(
    ("cause", "back_off"), [(26, 60), (67, 60), (69, 60), (36, None), (39, None), (38, None)]
)
def test_a_release_for_want_of_resources_has_a_back_off_timer(cause: int, back_off: int | None) -> None:
    async def scene(w: World) -> None:
        await w.active()
        releasing = asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause(cause)))
        await asyncio.sleep(MOMENT)
        command = w.amf.n1()[-1]
        assert isinstance(command, nas.PDUSessionReleaseCommand)
        assert (command.cause, command.back_off_timer) == (cause, back_off)
        releasing.cancel()

    play(scene)


def test_flows_survive_a_restart() -> None:
    """The session comes back with its rules, the UPF gets them all, and the PCF takes one away."""

    async def main() -> None:
        w = await World().start()
        ref = await w.active()
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        before = session_of(w).context

        again = await World(w.store).start()
        again.pcf.associations.add(before.policy)
        context = session_of(again).context
        assert (context.qos, context.decision) == (before.qos, before.decision)
        (at_upf,) = again.upf.sessions.values()
        assert [pdr.pdr_id for pdr in at_upf.create_pdrs] == [1, 2, 3, 4]
        (seid,) = again.upf.sessions
        await again.update(ref, state="ACTIVATING")
        await again.update(ref, n2=setup_response(8, 1, 2), kind="PDU_RES_SETUP_RSP")
        await again.decide(ref, without_rule())
        await asyncio.sleep(MOMENT)
        await again.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(again) == []
        assert again.upf.pdrs[seid] == {1, 2}
        assert not [m for m in again.upf.received if isinstance(m, pfcp.SessionDeletionRequest)]
        await again.smf.stop()
        await w.smf.stop()

    run_virtual(main())
