"""The one engine: a message class is the table of its clause; both directions read the rows of that table.

A class body holds one row per information element, in the order of the specification:

    class AuthenticationRequest(GmmMessage, name="AUTHENTICATION REQUEST", type=0x56, clause="8.2.1"):
        ng_ksi: NgKsi = half(ng_ksi)                 # M  V  1/2
        abba: bytes = lv(octets(2))                  # M  LV
        rand: bytes | None = tv(0x21, octets(16, 16))  # O  TV

Mandatory rows: half, v, lv, lve. Optional rows: tv1 (half-octet value), tv, tlv, tlve. The value is read and
written by the row's codec. Messages are frozen; a missing optional element is None.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Self, TypeVar, dataclass_transform

from cinq.wire.nas.row import Codec, Format, Nibble, Row, half, lv, lve, tlv, tlve, tv, tv1, v
from cinq.wire.nas.straight import Writer, writers

__all__ = [
    "GMM", "GSM", "Codec", "Format", "GmmMessage", "GsmMessage", "NasMessage", "Nibble", "Row", "Shape", "build",
    "half", "lv", "lve", "shape_of", "tlv", "tlve", "tv", "tv1", "v",
]  # fmt: skip

GMM = 0x7E
GSM = 0x2E
_new, _set = object.__new__, object.__setattr__
_SHAPES = 128  # per message class; a shape more is worked out each time


class Shape(NamedTuple):
    """Which elements a message has: their names in the order of the specification, and how they are written."""

    names: tuple[str, ...]
    writers: tuple[Writer, ...]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(half, v, lv, lve))
class NasMessage:
    """A plain 5GS NAS message. Attributes are the information elements.

    unknown: elements skipped by the comprehension rules, as (IEI, value octets).
    faults: optional elements treated as absent because they were wrong, as (attribute name, what was wrong).
    Neither takes part in equality, and neither is encoded.
    """

    NAME: ClassVar[str] = ""
    TYPE: ClassVar[int] = 0
    CLAUSE: ClassVar[str] = ""
    EPD: ClassVar[int] = 0
    VECTORS: ClassVar[tuple[str, ...]] = ()
    ROWS: ClassVar[tuple[Row, ...]] = ()
    REQUIRED: ClassVar[frozenset[str]] = frozenset()
    FIELDS: ClassVar[frozenset[str]] = frozenset()
    HEADER: ClassVar[tuple[str, ...]] = ()
    NAMES: ClassVar[tuple[str, ...]] = ()
    SHAPES: ClassVar[dict[tuple[str, ...], Shape]] = {}
    unknown: ClassVar[tuple[tuple[int, bytes], ...]] = ()
    faults: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init_subclass__(cls, name: str = "", type: int = 0, clause: str = "") -> None:
        super().__init_subclass__()
        if not name:
            return
        cls.NAME, cls.TYPE, cls.CLAUSE = name, type, clause
        rows = {key: value for key, value in vars(cls).items() if isinstance(value, Row)}
        before: Row | None = None
        for key, row in rows.items():
            row.name = key
            if row.format is Format.HALF and before is not None and before.format is Format.HALF:
                row.format = Format.HALF_HIGH
            before = row
            if row.mandatory:
                delattr(cls, key)
            else:
                setattr(cls, key, None)
        cls.ROWS = tuple(rows.values())
        cls.REQUIRED = frozenset(row.name for row in cls.ROWS if row.mandatory) | frozenset(cls.HEADER)
        cls.NAMES = (*cls.HEADER, *rows)
        cls.FIELDS = frozenset(cls.NAMES)
        cls.SHAPES = {}

    def __init__(self, **fields: object) -> None:
        present = {key: value for key, value in fields.items() if value is not None}
        if tuple(present) not in self.SHAPES:
            shape_of(type(self), present)
        _set(self, "__dict__", present)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: use replace()")

    def replace(self, **changes: object) -> Self:
        """A copy with these attributes changed; None takes an optional element out."""
        return type(self)(**{**self.fields, **changes})

    @property
    def fields(self) -> dict[str, object]:
        """The elements that are present, by attribute name, in the order of the specification."""
        present = self.__dict__
        shape = self.SHAPES.get(tuple(present))
        names = [name for name in self.NAMES if name in present] if shape is None else shape.names
        return {name: present[name] for name in names}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, NasMessage):
            return NotImplemented
        return self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]  # values may be lists

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"{type(self).__name__}({inside})"


def shape_of(kind: type[NasMessage], present: dict[str, object]) -> Shape:
    """The shape of a message with these elements. TypeError: there is no such message."""
    if not kind.REQUIRED <= present.keys() <= kind.FIELDS:
        missing, strange = kind.REQUIRED - present.keys(), present.keys() - kind.FIELDS
        raise TypeError(f"{kind.__name__}: missing {sorted(missing)}, unknown {sorted(strange)}")
    names = tuple(name for name in kind.NAMES if name in present)
    shape = Shape(names, writers([row for row in kind.ROWS if row.name in present]))
    if len(kind.SHAPES) < _SHAPES:
        kind.SHAPES[tuple(present)] = shape
    return shape


class GmmMessage(NasMessage):
    """A 5GMM message of TS 24.501 §8.2.

    UNPROTECTED: the receiver may process it without integrity protection before the secure exchange of NAS
    messages is established: the lists of §4.4.4.3 (received by the network) and §4.4.4.2 (by the UE). What
    else those clauses ask of the content (requested identity SUCI, cause values) is the receiver's to check.
    UNVERIFIED: the network processes it even when its MAC fails or cannot be verified (§4.4.4.3).
    CLEARTEXT: the elements that an initial NAS message may carry in clear (§4.4.6).
    """

    EPD = GMM
    UNPROTECTED: ClassVar[bool] = False
    UNVERIFIED: ClassVar[bool] = False
    CLEARTEXT: ClassVar[frozenset[str]] = frozenset()

    def cleartext(self) -> Self:
        """The message with its cleartext elements only, §4.4.6."""
        return type(self)(**{name: value for name, value in self.fields.items() if name in self.CLEARTEXT})


class GsmMessage(NasMessage):
    """A 5GSM message of TS 24.501 §8.3: PDU session identity and PTI (0 to 255 each) come first."""

    EPD = GSM
    HEADER = ("pdu_session_id", "pti")
    pdu_session_id: int
    pti: int


M = TypeVar("M", bound=NasMessage)


def build(kind: type[M], fields: dict[str, object]) -> M:
    """A message from elements that are known to fit: the constructor without its check."""
    message = _new(kind)
    _set(message, "__dict__", fields)
    return message
