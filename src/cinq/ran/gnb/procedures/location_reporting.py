"""Location Reporting, TS 38.413 §8.12."""

from __future__ import annotations

from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import global_gnb_id, nr_cgi, tai
from cinq.wire import ngap

Request = ngap.LocationReportingRequestType
_CHANGE = ("change-of-serve-cell", "change-of-serving-cell-and-UE-presence-in-the-Area-of-Interest")
_PRESENCE = (
    "ue-presence-in-area-of-interest",
    "change-of-serving-cell-and-UE-presence-in-the-Area-of-Interest",
)


def received(n2: N2, message: ngap.LocationReportingControl) -> None:
    """LOCATION REPORTING CONTROL, §8.12.1."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    request: Request | None = message.location_reporting_request_type
    if ue is not None and request is not None:
        control(ue, request)


def control(ue: UeContext, request: Request) -> None:
    """What is to be reported now is; what is to be reported later is remembered."""
    event = request.event_type
    if event == "direct":
        report(ue, request)
    elif event in _CHANGE or event in _PRESENCE:
        if remember(ue, request):
            report(ue, request)
    elif event == "stop-change-of-serve-cell":
        _keep(ue, [r for r in ue.context.location_reports if r.event_type not in _CHANGE])
    elif event == "stop-ue-presence-in-area-of-interest":
        _stop_presence(ue, request)
    elif event == "cancel-location-reporting-for-the-ue":
        _keep(ue, [])
    else:
        failed(ue, ("protocol", "semantic-error"))


def remember(ue: UeContext, request: Request) -> bool:
    """For later. False: LOCATION REPORTING FAILURE INDICATION was sent instead (§8.12.1.3)."""
    references = [area.location_reporting_reference_id for area in _areas(request)]
    if len(set(references)) != len(references):
        failed(ue, ("radioNetwork", "multiple-location-reporting-reference-ID-instances"))
        return False
    others = [r for r in ue.context.location_reports if r.event_type != request.event_type]
    _keep(ue, [*others, request])
    return True


def _keep(ue: UeContext, requests: list[Request]) -> None:
    ue.commit(location_reports=tuple(requests))


def _stop_presence(ue: UeContext, request: Request) -> None:
    """For the reference identities that are named; for all of them where none is."""
    named = {
        item.location_reporting_reference_id_to_be_cancelled
        for item in request.additional_cancelledlocation_reporting_reference_id_list or ()
    }
    if request.location_reporting_reference_id_to_be_cancelled is not None:
        named.add(request.location_reporting_reference_id_to_be_cancelled)
    kept = []
    for one in ue.context.location_reports:
        areas = [a for a in _areas(one) if named and a.location_reporting_reference_id not in named]
        if one.event_type not in _PRESENCE or areas:
            kept.append(_with_areas(one, areas or None) if one.event_type in _PRESENCE else one)
    _keep(ue, kept)


def _with_areas(request: Request, areas: list[ngap.AreaOfInterestItem] | None) -> Request:
    return Request(
        event_type=request.event_type, report_area=request.report_area, area_of_interest_list=areas
    )


def moved(ue: UeContext, before: CellId) -> None:
    """The UE is in another cell of the same gNB: its change of cell, and of presence, is told where that is wanted."""
    for request in ue.context.location_reports:
        changed = _presence(ue.cell, request) != _presence(before, request)
        if request.event_type in _CHANGE or changed:
            report(ue, request)


def arrived(ue: UeContext) -> None:
    """The UE came by a handover: everything that is in force is reported (§8.12.1.2, NOTE)."""
    for request in ue.context.location_reports:
        report(ue, request)


def report(ue: UeContext, request: Request) -> None:
    """LOCATION REPORT, §8.12.3."""
    if ue.amf_ue_ngap_id is not None:
        ue.tell(
            ngap.LocationReport(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                user_location_information=ue.location,
                ue_presence_in_area_of_interest_list=_presence(ue.cell, request) or None,
                location_reporting_request_type=request,
            )
        )


def failed(ue: UeContext, cause: ngap.Cause) -> None:
    """LOCATION REPORTING FAILURE INDICATION, §8.12.2."""
    if ue.amf_ue_ngap_id is not None:
        ue.tell(
            ngap.LocationReportingFailureIndication(
                amf_ue_ngap_id=ue.amf_ue_ngap_id, ran_ue_ngap_id=ue.ran_ue_ngap_id, cause=cause
            )
        )


def _areas(request: Request) -> list[ngap.AreaOfInterestItem]:
    """With another event type an area of interest is ignored (§8.12.1.3)."""
    return (request.area_of_interest_list or []) if request.event_type in _PRESENCE else []


def _presence(cell: CellId, request: Request) -> list[ngap.UEPresenceInAreaOfInterestItem]:
    return [
        ngap.UEPresenceInAreaOfInterestItem(
            location_reporting_reference_id=item.location_reporting_reference_id,
            ue_presence="in" if _within(cell, item.area_of_interest) else "out",
        )
        for item in _areas(request)
    ]


def _within(cell: CellId, area: ngap.AreaOfInterest) -> bool:
    return (
        any(item.tai == tai(cell.tai) for item in area.area_of_interest_tai_list or ())
        or any(item.ngran_cgi == ("nR-CGI", nr_cgi(cell)) for item in area.area_of_interest_cell_list or ())
        or any(
            item.global_ran_node_id == global_gnb_id(cell.gnb)
            for item in area.area_of_interest_ran_node_list or ()
        )
    )
