"""What a UE may not do through its tunnel, and what no packet may do to the others: the model, eBPF and TUN alike.

DEV-080 to DEV-089, TS 33.513 §4.2.2, RFC 1812 §5.3.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from cinq.transport import netns
from cinq.userplane.model import Inner
from cinq.userplane.rules import Ambr, Protected, Reason, SessionRules
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import End, KernelEnd, ModelEnd, rules
from .test_planes import SETTINGS, Run, routable, run  # noqa: F401 (a fixture)

NOWHERE = ("0.0.0.0", "127.0.0.1", "127.0.0.7", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255")
Kind = Literal["ebpf", "tun"]
LSRR, SSRR = 131, 137


def with_options(source: IPv4Address, destination: IPv4Address, options: bytes) -> bytes:
    """An ICMP echo request with these IPv4 options."""
    options += bytes(-len(options) % 4)
    body = struct.pack("!BBHHH", 8, 0, 0xF7FF, 0, 0)
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 28 + len(options), 7, 0, 64, 1, 0)
    zero = head + source.packed + destination.packed + options
    return zero[:10] + struct.pack("!H", ~p.ones_sum(zero) & 0xFFFF) + zero[12:] + body


@pytest.mark.parametrize("where", NOWHERE)
def test_no_packet_to_this_host_loopback_or_many(run: Run, where: str) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(rules())
        assert await end.uplink(p.gpdu(0x1001, p.udp(p.UE, IPv4Address(where)))) == []
        assert end.counts()[Reason.PROTECTED] == 1
        assert end.usage(1).uplink_packets == 0

    run(case)


def test_no_gtpu_to_a_gnb(run: Run) -> None:  # noqa: F811
    """DEV-086 at the other end of N3: a packet for another UE, made by a UE, does not reach its gNB."""
    forged = p.gpdu(0x2002, p.udp(p.DN, p.OTHER_UE), psc_type=0)

    async def case(end: End) -> None:
        end.install(rules())
        end.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        assert await end.uplink(p.gpdu(0x1001, p.udp(p.UE, p.GNB_N3, forged, port=2152))) == []
        assert await end.downlink() == []
        assert end.counts()[Reason.PROTECTED] == 1

    run(case)


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_a_port_of_every_address_is_out_of_reach(row: Topology, kind: Kind, tmp_path: Path) -> None:
    """DEV-087 where the AMF listens on 0.0.0.0: N2 is at the UPF's own addresses then."""
    if missing(kind):
        pytest.skip(missing(kind))
    everywhere = Protected(IPv4Address(0), 132, 38412)
    sctp = struct.pack("!HHII", 5000, 38412, 0, 0)

    async def main() -> None:
        end = KernelEnd(row, replace(SETTINGS, plane=kind, protected=(everywhere,)), tmp_path / "journal")
        try:
            end.install(rules())
            for address in (IPv4Address("10.6.0.1"), p.UPF_N3):
                assert await end.uplink(p.gpdu(0x1001, p.ip(p.UE, address, sctp, 132))) == []
            assert end.counts()[Reason.PROTECTED] == 2
        finally:
            end.close()

    asyncio.run(main())


def test_source_routes_lead_nowhere(run: Run) -> None:  # noqa: F811
    """A UE does not get past the checks by way of the data network."""
    route = bytes((LSRR, 7, 4)) + p.UPF_N3.packed

    async def case(end: End) -> None:
        end.install(rules())
        if isinstance(end, ModelEnd):
            return  # it is the router after it that refuses
        to = IPv4Address("10.6.0.1")  # the UPF itself would go on to N3 from there
        assert await end.uplink(p.gpdu(0x1001, with_options(p.UE, to, route))) == []
        strict = bytes((SSRR, 7, 4)) + p.DN.packed
        assert await end.uplink(p.gpdu(0x1001, with_options(p.UE, to, strict))) == []

    run(case)


def test_unknown_teids_leave_echo_its_share(run: Run) -> None:  # noqa: F811
    """A UE whose tunnel has gone here floods: the gNB's Echo Request still comes through."""
    echo = bytes.fromhex("320100040000000000000000")
    stale = p.gpdu(0x9999, p.udp(p.UE, p.DN))

    async def case(end: End) -> None:
        for _ in range(10):
            await end.uplink(*[stale] * 100)
        await end.uplink(echo)
        assert end.events.gtpu[-1][0] == echo
        assert end.counts()[Reason.FLOOD] >= 300

    run(case)


def variants(random: Random, count: int) -> list[bytes]:
    """G-PDUs of all header forms, with extension chains, options, fragments, wrong versions and lengths that lie."""
    made = []
    for number in range(count):
        mark = b"%05d" % number
        inner = random.choice(
            (
                p.udp(p.UE, p.DN, mark),
                p.udp(random.choice((p.UE, p.OTHER_UE, p.UPF_N3)), p.DN, mark),
                p.udp(p.UE, random.choice((p.OTHER_UE, IPv4Address("10.7.0.1"), p.UPF_N3)), mark, 2152),
                p.ip(p.UE, p.DN, mark, 17, fragment=0x2000),
                p.ip(p.UE, p.DN, mark + bytes(3), 17, fragment=0x2000),
                p.ip(p.UE, p.DN, mark, random.choice((17, 6, 132)), fragment=0x0100 + number % 50),
                p.ip(p.UE, p.DN, mark, 6),
                p.ip(p.UE, p.DN, mark + bytes(15), 41),
                p.ip(p.UE, p.DN, mark + bytes(30), 17, version=random.choice((0, 5, 6))),
                p.ip(p.UE, p.DN, mark + bytes(30), 17, total=random.choice((0, 19, 20, 54, 56, 65535))),
                b"",
                mark,
                b"\x60" + bytes(5) + b"\x11\x40" + bytes(32) + mark,
            )
        )
        made.append(_around(random, inner))
    return made


EXTENSIONS = (0x85, 0x85, 0x85, 0xC0, 0xC0, 0x40, 0x20, 0x84, 0x03)
VERSIONS = (0x30,) * 60 + (0x38, 0x20, 0x10, 0x50)
TYPES = (255,) * 80 + (254, 26, 1, 0, 31)


def _around(random: Random, inner: bytes) -> bytes:
    kinds = [random.choice(EXTENSIONS) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 4)))]
    chain = b""
    for n, kind in enumerate(kinds):
        words = random.choice((1, 1, 2, 3, 0, 255)) if random.random() < 0.2 else 1
        content = bytes((0x10, random.choice((9, 9, 1)))) if kind == 0x85 else b"\0\0"
        content = content.ljust(max(words, 1) * 4 - 2, b"\0") if words < 200 else content
        chain += bytes((words,)) + content + bytes((kinds[n + 1] if n + 1 < len(kinds) else 0,))
    flags = random.choice((4, 4, 4, 6, 7, 2)) if kinds else random.choice((0, 2, 1, 4, 6, 7))
    optional = struct.pack("!HBB", 7, 0, kinds[0] if kinds else 0) if flags else b""
    length = len(optional + chain + inner) + random.choice((0,) * 36 + (1, -1, 4, -len(inner)))
    teid = random.choice((0x1001,) * 16 + (0x1002, 0))
    head = struct.pack("!BBHI", random.choice(VERSIONS) | flags, random.choice(TYPES), length & 0xFFFF, teid)
    return head + (optional + chain if flags else b"") + inner


def test_all_kinds_of_packets_meet_the_same_fate_everywhere(run: Run) -> None:  # noqa: F811
    """Six hundred packets of the classes above: what passes, what is counted for which reason, who is told."""
    made = variants(Random(11), 600)

    async def case(end: End) -> None:
        if isinstance(end, ModelEnd):
            return  # it is the judge here
        oracle = ModelEnd(end.settings)
        for each in (oracle, end):
            each.install(rules())
            each.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        for begin in range(0, len(made), 50):
            burst = made[begin : begin + 50]
            oracle.now += 10**9
            told, before = len(end.events.gtpu), len(oracle.events.gtpu)
            verdicts = [oracle.model.decapsulate(octets, oracle.now) for octets in burst]
            wanted = [v.packet for v in verdicts if isinstance(v, Inner) and routable(v.packet)]
            for octets, verdict in zip(burst, verdicts, strict=True):
                if type(verdict).__name__ == "SlowPath":
                    oracle.events.gtpu_received(octets, ("", 0))
            assert await end.uplink(*burst) == [p.after_hop(packet) for packet in wanted]
            heard = [octets for octets, _ in end.events.gtpu[told:]]
            assert heard == [octets for octets, _ in oracle.events.gtpu[before:]]
        mine, judged = end.counts(), oracle.counts()
        assert {reason: mine[reason] for reason in judged} == judged
        assert all(judged[r] for r in (Reason.SPOOFED, Reason.MALFORMED, Reason.PROTECTED, Reason.UE_TO_UE))

    run(case)


def test_downlink_of_all_kinds(run: Run) -> None:  # noqa: F811
    """Fragments, options and no checksum pass whole; what belongs to nobody does not."""

    async def case(end: End) -> None:
        end.install(rules())
        plain = p.udp(p.DN, p.UE, b"plain")
        sent = [
            plain[:26] + b"\0\0" + plain[28:],  # UDP checksum 0
            p.ip(p.DN, p.UE, b"fragment" * 2, 17, fragment=0x2000),
            p.ip(p.DN, p.UE, b"fragment", 17, fragment=2),
            p.ip(p.DN, p.UE, b"any protocol", 250),
        ]
        got = await end.downlink(p.udp(p.DN, p.OTHER_UE), *sent)
        assert got == [p.gpdu(0x2001, p.after_hop(each), psc_type=0) for each in sent]
        assert end.counts()[Reason.UNKNOWN_UE] == 1

    run(case)


def test_gnb_is_told_by_teid_whatever_its_address(run: Run) -> None:  # noqa: F811
    """TS 29.281 §4.4.2: the TEID names the tunnel, the source port is any; UDP checksum 0 is valid."""

    async def case(end: End) -> None:
        end.install(rules())
        up = p.udp(p.UE, p.DN, b"port")
        if isinstance(end, KernelEnd):
            end.from_another_port(p.gpdu(0x1001, up), checksum=False)
            assert await end.uplink() == [p.after_hop(up)]

    run(case)


@pytest.mark.parametrize("direction", ["uplink", "downlink"])
def test_session_ambr_is_what_passes(run: Run, direction: str) -> None:  # noqa: F811
    """4 Mbit/s offered 12 for 0.7 s beside a UE within its rate: 10 % at most off, and the other loses nothing."""
    rate, span = 4_000_000, 0.7

    async def case(end: End) -> None:
        if isinstance(end, ModelEnd):
            return
        limited = SessionRules(1, rules().decap, rules().encap, Ambr(rate, rate))
        end.install(limited)
        end.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        size, modest = 1000, 0
        begin, sent = time.monotonic(), 0
        while (now := time.monotonic() - begin) < span:
            due = int(now * 3 * rate / 8 / size) - sent
            burst = [_packet(direction, p.UE, size)] * due
            sent += due
            modest += 1
            await (end.uplink if direction == "uplink" else end.downlink)(
                *burst, _packet(direction, p.OTHER_UE, size)
            )
        used, other = end.usage(1), end.usage(2)
        octets = used.uplink_octets if direction == "uplink" else used.downlink_octets
        bucket = rate * SETTINGS.bucket_ms / 8000
        assert (octets - bucket) * 8 / span == pytest.approx(rate, rel=0.1)
        assert modest == (other.uplink_packets if direction == "uplink" else other.downlink_packets)

    run(case)


def _packet(direction: str, ue: IPv4Address, size: int) -> bytes:
    payload = bytes(size - 28)
    if direction == "downlink":
        return p.udp(p.DN, ue, payload)
    return p.gpdu(0x1001 if ue == p.UE else 0x1002, p.udp(ue, p.DN, payload))


def test_a_container_of_the_wrong_direction_is_no_uplink(run: Run) -> None:  # noqa: F811
    """TS 38.415 §5.5.3.1: PDU type 0 is of the downlink; 2 and more are of nobody."""

    async def case(end: End) -> None:
        end.install(rules())
        inner = p.udp(p.UE, p.DN)
        for pdu_type in (0, 2, 15):
            assert await end.uplink(p.gpdu(0x1001, inner, psc_type=pdu_type)) == []
        assert end.counts()[Reason.MALFORMED] == 3
        assert await end.uplink(p.gpdu(0x1001, inner)) == [p.after_hop(inner)]

    run(case)


def test_link_local_addresses_are_nowhere(run: Run) -> None:  # noqa: F811
    """RFC 3927 §2.7; 169.254.169.254 would be the cloud's metadata of this host."""

    async def case(end: End) -> None:
        end.install(rules())
        for where in ("169.254.169.254", "169.254.0.1"):
            assert await end.uplink(p.gpdu(0x1001, p.udp(p.UE, IPv4Address(where), port=80))) == []
        assert end.counts()[Reason.PROTECTED] == 2

    run(case)


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_a_ue_does_not_reach_the_host(row: Topology, kind: Kind, tmp_path: Path) -> None:
    """A listener on any port of any of its addresses, unless a setting opens them; GTP-U stays closed even then."""
    if missing(kind):
        pytest.skip(missing(kind))
    to = (IPv4Address("10.6.0.1"), p.UPF_N3)

    async def main(*, reach_host: bool) -> None:
        settings = replace(SETTINGS, plane=kind, reach_host=reach_host)
        end = KernelEnd(row, settings, tmp_path / f"journal-{reach_host}")
        with netns.inside(row.upf), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("0.0.0.0", 8080))
            listener.setblocking(False)
            try:
                end.install(rules())
                await end.uplink(*(p.gpdu(0x1001, p.udp(p.UE, address, port=8080)) for address in to))
                await end.uplink(p.gpdu(0x1001, p.udp(p.UE, p.UPF_N3, port=2152)))
                heard = 0
                with contextlib.suppress(BlockingIOError):
                    while listener.recv(100):
                        heard += 1
                assert heard == (2 if reach_host else 0)
                assert end.counts()[Reason.PROTECTED] == (1 if reach_host else 3)
            finally:
                end.close()

    asyncio.run(main(reach_host=False))
    asyncio.run(main(reach_host=True))


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_what_cannot_be_translated_does_not_leave(row: Topology, kind: Kind, tmp_path: Path) -> None:
    """A UDP length that lies, a TCP checksum of 0: connection tracking passes them by, and so would the translation."""
    if missing(kind):
        pytest.skip(missing(kind))
    head = struct.pack("!HHIIBBHHH", 5000, 80, 1, 0, 0x50, 2, 1000, 0, 0)
    wrong = [
        p.ip(p.UE, p.DN, struct.pack("!HHHH", 5000, 9999, 200, 0) + b"cinq"),
        p.ip(p.UE, p.DN, struct.pack("!HHHH", 5000, 9999, 3, 0) + b"cinq"),
        p.ip(p.UE, p.DN, head, 6),
        p.ip(p.UE, p.DN, struct.pack("!HHHH", 5000, 9999, 12, 0x1234) + b"cinq"),
    ]

    async def main() -> None:
        end = KernelEnd(row, replace(SETTINGS, plane=kind, nat=True), tmp_path / "journal")
        try:
            end.install(rules())
            good = p.udp(p.UE, p.DN, b"good")
            for packet in (*wrong, good):
                end.gnb.sendto(p.gpdu(0x1001, packet), (str(p.UPF_N3), 2152))
            seen: list[bytes] = []
            async with asyncio.timeout(3):
                while not seen or not seen[-1].endswith(b"good"):
                    seen.append((await asyncio.get_running_loop().sock_recv(end.dn, 2000))[14:])
            assert [packet[12:16] for packet in seen] == [IPv4Address("10.6.0.1").packed]
        finally:
            end.close()

    asyncio.run(main())
