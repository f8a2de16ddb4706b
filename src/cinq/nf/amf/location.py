"""Namf_Location, TS 29.518 §5.5, TS 23.502 §4.10."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n2.elements import Place
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.relay import registered
from cinq.nf.amf.ue import Ue
from cinq.procedure import Aborted, TimerExpired
from cinq.sbi import Problem
from cinq.sbi.services.namf_location import ProvideLocInfo, RequestLocInfo
from cinq.wire import ngap

ATTEMPTS = 3
NOW = ngap.LocationReportingRequestType(event_type="direct", report_area="cell")


class Location:
    def __init__(self, registry: Registry[Ue]) -> None:
        self._registry = registry

    async def provide_location_info(self, ue_context_id: str, body: RequestLocInfo) -> ProvideLocInfo:
        """§5.5.2.2: the cell, as last heard; where it is wanted as it is now, the gNB is asked.

        An idle UE is where it was heard last, and that is said.
        """
        ue = registered(self._registry, ue_context_id)
        if ue.connection is None:
            return info(ue.last_place, current=False)
        if body.req_current_loc:
            await ask(ue)
        return info(
            ue.last_place if ue.connection is None else ue.connection.place, ue.connection is not None
        )


async def ask(ue: Ue) -> None:
    """The UE's gNB, and where it moves meanwhile the next. Problem: that cannot say."""
    for _ in range(ATTEMPTS):
        connection = ue.connection
        if connection is None:
            return
        try:
            report = await connection.demand(signals.ControlLocationReports(NOW))
        except Aborted:
            continue
        except TimerExpired:
            raise Problem(504, "UE_NOT_REACHABLE", f"{connection.ran.label} does not answer") from None
        if report is not None:
            return
        if ue.connection is connection:
            raise Problem(504, "UE_NOT_REACHABLE", f"{connection.ran.label} cannot locate the UE")
    raise Problem(504, "UE_NOT_REACHABLE", "the UE moves all the time")


def info(place: Place | None, current: bool) -> ProvideLocInfo:
    if place is None or place.location is None:
        raise Problem(504, "UE_NOT_REACHABLE", "the UE was not heard of since this AMF was started")
    return ProvideLocInfo(current_loc=current, location=place.location, rat_type="NR")
