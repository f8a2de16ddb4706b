"""A UPF and a gNB plane with ordinary sockets at the UE and in the data network."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

import pytest

from cinq.transport import netns
from cinq.transport.netlink import Netlink
from cinq.userplane import tap
from cinq.userplane.open import open_plane
from cinq.userplane.rules import DecapRule, EncapRule, Plane, PlaneSettings, SessionRules, Side
from cinq.userplane.topology import DN, GNB_N3, UE_POOL, UPF_N3, UPF_N6, Topology, topology

from .conftest import missing
from .ends import Events

pytestmark = [pytest.mark.root, pytest.mark.kernel]
Kind = Literal["ebpf", "tun", "pair"]
UE = IPv4Address("10.45.0.1")


@dataclass
class Ends:
    t: Topology
    upf: Plane
    gnb: Plane
    side: Side
    upf_events: Events
    gnb_events: Events
    ue_space: str

    def attach(self, number: int, ue: IPv4Address) -> None:
        """A session of both ends."""
        up, down = 0x1000 + number, 0x2000 + number
        self.upf.install(SessionRules(number, (DecapRule(up, ue),), (EncapRule(ue, down, GNB_N3, 9),)))
        self.gnb.install(SessionRules(number, (DecapRule(down, ue),), (EncapRule(ue, up, UPF_N3, 9),)))
        with netns.inside(self.t.gnb):
            self.side.add(ue)


@asynccontextmanager
async def both(
    upf: Kind, gnb: Kind, apart: bool, folder: Path, *, pools: tuple[IPv4Network, ...] = (), nat: bool = False
) -> AsyncIterator[Ends]:
    for kind in (upf, gnb):
        if missing(kind):
            pytest.skip(missing(kind))
    with topology(f"ub{os.getpid()}") as t:  # several runs of the tests on one host do not meet
        with netns.inside(t.upf):
            events = Events()
            upf_plane = opened(upf, replace(t.upf_settings(), nat=nat), events, folder / "upf")
        with netns.inside(t.gnb):
            gnb_events = Events()
            gnb_plane = opened(gnb, t.gnb_settings(), gnb_events, folder / "gnb")
            side = gnb_plane.add_side("cinq-ue0", str(netns.path(t.ue)) if apart else None, pools)
        try:
            yield Ends(t, upf_plane, gnb_plane, side, events, gnb_events, t.ue if apart else t.gnb)
        finally:
            for space, plane in ((t.gnb, gnb_plane), (t.upf, upf_plane)):
                with netns.inside(space):
                    plane.close()
            with netns.inside(t.gnb):
                assert not [name for _, name in socket.if_nameindex() if name.startswith(("cinq", "gnb"))]


def opened(kind: Kind, settings: PlaneSettings, events: Events, journal: Path) -> Plane:
    """pair: the TUN plane on a host without TUNs."""
    with pytest.MonkeyPatch.context() as patch:
        if kind == "pair":
            patch.setattr(tap, "DEVICE", "/nowhere/tun")
        return open_plane(replace(settings, plane="tun" if kind == "pair" else kind), events, journal)


def bound(space: str, address: IPv4Address, port: int, kind: socket.SocketKind) -> socket.socket:
    with netns.inside(space):
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((str(address), port))
    return sock


async def exchange(ends: Ends, ue: IPv4Address, size: int) -> str:
    """A TCP connection from the UE that carries `size` octets each way; the address that the server saw."""
    loop, octets = asyncio.get_running_loop(), os.urandom(size)
    server = bound(ends.t.dn, DN, 8080, socket.SOCK_STREAM)
    server.listen()
    client = bound(ends.ue_space, ue, 0, socket.SOCK_STREAM)

    async def serve() -> str:
        accepted, (seen, _) = await loop.sock_accept(server)
        with accepted:
            await loop.sock_sendall(accepted, await read(accepted, size))
        return str(seen)

    async def read(sock: socket.socket, wanted: int) -> bytes:
        found = bytearray()
        while len(found) < wanted:
            part = await loop.sock_recv(sock, 1 << 20)
            assert part
            found += part
        return bytes(found)

    async with asyncio.timeout(8):
        with server, client:
            serving = asyncio.ensure_future(serve())
            await loop.sock_connect(client, (str(DN), 8080))
            await loop.sock_sendall(client, octets)
            back = await read(client, size)
            assert hashlib.sha256(back).digest() == hashlib.sha256(octets).digest()
            return await serving


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
@pytest.mark.parametrize(
    ("upf", "gnb"),
    [("ebpf", "ebpf"), ("tun", "tun"), ("ebpf", "tun"), ("tun", "ebpf"), ("pair", "pair"), ("pair", "ebpf")],
)
def test_tcp_both_ways(upf: Kind, gnb: Kind, apart: bool, tmp_path: Path) -> None:
    async def main() -> None:
        async with both(upf, gnb, apart, tmp_path) as ends:
            ends.attach(1, UE)
            assert await exchange(ends, UE, 1 << 20) == str(UE)
            usage, mirror = ends.upf.usage(1), ends.gnb.usage(1)
            assert usage.uplink_octets > 1 << 20 < usage.downlink_octets
            assert mirror.uplink_octets == pytest.approx(usage.uplink_octets, rel=0.01)
            assert mirror.downlink_octets == pytest.approx(usage.downlink_octets, rel=0.01)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["ebpf", "tun", "pair"])
def test_nat_hides_the_ue_and_leaves_nothing(kind: Kind, tmp_path: Path) -> None:
    """The data network has no route to the pool here: only NAT lets the answer find its way."""

    async def main() -> None:
        async with both(kind, kind, True, tmp_path, nat=True) as ends:
            with Netlink(ends.t.dn) as netlink:
                netlink.add_route(str(UE_POOL), kind="unreachable")
            ends.attach(1, UE)
            assert await exchange(ends, UE, 1 << 16) == str(UPF_N6)
            assert any("masquerade 10.45.0.0/16 out of n6" in line for line in ends.upf.changes())

    asyncio.run(main())


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
def test_a_thousand_ues_by_any_ip(apart: bool, tmp_path: Path) -> None:
    async def main() -> None:
        async with both("ebpf", "ebpf", apart, tmp_path, pools=(UE_POOL,)) as ends:
            addresses = [UE + n for n in range(1000)]
            for number, address in enumerate(addresses, 1):
                ends.attach(number, address)
            loop = asyncio.get_running_loop()
            with bound(ends.t.dn, DN, 9999, socket.SOCK_DGRAM) as server:
                for address in addresses[::50]:
                    with bound(ends.ue_space, address, 7000, socket.SOCK_DGRAM) as ue:
                        ue.sendto(b"from the UE", (str(DN), 9999))
                        async with asyncio.timeout(2):
                            octets, peer = await loop.sock_recvfrom(server, 100)
                            assert peer == (str(address), 7000)
                            server.sendto(octets, peer)
                            assert await loop.sock_recv(ue, 100) == b"from the UE"

    asyncio.run(main())


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
def test_the_last_session_goes_and_another_comes(apart: bool, tmp_path: Path) -> None:
    """With the last IPv4 address of an interface Linux takes every route that leads through it."""

    async def main() -> None:
        async with both("ebpf", "ebpf", apart, tmp_path) as ends:
            ends.attach(1, UE)
            with netns.inside(ends.t.gnb):
                ends.side.remove(UE)
            ends.attach(2, UE + 1)
            assert await exchange(ends, UE + 1, 1000) == str(UE + 1)
            assert ends.upf.usage(2).uplink_octets > 1000  # by the tunnel, not by another way out

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["ebpf", "tun", "pair"])
def test_a_program_bound_to_the_interface(kind: Kind, tmp_path: Path) -> None:
    """As `curl --interface cinq-ue0` does: SO_BINDTODEVICE, the address chosen by the kernel."""

    async def main() -> None:
        async with both(kind, kind, False, tmp_path) as ends:
            ends.attach(1, UE)
            loop = asyncio.get_running_loop()
            with bound(ends.t.dn, DN, 9999, socket.SOCK_DGRAM) as server:
                with netns.inside(ends.t.gnb):
                    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"cinq-ue0")
                client.bind((str(UE), 0))
                client.setblocking(False)
                with client:
                    client.sendto(b"bound", (str(DN), 9999))
                    async with asyncio.timeout(2):
                        octets, peer = await loop.sock_recvfrom(server, 100)
                        assert peer[0] == str(UE)
                        server.sendto(octets, peer)
                        assert await loop.sock_recv(client, 100) == b"bound"

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["ebpf", "tun", "pair"])
def test_a_stranger_address_does_not_leave_the_gnb(kind: Kind, tmp_path: Path) -> None:
    async def main() -> None:
        async with both(kind, kind, True, tmp_path) as ends:
            ends.attach(1, UE)
            with Netlink(ends.t.ue) as netlink:
                netlink.add_address("cinq-ue0", "10.45.7.7/32")
            with bound(ends.t.ue, IPv4Address("10.45.7.7"), 0, socket.SOCK_DGRAM) as stranger:
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"cinq-ue0")
                stranger.sendto(b"spoof", (str(DN), 9999))
            await exchange(ends, UE, 1000)
            assert sum(n for reason, n in ends.gnb.counts().items() if reason.name == "SPOOFED") == 1
            assert sum(n for reason, n in ends.upf.counts().items() if reason.name == "UNKNOWN_TEID") == 0

    asyncio.run(main())
