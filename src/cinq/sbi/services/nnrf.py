"""Nnrf_NFManagement and Nnrf_NFDiscovery, TS 29.510."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import field

from cinq.sbi.models import Guami, NFType, PlmnId, Snssai, Tai
from cinq.sbi.operation import Created, Model, operation, service
from cinq.sbi.services.nudr_dr import PatchItem

NFStatus = Literal["REGISTERED", "SUSPENDED", "UNDISCOVERABLE", "CANARY_RELEASE"]


class NFServiceVersion(Model):
    api_version_in_uri: str
    api_full_version: str


class IpEndPoint(Model):
    """Where a service is reached."""

    ipv4_address: str | None = None
    transport: Literal["TCP"] | None = None
    port: int | None = None


class NFService(Model):
    service_instance_id: str
    service_name: str
    versions: list[NFServiceVersion]
    scheme: Literal["http", "https"]
    nf_service_status: NFStatus
    ip_end_points: list[IpEndPoint] = []


class AmfInfo(Model):
    """amfSetId: three, amfRegionId: two hexadecimal digits."""

    amf_set_id: str
    amf_region_id: str
    guami_list: list[Guami]
    tai_list: list[Tai] = []


class DnnSmfInfoItem(Model):
    dnn: str


class SnssaiSmfInfoItem(Model):
    s_nssai: Snssai
    dnn_smf_info_list: list[DnnSmfInfoItem]


class SmfInfo(Model):
    s_nssai_smf_info_list: list[SnssaiSmfInfoItem] = field(name="sNssaiSmfInfoList")


class NFProfile(Model):
    """heartBeatTimer: seconds."""

    nf_instance_id: str
    nf_type: str
    nf_status: NFStatus
    heart_beat_timer: int | None = None
    plmn_list: list[PlmnId] = []
    s_nssais: list[Snssai] = field(name="sNssais", default_factory=list)
    ipv4_addresses: list[str] = []
    fqdn: str | None = None
    nf_services: list[NFService] = []
    amf_info: AmfInfo | None = None
    smf_info: SmfInfo | None = None


class SearchResult(Model):
    """validityPeriod: seconds for which the answer may be cached."""

    validity_period: int
    nf_instances: list[NFProfile]


@service("nnrf-nfm", "v1")
class NnrfNFManagement(Protocol):
    @operation("Nnrf_NFManagement_NFRegister", "PUT", "/nf-instances/{nfInstanceID}", 201)
    async def nf_register(self, nf_instance_id: str, body: NFProfile) -> Created[NFProfile]:
        """400 when the profile does not hold together."""
        ...

    @operation("Nnrf_NFManagement_NFUpdate", "PATCH", "/nf-instances/{nfInstanceID}", 204)
    async def nf_update(self, nf_instance_id: str, body: list[PatchItem]) -> None:
        """The heartbeat is a replace of /nfStatus by REGISTERED. 404 when the NRF does not know it."""
        ...

    @operation("Nnrf_NFManagement_NFDeregister", "DELETE", "/nf-instances/{nfInstanceID}", 204)
    async def nf_deregister(self, nf_instance_id: str) -> None: ...

    @operation("Nnrf_NFManagement_NFProfileRetrieval", "GET", "/nf-instances/{nfInstanceID}")
    async def nf_profile(self, nf_instance_id: str) -> NFProfile: ...


@service("nnrf-disc", "v1")
class NnrfNFDiscovery(Protocol):
    @operation("Nnrf_NFDiscovery_Request", "GET", "/nf-instances")
    async def search(
        self,
        target_nf_type: NFType,
        requester_nf_type: NFType,
        service_names: list[str] | None,
        snssais: list[Snssai] | None,
        dnn: str | None,
    ) -> SearchResult: ...
