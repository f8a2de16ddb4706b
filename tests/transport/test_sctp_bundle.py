"""Packets joined below usrsctp: what may wait, in which order it leaves, and that the checksum is right."""

from __future__ import annotations

import struct
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.transport.sctp.bundle import LIMIT, Bundle

from .sctp_ends import crc32c

HEARTBEAT, ABORT = 4, 6


def checksum(octets: bytes, n: int) -> int:
    """As usrsctp gives it: a number of this machine whose octets in memory are those on the wire."""
    return int.from_bytes(crc32c(octets[:n]).to_bytes(4, "little"), sys.byteorder)


def packet(*chunks: bytes, tag: int = 1) -> bytes:
    head, body = struct.pack("!HHI", 38412, 5000, tag), b"".join(chunks)
    return head + crc32c(head + bytes(4) + body).to_bytes(4, "little") + body


def data(tsn: int, octets: bytes = b"NGAP") -> bytes:
    return struct.pack("!BBHIHHI", 0, 3, 16 + len(octets), tsn, 1, 0, 60) + octets + bytes(-len(octets) % 4)


def sack(tsn: int, *gaps: int) -> bytes:
    return struct.pack(
        f"!BBHIIHH{len(gaps)}H", 3, 0, 16 + 2 * len(gaps), tsn, 65536, len(gaps) // 2, 0, *gaps
    )


class Wire:
    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes]] = []
        self.bundle = Bundle(self.send, checksum)

    def send(self, handle: int, packet: bytes) -> int:
        self.sent.append((handle, packet))
        return 7

    def through(self, *packets: bytes, handle: int = 1) -> list[bytes]:
        """What leaves when these are made within one turn."""
        self.bundle.open = True
        for each in packets:
            self.bundle.add(handle, each)
        self.bundle.open = False
        self.bundle.leave()
        assert not self.bundle.waiting
        return [each for _, each in self.sent]


def test_one_turn_is_one_packet() -> None:
    made = [packet(sack(9)), packet(data(1)), packet(data(2), data(3, b"odd"))]
    assert Wire().through(*made) == [packet(sack(9), data(1), data(2), data(3, b"odd"))]


def test_a_newer_acknowledgement_takes_the_place_of_the_older() -> None:
    made = [packet(sack(9)), packet(sack(10)), packet(sack(11), data(1)), packet(data(2))]
    assert Wire().through(*made) == [packet(sack(11), data(1), data(2))]


def test_an_acknowledgement_is_not_put_behind_data() -> None:
    assert Wire().through(packet(data(1)), packet(sack(9))) == [packet(data(1)), packet(sack(9))]


def test_reports_of_loss_leave_at_once_and_all() -> None:
    """Three of them start the fast retransmission of RFC 9260 §7.2.4."""
    wire = Wire()
    wire.bundle.open = True
    wire.bundle.add(1, packet(sack(8)))
    for _ in range(3):
        assert wire.bundle.add(1, packet(sack(9, 2, 3))) == 7
    assert [each for _, each in wire.sent] == [packet(sack(8)), *[packet(sack(9, 2, 3))] * 3]
    assert not wire.bundle.waiting


def test_other_chunks_leave_alone_and_behind_what_waited() -> None:
    for kind in (HEARTBEAT, ABORT):
        other = packet(struct.pack("!BBH", kind, 0, 4))
        made = [packet(data(1)), other, packet(data(2))]
        assert Wire().through(*made) == made


def test_paths_are_kept_apart() -> None:
    wire = Wire()
    wire.bundle.open = True
    wire.bundle.add(1, packet(data(1)))
    wire.bundle.add(2, packet(data(2)))
    wire.bundle.add(2, packet(data(3), tag=9))
    wire.bundle.leave()
    assert wire.sent == [(1, packet(data(1))), (2, packet(data(2))), (2, packet(data(3), tag=9))]


def test_closed_it_lets_everything_through() -> None:
    wire = Wire()
    assert wire.bundle.add(1, packet(data(1))) == 7
    assert wire.sent == [(1, packet(data(1)))]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 1200), min_size=1, max_size=30))
def test_no_chunk_is_lost_and_no_packet_too_long(sizes: list[int]) -> None:
    chunks = [data(tsn, bytes(size)) for tsn, size in enumerate(sizes)]
    left = Wire().through(*map(packet, chunks))
    assert b"".join(each[12:] for each in left) == b"".join(chunks)
    for each in left:
        assert len(each) <= LIMIT
        assert each[8:12] == crc32c(each[:8] + bytes(4) + each[12:]).to_bytes(4, "little")
