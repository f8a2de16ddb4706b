"""5GS NAS, TS 24.501: the messages and elements of the tables of clause 8, both directions, 5GMM and 5GSM."""

from __future__ import annotations

import random
from functools import cache

from cinq.assurance.robustness.form import Grammar, Input, Part, Symbols, contents
from cinq.wire import nas
from cinq.wire.nas.codec import GMM_MESSAGES, GSM_MESSAGES
from cinq.wire.nas.engine import GMM, GSM, NasMessage
from cinq.wire.nas.row import Codec, Format, Nibble, Row

MOST = 60  # octets that are tried for contents
TRIES = 30
PDU_SESSION, PTI = 11, 101


@cache
def gmm_forms() -> tuple[Input, ...]:
    return tuple(_form(kind) for _, kind in sorted(GMM_MESSAGES.items()))


@cache
def gsm_forms() -> tuple[Input, ...]:
    return tuple(_form(kind) for _, kind in sorted(GSM_MESSAGES.items()))


def _form(kind: type[NasMessage]) -> Input:
    known, parts = _known(kind), list[Part]()
    for row in kind.ROWS:
        value = known.get(row.name, b"") or _example(row)
        if row.format is Format.HALF_HIGH and parts and parts[-1].level == Format.HALF:
            first = parts.pop()
            both = bytes((first.value[0] | value[0] << 4,))
            parts.append(Part(f"{first.name} and {row.name}", 0, Format.V, both, mandatory=True))
            continue
        symbol = "5G-GUTI" if row.name in ("mobile_identity", "guti") else ""
        parts.append(Part(row.name, row.iei or 0, row.format, value, (), symbol, None, row.mandatory))
    head = (GMM, 0, kind.TYPE) if kind.EPD == GMM else (GSM, PDU_SESSION, PTI, kind.TYPE)
    return Input(kind.__name__, head, tuple(parts))


def _known(kind: type[NasMessage]) -> dict[str, bytes]:
    """Contents as in the messages of foreign stacks that the class carries with it."""
    found: dict[str, bytes] = {}
    for vector in kind.VECTORS:
        try:
            message = nas.decode(bytes.fromhex(vector))
        except nas.NasError:
            continue
        for row in kind.ROWS:
            value = message.fields.get(row.name)
            if value is None or row.name in found:
                continue
            made = row.codec.encode(value)
            found[row.name] = bytes((made,)) if isinstance(made, int) else made
    return found


def _example(row: Row) -> bytes:
    """The fewest octets that have a meaning: of zeros, else of chance that is the same each time; else zeros."""
    codec = row.codec
    if isinstance(codec, Nibble):
        return b"\0"
    chance = random.Random(row.name)
    for size in range(codec.low, min(codec.high, MOST) + 1):
        for value in (bytes(size), *(chance.randbytes(size) for _ in range(TRIES))):
            if _has_a_meaning(codec, value):
                return value
    return bytes(codec.low)


def _has_a_meaning(codec: Codec[object], value: bytes) -> bool:
    try:
        codec.decode(value)
    except (ValueError, IndexError):
        return False
    return True


def part(one: Part, symbols: Symbols) -> bytes:
    value = contents(one, symbols)
    told = len(value) if one.told is None else one.told
    match Format(one.level):
        case Format.HALF | Format.HALF_HIGH | Format.V:
            return value
        case Format.TV1:
            return bytes((one.tag << 4 | (value[0] & 0x0F if value else 0),)) + value[1:]
        case Format.TV:
            return bytes((one.tag,)) + value
        case Format.LV | Format.TLV:
            head = b"" if one.level == Format.LV else bytes((one.tag,))
            return head + bytes((min(told, 0xFF),)) + value
        case _:
            head = b"" if one.level == Format.LVE else bytes((one.tag,))
            return head + min(told, 0xFFFF).to_bytes(2, "big") + value


def header(one: Input, body: bytes, symbols: Symbols) -> bytes:
    return bytes(one.head) + body


STRANGERS = (
    Part("an unknown IEI to be comprehended", 0x0F, Format.TLV, b"\0"),
    Part("an unknown IEI of half an octet", 0xE, Format.TV1, b"\x0f"),
    Part("an unknown IEI with a length of two octets", 0x7F, Format.TLVE, b"\0\0"),
)
"""TS 24.007 §11.2.4: comprehension required below 16, type 1 from 8x on, TLV-E for 78 to 7F."""
GMM_GRAMMAR = Grammar("5GMM", gmm_forms, part, header, STRANGERS, 5000)
GSM_GRAMMAR = Grammar("5GSM", gsm_forms, part, header, STRANGERS, 5000)
