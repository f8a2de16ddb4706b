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
from typing import ClassVar, Generic, NamedTuple, NoReturn, Self, TypeVar, cast, dataclass_transform

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


_HALF, _HALF_HIGH, _V, _LV, _LVE, _TV1, _TV, _TLV, _TLVE = (int(form) for form in Format)
_ONE_OCTET_LENGTH, _TWO_OCTET_LENGTH = (_LV, _TLV), (_LVE, _TLVE)


class Nibble(Generic[T]):
    """Codec of a value of half an octet; decode gives a value for each of the 16."""

    def __init__(self, decode: Callable[[int], T], encode: Callable[[T], int]) -> None:
        self.decode = tuple(decode(number) for number in range(16)).__getitem__
        self.encode = encode
        self.low = self.high = 0


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

    def __init__(self, form: Format, iei: int | None, codec: Codec[T] | Nibble[T], strict: bool) -> None:
        self.name = ""
        self.format = form
        self.iei = iei
        self.codec = cast("Codec[object] | Nibble[object]", codec)
        self.strict = strict

    @property
    def mandatory(self) -> bool:
        return self.iei is None


def _row(form: Format, iei: int | None, codec: Codec[T] | Nibble[T], strict: bool = False) -> T:
    """A row, in the type of the attribute that it declares (PEP 681)."""
    return cast(T, Row(form, iei, codec, strict))


def half(codec: Nibble[T]) -> T:
    """M V 1/2. The first of two neighbours stands in bits 1 to 4; above one alone is a spare half octet."""
    return _row(Format.HALF, None, codec)


def v(codec: Codec[T]) -> T:
    """M V of fixed length."""
    return _row(Format.V, None, codec)


def lv(codec: Codec[T]) -> T:
    """M LV."""
    return _row(Format.LV, None, codec)


def lve(codec: Codec[T]) -> T:
    """M LV-E."""
    return _row(Format.LVE, None, codec)


def tv1(iei: int, codec: Nibble[T]) -> T | None:
    """O TV of one octet: iei in bits 5 to 8."""
    return _row(Format.TV1, iei, codec)


def tv(iei: int, codec: Codec[T]) -> T | None:
    """O TV of fixed length."""
    return _row(Format.TV, iei, codec)


def tlv(iei: int, codec: Codec[T], *, strict: bool = False) -> T | None:
    """O TLV."""
    return _row(Format.TLV, iei, codec, strict)


def tlve(iei: int, codec: Codec[T]) -> T | None:
    """O TLV-E."""
    return _row(Format.TLVE, iei, codec)


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
    MANDATORY: ClassVar[tuple[_Step, ...]] = ()
    BY_TAG: ClassVar[dict[int, _Step]] = {}
    BY_NAME: ClassVar[dict[str, _Step]] = {}
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
        steps = [_step(number, row) for number, row in enumerate(cls.ROWS)]
        cls.MANDATORY = tuple(step for step in steps if step.tag < 0)
        cls.BY_NAME = {step.name: step for step in steps}
        cls.BY_TAG = _by_tag(cls.__name__, steps)

    def __init__(self, **fields: object) -> None:
        kind = type(self)
        present = {key: value for key, value in fields.items() if value is not None}
        if not kind.REQUIRED <= present.keys() <= kind.FIELDS:
            missing, strange = kind.REQUIRED - present.keys(), present.keys() - kind.FIELDS
            raise TypeError(f"{kind.__name__}: missing {sorted(missing)}, unknown {sorted(strange)}")
        self.__dict__.update(present)

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
    strict = _optional(kind, octets, position, fields)
    message = build(kind, fields)
    if strict is not None:
        strict.partial = message
        raise strict
    return message


def _mandatory(kind: type[NasMessage], octets: bytes, start: int, fields: dict[str, object]) -> int:
    """Read the mandatory elements; returns where the optional ones begin."""
    position = start
    for _, name, form, _, low, high, read_half, read, _, _, _ in kind.MANDATORY:
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
    end, table = len(octets), kind.BY_TAG
    while position < end:
        step = table.get(octets[position])
        if step is None:
            position = _skip(octets, position, unknown)
            continue
        _, name, form, _, low, high, read_half, read, _, _, _ = step
        after = end
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
            if kind.BY_NAME[name].strict:
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


def encode_body(message: NasMessage, out: bytearray) -> None:
    """Append the elements of the message in the order of its table. NasError when a value does not fit."""
    present, table = message.__dict__, message.BY_NAME
    for step in sorted([table[name] for name in present if name in table]):
        try:
            _write(step, present[step.name], out)
        except (ValueError, IndexError, AttributeError, TypeError, OverflowError) as error:
            what = f"{message.NAME} {step.name}: {present[step.name]!r} has no encoding ({error})"
            raise NasError(None, what, f"TS 24.501 §{message.CLAUSE}", ie=step.name) from error


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
