"""multipart/related bodies, RFC 2387 and RFC 2046 §5.1: a JSON part, then parts of octets that it names.

TS 29.500 §5.4: the JSON data is the first part and the root. A part of octets has a Content-Type that says what it
is (TS 29.502 §6.1.2.4) and a Content-Id by which the JSON refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cinq.sbi.message import JSON, MULTIPART, media_type

MOST_PARTS = 16
MOST_HEADERS = 8
LONGEST_HEADER = 512  # octets of a part's header line
_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE)
_FIRST = "cinq"


class MultipartError(ValueError):
    """Octets that are no such body: what was wrong, and where."""


@dataclass(frozen=True, slots=True)
class Part:
    """content_type: in lower case, without parameters. content_id: without angle brackets; "" where it has none."""

    content_type: str
    content_id: str
    octets: bytes


def encode(parts: Iterable[Part]) -> tuple[str, bytes]:
    """The Content-Type with its boundary, and the body. The boundary is in no part."""
    parts = tuple(parts)
    boundary, number = _FIRST, 0
    while any(b"--" + boundary.encode() in part.octets for part in parts):
        number += 1
        boundary = f"{_FIRST}-{number}"
    line = f"--{boundary}".encode()
    pieces: list[bytes] = []
    for part in parts:
        head = f"\r\nContent-Type: {part.content_type}"
        if part.content_id:
            head += f"\r\nContent-Id: {part.content_id}"
        pieces += [line, head.encode(), b"\r\n\r\n", part.octets, b"\r\n"]
    pieces += [line, b"--\r\n"]
    return f'{MULTIPART}; boundary="{boundary}"; type="{JSON}"', b"".join(pieces)


def decode(content_type: str, body: bytes) -> list[Part]:
    """The parts, the root first. MultipartError when it is none, has no root, or has too many parts."""
    found = _BOUNDARY.search(content_type)
    if media_type(content_type) != MULTIPART or found is None:
        raise MultipartError(f"Content-Type: found {content_type[:80]!r}, wanted {MULTIPART} with a boundary")
    line = b"--" + (found[1] or found[2]).encode("utf-8", "surrogateescape")
    start = 0 if body.startswith(line) else body.find(b"\r\n" + line) + 2
    if start == 1:
        raise MultipartError("the boundary is nowhere in the body")
    at = start + len(line)
    parts: list[Part] = []
    while body[at : at + 2] != b"--":
        if len(parts) >= MOST_PARTS:
            raise MultipartError(f"more than {MOST_PARTS} parts")
        end = body.find(b"\r\n" + line, at)
        if end < 0:
            raise MultipartError(f"part {len(parts) + 1} has no end")
        parts.append(_part(body[at:end], len(parts) + 1))
        at = end + 2 + len(line)
    if not parts:
        raise MultipartError("no part")
    return parts


def _part(octets: bytes, number: int) -> Part:
    head, gap, content = octets.partition(b"\r\n\r\n")
    if not gap:
        raise MultipartError(f"part {number}: its headers have no end")
    lines = head.lstrip(b" \t").removeprefix(b"\r\n").split(b"\r\n")
    if len(lines) > MOST_HEADERS or any(len(line) > LONGEST_HEADER for line in lines):
        raise MultipartError(
            f"part {number}: more than {MOST_HEADERS} headers, or one longer than {LONGEST_HEADER} octets"
        )
    content_type = content_id = ""
    for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        if name.strip().lower() == "content-type":
            content_type = media_type(value)
        elif name.strip().lower() == "content-id":
            content_id = value.strip().removeprefix("<").removesuffix(">")
    return Part(content_type, content_id, content)
