"""Nnssf_NSSAIAvailability, TS 29.531 §5.3 and §6.2: which slices an AMF can serve in its tracking areas."""

from __future__ import annotations

from typing import Protocol

from cinq.sbi.models import Snssai, Tai
from cinq.sbi.operation import Model, operation, service


class SupportedNssaiAvailabilityData(Model):
    tai: Tai
    supported_snssai_list: list[Snssai]


class NssaiAvailabilityInfo(Model):
    supported_nssai_availability_data: list[SupportedNssaiAvailabilityData]


class AuthorizedNssaiAvailabilityData(Model):
    tai: Tai
    supported_snssai_list: list[Snssai]


class AuthorizedNssaiAvailabilityInfo(Model):
    """Of what was said, that which is served in this network."""

    authorized_nssai_availability_data: list[AuthorizedNssaiAvailabilityData]


@service("nnssf-nssaiavailability", "v1")
class NnssfNSSAIAvailability(Protocol):
    @operation("Nnssf_NSSAIAvailability_Update", "PUT", "/nssai-availability/{nfId}")
    async def update_nssai_availability(
        self, nf_id: str, body: NssaiAvailabilityInfo
    ) -> AuthorizedNssaiAvailabilityInfo:
        """nf_id: of the AMF. All of its tracking areas: what its gNBs support there (TS 23.501 §5.15.8)."""
        ...

    @operation("Nnssf_NSSAIAvailability_Delete", "DELETE", "/nssai-availability/{nfId}", 204)
    async def delete_nssai_availability(self, nf_id: str) -> None: ...
