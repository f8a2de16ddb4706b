"""Namf_Location, TS 29.518 §5.5, TS 23.502 §4.10."""

from __future__ import annotations

from msgspec.structs import replace

from cinq.nf.amf.n2.elements import Place
from cinq.nf.amf.procedures.ngap.location_reporting import CannotLocate, locate
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.relay import registered
from cinq.nf.amf.ue import Ue
from cinq.sbi import Problem, date_time
from cinq.sbi.models import UserLocation
from cinq.sbi.services.namf_location import ProvideLocInfo, RequestLocInfo

OLDEST_MIN = 32_767  # minutes that can be said


class Location:
    def __init__(self, registry: Registry[Ue]) -> None:
        self._registry = registry

    async def provide_location_info(self, ue_context_id: str, body: RequestLocInfo) -> ProvideLocInfo:
        """§5.5.2.2: the cell, as last heard, and how long ago; where it is wanted as it is now, the gNB is asked.

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
        connection, now = ue.connection, ue.ports.clock.now()
        if connection is None:
            return info(ue.last_place, ue.last_heard, now, is_current=False)
        return info(connection.place, connection.heard, now, is_current=True, asked=body.req_current_loc)


def info(
    place: Place | None, heard: float, now: float, *, is_current: bool, asked: bool = False
) -> ProvideLocInfo:
    """heard, now: seconds since 1970. asked: the gNB was, and has answered; only then the age is 0 (TS 29.571,
    NrLocation)."""
    nr = place.location.nr_location if place is not None and place.location is not None else None
    if nr is None:
        raise Problem(504, "UE_NOT_REACHABLE", "the UE was not heard of since this AMF was started")
    minutes = 0 if asked else min(max(1, int((now - heard) / 60)), OLDEST_MIN)
    told = replace(
        nr, age_of_location_information=minutes, ue_location_timestamp=date_time.written(heard, "seconds")
    )
    return ProvideLocInfo(
        current_loc=is_current,
        location=UserLocation(nr_location=told),
        rat_type="NR",
    )
