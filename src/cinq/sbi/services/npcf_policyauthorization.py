"""Npcf_PolicyAuthorization, TS 29.514: an application function asks for the QoS of its packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Snssai, Uri
from cinq.sbi.operation import Created, Model, operation, service
from cinq.sbi.services.npcf_smpolicycontrol import RouteToLocation

AfEvent = Literal[
    "FAILED_RESOURCES_ALLOCATION",
    "SUCCESSFUL_RESOURCES_ALLOCATION",
    "QOS_NOTIF",
]
AfNotifMethod = Literal["EVENT_DETECTION", "ONE_TIME", "PERIODIC"]
MediaType = Literal["AUDIO", "VIDEO", "DATA", "APPLICATION", "CONTROL", "TEXT", "MESSAGE", "OTHER"]
TerminationCause = Literal[
    "ALL_SDF_DEACTIVATION", "PDU_SESSION_TERMINATION", "INSUFFICIENT_QOS_FLOW_RESOURCES"
]
MediaComponentResourcesStatus = Literal["ACTIVE", "INACTIVE"]


if not TYPE_CHECKING:
    (AfEvent,) = extensible(AfEvent)
    (AfNotifMethod,) = extensible(AfNotifMethod)
    (MediaType,) = extensible(MediaType)
    (TerminationCause,) = extensible(TerminationCause)
    (MediaComponentResourcesStatus,) = extensible(MediaComponentResourcesStatus)


class AfRoutingRequirement(Model):
    """§5.6.2.13. routeToLocs: where packets leave, one of them."""

    route_to_locs: list[RouteToLocation] = []
    app_reloc: bool | None = None


class MediaSubComponent(Model):
    """fDescs: IPFilterRules, one for each way."""

    f_num: int
    f_descs: list[str] = []
    mar_bw_dl: str | None = None
    mar_bw_ul: str | None = None


class MediaComponent(Model):
    """§5.6.2.7. qosReference: the name of QoS that the PCF knows. marBw, mirBw: maximum and minimum bit rates."""

    med_comp_n: int
    med_sub_comps: dict[str, MediaSubComponent] = {}
    med_type: MediaType | None = None
    qos_reference: str | None = None
    mar_bw_dl: str | None = None
    mar_bw_ul: str | None = None
    mir_bw_dl: str | None = None
    mir_bw_ul: str | None = None
    dis_ue_notif: bool | None = None
    af_rout_req: AfRoutingRequirement | None = None


class AfEventSubscription(Model):
    event: AfEvent
    notif_method: AfNotifMethod | None = None


class EventsSubscReqData(Model):
    """notifUri: notifications go to it and '/notify'."""

    events: list[AfEventSubscription]
    notif_uri: Uri | None = None
    notif_corre_id: str | None = None


class AppSessionContextReqData(Model):
    """notifUri: the end of the session is told to it and '/terminate'."""

    notif_uri: Uri
    supp_feat: str
    ue_ipv4: str | None = None
    ue_ipv6: str | None = None
    ue_mac: str | None = None
    supi: str | None = None
    dnn: str | None = None
    slice_info: Snssai | None = None
    af_app_id: str | None = None
    af_rout_req: AfRoutingRequirement | None = None
    med_components: dict[str, MediaComponent] = {}
    ev_subsc: EventsSubscReqData | None = None


class UeIdentityInfo(Model):
    supi: str | None = None
    gpsi: str | None = None


class AppSessionContextRespData(Model):
    supp_feat: str | None = None
    ue_ids: list[UeIdentityInfo] = []


class Flows(Model):
    """Of a media component, all or some of its sub-components."""

    med_comp_n: int
    f_nums: list[int] = []


class AfEventNotification(Model):
    event: AfEvent
    flows: list[Flows] = []


class ResourcesAllocationInfo(Model):
    mc_resourc_status: MediaComponentResourcesStatus | None = None
    flows: list[Flows] = []


class EventsNotification(Model):
    ev_subs_uri: Uri
    ev_notifs: list[AfEventNotification]
    failed_resourc_alloc_reports: list[ResourcesAllocationInfo] = []
    succ_resourc_alloc_reports: list[ResourcesAllocationInfo] = []


class AppSessionContext(Model):
    asc_req_data: AppSessionContextReqData | None = None
    asc_resp_data: AppSessionContextRespData | None = None
    evs_notif: EventsNotification | None = None


class AppSessionContextUpdateData(Model):
    """What changes: a component with a number that is there replaces it; None under a number ends it."""

    med_components: dict[str, MediaComponent | None] = {}
    ev_subsc: EventsSubscReqData | None = None
    af_app_id: str | None = None


class AppSessionContextUpdateDataPatch(Model):
    asc_req_data: AppSessionContextUpdateData | None = None


class TerminationInfo(Model):
    """The PCF asks the AF to delete the session."""

    term_cause: TerminationCause
    res_uri: Uri


SCOPES = ("npcf-policyauthorization:policy-auth-mgmt",)
SESSION = "/app-sessions/{appSessionId}"


@service("npcf-policyauthorization", "v1")
class NpcfPolicyAuthorization(Protocol):
    @operation("Npcf_PolicyAuthorization_Create", "POST", "/app-sessions", 201, scopes=SCOPES)
    async def create(self, body: AppSessionContext) -> Created[AppSessionContext]:
        """500 PDU_SESSION_NOT_AVAILABLE; 400 INVALID_SERVICE_INFORMATION; 403 REQUESTED_SERVICE_NOT_AUTHORIZED."""
        ...

    @operation("Npcf_PolicyAuthorization_Get", "GET", SESSION, scopes=SCOPES)
    async def get(self, app_session_id: str) -> AppSessionContext: ...

    @operation("Npcf_PolicyAuthorization_Update", "PATCH", SESSION, scopes=SCOPES)
    async def update(
        self, app_session_id: str, body: AppSessionContextUpdateDataPatch
    ) -> AppSessionContext: ...

    @operation("Npcf_PolicyAuthorization_Delete", "POST", f"{SESSION}/delete", 204, scopes=SCOPES)
    async def delete(self, app_session_id: str, body: EventsSubscReqData | None) -> None: ...

    @operation("Npcf_PolicyAuthorization_Subscribe", "PUT", f"{SESSION}/events-subscription", 201)
    async def subscribe(self, app_session_id: str, body: EventsSubscReqData) -> Created[EventsSubscReqData]:
        """The events-subscription of the session, made or replaced."""
        ...

    @operation("Npcf_PolicyAuthorization_Unsubscribe", "DELETE", f"{SESSION}/events-subscription", 204)
    async def unsubscribe(self, app_session_id: str) -> None: ...


@service("nnef-callback", "v1")
class NnefPolicyCallback(Protocol):
    """Notifications to the NEF: notifUri is /nnef-callback/v1/app-sessions/ and its own name of the session."""

    @operation("Npcf_PolicyAuthorization_Notify", "POST", "/app-sessions/{reference}/notify", 204)
    async def events_notify(self, reference: str, body: EventsNotification) -> None: ...

    @operation(
        "Npcf_PolicyAuthorization_Notify_terminate", "POST", "/app-sessions/{reference}/terminate", 204
    )
    async def terminate_notify(self, reference: str, body: TerminationInfo) -> None: ...
