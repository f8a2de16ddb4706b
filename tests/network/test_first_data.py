"""Registration, session, service request, release and deregistration through a whole network."""

from __future__ import annotations

import pytest

from cinq.procedure import run_virtual
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
