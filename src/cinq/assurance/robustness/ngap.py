"""NGAP, TS 38.413: the messages and IEs of the generated tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cinq.assurance.robustness.form import Grammar, Input, Part, Symbols, contents
from cinq.wire import ngap
from cinq.wire.ngap.generated.tables import CLASSES, IES
from cinq.wire.per.base import CRITICALITIES

MOST_ZEROS = 200  # octets that are tried for contents
UNKNOWN_IE = 65535
LONGEST = 16_000  # octets that one length determinant can tell (X.691 §11.9)


@cache
def forms() -> tuple[Input, ...]:
    """Both directions: an AMF may hear from a gNB what only an AMF says."""
    found = []
    for key, cls in CLASSES.items():
        parts = tuple(
            Part(
                ngap.IE_NAMES.get(number, attribute),
                number,
                CRITICALITIES.index(criticality),
                example(decoder),
                symbol=f"ie {number}",
                mandatory=mandatory,
            )
            for number, attribute, criticality, mandatory, decoder in IES.get(cls, ())
        )
        head = (key >> 13, key & 0xFF, CRITICALITIES.index(cls.CRITICALITY))
        found.append(Input(cls.__name__, head, parts))
    return tuple(found)


def example(decoder: Callable[[bytes], object]) -> bytes:
    """The fewest octets of zeros that are contents: the smallest value of every type that is in it."""
    for size in range(1, MOST_ZEROS):
        try:
            decoder(bytes(size))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            continue
        return bytes(size)
    return b"\0"


def part(one: Part, symbols: Symbols) -> bytes:
    value = contents(one, symbols)
    told = len(value) if one.told is None else one.told
    return one.tag.to_bytes(2, "big") + bytes((one.level << 6,)) + determinant(told) + value


def header(one: Input, body: bytes, symbols: Symbols) -> bytes:
    kind, code, criticality = one.head
    content = b"\0" + len(one.parts).to_bytes(2, "big") + body
    return bytes((kind << 5, code, criticality << 6)) + determinant(len(content)) + content


def determinant(length: int) -> bytes:
    """Of a length below 16K; a larger one is told as the largest."""
    return bytes((length,)) if length < 0x80 else (0x8000 | min(length, 0x3FFF)).to_bytes(2, "big")


def elements(octets: bytes) -> dict[str, bytes]:
    """The IEs of a whole message, as symbols. ValueError: it is none."""
    try:
        _, at = _length(octets, 3)
        found: dict[str, bytes] = {}
        count, at = int.from_bytes(octets[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            size, begin = _length(octets, at + 3)
            found[f"ie {int.from_bytes(octets[at : at + 2], 'big')}"] = octets[begin : begin + size]
            at = begin + size
    except IndexError:
        raise ValueError("it ends too early") from None
    return found


def _length(octets: bytes, at: int) -> tuple[int, int]:
    if octets[at] < 0x80:
        return octets[at], at + 1
    if octets[at] >= 0xC0:
        raise ValueError("a message in fragments")
    return (octets[at] & 0x3F) << 8 | octets[at + 1], at + 2


STRANGERS = tuple(
    Part(f"an unknown IE of criticality {name}", UNKNOWN_IE - level, level, b"\0")
    for level, name in enumerate(CRITICALITIES)
)
GRAMMAR = Grammar("NGAP", forms, part, header, STRANGERS, LONGEST)
