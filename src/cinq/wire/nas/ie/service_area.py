"""Where a UE may have service: service area list, LADNs (§9.11.3.29, 30, 49, 96), slices in part of an area."""

from __future__ import annotations

from msgspec import Struct

from cinq.numbering import PlmnId, SNssai, Tai
from cinq.wire.nas.ie.area import (
    partial_list_octets,
    partial_lists,
    plmn_octets,
    plmn_of,
    tai_list,
    tais_of,
)
from cinq.wire.nas.ie.basic import dnn, dnn_octets
from cinq.wire.nas.ie.lists import first, piece, pieces
from cinq.wire.nas.ie.slices import s_nssai_octets, s_nssai_value
from cinq.wire.nas.row import Codec


class ServiceArea(Struct, frozen=True):
    """§9.11.3.49. allowed: the tracking areas are the allowed area, else the non-allowed area.

    whole_plmn: all TAIs of the PLMNs in the registration area are allowed; then there are no tais.
    """

    tais: tuple[Tai, ...] = ()
    allowed: bool = True
    whole_plmn: PlmnId | None = None


_ALL_OF_PLMN, _NON_ALLOWED = 3, 0x80


def _service_area(b: bytes) -> ServiceArea:
    found: list[Tai] = []
    lists = partial_lists(b)
    for head, part in lists:
        if head >> 5 & 3 == _ALL_OF_PLMN:
            return ServiceArea(whole_plmn=plmn_of(part))
        found += tais_of(head, part)
    return ServiceArea(tuple(found), allowed=not lists[0][0] & _NON_ALLOWED)


def _service_area_octets(area: ServiceArea) -> bytes:
    if area.whole_plmn is not None:
        return bytes((_ALL_OF_PLMN << 5,)) + plmn_octets(area.whole_plmn)
    mark = 0 if area.allowed else _NON_ALLOWED
    return b"".join(bytes((part[0] | mark,)) + part[1:] for part in partial_list_octets(list(area.tais)))


class Ladn(Struct, frozen=True):
    """A local area data network: its DNN, and the tracking areas in which it is offered."""

    dnn: str
    tais: tuple[Tai, ...]


def _ladns(b: bytes) -> list[Ladn]:
    found = []
    while b:
        name, b = first(b)
        tais, b = first(b)
        found.append(Ladn(dnn.decode(name), tuple(tai_list.decode(tais))))
    return found


def _ladns_octets(ladns: list[Ladn]) -> bytes:
    return b"".join(piece(dnn_octets(each.dnn)) + piece(tai_list.encode(list(each.tais))) for each in ladns)


class ExtendedLadn(Struct, frozen=True):
    """A local area data network of a slice, §9.11.3.96."""

    dnn: str
    s_nssai: SNssai
    tais: tuple[Tai, ...]


def _extended_ladns(b: bytes) -> list[ExtendedLadn]:
    found = []
    while b:
        name, b = first(b)
        s_nssai, b = first(b)
        tais, b = first(b)
        found.append(ExtendedLadn(dnn.decode(name), s_nssai_value(s_nssai), tuple(tai_list.decode(tais))))
    return found


def _extended_ladns_octets(ladns: list[ExtendedLadn]) -> bytes:
    out = b""
    for each in ladns:
        out += piece(dnn_octets(each.dnn)) + piece(s_nssai_octets(each.s_nssai))
        out += piece(tai_list.encode(list(each.tais)))
    return out


class PartialSNssai(Struct, frozen=True):
    """An S-NSSAI that is allowed or rejected in a part of the registration area, §9.11.3.103."""

    s_nssai: SNssai
    tais: tuple[Tai, ...]


def _partial_nssai(b: bytes) -> list[PartialSNssai]:
    found = []
    while b:
        s_nssai, b = first(b)
        tais, b = first(b)
        found.append(PartialSNssai(s_nssai_value(s_nssai), tuple(tai_list.decode(tais))))
    return found


def _partial_nssai_octets(values: list[PartialSNssai]) -> bytes:
    return b"".join(
        piece(s_nssai_octets(each.s_nssai)) + piece(tai_list.encode(list(each.tais))) for each in values
    )


service_area_list: Codec[ServiceArea] = Codec(_service_area, _service_area_octets, 4, 112)
ladn_information: Codec[list[Ladn]] = Codec(_ladns, _ladns_octets, 10, 1712)
ladn_information_or_none: Codec[list[Ladn]] = Codec(_ladns, _ladns_octets, 0, 1712)
ladn_indication: Codec[list[str]] = Codec(
    lambda b: [dnn.decode(each) for each in pieces(b)],
    lambda dnns: b"".join(piece(dnn_octets(each)) for each in dnns),
    0,
    808,
)
extended_ladn_information: Codec[list[ExtendedLadn]] = Codec(_extended_ladns, _extended_ladns_octets, 0, 1784)
partial_nssai: Codec[list[PartialSNssai]] = Codec(_partial_nssai, _partial_nssai_octets, 0, 805)
