"""GTP-U, TS 29.281: the messages of the codec, with their extension headers and information elements."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Address

import msgspec

from cinq.assurance.robustness.form import Grammar, Input, Part, Symbols, contents
from cinq.wire import gtpu

EXTENSION, TV, TLV, LIST, PAYLOAD = range(5)
"""Levels: an extension header, an IE without a length, with one of two octets and of one octet, a user's packet."""
NEXT_EXTENSION = 0x04
FIRST_LENGTH = 128
EXTENSION_LIST = 141
TEID = "TEID"


@cache
def forms() -> tuple[Input, ...]:
    """Every message of the codec, bare, and with each kind of extension header before its elements."""
    found = []
    for cls in sorted(_messages(gtpu.GtpuMessage), key=lambda cls: cls.TYPE):
        parts = _elements(cls)
        found.append(Input(cls.__name__, (cls.TYPE, 0), parts))
        found.append(Input(f"{cls.__name__} with extension headers", (cls.TYPE, 1), (*EXTENSIONS, *parts)))
    return tuple(found)


def _messages(cls: type[gtpu.GtpuMessage]) -> Iterator[type[gtpu.GtpuMessage]]:
    if cls.TYPE:
        yield cls
    for each in cls.__subclasses__():
        yield from _messages(each)


def _elements(cls: type[gtpu.GtpuMessage]) -> tuple[Part, ...]:
    """As the codec writes them."""
    given = {field.name: _sample(field.type) for field in msgspec.structs.fields(cls) if field.required}
    whole = gtpu.encode(cls(**given))  # type: ignore[arg-type]  # by the types of its fields
    if cls is gtpu.GPdu:
        return (Part("T-PDU", level=PAYLOAD, value=whole[8:], symbol="T-PDU", mandatory=True),)
    found, at = list[Part](), 8
    while at < len(whole):
        tag = whole[at]
        if tag < FIRST_LENGTH:
            level, width, size = TV, 0, 4 if tag == 16 else 1
        else:
            level, width = (LIST, 1) if tag == EXTENSION_LIST else (TLV, 2)
            size = int.from_bytes(whole[at + 1 : at + 1 + width], "big")
        begin = at + 1 + width
        found.append(Part(f"IE {tag}", tag, level, whole[begin : begin + size], mandatory=True))
        at = begin + size
    return tuple(found)


def _sample(kind: object) -> object:
    """A value of what a message cannot be without."""
    if kind is int:
        return 1
    if kind is bytes:
        return bytes(20)
    return (0x85,) if "tuple" in str(kind) else IPv4Address("192.0.2.1")


EXTENSIONS = (
    Part("PDU Session Container", 0x85, EXTENSION, b"\x10\x01"),
    Part("Long PDCP PDU Number", 0x82, EXTENSION, b"\0\0\0\0\0\0"),
    Part("Service Class Indicator", 0x20, EXTENSION, b"\0\0"),
)


def part(one: Part, symbols: Symbols) -> bytes:
    """An extension header begins with its length in words of four octets; which comes next the header puts in."""
    value = contents(one, symbols)
    told = len(value) if one.told is None else one.told
    match one.level:
        case 0:
            padded = value + bytes(-(len(value) + 2) % 4)
            words = (len(padded) + 2) // 4 if one.told is None else told
            return bytes((min(words, 0xFF),)) + padded + b"\0"
        case 1:
            return bytes((one.tag,)) + value
        case 2:
            return bytes((one.tag,)) + min(told, 0xFFFF).to_bytes(2, "big") + value
        case 3:
            return bytes((one.tag, min(told, 0xFF))) + value
    return value


def header(one: Input, body: bytes, symbols: Symbols) -> bytes:
    kind, _ = one.head
    extensions = [each for each in one.parts if each.level == EXTENSION]
    flags, optional = 0x30, b""
    chained, at = bytearray(body), 0
    if extensions:
        flags |= NEXT_EXTENSION
        optional = bytes((0, 0, 0, extensions[0].tag))
        for number, each in enumerate(extensions):
            at += len(part(each, symbols))
            following = extensions[number + 1].tag if number + 1 < len(extensions) else 0
            if 0 < at <= len(chained):
                chained[at - 1] = following
    length = min(len(optional) + len(chained), 0xFFFF)
    return (
        bytes((flags, kind))
        + length.to_bytes(2, "big")
        + symbols.get(TEID, bytes(4))
        + optional
        + bytes(chained)
    )


STRANGERS = (
    Part("an extension header to be comprehended", 0xFF, EXTENSION, b"\0\0"),
    Part("an extension header to be passed over", 0x3F, EXTENSION, b"\0\0"),
    Part("an unknown IE", 250, TLV, b"\0"),
)
GRAMMAR = Grammar("GTP-U", forms, part, header, STRANGERS, 30_000)
