"""Registration with AMF re-allocation, TS 23.502 §4.2.2.2.3: a UE whose slices another AMF set serves."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.nssf import NSSF
from cinq.nf.nssf import Settings as NssfSettings
from cinq.nf.udr.access import Access
from cinq.numbering import SNssai
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of

OTHER = SNssai(7)


def two_sets(world: World) -> None:
    nssf = NSSF(NssfSettings(world.settings.slices, (("999-70-01-002", (OTHER,)),)), "nssf")
    for service, implementation in nssf.services():
        world.bus.withdraw(service, "nssf")
        world.bus.serve(service, implementation, "nssf")


def test_a_ue_of_another_set() -> None:
    """Step 7B: authenticated, without a security association, the message goes back as it came; nothing is left."""

    async def test(world: World) -> None:
        two_sets(world)
        world.subscribe(1, slices=(OTHER,))
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        request = gnb.last(ngap.RerouteNASRequest)
        assert (request.ran_ue_ngap_id, request.amf_set_id) == (phone.ran_id, 2)
        initial = ngap.decode(request.ngap_message)
        assert isinstance(initial, ngap.InitialUEMessage)
        assert isinstance(nas.decode(initial.nas_pdu), nas.RegistrationRequest)
        assert [item.s_nssai.sst for item in request.allowed_nssai or []] == [b"\7"]
        assert phone.count(nas.AuthenticationRequest) == 1
        assert phone.count(nas.SecurityModeCommand) == 0
        assert gnb.count(ngap.UEContextReleaseCommand) == 0
        assert world.amf.access.connections == {}
        assert world.amf.registry.by_supi == {}
        await world.quiet()

    run(test, reroutes=True)


@pytest.mark.parametrize("defaults", [(SNssai(1),), (SNssai(1), OTHER)])
def test_a_ue_of_this_set(defaults: tuple[SNssai, ...]) -> None:
    async def test(world: World) -> None:
        two_sets(world)
        world.subscribe(1, slices=(SNssai(1), OTHER), access=Access(default_slices=defaults))
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        assert phone.last(nas.RegistrationAccept).allowed_nssai == [SNssai(1)]
        assert gnb.count(ngap.RerouteNASRequest) == 0

    run(test, reroutes=True)


def test_a_ue_with_a_security_association() -> None:
    """Step 7A would be needed, and there is no way to the other AMF: #62, with the reason."""

    async def test(world: World) -> None:
        two_sets(world)
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        world.subscribe(1, slices=(OTHER,))
        phone.register(gnb, phone.registration(RegistrationKind.INITIAL))
        await asyncio.sleep(1)
        assert gnb.count(ngap.RerouteNASRequest) == 0
        assert phone.last(nas.RegistrationReject).cause == GmmCause.NO_NETWORK_SLICES_AVAILABLE
        assert any("999-70-01-002" in cause for cause in world.causes())

    run(test, reroutes=True)


def test_without_another_set_nothing_is_asked() -> None:
    async def test(world: World) -> None:
        await attached(world)
        assert len([m for m in world.messages("Nnssf_NSSelection") if "request" in m]) == 1
        assert supi_of(1) in world.amf.registry.by_supi

    run(test)
