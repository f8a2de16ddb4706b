"""Nudm_EventExposure, TS 29.503 §5.5 and §6.4: events of a UE, wherever they are detected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Uri, UserLocation
from cinq.sbi.operation import Created, Model, operation, service

EventType = Literal["LOSS_OF_CONNECTIVITY", "UE_REACHABILITY_FOR_DATA", "LOCATION_REPORTING"]
EventReportMode = Literal["PERIODIC", "ON_EVENT_DETECTION"]


if not TYPE_CHECKING:
    (EventType,) = extensible(EventType)
    (EventReportMode,) = extensible(EventReportMode)


class LocationReportingConfiguration(Model):
    current_location: bool
    one_time: bool | None = None


class MonitoringConfiguration(Model):
    """immediateFlag: what is so now is told at once."""

    event_type: EventType
    immediate_flag: bool | None = None
    location_reporting_configuration: LocationReportingConfiguration | None = None


class ReportingOptions(Model):
    """expiry: when it ends."""

    report_mode: EventReportMode | None = None
    max_num_of_reports: int | None = None
    expiry: str | None = None


class EeSubscription(Model):
    """monitoringConfigurations: by the consumer's reference of each."""

    callback_reference: Uri
    monitoring_configurations: dict[str, MonitoringConfiguration]
    reporting_options: ReportingOptions | None = None
    subscription_id: str | None = None


class LocationReport(Model):
    location: UserLocation


class MonitoringReport(Model):
    reference_id: int
    event_type: EventType
    time_stamp: str
    report: LocationReport | None = None


class CreatedEeSubscription(Model):
    ee_subscription: EeSubscription
    number_of_ues: int | None = None
    event_reports: list[MonitoringReport] = []


@service("nudm-ee", "v1")
class NudmEventExposure(Protocol):
    @operation(
        "Nudm_EventExposure_Subscribe",
        "POST",
        "/{ueIdentity}/ee-subscriptions",
        201,
        scopes=("nudm-ee:subscription:create",),
    )
    async def ee_subscribe(self, ue_identity: str, body: EeSubscription) -> Created[CreatedEeSubscription]:
        """ue_identity: SUPI or GPSI. 404 USER_NOT_FOUND; 501 UNSUPPORTED_MONITORING_EVENT_TYPE."""
        ...

    @operation(
        "Nudm_EventExposure_Unsubscribe",
        "DELETE",
        "/{ueIdentity}/ee-subscriptions/{subscriptionId}",
        204,
        scopes=("nudm-ee:subscription:modify",),
    )
    async def ee_unsubscribe(self, ue_identity: str, subscription_id: str) -> None: ...
