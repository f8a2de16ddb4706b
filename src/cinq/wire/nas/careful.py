"""Reading and writing element by element: what is wrong, where, and what TS 24.501 clause 7 makes of it.

Octets and values that are right need none of this (see straight.py); both ways give the same message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn, TypeVar

from cinq.wire.nas.causes import GmmCause
from cinq.wire.nas.engine import NasMessage, build, shown
from cinq.wire.nas.error import NasError
from cinq.wire.nas.row import Format, Nibble, Row

_HALF, _HALF_HIGH, _V, _LV, _LVE, _TV1, _TV, _TLV, _TLVE = (int(form) for form in Format)
_ONE_OCTET_LENGTH, _TWO_OCTET_LENGTH = (_LV, _TLV), (_LVE, _TLVE)

M = TypeVar("M", bound=NasMessage)


class _Step(NamedTuple):
    """A row, laid out for reading and writing. number: its place in the table; tag: IEI, -1 if mandatory."""

    number: int
    name: str
    form: int
    tag: int
    low: int
    high: int
    read_half: Callable[[int], object]
    read: Callable[[bytes], object]
    write_half: Callable[[object], int]
    write: Callable[[object], bytes]
    strict: bool


def _never(value: object) -> NoReturn:
    raise TypeError(f"{value!r}: a codec of half an octet stands where octets are, or the other way round")


def _step(number: int, row: Row) -> _Step:
    tag, codec, form = -1 if row.iei is None else row.iei, row.codec, int(row.format)
    if isinstance(codec, Nibble):
        return _Step(
            number, row.name, form, tag, 0, 0, codec.decode, _never, codec.encode, _never, row.strict
        )
    sizes = codec.low, codec.high
    return _Step(number, row.name, form, tag, *sizes, _never, codec.decode, _never, codec.encode, row.strict)


class _Table(NamedTuple):
    """The steps of a message class."""

    mandatory: tuple[_Step, ...]
    by_name: dict[str, _Step]
    by_tag: dict[int, _Step]


_TABLES: dict[type[NasMessage], _Table] = {}


def _table(kind: type[NasMessage]) -> _Table:
    """Made when something of the kind is wrong for the first time."""
    known = _TABLES.get(kind)
    if known is not None:
        return known
    steps = [_step(number, row) for number, row in enumerate(kind.ROWS)]
    mandatory = tuple(step for step in steps if step.tag < 0)
    table = _TABLES[kind] = _Table(
        mandatory, {step.name: step for step in steps}, _by_tag(kind.__name__, steps)
    )
    return table


def _by_tag(name: str, steps: list[_Step]) -> dict[int, _Step]:
    """Every first octet that an optional element of the message may have."""
    table: dict[int, _Step] = {}
    for step in steps:
        if step.tag < 0:
            continue
        for tag in range(step.tag << 4, (step.tag << 4) + 16) if step.form == _TV1 else (step.tag,):
            if tag in table:
                raise TypeError(f"{name}: IEI {tag:#04x} stands twice")
            table[tag] = step
    return table


_INVALID = GmmCause.INVALID_MANDATORY_INFORMATION  # 5GMM and 5GSM cause #96 alike


def decode(kind: type[M], octets: bytes, start: int, fields: dict[str, object]) -> M:
    """The elements after the message type, or what is wrong with them. TS 24.501 clause 7, TS 24.007 §11.2.4."""
    position = _mandatory(kind, octets, start, fields)
    if position == len(octets):
        return build(kind, fields)
    strict = _optional(kind, octets, position, fields)
    message = build(kind, fields)
    if strict is not None:
        strict.partial = message
        raise strict
    return message


def _mandatory(kind: type[NasMessage], octets: bytes, start: int, fields: dict[str, object]) -> int:
    """Read the mandatory elements; returns where the optional ones begin."""
    position = start
    for _, name, form, _, low, high, read_half, read, _, _, _ in _table(kind).mandatory:
        try:
            if form == _HALF:
                fields[name] = read_half(octets[position] & 15)
                position += 1
                continue
            if form == _HALF_HIGH:
                fields[name] = read_half(octets[position - 1] >> 4)
                continue
            if form == _LV:
                begin, size = position + 1, octets[position]
            elif form == _LVE:
                begin, size = position + 2, octets[position] << 8 | octets[position + 1]
            else:
                begin, size = position, low
            position = begin + size
            if position > len(octets) or not low <= size <= high:
                raise ValueError(f"{size} octets do not fit")
            fields[name] = read(octets[begin:position])
        except (ValueError, IndexError) as error:
            what = f"{name}: {error}" if isinstance(error, ValueError) else f"{name}: missing or too short"
            raise NasError(start, what, "TS 24.501 §7.5.1", cause=_INVALID, ie=name) from None
    return position


def _optional(
    kind: type[NasMessage], octets: bytes, position: int, fields: dict[str, object]
) -> NasError | None:
    """Read the optional elements; returns what is wrong with a strict one."""
    faults: dict[str, str] = {}
    unknown: list[tuple[int, bytes]] = []
    misplaced: list[str] = []
    last, end, table = 0, len(octets), _table(kind).by_tag
    while position < end:
        step = table.get(octets[position])
        if step is None:
            position = _skip(octets, position, unknown)
            continue
        number, name, form, _, low, high, read_half, read, _, _, _ = step
        after = end
        if number < last and name not in fields and name not in faults:
            misplaced.append(name)
        last = max(last, number)
        try:
            if form == _TV1:
                value, position = read_half(octets[position] & 15), position + 1
            else:
                if form == _TLV:
                    begin, size = position + 2, octets[position + 1]
                elif form == _TLVE:
                    begin, size = position + 3, octets[position + 1] << 8 | octets[position + 2]
                else:
                    begin, size = position + 1, low
                after = begin + size
                if after > end or not low <= size <= high:
                    raise ValueError(f"{size} octets, {end - begin} there, wanted {low} to {high}")
                value, position = read(octets[begin:after]), after
            if name not in fields and name not in faults:  # of a repeated element the first counts, §7.6.3
                fields[name] = value
        except (ValueError, IndexError) as error:
            position = after
            if name not in fields:
                faults.setdefault(name, str(error))
    if misplaced:
        fields["misplaced"] = tuple(misplaced)
    return _leftovers(kind, fields, faults, unknown)


def _leftovers(
    kind: type[NasMessage],
    fields: dict[str, object],
    faults: dict[str, str],
    unknown: list[tuple[int, bytes]],
) -> NasError | None:
    if unknown:
        fields["unknown"] = tuple(unknown)
    if faults:
        fields["faults"] = tuple(faults.items())
        for name, what in faults.items():
            if _table(kind).by_name[name].strict:
                return NasError(None, f"{name}: {what}", "TS 24.501 §7.6.4", cause=_INVALID, ie=name)
    return None


def _skip(octets: bytes, position: int, unknown: list[tuple[int, bytes]]) -> int:
    """Past an element that the message does not know, TS 24.007 §11.2.4."""
    tag, end = octets[position], len(octets)
    if tag < 0x10:
        what = f"unknown element {tag:#04x} wants comprehension"
        raise NasError(position, what, "TS 24.501 §7.5.1", cause=_INVALID)
    if tag >= 0x80:
        unknown.append((tag >> 4, bytes((tag & 0x0F,))))
        return position + 1
    begin = position + (3 if tag >= 0x70 else 2)
    after = min(begin + int.from_bytes(octets[position + 1 : begin], "big"), end)
    unknown.append((tag, octets[begin:after]))
    return after


def encode(message: NasMessage) -> bytes:
    """The elements of the message in the order of its table. NasError when a value does not fit."""
    out = bytearray()
    present, table = message.__dict__, _table(type(message)).by_name
    for step in sorted([table[name] for name in present if name in table]):
        try:
            _write(step, present[step.name], out)
        except (ValueError, IndexError, AttributeError, TypeError, OverflowError) as error:
            what = f"{message.NAME} {step.name}: {shown(step.name, present[step.name])} has no encoding ({error})"
            raise NasError(None, what, f"TS 24.501 §{message.CLAUSE}", ie=step.name) from error
    return bytes(out)


def _write(step: _Step, value: object, out: bytearray) -> None:
    _, _, form, tag, low, high, _, _, write_half, write, _ = step
    if form == _TV1 or form <= _HALF_HIGH:
        number = write_half(value)
        if not 0 <= number <= 15:
            raise ValueError("not half an octet")
        if form == _HALF_HIGH:
            out[-1] |= number << 4
        else:
            out.append(number if tag < 0 else tag << 4 | number)
        return
    content = write(value)
    size = len(content)
    if not low <= size <= high:
        raise ValueError(f"{size} octets, wanted {low} to {high}")
    if tag >= 0:
        out.append(tag)
    if form in _ONE_OCTET_LENGTH:
        out.append(size)
    elif form in _TWO_OCTET_LENGTH:
        out += size.to_bytes(2, "big")
    out += content
