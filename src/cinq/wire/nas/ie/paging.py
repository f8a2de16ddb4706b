"""When and how a UE can be reached: DRX, wake-up, paging subgroups and restriction, periods of unavailability."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.wire.nas.ie.basic import duration, gprs_timer, named
from cinq.wire.nas.ie.bits import packed
from cinq.wire.nas.ie.session import pdu_sessions
from cinq.wire.nas.row import Codec


class Drx(IntEnum):
    """DRX cycle parameter T in frames of 10 ms, §9.11.3.2A."""

    NOT_SPECIFIED = 0
    T_32 = 1
    T_64 = 2
    T_128 = 3
    T_256 = 4


class NbDrx(IntEnum):
    """DRX cycle parameter T of NB-N1 mode, §9.11.3.73."""

    NOT_SPECIFIED = 0
    T_32 = 1
    T_64 = 2
    T_128 = 3
    T_256 = 4
    T_512 = 5
    T_1024 = 7


_DRX: dict[int, int] = {int(value): value for value in Drx}
_NB_DRX: dict[int, int] = {int(value): value for value in NbDrx}
drx_parameters: Codec[int] = Codec(
    lambda b: _DRX.get(b[0] & 15, Drx.NOT_SPECIFIED), lambda n: n.to_bytes(1, "big"), 1, 1
)  # other values are to be interpreted as not specified
nb_drx_parameters: Codec[int] = Codec(
    lambda b: _NB_DRX.get(b[0] & 15, NbDrx.NOT_SPECIFIED), lambda n: n.to_bytes(1, "big"), 1, 1
)


class ExtendedDrx(Struct, frozen=True):
    """Extended DRX parameters, TS 24.008 §10.5.5.32. value, paging_time_window: 0 to 15.

    extension: the second octet, where it was sent.
    """

    value: int
    paging_time_window: int
    extension: int | None = None


def _extended_drx_octets(drx: ExtendedDrx) -> bytes:
    if not (0 <= drx.value <= 15 and 0 <= drx.paging_time_window <= 15):
        raise ValueError("eDRX value and paging time window are 0 to 15")
    first = bytes((drx.paging_time_window << 4 | drx.value,))
    return first if drx.extension is None else first + bytes((drx.extension,))


extended_drx_parameters: Codec[ExtendedDrx] = Codec(
    lambda b: ExtendedDrx(b[0] & 15, b[0] >> 4, b[1] if len(b) > 1 else None), _extended_drx_octets, 1, 2
)


class PagingAssistance(Struct, frozen=True):
    """PEIPS, LP-WUSPS and WUS assistance information: §9.11.3.80, §9.11.3.111, TS 24.301 §9.9.3.62.

    value: the UE's paging probability in steps of 5 %, or a paging subgroup identity; kind says which.
    """

    value: int
    kind: int


class PagingAssistanceKind(IntEnum):
    """Of PEIPS and LP-WUSPS; in WUS assistance information 0 is the paging probability."""

    SUBGROUP = 0
    PROBABILITY = 1


paging_assistance: Codec[PagingAssistance] = packed(PagingAssistance, 5, 3)
paging_assistance_if_any: Codec[list[PagingAssistance]] = Codec(
    lambda b: [paging_assistance.decode(b)] if b else [],
    lambda values: b"".join(paging_assistance.encode(value) for value in values),
    0,
    1,
)  # an empty one takes back what was given


class PagingRestrictionType(IntEnum):
    ALL = 1
    ALL_BUT_VOICE = 2
    ALL_BUT_SESSIONS = 3
    ALL_BUT_VOICE_AND_SESSIONS = 4


class PagingRestriction(Struct, frozen=True):
    """§9.11.3.77. kind: a PagingRestrictionType. sessions: those for which paging is not restricted."""

    kind: int
    sessions: frozenset[int] | None = None


_KINDS: dict[int, int] = {int(kind): kind for kind in PagingRestrictionType}
paging_restriction: Codec[PagingRestriction] = Codec(
    lambda b: PagingRestriction(
        _KINDS.get(b[0] & 15, b[0] & 15), pdu_sessions.decode(b[1:]) if len(b) > 2 else None
    ),
    lambda r: bytes((r.kind,)) + (b"" if r.sessions is None else pdu_sessions.encode(r.sessions)),
    1,
    33,
)


class UeRequestType(IntEnum):
    """TS 24.301 §9.9.3.65."""

    NAS_CONNECTION_RELEASE = 1
    REJECTION_OF_PAGING = 2


ue_request_type: Codec[int] = named(UeRequestType)


class PagingRestrictionDecision(IntEnum):
    """5GS additional request result, §9.11.3.81."""

    NO_INFORMATION = 0
    ACCEPTED = 1
    REJECTED = 2


additional_request_result: Codec[int] = named(PagingRestrictionDecision)


class Unavailability(Struct, frozen=True):
    """Unavailability information, TS 24.301 §9.9.3.69. kind: 0 the UE's reasons, 1 discontinuous coverage.

    duration, start: seconds, start from now; None where not given.
    """

    kind: int = 0
    duration: int | None = None
    start: int | None = None


class UnavailabilityConfiguration(Struct, frozen=True):
    """TS 24.301 §9.9.3.70. end_is_not_reported: the UE need not tell when the period has ended."""

    end_is_not_reported: bool = False
    duration: int | None = None
    start: int | None = None


def _periods(b: bytes, flags: int) -> tuple[int | None, int | None]:
    """Duration and start, of which bit 1 and 2 of flags say whether they are there."""
    length = duration.decode(_three(b[1:4])) if flags & 1 else None
    begin = 4 if flags & 1 else 1
    return length, duration.decode(_three(b[begin : begin + 3])) if flags & 2 else None


def _three(b: bytes) -> bytes:
    if len(b) != 3:
        raise ValueError("a duration is cut")
    return b


def _periods_octets(length: int | None, start: int | None) -> bytes:
    return b"".join(duration.encode(each) for each in (length, start) if each is not None)


def _flags(length: int | None, start: int | None) -> int:
    return (length is not None) | (start is not None) << 1


unavailability_information: Codec[Unavailability] = Codec(
    lambda b: Unavailability(b[0] & 7, *_periods(b, b[0] >> 3)),
    lambda u: bytes((u.kind | _flags(u.duration, u.start) << 3,)) + _periods_octets(u.duration, u.start),
    1,
    7,
)
unavailability_configuration: Codec[UnavailabilityConfiguration] = Codec(
    lambda b: UnavailabilityConfiguration(b[0] & 1 == 1, *_periods(b, b[0] >> 1)),
    lambda u: (
        bytes((u.end_is_not_reported | _flags(u.duration, u.start) << 1,))
        + _periods_octets(u.duration, u.start)
    ),
    1,
    7,
)


class WaitRange(Struct, frozen=True):
    """Registration wait range, §9.11.3.84: seconds."""

    minimum: int
    maximum: int


registration_wait_range: Codec[WaitRange] = Codec(
    lambda b: WaitRange(gprs_timer.decode(b[:1]), gprs_timer.decode(b[1:2])),
    lambda r: gprs_timer.encode(r.minimum) + gprs_timer.encode(r.maximum),
    2,
    2,
)
