"""The emulated gNBs on our own core: names of any script, roaming from gNB to gNB, keys on both ends of the chain."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb import Gnb
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.roam import roam
from cinq.wire.nas import RegistrationKind
from tests.network.world import Network


async def settled() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


async def neighbours(network: Network, count: int, xn: bool) -> list[Gnb]:
    """gNBs of one NG-RAN."""
    gnbs = [await network.gnb(number) for number in range(1, count + 1)]
    ng_ran = NgRan(xn=xn)
    for gnb in gnbs:
        gnb.ng_ran.remove(gnb.n2)
        gnb.ng_ran = ng_ran
        ng_ran.add(gnb.n2, gnb.cells)
    return gnbs


@pytest.mark.parametrize("name", ["Zürich", "gnb_1", "gNB one", "東京"])
def test_a_name_of_any_script(name: str) -> None:
    async def main() -> None:
        network = Network()
        network.provision()
        await network.start()
        gnb = await network.gnb(1, name=name)
        ue = network.ue(gnb)
        await ue.power_on()
        assert ue.sessions[1].context.bearer
        await network.stop()

    run_virtual(main())


@pytest.mark.parametrize(("xn", "new_kamf"), [(True, False), (False, False), (False, True)])
def test_round_and_round(xn: bool, new_kamf: bool) -> None:
    """Three gNBs, two UEs, ten rounds: both ends derive the same keys, sessions stay, nothing is left behind.

    new_kamf: each handover changes K_AMF (TS 33.501 §6.9.2.3.3); NAS goes on, and nobody is authenticated again.
    """

    async def main() -> None:
        network = Network(new_kamf_at_handover=new_kamf)
        network.provision(2)
        await network.start()
        gnbs = await neighbours(network, 3, xn)
        ues = [network.ue(gnbs[0], number) for number in range(2)]
        for ue in ues:
            await ue.power_on()
        for _ in range(10):
            assert await roam(gnbs) == (2, 0)
            await settled()
            for ue in ues:
                assert ue.sessions[1].context.bearer
                (context,) = [c for g in gnbs for c in g.n2.ues.values() if c.link is ue.link]
                chain = ue.security.as_chain
                assert chain is not None
                assert chain.kgnb == context.kgnb
                await ue.register(RegistrationKind.MOBILITY)
                assert ue.security.as_chain == chain
                theirs = network.amf.registry.by_supi[ue.settings.supi].context.security
                assert ue.security.current is not None
                assert theirs is not None
                assert ue.security.current.keys.kamf == theirs.kamf
        assert sum(len(gnb.n2.ues) for gnb in gnbs) == 2
        assert sum(len(gnb.bearers._reserved) for gnb in gnbs) == 2
        for ue in ues:
            await ue.deregister()
        await settled()
        assert not any(gnb.n2.ues or gnb.bearers._reserved or len(gnb.bearers) for gnb in gnbs)
        await network.stop()

    run_virtual(main())


@pytest.mark.parametrize("xn", [True, False])
def test_another_authentication_of_a_connected_ue(xn: bool) -> None:
    """TS 33.501 §6.9.4.4: the gNB's key follows from the keys in use now, at both ends, and handovers go on from it."""

    async def main() -> None:
        network = Network(authenticate_known=True)
        network.provision(1)
        await network.start()
        gnbs = await neighbours(network, 3, xn)
        ue = network.ue(gnbs[0])
        await ue.power_on()
        seen: set[bytes] = set()

        def alike() -> None:
            (context,) = [c for g in gnbs for c in g.n2.ues.values() if c.link is ue.link]
            chain = ue.security.as_chain
            assert chain is not None
            assert chain.kgnb == context.kgnb
            seen.add(chain.kgnb)

        for _ in range(5):
            alike()
            before = ue.security.current
            await ue.register(RegistrationKind.MOBILITY)
            await settled()
            assert ue.security.current is not None
            assert before is not None
            assert ue.security.current.keys.kamf != before.keys.kamf
            alike()
            assert await roam(gnbs) == (1, 0)
            await settled()
        alike()
        assert len(seen) == 11
        await network.stop()

    run_virtual(main())
