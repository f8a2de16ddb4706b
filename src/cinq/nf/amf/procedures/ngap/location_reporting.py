"""Location reporting, TS 38.413 §8.12, TS 23.502 §4.10."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.n2.elements import Place
from cinq.nf.amf.procedures.ngap.path_switch import Arrived
from cinq.nf.amf.ue import Ue, ue_of
from cinq.procedure import (
    ABORT,
    DEFER,
    Aborted,
    Declined,
    Timer,
    TimerExpired,
    Verdict,
    Why,
    collision,
    procedure,
)
from cinq.wire import ngap

LOCATION_GUARD = Timer("Location Report guard", 5.0, retransmissions=0)
REPORTED = (
    "direct",
    "change-of-serve-cell",
    "change-of-serving-cell-and-UE-presence-in-the-Area-of-Interest",
)
"""The event types of which the first report comes at once (§8.12.1.2)."""


@procedure(opens=signals.ControlLocationReports)
async def location_reporting(
    connection: NgConnection, wanted: signals.ControlLocationReports
) -> ngap.LocationReport | None:
    """§8.12.1. The first report, where one is due at once.

    None: none is due, the gNB cannot (§8.12.2), or the UE has left. TimerExpired: the gNB is silent.
    """
    ue = ue_of(connection)
    if ue.connection is not connection:
        return None
    control = ngap.LocationReportingControl(
        amf_ue_ngap_id=connection.amf_ue_ngap_id,
        ran_ue_ngap_id=connection.ran_ue_ngap_id,
        location_reporting_request_type=wanted.request,
    )
    if wanted.request.event_type not in REPORTED:
        connection.send(control)
        return None
    answer = await connection.ask(
        control, ngap.LocationReport, ngap.LocationReportingFailureIndication, timer=LOCATION_GUARD
    )
    if isinstance(answer, ngap.LocationReportingFailureIndication):
        cannot(ue, connection, answer)
        return None
    heard(ue, connection, answer)
    return answer


class CannotLocate(Exception):
    """Why nobody knows where the UE is now."""


NOW = ngap.LocationReportingRequestType(event_type="direct", report_area="cell")
ATTEMPTS = 3


async def locate(ue: Ue, request: ngap.LocationReportingRequestType = NOW) -> Place:
    """Where the UE is now, as its gNB says, and where it moves meanwhile the next. An idle UE is paged (TS 23.502
    §4.2.3.3). CannotLocate: it is not reached, or its gNB cannot say."""
    for _ in range(ATTEMPTS):
        if not await ue.reachable():
            raise CannotLocate("the UE is not reached")
        connection = ue.connection
        assert connection is not None
        try:
            said = await connection.demand(signals.ControlLocationReports(request))
        except Aborted:
            continue
        except TimerExpired:
            raise CannotLocate(f"{connection.ran.label} does not answer") from None
        except Declined as declined:
            raise CannotLocate(declined.reason) from None
        if said is not None:
            return connection.place
        if ue.connection is connection:
            raise CannotLocate(f"{connection.ran.label} cannot locate the UE")
    raise CannotLocate("the UE moves all the time")


def words(place: Place) -> str:
    """For a person."""
    cell = place.location.nr_location if place.location is not None else None
    named = "" if cell is None else f", cell {cell.ncgi.nr_cell_id}"
    return f"in tracking area {place.tai.tac}{named}"


def report(ue: Ue, connection: NgConnection, message: ngap.LocationReport) -> None:
    """§8.12.3: of an event that was asked for before, or the answer that somebody waits for."""
    if connection.awaits(ngap.LocationReport):
        connection.receive(message)
    else:
        heard(ue, connection, message)


def heard(ue: Ue, connection: NgConnection, message: ngap.LocationReport) -> None:
    """Where the UE is by now; presence in areas of interest stands in the journal for whoever asked."""
    connection.moved(message.user_location_information)
    if ue.context.supi is not None:
        ue.access.orders.note(str(ue.context.supi), "follow", ue.ports.clock.now(), words(connection.place))
    for item in message.ue_presence_in_area_of_interest_list or ():
        text = f"the UE is {item.ue_presence} area of interest {item.location_reporting_reference_id}"
        journal.note(ue, text)


def failure(ue: Ue, connection: NgConnection, message: ngap.LocationReportingFailureIndication) -> None:
    """§8.12.2."""
    if connection.awaits(ngap.LocationReportingFailureIndication):
        connection.receive(message)
    else:
        cannot(ue, connection, message)


def cannot(ue: Ue, connection: NgConnection, message: ngap.LocationReportingFailureIndication) -> None:
    cause = "no cause" if not message.cause else message.cause[1]
    if ue.context.supi is not None:
        text = f"{connection.ran.label} does not report: {cause}"
        ue.access.orders.note(str(ue.context.supi), "follow", ue.ports.clock.now(), text)
    journal.note(ue, Why(f"{connection.ran.label} does not report the UE's location: {cause}"))


@collision(location_reporting, ngap.HandoverRequired, Arrived)
def _(connection: NgConnection, message: object) -> Verdict:
    """The UE is about to be elsewhere, or is: who wants to know asks again there."""
    return ABORT


@collision(location_reporting, ngap.HandoverCancel, ngap.PDUSessionResourceModifyIndication)
def _(connection: NgConnection, message: object) -> Verdict:
    return DEFER
