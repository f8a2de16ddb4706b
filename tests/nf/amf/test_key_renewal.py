"""Keys and algorithms that change under a connected UE (TS 33.501 §6.4.3.1, §6.7.2)."""

from __future__ import annotations

import asyncio

from cinq.nf.amf.n1.exchange import LAST_COUNTS
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of


def far_on(world: World, phone: Phone) -> None:
    """As after sixteen million messages."""
    theirs = world.amf.registry.by_supi[supi_of(1)].exchange.security
    assert theirs is not None
    assert phone.security is not None
    theirs.ul_count = phone.security.ul_count = LAST_COUNTS


def test_new_keys_before_the_counts_end() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        ue = world.amf.registry.by_supi[supi_of(1)]
        before = ue.context.security
        far_on(world, phone)
        phone.request = None
        phone.say_sm(1, b"\x2e\x01\x02\xc9")
        await asyncio.sleep(1)
        assert phone.count(nas.AuthenticationRequest) == 2
        after = ue.context.security
        assert before is not None
        assert after is not None
        assert after.kamf != before.kamf
        assert after.ul_count < 10
        assert gnb.last(ngap.UEContextModificationRequest).security_key is not None
        phone.establish(2)
        await asyncio.sleep(1)
        assert ue.context.pdu_session_status == {1, 2}
        assert phone.count(nas.AuthenticationRequest) == 2

    run(test)


def test_other_algorithms_by_the_same_keys() -> None:
    """The operator prefers others now: a security mode command alone, and the COUNTs go on."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        world.settings = type(world.settings)(
            world.settings.plmn, world.settings.tais, integrity=(1,), ciphering=(0,)
        )
        await world.restart()
        gnb = await Gnb(world).set_up()
        phone.request = None
        before = phone.count(nas.SecurityModeCommand)
        phone.on[nas.SecurityModeCommand] = lambda m: changed(phone, m)
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.SecurityModeCommand) == before + 1
        assert phone.count(nas.AuthenticationRequest) == 1
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert context.security is not None
        assert (context.security.integrity, context.security.ciphering) == (1, 0)
        assert context.security.ul_count > 1
        phone.establish(2)
        await asyncio.sleep(1)
        assert context.rm_state == "RM-REGISTERED"
        assert world.amf.registry.by_supi[supi_of(1)].context.pdu_session_status == {1, 2}

    run(test)


def changed(phone: Phone, message: nas.NasMessage) -> None:
    assert isinstance(message, nas.SecurityModeCommand)
    phone.complete(message)
