"""Every IE of a PFCP message spoilt in turn, on octets alone: TS 29.244 §7.6."""

from __future__ import annotations

import struct
from collections.abc import Iterator

GROUPED = frozenset((1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 79, 83, 99))
Tree = list[tuple[int, "bytes | Tree"]]


def tree(octets: bytes) -> Tree:
    """The IEs of a body that is well formed."""
    found: Tree = []
    at = 0
    while at < len(octets):
        kind, length = struct.unpack_from("!HH", octets, at)
        body = octets[at + 4 : at + 4 + length]
        found.append((kind, tree(body) if kind in GROUPED else body))
        at += 4 + length
    return found


def body_of(ies: Tree) -> bytes:
    out = b""
    for kind, content in ies:
        body = content if isinstance(content, bytes) else body_of(content)
        out += struct.pack("!HH", kind, len(body)) + body
    return out


def _spoilt(ies: Tree) -> Iterator[tuple[str, Tree]]:
    for n, (kind, content) in enumerate(ies):
        before, after = ies[:n], ies[n + 1 :]
        whole = content if isinstance(content, bytes) else body_of(content)
        yield f"{kind} missing", before + after
        yield f"{kind} twice", [*before, ies[n], ies[n], *after]
        yield f"{kind} empty", [*before, (kind, b""), *after]
        yield f"{kind} cut", [*before, (kind, whole[:-1]), *after]
        yield f"{kind} long", [*before, (kind, whole + b"\0"), *after]
        yield f"{kind} ones", [*before, (kind, b"\xff" * len(whole)), *after]
        yield f"{kind} zeros", [*before, (kind, bytes(len(whole))), *after]
        yield f"{kind} huge", [*before, (kind, b"\xff" * 4000), *after]
        yield f"{kind} last", [*before, *after, ies[n]]
        yield f"unknown before {kind}", [*before, (0x7FFE, b"who"), *ies[n:]]
        if not isinstance(content, bytes):
            for name, inner in _spoilt(content):
                yield f"{kind}: {name}", [*before, (kind, inner), *after]


def spoilt(octets: bytes) -> Iterator[tuple[str, bytes]]:
    """(what was done, message) for each IE of a message at any depth, and for its header."""
    at = 16 if octets[0] & 1 else 8
    head, ies = octets[:at], tree(octets[at:])
    for name, changed in _spoilt(ies):
        body = body_of(changed)
        yield name, head[:2] + struct.pack("!H", len(body) + at - 4) + head[4:] + body
    yield "version 2", bytes((octets[0] & 0x1F | 0x40,)) + octets[1:]
    yield "S flag wrong", bytes((octets[0] ^ 1,)) + octets[1:]
    yield "FO flag", bytes((octets[0] | 4,)) + octets[1:]
    yield "length short", octets[:2] + b"\0\4" + octets[4:]
    yield "length long", octets[:2] + b"\xff\xff" + octets[4:]
    yield "type 0", octets[:1] + b"\0" + octets[2:]
    yield "type 255", octets[:1] + b"\xff" + octets[2:]
    filler = struct.pack("!HH", 0x7FFE, 60000) + bytes(60000)
    yield "64 KB", octets[:2] + struct.pack("!H", len(octets) - 4 + len(filler)) + octets[4:] + filler
