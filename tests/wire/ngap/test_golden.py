"""Every NGAP message that foreign stacks sent decodes, and encodes back to the same octets."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from cinq.wire import ngap

SHARED = Path(os.environ.get("CINQ_SHARED", Path(__file__).parents[4] / "shared"))
CAPTURES = sorted((SHARED / "golden").glob("*n2n3.pcap"))
LINK_HEADERS = {1: (14, 12), 113: (16, 14), 276: (20, 0)}
SCTP, DATA, NGAP_PPID = 132, 0, 60

pytestmark = pytest.mark.skipif(not CAPTURES, reason=f"no captures in {SHARED / 'golden'} (set CINQ_SHARED)")


def packets(capture: bytes) -> Iterator[bytes]:
    """The IPv4 packets of a classic pcap file."""
    order = "<" if capture[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    (link,) = struct.unpack_from(order + "I", capture, 20)
    header, ethertype = LINK_HEADERS[link]
    at = 24
    while at < len(capture):
        (length,) = struct.unpack_from(order + "I", capture, at + 8)
        frame = capture[at + 16 : at + 16 + length]
        if frame[ethertype : ethertype + 2] == b"\x08\x00":
            yield frame[header:]
        at += 16 + length


def ngap_messages(capture: bytes) -> Iterator[bytes]:
    """The user data of the unfragmented SCTP DATA chunks of PPID 60."""
    for packet in packets(capture):
        if packet[9] != SCTP:
            continue
        (total,) = struct.unpack_from(">H", packet, 2)
        sctp = packet[(packet[0] & 15) * 4 : total]
        at = 12
        while at + 4 <= len(sctp):
            kind, flags, length = struct.unpack_from(">BBH", sctp, at)
            if kind == DATA and struct.unpack_from(">I", sctp, at + 12)[0] == NGAP_PPID:
                assert flags & 3 == 3, "a fragmented chunk"
                yield sctp[at + 16 : at + length]
            at += (length + 3) & ~3


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_captured_messages_come_back(path: Path) -> None:
    octets = list(ngap_messages(path.read_bytes()))
    messages = [ngap.decode(one) for one in octets]
    assert [ngap.encode(message) for message in messages] == octets
    kinds = {type(message) for message in messages}
    assert {ngap.NGSetupRequest, ngap.NGSetupResponse, ngap.InitialUEMessage} <= kinds
    assert not any(message.diagnostics for message in messages)


def transfers(message: ngap.Pdu) -> Iterator[tuple[type[ngap.Sequence], bytes]]:
    """(class, octets) of the transfers inside the items of a message's lists."""
    for _, value in message.items():
        for item in value if isinstance(value, list) else ():
            for name, content in item.items() if isinstance(item, ngap.Sequence) else ():
                if name.endswith("_transfer") and isinstance(content, bytes):
                    wanted = name.replace("_", "")
                    (cls,) = (getattr(ngap, n) for n in ngap.types.__all__ if n.lower() == wanted)
                    yield cls, content


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_captured_transfers_come_back(path: Path) -> None:
    found = 0
    for one in ngap_messages(path.read_bytes()):
        for cls, content in transfers(ngap.decode(one)):
            assert ngap.encode_value(ngap.decode_value(cls, content)) == content
            found += 1
    assert found >= 2
