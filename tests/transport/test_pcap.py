"""Capture files: both formats, both byte orders, hostile files, and what Wireshark makes of ours."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.transport import pcap
from cinq.transport.pcap import PcapError

FRAME = bytes(range(60))


def read(octets: bytes) -> list[pcap.Packet]:
    return list(pcap.Reader(io.BytesIO(octets)))


def pcap_file(order: str, magic: int, fraction: int, linktype: int = 1) -> bytes:
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, linktype)
    return head + struct.pack(order + "IIII", 1700000000, fraction, len(FRAME), 99) + FRAME


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, linktype: int = 1, *options: bytes) -> bytes:
    return block(order, 1, struct.pack(order + "HHI", linktype, 0, 0) + b"".join(options))


def enhanced(order: str, index: int, ticks: int, *options: bytes) -> bytes:
    head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(FRAME), 99)
    return block(order, 6, head + FRAME + b"".join(options))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 250000), (0xA1B23C4D, 250000000)])
def test_pcap(order: str, magic: int, fraction: int) -> None:
    (packet,) = read(pcap_file(order, magic, fraction, 276))
    assert packet == pcap.Packet(1, 1700000000_250000000, 276, FRAME, 99)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng(order: str) -> None:
    options = option(order, 1, b"first") + option(order, 2, b"\0\0\0\0") + option(order, 1, b"second")
    other = "<" if order == ">" else ">"
    packets = read(
        section(order)
        + interface(order)
        + interface(order, 113, option(order, 9, b"\x09"), option(order, 14, struct.pack(order + "q", -3)))
        + interface(order, 252, option(order, 9, b"\x8a"))
        + enhanced(order, 0, 1700000000_250000)
        + block(order, 5, b"statistics are passed over")
        + enhanced(order, 1, 1700000003_250000000, options)
        + enhanced(order, 2, 1024 * 1700000000 + 256)
        + block(order, 3, struct.pack(order + "I", len(FRAME)) + FRAME)
        + section(other)
        + interface(other, 101)
        + enhanced(other, 0, 1700000000_250000)
    )
    assert [p.number for p in packets] == [1, 2, 3, 4, 5]
    assert [p.linktype for p in packets] == [1, 113, 252, 1, 101]
    assert [p.time_ns for p in packets] == [1700000000_250000000] * 3 + [0, 1700000000_250000000]
    assert packets[1].comment == "first\nsecond"
    assert {p.octets for p in packets} == {FRAME}


def test_the_old_packet_block() -> None:
    head = struct.pack("<HHIIII", 0, 0, 0, 5, len(FRAME), 60)
    (packet,) = read(section("<") + interface("<") + block("<", 2, head + FRAME))
    assert (packet.octets, packet.time_ns) == (FRAME, 5000)


GOOD = section("<") + interface("<") + enhanced("<", 0, 5)


@pytest.mark.parametrize(
    ("octets", "offset", "what"),
    [
        (b"", 0, "cut off"),
        (b"MZ\x90\0" + bytes(40), 0, "magic number"),
        (pcap_file("<", 0xA1B2C3D4, 0)[:-1], 40, "packet is cut off: found 59 octets, wanted 60"),
        (pcap_file("<", 0xA1B2C3D4, 0)[:35], 24, "packet header is cut off"),
        (struct.pack("<IHHiIII", 0xA1B2C3D4, 9, 4, 0, 0, 0, 1), 4, "version 9.4"),
        (struct.pack("<IHHiIII4I", 0xA1B2C3D4, 2, 4, 0, 0, 0, 1, 0, 0, 1 << 31, 1), 32, "2147483648 octets"),
        (section("<")[:8] + b"abcd" + section("<")[12:], 8, "byte-order magic"),
        (section("<") + struct.pack("<II", 1, 0xFFFFFFF0), 32, "block length: found 4294967280"),
        (section("<") + struct.pack("<II", 1, 8), 32, "block length: found 8"),
        (section("<") + enhanced("<", 0, 5), 28 + 92, "packet of interface 0, where the section has 0"),
        (GOOD[:-4] + b"\0\0\0\0", len(GOOD) - 4, "block length at its end"),
        (GOOD[:-9], 28 + 20 + 8, "a block is cut off"),
        (section("<") + block("<", 1, b"\0\0\0\0"), 28 + 16, "too short"),
        (section("<") + interface("<", 1, option("<", 9, b"\x7f")), 28 + 28, "timestamp resolution"),
    ],
)
def test_a_faulty_file_says_where(octets: bytes, offset: int, what: str) -> None:
    with pytest.raises(PcapError, match=what) as caught:
        read(octets)
    assert caught.value.offset == offset
    assert f"octet {offset} of the file" in str(caught.value)


def test_good_packets_come_before_the_fault() -> None:
    reader = iter(pcap.Reader(io.BytesIO(GOOD + b"\0\0\0")))
    assert next(reader).octets == FRAME
    with pytest.raises(PcapError, match="block header is cut off"):
        next(reader)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.data())
def test_mutated_files_give_packets_or_a_pcap_error(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([GOOD + enhanced("<", 0, 9), pcap_file(">", 0xA1B23C4D, 1)]))
    octets = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        packets = read(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
    except PcapError:
        return
    assert len(packets) <= 2


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**63), st.binary(max_size=50), st.sampled_from([0, 1]), st.text(max_size=9))
    )
)
def test_what_is_written_is_read(packets: list[tuple[int, bytes, int, str]]) -> None:
    file = io.BytesIO()
    writer = pcap.Writer(file, "cinq test")
    assert [writer.interface(pcap.ETHERNET, "n2"), writer.interface(pcap.EXPORTED_PDU)] == [0, 1]
    for packet in packets:
        writer.packet(*packet)
    found = [(p.time_ns, p.octets, (1, 252).index(p.linktype), p.comment) for p in read(file.getvalue())]
    assert found == packets


def test_the_writer_refuses() -> None:
    writer = pcap.Writer(io.BytesIO())
    with pytest.raises(ValueError, match="interface: found 0"):
        writer.packet(0, b"")
    writer.interface(1)
    with pytest.raises(ValueError, match="at most"):
        writer.packet(0, bytes(pcap.MAX_PACKET + 1))


@pytest.mark.parametrize(("name", "count"), [("attach-n2n3", 90), ("suci-a-nea2-sbi-pfcp", 1166)])
def test_foreign_captures(shared: Path, name: str, count: int) -> None:
    with (shared / "golden" / f"open5gs-ueransim-{name}.pcap").open("rb") as file:
        packets = list(pcap.Reader(file))
    assert len(packets) == count
    assert {p.linktype for p in packets} == {pcap.ETHERNET}
    assert sorted(p.time_ns for p in packets) == [p.time_ns for p in packets]


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_wireshark_opens_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.pcapng"
    with path.open("wb") as file:
        writer = pcap.Writer(file)
        writer.packet(1700000000_123456789, FRAME, writer.interface(pcap.ETHERNET, "n2"), "a comment")
    fields = ["frame.time_epoch", "frame.comment", "frame.interface_name", "frame.len"]
    command = ["tshark", "-r", str(path), "-T", "fields", *(f"-e{name}" for name in fields)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split("\t") == ["1700000000.123456789", "a comment", "n2", "60\n"]


class Dribbling(io.BytesIO):
    """Gives a few octets at a time, as a pipe or a compressed file may."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(min(size or 7, 7))


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_pieces_of_a_file_do_not_matter(order: str) -> None:
    nanoseconds, whole = option(order, 9, b"\x09"), section(order)
    whole += interface(order, 113, nanoseconds) + interface(order, 1, option(order, 9, b"\x8a"))
    for tick in range(40):
        whole += enhanced(order, tick % 2, 10**18 + tick, *[option(order, 1, b"a word")] * (tick % 3 == 0))
    for octets in (
        whole,
        whole[:-1],
        whole[:-44],
        whole + b"\x06\0",
        pcap_file(order, 0xA1B2C3D4, 1) + bytes(5),
    ):
        for cut in (octets, octets[:-50]):
            assert told(Dribbling(cut)) == told(io.BytesIO(cut))
    found = read(whole)
    assert [packet.time_ns for packet in found[:2]] == [10**18, (10**18 + 1) * 10**9 // 1024]
    assert [packet.comment for packet in found[:4]] == ["a word", "", "", "a word"]


def told(file: io.BytesIO) -> tuple[list[pcap.Packet], str]:
    packets: list[pcap.Packet] = []
    try:
        packets.extend(pcap.Reader(file))
    except PcapError as error:
        return packets, str(error)
    return packets, ""
