"""What the NEF offers to application functions: TS 29.522, TS 29.122. Beside it their access tokens (RFC 6749 §4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Snssai, Uri
from cinq.sbi.operation import Created, Form, Model, operation, service
from cinq.sbi.services.nnrf_accesstoken import AccessTokenErr, AccessTokenRsp
from cinq.sbi.services.npcf_smpolicycontrol import RouteToLocation

UserPlaneEvent = Literal[
    "SESSION_TERMINATION",
    "FAILED_RESOURCES_ALLOCATION",
    "SUCCESSFUL_RESOURCES_ALLOCATION",
]


if not TYPE_CHECKING:
    (UserPlaneEvent,) = extensible(UserPlaneEvent)


class ClientCredentialsReq(Form):
    """RFC 6749 §4.4.2 and §2.3.1. scope: names of APIs; None: all that the client may use."""

    grant_type: str = field(name="grant_type")
    client_id: str = field(name="client_id")
    client_secret: str = field(name="client_secret")
    scope: str | None = None

    def __repr__(self) -> str:
        return f"ClientCredentialsReq(client_id={self.client_id!r})"


class FlowInfo(Model):
    """flowDescriptions: IPFilterRules, one for each way."""

    flow_id: int
    flow_descriptions: list[str] = []


class AsSessionWithQoSSubscription(Model):
    """TS 29.122 §5.14.2.1.2. qosReference: the name of a QoS that the network offers."""

    notification_destination: Uri
    self_: str | None = field(name="self", default=None)
    supported_features: str | None = None
    ue_ipv4_addr: str | None = None
    ue_ipv6_addr: str | None = None
    mac_addr: str | None = None
    dnn: str | None = None
    snssai: Snssai | None = None
    exter_app_id: str | None = None
    flow_info: list[FlowInfo] = []
    qos_reference: str | None = None


class AsSessionWithQoSSubscriptionPatch(Model):
    flow_info: list[FlowInfo] | None = None
    qos_reference: str | None = None
    notification_destination: Uri | None = None


class UserPlaneEventReport(Model):
    event: UserPlaneEvent
    flow_ids: list[int] = []


class UserPlaneNotificationData(Model):
    """transaction: the subscription that it is about."""

    transaction: str
    event_reports: list[UserPlaneEventReport]


class TrafficInfluSub(Model):
    """TS 29.522 §5.4.2.3.2. trafficFilters: packets; trafficRoutes: where they leave, by DNAI."""

    notification_destination: Uri | None = None
    self_: str | None = field(name="self", default=None)
    af_app_id: str | None = None
    dnn: str | None = None
    snssai: Snssai | None = None
    ipv4_addr: str | None = None
    ipv6_addr: str | None = None
    traffic_filters: list[FlowInfo] = []
    traffic_routes: list[RouteToLocation] = []
    supp_feat: str | None = None


@service("oauth2", "v1")
class NefAccessToken(Protocol):
    @operation("Nef_AccessToken_Get", "POST", "/token", error=AccessTokenErr)
    async def token(self, body: ClientCredentialsReq) -> AccessTokenRsp:
        """TokenRefused."""
        ...


ALL, ONE = "/{scsAsId}/subscriptions", "/{scsAsId}/subscriptions/{subscriptionId}"
AF_ALL, AF_ONE = "/{afId}/subscriptions", "/{afId}/subscriptions/{subscriptionId}"


@service("3gpp-as-session-with-qos", "v1")
class NefAsSessionWithQoS(Protocol):
    """scsAsId: the client of the access token."""

    @operation("AsSessionWithQoS_Create", "POST", ALL, 201)
    async def create(
        self, scs_as_id: str, body: AsSessionWithQoSSubscription
    ) -> Created[AsSessionWithQoSSubscription]: ...

    @operation("AsSessionWithQoS_List", "GET", ALL)
    async def list_all(self, scs_as_id: str) -> list[AsSessionWithQoSSubscription]: ...

    @operation("AsSessionWithQoS_Read", "GET", ONE)
    async def read(self, scs_as_id: str, subscription_id: str) -> AsSessionWithQoSSubscription: ...

    @operation("AsSessionWithQoS_Update", "PUT", ONE)
    async def update(
        self, scs_as_id: str, subscription_id: str, body: AsSessionWithQoSSubscription
    ) -> AsSessionWithQoSSubscription: ...

    @operation("AsSessionWithQoS_Modify", "PATCH", ONE)
    async def modify(
        self, scs_as_id: str, subscription_id: str, body: AsSessionWithQoSSubscriptionPatch
    ) -> AsSessionWithQoSSubscription: ...

    @operation("AsSessionWithQoS_Delete", "DELETE", ONE, 204)
    async def delete(self, scs_as_id: str, subscription_id: str) -> None: ...


@service("3gpp-traffic-influence", "v1")
class NefTrafficInfluence(Protocol):
    """afId: the client of the access token."""

    @operation("TrafficInfluence_Create", "POST", AF_ALL, 201)
    async def create(self, af_id: str, body: TrafficInfluSub) -> Created[TrafficInfluSub]: ...

    @operation("TrafficInfluence_List", "GET", AF_ALL)
    async def list_all(self, af_id: str) -> list[TrafficInfluSub]: ...

    @operation("TrafficInfluence_Read", "GET", AF_ONE)
    async def read(self, af_id: str, subscription_id: str) -> TrafficInfluSub: ...

    @operation("TrafficInfluence_Delete", "DELETE", AF_ONE, 204)
    async def delete(self, af_id: str, subscription_id: str) -> None: ...


@service("af-callback", "v1")
class AfCallback(Protocol):
    """Notifications to an application function, at the URI that it gave."""

    @operation("AsSessionWithQoS_Notify", "POST", "/as-session-with-qos", 204)
    async def user_plane_notify(self, body: UserPlaneNotificationData) -> None: ...
