"""N3 over IPv6, and over both: the model, eBPF and TUN give the same octets, with a right UDP checksum around them."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from cinq.transport import netns
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink
from cinq.userplane.open import open_plane
from cinq.userplane.rules import (
    DecapRule,
    EncapRule,
    Flow,
    PlaneSettings,
    Protected,
    Reason,
    SessionRules,
)
from cinq.userplane.topology import GNB_N3_IPV6, UPF_N3_IPV6, Topology, give_ipv6_to_n3

from . import packets as p
from .conftest import missing
from .ends import Events, KernelEnd, ModelEnd, capture, rules
from .test_both_ends import Ends, exchange, opened

Kind = Literal["ebpf", "tun"]
POOL = IPv6Network("2001:db8:45::/48")
ETH_P_IPV6 = 0x86DD
GTPU = 2152


def settings_of(t: Topology) -> PlaneSettings:
    """N3 of both versions."""
    return replace(t.upf_settings(), n3_ipv6=UPF_N3_IPV6, ue_prefixes=(POOL,))


def over_ipv6(session: int = 1, uplink: int = 0x1001, downlink: int = 0x2001) -> SessionRules:
    """A session of IPv4v6 whose gNB is reached by IPv6."""
    encap = tuple(EncapRule(ue, downlink, GNB_N3_IPV6, 9) for ue in (p.UE, p.PREFIX))
    return SessionRules(session, (DecapRule(uplink, p.UE, prefix=p.PREFIX),), encap)


class KernelEnd6(KernelEnd):
    """The gNB has a socket of IPv6 beside that of IPv4; `outer` reads what comes to it, from the link up."""

    def __init__(self, t: Topology, kind: Kind, journal: Path) -> None:
        super().__init__(t, replace(settings_of(t), plane=kind), journal)
        with netns.inside(t.gnb):
            self.outer = capture("g3", ETH_P_IPV6)
            self.gnb6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self.gnb6.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
            self.gnb6.bind((str(GNB_N3_IPV6), GTPU))
            self.gnb6.setblocking(False)

    def close(self) -> None:
        self.outer.close()
        self.gnb6.close()
        super().close()

    async def up6(self, *gpdus: bytes) -> list[bytes]:
        """Over IPv6; the sentinel comes behind them over IPv4."""
        for octets in gpdus:
            self.gnb6.sendto(octets, (str(UPF_N3_IPV6), GTPU))
        return await self.uplink()

    async def down6(self, *inner: bytes) -> list[bytes]:
        """The frames from the data network's packets, without their Ethernet header."""
        assert await self.downlink(*inner) == []
        frames = []
        while len(frames) < len(inner):
            frame = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.outer, 70000), 3)
            if frame[20] == 17 and frame[54:58] == struct.pack("!HH", GTPU, GTPU):
                frames.append(frame[14:])
        return frames


@pytest.fixture(scope="module")
def dual(lasting_row: Topology | None) -> Topology | None:
    if lasting_row is not None:
        give_ipv6_to_n3(lasting_row)
    return lasting_row


@pytest.fixture(params=["ebpf", "tun"])
def run(
    request: pytest.FixtureRequest, dual: Topology | None, tmp_path: Path
) -> Callable[[Callable[[KernelEnd6], Awaitable[None]]], None]:
    kind: Kind = request.param

    async def main(case: Callable[[KernelEnd6], Awaitable[None]]) -> None:
        assert dual is not None
        end = KernelEnd6(dual, kind, tmp_path / "journal")
        try:
            await case(end)
        finally:
            end.close()

    def runner(case: Callable[[KernelEnd6], Awaitable[None]]) -> None:
        if missing(kind):
            pytest.skip(missing(kind))
        asyncio.run(main(case))

    return runner


Run = Callable[[Callable[[KernelEnd6], Awaitable[None]]], None]
on_a_kernel = (pytest.mark.root, pytest.mark.kernel)


def checked(frame: bytes) -> bytes:
    """The GTP-U message in an outer IPv6 packet whose lengths and UDP checksum are right, and not 0."""
    word, length, following, hops = struct.unpack_from("!IHBB", frame)
    body = frame[40:]
    assert (word >> 28, following, hops, len(body)) == (6, 17, 64, length)
    assert struct.unpack_from("!H", body, 4)[0] == length
    assert body[6:8] != b"\0\0"
    assert p.ones_sum(frame[8:40] + struct.pack("!II", length, 17) + body) == 0xFFFF
    return body[8:]


@pytest.mark.root
@pytest.mark.kernel
def test_uplink_and_downlink_octet_by_octet(run: Run) -> None:
    """Sizes around the words and chunks that a checksum is made of, up to the largest that N3 takes."""
    sizes = [0, 1, 2, 3, 482, 483, 484, 485, 486, 998, 999, 1407, 1408]

    async def case(end: KernelEnd6) -> None:
        assert end.plane.mtu == 1436
        end.install(over_ipv6())
        model = ModelEnd(end.settings)
        model.install(over_ipv6())
        ups = [p.udp(p.UE, p.DN, os.urandom(size)) for size in sizes]
        downs = [p.udp(p.DN, p.UE, os.urandom(size)) for size in sizes]
        assert await end.up6(*(p.gpdu(0x1001, each) for each in ups)) == [p.after_hop(each) for each in ups]
        wanted = await model.downlink(*downs)
        assert [checked(frame) for frame in await end.down6(*downs)] == wanted
        assert wanted == [p.gpdu(0x2001, p.after_hop(each), psc_type=0) for each in downs]
        usage = end.usage(1)
        assert (usage.uplink_packets, usage.downlink_packets) == (len(sizes), len(sizes))

    run(case)


@pytest.mark.root
@pytest.mark.kernel
def test_checksums_of_the_ue_that_the_source_left_to_its_interface(run: Run) -> None:
    """What the data network's kernel had not finished is finished before the checksum around it is made."""

    async def case(end: KernelEnd6) -> None:
        end.install(over_ipv6())
        with netns.inside(end.t.dn), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            source.connect((str(p.UE), 7777))
            for size in range(20, 40):
                source.send(os.urandom(size))
            source.setsockopt(socket.IPPROTO_UDP, 103, 700)  # UDP_SEGMENT
            source.send(os.urandom(2800))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(3):
            found = [
                await loop.sock_recv(end.gnb6, 70000) for _ in range(24)
            ]  # its kernel checks the outer sum
        assert {p.checks(octets) for octets in found} == {(True, True, True, True)}

    run(case)


@pytest.mark.root
@pytest.mark.kernel
def test_flows_marks_and_both_versions_at_once(run: Run) -> None:
    """A flow goes by IPv6 with its marking, another session by IPv4; no UE reaches a gNB's or our own N3."""

    async def case(end: KernelEnd6) -> None:
        flow = Flow(1, qfi=5, teid=0x2002, peer=GNB_N3_IPV6, tos=0xB8)
        encap = EncapRule(p.UE, flows=(flow,))
        end.install(SessionRules(1, (DecapRule(0x1001, p.UE, prefix=p.PREFIX),), (encap,)))
        end.install(rules(2, p.OTHER_UE, 0x1002, 0x2003))
        down = p.udp(p.DN, p.UE, b"marked")
        (frame,) = await end.down6(down)
        assert checked(frame) == p.gpdu(0x2002, p.after_hop(down), 5, 0)
        assert int.from_bytes(frame[:4], "big") >> 20 & 0xFF == 0xB8
        other = p.udp(p.DN, p.OTHER_UE, b"over IPv4")
        assert await end.downlink(other) == [p.gpdu(0x2003, p.after_hop(other), psc_type=0)]
        before = end.counts()[Reason.PROTECTED]
        attempts = [p.udp6(p.UE6, to, port=port) for to, port in ((GNB_N3_IPV6, 2152), (UPF_N3_IPV6, 80))]
        assert await end.up6(*(p.gpdu(0x1001, each) for each in attempts)) == []
        assert end.counts()[Reason.PROTECTED] == before + 2

    run(case)


@pytest.mark.root
@pytest.mark.kernel
def test_what_no_receiver_takes(run: Run) -> None:
    """A UDP checksum of 0 over IPv6 (RFC 8200 §8.1); a tunnel that is another's; an unknown TEID goes to the control
    side with its IPv6 peer."""

    async def case(end: KernelEnd6) -> None:
        end.install(over_ipv6())
        gpdu = p.gpdu(0x1001, p.udp(p.UE, p.DN, b"unchecked"))
        with netns.inside(end.t.gnb), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bare:
            bare.setsockopt(socket.IPPROTO_UDP, 101, 1)  # UDP_NO_CHECK6_TX
            bare.sendto(gpdu, (str(UPF_N3_IPV6), GTPU))
            assert await end.up6() == []
        for owner, wanted in (("2001:db8:3::/127", 0), ("2001:db8:3::2/127", 1), ("10.3.0.2/32", 0)):
            peers = ip_network("10.9.0.0/29"), ip_network(owner)
            end.install(structs.replace(over_ipv6(), decap=(DecapRule(0x1001, p.UE, peers=peers),)))
            assert len(await end.up6(p.gpdu(0x1001, p.udp(p.UE, p.DN, b"whose")))) == wanted
        assert end.counts()[Reason.WRONG_PEER] == 2
        end.events.gtpu.clear()
        echo = struct.pack("!BBHIHBB", 0x32, 1, 4, 0, 7, 0, 0)
        assert await end.up6(p.gpdu(0x9999, p.udp(p.UE, p.DN)), echo) == []
        assert [peer for _, peer in end.events.gtpu] == [(str(GNB_N3_IPV6), GTPU)] * 2
        end.plane.send(echo, (str(GNB_N3_IPV6), GTPU))
        got = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(end.gnb6, 2000), 3)
        assert got == echo

    run(case)


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize(("upf", "gnb"), [("ebpf", "ebpf"), ("tun", "ebpf"), ("ebpf", "tun")])
def test_tcp_between_two_planes(upf: Kind, gnb: Kind, dual: Topology | None, tmp_path: Path) -> None:
    """N3 of IPv6 alone, from sockets to sockets: a UE's connection, and a large one."""
    for kind in (upf, gnb):
        if missing(kind):
            pytest.skip(missing(kind))
    assert dual is not None
    t = dual

    async def case() -> None:
        events = Events(), Events()
        with netns.inside(t.upf):
            only = replace(t.upf_settings(), n3_address=UPF_N3_IPV6)
            upf_plane = opened(upf, only, events[0], tmp_path / "upf")
        with netns.inside(t.gnb):
            gnb_plane = opened(
                gnb, replace(t.gnb_settings(), n3_address=GNB_N3_IPV6), events[1], tmp_path / "gnb"
            )
            side = gnb_plane.add_side("cinq-ue0")
        try:
            ends = Ends(t, upf_plane, gnb_plane, side, *events, t.gnb)
            upf_plane.install(
                SessionRules(1, (DecapRule(0x1001, p.UE),), (EncapRule(p.UE, 0x2001, GNB_N3_IPV6, 9),))
            )
            gnb_plane.install(
                SessionRules(1, (DecapRule(0x2001, p.UE),), (EncapRule(p.UE, 0x1001, UPF_N3_IPV6, 9),))
            )
            with netns.inside(t.gnb):
                side.add(p.UE)
            assert await exchange(ends, p.UE, 1 << 20) == str(p.UE)
        finally:
            for space, plane in ((t.gnb, gnb_plane), (t.upf, upf_plane)):
                with netns.inside(space):
                    plane.close()

    asyncio.run(case())


@pytest.mark.root
@pytest.mark.kernel
def test_addresses_that_are_not_there_or_apart(dual: Topology | None, tmp_path: Path) -> None:
    if missing("tun"):
        pytest.skip(missing("tun"))
    assert dual is not None
    settings = replace(settings_of(dual), n3_interface="", plane="tun")

    async def opens(settings: PlaneSettings) -> str:
        with netns.inside(dual.upf), pytest.raises(TransportError) as found:
            open_plane(settings, Events(), tmp_path / "journal")
        return found.value.what

    nowhere = replace(settings, n3_ipv6=IPv6Address("2001:db8:3::77"))
    assert asyncio.run(opens(nowhere)) == "no interface has the N3 address 2001:db8:3::77"
    with Netlink(dual.upf) as links:
        for key, value in (("accept_dad", 0), ("disable_ipv6", 0)):
            links.set_sysctl(f"net.ipv6.conf.n6.{key}", value)
        links.add_address("n6", "2001:db8:6::1/64")
    elsewhere = replace(settings, n3_ipv6=IPv6Address("2001:db8:6::1"))
    assert asyncio.run(opens(elsewhere)) == "N3 is on two interfaces: 10.3.0.1 on n3 and 2001:db8:6::1 on n6"


def test_protected_ends_of_both_versions() -> None:
    """What is out of a UE's reach: GTP-U and PFCP at both of our addresses."""
    settings = settings_of(Topology("", "", "", ""))
    assert settings.infrastructure() == {
        Protected(end, 17, port) for end in (p.UPF_N3, UPF_N3_IPV6) for port in (2152, 8805)
    }
    assert (settings.inner_mtu(1500), replace(settings, n3_ipv6=None).inner_mtu(1500)) == (1436, 1456)
