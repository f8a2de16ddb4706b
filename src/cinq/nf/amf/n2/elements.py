"""NGAP information elements from and to the types of cinq.numbering and the UE context.

What all UEs of a cell share is built once: those elements are read, never changed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, cast

from cinq.nf.amf.context import Ambr
from cinq.numbering import AmfId, GnbId, NumberingError, PlmnId, SNssai, STmsi, Tai
from cinq.sbi import models
from cinq.wire import nas, ngap
from cinq.wire.strings import is_visible


@lru_cache(maxsize=1024)
def s_nssai(value: SNssai) -> ngap.SNSSAI:
    sd = None if value.sd is None else value.sd.to_bytes(3, "big")
    return ngap.SNSSAI(sst=bytes((value.sst,)), sd=sd)


def s_nssai_of(value: ngap.SNSSAI) -> SNssai:
    return SNssai(value.sst[0], None if value.sd is None else int.from_bytes(value.sd, "big"))


@lru_cache(maxsize=1024)
def allowed_nssai(values: tuple[SNssai, ...]) -> list[ngap.AllowedNSSAIItem]:
    return [ngap.AllowedNSSAIItem(s_nssai=s_nssai(value)) for value in values]


def tai(value: Tai) -> ngap.TAI:
    return ngap.TAI(plmn_identity=value.plmn.octets, tac=value.tac.to_bytes(3, "big"))


def tai_of(value: ngap.TAI) -> Tai:
    """NumberingError when the PLMN is none."""
    return _tai(value.plmn_identity, value.tac)


def tac_of(value: ngap.TAI) -> int:
    return int.from_bytes(value.tac, "big")


def gnb_id_of(node: ngap.GlobalRANNodeID) -> GnbId | None:
    """None: it is no gNB, or its PLMN is none."""
    if node[0] != "globalGNB-ID":
        return None
    value, bits = node[1].gnb_id[1]
    try:
        return GnbId(PlmnId.from_octets(node[1].plmn_identity), value, bits)
    except NumberingError:
        return None


def holds(node_id: str, cell: ngap.NRCGI) -> bool:
    """Whether the gNB of that identity, as text, has the cell."""
    gnb = GnbId.parse(node_id)
    return gnb.plmn.octets == cell.plmn_identity and gnb.holds(cell.nr_cell_identity)


@lru_cache(maxsize=4096)
def extended_amf_name(name: str) -> ngap.ExtendedAMFName | None:
    """Extended AMF Name, TS 38.413 §9.3.3.51, of ASCII where that is enough; None for an empty one."""
    if not name:
        return None
    if is_visible(name):
        return ngap.ExtendedAMFName(amf_name_visible_string=name)
    return ngap.ExtendedAMFName(amf_name_utf8_string=name)


def _tai(plmn: bytes, tac: bytes) -> Tai:
    return Tai(PlmnId.from_octets(plmn), int.from_bytes(tac, "big"))


@lru_cache(maxsize=16)
def guami(plmn: PlmnId, amf: AmfId) -> ngap.GUAMI:
    return ngap.GUAMI(
        plmn_identity=plmn.octets, amf_region_id=amf.region, amf_set_id=amf.set, amf_pointer=amf.pointer
    )


def five_g_s_tmsi(value: STmsi) -> ngap.FiveGSTMSI:
    return ngap.FiveGSTMSI(
        amf_set_id=value.amf_set, amf_pointer=value.amf_pointer, five_g_tmsi=value.tmsi.to_bytes(4, "big")
    )


def s_tmsi_of(value: ngap.FiveGSTMSI) -> STmsi:
    return STmsi(value.amf_set_id, value.amf_pointer, int.from_bytes(value.five_g_tmsi, "big"))


@lru_cache(maxsize=1024)
def security_capabilities(octets: bytes) -> ngap.UESecurityCapabilities:
    """TS 38.413 §9.3.1.86: algorithms 1 to 7 from the first bit; algorithm 0 is understood."""
    capability = nas.UeSecurityCapability(octets)

    def bits(algorithms: frozenset[int]) -> tuple[int, int]:
        return sum(1 << (16 - i) for i in algorithms if i), 16

    return ngap.UESecurityCapabilities(
        nr_encryption_algorithms=bits(capability.ea),
        nr_integrity_protection_algorithms=bits(capability.ia),
        eutra_encryption_algorithms=bits(capability.eea),
        eutra_integrity_protection_algorithms=bits(capability.eia),
    )


def masked_imeisv(pei: str) -> int | None:
    """TS 38.413 §9.3.1.54: the last four digits of the serial number become ones. None for an IMEI."""
    kind, _, digits = pei.partition("-")
    return int(f"{digits[:10]}ffff{digits[14:]}", 16) if kind == "imeisv" else None


@lru_cache(maxsize=1024)
def ue_ambr(ambr: Ambr) -> ngap.UEAggregateMaximumBitRate:
    return ngap.UEAggregateMaximumBitRate(
        ue_aggregate_maximum_bit_rate_dl=ambr.downlink, ue_aggregate_maximum_bit_rate_ul=ambr.uplink
    )


PRIORITIES: dict[int, ngap.PagingPriority] = {
    1: "priolevel1",
    2: "priolevel2",
    3: "priolevel3",
    4: "priolevel4",
    5: "priolevel5",
    6: "priolevel6",
    7: "priolevel7",
    8: "priolevel8",
}
"""Paging priority (TS 38.413 §9.3.1.78) of an ARP priority level."""

_DRX: dict[int, ngap.PagingDRX] = {
    nas.Drx.T_32: "v32",
    nas.Drx.T_64: "v64",
    nas.Drx.T_128: "v128",
    nas.Drx.T_256: "v256",
}
_EDRX: dict[int, tuple[ngap.NRPagingeDRXCycle, float]] = {
    0: ("hfhalf", 5.12),
    1: ("hf1", 10.24),
    2: ("hf2", 20.48),
    3: ("hf4", 40.96),
    5: ("hf8", 81.92),
    9: ("hf16", 163.84),
    10: ("hf32", 327.68),
    11: ("hf64", 655.36),
    12: ("hf128", 1310.72),
    13: ("hf256", 2621.44),
    14: ("hf512", 5242.88),
    15: ("hf1024", 10485.76),
}
"""eDRX values of NR (TS 24.008 §10.5.5.32): the cycle in hyperframes, and in seconds."""


def edrx_is_known(value: int) -> bool:
    """Whether an eDRX value of TS 24.008 is one of NR."""
    return value in _EDRX


def edrx_seconds(edrx: tuple[int, int] | None) -> float:
    return 0.0 if edrx is None else _EDRX[edrx[0]][1]


def paging_drx(drx: int) -> ngap.PagingDRX | None:
    """TS 38.413 §9.3.1.90: of a negotiated DRX value."""
    return _DRX.get(drx)


def paging_edrx(edrx: tuple[int, int] | None) -> ngap.NRPagingeDRXInformation | None:
    """TS 38.413 §9.3.1.227; the window in steps of 1.28 s (TS 24.008 §10.5.5.32)."""
    if edrx is None:
        return None
    cycle, window = edrx
    return ngap.NRPagingeDRXInformation(
        nr_paging_e_drx_cycle=_EDRX[cycle][0],
        nr_paging_time_window=cast(ngap.NRPagingTimeWindow, f"s{window + 1}"),
    )


def cells_for_paging(
    cells: ngap.RecommendedCellsForPaging | None,
) -> ngap.AssistanceDataForRecommendedCells | None:
    return (
        None if cells is None else ngap.AssistanceDataForRecommendedCells(recommended_cells_for_paging=cells)
    )


def radio_capability_for_paging(octets: bytes) -> ngap.UERadioCapabilityForPaging | None:
    return None if not octets else ngap.decode_value(ngap.UERadioCapabilityForPaging, octets)


class Place(NamedTuple):
    """Where a UE is: its tracking area, and TAI and cell as the SBI writes them (None when the cell is none)."""

    tai: Tai
    location: models.UserLocation | None


def place_of(location: ngap.UserLocationInformationNR) -> Place:
    """One object for all UEs of a cell. NumberingError when the PLMN of the TAI is none."""
    tai, cell = location.tai, location.nr_cgi
    return _place(tai.plmn_identity, tai.tac, cell.plmn_identity, cell.nr_cell_identity)


@lru_cache(maxsize=4096)
def _place(plmn: bytes, tac: bytes, cell_plmn: bytes, cell: int) -> Place:
    tai = _tai(plmn, tac)
    try:
        ncgi = models.Ncgi(plmn_id=models.PlmnId.of(PlmnId.from_octets(cell_plmn)), nr_cell_id=f"{cell:09x}")
    except NumberingError:
        return Place(tai, None)
    return Place(tai, models.UserLocation(nr_location=models.NrLocation(tai=models.Tai.of(tai), ncgi=ncgi)))


@lru_cache(maxsize=4096)
def sbi_tai(value: Tai) -> models.Tai:
    return models.Tai.of(value)
