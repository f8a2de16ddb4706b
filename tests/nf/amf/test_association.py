"""Connections and the streams that they take; the serving and the target connection of a UE; its chain of next hops."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cinq.crypto import kdf
from cinq.nf.amf import signals
from cinq.nf.amf.context import SecurityContext, UeContext, decoded, encoded
from cinq.nf.amf.n1.exchange import Exchange
from cinq.nf.amf.n2.association import MAX_NGAP_ID, UNASSIGNED, stream_of
from cinq.nf.amf.ue import Ue
from cinq.procedure import Signal
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .world import World, run, supi_of

KAMF = bytes(range(32))


@given(st.integers(1, MAX_NGAP_ID), st.integers(1, 65535))
def test_a_ue_never_takes_the_stream_of_the_interface(number: int, streams: int) -> None:
    """TS 38.412 §7, unless there is no other."""
    stream = stream_of(number, streams)
    assert 0 <= stream < streams
    assert (stream == 0) == (streams == 1)


@given(st.integers(2, 64))
def test_ues_use_all_streams_there_are(streams: int) -> None:
    assert {stream_of(number, streams) for number in range(1, streams)} == set(range(1, streams))


class Listening(Gnb):
    """Notes the stream of each message."""

    outbound_streams = 2

    def __init__(self, world: World) -> None:
        self.streams: list[tuple[str, int]] = []
        super().__init__(world)

    def send(self, octets: bytes, *, stream: int) -> None:
        self.streams.append((type(ngap.decode(octets)).__name__, stream))
        super().send(octets, stream=stream)


def test_two_streams() -> None:
    async def test(world: World) -> None:
        gnb = Listening(world)
        await gnb.set_up()
        for n in (1, 2, 3):
            await Phone(world, n).registered(gnb)
        assert {(name == "NGSetupResponse", stream) for name, stream in gnb.streams} == {
            (True, 0),
            (False, 1),
        }

    run(test)


async def served(world: World) -> tuple[Gnb, Gnb, Phone, Ue]:
    source, target = await Gnb(world, 1).set_up(), await Gnb(world, 2).set_up()
    phone = await Phone(world).registered(source)
    return source, target, phone, world.amf.registry.by_supi[supi_of(1)]


def test_a_ue_with_two_connections() -> None:
    async def test(world: World) -> None:
        source, target, phone, ue = await served(world)
        first = ue.connection
        assert first is not None
        ue.target = second = ue.access.prepare(target.ran, first.place, ue)
        assert second.ran_ue_ngap_id == UNASSIGNED
        assert set(ue.access.connections) == {first.amf_ue_ngap_id, second.amf_ue_ngap_id}
        phone.say(nas.FiveGMMStatus(cause=111))  # it is served where it was
        assert ue.access.assign(second, 7)
        assert target.ran.connections == {7: second}
        assert ue.move() is first
        assert (ue.connection, ue.target, ue.exchange.secured) == (second, None, True)
        signal: Signal[None] = signals.ReleaseContext(("radioNetwork", "successful-handover"))
        await first.demand(signal)
        assert source.ran.connections == {}
        assert ue.context.cm_state == "CM-CONNECTED"
        phone.gnb, phone.ran_id, phone.amf_id = target, 7, second.amf_ue_ngap_id
        target.phones[7] = phone
        phone.deregister()
        await asyncio.sleep(1)
        assert ue.access.connections == {}

    run(test)


def test_a_target_that_has_given_no_identity_is_released_by_the_amfs() -> None:
    async def test(world: World) -> None:
        source, target, phone, ue = await served(world)
        assert ue.connection is not None
        ue.target = second = ue.access.prepare(target.ran, ue.connection.place, ue)
        target.silent.add("UEContextReleaseCommand")
        source.inbound.lost("cut")
        await asyncio.sleep(1)
        command = target.last(ngap.UEContextReleaseCommand)
        assert command.ue_ngap_ids == ("aMF-UE-NGAP-ID", second.amf_ue_ngap_id)
        assert (ue.connection, ue.target) == (None, None)
        assert ue.access.connections == {}
        assert target.ran.preparing == []
        assert phone.guti is not None

    run(test)


def test_a_lost_target_leaves_the_ue_where_it_is() -> None:
    async def test(world: World) -> None:
        _, target, _, ue = await served(world)
        assert ue.connection is not None
        first = ue.connection
        ue.target = ue.access.prepare(target.ran, first.place, ue)
        target.inbound.lost("cut")
        assert (ue.connection, ue.target) == (first, None)
        assert ue.access.connections == {first.amf_ue_ngap_id: first}
        assert ue.context.cm_state == "CM-CONNECTED"

    run(test)


def test_an_identity_of_the_gnb_is_not_given_twice() -> None:
    async def test(world: World) -> None:
        source, target, phone, ue = await served(world)
        other = await Phone(world, 2).registered(target)
        assert ue.connection is not None
        second = ue.access.prepare(target.ran, ue.connection.place, ue)
        assert not ue.access.assign(second, other.ran_id)
        assert not ue.access.switch(ue.connection, target.ran, other.ran_id)
        assert source.ran.connections == {phone.ran_id: ue.connection}
        assert ue.access.switch(ue.connection, target.ran, 70)
        assert source.ran.connections == {}
        assert target.ran.connections[70] is ue.connection
        ue.access.release(second)

    run(test)


def test_a_chain_of_next_hops() -> None:
    """TS 33.501 §6.9.2.1.1: the first NH has NCC 1; each handover takes a fresh one; NCC has three bits."""
    exchange = Exchange(SecurityContext(0, KAMF, 2, 2))
    exchange.kgnb_count = 5
    expected = kdf.nh(KAMF, exchange.kgnb())
    assert exchange.keys is not None
    assert (exchange.keys.nh, exchange.keys.ncc) == (expected, 1)
    for ncc in (2, 3, 4, 5, 6, 7, 0, 1):
        expected = kdf.nh(KAMF, expected)
        assert exchange.next_hop() == (expected, ncc, False)
    stored = decoded(encoded(UeContext(security=exchange.counted())))
    assert stored.security is not None
    assert (stored.security.nh, stored.security.ncc) == (expected, 1)
    assert expected.hex() not in repr(stored)
    exchange.kgnb()
    assert exchange.next_hop() == (kdf.nh(KAMF, kdf.nh(KAMF, kdf.kgnb(KAMF, 5))), 2, False)
