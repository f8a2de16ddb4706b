"""GTP-U against captures of foreign stacks, against pycrate, and against everything a peer may get wrong."""

from __future__ import annotations

import os
import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire import gtpu
from cinq.wire.gtpu import GtpuError

SHARED = Path(os.environ.get("CINQ_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CAPTURES = sorted((SHARED / "golden").glob("*n2n3.pcap"))

MESSAGES: list[gtpu.GtpuMessage] = [
    gtpu.EchoRequest(sequence=7),
    gtpu.EchoResponse(sequence=7),
    gtpu.EchoResponse(sequence=7, unknown=((255, b"\x00\x01private"),)),
    gtpu.ErrorIndication(tunnel=5, peer=IPv4Address("192.0.2.1"), sequence=0),
    gtpu.ErrorIndication(
        tunnel=5, peer=IPv6Address("2001:db8::1"), extensions=(gtpu.ExtensionHeader(0x40, b"\x08\x68"),)
    ),
    gtpu.SupportedExtensionHeadersNotification(supported=(0x85, 0xC0)),
    gtpu.EndMarker(teid=9),
    gtpu.EndMarker(teid=9, extensions=(gtpu.DlPduSessionInformation(1),)),
    gtpu.GPdu(teid=1, payload=b"packet"),
    gtpu.GPdu(teid=1, payload=b"packet", sequence=65535, npdu=3),
    gtpu.GPdu(teid=1, payload=b"packet", extensions=(gtpu.UlPduSessionInformation(9),)),
    gtpu.GPdu(teid=1, payload=b"", extensions=(gtpu.DlPduSessionInformation(63, reflective_qos=True),)),
    gtpu.GPdu(
        teid=2**32 - 1,
        payload=b"x",
        extensions=(
            gtpu.ExtensionHeader(0xC0, b"\0\1"),
            gtpu.DlPduSessionInformation(1, False, 5, 0, bytes(3)),
        ),
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_round_trip(message: gtpu.GtpuMessage) -> None:
    assert gtpu.decode(gtpu.encode(message)) == message


@pytest.mark.skipif(not CAPTURES, reason="no golden captures (CINQ_SHARED)")
def test_golden() -> None:
    count = 0
    for capture in CAPTURES:
        octets, at = capture.read_bytes(), 24
        while at < len(octets):
            length = struct.unpack_from("<I", octets, at + 8)[0]
            frame = octets[at + 16 : at + 16 + length]
            at += 16 + length
            udp = 14 + (frame[14] & 15) * 4
            if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[udp + 2 : udp + 4] != b"\x08\x68":
                continue
            packet = frame[udp + 8 :]
            message = gtpu.decode(packet)
            assert gtpu.encode(message) == packet
            assert isinstance(message, gtpu.GPdu)
            assert message.container is not None
            assert message.container.qfi == 1
            assert isinstance(gtpu.plain(message), dict)
            count += 1
    assert count == 24


def test_known_octets() -> None:
    """The forms of TS 29.281 figure 5.1-1 and TS 38.415 figure 5.5.2.1-1, written by hand."""
    uplink = gtpu.GPdu(teid=0xB1A7, payload=b"\x45", extensions=(gtpu.UlPduSessionInformation(1),))
    assert gtpu.encode(uplink).hex() == "34ff0009" + "0000b1a7" + "00000085" + "01100100" + "45"
    error = gtpu.ErrorIndication(tunnel=1, peer=IPv4Address("10.0.0.1"), sequence=0)
    assert gtpu.encode(error).hex() == "321a0010" + "00000000" + "00000000" + "1000000001" + "8500040a000001"
    echo = gtpu.decode(bytes.fromhex("3202000600000000000700000e05"))
    assert echo == gtpu.EchoResponse(sequence=7, restart_counter=5)


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30ff0000000000",
        "50ff000000000000",  # version 2
        "20ff000000000000",  # GTP'
        "30ff000100000000",  # longer than the datagram
        "30ff000000000000ff",  # shorter
        "34ff000000000000",  # the optional part is missing
        "34ff00040000000000000085",  # the extension header is missing
        "34ff0008000000000000008500100100",  # length 0
        "34ff0008000000000000008502100100",  # length 8 with 4 octets left
        "34ff000800000000000000850100c100",  # PPP set and no room for it
        "34ff00080000000000000091011001 00",  # must be understood and is not
        "3005000000000000",  # unknown type
        "301a000000000000",  # Error Indication without IEs
        "301a000c00000000100000000185000301020 3".replace(" ", ""),
        "3001000100000000 05".replace(" ", ""),  # an IE without length and unknown
        "30010004000000008500ff00",  # an IE past the end
        "301f000000000000",
    ],
)
def test_malformed(octets: str) -> None:
    with pytest.raises(GtpuError):
        gtpu.decode(bytes.fromhex(octets))


def test_unknown_extension_is_named() -> None:
    with pytest.raises(GtpuError) as caught:
        gtpu.decode(bytes.fromhex("34ff00080000000000000091" + "01100100"))
    assert caught.value.unknown_extension == 0x91
    ignored = gtpu.decode(bytes.fromhex("34ff00080000000000000011" + "01100100"))
    assert ignored.extensions == (gtpu.ExtensionHeader(0x11, b"\x10\x01"),)


def test_no_encoding() -> None:
    with pytest.raises(GtpuError):
        gtpu.encode(gtpu.GPdu(teid=1 << 32, payload=b""))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 255), st.sampled_from([1, 2, 26, 31, 254, 255]), st.binary(max_size=40))
def test_only_gtpu_error(flags: int, kind: int, rest: bytes) -> None:
    octets = bytes((0x30 | flags & 7, kind)) + len(rest).to_bytes(2, "big") + bytes(4) + rest
    for candidate in (octets, bytes((flags,)) + rest):
        try:
            gtpu.encode(gtpu.decode(candidate))
        except GtpuError:
            pass


def test_pycrate_reads_and_rewrites_it() -> None:
    parser = pytest.importorskip("pycrate_mobile.TS29281_GTPU")
    for message in MESSAGES[:-1]:  # the last one has a paging policy indication, which pycrate cannot parse
        octets = gtpu.encode(message)
        parsed, error = parser.parse_GTPU(octets)
        assert error == 0
        assert parsed.to_bytes() == octets
