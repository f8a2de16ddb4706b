"""Nsmf_EventExposure, TS 29.508 §4 and §5: what happens to PDU sessions, for those who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from msgspec import Meta, field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import PduSessionType, Snssai, Uri
from cinq.sbi.operation import Created, Model, operation, service

SmfEvent = Literal["PDU_SES_EST", "PDU_SES_REL", "UE_IP_CH", "UP_PATH_CH"]
NotificationMethod = Literal["PERIODIC", "ONE_TIME", "ON_EVENT_DETECTION"]
DnaiChangeType = Literal["EARLY", "EARLY_LATE", "LATE"]


if not TYPE_CHECKING:
    (SmfEvent,) = extensible(SmfEvent)
    (NotificationMethod,) = extensible(NotificationMethod)
    (DnaiChangeType,) = extensible(DnaiChangeType)

Text = Annotated[str, Meta(max_length=256)]


class EventSubscription(Model):
    """§5.6.2.4. dnaiChgType: of UP_PATH_CH, told before or after the path has changed."""

    event: SmfEvent
    dnai_chg_type: DnaiChangeType | None = None


class EventNotification(Model):
    """§5.6.2.5. ad..., re...: an address that was added or removed."""

    event: SmfEvent
    time_stamp: str
    supi: str | None = None
    pdu_se_id: int | None = None
    dnn: str | None = None
    snssai: Snssai | None = None
    pdu_sess_type: PduSessionType | None = None
    ipv4_addr: str | None = None
    ipv6_prefixes: list[str] = []
    ad_ipv4_addr: str | None = None
    ad_ipv6_prefix: str | None = None
    re_ipv4_addr: str | None = None
    re_ipv6_prefix: str | None = None
    dnai_chg_type: DnaiChangeType | None = None
    source_dnai: str | None = None
    target_dnai: str | None = None


class NsmfEventExposure(Model):
    """§5.6.2.2: a subscription. eventNotifs: in an answer, of what is so already, where ImmeRep wants it."""

    notif_id: Text
    notif_uri: Uri
    event_subs: list[EventSubscription]
    supi: Text | None = None
    gpsi: Text | None = None
    any_ue_ind: bool = False
    group_id: Text | None = None
    pdu_se_id: int | None = None
    dnn: Text | None = None
    snssai: Snssai | None = None
    sub_id: Text | None = None
    imme_rep: bool = field(name="ImmeRep", default=False)
    notif_method: NotificationMethod | None = None
    max_report_nbr: int | None = None
    expiry: Text | None = None
    event_notifs: list[EventNotification] = []


class NsmfEventExposureNotification(Model):
    notif_id: str
    event_notifs: list[EventNotification]


SUBSCRIPTION = "/subscriptions/{subId}"


@service("nsmf-event-exposure", "v1")
class NsmfEventExposureService(Protocol):
    @operation("Nsmf_EventExposure_Subscribe", "POST", "/subscriptions", 201)
    async def subscribe(self, body: NsmfEventExposure) -> Created[NsmfEventExposure]:
        """400: events that are not told here, groups."""
        ...

    @operation("Nsmf_EventExposure_Get", "GET", SUBSCRIPTION)
    async def get(self, sub_id: str) -> NsmfEventExposure: ...

    @operation("Nsmf_EventExposure_Modify", "PUT", SUBSCRIPTION)
    async def replace(self, sub_id: str, body: NsmfEventExposure) -> NsmfEventExposure:
        """The whole subscription anew, under its name."""
        ...

    @operation("Nsmf_EventExposure_UnSubscribe", "DELETE", SUBSCRIPTION, 204)
    async def unsubscribe(self, sub_id: str) -> None: ...


@service("af-session-callback", "v1")
class AfSessionCallback(Protocol):
    """Notifications, at the URI that a consumer gave."""

    @operation("Nsmf_EventExposure_Notify", "POST", "/events/{reference}", 204)
    async def session_notify(self, reference: str, body: NsmfEventExposureNotification) -> None: ...
