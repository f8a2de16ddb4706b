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

from typing import ClassVar, Self, TypeVar, dataclass_transform

from cinq.wire.nas.row import Codec, Format, Nibble, Row, half, lv, lve, tlv, tlve, tv, tv1, v
from cinq.wire.nas.straight import Layout, initializer

__all__ = [
    "GMM", "GSM", "Codec", "Format", "GmmMessage", "GsmMessage", "NasMessage", "Nibble", "Row", "build", "half",
    "layout_of", "lv", "lve", "tlv", "tlve", "tv", "tv1", "v",
]  # fmt: skip

GMM = 0x7E
GSM = 0x2E
_SECRETS = frozenset(("aun3_device_security_key", "ciphering_key_data", "relay_key_response_parameters"))
_new, _set = object.__new__, object.__setattr__


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(half, v, lv, lve))
class NasMessage:
    """A plain 5GS NAS message. Attributes are the information elements.

    unknown: elements skipped by the comprehension rules, as (IEI, value octets).
    faults: optional elements treated as absent because they were wrong, as (attribute name, what was wrong).
    misplaced: optional elements out of sequence, by attribute name. They are taken all the same: the network
    should, the UE shall ignore them (§7.6.2), but stacks send them, and no meaning hangs on the order.
    None of these takes part in equality, and none is encoded.
    """

    NAME: ClassVar[str] = ""
    TYPE: ClassVar[int] = 0
    CLAUSE: ClassVar[str] = ""
    EPD: ClassVar[int] = 0
    VECTORS: ClassVar[tuple[str, ...]] = ()
    ROWS: ClassVar[tuple[Row, ...]] = ()
    HEADER: ClassVar[tuple[str, ...]] = ()
    NAMES: ClassVar[tuple[str, ...]] = ()
    unknown: ClassVar[tuple[tuple[int, bytes], ...]] = ()
    faults: ClassVar[tuple[tuple[str, str], ...]] = ()
    misplaced: ClassVar[tuple[str, ...]] = ()

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
        cls.NAMES = (*cls.HEADER, *rows)

    def __init__(self, **fields: object) -> None:
        kind = type(self)
        make_constructor(kind)  # with the first message of the kind
        kind.__init__(self, **fields)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: use replace()")

    def replace(self, **changes: object) -> Self:
        """A copy with these attributes changed; None takes an optional element out."""
        return type(self)(**{**self.fields, **changes})

    @property
    def fields(self) -> dict[str, object]:
        """The elements that are present, by attribute name, in the order of the specification."""
        present = self.__dict__
        return {name: present[name] for name in self.NAMES if name in present}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, NasMessage):
            return NotImplemented
        return self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]  # values may be lists

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={shown(name, value)}" for name, value in self.fields.items())
        return f"{type(self).__name__}({inside})"


def shown(name: str, value: object) -> str:
    """A value for messages to people: a key is not shown."""
    return "<hidden>" if name in _SECRETS else repr(value)


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
        return build(
            type(self), {name: value for name, value in self.__dict__.items() if name in self.CLEARTEXT}
        )


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


def make_constructor(kind: type[NasMessage]) -> None:
    """Gives a message class its own __init__, unless it has one."""
    if "__init__" not in vars(kind):
        type.__setattr__(kind, "__init__", initializer(layout_of(kind)))


def layout_of(kind: type[NasMessage]) -> Layout:
    """What straight.py makes the code of a message class from."""
    return Layout(kind.__name__, kind.EPD, kind.TYPE, kind.HEADER, kind.ROWS)
