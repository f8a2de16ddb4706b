"""MonitoringEvent of the NEF, TS 29.122 §5.3 and TS 29.522 §4.4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Uri, UserLocation
from cinq.sbi.operation import Created, Model, operation, service

MonitoringType = Literal["LOSS_OF_CONNECTIVITY", "UE_REACHABILITY", "LOCATION_REPORTING"]
ReachabilityType = Literal["SMS", "DATA"]
LocationType = Literal["CURRENT_LOCATION", "LAST_KNOWN_LOCATION", "CURRENT_OR_LAST_KNOWN_LOCATION"]


if not TYPE_CHECKING:
    (MonitoringType,) = extensible(MonitoringType)
    (ReachabilityType,) = extensible(ReachabilityType)
    (LocationType,) = extensible(LocationType)


class LocationInfo(Model):
    user_location: UserLocation | None = None


class MonitoringEventReport(Model):
    monitoring_type: MonitoringType
    event_time: str | None = None
    msisdn: str | None = None
    location_info: LocationInfo | None = None
    reachability_type: ReachabilityType | None = None


class MonitoringEventSubscription(Model):
    """maximumNumberOfReports, monitorExpireTime: one of them at least. monitoringEventReport: the first one."""

    notification_destination: Uri
    monitoring_type: MonitoringType
    self_: str | None = field(name="self", default=None)
    supported_features: str | None = None
    msisdn: str | None = None
    maximum_number_of_reports: int | None = None
    monitor_expire_time: str | None = None
    reachability_type: ReachabilityType | None = None
    location_type: LocationType | None = None
    monitoring_event_report: MonitoringEventReport | None = None


class MonitoringNotification(Model):
    """subscription: its URI."""

    subscription: str
    monitoring_event_reports: list[MonitoringEventReport] = []


ALL, ONE = "/{scsAsId}/subscriptions", "/{scsAsId}/subscriptions/{subscriptionId}"


@service("3gpp-monitoring-event", "v1")
class NefMonitoringEvent(Protocol):
    """scsAsId: the client of the access token."""

    @operation("MonitoringEvent_Create", "POST", ALL, 201)
    async def create(
        self, scs_as_id: str, body: MonitoringEventSubscription
    ) -> Created[MonitoringEventSubscription]: ...

    @operation("MonitoringEvent_List", "GET", ALL)
    async def list_all(self, scs_as_id: str) -> list[MonitoringEventSubscription]: ...

    @operation("MonitoringEvent_Read", "GET", ONE)
    async def read(self, scs_as_id: str, subscription_id: str) -> MonitoringEventSubscription: ...

    @operation("MonitoringEvent_Delete", "DELETE", ONE, 204)
    async def delete(self, scs_as_id: str, subscription_id: str) -> None: ...


@service("af-monitoring-callback", "v1")
class AfMonitoringCallback(Protocol):
    """Notifications to an application function, at the URI that it gave."""

    @operation("MonitoringEvent_Notify", "POST", "/monitoring", 204)
    async def monitoring_notify(self, body: MonitoringNotification) -> None: ...
