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

from collections.abc import Callable
from enum import IntEnum
from typing import ClassVar, Generic, Self, TypeVar, cast, dataclass_transform

from cinq.wire.nas.causes import GmmCause
from cinq.wire.nas.error import NasError

T = TypeVar("T")

GMM = 0x7E
GSM = 0x2E


class Format(IntEnum):
    """TS 24.007 §11.2.1.1. HALF stands in bits 1 to 4, HALF_HIGH in 5 to 8 of the same octet."""

    HALF = 1
    HALF_HIGH = 2
    V = 3
    LV = 4
    LVE = 5
    TV1 = 6
    TV = 7
    TLV = 8
    TLVE = 9


class Nibble(Generic[T]):
    """Codec of a value of half an octet."""

    def __init__(self, decode: Callable[[int], T], encode: Callable[[T], int]) -> None:
        self.decode = decode
        self.encode = encode


class Codec(Generic[T]):
    """Codec of a value part of low to high octets (high None: no limit).

    decode may raise ValueError or IndexError on any octets that have no meaning.
    """

    def __init__(
        self,
        decode: Callable[[bytes], T],
        encode: Callable[[T], bytes],
        low: int = 1,
        high: int | None = None,
    ) -> None:
        self.decode = decode
        self.encode = encode
        self.low = low
        self.high = 0xFFFF if high is None else high


class Row:
    """One row of a message table. strict: an optional element that must not be dropped when it is wrong."""

    __slots__ = ("codec", "format", "iei", "name", "strict")

    def __init__(
        self, form: Format, iei: int | None, codec: Codec[T] | Nibble[T], strict: bool = False
    ) -> None:
        self.name = ""
        self.format = form
        self.iei = iei
        self.codec = cast("Codec[object] | Nibble[object]", codec)
        self.strict = strict

    @property
    def mandatory(self) -> bool:
        return self.iei is None


def half(codec: Nibble[T]) -> T:
    """M V 1/2. The first of two neighbours stands in bits 1 to 4; above one alone is a spare half octet."""
    return cast(T, Row(Format.HALF, None, codec))


def v(codec: Codec[T]) -> T:
    """M V of fixed length."""
    return cast(T, Row(Format.V, None, codec))


def lv(codec: Codec[T]) -> T:
    """M LV."""
    return cast(T, Row(Format.LV, None, codec))


def lve(codec: Codec[T]) -> T:
    """M LV-E."""
    return cast(T, Row(Format.LVE, None, codec))


def tv1(iei: int, codec: Nibble[T]) -> T | None:
    """O TV of one octet: iei in bits 5 to 8."""
    return cast(T, Row(Format.TV1, iei, codec))


def tv(iei: int, codec: Codec[T]) -> T | None:
    """O TV of fixed length."""
    return cast(T, Row(Format.TV, iei, codec))


def tlv(iei: int, codec: Codec[T], *, strict: bool = False) -> T | None:
    """O TLV."""
    return cast(T, Row(Format.TLV, iei, codec, strict))


def tlve(iei: int, codec: Codec[T], *, strict: bool = False) -> T | None:
    """O TLV-E."""
    return cast(T, Row(Format.TLVE, iei, codec, strict))


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
    OPTIONAL: ClassVar[dict[int, Row]] = {}
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
        cls.FIELDS = frozenset(rows) | frozenset(cls.HEADER)
        cls.OPTIONAL = _by_tag(cls)

    def __init__(self, **fields: object) -> None:
        kind = type(self)
        if not kind.REQUIRED <= fields.keys() <= kind.FIELDS:
            missing, strange = kind.REQUIRED - fields.keys(), fields.keys() - kind.FIELDS
            raise TypeError(f"{kind.__name__}: missing {sorted(missing)}, unknown {sorted(strange)}")
        self.__dict__.update({key: value for key, value in fields.items() if value is not None})

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: use replace()")

    def replace(self, **changes: object) -> Self:
        """A copy with these attributes changed; None takes an optional element out."""
        return type(self)(**{**self.fields, **changes})

    @property
    def fields(self) -> dict[str, object]:
        """The elements that are present, by attribute name, in the order of the specification."""
        present = self.__dict__
        names = (*self.HEADER, *(row.name for row in self.ROWS))
        return {name: present[name] for name in names if name in present}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, NasMessage):
            return NotImplemented
        return self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]  # values may be lists

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"{type(self).__name__}({inside})"


def _by_tag(kind: type[NasMessage]) -> dict[int, Row]:
    table: dict[int, Row] = {}
    for row in kind.ROWS:
        if row.iei is None:
            continue
        tags = range(row.iei << 4, (row.iei << 4) + 16) if row.format is Format.TV1 else (row.iei,)
        for tag in tags:
            if tag in table:
                raise TypeError(f"{kind.__name__}: IEI {tag:#04x} stands twice")
            table[tag] = row
    return table


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
    message = kind.__new__(kind)
    message.__dict__.update(fields)
    return message


_INVALID = GmmCause.INVALID_MANDATORY_INFORMATION  # 5GMM and 5GSM cause #96 alike


def decode_body(kind: type[M], octets: bytes, start: int, fields: dict[str, object]) -> M:
    """Read the elements after the message type. TS 24.501 clause 7, TS 24.007 §11.2.4."""
    position = _mandatory(kind, octets, start, fields)
    if position == len(octets):
        return build(kind, fields)
    faults: list[tuple[str, str]] = []
    unknown: list[tuple[int, bytes]] = []
    strict: NasError | None = None
    end = len(octets)
    while position < end:
        tag = octets[position]
        row = kind.OPTIONAL.get(tag)
        if row is None:
            position = _skip(octets, position, unknown)
            continue
        begin = position
        try:
            value, position = _element(row, octets, position)
        except _Wrong as wrong:
            position = wrong.resume
            if row.strict and strict is None and row.name not in fields:
                strict = NasError(
                    begin, f"{row.name}: {wrong.what}", "TS 24.501 §7.6.4", cause=_INVALID, ie=row.name
                )
            faults.append((row.name, wrong.what))
            continue
        if row.name not in fields and not (faults and any(name == row.name for name, _ in faults)):
            fields[row.name] = value  # a repeated element: the first counts, §7.6.3
    if faults:
        fields["faults"] = tuple(faults)
    if unknown:
        fields["unknown"] = tuple(unknown)
    message = build(kind, fields)
    if strict is not None:
        strict.partial = message
        raise strict
    return message


class _Wrong(Exception):
    """An optional element that is syntactically incorrect; reading goes on at resume."""

    def __init__(self, what: str, resume: int) -> None:
        self.what = what
        self.resume = resume


def _mandatory(kind: type[NasMessage], octets: bytes, start: int, fields: dict[str, object]) -> int:
    position = start
    for row in kind.ROWS:
        form = row.format
        if form > Format.LVE:
            break
        codec = row.codec
        try:
            if isinstance(codec, Nibble):
                if form is Format.HALF_HIGH:
                    fields[row.name] = codec.decode(octets[position - 1] >> 4)
                else:
                    fields[row.name] = codec.decode(octets[position] & 0x0F)
                    position += 1
                continue
            if form is Format.V:
                begin, size = position, codec.low
            elif form is Format.LV:
                begin, size = position + 1, octets[position]
            else:
                begin, size = position + 2, octets[position] << 8 | octets[position + 1]
            position = begin + size
            if position > len(octets) or not codec.low <= size <= codec.high:
                raise ValueError(f"{size} octets do not fit")
            fields[row.name] = codec.decode(octets[begin:position])
        except (ValueError, IndexError) as error:
            what = f"{row.name}: {error}" if isinstance(error, ValueError) else f"{row.name}: missing"
            raise NasError(position, what, "TS 24.501 §7.5.1", cause=_INVALID, ie=row.name) from None
    return position


def _element(row: Row, octets: bytes, position: int) -> tuple[object, int]:
    """Value of the optional element at position, and where the next begins."""
    codec, form, end = row.codec, row.format, len(octets)
    try:
        if isinstance(codec, Nibble):
            end = position + 1
            return codec.decode(octets[position] & 0x0F), end
        if form is Format.TLV:
            begin, size = position + 2, octets[position + 1]
        elif form is Format.TV:
            begin, size = position + 1, codec.low
        else:
            begin, size = position + 3, octets[position + 1] << 8 | octets[position + 2]
        if begin + size > end:
            raise _Wrong(f"{size} octets announced, {end - begin} there", end)
        end = begin + size
        if not codec.low <= size <= codec.high:
            raise _Wrong(f"{size} octets, wanted {codec.low} to {codec.high}", end)
        return codec.decode(octets[begin:end]), end
    except IndexError:
        raise _Wrong("too short", end) from None
    except ValueError as error:
        raise _Wrong(str(error), end) from None


def _skip(octets: bytes, position: int, unknown: list[tuple[int, bytes]]) -> int:
    """Past an element that the message does not know, TS 24.007 §11.2.4."""
    tag, end = octets[position], len(octets)
    if tag < 0x10:
        what = f"unknown element {tag:#04x} wants comprehension"
        raise NasError(position, what, "TS 24.501 §7.5.1", cause=_INVALID)
    if tag >= 0x80:
        unknown.append((tag >> 4, bytes((tag & 0x0F,))))
        return position + 1
    width = 2 if tag >= 0x70 else 1
    begin = position + 1 + width
    if begin > end:
        return end
    after = min(begin + int.from_bytes(octets[position + 1 : begin], "big"), end)
    unknown.append((tag, octets[begin:after]))
    return after


def encode_body(message: NasMessage, out: bytearray) -> None:
    """Append the elements of the message in the order of its table. NasError when a value does not fit."""
    present = message.__dict__
    for row in message.ROWS:
        value = present.get(row.name)
        if value is None:
            continue
        try:
            _write(row, value, out)
        except (ValueError, IndexError, AttributeError, TypeError, OverflowError) as error:
            what = f"{message.NAME} {row.name}: {value!r} has no encoding ({error})"
            raise NasError(None, what, f"TS 24.501 §{message.CLAUSE}", ie=row.name) from error


def _write(row: Row, value: object, out: bytearray) -> None:
    codec, form = row.codec, row.format
    if isinstance(codec, Nibble):
        number = codec.encode(value)
        if not 0 <= number <= 15:
            raise ValueError("not half an octet")
        if form is Format.HALF_HIGH:
            out[-1] |= number << 4
        elif row.iei is None:
            out.append(number)
        else:
            out.append(row.iei << 4 | number)
        return
    content = codec.encode(value)
    size = len(content)
    if not codec.low <= size <= codec.high:
        raise ValueError(f"{size} octets, wanted {codec.low} to {codec.high}")
    if row.iei is not None:
        out.append(row.iei)
    if form is Format.LV or form is Format.TLV:
        out.append(size)
    elif form is Format.LVE or form is Format.TLVE:
        out += size.to_bytes(2, "big")
    out += content
