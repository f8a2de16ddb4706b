"""IPv6 of UEs through the model, eBPF and TUN alike: prefixes, router solicitation, what no UE may do, flows."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from cinq.transport import netns
from cinq.transport.netlink import Netlink
from cinq.userplane.model import Inner, Model, Outer
from cinq.userplane.rules import (
    Action,
    AddressInUse,
    Ambr,
    DecapRule,
    EncapRule,
    Filter,
    Flow,
    Reason,
    SessionRules,
)
from cinq.userplane.topology import Topology
from cinq.wire import icmpv6

from . import packets as p
from .conftest import missing
from .ends import PATIENCE, End, KernelEnd, ModelEnd, capture
from .test_planes import SETTINGS, Case, Run

POOL = IPv6Network("2001:db8:45::/48")
LAB = IPv6Network("2001:db8:7::/48")
ETH_P_IPV6 = 0x86DD
LINK_LOCAL = icmpv6.link_local(0x17)


class KernelEnd6(KernelEnd):
    """The same with a data network of IPv6 beside that of IPv4."""

    def __init__(self, t: Topology, kind: str, journal: Path) -> None:
        settings = replace(SETTINGS, plane=kind, ue_prefixes=(POOL,), protected_networks=(LAB,))  # type: ignore[arg-type]
        super().__init__(t, settings, journal)
        with netns.inside(t.dn):
            self.dn6 = capture("d6", ETH_P_IPV6)
            self.raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.sink6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self.sink6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.sink6.bind(("::", 9999))

    def close(self) -> None:
        for each in (self.dn6, self.raw6, self.sink6):
            each.close()
        super().close()

    async def uplink(self, *gpdus: bytes) -> list[bytes]:
        """What came as IPv6; the sentinel comes as IPv4 behind it."""
        await super().uplink(*gpdus)
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.dn6.recv(70000)[14:])
        return [packet for packet in found if packet[8:14] == p.UE6.packed[:6]]

    async def downlink(self, *inner: bytes) -> list[bytes]:
        for packet in inner:
            if packet[0] >> 4 == 4:
                self.raw.sendto(packet, (str(IPv4Address(packet[16:20])), 0))
            else:
                self.raw6.sendto(packet, (str(IPv6Address(packet[24:40])), 0, 0, 0))
        return await super().downlink()


@pytest.fixture(scope="module")
def six(lasting_row: Topology | None) -> Iterator[Topology | None]:
    if lasting_row is None:
        yield None
        return
    for namespace, name, address in (
        (lasting_row.upf, "n6", p.UPF_N6_6),
        (lasting_row.dn, "d6", p.DN6),
    ):
        with Netlink(namespace) as links:
            for key, value in (("accept_dad", 0), ("router_solicitations", 0), ("disable_ipv6", 0)):
                links.set_sysctl(f"net.ipv6.conf.{name}.{key}", value)
            links.add_address(name, f"{address}/64")
    with Netlink(lasting_row.dn) as links:
        links.add_route("::/0", via=str(p.UPF_N6_6))
    yield lasting_row


@pytest.fixture(
    params=[
        "model",
        pytest.param("ebpf", marks=[pytest.mark.root, pytest.mark.kernel]),
        pytest.param("tun", marks=[pytest.mark.root, pytest.mark.kernel]),
    ]
)
def run(request: pytest.FixtureRequest, six: Topology | None, tmp_path: Path) -> Run:
    kind: str = request.param

    async def on_kernel(t: Topology, case: Case) -> None:
        end = KernelEnd6(t, kind, tmp_path / "journal")
        try:
            await case(end)
        finally:
            end.close()

    def runner(case: Case) -> None:
        if kind == "model":
            settings = replace(SETTINGS, ue_prefixes=(POOL,), protected_networks=(LAB,))
            asyncio.run(case(ModelEnd(settings)))
        elif six is None or missing(kind):
            pytest.skip(missing(kind))
        else:
            asyncio.run(on_kernel(six, case))

    return runner


def rules6(
    session: int = 1, prefix: IPv6Network = p.PREFIX, up: int = 0x1001, down: int = 0x2001
) -> SessionRules:
    return SessionRules(session, (DecapRule(up, prefix=prefix),), (EncapRule(prefix, down, p.GNB_N3, 9),))


def up(packet: bytes) -> bytes:
    return p.gpdu(0x1001, packet)


def test_both_ways_octet_by_octet(run: Run) -> None:
    async def case(end: End) -> None:
        end.install(rules6())
        there, back = p.udp6(p.UE6, p.DN6, b"up"), p.udp6(p.DN6, p.UE6, b"down")
        assert await end.uplink(up(there)) == [p.after_hop(there)]
        assert await end.downlink(back) == [p.gpdu(0x2001, p.after_hop(back), psc_type=0)]
        another = p.udp6(p.PREFIX[0xABCDEF], p.DN6, b"privacy")  # any address of its prefix is the UE's
        assert await end.uplink(up(another)) == [p.after_hop(another)]
        usage = end.usage(1)
        assert (usage.uplink_packets, usage.downlink_packets) == (2, 1)
        assert usage.downlink_octets == len(back)

    run(case)


def test_both_versions_in_one_session(run: Run) -> None:
    async def case(end: End) -> None:
        encap = EncapRule(p.UE, 0x2001, p.GNB_N3, 9), EncapRule(p.PREFIX, 0x2001, p.GNB_N3, 9)
        end.install(SessionRules(1, (DecapRule(0x1001, p.UE, prefix=p.PREFIX),), encap))
        there = p.udp6(p.UE6, p.DN6)
        assert await end.uplink(up(there), up(p.udp(p.UE, p.DN))) in (
            [p.after_hop(there)],
            [p.after_hop(there), p.after_hop(p.udp(p.UE, p.DN))],  # the model's end shows both
        )
        assert end.usage(1).uplink_packets == 2
        assert len(await end.downlink(p.udp6(p.DN6, p.UE6))) == 1
        end.install(SessionRules(1, (DecapRule(0x1001, p.UE),), encap[:1]))
        assert await end.uplink(up(there)) == []
        assert end.counts()[Reason.SPOOFED] == 1
        assert await end.downlink(p.udp6(p.DN6, p.UE6)) == []

    run(case)


def test_what_no_ue_may_do(run: Run) -> None:
    async def case(end: End) -> None:
        end.install(rules6())
        end.install(rules6(2, p.OTHER_PREFIX, 0x1002, 0x2002))
        spoofed = [p.OTHER_UE6, LINK_LOCAL, IPv6Address("::"), IPv6Address("::1"), p.DN6]
        assert await end.uplink(*(up(p.udp6(source, p.DN6)) for source in spoofed)) == []
        assert end.counts()[Reason.SPOOFED] == len(spoofed)
        nowhere = ["::", "::1", "::ffff:10.6.0.2", "ff02::1", "ff0e::1", "fe80::1", "2001:db8:7::1"]
        sent = [up(p.udp6(p.UE6, IPv6Address(each))) for each in nowhere]
        assert await end.uplink(*sent) == []
        assert end.counts()[Reason.PROTECTED] == len(nowhere)
        assert await end.uplink(up(p.udp6(p.UE6, p.OTHER_UE6))) == []
        assert end.counts()[Reason.UE_TO_UE] == 1
        assert end.usage(1).uplink_packets == 0
        with pytest.raises(AddressInUse):
            end.install(rules6(3, p.PREFIX, 0x1003, 0x2003))

    run(case)


def test_malformed_packets(run: Run) -> None:
    good = p.udp6(p.UE6, p.DN6)
    fragment = struct.pack("!BBHI", 17, 0, 1, 7)
    wrong = [
        good[:39],
        p.udp6(p.UE6, p.DN6, length=13),
        p.udp6(p.UE6, p.DN6, length=11),
        p.ip6(p.UE6, p.DN6, b"1234567"),
        p.ip6(p.UE6, p.DN6, b"1234567", 58),
        p.ip6(p.UE6, p.DN6, b"1234567", 60),
        p.ip6(p.UE6, p.DN6, bytes((17, 9)) + bytes(20), 60),
        p.ip6(p.UE6, p.DN6, bytes((60, 0, 0, 0, 0, 0, 0, 0)) * 7 + bytes(8), 60),
        p.ip6(p.UE6, p.DN6, fragment, 44),
    ]

    async def case(end: End) -> None:
        end.install(rules6())
        for each in wrong:
            assert await end.uplink(up(each)) == [], each.hex()
        assert end.counts()[Reason.MALFORMED] == len(wrong)
        extended = p.ip6(p.UE6, p.DN6, bytes((17, 0, 1, 4, 0, 0, 0, 0)) + p.udp6_body(p.UE6, p.DN6, b"x"), 60)
        assert await end.uplink(up(extended)) == [p.after_hop(extended)]

    run(case)


def test_a_router_solicitation_goes_to_the_control_side(run: Run) -> None:
    async def case(end: End) -> None:
        end.install(rules6())
        asked = up(icmpv6.encode(icmpv6.RouterSolicitation(LINK_LOCAL)))
        assert await end.uplink(asked) == []
        assert [octets for octets, _ in end.events.gtpu] == [asked]
        advertised = icmpv6.encode(icmpv6.RouterAdvertisement(LINK_LOCAL, p.UE6, p.OTHER_PREFIX))
        assert await end.uplink(up(advertised)) == [], "a UE is no router"
        assert len(end.events.gtpu) == 1

    run(case)


def test_waiting_packets_and_rates(run: Run) -> None:
    async def case(end: End) -> None:
        idle = structs.replace(rules6(), encap=(EncapRule(p.PREFIX, action=Action.BUFFER),))
        end.install(idle)
        sent = [p.udp6(p.DN6, p.UE6, b"%d" % n) for n in range(5)]
        assert await end.downlink(*sent) == []
        assert end.events.waiting == [1]
        released = await end.after(lambda: end.install(rules6()))
        assert [octets[64:] for octets in released] == [b"%d" % n for n in range(5)]
        end.install(structs.replace(rules6(), ambr=Ambr(1_000_000, 1_000_000)))
        many = await end.downlink(*[p.udp6(p.DN6, p.UE6, bytes(1000))] * 60)
        assert 36 <= len(many) <= 42

    run(case)


def test_flows_of_ipv6(run: Run) -> None:
    """A prefix, a flow label, ports behind extension headers; a filter without addresses is of both versions."""
    far = Filter(protocol=17, remote=IPv6Network("2001:db8:6::/64"), local_ports=(4000, 4000))
    labelled = Filter(flow_label=0x12345)
    any_port = Filter(protocol=17, local_ports=(5000, 5000))
    narrow = Filter(local=IPv6Network((int(p.PREFIX[0x99]), 128)))

    def flow(number: int, *filters: Filter) -> Flow:
        return Flow(number, filters, qfi=number, teid=0x2001, peer=p.GNB_N3)

    flows = (flow(1, far), flow(2, labelled), flow(3, any_port), flow(4, narrow), flow(9))
    option = bytes((17, 0, 1, 4, 0, 0, 0, 0))

    async def case(end: End) -> None:
        end.install(SessionRules(1, (), (EncapRule(p.PREFIX, flows=flows), EncapRule(p.UE, flows=flows))))
        behind = p.ip6(p.DN6, p.UE6, option + p.udp6_body(p.DN6, p.UE6, b"x", 4000), 60)
        sent = [
            p.udp6(p.DN6, p.UE6, port=4000),
            p.udp6(p.DN6, p.UE6, label=0x12345),
            p.udp6(p.DN6, p.UE6, port=5000),
            p.udp6(p.DN6, p.PREFIX[0x99]),
            p.udp6(p.DN6, p.UE6),
            behind,
        ]
        assert [octets[14] for octets in await end.downlink(*sent)] == [1, 2, 3, 4, 9, 1]

    run(case)


def test_mutated_packets_meet_the_same_fate_everywhere(run: Run) -> None:
    random = Random(11)
    mutated = []
    for number in range(200):
        octets = bytearray(up(p.udp6(p.UE6, p.DN6, b"%03d" % number)))
        for _ in range(random.randrange(3)):
            at = random.choice((*range(16, 33), random.randrange(56)))
            octets[at] = random.choice((0, 6, 0x60, 44, 58, 60, 0xFE, random.randrange(256)))
        mutated.append(bytes(octets))

    async def case(end: End) -> None:
        if isinstance(end, ModelEnd):
            return  # it is the judge here
        settings = replace(SETTINGS, ue_prefixes=(POOL,), protected_networks=(LAB,))
        oracle = Model(settings)
        oracle.install(rules6(), 0)
        end.install(rules6())
        passed = 0
        for begin in range(0, len(mutated), 50):
            burst = mutated[begin : begin + 50]
            verdicts = [oracle.decapsulate(octets, 0) for octets in burst]
            inner = [v.packet for v in verdicts if isinstance(v, Inner) and routable(v.packet)]
            assert await end.uplink(*burst) == [p.after_hop(packet) for packet in inner]
            passed += len(inner)
        assert 80 < passed < 190

    run(case)


def routable(packet: bytes) -> bool:
    """Whether a router passes it on to our data network."""
    return packet[24:40] == p.DN6.packed and packet[7] > 1 and packet[6] != 0


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_addresses_of_the_host_are_out_of_reach(six: Topology | None, kind: str, tmp_path: Path) -> None:
    """Whatever listens there: the rule lists no ports."""
    if six is None or missing(kind):
        pytest.skip(missing(kind))

    async def main() -> None:
        end = KernelEnd6(six, kind, tmp_path / "journal")
        try:
            end.install(rules6())
            for port in (22, 9999, 38412):
                assert await end.uplink(up(p.udp6(p.UE6, p.UPF_N6_6, port=port))) == []
            assert end.counts()[Reason.PROTECTED] == 3
        finally:
            end.close()

    asyncio.run(main())


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_too_big_is_said(six: Topology | None, kind: str, tmp_path: Path) -> None:
    """RFC 8200 §5: no router fragments; the sender hears Packet Too Big with the MTU of the tunnel."""
    if six is None or missing(kind):
        pytest.skip(missing(kind))

    async def main() -> None:
        end = KernelEnd6(six, kind, tmp_path / "journal")
        try:
            end.install(rules6())
            end.raw6.sendto(p.udp6(p.DN6, p.UE6, bytes(1440)), (str(p.UE6), 0, 0, 0))
            async with asyncio.timeout(PATIENCE):
                while True:
                    frame = await asyncio.get_running_loop().sock_recv(end.dn6, 2000)
                    if frame[20] == 58 and frame[54] == 2:
                        break
            assert int.from_bytes(frame[58:62], "big") == end.plane.mtu == 1456
            whole = p.udp6(p.DN6, p.UE6, bytes(1456 - 48))
            assert len(await end.downlink(whole)) == 1
        finally:
            end.close()

    asyncio.run(main())


def test_the_model_takes_any_ipv6_octets() -> None:
    random = Random(5)
    model = Model(replace(SETTINGS, ue_prefixes=(POOL,)))
    model.install(rules6(), 0)
    for _ in range(3000):
        packet = bytearray(p.udp6(p.DN6, p.UE6, random.randbytes(random.randrange(40))))
        for _ in range(random.randrange(5)):
            packet[random.randrange(len(packet))] = random.randrange(256)
        cut = bytes(packet[: random.randrange(len(packet) + 1)])
        model.encapsulate(cut, 0)
        model.decapsulate(up(cut), 0)
    assert isinstance(model.encapsulate(p.udp6(p.DN6, p.UE6), 0), Outer)
