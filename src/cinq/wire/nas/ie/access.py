"""Closed access groups (§9.11.3.18A, §9.11.3.86) and operator-defined access categories (§9.11.3.38)."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.numbering import PlmnId, SNssai
from cinq.wire.nas.ie.area import plmn_octets, plmn_of
from cinq.wire.nas.ie.basic import dnn, dnn_octets
from cinq.wire.nas.ie.lists import first, piece, pieces
from cinq.wire.nas.ie.slices import s_nssai_octets, s_nssai_value
from cinq.wire.nas.row import Codec


class Cag(Struct, frozen=True):
    """The closed access groups of a PLMN. identities: of 32 bits. only: no access but by CAG cells."""

    plmn: PlmnId
    identities: tuple[int, ...] = ()
    only: bool = False


def _identities(b: bytes) -> tuple[int, ...]:
    if len(b) % 4:
        raise ValueError("a CAG identity has 4 octets")
    return tuple(int.from_bytes(b[i : i + 4], "big") for i in range(0, len(b), 4))


def _identities_octets(identities: tuple[int, ...]) -> bytes:
    return b"".join(identity.to_bytes(4, "big") for identity in identities)


def _cags(b: bytes) -> list[Cag]:
    return [Cag(plmn_of(e[:3]), _identities(e[4:]), e[3] & 1 == 1) for e in pieces(b)]


def _cags_octets(cags: list[Cag]) -> bytes:
    return b"".join(
        piece(plmn_octets(cag.plmn) + bytes((cag.only,)) + _identities_octets(cag.identities)) for cag in cags
    )


cag_information_list: Codec[list[Cag]] = Codec(_cags, _cags_octets, 0)


class CagValidity(Struct, frozen=True):
    """A closed access group that may be used at times only. periods: 16 octets each, TS 24.526 table 5.2.1."""

    identity: int
    periods: tuple[bytes, ...] = ()


class ExtendedCag(Struct, frozen=True):
    """The closed access groups of a PLMN, §9.11.3.86. timed: those with additional information."""

    plmn: PlmnId
    identities: tuple[int, ...] = ()
    only: bool = False
    timed: tuple[CagValidity, ...] = ()


_LENGTH_IS_THERE, _TIMED_ARE_THERE = 4, 8


def _extended_cag(b: bytes) -> ExtendedCag:
    flags, rest = b[3], b[4:]
    timed: tuple[CagValidity, ...] = ()
    if flags & _LENGTH_IS_THERE:
        plain, rest = first(rest, 2)
        if flags & _TIMED_ARE_THERE:
            timed = tuple(_validity(each) for each in pieces(first(rest, 2)[0], 2))
    else:
        plain = rest
    return ExtendedCag(plmn_of(b[:3]), _identities(plain), flags & 1 == 1, timed)


def _validity(b: bytes) -> CagValidity:
    if not b[4] & 1:
        return CagValidity(int.from_bytes(b[:4], "big"))
    periods = [b[i : i + 16] for i in range(6, 6 + 16 * b[5], 16)]
    if len(b) < 6 + 16 * b[5]:
        raise ValueError("a time period is cut")
    return CagValidity(int.from_bytes(b[:4], "big"), tuple(periods))


def _extended_cag_octets(cag: ExtendedCag) -> bytes:
    plain = _identities_octets(cag.identities)
    if not cag.timed:
        return plmn_octets(cag.plmn) + bytes((cag.only,)) + plain
    flags = cag.only | _LENGTH_IS_THERE | _TIMED_ARE_THERE
    timed = b"".join(piece(_validity_octets(each), 2) for each in cag.timed)
    return plmn_octets(cag.plmn) + bytes((flags,)) + piece(plain, 2) + piece(timed, 2)


def _validity_octets(cag: CagValidity) -> bytes:
    number = cag.identity.to_bytes(4, "big")
    if not cag.periods:
        return number + b"\0"
    if any(len(period) != 16 for period in cag.periods):
        raise ValueError("a time period has 16 octets")
    return number + bytes((1, len(cag.periods))) + b"".join(cag.periods)


extended_cag_information_list: Codec[list[ExtendedCag]] = Codec(
    lambda b: [_extended_cag(each) for each in pieces(b, 2)],
    lambda cags: b"".join(piece(_extended_cag_octets(cag), 2) for cag in cags),
    0,
)


class CriteriaType(IntEnum):
    DNN = 0
    OS_APPLICATION = 1
    S_NSSAI = 2


class OsApplication(Struct, frozen=True):
    """os_id: a UUID of 16 octets. application: an identifier of that operating system."""

    os_id: bytes
    application: bytes


class AccessCategory(Struct, frozen=True):
    """Operator-defined access category definition, §9.11.3.38.

    precedence: 0 to 255. number: 32 to 63. standardized: 0 to 7, 9 or 10, None where not given.
    dnns, applications, slices: the criteria; of each kind that is there one value has to fit (§4.5.3).
    """

    precedence: int
    number: int
    dnns: tuple[str, ...] = ()
    applications: tuple[OsApplication, ...] = ()
    slices: tuple[SNssai, ...] = ()
    standardized: int | None = None


_FIRST_NUMBER = 32


def _category(b: bytes) -> AccessCategory:
    criteria, rest = first(b[2:])
    standardized = rest[0] & 31 if b[1] & 0x80 else None
    dnns: list[str] = []
    applications: list[OsApplication] = []
    slices: list[SNssai] = []
    while criteria:
        kind, count, criteria = criteria[0], criteria[1], criteria[2:]
        for _ in range(count):
            if kind == CriteriaType.OS_APPLICATION:
                os_id, criteria = criteria[:16], criteria[16:]
                value, criteria = first(criteria)
                applications.append(OsApplication(os_id, value))
                continue
            value, criteria = first(criteria)
            if kind == CriteriaType.DNN:
                dnns.append(dnn.decode(value))
            elif kind == CriteriaType.S_NSSAI:
                slices.append(s_nssai_value(value))
            else:
                raise ValueError(f"criteria of type {kind}")
    found = tuple(dnns), tuple(applications), tuple(slices)
    return AccessCategory(b[0], _FIRST_NUMBER + (b[1] & 31), *found, standardized)


def _category_octets(c: AccessCategory) -> bytes:
    if not _FIRST_NUMBER <= c.number < _FIRST_NUMBER + 32:
        raise ValueError("an operator-defined access category is 32 to 63")
    criteria = _criteria(CriteriaType.DNN, [piece(dnn_octets(each)) for each in c.dnns])
    applications = [each.os_id + piece(each.application) for each in c.applications]
    if any(len(each.os_id) != 16 for each in c.applications):
        raise ValueError("an OS identity has 16 octets")
    criteria += _criteria(CriteriaType.OS_APPLICATION, applications)
    criteria += _criteria(CriteriaType.S_NSSAI, [piece(s_nssai_octets(each)) for each in c.slices])
    number = c.number - _FIRST_NUMBER | (0 if c.standardized is None else 0x80)
    out = bytes((c.precedence, number)) + piece(criteria)
    return out if c.standardized is None else out + bytes((c.standardized,))


def _criteria(kind: CriteriaType, values: list[bytes]) -> bytes:
    return bytes((kind, len(values))) + b"".join(values) if values else b""


access_category_definitions: Codec[list[AccessCategory]] = Codec(
    lambda b: [_category(each) for each in pieces(b)],
    lambda categories: b"".join(piece(_category_octets(category)) for category in categories),
    0,
    8320,
)
