"""The short way through octets and values that are right: one small function per row and direction.

A function is made for the format and codec of its row, so that nothing is left to ask when it runs. What it
cannot handle it refuses with whatever exception comes; the careful way (careful.py) then says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cinq.wire.nas.row import Codec, Format, Nibble, Row

Reader = Callable[[bytes, int, dict[str, object]], int]
"""Reads the element at a position into the dictionary and returns the position after it."""
Writer = Callable[[dict[str, object]], bytes]
"""The octets of an element, from the dictionary of all that are present."""

_OCTET = tuple(bytes((number,)) for number in range(256))


class Unfit(ValueError):
    """An element that wants the careful way."""


def mandatory_readers(rows: Sequence[Row]) -> tuple[Reader, ...]:
    """Readers of the mandatory elements among the rows, in their order."""
    return tuple(_readers(low, high) for low, high in _paired([row for row in rows if row.mandatory]))


def optional_readers(rows: Sequence[Row]) -> dict[int, Reader]:
    """Readers of the optional elements among the rows, by each first octet that they may have."""
    table: dict[int, Reader] = {}
    for row in rows:
        if row.iei is None:
            continue
        if isinstance(row.codec, Nibble):
            reader = _read_tv1(row.name, row.codec)
            table.update(dict.fromkeys(range(row.iei << 4, (row.iei << 4) + 16), reader))
        else:
            table[row.iei] = _read_optional(row, row.codec)
    return table


def writers(rows: Sequence[Row]) -> tuple[Writer, ...]:
    """Writers of a message that has the elements of these rows."""
    return tuple(_writer(low, high) for low, high in _paired(rows))


def _paired(rows: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """Two neighbours of half an octet go together."""
    found: list[tuple[Row, Row | None]] = []
    for row in rows:
        if row.format is Format.HALF_HIGH:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, None))
    return found


def _readers(row: Row, high: Row | None) -> Reader:
    codec = row.codec
    if isinstance(codec, Codec):
        return _read_mandatory(row, codec)
    if high is not None and isinstance(high.codec, Nibble):
        return _read_halves(row.name, codec, high.name, high.codec)
    name, table = row.name, codec.decode

    def half(octets: bytes, position: int, fields: dict[str, object]) -> int:
        fields[name] = table(octets[position] & 15)
        return position + 1

    return half


def _read_halves(name: str, codec: Nibble[object], other: str, other_codec: Nibble[object]) -> Reader:
    low, high = codec.decode, other_codec.decode

    def halves(octets: bytes, position: int, fields: dict[str, object]) -> int:
        octet = octets[position]
        fields[name] = low(octet & 15)
        fields[other] = high(octet >> 4)
        return position + 1

    return halves


def _read_tv1(name: str, codec: Nibble[object]) -> Reader:
    decode = codec.decode

    def tv1(octets: bytes, position: int, fields: dict[str, object]) -> int:
        if name in fields:
            raise Unfit
        fields[name] = decode(octets[position] & 15)
        return position + 1

    return tv1


def _read_mandatory(row: Row, codec: Codec[object]) -> Reader:
    name, decode, low, high = row.name, codec.decode, codec.low, codec.high
    as_it_is = decode is bytes
    width = {Format.V: 0, Format.LV: 1}.get(row.format, 2)

    def fixed(octets: bytes, position: int, fields: dict[str, object]) -> int:
        after = position + low
        fields[name] = decode(octets[position:after])
        return after

    def sized(octets: bytes, position: int, fields: dict[str, object]) -> int:
        begin = position + width
        size = octets[position] if width == 1 else octets[position] << 8 | octets[position + 1]
        if size < low or size > high:
            raise Unfit
        after = begin + size
        fields[name] = octets[begin:after] if as_it_is else decode(octets[begin:after])
        return after

    return sized if width else fixed


def _read_optional(row: Row, codec: Codec[object]) -> Reader:
    name, decode, low, high = row.name, codec.decode, codec.low, codec.high
    as_it_is = decode is bytes

    def tv(octets: bytes, position: int, fields: dict[str, object]) -> int:
        after = position + 1 + low
        if name in fields:
            raise Unfit
        fields[name] = decode(octets[position + 1 : after])
        return after

    def tlv(octets: bytes, position: int, fields: dict[str, object]) -> int:
        size = octets[position + 1]
        if size < low or size > high or name in fields:
            raise Unfit
        after = position + 2 + size
        content = octets[position + 2 : after]
        fields[name] = content if as_it_is else decode(content)
        return after

    def tlve(octets: bytes, position: int, fields: dict[str, object]) -> int:
        size = octets[position + 1] << 8 | octets[position + 2]
        if size < low or size > high or name in fields:
            raise Unfit
        after = position + 3 + size
        content = octets[position + 3 : after]
        fields[name] = content if as_it_is else decode(content)
        return after

    return {Format.TV: tv, Format.TLV: tlv}.get(row.format, tlve)


def _writer(row: Row, high: Row | None) -> Writer:
    codec = row.codec
    if isinstance(codec, Codec):
        width = {Format.LV: 1, Format.TLV: 1, Format.LVE: 2, Format.TLVE: 2}.get(row.format, 0)
        tag = b"" if row.iei is None else _OCTET[row.iei]
        if codec.low == codec.high or not width:
            return _write_fixed(row.name, codec, tag + codec.low.to_bytes(width, "big") if width else tag)
        return _write_sized(row.name, codec, tag, width)
    if high is not None and isinstance(high.codec, Nibble):
        return _write_halves(row.name, codec, high.name, high.codec)
    name, encode, first = row.name, codec.encode, 0 if row.iei is None else row.iei << 4

    def half(present: dict[str, object]) -> bytes:
        number = encode(present[name])
        if number & ~15:
            raise Unfit
        return _OCTET[first | number]

    return half


def _write_halves(name: str, codec: Nibble[object], other: str, other_codec: Nibble[object]) -> Writer:
    encode, encode_other = codec.encode, other_codec.encode

    def halves(present: dict[str, object]) -> bytes:
        low, high = encode(present[name]), encode_other(present[other])
        if (low | high) & ~15:
            raise Unfit
        return _OCTET[high << 4 | low]

    return halves


def _write_fixed(name: str, codec: Codec[object], head: bytes) -> Writer:
    encode, size = codec.encode, codec.low

    def fixed(present: dict[str, object]) -> bytes:
        content = encode(present[name])
        if len(content) != size:
            raise Unfit
        return head + content

    return fixed


def _write_sized(name: str, codec: Codec[object], tag: bytes, width: int) -> Writer:
    encode, low, high = codec.encode, codec.low, codec.high

    def sized(present: dict[str, object]) -> bytes:
        content = encode(present[name])
        size = len(content)
        if size < low or size > high:
            raise Unfit
        return tag + (_OCTET[size] if width == 1 else size.to_bytes(2, "big")) + content

    return sized
