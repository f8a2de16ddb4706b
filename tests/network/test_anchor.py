"""cinq order anchor: another PDU session anchor by SSC mode, from the order to the UE (TS 23.502 §4.3.5)."""

from __future__ import annotations

import asyncio

import pytest

from cinq.anchors import look_at_anchors
from cinq.nf.amf.orders import Order
from cinq.procedure import run_virtual
from cinq.ran.ue.settings import SessionSettings
from tests.network.world import SUPI, Network


async def ordered(network: Network, number: int = 1) -> str:
    orders = network.amf.access.orders
    orders.put(Order(str(SUPI), "anchor", session=number))
    network.amf.look_at_warnings()  # which leaves it alone
    look_at_anchors(orders, network.smf, network.smf.runtime)
    await asyncio.sleep(1)
    order = orders.get(f"{SUPI}/anchor")
    assert order is not None
    assert order.state == "done"
    return order.text


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("SSC_MODE_1", "has SSC mode 1 and keeps its anchor"),
        ("SSC_MODE_2", "the UE is told"),
        ("SSC_MODE_3", "the UE is told"),
    ],
)
def test_by_mode(mode: str, said: str) -> None:
    async def main() -> None:
        network = Network()
        network.provision(ssc_modes=(mode,))
        await network.start()
        wanted = SessionSettings(ssc_mode=int(mode[-1]))  # type: ignore[arg-type]
        ue = network.ue(await network.gnb(), sessions=(wanted,))
        await ue.register()
        await ue.establish_session()
        (session,) = network.smf.sessions.by_identity.values()
        before = session.ref
        assert said in await ordered(network)
        await asyncio.sleep(100)
        after = {s.ref for s in network.smf.sessions.by_identity.values()}
        assert (before in after) is (mode == "SSC_MODE_1")
        assert await ordered(network, 9) == "there is no PDU session 9"
        await network.stop()

    run_virtual(main())
