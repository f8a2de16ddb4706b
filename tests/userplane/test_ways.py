"""Data networks with an interface of their own: what UEs of each send leaves by its interface alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from cinq.transport import netns
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink
from cinq.userplane.open import open_plane
from cinq.userplane.rules import PlaneSettings, Way
from cinq.userplane.topology import UE_POOL, Topology

from . import packets as p
from .conftest import missing
from .ends import Events, KernelEnd, capture, rules

OTHER_POOL, OTHER_UE = IPv4Network("10.46.0.0/16"), IPv4Address("10.46.0.1")
UPF_N9, ROUTER = IPv4Address("10.9.0.1"), IPv4Address("10.9.0.2")
FAR = IPv4Address("203.0.113.9")
pytestmark = [pytest.mark.root, pytest.mark.kernel]


@pytest.fixture
def second(row: Topology) -> Iterator[str]:
    """A second data network behind n9 of the UPF."""
    name = f"{row.dn}-9"
    netns.delete(name)
    netns.create(name)
    try:
        with Netlink(row.upf) as upf, Netlink(name) as there:
            upf.create_veth("n9", "d9")
            upf.move_link("d9", name)
            upf.set_up("n9")
            upf.add_address("n9", f"{UPF_N9}/24")
            there.set_up("d9")
            there.add_address("d9", f"{ROUTER}/24")
            there.add_route("10.46.0.0/16", via=str(UPF_N9))
        yield name
    finally:
        netns.delete(name)


def settings_of(row: Topology, kind: str, *, nat: bool) -> PlaneSettings:
    way = Way((OTHER_POOL,), "n9", ROUTER, None, nat)
    return replace(row.upf_settings(), plane=kind, ue_pools=(UE_POOL, OTHER_POOL), ways=(way,))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["ebpf", "tun"])
@pytest.mark.parametrize("nat", [False, True])
def test_each_by_its_interface(kind: str, nat: bool, row: Topology, second: str, tmp_path: Path) -> None:
    if missing(kind):
        pytest.skip(missing(kind))

    async def case() -> None:
        with Netlink(row.upf) as links:
            links.add_route("default", via=str(p.DN))
            before = links.rules(), links.routes()
            end = KernelEnd(row, settings_of(row, kind, nat=nat), tmp_path / "journal")
            with netns.inside(second):
                heard = capture("d9")
            try:
                end.install(rules())
                end.install(rules(2, OTHER_UE, 0x1002, 0x2002))
                here, there = p.udp(p.UE, FAR, b"first"), p.udp(OTHER_UE, FAR, b"second")
                assert await end.uplink(p.gpdu(0x1001, here), p.gpdu(0x1002, there)) == [p.after_hop(here)]
                async with asyncio.timeout(3):
                    frame = await asyncio.get_running_loop().sock_recv(heard, 2000)
                assert frame[26:30] == (UPF_N9 if nat else OTHER_UE).packed
                assert frame.endswith(b"second")
                with pytest.raises(BlockingIOError):
                    heard.recv(2000)
                between = p.gpdu(0x1002, p.udp(OTHER_UE, p.UE, b"across"))
                assert await end.uplink(between) == [], "and not from one network into the other"
            finally:
                heard.close()
                end.close()
            assert (links.rules(), links.routes()) == before

    asyncio.run(case())


def test_the_downlink_of_a_network_of_its_own(row: Topology, second: str, tmp_path: Path) -> None:
    """It comes in by the network's interface, which has no program: the stack brings it to the tunnel."""
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))

    async def case() -> None:
        end = KernelEnd(row, settings_of(row, "ebpf", nat=False), tmp_path / "journal")
        try:
            end.install(rules(2, OTHER_UE, 0x1002, 0x2002))
            with netns.inside(second):
                import socket

                with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
                    back = p.udp(ROUTER, OTHER_UE, b"back")
                    raw.sendto(back, (str(OTHER_UE), 0))
            async with asyncio.timeout(3):
                octets = await asyncio.get_running_loop().sock_recv(end.gnb, 2000)
            assert octets == p.gpdu(0x2002, p.after_hop(back), psc_type=0)
        finally:
            end.close()

    asyncio.run(case())


def test_an_interface_that_is_not_there(row: Topology, tmp_path: Path) -> None:
    async def opens() -> None:
        settings = settings_of(row, "tun", nat=False)
        gone = replace(settings, ways=(replace(settings.ways[0], interface="n7"),))
        with netns.inside(row.upf), Netlink() as links:
            before = links.rules(), links.routes()
            with pytest.raises(TransportError, match="n7"):
                open_plane(gone, Events(), tmp_path / "journal")
            assert (links.rules(), links.routes()) == before

    asyncio.run(opens())
