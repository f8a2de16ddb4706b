"""Rows: a message or grouped IE is a class whose members are declared once; both directions follow from that.

    pdr_id: Annotated[int, M(56, UINT16)]           member name, presence, IE type, form
    pdi: Annotated[Pdi, M(2)]                       the form of a class is the class itself
    urr_ids: Annotated[list[int], C(81, UINT32)]    a list may be repeated

IE format: TS 29.244 §8.1.1. Modules with rows must not postpone their annotations (no `from __future__`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from inspect import get_annotations
from operator import attrgetter
from struct import Struct as Packing
from types import UnionType
from typing import ClassVar, Literal, NamedTuple, Self, get_args, get_origin

from msgspec import Struct

from cinq.wire.pfcp.error import Cause, PfcpError, Truncated

_HEAD = Packing(">HH")
_unhead, _head = _HEAD.unpack_from, _HEAD.pack


class Element(Struct, frozen=True):
    """An IE that is not grouped: `from_octets` reads its contents (§8.2), `octets` writes them.

    COMMON: its contents are the same in many sessions, so that equal ones are read once.
    """

    COMMON: ClassVar[bool] = False

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        """Raises Truncated when too short, ValueError when the contents make no sense."""
        raise NotImplementedError

    def octets(self) -> bytes:
        raise NotImplementedError


class Group(Struct, kw_only=True):
    """A grouped IE or the body of a message.

    unknown: (IE type, contents) of IEs this codec has no row for, of repetitions of an IE that may stand
    once, and of optional IEs that could not be read (§7.6: all three are ignored). order: the IE types as
    they arrived, when that was not the order of the rows; encoding follows it.
    """

    unknown: list[tuple[int, bytes]] = []
    order: tuple[int, ...] = ()


class Form(NamedTuple):
    """How the contents of an IE become a value and back."""

    decode: Callable[[bytes], object]
    encode: Callable[[object], bytes]
    width: int = 0
    """Octets of a number; 0 for what is no number of 1, 2, 4 or 8 octets."""
    mask: int = -1
    """The bits of a number that are not spare."""


class Row(NamedTuple):
    """What stands in Annotated[]: IE type, presence, and the form when the member's type does not say it."""

    number: int
    presence: Literal["M", "C", "O"]
    form: Form | None = None


def M(number: int, form: Form | None = None) -> Row:
    """Mandatory: its absence is an error."""
    return Row(number, "M", form)


def C(number: int, form: Form | None = None) -> Row:
    """Conditional: must be right when present."""
    return Row(number, "C", form)


def O(number: int, form: Form | None = None) -> Row:  # noqa: E743 (the letter of the specification)
    """Optional: ignored when it cannot be read."""
    return Row(number, "O", form)


Take = Callable[[bytes, int, int], object]
"""octets[at:stop] as a value; ValueError or IndexError when they are none."""


class _Member(NamedTuple):
    name: str
    number: int
    presence: Literal["M", "C", "O"]
    repeated: bool
    position: int
    take: Take
    encode: Callable[[object], bytes]
    width: int = 0


class Layout(NamedTuple):
    """The rows of one class, compiled."""

    members: tuple[_Member, ...]
    by_number: dict[int, _Member]
    mandatory: tuple[_Member, ...]
    required: frozenset[str]
    build: partial[Group]
    writers: tuple[tuple[Callable[[object], bytes], bool, bool], ...]
    values: Callable[[Group], tuple[object, ...]]


class _Layouts(dict[type[Group], Layout]):
    """Compiled on first use."""

    def __missing__(self, cls: type[Group]) -> Layout:
        layout = self[cls] = _compile(cls)
        return layout


layouts = _Layouts()


def _compile(cls: type[Group]) -> Layout:
    members: list[_Member] = []
    for base in reversed(cls.__mro__):
        for name, hint in get_annotations(base).items():
            row = next((r for r in getattr(hint, "__metadata__", ()) if isinstance(r, Row)), None)
            if row is not None:
                members.append(_member(name, row, get_args(hint)[0], len(members)))
    names = [m.name for m in members]
    values: Callable[[Group], tuple[object, ...]]
    if len(names) == 1:
        single = attrgetter(names[0])
        values = lambda group: (single(group),)  # noqa: E731 (one of three getters)
    else:
        values = attrgetter(*names) if names else lambda group: ()
    mandatory = tuple(m for m in members if m.presence == "M")
    required = frozenset(m.name for m in mandatory)
    writers = tuple((_writer(m), m.repeated, m.presence == "M") for m in members)
    by_number = {m.number: m for m in members}
    return Layout(tuple(members), by_number, mandatory, required, partial(cls), writers, values)


def _member(name: str, row: Row, kind: object, position: int) -> _Member:
    repeated = get_origin(kind) is list
    if repeated or isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    head = name, row.number, row.presence, repeated, position
    if row.form is not None:
        return _Member(*head, _taker(row.form), row.form.encode, row.form.width)
    if isinstance(kind, type) and issubclass(kind, Group):
        return _Member(*head, partial(decode_members, kind), encode_members)
    if isinstance(kind, type) and issubclass(kind, Element):
        decode = _shared(kind.from_octets) if kind.COMMON else kind.from_octets
        return _Member(*head, _taker(Form(decode, _encode_element)), _encode_element)
    raise TypeError(f"{name}: the row of IE {row.number} has no form")


def _taker(form: Form) -> Take:
    """Numbers are read where they stand; what reads octets is given its own."""
    decode, width = form.decode, form.width
    if not width:
        return lambda octets, at, stop: decode(octets[at:stop])
    unpack, mask = Packing(f">{'_BH_I___Q'[width]}").unpack_from, form.mask

    def number(octets: bytes, at: int, stop: int) -> object:
        if stop - at < width:
            raise Truncated(f"{stop - at} octets, wanted {width}")
        value: int = unpack(octets, at)[0]
        return value & mask

    return number


def _shared(decode: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Equal octets become one object, as long as they are short."""
    kept = lru_cache(256)(decode)
    return lambda octets: kept(octets) if len(octets) <= 64 else decode(octets)


def _encode_element(value: object) -> bytes:
    if not isinstance(value, Element):
        raise PfcpError(None, f"found {value!r}, wanted an IE of TS 29.244 §8.2")
    return value.octets()


def decode_members(cls: type[Group], octets: bytes, at: int, end: int) -> Group:
    """The group that octets[at:end] hold. Raises PfcpError only."""
    layout = layouts[cls]
    by_number, start = layout.by_number, at
    found: dict[str, object] = {}
    unknown: list[tuple[int, bytes]] = []
    last, ordered = -1, True
    while at < end:
        if end - at < 4:
            raise PfcpError(at, "an IE header cut short", cause=Cause.INVALID_LENGTH)
        number, length = _unhead(octets, at)
        at += 4
        stop = at + length
        if stop > end:
            what = f"IE {number}: {length} octets announced, {end - at} left"
            raise PfcpError(at, what, cause=Cause.INVALID_LENGTH, offending_ie=number)
        member = by_number.get(number)
        if member is None or not _take(member, octets, at, stop, found):
            unknown.append((number, octets[at:stop]))
            last = len(layout.members)
        elif member[4] < last:
            ordered = False
        else:
            last = member[4]
        at = stop
    if not layout.required <= found.keys():
        member = next(m for m in layout.mandatory if m.name not in found)
        what = f"{cls.__name__}: {member.name} (IE {member.number}) is missing"
        raise PfcpError(at, what, cause=Cause.MANDATORY_IE_MISSING, offending_ie=member.number)
    if unknown:
        found["unknown"] = unknown
    if not ordered:
        found["order"] = tuple(_numbers(octets, start, end))
    return layout.build(**found)


def _numbers(octets: bytes, at: int, end: int) -> Iterator[int]:
    """The IE types in the order in which they stand."""
    while at < end:
        number, length = _unhead(octets, at)
        yield number
        at += 4 + length


def _take(member: _Member, octets: bytes, at: int, stop: int, found: dict[str, object]) -> bool:
    """Reads one IE into `found`. False: it is to be kept with the unknown ones."""
    name, number, presence, repeated, _, take, _, _ = member
    if name in found and not repeated:
        return False
    try:
        value = take(octets, at, stop)
    except PfcpError:
        raise
    except (ValueError, IndexError) as error:
        if presence == "O":
            return False
        short = isinstance(error, (Truncated, IndexError))
        cause = Cause.INVALID_LENGTH if short else Cause.MANDATORY_IE_INCORRECT
        what = f"{name} (IE {number}): {error}"
        raise PfcpError(at, what, cause=cause, offending_ie=number) from None
    if not repeated:
        found[name] = value
        return True
    earlier = found.get(name)
    if isinstance(earlier, list):
        earlier.append(value)
    else:
        found[name] = [value]
    return True


def encode_members(group: object) -> bytes:
    """The IEs of a group, in the order of the rows or in `order`. PfcpError for a value without encoding."""
    if not isinstance(group, Group):
        raise PfcpError(None, f"found {group!r}, wanted a grouped IE")
    layout = layouts[type(group)]
    parts: list[bytes] = []
    try:
        for value, (write, repeated, required) in zip(layout.values(group), layout.writers, strict=True):
            if value is None:
                if required:
                    raise ValueError("a mandatory member is missing")
            elif repeated and isinstance(value, list):
                parts += [write(each) for each in value]
            else:
                parts.append(write(value))
    except PfcpError:
        raise
    except Exception as error:  # whatever a wrong value makes fail: it has no encoding
        raise PfcpError(None, f"{group!r}: {error}") from error
    for number, octets in group.unknown:
        parts.append(_head(number, len(octets)) + octets)
    return b"".join(_reordered(parts, group.order) if group.order else parts)


def _writer(member: _Member) -> Callable[[object], bytes]:
    """The whole IE, header and contents, of one value."""
    number, encode = member.number, member.encode
    width = member.width
    if width:  # a number: header and value in one step
        pack = Packing(f">HH{'_BH_I___Q'[width]}").pack
        return lambda value: pack(number, width, value)

    def write(value: object) -> bytes:
        body = encode(value)
        return _head(number, len(body)) + body

    return write


def _reordered(parts: list[bytes], order: tuple[int, ...]) -> list[bytes]:
    """The parts by IE type in this order; what the order does not name comes last."""
    left = list(parts)
    result: list[bytes] = []
    for number in order:
        for part in left:
            if _unhead(part)[0] == number:
                result.append(part)
                left.remove(part)
                break
    return result + left


class Message(Group, kw_only=True):
    """A PFCP message: its IEs and, from the header (§7.2.2), sequence number, SEID and priority.

    TYPE: message type (table 7.3-1). SESSION: the header has a SEID. REQUEST: an answer is owed.
    """

    TYPE: ClassVar[int] = 0
    SESSION: ClassVar[bool] = False
    REQUEST: ClassVar[bool] = False

    sequence: int = 0
    seid: int | None = None
    priority: int | None = None
