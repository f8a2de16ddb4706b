"""What a network function says of itself at the NRF: NFProfile and NFService, TS 29.510 §6.1.6.2.

The attributes that cinq reads. An NRF keeps all others too, see `Whole`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Guami, PlmnId, Snssai, Tai
from cinq.sbi.operation import Model

NFStatus = Literal["REGISTERED", "SUSPENDED", "UNDISCOVERABLE", "CANARY_RELEASE"]


if not TYPE_CHECKING:
    (NFStatus,) = extensible(NFStatus)


class NFServiceVersion(Model):
    api_version_in_uri: str
    api_full_version: str


class IpEndPoint(Model):
    """Where a service is reached."""

    ipv4_address: str | None = None
    ipv6_address: str | None = None
    transport: Literal["TCP"] | None = None
    port: int | None = None


class NFService(Model):
    """allowedOperations...: resource/operation-level scopes, by NF type or instance. priority: lowest first."""

    service_instance_id: str
    service_name: str
    versions: list[NFServiceVersion]
    scheme: Literal["http", "https"]
    nf_service_status: NFStatus
    fqdn: str | None = None
    ip_end_points: list[IpEndPoint] = []
    api_prefix: str | None = None
    allowed_plmns: list[PlmnId] = []
    allowed_nf_types: list[str] = []
    allowed_nssais: list[Snssai] = []
    allowed_operations_per_nf_type: dict[str, list[str]] = {}
    allowed_operations_per_nf_instance: dict[str, list[str]] = {}
    allowed_operations_per_nf_instance_overrides: bool = False
    priority: int | None = None
    capacity: int | None = None
    load: int | None = None
    s_nssais: list[Snssai] = field(name="sNssais", default_factory=list)
    oauth2_required: bool | None = None


class SupiRange(Model):
    """start, end: digits. pattern: a regular expression of the whole SUPI."""

    start: str | None = None
    end: str | None = None
    pattern: str | None = None


class TacRange(Model):
    start: str | None = None
    end: str | None = None
    pattern: str | None = None


class TaiRange(Model):
    plmn_id: PlmnId
    tac_range_list: list[TacRange]


class AmfInfo(Model):
    """amfSetId: three, amfRegionId: two hexadecimal digits."""

    amf_set_id: str
    amf_region_id: str
    guami_list: list[Guami]
    tai_list: list[Tai] = []
    tai_range_list: list[TaiRange] = []


class DnnSmfInfoItem(Model):
    dnn: str


class SnssaiSmfInfoItem(Model):
    s_nssai: Snssai
    dnn_smf_info_list: list[DnnSmfInfoItem]


class SmfInfo(Model):
    s_nssai_smf_info_list: list[SnssaiSmfInfoItem] = field(name="sNssaiSmfInfoList")
    tai_list: list[Tai] = []
    tai_range_list: list[TaiRange] = []


class AusfInfo(Model):
    group_id: str | None = None
    supi_ranges: list[SupiRange] = []
    routing_indicators: list[str] = []


class UdmInfo(Model):
    group_id: str | None = None
    supi_ranges: list[SupiRange] = []
    routing_indicators: list[str] = []


class UdrInfo(Model):
    group_id: str | None = None
    supi_ranges: list[SupiRange] = []
    supported_data_sets: list[str] = []


class PcfInfo(Model):
    group_id: str | None = None
    dnn_list: list[str] = []
    supi_ranges: list[SupiRange] = []


class BsfInfo(Model):
    dnn_list: list[str] = []


class ScpInfo(Model):
    """scpPorts: by scheme, http or https."""

    scp_prefix: str | None = None
    scp_ports: dict[str, int] = {}


class NFProfile(Model):
    """heartBeatTimer: seconds. priority: 0 to 65535, the lowest goes first. capacity: a weight. load: per cent.
    vendorId: IANA private enterprise number, six digits.
    """

    nf_instance_id: str
    nf_type: str
    nf_status: NFStatus
    heart_beat_timer: int | None = None
    vendor_id: str | None = None
    plmn_list: list[PlmnId] = []
    s_nssais: list[Snssai] = field(name="sNssais", default_factory=list)
    nsi_list: list[str] = []
    fqdn: str | None = None
    ipv4_addresses: list[str] = []
    ipv6_addresses: list[str] = []
    allowed_plmns: list[PlmnId] = []
    allowed_nf_types: list[str] = []
    allowed_nssais: list[Snssai] = []
    priority: int | None = None
    capacity: int | None = None
    load: int | None = None
    locality: str | None = None
    nf_set_id_list: list[str] = []
    nf_services: list[NFService] = []
    nf_service_list: dict[str, NFService] = {}
    amf_info: AmfInfo | None = None
    smf_info: SmfInfo | None = None
    ausf_info: AusfInfo | None = None
    udm_info: UdmInfo | None = None
    udr_info: UdrInfo | None = None
    pcf_info: PcfInfo | None = None
    bsf_info: BsfInfo | None = None
    scp_info: ScpInfo | None = None

    @property
    def services(self) -> tuple[NFService, ...]:
        """Of the list, and of the map that may be there in its place."""
        return (*self.nf_services, *self.nf_service_list.values())
