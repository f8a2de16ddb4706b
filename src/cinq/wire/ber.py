"""BER, the Basic Encoding Rules of ITU-T X.690, for types of modules with IMPLICIT TAGS: what charging records need.

A type is declared once, by rows of its components, and both directions follow from it. Lengths are definite; what is
decoded may have components in any order (a SET has none), and some that no row names: those are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from cinq.wire.error import WireError

Value = int | bytes | str | list["Value"] | dict[str, "Value"]
UNIVERSAL, CONTEXT, CONSTRUCTED = 0x00, 0x80, 0x20
INTEGER, OCTET_STRING, ENUMERATED, UTF8, IA5, SEQUENCE, SET = 2, 4, 10, 12, 22, 16, 17
TEXTS = {UTF8: "utf-8", IA5: "ascii"}
CLAUSE = "X.690 §8"
DEEPEST = 32


class Simple(Struct, frozen=True):
    """INTEGER, ENUMERATED, an octet or character string."""

    number: int


class Listed(Struct, frozen=True):
    """SEQUENCE OF."""

    of: Type


class Part(Struct, frozen=True):
    """A component, by its context-specific tag."""

    name: str
    tag: int
    type: Type
    optional: bool = True


class Record(Struct, frozen=True):
    """SEQUENCE or SET of components."""

    parts: tuple[Part, ...]
    kind: int = SEQUENCE

    def by_tag(self, tag: int) -> Part | None:
        return next((part for part in self.parts if part.tag == tag), None)


class Choice(Struct, frozen=True):
    """One of several, as {name: value}. A tag before it is explicit (X.680 §31.2.7)."""

    parts: tuple[Part, ...]

    def by_tag(self, tag: int) -> Part | None:
        return next((part for part in self.parts if part.tag == tag), None)


Type = Simple | Listed | Record | Choice
Whole, Octets, Enumerated, Text, Ascii = map(Simple, (INTEGER, OCTET_STRING, ENUMERATED, UTF8, IA5))


def encode(kind: Type, value: Value) -> bytes:
    """WireError: the value is none of this type."""
    if isinstance(kind, Choice):
        return _chosen(kind, value)
    constructed = not isinstance(kind, Simple)
    return _tlv(UNIVERSAL, _universal(kind), _content(kind, value), constructed=constructed)


def _universal(kind: Simple | Listed | Record) -> int:
    return kind.number if isinstance(kind, Simple) else SEQUENCE if isinstance(kind, Listed) else kind.kind


def _chosen(kind: Choice, value: Value) -> bytes:
    if not isinstance(value, dict) or len(value) != 1:
        raise WireError(None, "a choice is one of its alternatives", CLAUSE)
    ((name, inner),) = value.items()
    part = next((each for each in kind.parts if each.name == name), None)
    if part is None:
        raise WireError(None, f"no alternative {name}", CLAUSE)
    return _tagged(part, inner)


def _tagged(part: Part, value: Value) -> bytes:
    if isinstance(part.type, Choice):
        return _tlv(CONTEXT, part.tag, _chosen(part.type, value), constructed=True)
    return _tlv(CONTEXT, part.tag, _content(part.type, value), constructed=not isinstance(part.type, Simple))


def _content(kind: Simple | Listed | Record, value: Value) -> bytes:
    match kind, value:
        case Simple(number=number), int() if number in (INTEGER, ENUMERATED):
            return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        case Simple(number=number), bytes() if number == OCTET_STRING:
            return value
        case Simple(number=number), str() if number in TEXTS:
            return _text(value, TEXTS[number])
        case Listed(of=of), list():
            return b"".join(encode(of, one) for one in value)
        case Record(), dict():
            return b"".join(_components(kind, value))
    raise WireError(None, f"{type(value).__name__} is no value of {kind!r:.60}", CLAUSE)


def _text(value: str, encoding: str) -> bytes:
    try:
        return value.encode(encoding)
    except UnicodeEncodeError as error:
        raise WireError(None, f"{value[:40]!r} is no {encoding}", CLAUSE) from error


def _components(kind: Record, value: Mapping[str, Value]) -> Iterator[bytes]:
    unknown = value.keys() - {part.name for part in kind.parts}
    if unknown:
        raise WireError(None, f"no component {min(unknown)}", CLAUSE)
    for part in kind.parts:
        if part.name in value:
            yield _tagged(part, value[part.name])
        elif not part.optional:
            raise WireError(None, f"{part.name} is missing", CLAUSE)


def _tlv(tag_class: int, tag: int, content: bytes, *, constructed: bool) -> bytes:
    first = tag_class | (CONSTRUCTED if constructed else 0)
    if tag < 31:
        head = bytes((first | tag,))
    else:
        groups = [tag & 0x7F]
        while tag := tag >> 7:
            groups.append(tag & 0x7F | 0x80)
        head = bytes((first | 31, *reversed(groups)))
    size = len(content)
    if size < 128:
        return head + bytes((size,)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return head + bytes((0x80 | len(octets),)) + octets + content


# -- the way back ----------------------------------------------------------------------------------------


class _Tlv(Struct):
    """at: where its content begins."""

    tag_class: int
    constructed: bool
    tag: int
    at: int
    end: int


def decode(kind: Type, octets: bytes) -> tuple[Value, int]:
    """The value, and where it ends. WireError."""
    tlv = _read(octets, 0, len(octets))
    if isinstance(kind, Choice):
        return _alternative(kind, octets, tlv, 0), tlv.end
    if (tlv.tag_class, tlv.tag) != (UNIVERSAL, _universal(kind)):
        raise WireError(0, f"tag {tlv.tag} of class {tlv.tag_class >> 6}, wanted {_universal(kind)}", CLAUSE)
    return _value(kind, octets, tlv, 0), tlv.end


def _read(octets: bytes, at: int, end: int) -> _Tlv:
    start, first = at, _octet(octets, at, end)
    tag, at = first & 0x1F, at + 1
    if tag == 31:
        tag = 0
        while True:
            more = _octet(octets, at, end)
            tag, at = tag << 7 | more & 0x7F, at + 1
            if tag >= 1 << 28:
                raise WireError(start, "a tag without end", "X.690 §8.1.2.4")
            if not more & 0x80:
                break
    size, at = _octet(octets, at, end), at + 1
    if size == 0x80:
        raise WireError(at - 1, "indefinite length, wanted a definite one", "X.690 §8.1.3.6")
    if size > 0x80:
        count = size & 0x7F
        if count > 8 or at + count > end:
            raise WireError(at - 1, f"a length of {count} octets", "X.690 §8.1.3.5")
        size, at = int.from_bytes(octets[at : at + count], "big"), at + count
    if at + size > end:
        raise WireError(at, f"{size} octets, {end - at} are there", CLAUSE)
    return _Tlv(first & 0xC0, bool(first & CONSTRUCTED), tag, at, at + size)


def _octet(octets: bytes, at: int, end: int) -> int:
    if at >= end:
        raise WireError(at, "it ends too early", CLAUSE)
    return octets[at]


def _inside(octets: bytes, tlv: _Tlv, depth: int) -> Iterator[_Tlv]:
    if not tlv.constructed:
        raise WireError(tlv.at, "primitive, wanted constructed", CLAUSE)
    if depth > DEEPEST:
        raise WireError(tlv.at, "nested too deep", CLAUSE)
    at = tlv.at
    while at < tlv.end:
        one = _read(octets, at, tlv.end)
        yield one
        at = one.end


def _alternative(kind: Choice, octets: bytes, tlv: _Tlv, depth: int) -> Value:
    part = kind.by_tag(tlv.tag) if tlv.tag_class == CONTEXT else None
    if part is None:
        raise WireError(tlv.at, f"tag {tlv.tag} is no alternative", CLAUSE)
    return {part.name: _of_part(part, octets, tlv, depth)}


def _of_part(part: Part, octets: bytes, tlv: _Tlv, depth: int) -> Value:
    if not isinstance(part.type, Choice):
        return _value(part.type, octets, tlv, depth)
    inner = list(_inside(octets, tlv, depth))
    if len(inner) != 1:
        raise WireError(tlv.at, f"{len(inner)} alternatives of {part.name}, wanted one", CLAUSE)
    return _alternative(part.type, octets, inner[0], depth + 1)


def _value(kind: Simple | Listed | Record, octets: bytes, tlv: _Tlv, depth: int) -> Value:
    if isinstance(kind, Listed):
        return [_item(kind.of, octets, one, depth + 1) for one in _inside(octets, tlv, depth)]
    if isinstance(kind, Record):
        return _record(kind, octets, tlv, depth)
    content = octets[tlv.at : tlv.end]
    if tlv.constructed:
        raise WireError(tlv.at, "constructed, wanted primitive", CLAUSE)
    if kind.number in (INTEGER, ENUMERATED):
        if not content:
            raise WireError(tlv.at, "an INTEGER of no octets", "X.690 §8.3.1")
        return int.from_bytes(content, "big", signed=True)
    if kind.number == OCTET_STRING:
        return content
    try:
        return content.decode(TEXTS[kind.number])
    except UnicodeDecodeError as error:
        raise WireError(tlv.at + error.start, f"no {TEXTS[kind.number]}", CLAUSE) from None


def _item(kind: Type, octets: bytes, tlv: _Tlv, depth: int) -> Value:
    if isinstance(kind, Choice):
        return _alternative(kind, octets, tlv, depth)
    if (tlv.tag_class, tlv.tag) != (UNIVERSAL, _universal(kind)):
        raise WireError(tlv.at, f"tag {tlv.tag} in a list, wanted {_universal(kind)}", CLAUSE)
    return _value(kind, octets, tlv, depth)


def _record(kind: Record, octets: bytes, tlv: _Tlv, depth: int) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in _inside(octets, tlv, depth):
        part = kind.by_tag(one.tag) if one.tag_class == CONTEXT else None
        if part is None:
            continue
        if part.name in found:
            raise WireError(one.at, f"{part.name} twice", CLAUSE)
        found[part.name] = _of_part(part, octets, one, depth + 1)
    for part in kind.parts:
        if not part.optional and part.name not in found:
            raise WireError(tlv.at, f"{part.name} is missing", CLAUSE)
    return found
