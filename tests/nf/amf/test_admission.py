"""More UEs than can be served, and strangers who claim to be a subscriber (TS 24.501 §5.3.9, TS 38.413 §8.7.7)."""

from __future__ import annotations

import asyncio

import pytest

from cinq.crypto.nas_security import NasSecurity
from cinq.nf.amf.inbound import admission
from cinq.nf.amf.inbound import line as line_of
from cinq.nf.amf.inbound.line import Line, Waiting
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


@pytest.mark.parametrize("lasts", [False, True], ids=["a burst", "an overload that lasts"])
def test_a_storm_at_one_gnb_is_not_felt_at_another(lasts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """T3346, which nothing protects here, keeps a UE away for 15 to 30 minutes: not for a burst."""
    if lasts:
        monkeypatch.setattr(admission, "ENDURED_S", 0.0)

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
        back_off = {m.t3346 for m in rejects}
        if lasts:
            assert min(at or 0 for at in back_off) >= world.settings.t3346_s
            assert len(back_off) > 1  # they do not come back at the same moment
        else:
            assert back_off == {None}
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
        assert len(gate.line) == admission.SAME_IDENTITY
        honest = Phone(world, 1)
        honest.register(other)
        await asyncio.sleep(1)
        assert isinstance(honest.heard[-1], nas.RegistrationAccept)
        assert other.count(ngap.OverloadStart) == 0
        await asyncio.sleep(200)
        assert not gate.line
        await control(world, home, other)

    run(test)


async def seconds_until(phone: Phone, kind: type[nas.NasMessage]) -> float:
    """Until it has its answer, a minute at the most."""
    loop, before = asyncio.get_running_loop(), phone.count(kind)
    begun = loop.time()
    for _ in range(6000):
        if phone.count(kind) > before:
            break
        await asyncio.sleep(0.01)
    return loop.time() - begun


async def goes_on(world: World, gnb: Gnb, subscribers: int, a_second: int, count: int) -> None:
    """A storm that claims the same subscribers again and again."""
    for number in range(count):
        storm(world, gnb, 1, first=5000 + number, subscriber=100 + number % subscribers)
        if number % 50 == 49:
            await asyncio.sleep(50 / a_second)


@pytest.mark.parametrize("subscribers", [45, 900])
def test_honest_ues_at_the_gnb_of_a_storm(subscribers: int) -> None:
    """At the very gNB, of known subscribers that answer nothing: who has a security context waits for none of them, who
    has none for a turn of its own. For a first-in first-out line neither was served within a minute."""

    async def test(world: World) -> None:
        world.amf.start()
        home, other, _ = await two(world)
        known = await Phone(world, 1).registered(other)
        await idle(other, known)
        for n in range(100, 100 + subscribers):
            world.subscribe(n)
        raging = asyncio.ensure_future(goes_on(world, other, subscribers, 4000, 2600))
        await asyncio.sleep(0.6)
        assert other.count(ngap.OverloadStart) == 1
        known.service_request(other)
        assert await seconds_until(known, nas.ServiceAccept) < 0.05
        fresh = Phone(world, 3)
        fresh.register(other)
        assert await seconds_until(fresh, nas.RegistrationAccept) < 0.5
        assert half_open(world) <= admission.HALF_OPEN
        await raging
        await asyncio.sleep(200)
        world.amf.sweep()
        assert half_open(world) == 0
        await control(world, home, other)

    run(test)


def test_many_known_ues_at_one_gnb_do_not_hold_up_another() -> None:
    """After an outage: all are served, and few of them before a UE of another gNB that comes behind them."""

    async def test(world: World) -> None:
        world.amf.start()
        home, other, golden = await two(world)
        phones = []
        for n in range(100, 300):
            world.subscribe(n)
            phones.append(await Phone(world, n).registered(other))
        for phone in phones:
            await idle(other, phone)
        await idle(home, golden)
        for phone in phones:
            phone.service_request(other)
        golden.service_request(home)
        for _ in range(10_000):
            if golden.count(nas.ServiceAccept):
                break
            await asyncio.sleep(0)
        assert sum(phone.count(nas.ServiceAccept) for phone in phones) <= 2 * admission.SHARE
        await asyncio.sleep(5)
        assert all(phone.count(nas.ServiceAccept) for phone in phones)
        await control(world, home, other)

    run(test)


def test_whose_mac_is_not_its_own() -> None:
    """A stranger that names a UE by its 5G-GUTI waits as a stranger; the UE itself waits for nobody, and its COUNT is
    not used up by being looked at."""

    async def test(world: World) -> None:
        world.amf.start()
        home, other, _ = await two(world)
        victim = await Phone(world, 1).registered(other)
        await idle(other, victim)
        storm(world, other, 200)
        forged = Phone(world, 1)
        forged.guti, forged.security = victim.guti, NasSecurity.from_kamf(bytes(32), 2, 2)
        (gate,) = [gate for gate in world.amf.admission.gates if gate.ran is other.ran]
        waiting = len(gate.line)
        for n in range(20):
            other.say(initial_ue_message(other, 9000 + n, forged.initial(forged.registration())))
        assert len(gate.line) == waiting + 20
        assert not gate.line.proved
        victim.service_request(home)
        assert await seconds_until(victim, nas.ServiceAccept) < 0.05
        await asyncio.sleep(200)
        assert half_open(world) == 0
        await control(world, home, other)

    run(test)


def test_turns_of_a_line() -> None:
    """First of an identity before others of one that was let in; one in four of the others; each once in a turn."""
    line = Line()

    def put(claim: bytes, number: int, first: bool) -> Waiting | None:
        return line.put(Waiting(0.0, bytes((number,)), claim), first)

    for number in range(3):
        assert put(b"a", number, number == 0) is None
        assert put(b"b", 10 + number, number == 0) is None
    assert put(b"old", 20, False) is None
    assert put(b"c", 30, True) is None
    assert line.put_proved(Waiting(0.0, b"proved", b"p"))
    assert len(line) == 9
    taken = [line.take().octets for _ in range(9)]
    assert taken[0] == b"proved"
    assert taken[1:4] == [bytes((0,)), bytes((10,)), bytes((30,))]
    assert taken[4:] == [bytes((n,)) for n in (20, 1, 11, 2, 12)]
    assert not line
    with pytest.raises(IndexError):
        line.take()


def test_a_full_line_makes_room_for_another_identity() -> None:
    line = Line()
    for claim in range(line_of.STRANGERS // 100):
        for number in range(100):
            one = Waiting(0.0, bytes((number,)), claim.to_bytes(2, "big"))
            assert line.put(one, first=False) is None
    assert len(line) == line_of.STRANGERS
    repeated = Waiting(0.0, b"again", b"\0\0")
    assert line.put(repeated, first=True) is repeated
    late = line.put(Waiting(0.0, b"new", b"new"), first=True)
    assert late is not None
    assert late.claim == b"\0\0"
    assert len(line) == line_of.STRANGERS
    assert line.take().octets == b"new"
    many = Line()
    kept = [many.put(Waiting(0.0, b"", b"same"), first=False) for _ in range(200)]
    assert kept.count(None) == line_of.SAME_IDENTITY


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
