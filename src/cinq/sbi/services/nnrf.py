"""Nnrf_NFManagement and Nnrf_NFDiscovery, TS 29.510."""

from __future__ import annotations

from typing import Protocol

from cinq.sbi.models import NFType, Snssai
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.operation import Created, Model, operation, service
from cinq.sbi.services.nudr_dr import PatchItem


class SearchResult(Model):
    """validityPeriod: seconds for which the answer may be cached."""

    validity_period: int
    nf_instances: list[NFProfile]


@service("nnrf-nfm", "v1")
class NnrfNFManagement(Protocol):
    @operation(
        "Nnrf_NFManagement_NFRegister",
        "PUT",
        "/nf-instances/{nfInstanceID}",
        201,
        scopes=("nnrf-nfm:nf-instance:write",),
    )
    async def nf_register(self, nf_instance_id: str, body: NFProfile) -> Created[NFProfile]:
        """400 when the profile does not hold together."""
        ...

    @operation(
        "Nnrf_NFManagement_NFUpdate",
        "PATCH",
        "/nf-instances/{nfInstanceID}",
        204,
        scopes=("nnrf-nfm:nf-instance:write",),
    )
    async def nf_update(self, nf_instance_id: str, body: list[PatchItem]) -> None:
        """The heartbeat is a replace of /nfStatus by REGISTERED. 404 when the NRF does not know it."""
        ...

    @operation(
        "Nnrf_NFManagement_NFDeregister",
        "DELETE",
        "/nf-instances/{nfInstanceID}",
        204,
        scopes=("nnrf-nfm:nf-instance:write",),
    )
    async def nf_deregister(self, nf_instance_id: str) -> None: ...

    @operation(
        "Nnrf_NFManagement_NFProfileRetrieval",
        "GET",
        "/nf-instances/{nfInstanceID}",
        scopes=("nnrf-nfm:nf-instances:read",),
    )
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
