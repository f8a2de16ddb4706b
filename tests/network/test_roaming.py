"""A UE of another network at an AMF that has roaming agreements: with others than its home network, or with none."""

from __future__ import annotations

import pytest

from cinq.numbering import PlmnId
from cinq.procedure import Refused, run_virtual
from cinq.wire.nas import GmmCause
from tests.network.world import Network

FOREIGN = {"imsi": "001010000000001", "plmn": PlmnId("001", "01")}


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"roams": True}, GmmCause.PLMN_NOT_ALLOWED),  # #11: its USIM stays valid for other networks
        ({"roams": True, "partners": (PlmnId("262", "01"),)}, GmmCause.PLMN_NOT_ALLOWED),
    ],
)
def test_a_ue_of_another_network(settings: dict[str, object], cause: GmmCause) -> None:
    async def body() -> None:
        network = Network(**settings)  # type: ignore[arg-type]
        await network.start()
        ue = network.ue(await network.gnb(), **FOREIGN)
        with pytest.raises(Refused) as refused:
            await ue.register()
        assert refused.value.answer.cause == cause
        assert not network.amf.registry.by_supi

    run_virtual(body())


def test_our_own_are_served_as_ever() -> None:
    async def body() -> None:
        network = Network(roams=True, partners=(PlmnId("001", "01"),))
        await network.start()
        network.provision(1)
        ue = network.ue(await network.gnb())
        await ue.register()
        assert ue.context.registered

    run_virtual(body())
