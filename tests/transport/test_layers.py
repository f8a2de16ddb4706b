"""Link layers and tunnels: every way down to a datagram ends at it, and what is none has a name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.transport import frames, layers, pcap
from cinq.transport.frames import Datagram
from cinq.transport.layers import Layers

A, B = ("10.0.0.1", 8805), ("10.0.0.2", 8805)
FRAME = frames.udp(A, B, b"octets")
IP = FRAME[14:]
FRAME6 = frames.udp(("fd00::1", 8805), ("fd00::2", 8805), b"octets")
INNER = frames.datagram(IP)


def gre(kind: int, body: bytes, flags: int = 0) -> bytes:
    words = sum(bool(flags & bit) for bit in (0x80, 0x20, 0x10))
    return bytes((flags, 0)) + kind.to_bytes(2, "big") + bytes(4 * words) + body


def carried(protocol: int, body: bytes) -> bytes:
    return frames.ethernet("192.0.2.1", "192.0.2.2", protocol, body)


@pytest.mark.parametrize(
    ("linktype", "octets"),
    [
        (pcap.ETHERNET, FRAME),
        (pcap.ETHERNET, FRAME[:12] + b"\x81\0\0\5\x88\xa8\0\6" + FRAME[12:]),
        (pcap.LINUX_SLL, bytes(14) + b"\x08\0" + IP),
        (pcap.LINUX_SLL, bytes(14) + b"\x81\0\0\5\x08\0" + IP),
        (pcap.LINUX_SLL2, b"\x08\0" + bytes(18) + IP),
        (pcap.RAW_IP, IP),
        (12, IP),
        (228, IP),
        (0, b"\2\0\0\0" + IP),
        (108, b"\0\0\0\2" + IP),
        (9, b"\0\x21" + IP),
        (50, b"\xff\3\0\x21" + IP),
        (104, b"\x0f\0\x08\0" + IP),
        (pcap.ETHERNET, bytes(12) + b"\x88\x64\x11\0\0\1\0\x40\0\x21" + IP),
        (pcap.ETHERNET, bytes(12) + b"\x88\x47\0\x01\0\x40\0\x02\1\x40" + IP),
        (pcap.ETHERNET, bytes(12) + b"\x88\x47\0\x02\1\x40" + bytes(4) + FRAME),
        (pcap.ETHERNET, carried(4, IP)),
        (pcap.ETHERNET, carried(4, carried(4, IP)[14:])),
        (pcap.ETHERNET, carried(47, gre(0x0800, IP))),
        (pcap.ETHERNET, carried(47, gre(0x0800, IP, 0xB0))),
        (pcap.ETHERNET, carried(47, gre(0x6558, FRAME, 0x20))),
        (pcap.ETHERNET, carried(47, gre(0x88BE, bytes(8) + FRAME, 0x10))),
        (pcap.ETHERNET, carried(47, gre(0x88BE, FRAME))),
        (pcap.ETHERNET, carried(97, b"\x30\0" + FRAME)),
        (pcap.ETHERNET, carried(51, bytes((17, 4)) + bytes(22) + IP[20:])),
    ],
)
def test_every_way_down_to_the_datagram(linktype: int, octets: bytes) -> None:
    found = Layers().datagram(linktype, octets)
    assert isinstance(found, Datagram)
    segment = frames.segment(found.protocol, found.payload)
    assert segment == frames.Segment(8805, 8805, b"octets")


def test_ipv6_in_ipv4() -> None:
    found = Layers().datagram(pcap.ETHERNET, carried(41, FRAME6[14:]))
    assert isinstance(found, Datagram)
    assert found.source == "fd00::1"


def test_overlays() -> None:
    assert Layers().vxlan(b"\x08" + bytes(7) + FRAME) == INNER
    assert Layers().geneve(b"\1\0\x65\x58" + bytes(4) + bytes(4) + FRAME) == INNER
    assert Layers().vxlan(bytes(8) + FRAME) == "VXLAN"


@pytest.mark.parametrize(
    ("linktype", "octets", "name"),
    [
        (pcap.ETHERNET, bytes(12) + b"\x08\x06" + bytes(28), "ARP"),
        (pcap.ETHERNET, bytes(12) + b"\0\x26" + bytes(38), "frames without EtherType"),
        (pcap.ETHERNET, bytes(12) + b"\x12\x34", "EtherType 1234"),
        (pcap.ETHERNET, carried(50, bytes(40)), "ESP (IPsec)"),
        (pcap.ETHERNET, carried(1, bytes(8)), "ICMP"),
        (pcap.ETHERNET, carried(99, b""), "IP protocol 99"),
        (pcap.ETHERNET, carried(47, bytes((0, 1, 0, 0))), "GRE of another version"),
        (pcap.ETHERNET, FRAME[:20], layers.CUT),
        (pcap.ETHERNET, b"", "frames without EtherType"),
        (999, FRAME, "link type 999"),
        (150, b"x", "link type 150 (S1AP (4G))"),
    ],
)
def test_what_is_no_datagram_has_a_name(linktype: int, octets: bytes, name: str) -> None:
    assert Layers().datagram(linktype, octets) == name


def test_tunnels_without_an_end_end() -> None:
    packet = IP
    for _ in range(40):
        packet = carried(4, packet)[14:]
    assert Layers().datagram(pcap.RAW_IP, packet) == "IP protocol 4"


def test_the_short_way_is_the_long_way() -> None:
    short = layers.plain(FRAME + b"padding")
    assert short is not None
    assert (short[0], frames.ends(short[1]), short[2]) == (frames.UDP, (A, B), b"octets")
    assert layers.plain(FRAME6) is None
    assert layers.plain(FRAME[:41]) is None
    more_to_come = FRAME[:20] + b"\x20\0" + FRAME[22:]
    assert layers.plain(more_to_come) is None


@pytest.mark.parametrize("protocol", [frames.SCTP, frames.TCP])
def test_the_short_way_of_sctp_and_tcp_is_the_long_way(protocol: int) -> None:
    chunk = frames.Chunk(7, 1, 2, 60, True, True, False, b"octets!")
    frame = frames.sctp_data(A, B, 9, chunk)
    frame = frame[:23] + bytes((protocol,)) + frame[24:]
    long = Layers().datagram(pcap.ETHERNET, frame)
    assert isinstance(long, frames.Datagram)
    short = layers.plain(frame + b"padding")
    assert short is not None
    assert (short[0], frames.ends(short[1]), short[2]) == (protocol, (A, B), long.payload)
    assert frames.data_chunks(short[2][12:]) == [chunk]
    more_to_come = frame[:20] + b"\x20\0" + frame[22:]
    for other in (
        more_to_come,
        frame[: 45 if protocol == frames.SCTP else 53],
        FRAME6,
        frames.ethernet("::1", "::2", 132, long.payload),
    ):
        assert layers.plain(other) is None


LINKS = [0, 1, 9, 12, 50, 101, 104, 108, 113, 228, 248, 276]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.binary(max_size=120),
    st.sampled_from(LINKS),
    st.sampled_from([b"", FRAME, carried(47, gre(0x6558, FRAME))]),
)
def test_arbitrary_octets_never_raise(octets: bytes, linktype: int, head: bytes) -> None:
    for whole in (octets, head + octets, head[: len(octets)] + octets):
        found = Layers().datagram(linktype, whole)
        assert found
        layers.plain(whole)
    Layers().vxlan(octets)
    Layers().geneve(octets)
