"""Cell broadcast: what a warning message holds, TS 23.041 §9.4.2.2 and TS 23.038 §5 and §6.2.

Pure functions: no time, no chance, no I/O. A text goes into as many pages as it needs, each of 82 octets, in the GSM
7-bit default alphabet where that has all its characters, else in UCS2.
"""

from __future__ import annotations

from typing import NamedTuple

PAGE_OCTETS = 82
PAGE_SEPTETS = 93
MOST_PAGES = 15

GSM7 = 0x0F  # TS 23.038 §5: default alphabet, language unspecified
UCS2 = 0x48  # general data coding, uncompressed, no message class

_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_ESCAPE, _FILLER = 0x1B, 0x0D
_SEPTETS = {character: (value,) for value, character in enumerate(_ALPHABET) if value != _ESCAPE} | {
    character: (_ESCAPE, value) for character, value in _EXTENSION.items()
}
_EXTENDED = {value: character for character, value in _EXTENSION.items()}


class CbsError(ValueError):
    """A text that no warning message can hold, or octets that are none."""


class Contents(NamedTuple):
    """Data Coding Scheme and Warning Message Contents, TS 38.413 §9.3.1.41 and §9.3.1.42."""

    coding: int
    octets: bytes


def encode(text: str) -> Contents:
    """CbsError: it is empty, or needs more than 15 pages."""
    if not text:
        raise CbsError("text: found none, wanted at least one character")
    if all(character in _SEPTETS for character in text):
        coding, pages = GSM7, [_packed(page) for page in _septet_pages(text)]
    else:
        coding, pages = UCS2, _ucs2_pages(text)
    if len(pages) > MOST_PAGES:
        raise CbsError(f"text: found {len(text)} characters, {len(pages)} pages, wanted at most {MOST_PAGES}")
    body = b"".join(page.ljust(PAGE_OCTETS, b"\0") + bytes((len(page),)) for page in pages)
    return Contents(coding, bytes((len(pages),)) + body)


def decode(contents: Contents) -> str:
    """The text of it. CbsError when the octets are no pages, or of another coding."""
    octets = contents.octets
    if not octets or not 1 <= octets[0] <= MOST_PAGES or len(octets) != 1 + octets[0] * (PAGE_OCTETS + 1):
        raise CbsError(f"contents: found {len(octets)} octets, wanted whole pages of {PAGE_OCTETS + 1}")
    text = ""
    for start in range(1, len(octets), PAGE_OCTETS + 1):
        used = octets[start + PAGE_OCTETS]
        if used > PAGE_OCTETS:
            raise CbsError(f"page: found {used} octets, wanted at most {PAGE_OCTETS}")
        page = octets[start : start + used]
        if contents.coding == GSM7:
            text += _unpacked(page)
        elif contents.coding == UCS2:
            text += page.decode("utf-16-be", "replace")
        else:
            raise CbsError(f"data coding scheme: found {contents.coding:#04x}, wanted 0x0f or 0x48")
    return text


def _septet_pages(text: str) -> list[list[int]]:
    """No escape sequence is cut."""
    pages: list[list[int]] = [[]]
    for character in text:
        septets = _SEPTETS[character]
        if len(pages[-1]) + len(septets) > PAGE_SEPTETS:
            pages.append([])
        pages[-1] += septets
    return pages


def _packed(septets: list[int]) -> bytes:
    """TS 23.038 §6.1.2.1.1. A spare septet at the end is filled with CR, so that it is not read as '@'."""
    if len(septets) % 8 == 7:
        septets = [*septets, _FILLER]
    whole = 0
    for position, septet in enumerate(septets):
        whole |= septet << 7 * position
    return whole.to_bytes((7 * len(septets) + 7) // 8, "little")


def _unpacked(page: bytes) -> str:
    whole, text, escaped = int.from_bytes(page, "little"), "", False
    for position in range(len(page) * 8 // 7):
        septet = whole >> 7 * position & 0x7F
        if escaped:
            text += _EXTENDED.get(septet, " ")
            escaped = False
        elif septet == _ESCAPE:
            escaped = True
        else:
            text += _ALPHABET[septet]
    return text.removesuffix("\r") if len(page) % 7 == 0 else text


def _ucs2_pages(text: str) -> list[bytes]:
    """No surrogate pair is cut: what is beyond UCS2 travels as UTF-16, which phones read."""
    pages = [b""]
    for character in text:
        octets = character.encode("utf-16-be", "surrogatepass")
        if len(pages[-1]) + len(octets) > PAGE_OCTETS:
            pages.append(b"")
        pages[-1] += octets
    return pages


def serial_number(scope: int, code: int, update: int = 0) -> int:
    """TS 23.041 §9.4.1.2.1: geographical scope of 2 bits, message code of 10, update number of 4."""
    return (scope & 0x3) << 14 | (code & 0x3FF) << 4 | update & 0xF


def warning_type(kind: str, *, alert: bool, popup: bool) -> bytes:
    """Warning Type, TS 23.041 §9.3.24: a value of 7 bits, emergency user alert, popup, and 7 bits of padding.

    KeyError: `kind` is none of ETWS_KINDS.
    """
    return (ETWS_KINDS[kind] << 9 | alert << 8 | popup << 7).to_bytes(2, "big")


ETWS_KINDS = {"earthquake": 0, "tsunami": 1, "earthquake-and-tsunami": 2, "test": 3, "other": 4}
ETWS_IDENTIFIERS = {kind: 0x1100 + value for kind, value in ETWS_KINDS.items()}
"""Message identifiers of ETWS, TS 23.041 §9.4.1.2.2: 4352 to 4356."""

PLMN_WIDE, TRACKING_AREA_WIDE = 1, 2
"""Geographical scopes."""
