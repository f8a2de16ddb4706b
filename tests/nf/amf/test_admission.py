"""More UEs than can be served, and strangers who claim to be a subscriber (TS 24.501 §5.3.9, TS 38.413 §8.7.7)."""

from __future__ import annotations

import asyncio

from cinq.nf.amf.inbound import admission
from cinq.nf.amf.n2.pacing import BURST
from cinq.numbering import Suci
from cinq.wire import nas, ngap

from .gnb import Gnb, initial_ue_message
from .phone import Phone
from .test_connection import idle
from .test_negative_n2 import control, two
from .world import PLMN, World, run, supi_of


def storm(world: World, gnb: Gnb, count: int, first: int = 5000, subscriber: int | None = None) -> None:
    """Registrations of UEs that answer nothing."""
    for n in range(count):
        phone = Phone(world, subscriber or 100_000 + n)
        gnb.say(initial_ue_message(gnb, first + n, phone.initial(phone.registration())))


def half_open(world: World) -> int:
    connections = world.amf.access.connections.values()
    return sum(c.user.context.rm_state != "RM-REGISTERED" for c in connections)  # type: ignore[attr-defined]


def test_a_storm_at_one_gnb_is_not_felt_at_another() -> None:
    async def test(world: World) -> None:
        world.amf.start()
        home, other, _ = await two(world)
        for n in range(100, 145):  # subscribers, each claimed a hundred times
            world.subscribe(n)
            storm(world, other, 100, first=5000 + 100 * n, subscriber=n)
        golden = Phone(world, 1)
        golden.register(home)
        await asyncio.sleep(0.1)
        assert isinstance(golden.heard[-1], nas.RegistrationAccept)
        assert half_open(world) <= admission.HALF_OPEN
        assert other.count(ngap.OverloadStart) == 1
        assert home.count(ngap.OverloadStart) == home.count(ngap.OverloadStop) == 0
        told = [m for m in other.heard if isinstance(m, ngap.DownlinkNASTransport)]
        rejects = [nas.decode(m.nas_pdu or b"") for m in told]
        rejects = [m for m in rejects if isinstance(m, nas.RegistrationReject)]
        assert len(rejects) == admission.TOLD_IN_A_SECOND
        assert {m.cause for m in rejects} == {nas.GmmCause.CONGESTION}
        settings = world.settings
        assert all(m.t3346 is not None and settings.t3346_s <= m.t3346 for m in rejects)
        assert len({m.t3346 for m in rejects}) > 1  # they do not come back at the same moment
        assert any("brings more UEs than can be served" in cause for cause in world.causes())
        await asyncio.sleep(200)
        world.amf.sweep()
        assert other.count(ngap.OverloadStop) == 1
        assert half_open(world) == 0
        assert other.ran.leaving == {}
        await control(world, home, other)

    run(test)


def test_nobody_waits_behind_strangers_of_one_identity() -> None:
    """At the very gNB that a storm of one SUCI comes from, another UE registers at once."""

    async def test(world: World) -> None:
        world.amf.start()
        home, other, _ = await two(world)
        storm(world, other, 5000, subscriber=3)
        (gate,) = [gate for gate in world.amf.admission.gates if gate.ran is other.ran]
        assert len(gate.waiting) == gate.waiting_claims.total() == admission.SAME_IDENTITY
        honest = Phone(world, 1)
        honest.register(other)
        await asyncio.sleep(1)
        assert isinstance(honest.heard[-1], nas.RegistrationAccept)
        assert other.count(ngap.OverloadStart) == 0
        await asyncio.sleep(200)
        assert not gate.waiting_claims
        await control(world, home, other)

    run(test)


def test_a_line_that_is_long_moves_on() -> None:
    """UEs that answer are all served, though more of them came at once than have a place."""

    async def test(world: World) -> None:
        for n in range(4, 304):
            world.subscribe(n)
        gnb = await Gnb(world).set_up()
        phones = [Phone(world, n) for n in range(4, 304)]
        for phone in phones:
            phone.register(gnb)
        await asyncio.sleep(5)
        assert all(isinstance(phone.heard[-1], nas.RegistrationAccept) for phone in phones)
        await control(world, gnb)

    run(test)


def test_a_line_ends_with_its_association() -> None:
    async def test(world: World) -> None:
        home, other, _ = await two(world)
        storm(world, other, 2000)
        other.inbound.lost("switched off")
        await asyncio.sleep(100)
        assert half_open(world) == 0
        assert [gate.ran for gate in world.amf.admission.gates] == [home.ran]
        await control(world, home)

    run(test)


def test_strangers_with_the_suci_of_a_subscriber() -> None:
    """One unauthenticated message each 100 ms: the subscriber registers five times of five, and is never rejected."""

    async def test(world: World) -> None:
        home, other, _ = await two(world)
        for attempt in range(5):
            victim = Phone(world, 3)

            def slowly(message: nas.NasMessage, phone: Phone = victim) -> None:
                asyncio.get_running_loop().call_later(0.7, phone.usual, message)

            victim.on[nas.AuthenticationRequest] = slowly
            victim.register(home)
            for n in range(15):
                storm(world, home, 1, 10_000 + attempt * 100 + n, subscriber=3)
                await asyncio.sleep(0.1)
            assert isinstance(victim.heard[-1], nas.RegistrationAccept)
            assert victim.count(nas.AuthenticationReject) == 0
            victim.deregister()
            await asyncio.sleep(0.1)
        await asyncio.sleep(200)
        assert half_open(world) == 0
        await control(world, home, other)

    run(test)


def test_what_one_suci_can_start_is_bounded() -> None:
    """At each gNB by itself: strangers at one do not make a subscriber's registration at another give way."""

    async def test(world: World) -> None:
        home, other, _ = await two(world)
        victim = Phone(world, 3)
        victim.on[nas.AuthenticationRequest] = lambda message: asyncio.get_running_loop().call_later(
            1, victim.usual, message
        )  # type: ignore[assignment,return-value]
        victim.register(home)
        await asyncio.sleep(0.1)
        storm(world, other, 500, subscriber=3)
        await asyncio.sleep(0.5)
        assert half_open(world) <= admission.SAME_IDENTITY + 1
        assert any("others claim the same identity" in cause for cause in world.causes())
        rejected = [m for m in other.heard if isinstance(m, ngap.DownlinkNASTransport)]
        kinds = {type(nas.decode(m.nas_pdu or b"")) for m in rejected}
        assert nas.AuthenticationReject not in kinds
        await asyncio.sleep(1)
        assert isinstance(victim.heard[-1], nas.RegistrationAccept)
        await control(world, home, other)

    run(test)


def test_a_stranger_changes_nothing_of_a_registered_subscriber() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        phone.establish(1)
        await asyncio.sleep(1)
        ue = world.amf.registry.by_supi[supi_of(2)]
        before = ue.context
        for n, header in enumerate((None, b"\x7e\x01" + b"\0" * 5)):
            plain = nas.encode(
                Phone(world, 2).registration(mobile_identity=Suci.null_scheme(supi_of(2), PLMN))
            )
            other.say(initial_ue_message(other, 900 + n, (header or b"") + plain))
        await asyncio.sleep(100)
        assert ue.context == before
        assert world.amf.registry.by_supi[supi_of(2)] is ue
        assert ue.connection is not None
        await control(world, home, other)

    run(test)


def test_pagings_are_paced() -> None:
    """Many at once leave one after the other; who has answered meanwhile is not paged."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phones = []
        for n in range(4, 204):
            world.subscribe(n)
            phones.append(await Phone(world, n).registered(gnb))
        for phone in phones:
            await idle(gnb, phone)
        for n in range(4, 204):
            assert (
                await world.smf.transfer(str(supi_of(n)), 1, b"\x2e", None, None) == "ATTEMPTING_TO_REACH_UE"
            )
        await asyncio.sleep(0.001)
        assert 1 <= gnb.count(ngap.Paging) <= 2 * BURST
        phones[-1].service_request(gnb)
        await asyncio.sleep(1)
        assert gnb.count(ngap.Paging) == 199

    run(test)


def test_a_ue_that_was_connected_for_long_is_not_gone_when_it_becomes_idle() -> None:
    """TS 24.501 §5.3.7: the mobile reachable timer begins with CM-IDLE, not with the connection."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 1).registered(gnb)
        await asyncio.sleep(world.settings.implicit_deregistration_s(0) + 1)
        await idle(gnb, phone)
        world.amf.sweep()
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(1)].context.rm_state == "RM-REGISTERED"
        await asyncio.sleep(world.settings.implicit_deregistration_s(0) + 1)
        world.amf.sweep()
        await asyncio.sleep(1)
        assert supi_of(1) not in world.amf.registry.by_supi

    run(test)
