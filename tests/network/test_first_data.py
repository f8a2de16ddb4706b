"""Registration, session, service request, release and deregistration through a whole network."""

from __future__ import annotations

import pytest

from cinq.procedure import run_virtual
from tests.network.world import Network


@pytest.mark.parametrize("scheme", ["null", "A"])
@pytest.mark.parametrize("integrity", ["NIA1", "NIA2", "NIA3"])
@pytest.mark.parametrize("ciphering", ["NEA0", "NEA1", "NEA2", "NEA3"])
def test_a_phone_registers_and_gets_its_address(scheme: str, integrity: str, ciphering: str) -> None:
    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        ue = network.ue(await network.gnb(), suci=scheme, integrity=(integrity,), ciphering=(ciphering,))
        await ue.register()
        session = await ue.establish_session()
        assert str(session.context.address).startswith("10.45.")
        await ue.deregister()
        assert not ue.context.registered
        await network.stop()

    run_virtual(run())
