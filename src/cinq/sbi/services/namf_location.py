"""Namf_Location, TS 29.518 §5.5 and §6.4: where a UE is, as its gNB says."""

from __future__ import annotations

from typing import Protocol

from msgspec import field

from cinq.sbi.models import RatType, UserLocation
from cinq.sbi.operation import Model, operation, service


class RequestLocInfo(Model):
    """req5gsLoc: the cell is wanted. reqCurrentLoc: as it is now, and not as it was last known."""

    req_5gs_loc: bool = field(name="req5gsLoc", default=True)
    req_current_loc: bool = False


class ProvideLocInfo(Model):
    """currentLoc: false where it is the last known one, of an idle UE."""

    current_loc: bool | None = None
    location: UserLocation | None = None
    rat_type: RatType | None = None


@service("namf-loc", "v1")
class NamfLocation(Protocol):
    @operation("Namf_Location_ProvideLocationInfo", "POST", "/{ueContextId}/provide-loc-info")
    async def provide_location_info(self, ue_context_id: str, body: RequestLocInfo) -> ProvideLocInfo:
        """ue_context_id: SUPI. 404 CONTEXT_NOT_FOUND. 504 UE_NOT_REACHABLE: nobody can say where it is."""
        ...
