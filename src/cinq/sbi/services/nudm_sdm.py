"""Nudm_SubscriberDataManagement, TS 29.503 §5.2 and §6.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import (
    Ambr,
    Area,
    IpAddress,
    NotifyItem,
    PduSessionType,
    PlmnId,
    RatType,
    ServiceAreaRestriction,
    Snssai,
    SscMode,
    SubscribedDefaultQos,
    UpSecurity,
    Uri,
)
from cinq.sbi.operation import Created, Model, operation, service

CoreNetworkType = Literal["5GC", "EPC"]
OperationMode = Literal["WB_S1", "NB_S1", "WB_N1", "NB_N1", "NR_N1"]
OdbPacketServices = Literal["ALL_PACKET_SERVICES", "ROAMER_ACCESS_HPLMN_AP", "ROAMER_ACCESS_VPLMN_AP"]


if not TYPE_CHECKING:
    CoreNetworkType, OperationMode = extensible(CoreNetworkType, OperationMode)
    (OdbPacketServices,) = extensible(OdbPacketServices)


class AdditionalSnssaiData(Model):
    """requiredAuthnAuthz: the slice is pending until its own authentication (NSSAA, TS 23.501 §5.15.10)."""

    required_authn_authz: bool = False


class Nssai(Model):
    """additionalSnssaiData: keyed by S-NSSAI written as sst or sst-sd, as all of this service."""

    default_single_nssais: list[Snssai]
    single_nssais: list[Snssai] = []
    additional_snssai_data: dict[str, AdditionalSnssaiData] = {}


class EdrxParameters(Model):
    """edrxValue: four binary digits, the eDRX value of TS 24.008 §10.5.5.32."""

    rat_type: RatType
    edrx_value: str


class PtwParameters(Model):
    """ptwValue: four binary digits, the paging time window of TS 24.008 §10.5.5.32."""

    operation_mode: OperationMode
    ptw_value: str


class AccessAndMobilitySubscriptionData(Model):
    """subsRegTimer, activeTime: seconds; the subscribed periodic registration timer, and T3324.

    rfspIndex: 1 to 256. ratRestrictions: RATs that the UE may not use (reject cause #27). forbiddenAreas: tracking
    areas where it may not register (#12 or #15). coreNetworkTypeRestrictions: 5GC, and it may not register at all
    (#27 or #7). odbPacketServices: operator determined barring; ALL_PACKET_SERVICES refuses registration (#7).
    """

    gpsis: list[str] = []
    subscribed_ue_ambr: Ambr | None = None
    nssai: Nssai | None = None
    rat_restrictions: list[RatType] = []
    forbidden_areas: list[Area] = []
    service_area_restriction: ServiceAreaRestriction | None = None
    core_network_type_restrictions: list[CoreNetworkType] = []
    rfsp_index: int | None = None
    subs_reg_timer: int | None = None
    active_time: int | None = None
    mico_allowed: bool | None = None
    odb_packet_services: OdbPacketServices | None = None
    edrx_parameters_list: list[EdrxParameters] = []
    ptw_parameters_list: list[PtwParameters] = []


class FrameRouteInfo(Model):
    """A network behind the UE, TS 29.503 §6.1.6.2.45: one of both."""

    ipv4_mask: str | None = None
    ipv6_prefix: str | None = None


class DnnInfo(Model):
    dnn: str
    default_dnn_indicator: bool = False
    dnn_barred: bool = False


class SnssaiInfo(Model):
    dnn_infos: list[DnnInfo]


class SmfSelectionSubscriptionData(Model):
    """subscribedSnssaiInfos: keyed by S-NSSAI written as sst or sst-sd (TS 29.571 §5.4.4.2)."""

    subscribed_snssai_infos: dict[str, SnssaiInfo] = {}


class PduSessionTypes(Model):
    default_session_type: PduSessionType = "IPV4"
    allowed_session_types: list[PduSessionType] = []


class SscModes(Model):
    default_ssc_mode: SscMode
    allowed_ssc_modes: list[SscMode] | None = None


class DnnConfiguration(Model):
    pdu_session_types: PduSessionTypes
    ssc_modes: SscModes
    qos_profile_5g: SubscribedDefaultQos | None = field(name="5gQosProfile", default=None)
    session_ambr: Ambr | None = None
    static_ip_address: list[IpAddress] = []
    ipv4_frame_route_list: list[FrameRouteInfo] = []
    ipv6_frame_route_list: list[FrameRouteInfo] = []
    up_security: UpSecurity | None = None


class SessionManagementSubscriptionData(Model):
    single_nssai: Snssai
    dnn_configurations: dict[str, DnnConfiguration] = {}


class SubscriptionDataSets(Model):
    am_data: AccessAndMobilitySubscriptionData | None = None
    smf_sel_data: SmfSelectionSubscriptionData | None = None


class PduSession(Model):
    """Of UeContextInSmfData: which SMF serves it."""

    dnn: str
    smf_instance_id: str
    plmn_id: PlmnId
    single_nssai: Snssai | None = None


class UeContextInSmfData(Model):
    """pduSessions: by PDU session identity."""

    pdu_sessions: dict[str, PduSession] = {}


class SdmSubscription(Model):
    """monitoredResourceUris: of am-data, smf-select-data or sm-data, as /nudm-sdm/v2/{supi}/am-data.

    callbackReference: where changes are told. singleNssai, dnn: of sm-data, where not all is of interest.
    subscriptionId: in the answer. immediateReport: the answer's report has am-data and smf-select-data as they are.
    """

    nf_instance_id: str
    callback_reference: Uri
    monitored_resource_uris: list[str]
    single_nssai: Snssai | None = None
    dnn: str | None = None
    subscription_id: str | None = None
    immediate_report: bool = False
    report: SubscriptionDataSets | None = None


class ModificationNotification(Model):
    """What has changed. Who wants the whole anew asks with Nudm_SDM_Get."""

    notify_items: list[NotifyItem]
    subscription_id: str | None = None


@service("nudm-sdm", "v2")
class NudmSubscriberDataManagement(Protocol):
    """Every operation answers 404 USER_NOT_FOUND or DATA_NOT_FOUND."""

    @operation("Nudm_SDM_Get", "GET", "/{supi}", scopes=("nudm-sdm:multi-data-sets:read",))
    async def get_data_sets(self, supi: str, dataset_names: list[str]) -> SubscriptionDataSets:
        """dataset_names: of AM and SMF_SEL, in one request (TS 29.503 §5.2.2.2.8)."""
        ...

    @operation("Nudm_SDM_Get", "GET", "/{supi}/am-data", scopes=("nudm-sdm:am-data:read",))
    async def get_am_data(self, supi: str) -> AccessAndMobilitySubscriptionData: ...

    @operation("Nudm_SDM_Get", "GET", "/{supi}/smf-select-data", scopes=("nudm-sdm:smf-select-data:read",))
    async def get_smf_select_data(self, supi: str) -> SmfSelectionSubscriptionData: ...

    @operation(
        "Nudm_SDM_Get",
        "GET",
        "/{supi}/ue-context-in-smf-data",
        scopes=("nudm-sdm:ue-context-in-smf-data:read",),
    )
    async def get_ue_context_in_smf_data(self, supi: str) -> UeContextInSmfData: ...

    @operation("Nudm_SDM_Get", "GET", "/{supi}/sm-data", scopes=("nudm-sdm:sm-data:read",))
    async def get_sm_data(
        self, supi: str, single_nssai: Snssai | None, dnn: str | None
    ) -> list[SessionManagementSubscriptionData]: ...

    @operation(
        "Nudm_SDM_Subscribe",
        "POST",
        "/{ueId}/sdm-subscriptions",
        201,
        scopes=("nudm-sdm:sdm-subscriptions:create",),
    )
    async def subscribe(self, ue_id: str, body: SdmSubscription) -> Created[SdmSubscription]:
        """A second subscription of an NF instance with the same callback replaces the first. It survives restarts."""
        ...

    @operation(
        "Nudm_SDM_Unsubscribe",
        "DELETE",
        "/{ueId}/sdm-subscriptions/{subscriptionId}",
        204,
        scopes=("nudm-sdm:sdm-subscriptions:modify",),
    )
    async def unsubscribe(self, ue_id: str, subscription_id: str) -> None:
        """404 SUBSCRIPTION_NOT_FOUND."""
        ...


@service("namf-callback", "v1")
class NamfSdmCallback(Protocol):
    """To the AMF: callbackReference is /namf-callback/v1/sdm/ and the SUPI. 404 for a UE that is not there."""

    @operation("Nudm_SDM_Notification", "POST", "/sdm/{supi}", 204)
    async def sdm_notify(self, supi: str, body: ModificationNotification) -> None: ...


@service("nsmf-callback", "v1")
class NsmfSdmCallback(Protocol):
    """To the SMF: callbackReference is /nsmf-callback/v1/sdm/ and the SM context's reference."""

    @operation("Nudm_SDM_Notification", "POST", "/sdm/{smContextRef}", 204)
    async def sdm_notify(self, sm_context_ref: str, body: ModificationNotification) -> None: ...
