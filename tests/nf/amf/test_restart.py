"""What survives: restart, crash, security contexts, and how a UE that is gone is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from cinq.wire import nas

from .gnb import Gnb
from .test_connection import attached, idle
from .world import World, run, supi_of


def test_restart_keeps_idle_ues_and_their_sessions() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await world.restart()
        gnb = await Gnb(world).set_up()
        before = phone.count(nas.AuthenticationRequest)
        phone.service_request(gnb, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)
        assert phone.count(nas.AuthenticationRequest) == before
        assert world.amf.registry.by_supi[supi_of(1)].context.pdu_session_status == {1}

    run(test)


def test_restart_while_connected_goes_on_where_it_was() -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        await world.restart()
        gnb = await Gnb(world).set_up()
        phone.service_request(gnb, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)
        assert phone.count(nas.AuthenticationRequest) == 1

    run(test)


@pytest.mark.parametrize("how", ["service request", "registration"])
def test_crash_while_connected_authenticates_anew(how: str) -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        replayed = phone.sent[-1]
        await world.crash()
        gnb = await Gnb(world).set_up()
        before = phone.count(nas.AuthenticationRequest)
        if how == "registration":
            phone.register(gnb, phone.registration(2))
        else:
            phone.request = None
            phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.AuthenticationRequest) == before + 1
        assert isinstance(phone.heard[-1], (nas.ServiceAccept, nas.RegistrationAccept))
        assert world.amf.registry.by_supi[supi_of(1)].context.pdu_session_status == {1}
        phone.say_octets(replayed)
        await asyncio.sleep(1)
        assert len(world.smf.contexts) == 1

    run(test)


def test_implicit_deregistration() -> None:
    async def test(world: World) -> None:
        world.amf.start()
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await asyncio.sleep(600)
        assert supi_of(1) in world.amf.registry.by_supi
        await asyncio.sleep(8000)
        assert world.amf.registry.by_supi == {}
        assert world.amf.registry.by_tmsi == {}
        assert world.smf.released == ["sm-1"]
        assert world.store.get("amf-ue", str(supi_of(1))) is None

    run(test)


def test_downlink_counts_are_never_used_twice() -> None:
    """Many downlink messages, then a crash: the restored context begins beyond what the UE has heard."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        for _ in range(300):
            await world.smf.transfer(str(phone.supi), 1, b"\x2e\x01\x00\xcb", None, None)
        await asyncio.sleep(0.1)
        assert phone.security is not None
        heard = phone.security.dl_count
        assert heard > 300
        await world.crash()
        security = world.amf.registry.by_supi[supi_of(1)].exchange.security
        assert security is not None
        assert heard <= security.dl_count < heard + 256  # and near enough for the UE's estimate (§4.4.3.1)

    run(test)


def test_a_key_set_that_is_nearly_used_up_is_replaced() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        security = world.amf.registry.by_supi[supi_of(1)].exchange.security
        assert security is not None
        assert phone.security is not None
        security.ul_count = phone.security.ul_count = 0xFF_0000
        await phone.registered(gnb, registration_type=nas.RegistrationType(2))
        assert phone.count(nas.AuthenticationRequest) == 2
        assert phone.security is not None
        assert phone.security.ul_count < 10

    run(test)
