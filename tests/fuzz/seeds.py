"""Where fuzzing begins: the vectors that messages carry, and small files of each kind."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from cinq.eligibility import examples
from cinq.wire import nas, pfcp

BOM = (
    b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "c", "publisher": "D", '
    b'"components": [{"name": "e", "supplier": {"name": "F"}}]}], '
    b'"metadata": {"supplier": {"name": "A"}, "component": {"name": "b"}}}'
)
TOML = b'[network]\nplmn = "999-70"\ntacs = [1]\nslices = ["1-0000ff"]\n[[dnn]]\nname = "internet"\n'
NGAP = (
    "00150035000004001b00080099f9070000000100524008803130302e31300066001000000000010099f907000010080102030015400140",
    "000e40020001",
    "00140016000002000f4001860058000a40026005000260040001",
    "00094016000003005540020001000f400203c000134003700f10",
    "2015003c0000040001000903004f41492d414d4600600008000099f9070200400056400200ff0050000b0099f907000010080102030000",
)

XNAP = (
    "00060011000002004900020007004f000480011170",
    "00024017000003004900020007004f400480011170000740020040",
    "0014000d00000200380001000007400168",
)


def plant(name: str, corpus: Path) -> None:
    """The seeds of a target, each a file named by its content."""
    for octets in of(name):
        (corpus / hashlib.sha1(octets, usedforsecurity=False).hexdigest()).write_bytes(octets)


def of(name: str) -> Iterator[bytes]:
    if name in ("nas-message", "nas-envelope"):
        for found in dir(nas):
            for vector in getattr(getattr(nas, found), "VECTORS", ()):
                yield bytes.fromhex(vector)
    elif name == "ngap-pdu":
        yield from map(bytes.fromhex, NGAP)
    elif name == "xnap-pdu":
        yield from map(bytes.fromhex, XNAP)
    elif name == "pfcp-message":
        yield pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=0), sequence=1)
    elif name == "settings-file":
        yield TOML
    elif name == "policy-file":
        yield from (examples.text(one).encode() for one in (*examples.POLICIES, "inventory"))
    elif name == "bill-of-materials":
        yield BOM
    elif name == "capture-file":
        yield _capture()
    else:
        yield b"\0" * 16


def _capture() -> bytes:
    """A pcap of one UDP packet to the PFCP port."""
    file = io.BytesIO()
    payload = bytes.fromhex("2001000c00000100600004e0000000")
    udp = (8805).to_bytes(2, "big") * 2 + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload
    ip = (
        bytes.fromhex("4500")
        + (20 + len(udp)).to_bytes(2, "big")
        + bytes.fromhex("0000000040110000")
        + bytes(8)
        + udp
    )
    frame = bytes(12) + b"\x08\0" + ip
    file.write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    file.write(bytes(8) + len(frame).to_bytes(4, "little") * 2 + frame)
    return file.getvalue()
