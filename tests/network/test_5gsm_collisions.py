"""UE and network disagree on a PDU session: TS 24.501 §5.4.5.2.5, §6.5.3 and clause 7, with UE, gNB and core."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb import Gnb
from cinq.ran.ue import Ue
from cinq.ran.ue.inbound.transport import uplink
from cinq.wire import nas
from tests.network.world import Network


def play(scene: Callable[[Network, Gnb, Ue], Awaitable[None]]) -> None:
    async def main() -> None:
        network = Network()
        network.provision(1)
        await network.start()
        gnb = await network.gnb()
        ue = network.ue(gnb)
        await ue.power_on()
        await scene(network, gnb, ue)
        await network.stop()

    run_virtual(main())


def test_ue_that_forgot_its_session_gets_it_anew() -> None:
    """§5.4.5.2.5 a) 12: also the gNB lets go of the former session, else it would refuse the identity as in use
    (TS 38.413 §8.2.1.4)."""

    async def scene(network: Network, gnb: Gnb, ue: Ue) -> None:
        for _ in range(3):
            ue.sessions[1].gone("the UE has lost its memory")
            session = await ue.establish_session()
            assert session.context.state == "ACTIVE"
            await asyncio.sleep(1)
            assert len(gnb.bearers) == 1
            assert len(network.smf.sessions.by_identity) == 1
        await ue.release_session(1)
        await asyncio.sleep(1)
        assert len(gnb.bearers) == 0
        assert not network.smf.sessions.by_ref

    play(scene)


def test_ue_that_registers_anew_while_connected_gets_its_session_anew() -> None:
    """TS 24.501 §5.5.1.2.4: the gNB, which goes on with the UE, lets go of the sessions too."""

    async def scene(network: Network, gnb: Gnb, ue: Ue) -> None:
        for _ in range(3):
            ue.sessions[1].gone("the UE has lost its memory")
            await ue.register(nas.RegistrationKind.INITIAL)
            assert not network.smf.sessions.by_ref
            session = await ue.establish_session()
            assert session.context.state == "ACTIVE"
            await asyncio.sleep(1)
            assert len(gnb.bearers) == 1
            assert len(network.smf.sessions.by_identity) == 1

    play(scene)


@pytest.mark.parametrize("cause", [43, 47])
def test_ue_that_does_not_take_a_session(cause: int) -> None:
    async def scene(network: Network, gnb: Gnb, ue: Ue) -> None:
        (smf_session,) = network.smf.sessions.by_identity.values()
        uplink(ue, nas.FiveGSMStatus(pdu_session_id=1, pti=smf_session.pti, cause=cause))
        await asyncio.sleep(1)
        assert not network.smf.sessions.by_identity
        assert len(gnb.bearers) == 0
        (context,) = [known.context for known in network.amf.registry.by_supi.values()]
        assert context.sm_contexts == ()
        ue.sessions[1].gone()
        await ue.establish_session()
        assert len(gnb.bearers) == 1

    play(scene)
