"""What else a UE is told about slices: groups, replacements, validity (§9.11.3.82, 87, 97, 100, 101, 108)."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.numbering import NR_CELL_BITS, PlmnId, SNssai, Tai
from cinq.wire.nas.ie.area import plmn_octets, plmn_of, tai_list
from cinq.wire.nas.ie.basic import duration, named_half
from cinq.wire.nas.ie.bits import packed_half
from cinq.wire.nas.ie.lists import first, piece, pieces
from cinq.wire.nas.ie.slices import s_nssai_octets, s_nssai_value
from cinq.wire.nas.row import Codec, Nibble


class NssaiInclusionMode(IntEnum):
    """§9.11.3.37A."""

    A = 0
    B = 1
    C = 2
    D = 3


nssai_inclusion_mode: Nibble[int] = named_half(NssaiInclusionMode, 3)


class NetworkSlicingIndication(Struct, frozen=True):
    """§9.11.3.36. subscription_changed: the network's. from_default_configured: the UE's, of its requested NSSAI."""

    subscription_changed: bool = False
    from_default_configured: bool = False


network_slicing_indication: Nibble[NetworkSlicingIndication] = packed_half(NetworkSlicingIndication, 1, 1)


class SliceGroups(Struct, frozen=True):
    """NSSRG values of an S-NSSAI of the configured NSSAI, §9.11.3.82."""

    s_nssai: SNssai
    groups: tuple[int, ...]


def _slice_groups(b: bytes) -> SliceGroups:
    s_nssai, groups = first(b)
    return SliceGroups(s_nssai_value(s_nssai), tuple(groups))


nssrg_information: Codec[list[SliceGroups]] = Codec(
    lambda b: [_slice_groups(each) for each in pieces(b)],
    lambda values: b"".join(piece(piece(s_nssai_octets(v.s_nssai)) + bytes(v.groups)) for v in values),
    4,
    4096,
)


class Nsag(Struct, frozen=True):
    """Network slice AS group, §9.11.3.87. priority: 0 is the highest. tais: where it holds; empty: everywhere."""

    identifier: int
    slices: tuple[SNssai, ...]
    priority: int
    tais: tuple[Tai, ...] = ()


def _nsag(b: bytes) -> Nsag:
    slices, rest = first(b[1:])
    if not slices:
        raise ValueError("a group without slices")
    tais = tuple(tai_list.decode(first(rest[1:])[0])) if len(rest) > 1 else ()
    return Nsag(b[0], tuple(s_nssai_value(each) for each in pieces(slices)), rest[0], tais)


def _nsag_octets(group: Nsag) -> bytes:
    slices = b"".join(piece(s_nssai_octets(each)) for each in group.slices)
    tais = piece(tai_list.encode(list(group.tais))) if group.tais else b""
    return bytes((group.identifier,)) + piece(slices) + bytes((group.priority,)) + tais


nsag_information: Codec[list[Nsag]] = Codec(
    lambda b: [_nsag(each) for each in pieces(b)],
    lambda groups: b"".join(piece(_nsag_octets(group)) for group in groups),
    6,
    3140,
)


class AlternativeSNssai(Struct, frozen=True):
    """§9.11.3.97: one that is to be replaced, and what replaces it."""

    replaced: SNssai
    alternative: SNssai


def _alternatives(b: bytes) -> list[AlternativeSNssai]:
    found = [s_nssai_value(each) for each in pieces(b)]
    return [AlternativeSNssai(*pair) for pair in zip(found[::2], found[1::2], strict=True)]


alternative_nssai: Codec[list[AlternativeSNssai]] = Codec(
    _alternatives,
    lambda pairs: b"".join(
        piece(s_nssai_octets(p.replaced)) + piece(s_nssai_octets(p.alternative)) for p in pairs
    ),
    0,
    144,
)


class OnDemandSNssai(Struct, frozen=True):
    """§9.11.3.108. inactivity_timer: slice deregistration inactivity timer in seconds."""

    s_nssai: SNssai
    inactivity_timer: int | None = None


def _on_demand(b: bytes) -> OnDemandSNssai:
    s_nssai, rest = first(b)
    return OnDemandSNssai(s_nssai_value(s_nssai), duration.decode(rest[:3]) if len(rest) >= 3 else None)


def _on_demand_octets(value: OnDemandSNssai) -> bytes:
    timer = b"" if value.inactivity_timer is None else duration.encode(value.inactivity_timer)
    return piece(s_nssai_octets(value.s_nssai)) + timer


on_demand_nssai: Codec[list[OnDemandSNssai]] = Codec(
    lambda b: [_on_demand(each) for each in pieces(b)],
    lambda values: b"".join(piece(_on_demand_octets(value)) for value in values),
    3,
    208,
)


class NrCell(Struct, frozen=True):
    """NR cell global identity: identity of 36 bits."""

    plmn: PlmnId
    identity: int


class SliceCells(Struct, frozen=True):
    """The cells in which an S-NSSAI is available, §9.11.3.100."""

    s_nssai: SNssai
    cells: tuple[NrCell, ...]


_SPARE = 4  # bits behind the 36 of a cell identity in 5 octets


def _slice_cells(b: bytes) -> SliceCells:
    s_nssai, rest = first(b)
    count = rest[0] << 8 | rest[1]
    if len(rest) < 2 + 8 * count:
        raise ValueError("an NR CGI is cut")
    cells = tuple(
        NrCell(plmn_of(rest[i + 5 : i + 8]), int.from_bytes(rest[i : i + 5], "big") >> _SPARE)
        for i in range(2, 2 + 8 * count, 8)
    )
    return SliceCells(s_nssai_value(s_nssai), cells)


def _slice_cells_octets(value: SliceCells) -> bytes:
    out = piece(s_nssai_octets(value.s_nssai)) + len(value.cells).to_bytes(2, "big")
    for cell in value.cells:
        if cell.identity >> NR_CELL_BITS:
            raise ValueError("an NR cell identity has 36 bits")
        out += (cell.identity << _SPARE).to_bytes(5, "big") + plmn_octets(cell.plmn)
    return out


s_nssai_location_validity: Codec[list[SliceCells]] = Codec(
    lambda b: [_slice_cells(each) for each in pieces(b, 2)],
    lambda values: b"".join(piece(_slice_cells_octets(value), 2) for value in values),
    14,
    38608,
)


class TimeWindow(Struct, frozen=True):
    """When a slice is available, §9.11.3.101. start, stop, end: seconds since 1970 as 64-bit NTP timestamps.

    recurrence: 0 every day, 1 every weekday, 2 every week and so on; None: once. end: of the recurrence.
    """

    start: int
    stop: int
    recurrence: int | None = None
    end: int | None = None


class SliceTimes(Struct, frozen=True):
    """The time windows of an S-NSSAI."""

    s_nssai: SNssai
    windows: tuple[TimeWindow, ...]


def _window(b: bytes) -> TimeWindow:
    if len(b) < 16:
        raise ValueError(f"a time window of {len(b)} octets")
    start, stop = int.from_bytes(b[:8], "big"), int.from_bytes(b[8:16], "big")
    end = int.from_bytes(b[17:25], "big") if len(b) >= 25 else None
    return TimeWindow(start, stop, b[16] & 15 if len(b) > 16 else None, end)


def _window_octets(window: TimeWindow) -> bytes:
    out = window.start.to_bytes(8, "big") + window.stop.to_bytes(8, "big")
    if window.recurrence is None:
        return out
    out += window.recurrence.to_bytes(1, "big")
    return out if window.end is None else out + window.end.to_bytes(8, "big")


def _slice_times(b: bytes) -> SliceTimes:
    s_nssai, rest = first(b)
    return SliceTimes(s_nssai_value(s_nssai), tuple(_window(each) for each in pieces(first(rest)[0])))


def _slice_times_octets(value: SliceTimes) -> bytes:
    windows = b"".join(piece(_window_octets(window)) for window in value.windows)
    return piece(s_nssai_octets(value.s_nssai)) + piece(windows)


s_nssai_time_validity: Codec[list[SliceTimes]] = Codec(
    lambda b: [_slice_times(each) for each in pieces(b)],
    lambda values: b"".join(piece(_slice_times_octets(value)) for value in values),
    21,
    255,
)
