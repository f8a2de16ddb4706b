"""What the UDM tells serving functions of: Nudm_SDM_Notification (TS 29.503 §5.2.2.5) and
Nudm_UECM_DeregistrationNotification (§5.3.2.3)."""

from __future__ import annotations

import hashlib

import msgspec

from cinq.sbi import Bus, Problem
from cinq.sbi.callback import notify
from cinq.sbi.models import NotifyItem
from cinq.sbi.services.nudm_sdm import ModificationNotification, SdmSubscription
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    Amf3GppAccessRegistrationModification,
    DeregistrationData,
    DeregistrationReason,
)
from cinq.sbi.services.nudr_dr import (
    DataChangeNotify,
    NudrDataRepository,
    SubscriptionDataSubscriptions,
)

CALLBACK = "/nudm-callback/v1/data-change"
SDM = "/nudm-sdm/v2"
RESOURCES = {
    "am-data": "am-data",
    "smf-selection-subscription-data": "smf-select-data",
    "sm-data": "sm-data",
}
"""Resources of TS 29.505, and what the Nudm_SDM service calls them."""
BARRED = b'"ALL_PACKET_SERVICES"'


class Notifications:
    """Serves the UDR's notifications, and passes on what others want of them."""

    def __init__(self, sbi: Bus) -> None:
        self._sbi = sbi
        self._udr = sbi.client(NudrDataRepository, "UDM")

    async def start(self) -> None:
        """Nudr_DM_Subscribe for all UEs."""
        body = SubscriptionDataSubscriptions(
            callback_reference=self._sbi.uri(CALLBACK), monitored_resource_uris=["/subscription-data"]
        )
        await self._udr.subscribe(body)

    async def data_change_notify(self, body: DataChangeNotify) -> None:
        """Each consumer hears of what it monitors; who cannot be reached now is told again with the whole."""
        if any(item.resource_id.endswith("/authentication-subscription") for item in body.notify_items):
            await self._withdrawn(body.ue_id)
            return
        failed: Problem | None = None
        for subscription in await self._udr.query_sdm_subscriptions(body.ue_id):
            try:
                await self._modified(body.ue_id, subscription, body.notify_items)
            except Problem as problem:
                failed = problem
        if any(_barred(item) for item in body.notify_items):
            amf = await self._serving_amf(body.ue_id)
            if amf is not None:
                await deregister(self._sbi, amf, "OPERATOR_DETERMINED_BARRING")
        if failed is not None:
            raise failed

    async def _modified(self, supi: str, subscription: SdmSubscription, items: list[NotifyItem]) -> None:
        wanted = {uri.rsplit("/", 1)[-1] for uri in subscription.monitored_resource_uris}
        seen = []
        for item in items:
            name = RESOURCES.get(item.resource_id.rsplit("/", 1)[-1])
            if name in wanted:
                seen.append(msgspec.structs.replace(item, resource_id=self._sbi.uri(f"{SDM}/{supi}/{name}")))
        if not seen:
            return
        identifier = subscription.subscription_id
        body = ModificationNotification(notify_items=seen, subscription_id=identifier)
        try:
            await notify(self._sbi, "UDM", subscription.callback_reference, body, subscription.nf_instance_id)
        except Problem as problem:
            if problem.status >= 500:
                raise
            if identifier is not None:  # nobody there: its subscription is left over
                await self._udr.remove_sdm_subscription(supi, identifier)

    async def _withdrawn(self, supi: str) -> None:
        """The subscription is withdrawn: the AMF deregisters the UE, and what the UDM kept of it goes."""
        amf = await self._serving_amf(supi)
        if amf is not None:
            await deregister(self._sbi, amf, "SUBSCRIPTION_WITHDRAWN")
        amf = await self._serving_amf(supi)  # the AMF may have purged it by now
        if amf is not None:
            purge = Amf3GppAccessRegistrationModification(guami=amf.guami, purge_flag=True)
            await self._udr.update_amf_context(supi, purge)
        for subscription in await self._udr.query_sdm_subscriptions(supi):
            await self._udr.remove_sdm_subscription(supi, subscription.subscription_id or "")

    async def _serving_amf(self, supi: str) -> Amf3GppAccessRegistration | None:
        return (await self._udr.query_context_data(supi, ["AMF_3GPP"])).amf_3gpp


async def deregister(sbi: Bus, amf: Amf3GppAccessRegistration, reason: DeregistrationReason) -> None:
    """Nudm_UECM_DeregistrationNotification. An AMF that does not know the UE has nothing to deregister."""
    body = DeregistrationData(dereg_reason=reason, access_type="3GPP_ACCESS")
    try:
        await notify(sbi, "UDM", amf.dereg_callback_uri, body, amf.amf_instance_id)
    except Problem as problem:
        if problem.status >= 500:
            raise


def subscription_id(body: SdmSubscription) -> str:
    """One for each callback of an NF instance: who subscribes again replaces what it had."""
    return hashlib.sha256(f"{body.nf_instance_id} {body.callback_reference}".encode()).hexdigest()[:16]


def _barred(item: NotifyItem) -> bool:
    return any(
        change.path == "/odbPacketServices"
        and isinstance(change.new_value, msgspec.Raw)
        and bytes(change.new_value) == BARRED
        for change in item.changes
    )
