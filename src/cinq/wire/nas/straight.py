"""The short way through octets and values that are right: plain code, made from the rows of a class on first use.

`source(layout)` shows it. Elements come in the order of the rows and nothing surprises. What the code cannot handle
it refuses with whatever exception comes; the careful way (careful.py) then says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, cast

from cinq.wire.nas.row import Codec, Format, Nibble, Row

Reader = Callable[[bytes], dict[str, object]]
"""The elements of a whole plain PDU of one kind, by name."""
Writer = Callable[[dict[str, object]], bytes]
"""The whole plain PDU, from the elements that are present."""

_OCTETS = tuple(bytes((number,)) for number in range(256))
_NO_WIDTH = (Format.V, Format.TV)
_TWO_OCTETS = (Format.LVE, Format.TLVE)


class Initializer(Protocol):
    """A constructor: it takes the elements as keywords."""

    __qualname__: str

    def __call__(self, message: object, **elements: object) -> None: ...


class Unfit(ValueError):
    """An element that wants the careful way."""


class Layout(NamedTuple):
    """What the code of a message class is made from. header: names of the octets between EPD and message type."""

    name: str
    epd: int
    number: int
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def mandatory(self) -> list[Row]:
        return [row for row in self.rows if row.mandatory]

    @property
    def optional(self) -> list[tuple[int, Row]]:
        """With their IEI."""
        return [(row.iei, row) for row in self.rows if row.iei is not None]


def reader(layout: Layout) -> Reader:
    """Raises ValueError or LookupError on what it cannot handle."""
    return cast(Reader, _made(layout, "read", _read_source))


def writer(layout: Layout) -> Writer:
    """Raises whatever comes on what it cannot handle."""
    return cast(Writer, _made(layout, "write", _write_source))


def initializer(layout: Layout) -> Initializer:
    """With a keyword for each element. It raises TypeError on a missing or a strange one."""
    function = cast(Initializer, _made(layout, "__init__", _initializer_source))
    function.__qualname__ = f"{layout.name}.__init__"
    return function


def source(layout: Layout) -> str:
    """All code of a message class, as Python."""
    parts = _initializer_source(layout), _read_source(layout), _write_source(layout)
    return "\n\n\n".join("\n".join(lines) for lines in parts)


def _made(layout: Layout, name: str, lines: Callable[[Layout], Iterator[str]]) -> object:
    names: dict[str, object] = {
        "Unfit": Unfit,
        "octets_of": _OCTETS,
        "join": b"".join,
        "set_attribute": object.__setattr__,
    }
    for row in layout.rows:
        codec = row.codec
        names[f"read_{row.name}"] = codec.values if isinstance(codec, Nibble) else codec.decode
        names[f"write_{row.name}"] = codec.encode
    text = "\n".join(lines(layout))
    exec(compile(text, f"<rows of {layout.name}>", "exec"), names)  # noqa: S102 (made from rows alone)
    return names[name]


# -- constructor ---------------------------------------------------------------------------------------------


def _initializer_source(layout: Layout) -> Iterator[str]:
    needed = [*layout.header, *(row.name for row in layout.mandatory)]
    optional = [row.name for _, row in layout.optional]
    keywords = [*needed, *(f"{name}=None" for name in optional)]
    yield f"def __init__({', '.join(['self', '*', *keywords] if keywords else ['self'])}):"
    if needed:
        yield f"    if {' or '.join(f'{name} is None' for name in needed)}:"
        yield f"        raise TypeError('{layout.name}: a mandatory element is None')"
    yield f"    present = {{{', '.join(f'{name!r}: {name}' for name in needed)}}}"
    for name in optional:
        yield f"    if {name} is not None: present[{name!r}] = {name}"
    yield "    set_attribute(self, '__dict__', present)"


# -- reading -------------------------------------------------------------------------------------------------


def _paired(rows: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """Two neighbours of half an octet go together."""
    found: list[tuple[Row, Row | None]] = []
    for row in rows:
        if row.format is Format.HALF_HIGH:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, None))
    return found


def _read_source(layout: Layout) -> Iterator[str]:
    """Slices that end too early do no harm: the next octet is not there, or the end is not where it should be."""
    yield "def read(octets):"
    fields = [f"{name!r}: octets[{place}]" for place, name in enumerate(layout.header, 1)]
    base, at = "", len(layout.header) + 2 if layout.header else 3
    for row, other in _paired(layout.mandatory):
        name, codec, here = row.name, row.codec, f"{base}{at}"
        if isinstance(codec, Nibble):
            yield f"    {name}_ = octets[{here}]"
            fields.append(f"{name!r}: read_{name}[{name}_ & 15]")
            if other is not None:
                fields.append(f"{other.name!r}: read_{other.name}[{name}_ >> 4]")
            at += 1
        elif row.format in _NO_WIDTH:
            fields.append(f"{name!r}: {_decoded(row, here, f'{base}{at + codec.low}')}")
            at += codec.low
        else:
            yield from _size_source(row, codec, f"octets[{here}]", f"octets[{base}{at + 1}]")
            begin = f"{base}{at + (2 if row.format in _TWO_OCTETS else 1)}"
            yield f"    {name}_end = {begin} + size"
            fields.append(f"{name!r}: {_decoded(row, begin, f'{name}_end')}")
            base, at = f"{name}_end + ", 0
    yield f"    at, end = {f'{base}{at}' if at else base.removesuffix(' + ')}, len(octets)"
    yield f"    fields = {{{', '.join(fields)}}}"
    yield "    if at == end: return fields"
    if layout.optional:
        yield "    tag = octets[at]"
    for iei, row in layout.optional:
        yield from _read_optional_source(iei, row)
    yield "    raise Unfit"


def _read_optional_source(iei: int, row: Row) -> Iterator[str]:
    name, codec = row.name, row.codec
    if isinstance(codec, Nibble):
        yield f"    if tag & 0xf0 == {iei << 4:#04x}:"
        yield f"        fields[{name!r}] = read_{name}[tag & 15]"
        yield "        at += 1"
    else:
        yield f"    if tag == {iei:#04x}:"
        if row.format in _NO_WIDTH:
            yield "        begin = at + 1"
            yield f"        at = begin + {codec.low}"
        else:
            for line in _size_source(row, codec, "octets[at + 1]", "octets[at + 2]"):
                yield f"    {line}"
            yield f"        begin = at + {3 if row.format in _TWO_OCTETS else 2}"
            yield "        at = begin + size"
        yield f"        fields[{name!r}] = {_decoded(row, 'begin', 'at')}"
    yield "        if at == end: return fields"
    yield "        tag = octets[at]"


def _size_source(row: Row, codec: Codec[object], first: str, second: str) -> Iterator[str]:
    two = row.format in _TWO_OCTETS
    yield f"    size = {f'{first} << 8 | {second}' if two else first}"
    wrong = _out_of_limits(codec, 0xFFFF if two else 0xFF)
    if wrong:
        yield f"    if {wrong}: raise Unfit"


def _out_of_limits(codec: Codec[object], most: int) -> str:
    if codec.low == codec.high:
        return f"size != {codec.low}"
    limits = [f"size < {codec.low}"] if codec.low else []
    return " or ".join([*limits, f"size > {codec.high}"] if codec.high < most else limits)


def _decoded(row: Row, begin: str, end: str) -> str:
    part = f"octets[{begin}:{end}]"
    return part if row.codec.decode is bytes else f"read_{row.name}({part})"


# -- writing -------------------------------------------------------------------------------------------------


def _write_source(layout: Layout) -> Iterator[str]:
    yield "def write(present):"
    parts = [repr(bytes((layout.epd, 0, layout.number)))]
    if layout.header:
        header = ", ".join(f"present[{name!r}]" for name in layout.header)
        parts = [f"bytes(({layout.epd}, {header}, {layout.number}))"]
    for row, other in _paired(layout.mandatory):
        codec = row.codec
        if not isinstance(codec, Nibble):
            yield from _value_source(row, codec, "")
            parts += _sized_parts(row, codec, b"")
        elif other is None:
            yield from _half_source(row, "")
            parts.append(f"octets_of[{row.name}_]")
        else:
            yield from (*_half_source(row, ""), *_half_source(other, ""))
            parts.append(f"octets_of[{other.name}_ << 4 | {row.name}_]")
    yield f"    parts = [{', '.join(parts)}]"
    yield f"    left = len(present) - {len(layout.header) + len(layout.mandatory)}"
    yield "    if not left: return join(parts)"
    for iei, row in layout.optional:
        yield from _write_optional_source(iei, row)
    yield "    return join(parts)"


def _write_optional_source(iei: int, row: Row) -> Iterator[str]:
    codec = row.codec
    yield f"    if {row.name!r} in present:"
    if isinstance(codec, Nibble):
        yield from _half_source(row, "    ")
        yield f"        parts.append(octets_of[{iei << 4:#04x} | {row.name}_])"
    else:
        yield from _value_source(row, codec, "    ")
        parts = _sized_parts(row, codec, bytes((iei,)))
        yield f"        parts += {', '.join(parts)},"
    yield "        left -= 1"
    yield "        if not left: return join(parts)"


def _half_source(row: Row, indent: str) -> Iterator[str]:
    value = f"present[{row.name!r}]"
    yield f"{indent}    {row.name}_ = {value if row.codec.encode is int else f'write_{row.name}({value})'}"
    yield f"{indent}    if {row.name}_ & -16: raise Unfit"


def _value_source(row: Row, codec: Codec[object], indent: str) -> Iterator[str]:
    name = row.name
    if codec.encode is bytes:
        yield f"{indent}    {name}_ = present[{name!r}]"
        yield f"{indent}    if {name}_.__class__ is not bytes: raise Unfit"
    else:
        yield f"{indent}    {name}_ = write_{name}(present[{name!r}])"
    wrong = _out_of_limits(codec, 0xFFFF if row.format in _TWO_OCTETS else 0xFF)
    yield f"{indent}    size = len({name}_)"
    if wrong:
        yield f"{indent}    if {wrong}: raise Unfit"
    if codec.low != codec.high:
        length = "size.to_bytes(2, 'big')" if row.format in _TWO_OCTETS else "octets_of[size]"
        yield f"{indent}    {name}_size = {length}"


def _sized_parts(row: Row, codec: Codec[object], tag: bytes) -> list[str]:
    """The parts of which an element is joined. What is known of tag and length is one constant."""
    length = f"{row.name}_size"
    if codec.low == codec.high:
        tag += (
            b""
            if row.format in _NO_WIDTH
            else codec.low.to_bytes(2 if row.format in _TWO_OCTETS else 1, "big")
        )
        length = ""
    return [part for part in (repr(tag) if tag else "", length, f"{row.name}_") if part]
