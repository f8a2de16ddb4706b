"""Associations between two network namespaces whose link can be cut, by whichever implementation is in use."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from cinq.transport import netns, sctp
from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.netlink import Netlink
from cinq.transport.sctp import usrsctp_stack
from cinq.transport.sctp.association import SctpSettings

from .sctp_ends import QUICK, Side, run, start_peer, stop

pytestmark = [pytest.mark.root, pytest.mark.kernel]

PORT = 38412
HERE, THERE = "10.8.0.1", "10.8.0.2"
NewNamespace = Callable[[str], str]


@dataclass
class Hosts:
    """The namespace that the test is in, and the one at the other end of the link."""

    near: str
    far: str

    def cut(self) -> None:
        with Netlink(self.far) as there:
            there.set_up("gnb", up=False)

    def replace_far(self, successor: str) -> None:
        """Another host takes over the link and the address; the old one never learns of it."""
        with Netlink(self.far) as there:
            there.move_link("gnb", successor)
        self.far = successor
        self.address_far()

    def address_far(self) -> None:
        with Netlink(self.far) as there:
            there.add_address("gnb", f"{THERE}/24")
            there.set_up("gnb")


@pytest.fixture
def hosts(new_namespace: NewNamespace) -> Iterator[Hosts]:
    made = Hosts(new_namespace("near"), new_namespace("far"))
    with Netlink(made.near) as here:
        here.create_veth("n2", "gnb")
        here.move_link("gnb", made.far)
        for prefix in (f"{HERE}/24", "10.9.0.1/24"):
            here.add_address("n2", prefix)
        here.set_up("n2")
    made.address_far()
    try:
        sctp.implementation()
    except TransportError as error:
        pytest.skip(str(error))
    with netns.inside(made.near):
        yield made
    if sctp.implementation() == "usrsctp":
        usrsctp_stack.stack().impair(None)


def test_a_peer_behind_a_cut_link_is_not_alive(hosts: Hosts) -> None:
    async def work() -> None:
        server = Side()
        listener = await sctp.listen(HERE, PORT, server)
        peer = start_peer(HERE, PORT, namespace=hosts.far)
        try:
            await server.up(1)
            association = server.recorders[0].association
            assert await association.alive(1)
            hosts.cut()
            assert not await association.alive(1)
            assert not server.recorders[0].reasons
        finally:
            stop(peer)
        listener.close()

    run(work)


def test_a_path_that_fails_is_noticed(hosts: Hosts) -> None:
    """Idle: by heartbeats that nobody answers, as often and as patiently as the settings say."""

    async def work() -> None:
        server = Side()
        listener = await sctp.listen(HERE, PORT, server, settings=QUICK)
        peer = start_peer(HERE, PORT, namespace=hosts.far)
        try:
            await server.up(1)
            assert server.recorders[0].association.remote[0] == THERE
            hosts.cut()
            assert await server.recorders[0].end() == "no answer from the peer"
        finally:
            stop(peer)
        assert not listener.associations
        listener.close()

    run(work, 20)


def test_what_waits_for_a_cut_path_is_bounded(hosts: Hosts) -> None:
    async def work() -> None:
        server = Side()
        bounded = SctpSettings(send_queue_limit=1 << 20)
        listener = await sctp.listen(HERE, PORT, server, settings=bounded)
        peer = start_peer(HERE, PORT, namespace=hosts.far)
        try:
            await server.up(1)
            hosts.cut()
            for _ in range(40):
                server.recorders[0].association.send(bytes(50_000))
            reason = await server.recorders[0].end()
            assert reason == "aborted here: more than 1048576 octets wait: the peer does not read"
        finally:
            stop(peer)
        listener.close()

    run(work, 20)


def test_a_peer_that_restarts_is_lost_and_new(hosts: Hosts, new_namespace: NewNamespace) -> None:
    """RFC 9260 §5.2.4.1: INIT from the same address and port, while the old association seems to be up.

    Without heartbeats: to one of an association that it does not know, the successor would answer ABORT (§8.4).
    """

    async def work() -> None:
        server = Side()
        listener = await sctp.listen(HERE, PORT, server, settings=replace(QUICK, heartbeat_ms=60_000))
        first = start_peer(HERE, PORT, 40_000, hosts.far)
        second = None
        try:
            await server.up(1)
            hosts.replace_far(new_namespace("successor"))
            stop(first)
            second = start_peer(HERE, PORT, 40_000, hosts.far)
            assert await server.recorders[0].end() == "restarted by the peer"
            await server.up(2)
            again = server.recorders[1]
            again.association.send(b"hello", stream=1)
            assert await again.heard(1) == [(b"hello", 1, 60)]
            assert listener.associations == {again.association}
            again.association.send(b"end")
            assert await again.end() == "shut down by the peer"
        finally:
            for each in (first, second):
                if each is not None:
                    stop(each)
        listener.close()

    run(work, 20)


def address_parameters(packet: bytes) -> list[str]:
    """IPv4 address parameters (RFC 9260 §3.3.2.1) of the INIT in an IPv4 packet."""
    init = packet[(packet[0] & 15) * 4 + 12 :]
    assert init[0] == 1
    found, at, end = [], 20, int.from_bytes(init[2:4], "big")
    while at + 4 <= end:
        kind, length = struct.unpack_from("!HH", init, at)
        if kind == 5:
            found.append(socket.inet_ntoa(init[at + 4 : at + 8]))
        at += (length + 3) // 4 * 4
    return found


def test_a_client_offers_the_one_address_of_its_route(hosts: Hosts) -> None:
    """Others of the host may be unreachable for the peer, or be the peer's own (a bridge of containers)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as wire:
        wire.bind(("n2", 3))
        wire.settimeout(5)
        with pytest.raises(NoAnswerError):
            asyncio.run(sctp.connect(THERE, PORT, Side(), within=1))
        while True:
            packet, (_, protocol, kind, *_) = wire.recvfrom(65536)
            if protocol == 0x0800 and kind == socket.PACKET_OUTGOING and packet[9] == 132:
                break
    assert socket.inet_ntoa(packet[12:16]) == HERE
    assert set(address_parameters(packet)) <= {HERE}


def test_a_server_on_all_addresses(hosts: Hosts) -> None:
    """By the kernel, which offers them all to the client, `local` is any of them."""

    async def work() -> None:
        server = Side()
        listener = await sctp.listen("0.0.0.0", PORT, server)
        peer = start_peer(HERE, PORT, namespace=hosts.far)
        try:
            await server.up(1)
            served = server.recorders[0]
            assert served.association.local in ((HERE, PORT), ("10.9.0.1", PORT))
            assert served.association.remote[0] == THERE
            served.association.send(b"hello", stream=2)
            assert await served.heard(1) == [(b"hello", 2, 60)]
        finally:
            stop(peer)
        listener.close()

    run(work)


def test_associations_leave_no_descriptor(hosts: Hosts) -> None:
    async def work() -> None:
        server = Side()
        listener = await sctp.listen(HERE, PORT, server)
        before = len(os.listdir("/proc/self/fd"))
        for number in range(100):
            association = await sctp.connect(HERE, PORT, Side())
            association.send(b"\0")
            if number % 2:
                await association.close()
            else:
                association.abort()
        for recorder in server.recorders:
            await recorder.end()
        assert not listener.associations
        assert len(os.listdir("/proc/self/fd")) <= before
        listener.close()

    run(work, 20)
