"""Registration, session, service request, release and deregistration through a whole network."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Refused, run_virtual
from cinq.ran.ue.settings import Ciphering, Integrity
from cinq.wire import nas
from tests.network.world import Network


@pytest.mark.parametrize("scheme", ["null", "A"])
@pytest.mark.parametrize("integrity", [1, 2, 3])
@pytest.mark.parametrize("ciphering", [0, 1, 2, 3])
def test_a_phone_registers_and_gets_its_address(scheme: str, integrity: int, ciphering: int) -> None:
    async def run() -> None:
        network = Network(integrity=(integrity,), ciphering=(ciphering,))
        network.provision()
        await network.start()
        ue = network.ue(await network.gnb(), suci=scheme)
        await ue.register()
        assert ue.security.current is not None
        assert (ue.security.current.nas.integrity, ue.security.current.nas.ciphering) == (
            integrity,
            ciphering,
        )
        session = await ue.establish_session()
        assert str(session.context.address).startswith("10.45.")
        await ue.deregister()
        assert not ue.context.registered
        await network.stop()

    run_virtual(run())


@pytest.mark.parametrize(
    ("integrity", "ciphering", "served"),
    [
        (("NIA2",), ("NEA0",), True),
        (("NIA2",), ("NEA2",), True),
        (("NIA1",), ("NEA0", "NEA3"), True),
        (("NIA3",), ("NEA0", "NEA1", "NEA2"), False),
        (("NIA1", "NIA2"), ("NEA3",), False),
    ],
)
def test_some_mandatory_algorithm_of_each_kind_is_enough(
    integrity: tuple[Integrity, ...], ciphering: tuple[Ciphering, ...], served: bool
) -> None:
    """Testers by other people show one algorithm of each kind; none of the mandatory ones is no UE's (TS 24.501
    §5.5.1.2.8 i), TS 33.501 §5.3.2, §5.3.3)."""

    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        ue = network.ue(await network.gnb(), integrity=integrity, ciphering=ciphering)
        if served:
            await ue.register(attempts=1)
        else:
            with pytest.raises(Refused) as refused:
                await ue.register(attempts=1)
            assert isinstance(refused.value.answer, nas.RegistrationReject)
            assert refused.value.answer.cause == nas.GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH
        assert ue.context.registered is served
        await network.stop()

    run_virtual(run())


def test_an_accept_that_comes_again_is_acknowledged_again() -> None:
    """The network has not heard REGISTRATION COMPLETE, and T3550 ran out (TS 24.501 §5.5.1.2.8 c))."""

    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        ue = network.ue(await network.gnb())
        with ue.station.record() as record, ue.station.drop(nas.RegistrationComplete, times=1):
            await ue.register()
            await asyncio.sleep(20)
        assert len(record.messages(nas.RegistrationAccept)) == 2
        said = [type(each.message) for each in record.sent]
        assert said[-1] is nas.RegistrationComplete
        assert nas.FiveGMMStatus not in said
        await network.stop()

    run_virtual(run())
