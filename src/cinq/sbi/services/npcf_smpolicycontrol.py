"""Npcf_SMPolicyControl, TS 29.512."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import (
    AccessType,
    Ambr,
    Arp,
    PduSessionType,
    PlmnIdNid,
    RatType,
    Snssai,
    SscMode,
    SubscribedDefaultQos,
    Uri,
)
from cinq.sbi.operation import Created, Model, operation, service
from cinq.sbi.problem import ProblemDetails

FlowDirection = Literal["DOWNLINK", "UPLINK", "BIDIRECTIONAL", "UNSPECIFIED"]
PolicyControlRequestTrigger = Literal[
    "PLMN_CH",
    "RES_MO_RE",
    "AC_TY_CH",
    "UE_IP_CH",
    "DEF_QOS_CH",
    "SE_AMBR_CH",
    "QOS_NOTIF",
    "RES_RELEASE",
    "SUCC_RES_ALLO",
    "RAT_TY_CH",
    "REF_QOS_IND_CH",
    "NUM_OF_PACKET_FILTER",
    "CM_SES_FAIL",
]
RuleStatus = Literal["ACTIVE", "INACTIVE"]
FailureCode = Literal[
    "UNK_RULE_ID",
    "RA_GR_ERR",
    "NF_MAL",
    "RES_LIM",
    "MAX_NR_QoS_FLOW",
    "MISS_FLOW_INFO",
    "RES_ALLO_FAIL",
    "UNSUCC_QOS_VAL",
    "INCOR_FLOW_INFO",
    "APP_ID_ERR",
    "NO_QOS_FLOW_BOUND",
    "FILTER_RES",
    "UNKNOWN_REF_ID",
    "REF_ID_COLLISION",
    "MAX_NR_PACKET_FILTERS_EXCEEDED",
    "UE_TEMPORARILY_UNAVAILABLE",
]
SessionRuleFailureCode = Literal[
    "NF_MAL",
    "RES_LIM",
    "SESSION_RESOURCE_ALLOCATION_FAILURE",
    "UNSUCC_QOS_VAL",
    "DEFAULT_QOS_MODIFICATION_FAILURE",
    "SESSION_AMBR_MODIFICATION_FAILURE",
]
RuleOperation = Literal[
    "CREATE_PCC_RULE",
    "DELETE_PCC_RULE",
    "MODIFY_PCC_RULE_AND_ADD_PACKET_FILTERS",
    "MODIFY_ PCC_RULE_AND_REPLACE_PACKET_FILTERS",
    "MODIFY_ PCC_RULE_AND_DELETE_PACKET_FILTERS",
    "MODIFY_PCC_RULE_WITHOUT_MODIFY_PACKET_FILTERS",
]
"""The blanks are those of the API (TS 29.512 §5.6.3.16)."""
ReleaseCause = Literal[
    "UNSPECIFIED",
    "UE_SUBSCRIPTION",
    "INSUFFICIENT_RES",
    "VALIDATION_CONDITION_NOT_MET",
    "REACTIVATION_REQUESTED",
]
PduSessionRelCause = Literal["PS_TO_CS_HO", "RULE_ERROR"]
NotifType = Literal["GUARANTEED", "NOT_GUARANTEED"]
RequestedRuleDataType = Literal[
    "CH_ID", "MS_TIME_ZONE", "USER_LOC_INFO", "RES_RELEASE", "SUCC_RES_ALLO", "EPS_FALLBACK"
]
PartialFailureCause = Literal[
    "PCC_RULE_EVENT", "PCC_QOS_FLOW_EVENT", "RULE_PERMANENT_ERROR", "RULE_TEMPORARY_ERROR"
]


if not TYPE_CHECKING:
    (PolicyControlRequestTrigger,) = extensible(PolicyControlRequestTrigger)
    (FailureCode,) = extensible(FailureCode)
    (SessionRuleFailureCode,) = extensible(SessionRuleFailureCode)
    (ReleaseCause,) = extensible(ReleaseCause)
    (PduSessionRelCause,) = extensible(PduSessionRelCause)
    (NotifType,) = extensible(NotifType)
    (RequestedRuleDataType,) = extensible(RequestedRuleDataType)
    (PartialFailureCause,) = extensible(PartialFailureCause)


class SmPolicyContextData(Model):
    """numOfPackFilter: how many packet filters the UE can have. refQosIndication: the UE can do reflective QoS."""

    supi: str
    pdu_session_id: int
    pdu_session_type: PduSessionType
    dnn: str
    notification_uri: Uri
    slice_info: Snssai
    gpsi: str | None = None
    access_type: AccessType | None = None
    rat_type: RatType | None = None
    serving_network: PlmnIdNid | None = None
    ipv4_address: str | None = None
    ipv6_address_prefix: str | None = None
    subs_sess_ambr: Ambr | None = None
    subs_def_qos: SubscribedDefaultQos | None = None
    num_of_pack_filter: int | None = None
    ref_qos_indication: bool | None = None
    ssc_mode: SscMode | None = None


class AuthorizedDefaultQos(Model):
    """maxbr, gbr: only where the default QoS flow is a GBR flow."""

    five_qi: int | None = field(name="5qi", default=None)
    arp: Arp | None = None
    priority_level: int | None = None
    aver_window: int | None = None
    max_data_burst_vol: int | None = None
    maxbr_ul: str | None = None
    maxbr_dl: str | None = None
    gbr_ul: str | None = None
    gbr_dl: str | None = None


class SessionRule(Model):
    sess_rule_id: str
    auth_sess_ambr: Ambr | None = None
    auth_def_qos: AuthorizedDefaultQos | None = None


class FlowInformation(Model):
    """One service data flow filter, TS 29.512 §5.6.2.14.

    flowDescription: an IPFilterRule as of TS 29.212 §5.4.2, written for the downlink: "permit out 17 from
    198.51.100.0/24 5004 to assigned". packetFilterUsage: the UE is to get it as a packet filter; without it, it is
    for the UPF alone. tosTrafficClass: value and mask, two octets in hexadecimal. spi, flowLabel: hexadecimal.
    """

    flow_description: str | None = None
    pack_filt_id: str | None = None
    packet_filter_usage: bool = False
    tos_traffic_class: str | None = None
    spi: str | None = None
    flow_label: str | None = None
    flow_direction: FlowDirection | None = None


class PccRule(Model):
    """precedence: the lower, the earlier it is applied. refQosData, refTcData, refChgData: at most one each.

    A rule in an update replaces the members that it names; flowInfos is replaced whole (§4.2.6.2.1).
    """

    pcc_rule_id: str
    flow_infos: list[FlowInformation] | None = None
    app_id: str | None = None
    precedence: int | None = None
    ref_qos_data: list[str] | None = None
    ref_tc_data: list[str] | None = None
    ref_chg_data: list[str] | None = None
    dis_ue_notif: bool | None = None


class QosData(Model):
    """§5.6.2.8. gbrUl and gbrDl: with a GBR 5QI only. qnc: the gNB tells when the GFBR is not met.

    priorityLevel: 1 to 127. averWindow: ms. maxDataBurstVol: octets. maxPacketLossRate: tenths of per cent.
    defQosFlowIndication: the rule is bound to the default QoS flow.
    """

    qos_id: str
    five_qi: int | None = field(name="5qi", default=None)
    maxbr_ul: str | None = None
    maxbr_dl: str | None = None
    gbr_ul: str | None = None
    gbr_dl: str | None = None
    arp: Arp | None = None
    qnc: bool | None = None
    priority_level: int | None = None
    aver_window: int | None = None
    max_data_burst_vol: int | None = None
    reflective_qos: bool | None = None
    max_packet_loss_rate_dl: int | None = None
    max_packet_loss_rate_ul: int | None = None
    def_qos_flow_indication: bool | None = None


class RouteToLocation(Model):
    """TS 29.571 §5.4.4.16. dnai: where packets leave."""

    dnai: str
    route_prof_id: str | None = None


class TrafficControlData(Model):
    """§5.6.2.10. flowStatus: the gate of both directions. routeToLocs: where packets leave, one of them."""

    tc_id: str
    flow_status: Literal["ENABLED-UPLINK", "ENABLED-DOWNLINK", "ENABLED", "DISABLED", "REMOVED"] | None = None
    route_to_locs: list[RouteToLocation] | None = None


class RequestedRuleData(Model):
    """§5.6.2.24. Of which rules what is to be told: SUCC_RES_ALLO, that UE and gNB have them."""

    ref_pcc_rule_ids: list[str]
    req_data: list[RequestedRuleDataType]


class ChargingData(Model):
    """§5.6.2.11. ratingGroup: what is used by the rule is of it."""

    chg_id: str
    rating_group: int | None = None


class SmPolicyDecision(Model):
    """What is decided for a session, or what changes of it: None under a name removes what has that name.

    reflectiveQosTimer: seconds.
    """

    sess_rules: dict[str, SessionRule | None] = {}
    pcc_rules: dict[str, PccRule | None] = {}
    qos_decs: dict[str, QosData | None] = {}
    traff_cont_decs: dict[str, TrafficControlData | None] = {}
    chg_decs: dict[str, ChargingData | None] = {}
    reflective_qos_timer: int | None = field(name="reflectiveQoSTimer", default=None)
    policy_ctrl_req_triggers: list[PolicyControlRequestTrigger] | None = None
    rel_cause: ReleaseCause | None = None
    last_req_rule_data: list[RequestedRuleData] | None = None


class RuleReport(Model):
    """Of PCC rules that are in force (ACTIVE) or not (INACTIVE, with the reason)."""

    pcc_rule_ids: list[str]
    rule_status: RuleStatus
    failure_code: FailureCode | None = None


class SessionRuleReport(Model):
    rule_ids: list[str]
    rule_status: RuleStatus
    sess_rule_failure_code: SessionRuleFailureCode | None = None


class QosNotificationControlInfo(Model):
    ref_pcc_rule_ids: list[str]
    notif_type: NotifType


class PacketFilterInfo(Model):
    """A packet filter that the UE asks for. packFiltCont: an IPFilterRule as in FlowInformation."""

    pack_filt_id: str | None = None
    pack_filt_cont: str | None = None
    tos_traffic_class: str | None = None
    spi: str | None = None
    flow_label: str | None = None
    flow_direction: FlowDirection | None = None


class RequestedQos(Model):
    five_qi: int = field(name="5qi")
    gbr_ul: str | None = None
    gbr_dl: str | None = None


class UeInitiatedResourceRequest(Model):
    """§5.6.2.29. precedence: of the QoS rule that the UE asks for."""

    rule_op: RuleOperation
    pack_filt_info: list[PacketFilterInfo]
    pcc_rule_id: str | None = None
    precedence: int | None = None
    req_qos: RequestedQos | None = None


class SmPolicyUpdateContextData(Model):
    """What the SMF reports, each under the trigger that asked for it."""

    rep_policy_ctrl_req_triggers: list[PolicyControlRequestTrigger] = []
    access_type: AccessType | None = None
    rat_type: RatType | None = None
    subs_sess_ambr: Ambr | None = None
    subs_def_qos: SubscribedDefaultQos | None = None
    num_of_pack_filter: int | None = None
    ref_qos_indication: bool | None = None
    rule_reports: list[RuleReport] = []
    sess_rule_reports: list[SessionRuleReport] = []
    qnc_reports: list[QosNotificationControlInfo] = []
    ue_init_res_req: UeInitiatedResourceRequest | None = None


class SmPolicyDeleteData(Model):
    serving_network: PlmnIdNid | None = None
    pdu_sess_rel_cause: PduSessionRelCause | None = None


class SmPolicyNotification(Model):
    """resourceUri: of the SM policy association."""

    resource_uri: str | None = None
    sm_policy_decision: SmPolicyDecision | None = None


class TerminationNotification(Model):
    resource_uri: str
    cause: ReleaseCause


class PartialSuccessReport(Model):
    """What of a decision could not be put in force (§4.2.3.2); None in its place: all of it was."""

    failure_cause: PartialFailureCause
    rule_reports: list[RuleReport] = []
    sess_rule_reports: list[SessionRuleReport] = []


class ErrorReport(Model):
    """A decision of which nothing could be put in force."""

    error: ProblemDetails | None = None
    rule_reports: list[RuleReport] = []
    sess_rule_reports: list[SessionRuleReport] = []


@service("npcf-smpolicycontrol", "v1")
class NpcfSMPolicyControl(Protocol):
    @operation("Npcf_SMPolicyControl_Create", "POST", "/sm-policies", 201)
    async def create(self, body: SmPolicyContextData) -> Created[SmPolicyDecision]: ...

    @operation("Npcf_SMPolicyControl_Update", "POST", "/sm-policies/{smPolicyId}/update")
    async def update(self, sm_policy_id: str, body: SmPolicyUpdateContextData) -> SmPolicyDecision:
        """What changes by it. 404 POLICY_CONTEXT_NOT_FOUND; 403 ERROR_TRAFFIC_MAPPING_INFO_REJECTED, ..."""
        ...

    @operation("Npcf_SMPolicyControl_Delete", "POST", "/sm-policies/{smPolicyId}/delete", 204)
    async def delete(self, sm_policy_id: str, body: SmPolicyDeleteData) -> None: ...


@service("nsmf-callback", "v1")
class NsmfPolicyCallback(Protocol):
    """Notifications to the SMF: notificationUri is /nsmf-callback/v1/sm-policy/ and the SM context's reference."""

    @operation("Npcf_SMPolicyControl_UpdateNotify", "POST", "/sm-policy/{smContextRef}/update")
    async def sm_policy_update_notify(
        self, sm_context_ref: str, body: SmPolicyNotification
    ) -> PartialSuccessReport | None:
        """Answered when the decision is checked and before UE and gNB have it; what they refuse is reported by Update.

        404 for a session that is not there; 400 with nothing of the decision in force.
        """
        ...

    @operation("Npcf_SMPolicyControl_TerminateNotify", "POST", "/sm-policy/{smContextRef}/terminate", 204)
    async def sm_policy_terminate_notify(self, sm_context_ref: str, body: TerminationNotification) -> None:
        """The session is released, and the association deleted with it."""
        ...
