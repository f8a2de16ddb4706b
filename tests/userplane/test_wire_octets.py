"""What the gNB receives when sources use offloads, and packets of every size: judged octet by octet."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from cinq.transport import netns
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import KernelEnd, rules

pytestmark = [pytest.mark.root, pytest.mark.kernel]
UDP_SEGMENT, IP_MTU_DISCOVER, IP_MTU = 103, 10, 14
Kind = Literal["ebpf", "tun"]
Case = Callable[[KernelEnd], Awaitable[None]]


@pytest.fixture(params=["ebpf", "tun"])
def run(request: pytest.FixtureRequest, row: Topology, tmp_path: Path) -> Callable[[Case], None]:
    """A row for each test: kernels remember path MTUs and unfinished connections."""
    kind: Kind = request.param
    if missing(kind):
        pytest.skip(missing(kind))
    t = row

    async def main(case: Case) -> None:
        end = KernelEnd(t, replace(t.upf_settings(), plane=kind), tmp_path / "journal")
        try:
            end.install(rules())
            await case(end)
        finally:
            end.close()

    return lambda case: asyncio.run(main(case))


def udp_from_dn(end: KernelEnd) -> socket.socket:
    with netns.inside(end.t.dn):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((str(p.UE), 7777))
    return sock


async def receive(end: KernelEnd, number: int) -> list[bytes]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(3):
        return [await loop.sock_recv(end.gnb, 70000) for _ in range(number)]


def test_lengths_and_checksums_with_offloads_on_at_the_source(run: Callable[[Case], None]) -> None:
    """Plain datagrams with partial checksums, UDP GSO super-packets, and a TCP SYN."""

    async def case(end: KernelEnd) -> None:
        with udp_from_dn(end) as source:
            for extra in range(50):
                source.send(os.urandom(100 + extra))
            source.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
            for _ in range(5):
                source.send(os.urandom(20000))
        with netns.inside(end.t.dn), socket.socket() as tcp:
            tcp.setblocking(False)
            with pytest.raises(BlockingIOError):
                tcp.connect((str(p.UE), 80))
            received = await receive(end, 151)
        verdicts = Counter(p.checks(octets) for octets in received)
        assert verdicts == {(True, True, True, True): 151}
        assert max(map(len, received)) == 16 + 28 + 1000

    run(case)


def test_tcp_super_packets_are_cut_to_measure(run: Callable[[Case], None]) -> None:
    """TSO at the source: a hand-made TCP peer answers the SYN, then looks at every segment."""

    async def case(end: KernelEnd) -> None:
        loop = asyncio.get_running_loop()
        with netns.inside(end.t.dn):
            source = socket.socket()
        source.setblocking(False)
        connecting = asyncio.ensure_future(loop.sock_connect(source, (str(p.UE), 80)))
        syn = (await receive(end, 1))[0][16:]
        sport, _, sequence = struct.unpack_from("!HHI", syn, 20)

        def tcp(flags: int, number: int, acknowledged: int, options: bytes = b"") -> bytes:
            words = 5 + len(options) // 4
            zero = struct.pack("!HHIIBBHHH", 80, sport, number, acknowledged, words << 4, flags, 65535, 0, 0)
            pseudo = p.UE.packed + p.DN.packed + struct.pack("!HH", 6, len(zero + options))
            total = ~p.ones_sum(pseudo + zero + options) & 0xFFFF
            return p.ip(p.UE, p.DN, zero[:16] + struct.pack("!H", total) + zero[18:] + options, 6)

        mss = b"\x02\x04" + (1416).to_bytes(2, "big")
        end.gnb.sendto(p.gpdu(0x1001, tcp(0x12, 1000, sequence + 1, mss)), (str(p.UPF_N3), 2152))
        await connecting
        await loop.sock_sendall(source, os.urandom(14160))
        received = await receive(end, 11)  # the ACK of the handshake and ten segments
        assert Counter(p.checks(octets) for octets in received) == {(True, True, True, True): 11}
        assert sum(len(octets) - 16 - 40 for octets in received) == 14160
        source.close()

    run(case)


def test_packets_above_the_mtu(run: Callable[[Case], None]) -> None:
    """N3 of 1500 leaves 1456: without DF fragments, with DF the sender learns the path MTU."""

    async def case(end: KernelEnd) -> None:
        with udp_from_dn(end) as source:
            source.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 0)
            source.send(bytes(1428))
            assert [len(octets) for octets in await receive(end, 1)] == [16 + 1456]
            source.send(bytes(1472))
            parts = await receive(end, 2)
            assert sorted(len(octets) for octets in parts) == [16 + 20 + 1480 - 1432, 16 + 20 + 1432]
            assert all(p.checks(octets)[:3] == (True, True, True) for octets in parts)
            source.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 2)
            source.send(bytes(1472))
            assert await end.downlink() == []
            with pytest.raises(OSError, match="too long"):
                source.send(bytes(1472))
            assert source.getsockopt(socket.IPPROTO_IP, IP_MTU) == 1456

    run(case)


def test_a_g_pdu_in_outer_fragments_arrives(run: Callable[[Case], None]) -> None:
    """The gNB's kernel fragments it, ours puts it together, user space takes it."""

    async def case(end: KernelEnd) -> None:
        inner = p.udp(p.UE, p.DN, bytes(1460))
        loop = asyncio.get_running_loop()
        end.gnb.sendto(p.gpdu(0x1001, inner), (str(p.UPF_N3), 2152))
        async with asyncio.timeout(3):
            frame = await loop.sock_recv(end.dn, 70000)
        assert frame[14:] == p.after_hop(inner)
        assert end.usage(1).uplink_packets == 1

    run(case)


def test_policed_rate_over_two_seconds(run: Callable[[Case], None]) -> None:
    """UDP of 1400 octets offered at 8 times 5 Mbit/s: rate plus one bucket, within 8 %."""
    from cinq.userplane.rules import Ambr

    async def case(end: KernelEnd) -> None:
        end.install(structs.replace(rules(), ambr=Ambr(0, 5_000_000)))
        loop, sent, begin = asyncio.get_running_loop(), 0, asyncio.get_running_loop().time()
        packet = p.udp(p.DN, p.UE, bytes(1372))
        while (elapsed := loop.time() - begin) < 2:
            while sent * len(packet) * 8 < elapsed * 40_000_000:
                end.raw.sendto(packet, (str(p.UE), 0))
                sent += 1
            await asyncio.sleep(0)
        await end.downlink()
        usage = end.usage(1)
        assert usage.downlink_octets * 8 == pytest.approx(5_000_000 * (2 + 0.3), rel=0.08)
        assert usage.downlink_packets + usage.downlink_policed == sent

    run(case)
