"""MonitoringEvent: TS 29.522 §4.4.2, TS 29.122 §4.4.2, TS 23.502 §4.15.3.2.3. Where a UE is, whether it is there."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from cinq.nf.nef.as_session import unknown
from cinq.nf.nef.clients import Clients, may_be_told
from cinq.nf.nef.context import Demand, Demands
from cinq.nf.nef.policy import Policy
from cinq.procedure import Why
from cinq.sbi import Bus, Created, InvalidParam, Problem
from cinq.sbi.models import UserLocation
from cinq.sbi.services.namf_eventexposure import AmfEventNotification
from cinq.sbi.services.nef_monitoring import (
    LocationInfo,
    MonitoringEventReport,
    MonitoringEventSubscription,
    MonitoringNotification,
    MonitoringType,
)
from cinq.sbi.services.nudm_ee import (
    EeSubscription,
    EventType,
    LocationReportingConfiguration,
    MonitoringConfiguration,
    NudmEventExposure,
    ReportingOptions,
)

CALLBACK = "/nnef-callback/v1/monitoring"
REFERENCE = "1"
TYPES: dict[MonitoringType, EventType] = {
    "LOCATION_REPORTING": "LOCATION_REPORTING",
    "UE_REACHABILITY": "UE_REACHABILITY_FOR_DATA",
    "LOSS_OF_CONNECTIVITY": "LOSS_OF_CONNECTIVITY",
}
_MSISDN = re.compile(r"\d{5,15}", re.ASCII)


class Monitoring:
    """tell: (URI, notification) that is to be sent."""

    def __init__(
        self,
        clients: Clients,
        demands: Demands,
        policy: Policy,
        entropy: Callable[[int], bytes],
        sbi: Bus,
        north: Bus,
        tell: Callable[[str, object], None],
    ) -> None:
        self._clients = clients
        self._demands = demands
        self._policy = policy
        self._entropy = entropy
        self._sbi = sbi
        self._north = north
        self._tell = tell
        self._udm = sbi.client(NudmEventExposure, "NEF")

    async def create(
        self, scs_as_id: str, body: MonitoringEventSubscription
    ) -> Created[MonitoringEventSubscription]:
        """The first report, of where it is now, comes with the answer."""
        application = self._clients.asking(scs_as_id)
        if not may_be_told(application, body.notification_destination):
            what = "notificationDestination is none of those of the application"
            raise Problem(403, "REQUEST_NOT_AUTHORIZED", Why(what))
        identity, wanted = self._checked(body)
        self._policy.refuse_where_too_many(application.id)
        reference = self._entropy(12).hex()
        request = EeSubscription(
            callback_reference=self._sbi.uri(f"{CALLBACK}/{reference}"),
            monitoring_configurations={REFERENCE: wanted},
            reporting_options=ReportingOptions(
                report_mode="ON_EVENT_DETECTION",
                max_num_of_reports=body.maximum_number_of_reports,
                expiry=body.monitor_expire_time,
            ),
        )
        made = await self._udm.ee_subscribe(identity, request)
        reports = made.body.event_reports
        answer = self._named(scs_as_id, reference, body)
        if reports:
            location = reports[0].report.location if reports[0].report is not None else None
            answer = replace(answer, monitoring_event_report=_report(body, reports[0].time_stamp, location))
        left = body.maximum_number_of_reports
        left = None if left is None else left - len(reports)
        if left != 0:
            demand = Demand(application.id, identity, made.id, monitoring=body, left=left)
            self._demands.put(reference, demand)
        return Created(f"/{scs_as_id}/subscriptions/{reference}", answer)

    async def list_all(self, scs_as_id: str) -> list[MonitoringEventSubscription]:
        application = self._clients.asking(scs_as_id)
        return [
            self._named(scs_as_id, name, one.monitoring)
            for name, one in self._demands.of(application.id)
            if one.monitoring is not None
        ]

    async def read(self, scs_as_id: str, subscription_id: str) -> MonitoringEventSubscription:
        return self._named(scs_as_id, subscription_id, self._known(scs_as_id, subscription_id)[1])

    async def delete(self, scs_as_id: str, subscription_id: str) -> None:
        demand, _ = self._known(scs_as_id, subscription_id)
        try:
            await self._udm.ee_unsubscribe(demand.address, demand.app_session)
        except Problem as problem:
            if problem.status != 404:
                raise
        self._demands.remove(subscription_id)

    async def event_notify(self, reference: str, body: AmfEventNotification) -> None:
        """Of the AMF. Problem 404: nobody wants to know."""
        demand = self._demands.get(reference)
        if demand is None or demand.monitoring is None:
            raise unknown(reference)
        wanted = demand.monitoring
        reports = [_report(wanted, each.time_stamp, each.location) for each in body.report_list]
        place = f"/3gpp-monitoring-event/v1/{demand.application}/subscriptions/{reference}"
        told = MonitoringNotification(subscription=self._north.uri(place), monitoring_event_reports=reports)
        self._tell(wanted.notification_destination, told)
        left = None if demand.left is None else demand.left - len(reports)
        if left is not None and left <= 0:
            self._demands.remove(reference)
        else:
            self._demands.put(reference, replace(demand, left=left))

    def _checked(self, body: MonitoringEventSubscription) -> tuple[str, MonitoringConfiguration]:
        """The UE by its GPSI, and what is wanted of it. Problem 400."""
        event = TYPES.get(body.monitoring_type)
        if event is None:
            raise _incorrect("monitoringType", f"{body.monitoring_type[:40]} is not offered")
        if body.msisdn is None or not _MSISDN.fullmatch(body.msisdn.removeprefix("+")):
            raise _incorrect("msisdn", "wanted the UE's telephone number")
        most = body.maximum_number_of_reports
        if most is None and body.monitor_expire_time is None:
            raise _incorrect("maximumNumberOfReports", "wanted it, or monitorExpireTime")
        if most is not None and most < 1:
            raise _incorrect("maximumNumberOfReports", "wanted 1 at least")
        where = event == "LOCATION_REPORTING"
        return f"msisdn-{body.msisdn.removeprefix('+')}", MonitoringConfiguration(
            event_type=event,
            immediate_flag=where,
            location_reporting_configuration=LocationReportingConfiguration(current_location=False)
            if where
            else None,
        )

    def _known(self, application: str, name: str) -> tuple[Demand, MonitoringEventSubscription]:
        self._clients.asking(application)
        found = self._demands.get(name)
        if found is None or found.application != application or found.monitoring is None:
            raise unknown(name)
        return found, found.monitoring

    def _named(
        self, application: str, name: str, one: MonitoringEventSubscription
    ) -> MonitoringEventSubscription:
        place = f"/3gpp-monitoring-event/v1/{application}/subscriptions/{name}"
        return replace(one, self_=self._north.uri(place))


def _report(
    wanted: MonitoringEventSubscription, time: str, location: UserLocation | None
) -> MonitoringEventReport:
    return MonitoringEventReport(
        monitoring_type=wanted.monitoring_type,
        event_time=time,
        msisdn=wanted.msisdn,
        location_info=None if location is None else LocationInfo(user_location=location),
        reachability_type="DATA" if wanted.monitoring_type == "UE_REACHABILITY" else None,
    )


def _incorrect(name: str, why: str) -> Problem:
    invalid = InvalidParam(param=f"/{name}", reason=why[:200])
    return Problem(400, "MANDATORY_IE_INCORRECT", Why(f"{name}: {why}"), invalid)
