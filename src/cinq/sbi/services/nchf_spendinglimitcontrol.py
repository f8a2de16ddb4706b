"""Nchf_SpendingLimitControl, TS 29.594: the statuses of a subscriber's policy counters, for the PCF."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Uri
from cinq.sbi.operation import Created, Model, operation, service

TerminationCause = Literal["REMOVED_SUBSCRIBER"]

if not TYPE_CHECKING:
    (TerminationCause,) = extensible(TerminationCause)


class SpendingLimitContext(Model):
    """policyCounterIds: none: all that the subscriber has. notifId: comes back with each notification."""

    supi: str | None = None
    policy_counter_ids: list[str] = []
    notif_uri: Uri | None = None
    notif_id: str | None = None
    expiry: datetime | None = None
    supported_features: str | None = None


class PendingPolicyCounterStatus(Model):
    policy_counter_status: str
    activation_time: datetime


class PolicyCounterInfo(Model):
    """penPolCounterStatuses: what it will be, and when."""

    policy_counter_id: str
    current_status: str
    pen_pol_counter_statuses: list[PendingPolicyCounterStatus] = []


class SpendingLimitStatus(Model):
    """statusInfos: by policy counter."""

    supi: str | None = None
    notif_id: str | None = None
    status_infos: dict[str, PolicyCounterInfo] = {}
    expiry: datetime | None = None
    supported_features: str | None = None


class SubscriptionTerminationInfo(Model):
    supi: str
    notif_id: str | None = None
    term_cause: TerminationCause | None = None


@service("nchf-spendinglimitcontrol", "v1")
class NchfSpendingLimitControl(Protocol):
    @operation("Nchf_SpendingLimitControl_Subscribe", "POST", "/subscriptions", 201)
    async def subscribe(self, body: SpendingLimitContext) -> Created[SpendingLimitStatus]:
        """400 USER_UNKNOWN, UNKNOWN_POLICY_COUNTERS."""
        ...

    @operation("Nchf_SpendingLimitControl_Subscribe", "PUT", "/subscriptions/{subscriptionId}")
    async def modify(self, subscription_id: str, body: SpendingLimitContext) -> SpendingLimitStatus:
        """404: there is no such subscription."""
        ...

    @operation("Nchf_SpendingLimitControl_Unsubscribe", "DELETE", "/subscriptions/{subscriptionId}", 204)
    async def unsubscribe(self, subscription_id: str) -> None: ...


@service("npcf-callback", "v1")
class NpcfSpendingLimitCallback(Protocol):
    """To the PCF: notifUri is /npcf-callback/v1/spending-limits/ and the SUPI."""

    @operation("Nchf_SpendingLimitControl_Notify", "POST", "/spending-limits/{supi}/notify", 204)
    async def spending_limit_notify(self, supi: str, body: SpendingLimitStatus) -> None: ...

    @operation("Nchf_SpendingLimitControl_Notify", "POST", "/spending-limits/{supi}/terminate", 204)
    async def spending_limit_terminate(self, supi: str, body: SubscriptionTerminationInfo) -> None: ...
