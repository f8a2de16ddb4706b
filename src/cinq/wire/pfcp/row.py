"""Rows: a message or grouped IE is a class whose members are declared once; both directions follow from that.

    pdr_id: Annotated[int, M(56, UINT16)]           member name, presence, IE type, form
    pdi: Annotated[Pdi, M(2)]                       the form of a class is the class itself
    urr_ids: Annotated[list[int], C(81, UINT32)]    a list may be repeated

IE format: TS 29.244 §8.1.1. Modules with rows must not postpone their annotations (no `from __future__`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import get_annotations
from types import UnionType
from typing import ClassVar, Literal, NamedTuple, Self, get_args, get_origin

from msgspec import Struct


class Element(Struct, frozen=True, gc=False):
    """An IE that is not grouped: `from_octets` reads its contents (§8.2), `octets` writes them.

    COMMON: its contents are the same in many sessions (see Form).
    """

    COMMON: ClassVar[bool] = False

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        """Raises Truncated when too short, ValueError when the contents make no sense."""
        raise NotImplementedError

    def octets(self) -> bytes:
        raise NotImplementedError


class Group(Struct, kw_only=True, gc=False):
    """A grouped IE or the body of a message: a tree, in which a collector of cycles would find nothing.

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
    mask: int | None = None
    """Of a number's bits that count; None for all."""
    common: bool = False
    """Values are the same in many sessions and cannot change: what was made of equal ones is kept."""


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


class Member(NamedTuple):
    """A row in its class. group: its class if it is a grouped IE, which has no form."""

    name: str
    number: int
    presence: Literal["M", "C", "O"]
    repeated: bool
    position: int
    group: type[Group] | None
    element: type[Element] | None
    form: Form


class Layout(NamedTuple):
    """The rows of one class."""

    members: tuple[Member, ...]
    by_number: dict[int, Member]
    mandatory: tuple[Member, ...]
    build: partial[Group]


class _Layouts(dict[type[Group], Layout]):
    """Compiled on first use."""

    def __missing__(self, cls: type[Group]) -> Layout:
        layout = self[cls] = _compile(cls)
        return layout


layouts = _Layouts()


def _compile(cls: type[Group]) -> Layout:
    members: list[Member] = []
    for base in reversed(cls.__mro__):
        for name, hint in get_annotations(base).items():
            row = next((r for r in getattr(hint, "__metadata__", ()) if isinstance(r, Row)), None)
            if row is not None:
                members.append(_member(name, row, get_args(hint)[0], len(members)))
    mandatory = tuple(m for m in members if m.presence == "M")
    return Layout(tuple(members), {m.number: m for m in members}, mandatory, partial(cls))


def _member(name: str, row: Row, kind: object, position: int) -> Member:
    repeated = get_origin(kind) is list
    if repeated or isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    group = element = None
    form = row.form
    if form is None and isinstance(kind, type) and issubclass(kind, Group):
        group, form = kind, Form(_never, _never)
    elif form is None and isinstance(kind, type) and issubclass(kind, Element):
        element, form = kind, Form(kind.from_octets, element_octets, common=kind.COMMON)
    if form is None:
        raise TypeError(f"{name}: the row of IE {row.number} has no form")
    return Member(name, row.number, row.presence, repeated, position, group, element, form)


def _never(value: object) -> bytes:
    raise NotImplementedError("a grouped IE is read and written by its own rows")


def element_octets(value: object) -> bytes:
    if not isinstance(value, Element):
        raise ValueError(f"found {value!r}, wanted an IE of TS 29.244 §8.2")
    return value.octets()


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
