"""Namf_Location, TS 29.518 §5.5, TS 23.502 §4.10."""

from __future__ import annotations

from cinq.nf.amf.n2.elements import Place
from cinq.nf.amf.procedures.ngap.location_reporting import CannotLocate, locate
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.relay import registered
from cinq.nf.amf.ue import Ue
from cinq.sbi import Problem
from cinq.sbi.services.namf_location import ProvideLocInfo, RequestLocInfo


class Location:
    def __init__(self, registry: Registry[Ue]) -> None:
        self._registry = registry

    async def provide_location_info(self, ue_context_id: str, body: RequestLocInfo) -> ProvideLocInfo:
        """§5.5.2.2: the cell, as last heard; where it is wanted as it is now, the gNB is asked.

        An idle UE is paged for that; one that is not reached, or not asked for, is where it was heard last, and that is
        said. Problem: a gNB that cannot say.
        """
        ue = registered(self._registry, ue_context_id)
        if body.req_current_loc:
            was_idle = ue.connection is None
            try:
                await locate(ue)
            except CannotLocate as reason:
                if not was_idle or ue.connection is not None:
                    raise Problem(504, "UE_NOT_REACHABLE", str(reason)) from None
        return info(
            ue.last_place if ue.connection is None else ue.connection.place, ue.connection is not None
        )


def info(place: Place | None, current: bool) -> ProvideLocInfo:
    if place is None or place.location is None:
        raise Problem(504, "UE_NOT_REACHABLE", "the UE was not heard of since this AMF was started")
    return ProvideLocInfo(current_loc=current, location=place.location, rat_type="NR")
