"""N2 cases DEV-054, DEV-055 and DEV-057, and every truncation of every message: many, or long.

The control is that of test_negative_n2.
"""

from __future__ import annotations

import asyncio
import random

from cinq.wire import ngap

from .gnb import Gnb, initial_ue_message, setup_request
from .test_negative_n2 import control, messages_of, two
from .world import World, run, supi_of


def test_dev_054_ten_thousand_malformed_initial_ue_messages() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        world.journal._kept.clear()
        home.silent.add("UEContextReleaseCommand")
        good = phone.initial(phone.registration())
        chance = random.Random(54)
        for n in range(10_000):
            octets = bytearray(good[: chance.randrange(len(good))] if n % 2 else good)
            if octets:
                octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
            home.say(initial_ue_message(home, 1000 + n, bytes(octets)))
            if n % 100 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(300)
        world.amf.sweep()
        assert set(world.amf.registry.by_supi) == {supi_of(2)}
        assert [*world.amf.registry.by_tmsi.values()] == [*world.amf.registry.by_supi.values()]
        assert len(world.amf.access.connections) == 1
        assert len(home.ran.connections) == 1
        assert home.ran.leaving == {}
        assert world.amf.runtime.busy == 0
        home.silent.clear()
        await control(world, home, other)

    run(test)


def test_dev_055_message_of_forty_thousand_octets() -> None:
    """The list of cases says "dropped + logged"; TS 38.413 §10.2 says of octets that are no message: "the receiver
    should initiate Error Indication procedure with appropriate cause value". By its size alone nothing is dropped: no
    specification sets a limit, and an NG Setup Request may well be longer (DEV-038: 256 tracking areas of 12 PLMNs
    with their slices)."""

    async def test(world: World) -> None:
        home, other, _ = await two(world)
        home.say_octets(b"\0\x0f\x40\xc2" + b"\0" * 40_000)
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 1
        await control(world, home, other)

    run(test)


def test_dev_057_ten_thousand_short_associations() -> None:
    async def test(world: World) -> None:
        for n in range(10_000):
            gnb = Gnb(world, n)
            gnb.say_octets(b"\0")
            gnb.inbound.lost("abort")
            if n % 100 == 0:
                await asyncio.sleep(0)
        assert world.amf.access.rans == []
        await control(world)

    run(test)


def test_every_truncation_of_every_message_is_survived() -> None:
    """Cut and flipped messages of a whole dialogue from another gNB: the phone at home notices nothing."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        world.journal._kept.clear()
        assert phone.amf_id is not None
        chance = random.Random(2)
        for message in (*messages_of(other, phone.amf_id, phone.ran_id), setup_request(2)):
            octets = ngap.encode(message)
            for end in range(0, len(octets), 3):
                other.say_octets(octets[:end])
            for _ in range(30):
                flipped = bytearray(octets)
                flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
                other.say_octets(bytes(flipped))
            await asyncio.sleep(0.1)
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        assert world.amf.registry.by_supi[supi_of(2)].context.rm_state == "RM-REGISTERED"
        other.say(setup_request(2))
        await asyncio.sleep(0.1)
        await control(world, home, other)

    run(test)
