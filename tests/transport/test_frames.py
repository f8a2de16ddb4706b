"""Frames: link layers, IP fragments, SCTP chunks, and what tshark makes of frames of our own."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.transport import frames, pcap

A4, B4 = ("10.0.0.1", 38412), ("10.0.0.2", 4000)
A6, B6 = ("fd00::1", 38412), ("fd00::2", 4000)


def unwrap(frame: bytes) -> tuple[frames.Datagram, frames.Segment]:
    datagram = frames.datagram(frame[14:])
    assert datagram is not None
    segment = frames.segment(datagram.protocol, datagram.payload)
    assert segment is not None
    return datagram, segment


@pytest.mark.parametrize(("a", "b"), [(A4, B4), (A6, B6)])
def test_udp_there_and_back(a: tuple[str, int], b: tuple[str, int]) -> None:
    datagram, segment = unwrap(frames.udp(a, b, b"octets"))
    assert (datagram.source, datagram.destination, datagram.protocol) == (a[0], b[0], frames.UDP)
    assert segment == frames.Segment(a[1], b[1], b"octets")


@pytest.mark.parametrize(("a", "b"), [(A4, B4), (A6, B6)])
@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    st.builds(
        frames.Chunk,
        st.integers(0, 2**32 - 1),
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.integers(0, 2**32 - 1),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.binary(min_size=1, max_size=40),
    )
)
def test_sctp_there_and_back(a: tuple[str, int], b: tuple[str, int], chunk: frames.Chunk) -> None:
    datagram, segment = unwrap(frames.sctp_data(a, b, 7, chunk))
    assert (datagram.protocol, segment.source_port) == (frames.SCTP, a[1])
    assert frames.data_chunks(segment.payload) == [chunk]


def test_bundled_chunks_and_a_cut_off_one() -> None:
    chunk = frames.Chunk(1, 2, 3, 60, True, True, False, b"abcde")
    _, one = unwrap(frames.sctp_data(A4, B4, 7, chunk))
    sack = b"\x03\0\0\x10" + bytes(12)
    assert frames.data_chunks(sack + one.payload + one.payload) == [chunk, chunk]
    assert frames.data_chunks(one.payload + one.payload[:10]) == [chunk]
    assert frames.data_chunks(b"\0\3\0\0" + bytes(40)) == []


def fragments(payload: bytes, size: int) -> list[frames.Datagram]:
    places = range(0, len(payload), size)
    cut = [(n, payload[n : n + size]) for n in places]
    return [frames.Datagram("a", "b", 17, part, 5, n, n + size < len(payload)) for n, part in cut]


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_fragments_come_together_in_any_order(payload: bytes, random) -> None:
    parts = fragments(payload, 16)
    random.shuffle(parts)
    waiting = frames.Fragments()
    results = [waiting.whole(part) for part in parts]
    assert [r is not None for r in results] == [False] * (len(parts) - 1) + [True]
    assert results[-1].payload == payload


def test_fragments_that_never_end_are_given_up() -> None:
    waiting = frames.Fragments(keep=4)
    for n in range(100):
        assert waiting.whole(frames.Datagram("a", "b", 17, b"x" * 8, n, 8, True)) is None
    assert len(waiting._waiting) <= 4


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(max_size=80))
def test_arbitrary_frames_never_raise(octets: bytes) -> None:
    datagram = frames.datagram(octets) if octets else None
    for head in (b"\x45", b"\x60"):
        frames.datagram(head + octets)
    if datagram:
        frames.segment(datagram.protocol, datagram.payload)
    for protocol in (frames.TCP, frames.UDP, frames.SCTP):
        frames.segment(protocol, octets)
    frames.data_chunks(octets)
    frames.exported(octets)


def test_the_octets_that_wait_are_bounded() -> None:
    waiting = frames.Fragments(octets=1 << 16)
    for n in range(64):
        assert waiting.whole(frames.Datagram("a", "b", 17, bytes(1 << 12), n, 8, True)) is None
    assert sum(len(part.payload) for parts in waiting._waiting.values() for part in parts) <= 1 << 16


def test_the_checksum_of_sctp() -> None:
    assert frames.crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize(("a", "b"), [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
def test_exported_pdus(a: str, b: str) -> None:
    record = frames.exported_pdu("nas-5gs", a, b, b"\x7e\0\x43")
    assert frames.exported(record) == frames.ExportedPdu("nas-5gs", a, b, b"\x7e\0\x43")
    assert frames.exported(bytes(8)) is None


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_dissects_frames_of_our_own(tmp_path: Path) -> None:
    path = tmp_path / "t.pcapng"
    file = io.BytesIO()
    writer = pcap.Writer(file)
    link, plain = writer.interface(pcap.ETHERNET), writer.interface(pcap.EXPORTED_PDU)
    ngap = bytes.fromhex("00150035000004001b00080099f9075000000100520000400000")  # cut off on purpose
    for tag, (a, b) in enumerate(((A4, B4), (A6, B6)), 1):
        chunk = frames.Chunk(tag, 0, 0, 60, True, True, False, ngap)
        writer.packet(1, frames.sctp_data(a, b, tag, chunk), link)
        writer.packet(2, frames.udp((a[0], 8805), (b[0], 8805), bytes.fromhex("2001000400000100")), link)
        writer.packet(3, frames.exported_pdu("nas-5gs", a[0], b[0], b"\x7e\0\x43"), plain)
    path.write_bytes(file.getvalue())
    checks = ["-o", "sctp.checksum:CRC 32c", "-o", "udp.check_checksum:TRUE"]
    fields = ["sctp.checksum.status", "udp.checksum.status", "ip.checksum.status", "ngap.procedureCode"]
    fields += ["pfcp.msg_type", "nas_5gs.mm.message_type"]
    command = ["tshark", "-r", str(path), *checks, "-o", "ip.check_checksum:TRUE", "-T", "fields"]
    shown = subprocess.run(
        [*command, *(f"-e{name}" for name in fields)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for sctp, udp, nas in (shown[:3], shown[3:]):
        assert sctp.split("\t")[0] == "1"
        assert sctp.split("\t")[3] == "21"
        assert udp.split("\t")[1] == "1"
        assert udp.split("\t")[4] == "1"
        assert nas.split("\t")[5] == "0x43"
    assert shown[0].split("\t")[2] == "1"
