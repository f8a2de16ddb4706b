"""Shapes of TS 29.571 that several services share, and their conversions to and from cinq.numbering."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import UNSET, Meta, Raw, UnsetType, field

from cinq import numbering
from cinq.sbi.extensible import extensible
from cinq.sbi.operation import Model

AccessType = Literal["3GPP_ACCESS", "NON_3GPP_ACCESS"]
RatType = Literal["NR", "EUTRA", "WLAN", "VIRTUAL", "NR_REDCAP"]
PduSessionType = Literal["IPV4", "IPV6", "IPV4V6", "UNSTRUCTURED", "ETHERNET"]
SscMode = Literal["SSC_MODE_1", "SSC_MODE_2", "SSC_MODE_3"]
UpCnxState = Literal["ACTIVATED", "DEACTIVATED", "ACTIVATING", "SUSPENDED"]
NFType = str  # TS 29.510 §6.1.6.3.3: AMF, SMF, ..., and names of operators and later releases


if not TYPE_CHECKING:
    RatType, PduSessionType, SscMode = extensible(RatType, PduSessionType, SscMode)


LONGEST_URI = 2048
Uri = Annotated[str, Meta(max_length=LONGEST_URI)]
"""Where something is told, as others give it: kept for as long as what it is about, so it has a bound."""


class PlmnId(Model):
    mcc: str
    mnc: str

    @classmethod
    def of(cls, plmn: numbering.PlmnId) -> PlmnId:
        return cls(mcc=plmn.mcc, mnc=plmn.mnc)

    def numbering(self) -> numbering.PlmnId:
        return numbering.PlmnId(self.mcc, self.mnc)


class PlmnIdNid(Model):
    mcc: str
    mnc: str
    nid: str | None = None

    @classmethod
    def of(cls, plmn: numbering.PlmnId) -> PlmnIdNid:
        return cls(mcc=plmn.mcc, mnc=plmn.mnc)


class Snssai(Model):
    """sst: 0 to 255. sd: six hexadecimal digits."""

    sst: int
    sd: str | None = None

    @classmethod
    def of(cls, snssai: numbering.SNssai) -> Snssai:
        return cls(sst=snssai.sst, sd=None if snssai.sd is None else f"{snssai.sd:06X}")

    def numbering(self) -> numbering.SNssai:
        return _snssai(self.sst, self.sd)


class Guami(Model):
    """amfId: six hexadecimal digits: region, set, pointer."""

    plmn_id: PlmnIdNid
    amf_id: str

    @classmethod
    def of(cls, plmn: numbering.PlmnId, amf: numbering.AmfId) -> Guami:
        return cls(plmn_id=PlmnIdNid.of(plmn), amf_id=amf.octets.hex())


class Tai(Model):
    """tac: six hexadecimal digits."""

    plmn_id: PlmnId
    tac: str

    @classmethod
    def of(cls, tai: numbering.Tai) -> Tai:
        return cls(plmn_id=PlmnId.of(tai.plmn), tac=f"{tai.tac:06x}")

    def numbering(self) -> numbering.Tai:
        return numbering.Tai(self.plmn_id.numbering(), int(self.tac, 16))


class Ncgi(Model):
    """nrCellId: nine hexadecimal digits (36 bits)."""

    plmn_id: PlmnId
    nr_cell_id: str


class NrLocation(Model):
    """ageOfLocationInformation: minutes, 0 where the gNB was just asked."""

    tai: Tai
    ncgi: Ncgi
    age_of_location_information: int | None = None
    ue_location_timestamp: str | None = None


class UserLocation(Model):
    nr_location: NrLocation | None = None


class GNbId(Model):
    """bitLength: 22 to 32. gNBValue: six to eight hexadecimal digits."""

    bit_length: int
    value: str = field(name="gNBValue")


class GlobalRanNodeId(Model):
    plmn_id: PlmnId
    g_nb_id: GNbId | None = None


class NgRanTargetId(Model):
    """The target of a handover, TS 29.518 §6.1.6.2.38."""

    ran_node_id: GlobalRanNodeId
    tai: Tai


UpSecurityPolicy = Literal["REQUIRED", "PREFERRED", "NOT_NEEDED"]


class UpSecurity(Model):
    """User plane security policy, TS 23.501 §5.10.3."""

    up_integr: UpSecurityPolicy
    up_confid: UpSecurityPolicy


class Area(Model):
    """tacs: six hexadecimal digits each. areaCode: an operator's name of an area, in place of TACs."""

    tacs: list[str] = []
    area_code: str | None = None


class ServiceAreaRestriction(Model):
    """Where a UE may have service, TS 23.501 §5.3.4.1. restrictionType comes with areas. No TAC in the areas: none."""

    restriction_type: Literal["ALLOWED_AREAS", "NOT_ALLOWED_AREAS"] | None = None
    areas: list[Area] = []
    max_num_of_tas: int | None = field(name="maxNumOfTAs", default=None)
    max_num_of_tas_for_not_allowed_areas: int | None = field(
        name="maxNumOfTAsForNotAllowedAreas", default=None
    )

    def allows(self, tac: int) -> bool:
        """Whether a tracking area of this network is no non-allowed area."""
        listed = any(int(text, 16) == tac for area in self.areas for text in area.tacs)
        return listed if self.restriction_type == "ALLOWED_AREAS" else not listed


class ChangeItem(Model):
    """path: JSON pointer into the resource. newValue: JSON, with ADD and REPLACE."""

    op: Literal["ADD", "MOVE", "REMOVE", "REPLACE"]
    path: str
    new_value: Raw | UnsetType = UNSET


class NotifyItem(Model):
    """Changes of one resource, which resourceId names by its URI."""

    resource_id: str
    changes: list[ChangeItem]


class Ambr(Model):
    """Bit rates as TS 29.571 writes them: '1 Gbps', '500 Mbps', '64000 bps'."""

    uplink: str
    downlink: str


class Arp(Model, omit_defaults=False):
    priority_level: int
    preempt_cap: Literal["NOT_PREEMPT", "MAY_PREEMPT"] = "NOT_PREEMPT"
    preempt_vuln: Literal["NOT_PREEMPTABLE", "PREEMPTABLE"] = "PREEMPTABLE"


class SubscribedDefaultQos(Model):
    five_qi: int = field(name="5qi")
    arp: Arp
    priority_level: int | None = None


class RefToBinaryData(Model):
    """Names the body part that carries the octets."""

    content_id: str


class NgApCause(Model):
    """group: index of the choice in TS 38.413's Cause. value: index of the enumeration."""

    group: int
    value: int


class IpAddress(Model):
    ipv4_addr: str | None = None
    ipv6_addr: str | None = None
    ipv6_prefix: str | None = None


_UNITS = {"bps": 1, "Kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9, "Tbps": 10**12}


@lru_cache(256)
def _snssai(sst: int, sd: str | None) -> numbering.SNssai:
    return numbering.SNssai(sst, None if sd is None else int(sd, 16))


@lru_cache(1024)
def bits_per_second(rate: str) -> int:
    """'1.5 Mbps' -> 1500000. ValueError when it is not a BitRate of TS 29.571 §5.5.2."""
    number, _, unit = rate.partition(" ")
    if unit not in _UNITS or not number.replace(".", "", 1).isdigit() or not number.isascii():
        raise ValueError(f"bit rate: found {rate[:40]!r}, wanted for example '100 Mbps'")
    return round(float(number) * _UNITS[unit])


def bit_rate(bps: int) -> str:
    """1500000 -> '1500 Kbps': the largest unit that keeps the number whole."""
    for unit in ("Tbps", "Gbps", "Mbps", "Kbps"):
        if bps and bps % _UNITS[unit] == 0:
            return f"{bps // _UNITS[unit]} {unit}"
    return f"{bps} bps"
