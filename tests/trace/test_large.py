"""Files of any size, of any link and full of other things: read as a stream, and what was passed over is said."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tracemalloc
from pathlib import Path

import pytest

from cinq.numbering import Suci
from cinq.trace import Capture, Chosen, Keys, Ladders, Subscriber, read_capture, write_json
from cinq.transport import frames, layers, pcap
from cinq.transport.compressed import zstd
from cinq.transport.pcap import PcapError
from cinq.wire import gtpu, ngap

from . import large
from .bench import OPC, PLMN, SUPI, Bench, K

KEYS = Keys((Subscriber(SUPI, K, OPC),))


def registered() -> Bench:
    bench = Bench()
    bench.register(Suci.null_scheme(SUPI, PLMN))
    return bench


def names(capture: Capture) -> list[str]:
    return [message.message for message in capture]


@pytest.mark.parametrize(("kind", "octets"), [("heartbeats", 4_000_000), ("control", 400_000)])
def test_memory_does_not_grow_with_the_file(kind: str, octets: int, tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    large.write(kind, path, octets)
    peaks = []
    for size in (octets // 4, octets):
        whole = path.read_bytes()[:size]
        tracemalloc.start()
        capture, ladders = Capture(io.BytesIO(whole)), Ladders(100, arrows=200)
        for message in capture:
            ladders.take(message)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert capture.undecoded == 0
        if kind == "heartbeats":
            assert ladders.heartbeats == capture.messages == capture.packets > 10_000
    # What is kept of each UE is bounded at 65,536 UEs; a file of heartbeats has none.
    assert peaks[1] < peaks[0] * (1.2 if kind == "heartbeats" else 5) + 500_000


def test_a_heartbeat_is_read_once_and_its_sequence_number_each_time() -> None:
    beats = large.heartbeats()
    bench = Bench()
    for _ in range(6):
        bench.frame(next(beats))
    found = list(Capture(bench.capture()))
    assert [m.decoded and m.decoded["sequence"] for m in found] == [0, 0, 1, 1, 2, 2]
    assert [m.decoded and m.decoded["recovery_time_stamp"] for m in found] == [1, 2] * 3
    assert [(m.sender, m.receiver) for m in found] == [("SMF", "UPF"), ("UPF", "SMF")] * 3


def test_ladders_go_on_on_the_next_sheet() -> None:
    ladders, rows = Ladders(100, arrows=8), []
    for message in Capture(registered().capture(), KEYS):
        rows += ladders.take(message)
    rows += ladders.rest()
    headings = [row.text for row in rows if row.step is None and row.text.startswith(" imsi")]
    assert headings[0] == " imsi-00101…007"
    assert headings[1:] == [" imsi-00101…007 (goes on)"] * (len(headings) - 1)
    assert len(headings) > 1
    assert rows[-1].text.endswith(" ms")
    assert not rows[-1].text.endswith(" 0.0 ms")


def test_one_ue_with_what_came_before_its_name() -> None:
    bench = Bench()
    bench.initial(bytes.fromhex("7e005c000d0100f110000000000000000020"), 9)
    bench.register(Suci(PLMN, "0", 1, 1, bytes(45)))  # its name shows at the challenge
    capture, chosen = Capture(bench.capture(), KEYS), Chosen(str(SUPI))
    found = [each for message in capture for each in chosen.of(message)] + chosen.rest()
    assert {m.ue for m in found} == {str(SUPI)}
    assert found[0].message == "InitialUEMessage"
    assert found[1].message == "RegistrationRequest"
    assert [m.time for m in found] == sorted(m.time for m in found)


def test_json_as_it_comes() -> None:
    for bench in (registered(), Bench()):
        capture, said = Capture(bench.capture(), KEYS), io.StringIO()
        write_json(capture, capture, said.write)
        facts = json.loads(said.getvalue())
        assert len(facts["messages"]) == capture.messages
        assert facts["passed_over"] == {}


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_compressed_captures(form: str, tmp_path: Path) -> None:
    octets = registered().file.getvalue()
    path = tmp_path / f"capture.pcapng.{form}"
    path.write_bytes(gzip.compress(octets) if form == "gz" else zstd.compress(octets))
    capture = read_capture(path, KEYS)
    assert names(capture) == names(Capture(io.BytesIO(octets), KEYS))
    assert not capture.fault
    path.write_bytes(path.read_bytes()[:9])
    with pytest.raises(PcapError, match="cut off"):
        read_capture(path, KEYS)


def of_link(linktype: int, *packets: bytes) -> Capture:
    file = io.BytesIO()
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype))
    for octets in packets:
        file.write(struct.pack("<IIII", 1, 0, len(octets), len(octets)) + octets)
    file.seek(0)
    return Capture(file)


def test_ngap_as_srsran_writes_it() -> None:
    release = ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", 1), cause=("nas", "deregister"))
    complete = ngap.UEContextReleaseComplete(amf_ue_ngap_id=1, ran_ue_ngap_id=1)
    found = list(of_link(layers.NGAP_LINK, ngap.encode(release), ngap.encode(complete)))
    assert [(m.message, m.sender, m.receiver) for m in found] == [
        ("UEContextReleaseCommand", "AMF", "gNB"),
        ("UEContextReleaseComplete", "gNB", "AMF"),
    ]
    assert {m.ue for m in found} == {"AMF UE NGAP ID 1"}


def test_gtpu_as_srsran_writes_it() -> None:
    assert names(of_link(layers.GTPU_LINK, gtpu.encode(gtpu.EchoRequest(sequence=1)))) == ["EchoRequest"]


def test_ngap_in_tunnels() -> None:
    (frame,) = Bench().sctp(ngap.encode(ngap.ErrorIndication(cause=("misc", "unspecified"))), True)
    over = frames.udp(("192.0.2.1", 4444), ("192.0.2.2", 4789), b"\x08" + bytes(7) + frame)
    inside = frames.ethernet("192.0.2.1", "192.0.2.2", 47, b"\0\0\x65\x58" + frame)
    for packet in (frame, over, inside):
        capture = of_link(pcap.ETHERNET, packet)
        assert names(capture) == ["ErrorIndication"]
        assert capture.passed.line() == ""


def tcp(payload: bytes, port: int = 7777) -> bytes:
    head = struct.pack(">HHIIBBHHH", 40000, port, 0, 0, 5 << 4, 0x18, 0, 0, 0)
    return frames.ethernet("10.0.0.1", "10.0.0.2", frames.TCP, head + payload)


def test_what_was_not_looked_at_is_said() -> None:
    capture = of_link(
        pcap.ETHERNET,
        tcp(b""),
        tcp(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        tcp(b""),
        tcp(b"\x16\x03\x01\0\1", 443),
        tcp(b"hello", 9000),
        frames.ethernet("10.0.0.1", "10.0.0.2", 50, bytes(40)),
        frames.udp(("10.0.0.1", 5555), ("10.0.0.2", 2123), b"x"),
        frames.sctp_data(
            ("10.0.0.1", 36412), ("10.0.0.2", 5), 1, frames.Chunk(1, 0, 0, 18, True, True, True, b"x")
        ),
        bytes(12) + b"\x08\x06" + bytes(28),
    )
    assert names(capture) == []
    assert dict(capture.passed.counts) == {
        "other TCP": 1,
        "TLS": 1,
        "ESP (IPsec)": 1,
        "GTP-C (4G)": 1,
        "S1AP (4G)": 1,
        "ARP": 1,
    }
    assert capture.passed.line().startswith("other TCP 1, ")
    assert (capture.tcp_packets, capture.other_packets) == (2, 3)


def test_a_link_that_is_not_read_is_named() -> None:
    capture = of_link(150, b"\0\x11\0\0")
    assert names(capture) == []
    assert capture.passed.line() == "link type 150 (S1AP (4G)) 1"


def test_names_of_what_is_passed_over_are_bounded() -> None:
    packets = (
        frames.sctp_data(
            ("10.0.0.1", 1), ("10.0.0.2", 2), 1, frames.Chunk(n, 0, 0, n, True, True, True, b"x")
        )
        for n in range(100, 1100)
    )
    capture = of_link(pcap.ETHERNET, *packets)
    assert names(capture) == []
    assert sum(capture.passed.counts.values()) == 1000
    assert len(capture.passed.counts) <= 201
    assert capture.passed.line().endswith("kinds more")


def test_parts_of_messages_that_never_come_whole_are_bounded() -> None:
    chunk = frames.Chunk(1, 0, 0, 60, True, False, False, bytes(60000))
    first = frames.sctp_data(("10.0.0.1", 1), ("10.0.0.2", 38412), 1, chunk)
    tsn = first.index(b"\0\0\0\1", 46)  # its checksum is not looked at, and takes long
    packets = (first[:tsn] + n.to_bytes(4, "big") + first[tsn + 4 :] for n in range(1500))
    capture = of_link(pcap.ETHERNET, *packets)
    tracemalloc.start()
    assert names(capture) == []
    assert tracemalloc.get_traced_memory()[0] < 1 << 26
    tracemalloc.stop()


def test_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    large.write("heartbeats", path, 1_000_000)
    capture = read_capture(path)
    seen: list[tuple[int, int]] = []
    capture.watch = lambda: seen.append(capture.progress())
    names(capture)
    assert [total for _, total in seen] == [path.stat().st_size] * 3
    assert 0 < seen[0][0] <= seen[1][0] <= seen[2][0] <= path.stat().st_size
