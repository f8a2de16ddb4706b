"""Data and information elements of NGAP, both ways."""

from __future__ import annotations

import re
from functools import lru_cache

from cinq.numbering import AmfId, GnbId, NumberingError, PlmnId, SNssai, STmsi, Tai
from cinq.ran.gnb.context import CellId, Guami
from cinq.transport_address import Address, TransportAddress
from cinq.wire import ngap

UNREACHABLE: ngap.Cause = ("transport", "transport-resource-unavailable")
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*")
_VISIBLE = re.compile(r"[ -~]*")


class Unsuccessful(Exception):
    """A session, or a whole request, gets nothing, with the NGAP cause."""

    def __init__(self, cause: ngap.Cause) -> None:
        super().__init__(said(cause))
        self.cause = cause


def said(cause: ngap.Cause | None) -> str:
    """A cause as people read it. None: the AMF left it out, as criticality ignore allows (§10.3.5)."""
    return "no cause given" if cause is None else "/".join(map(str, cause))


# names, TS 38.413 §9.3.3.29 and §9.3.3.52


def ran_node_name(name: str) -> tuple[str | None, ngap.ExtendedRANNodeName | None]:
    """RAN Node Name, which is a PrintableString, or else Extended RAN Node Name, of ASCII where that is enough."""
    if _PRINTABLE.fullmatch(name):
        return name, None
    if _VISIBLE.fullmatch(name):
        return None, ngap.ExtendedRANNodeName(ran_node_name_visible_string=name)
    return None, ngap.ExtendedRANNodeName(ran_node_name_utf8_string=name)


def amf_name_of(name: str | None, extended: ngap.ExtendedAMFName | None) -> str | None:
    """The extended name, where there is one, says it better."""
    if extended is None:
        return name
    return extended.amf_name_utf8_string or extended.amf_name_visible_string or name


# slices and identities


def s_nssai(value: SNssai) -> ngap.SNSSAI:
    return ngap.SNSSAI(sst=bytes((value.sst,)), sd=None if value.sd is None else value.sd.to_bytes(3, "big"))


def s_nssai_of(value: ngap.SNSSAI) -> SNssai:
    return SNssai(value.sst[0], None if value.sd is None else int.from_bytes(value.sd, "big"))


def guami(value: Guami) -> ngap.GUAMI:
    plmn, amf = value
    return ngap.GUAMI(
        plmn_identity=plmn.octets,
        amf_region_id=amf.region,
        amf_set_id=amf.set,
        amf_pointer=amf.pointer,
    )


def guami_of(value: ngap.GUAMI) -> Guami:
    return plmn_of(value.plmn_identity), AmfId(value.amf_region_id, value.amf_set_id, value.amf_pointer)


def plmn_of(octets: bytes) -> PlmnId:
    """An AMF that names a PLMN of letters is of no use to a UE, but no reason to give it up: 000-00."""
    try:
        return PlmnId.from_octets(octets)
    except NumberingError:
        return PlmnId("000", "00")


def s_tmsi(value: STmsi) -> ngap.FiveGSTMSI:
    return ngap.FiveGSTMSI(
        amf_set_id=value.amf_set,
        amf_pointer=value.amf_pointer,
        five_g_tmsi=value.tmsi.to_bytes(4, "big"),
    )


def s_tmsi_of(value: ngap.FiveGSTMSI) -> STmsi:
    return STmsi(value.amf_set_id, value.amf_pointer, int.from_bytes(value.five_g_tmsi, "big"))


def global_gnb_id(value: GnbId) -> ngap.GlobalRANNodeID:
    return (
        "globalGNB-ID",
        ngap.GlobalGNBID(plmn_identity=value.plmn.octets, gnb_id=("gNB-ID", (value.value, value.bits))),
    )


def tai(value: Tai) -> ngap.TAI:
    return ngap.TAI(plmn_identity=value.plmn.octets, tac=value.tac.to_bytes(3, "big"))


def nr_cgi(cell: CellId) -> ngap.NRCGI:
    return ngap.NRCGI(plmn_identity=cell.gnb.plmn.octets, nr_cell_identity=cell.nci)


@lru_cache(maxsize=4096)
def location(cell: CellId) -> ngap.UserLocationInformation:
    """User Location Information of a UE in the cell, §9.3.1.16; one object for all of them."""
    return (
        "userLocationInformationNR",
        ngap.UserLocationInformationNR(nr_cgi=nr_cgi(cell), tai=tai(cell.tai)),
    )


# tunnels


def gtp_tunnel(ends: TransportAddress, teid: int) -> ngap.UPTransportLayerInformation:
    tunnel = ngap.GTPTunnel(transport_layer_address=ends.bits, gtp_teid=teid.to_bytes(4, "big"))
    return "gTPTunnel", tunnel


def far_ends(information: ngap.UPTransportLayerInformation) -> tuple[TransportAddress, int]:
    """Addresses and TEID of the other end. Unsuccessful: of no version of IP, TS 38.414 §5.1."""
    try:
        ends = TransportAddress.from_bits(*information[1].transport_layer_address)
    except ValueError:
        raise Unsuccessful(UNREACHABLE) from None
    return ends, int.from_bytes(information[1].gtp_teid, "big")


def far_end(information: ngap.UPTransportLayerInformation, own: TransportAddress) -> tuple[Address, int]:
    """Address and TEID of the UPF. own: our ends, which say how it is reached. Unsuccessful: it is not."""
    ends, teid = far_ends(information)
    upf = ends.reached_from(own)
    if upf is None:
        raise Unsuccessful(UNREACHABLE)
    return upf, teid


# security


_INTEGRITY = (2, 1, 3)  # the operator's preference, TS 33.501 §5.11
_CIPHERING = (2, 1, 3, 0)


def algorithms(capabilities: ngap.UESecurityCapabilities) -> tuple[int, int]:
    """Integrity and ciphering that are taken, TS 33.501 §5.11.2. Unsuccessful: the UE supports none (§8.3.1.4)."""
    integrity = _select(capabilities.nr_integrity_protection_algorithms, _INTEGRITY)
    if integrity is None:
        raise Unsuccessful(
            ("radioNetwork", "encryption-and-or-integrity-protection-algorithms-not-supported")
        )
    return integrity, _select(capabilities.nr_encryption_algorithms, _CIPHERING) or 0


def _select(offered: tuple[int, int], preferred: tuple[int, ...]) -> int | None:
    """The first preferred algorithm that the UE supports. The first bit is algorithm 1, TS 38.413 §9.3.1.86.

    None: the UE supports none of them. Algorithm 0 needs no bit.
    """
    bits, size = offered
    for algorithm in preferred:
        if algorithm == 0 or bits >> size - algorithm & 1:
            return algorithm
    return None
