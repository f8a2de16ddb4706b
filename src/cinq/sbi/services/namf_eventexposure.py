"""Namf_EventExposure, TS 29.518 §5.3 and §6.2: what happens to a UE, for those who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import AccessType, Uri, UserLocation
from cinq.sbi.operation import Created, Model, operation, service

AmfEventType = Literal[
    "LOCATION_REPORT",
    "REGISTRATION_STATE_REPORT",
    "CONNECTIVITY_STATE_REPORT",
    "REACHABILITY_REPORT",
    "LOSS_OF_CONNECTIVITY",
]
AmfEventTrigger = Literal["ONE_TIME", "CONTINUOUS", "PERIODIC"]
ReachabilityFilter = Literal["UE_REACHABILITY_STATUS_CHANGE", "UE_REACHABLE_DL_TRAFFIC"]
UeReachability = Literal["UNREACHABLE", "REACHABLE", "REGULATORY_ONLY"]
RmState = Literal["REGISTERED", "DEREGISTERED"]
CmState = Literal["IDLE", "CONNECTED"]
LossOfConnectivityReason = Literal["DEREGISTERED", "MAX_DETECTION_TIME_EXPIRED", "PURGED"]


if not TYPE_CHECKING:
    (AmfEventType,) = extensible(AmfEventType)
    (AmfEventTrigger,) = extensible(AmfEventTrigger)
    (ReachabilityFilter,) = extensible(ReachabilityFilter)
    (UeReachability,) = extensible(UeReachability)
    (RmState,) = extensible(RmState)
    (CmState,) = extensible(CmState)
    (LossOfConnectivityReason,) = extensible(LossOfConnectivityReason)


class AmfEvent(Model):
    """immediateFlag: what is so now is told at once."""

    type: AmfEventType
    immediate_flag: bool = False
    max_reports: int | None = None
    reachability_filter: ReachabilityFilter | None = None


class AmfEventMode(Model):
    """maxReports: after so many it ends. expiry: when it ends (TS 29.571 DateTime)."""

    trigger: AmfEventTrigger
    max_reports: int | None = None
    expiry: str | None = None


class AmfEventSubscription(Model):
    event_list: list[AmfEvent]
    event_notify_uri: Uri
    notify_correlation_id: str
    nf_id: str
    supi: str | None = None
    group_id: str | None = None
    any_ue: bool | None = field(name="anyUE", default=None)
    options: AmfEventMode | None = None


class AmfCreateEventSubscription(Model):
    subscription: AmfEventSubscription


class AmfEventState(Model):
    """remainReports: how many there will be still."""

    active: bool
    remain_reports: int | None = None


class RmInfo(Model):
    rm_state: RmState
    access_type: AccessType


class CmInfo(Model):
    cm_state: CmState
    access_type: AccessType


class AmfEventReport(Model):
    type: AmfEventType
    state: AmfEventState
    time_stamp: str
    subscription_id: str | None = None
    supi: str | None = None
    location: UserLocation | None = None
    rm_info_list: list[RmInfo] = []
    cm_info_list: list[CmInfo] = []
    reachability: UeReachability | None = None
    loss_of_connect_reason: LossOfConnectivityReason | None = None


class AmfCreatedEventSubscription(Model):
    subscription: AmfEventSubscription
    subscription_id: Uri
    report_list: list[AmfEventReport] = []


class AmfEventNotification(Model):
    notify_correlation_id: str | None = None
    report_list: list[AmfEventReport] = []


@service("namf-evts", "v1")
class NamfEventExposure(Protocol):
    @operation("Namf_EventExposure_Subscribe", "POST", "/subscriptions", 201)
    async def subscribe(self, body: AmfCreateEventSubscription) -> Created[AmfCreatedEventSubscription]:
        """404 CONTEXT_NOT_FOUND; 403 SUBSCRIPTION_CANNOT_BE_SERVED, as for groups and any UE."""
        ...

    @operation("Namf_EventExposure_UnSubscribe", "DELETE", "/subscriptions/{subscriptionId}", 204)
    async def unsubscribe(self, subscription_id: str) -> None: ...


@service("nnef-callback", "v1")
class NnefEventCallback(Protocol):
    """Notifications to the NEF: eventNotifyUri is /nnef-callback/v1/monitoring/ and its name of the subscription."""

    @operation("Namf_EventExposure_Notify", "POST", "/monitoring/{reference}", 204)
    async def event_notify(self, reference: str, body: AmfEventNotification) -> None: ...
