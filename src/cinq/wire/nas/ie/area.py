"""Tracking areas: TAI (§9.11.3.8), TAI list (§9.11.3.9), PLMN list (TS 24.008 §10.5.1.13)."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

from cinq.numbering import PlmnId, Tai
from cinq.wire.nas.row import Codec

plmn_of = lru_cache(256)(PlmnId.from_octets)
tai_of = lru_cache(1024)(Tai.from_octets)


@lru_cache(256)
def plmn_octets(plmn: PlmnId) -> bytes:
    return plmn.octets


@lru_cache(1024)
def tai_octets(tai: Tai) -> bytes:
    return tai.octets


_ONE_PLMN, _CONSECUTIVE, _MANY_PLMNS = 0, 1, 2


def _tai_list(b: bytes) -> list[Tai]:
    return list(_tais(b))


@lru_cache(1024)
def _tais(b: bytes) -> tuple[Tai, ...]:
    found: list[Tai] = []
    for head, part in partial_lists(b):
        if head >> 5 & 3 > _MANY_PLMNS:
            raise ValueError("a partial TAI list of form 3")
        found += tais_of(head, part)
    return tuple(found)


def partial_lists(b: bytes) -> list[tuple[int, bytes]]:
    """The partial lists of a TAI list or service area list: first octet, and what follows it."""
    found, position = [], 0
    while position < len(b):
        head = b[position]
        after = position + 1 + _size(head)
        if after > len(b):
            raise ValueError(f"a partial list of form {head >> 5 & 3} is cut")
        found.append((head, b[position + 1 : after]))
        position = after
    return found


def _count(head: int) -> int:
    return min((head & 31) + 1, 16)  # other values are to be interpreted as 16


def _size(head: int) -> int:
    return (3 + 3 * _count(head), 6, 6 * _count(head), 3)[head >> 5 & 3]


def tais_of(head: int, part: bytes) -> list[Tai]:
    """The tracking areas of one partial list of form 0 to 2."""
    return _partial(head >> 5 & 3, _count(head), part)


def _partial(form: int, count: int, b: bytes) -> list[Tai]:
    if form == _MANY_PLMNS:
        return [tai_of(b[i : i + 6]) for i in range(0, 6 * count, 6)]
    plmn = plmn_of(b[:3])
    if form == _ONE_PLMN:
        return [Tai(plmn, int.from_bytes(b[i : i + 3], "big")) for i in range(3, 3 + 3 * count, 3)]
    first = int.from_bytes(b[3:6], "big")
    return [Tai(plmn, first + i) for i in range(count)]


def _tai_list_octets(tais: list[Tai]) -> bytes:
    if len(tais) == 1:
        return bytes((_MANY_PLMNS << 5,)) + tai_octets(tais[0])
    return b"".join(partial_list_octets(tais))


def partial_list_octets(tais: list[Tai]) -> list[bytes]:
    """One partial list per run of a PLMN; runs of one TAI become a list of several PLMNs."""
    out: list[bytes] = []
    for alone, runs in groupby(_runs(tais), key=lambda run: len(run) == 1):
        if not alone:
            for run in runs:
                tacs = b"".join(tai.tac.to_bytes(3, "big") for tai in run)
                out.append(bytes((_ONE_PLMN << 5 | len(run) - 1,)) + plmn_octets(run[0].plmn) + tacs)
            continue
        single = [run[0] for run in runs]
        for i in range(0, len(single), 16):
            chunk = single[i : i + 16]
            head = bytes((_MANY_PLMNS << 5 | len(chunk) - 1,))
            out.append(head + b"".join(tai_octets(tai) for tai in chunk))
    return out


def _runs(tais: list[Tai]) -> list[list[Tai]]:
    runs: list[list[Tai]] = []
    for tai in tais:
        if runs and runs[-1][0].plmn == tai.plmn and len(runs[-1]) < 16:
            runs[-1].append(tai)
        else:
            runs.append([tai])
    return runs


def _plmns(b: bytes) -> list[PlmnId]:
    return [plmn_of(b[i : i + 3]) for i in range(0, len(b), 3)]


tai: Codec[Tai] = Codec(tai_of, tai_octets, 6, 6)
tai_list: Codec[list[Tai]] = Codec(_tai_list, _tai_list_octets, 7, 112)
plmn: Codec[PlmnId] = Codec(plmn_of, plmn_octets, 3, 3)
plmn_list: Codec[list[PlmnId]] = Codec(
    _plmns, lambda plmns: b"".join(plmn_octets(plmn) for plmn in plmns), 3, 45
)
plmn_list_or_none: Codec[list[PlmnId]] = Codec(
    _plmns, lambda plmns: b"".join(plmn_octets(p) for p in plmns), 0
)
