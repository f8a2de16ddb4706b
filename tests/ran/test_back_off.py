"""A UE that the network told to wait does not hammer it: T3346, T3396, T3584 and T3585 (TS 24.501 §5.3.9, §6.4.1.4)."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Refused
from cinq.ran.ue import Ue
from cinq.wire import nas

from .core import Core, CoreUe, Radio, in_transport, settle
from .test_nas_rules import gmm, play


def test_service_reject_with_t3346() -> None:
    class Congested(Core):
        def on_service(self, ue: CoreUe, request: nas.ServiceRequest) -> None:
            self.down(ue, nas.ServiceReject(cause=22, t3346=120))
            self.release(ue)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        core.release(core.last())
        await settle()
        for _ in range(5):
            ue.on_uplink_data(1)
            await settle()
        assert core.said.count("SERVICE REJECT") == 1
        ue.on_paging()
        await settle()
        assert core.said.count("SERVICE REJECT") == 2
        await asyncio.sleep(121)
        ue.on_uplink_data(1)
        await settle()
        assert core.said.count("SERVICE REJECT") == 3

    play(scene, Congested())


def test_registration_reject_with_t3346() -> None:
    class Congested(Core):
        until = 100.0

        def on_registration(self, ue: CoreUe, request: nas.RegistrationRequest) -> None:
            if asyncio.get_running_loop().time() < self.until:
                self.down(ue, nas.RegistrationReject(cause=22, t3346=120))
                self.release(ue)
            else:
                super().on_registration(ue, request)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, Congested)
        await ue.register()
        loop = asyncio.get_running_loop()
        assert 15 * 60 <= loop.time() <= 30 * 60, "unprotected, it is not believed but for the default range"
        assert core.names().count("InitialUEMessage") == 2
        core.until = loop.time() + 100
        at = loop.time()
        await ue.register(nas.RegistrationKind.MOBILITY)
        assert loop.time() - at == pytest.approx(120, abs=1)
        assert ue.context.update_status == "5U1 UPDATED"

    play(scene, Congested())


@pytest.mark.parametrize("timer", [nas.DEACTIVATED, 60, 0, None])
@pytest.mark.parametrize(
    ("cause", "given_back"), [(26, False), (67, False), (69, False), (22, True), (67, True)]
)
def test_session_refused_with_a_back_off_timer(cause: int, given_back: bool, timer: int | None) -> None:
    class Refuses(Core):
        def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
            if given_back:
                self.down(ue, in_transport(request).replace(cause=cause, back_off_timer=timer))
                return
            reject = nas.PDUSessionEstablishmentReject(
                pdu_session_id=request.pdu_session_id, pti=request.pti, cause=cause, back_off_timer=timer
            )
            self.down(ue, in_transport(reject))

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        for _ in range(3):
            with pytest.raises(Refused):
                await ue.establish_session()
        asked = len(gmm(core, nas.ULNASTransport))
        assert asked == (1 if timer else 3)
        await asyncio.sleep(61)
        with pytest.raises(Refused):
            await ue.establish_session()
        assert len(gmm(core, nas.ULNASTransport)) - asked == (0 if timer == nas.DEACTIVATED else 1)

    play(scene, Refuses())
