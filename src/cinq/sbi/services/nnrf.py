"""Nnrf_NFManagement (TS 29.510 §5.2, §6.1), Nnrf_NFDiscovery (§5.3, §6.2), Nnrf_Bootstrapping (§5.5, §6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.message import HAL
from cinq.sbi.models import ChangeItem, Guami, NFType, PlmnId, Snssai, Tai
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.operation import Created, Model, Query, operation, service
from cinq.sbi.whole import Whole

NotificationEventType = Literal["NF_REGISTERED", "NF_DEREGISTERED", "NF_PROFILE_CHANGED"]
NrfStatus = Literal["OPERATIVE", "NON_OPERATIVE"]

if not TYPE_CHECKING:
    NotificationEventType, NrfStatus = extensible(NotificationEventType, NrfStatus)


class Link(Model):
    href: str


class UriList(Model):
    """The URIs of NF instances, as links with relation 'item' (TS 29.510 §6.1.6.2.25)."""

    CONTENT_TYPE: ClassVar[str] = HAL

    links: dict[str, Link | list[Link]] = field(name="_links", default_factory=dict)
    total_item_count: int | None = None


class SubscrCond(Model):
    """Which NF instances (TS 29.510 §6.1.6.2.35): the alternatives that are looked at here, one of them."""

    nf_instance_id: str | None = None
    nf_instance_id_list: list[str] = []
    nf_type: NFType | None = None
    service_name: str | None = None
    amf_set_id: str | None = None
    amf_region_id: str | None = None
    guami_list: list[Guami] = []
    snssai_list: list[Snssai] = []
    nf_group_id: str | None = None
    nf_set_id: str | None = None


class SubscriptionData(Model):
    """validityTime: RFC 3339. subscriptionId is the NRF's."""

    nf_status_notification_uri: str
    req_nf_instance_id: str | None = None
    subscr_cond: SubscrCond | None = None
    subscription_id: str | None = None
    validity_time: str | None = None
    req_notif_events: list[NotificationEventType] = []
    req_nf_type: NFType | None = None
    req_nf_fqdn: str | None = None
    req_snssais: list[Snssai] = []
    req_plmn_list: list[PlmnId] = []
    plmn_id: PlmnId | None = None


class NotificationData(Model):
    event: NotificationEventType
    nf_instance_uri: str
    nf_profile: dict[str, object] | None = None
    profile_changes: list[ChangeItem] = []


class SearchQuery(Query):
    """§6.2.3.2.3.1. limit: how many profiles at most."""

    target_nf_type: NFType
    requester_nf_type: NFType
    service_names: list[str] | None = None
    requester_nf_instance_id: str | None = None
    requester_nf_instance_fqdn: str | None = None
    target_plmn_list: list[PlmnId] | None = None
    requester_plmn_list: list[PlmnId] | None = None
    target_nf_instance_id: str | None = None
    target_nf_fqdn: str | None = None
    target_nf_set_id: str | None = None
    snssais: list[Snssai] | None = None
    requester_snssais: list[Snssai] | None = None
    nsi_list: list[str] | None = None
    dnn: str | None = None
    tai: Tai | None = None
    amf_region_id: str | None = None
    amf_set_id: str | None = None
    guami: Guami | None = None
    supi: str | None = None
    routing_indicator: str | None = None
    group_id_list: list[str] | None = None
    data_set: str | None = None
    preferred_locality: str | None = None
    preferred_nf_instances: list[str] | None = None
    exclude_nfinst_list: list[str] | None = None
    requester_features: str | None = None
    hnrf_uri: str | None = None
    limit: int | None = None


class SearchResult(Model):
    """validityPeriod: seconds for which the answer may be cached; some NRFs leave it out.

    numNfInstComplete: how many there are in all.
    """

    nf_instances: list[NFProfile]
    validity_period: int = 0
    search_id: str | None = None
    num_nf_inst_complete: int | None = None


class BootstrappingInfo(Model):
    """Where the NRF's services are, and whether they ask for tokens (TS 29.510 §6.4.6.2.2)."""

    CONTENT_TYPE: ClassVar[str] = HAL

    links: dict[str, Link] = field(name="_links")
    status: NrfStatus | None = None
    oauth2_required: dict[str, bool] = {}
    nrf_instance_id: str | None = None


@service("nnrf-nfm", "v1")
class NnrfNFManagement(Protocol):
    @operation(
        "Nnrf_NFManagement_NFRegister",
        "PUT",
        "/nf-instances/{nfInstanceID}",
        201,
        scopes=("nnrf-nfm:nf-instance:write",),
    )
    async def nf_register(self, nf_instance_id: str, body: Whole[NFProfile]) -> Created[Whole[NFProfile]]:
        """400 when the profile does not hold together; 403 for another instance than the caller's."""
        ...

    @operation(
        "Nnrf_NFManagement_NFUpdate",
        "PATCH",
        "/nf-instances/{nfInstanceID}",
        200,
        scopes=("nnrf-nfm:nf-instance:write",),
    )
    async def nf_update(self, nf_instance_id: str, body: list[PatchItem]) -> Whole[NFProfile] | None:
        """The heartbeat is a replace of /nfStatus by REGISTERED, answered with nothing; else with the new profile.

        404 when the NRF does not know it, 400 and 409 where the patch does not fit.
        """
        ...

    @operation(
        "Nnrf_NFManagement_NFDeregister",
        "DELETE",
        "/nf-instances/{nfInstanceID}",
        204,
        scopes=("nnrf-nfm:nf-instance:write",),
    )
    async def nf_deregister(self, nf_instance_id: str) -> None: ...

    @operation(
        "Nnrf_NFManagement_NFProfileRetrieval",
        "GET",
        "/nf-instances/{nfInstanceID}",
        scopes=("nnrf-nfm:nf-instances:read",),
    )
    async def nf_profile(self, nf_instance_id: str) -> Whole[NFProfile]: ...

    @operation(
        "Nnrf_NFManagement_NFListRetrieval", "GET", "/nf-instances", scopes=("nnrf-nfm:nf-instances:read",)
    )
    async def nf_list(self, nf_type: NFType | None, limit: int | None) -> UriList: ...

    @operation(
        "Nnrf_NFManagement_NFStatusSubscribe",
        "POST",
        "/subscriptions",
        201,
        scopes=("nnrf-nfm:subscriptions:subs-complete-profile",),
    )
    async def subscribe(self, body: SubscriptionData) -> Created[SubscriptionData]:
        """400 for a URI that cannot be notified, 403 for another consumer than the caller."""
        ...

    @operation("Nnrf_NFManagement_NFStatusSubscribe", "PATCH", "/subscriptions/{subscriptionID}", 200)
    async def update_subscription(
        self, subscription_id: str, body: list[PatchItem]
    ) -> SubscriptionData | None:
        """A longer validity, and no more."""
        ...

    @operation("Nnrf_NFManagement_NFStatusUnSubscribe", "DELETE", "/subscriptions/{subscriptionID}", 204)
    async def unsubscribe(self, subscription_id: str) -> None: ...


@service("nf-status-callback", "v1")
class NfStatusCallback(Protocol):
    """To a consumer: nfStatusNotificationUri is /nf-status-callback/v1/ and what it knows its subscription by."""

    @operation("Nnrf_NFManagement_NFStatusNotify", "POST", "/{reference}", 204)
    async def nf_status_notify(self, reference: str, body: NotificationData) -> None:
        """404 for a subscription that it does not have."""
        ...


@service("nnrf-disc", "v1")
class NnrfNFDiscovery(Protocol):
    @operation("Nnrf_NFDiscovery_Request", "GET", "/nf-instances")
    async def search(self, query: SearchQuery) -> Whole[SearchResult]:
        """Those that may be found by the requester and fit every criterion, the best first."""
        ...


@service("bootstrapping", "")
class NnrfBootstrapping(Protocol):
    @operation("Nnrf_Bootstrapping_Get", "GET", "")
    async def get(self) -> BootstrappingInfo: ...
