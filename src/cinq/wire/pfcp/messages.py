"""PFCP messages as rows. TS 29.244 §7.4 (node), §7.5 (session); the tables' own order."""

# No `from __future__ import annotations`: the rows are read from the annotations.
from typing import Annotated, ClassVar

from cinq.numbering import SNssai
from cinq.wire.pfcp.elements import FailedRuleId, FSeid, FTeid, NodeId
from cinq.wire.pfcp.flags import (
    AssociationReleaseRequestFlags,
    CpFunctionFeatures,
    NodeReportType,
    PfcpFlags,
    ReportType,
    SmReqFlags,
    SrReqFlags,
    SrRspFlags,
    UpFunctionFeatures,
)
from cinq.wire.pfcp.forms import BITS3, DNN, OCTETS, S_NSSAI, UINT8, UINT16, UINT32
from cinq.wire.pfcp.groups import (
    ApplicationIdsPfds,
    CreateBar,
    CreatedPdr,
    CreatedTrafficEndpoint,
    CreateFar,
    CreatePdr,
    CreateQer,
    CreateTrafficEndpoint,
    CreateUrr,
    DownlinkDataReport,
    ErrorIndicationReport,
    LoadControlInformation,
    OverloadControlInformation,
    PartialFailureInformation,
    QueryUrr,
    RemoveBar,
    RemoveFar,
    RemovePdr,
    RemoveQer,
    RemoveTrafficEndpoint,
    RemoveUrr,
    SessionRetentionInformation,
    UpdateBar,
    UpdateBarInReport,
    UpdateFar,
    UpdatePdr,
    UpdateQer,
    UpdateUrr,
    UsageReport,
    UsageReportInDeletion,
    UsageReportInModification,
    UserPlanePathFailureReport,
    UserPlanePathRecoveryReport,
)
from cinq.wire.pfcp.row import C, M, Message, O
from cinq.wire.pfcp.user_id import UserId


class HeartbeatRequest(Message):
    """§7.4.2.1. Times are NTP seconds (of 1900)."""

    TYPE: ClassVar[int] = 1
    REQUEST: ClassVar[bool] = True
    recovery_time_stamp: Annotated[int, M(96, UINT32)]
    source_ip_address: Annotated[bytes | None, O(192, OCTETS)] = None


class HeartbeatResponse(Message):
    """§7.4.2.2."""

    TYPE: ClassVar[int] = 2
    recovery_time_stamp: Annotated[int, M(96, UINT32)]


class PfdManagementRequest(Message):
    """§7.4.3.1."""

    TYPE: ClassVar[int] = 3
    REQUEST: ClassVar[bool] = True
    application_ids_pfds: Annotated[list[ApplicationIdsPfds], C(58)] = []
    node_id: Annotated[NodeId | None, O(60)] = None


class PfdManagementResponse(Message):
    """§7.4.3.2."""

    TYPE: ClassVar[int] = 4
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None
    node_id: Annotated[NodeId | None, O(60)] = None


class AssociationSetupRequest(Message):
    """§7.4.4.1."""

    TYPE: ClassVar[int] = 5
    REQUEST: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]
    recovery_time_stamp: Annotated[int, M(96, UINT32)]
    up_function_features: Annotated[UpFunctionFeatures | None, C(43)] = None
    cp_function_features: Annotated[CpFunctionFeatures | None, C(89)] = None
    alternative_smf_ip_addresses: Annotated[list[bytes], O(178, OCTETS)] = []
    smf_set_id: Annotated[bytes | None, C(180, OCTETS)] = None
    session_retention_information: Annotated[SessionRetentionInformation | None, O(183)] = None
    nf_instance_id: Annotated[bytes | None, O(253, OCTETS)] = None
    asreq_flags: Annotated[PfcpFlags | None, O(259)] = None


class AssociationSetupResponse(Message):
    """§7.4.4.2."""

    TYPE: ClassVar[int] = 6
    node_id: Annotated[NodeId, M(60)]
    cause: Annotated[int, M(19, UINT8)]
    recovery_time_stamp: Annotated[int, M(96, UINT32)]
    up_function_features: Annotated[UpFunctionFeatures | None, C(43)] = None
    cp_function_features: Annotated[CpFunctionFeatures | None, C(89)] = None
    alternative_smf_ip_addresses: Annotated[list[bytes], O(178, OCTETS)] = []
    smf_set_id: Annotated[bytes | None, O(180, OCTETS)] = None
    asrsp_flags: Annotated[PfcpFlags | None, O(184)] = None
    nf_instance_id: Annotated[bytes | None, O(253, OCTETS)] = None


class AssociationUpdateRequest(Message):
    """§7.4.4.3."""

    TYPE: ClassVar[int] = 7
    REQUEST: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]
    up_function_features: Annotated[UpFunctionFeatures | None, O(43)] = None
    cp_function_features: Annotated[CpFunctionFeatures | None, O(89)] = None
    association_release_request: Annotated[AssociationReleaseRequestFlags | None, C(111)] = None
    graceful_release_period: Annotated[int | None, C(112, UINT8)] = None
    aureq_flags: Annotated[PfcpFlags | None, O(162)] = None
    alternative_smf_ip_addresses: Annotated[list[bytes], O(178, OCTETS)] = []


class AssociationUpdateResponse(Message):
    """§7.4.4.4."""

    TYPE: ClassVar[int] = 8
    node_id: Annotated[NodeId, M(60)]
    cause: Annotated[int, M(19, UINT8)]
    up_function_features: Annotated[UpFunctionFeatures | None, O(43)] = None
    cp_function_features: Annotated[CpFunctionFeatures | None, O(89)] = None


class AssociationReleaseRequest(Message):
    """§7.4.4.5."""

    TYPE: ClassVar[int] = 9
    REQUEST: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]


class AssociationReleaseResponse(Message):
    """§7.4.4.6."""

    TYPE: ClassVar[int] = 10
    node_id: Annotated[NodeId, M(60)]
    cause: Annotated[int, M(19, UINT8)]


class VersionNotSupportedResponse(Message):
    """§7.4.4.7: a header only."""

    TYPE: ClassVar[int] = 11


class NodeReportRequest(Message):
    """§7.4.5.1."""

    TYPE: ClassVar[int] = 12
    REQUEST: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]
    node_report_type: Annotated[NodeReportType, M(101)]
    user_plane_path_failure_report: Annotated[UserPlanePathFailureReport | None, C(102)] = None
    user_plane_path_recovery_report: Annotated[UserPlanePathRecoveryReport | None, C(187)] = None


class NodeReportResponse(Message):
    """§7.4.5.2."""

    TYPE: ClassVar[int] = 13
    node_id: Annotated[NodeId, M(60)]
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None


class SessionSetDeletionRequest(Message):
    """§7.4.6.1."""

    TYPE: ClassVar[int] = 14
    REQUEST: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]
    fq_csids: Annotated[list[bytes], C(65, OCTETS)] = []


class SessionSetDeletionResponse(Message):
    """§7.4.6.2."""

    TYPE: ClassVar[int] = 15
    node_id: Annotated[NodeId, M(60)]
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None


class SessionEstablishmentRequest(Message):
    """§7.5.2."""

    TYPE: ClassVar[int] = 50
    SESSION: ClassVar[bool] = True
    REQUEST: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]
    cp_f_seid: Annotated[FSeid, M(57)]
    create_pdrs: Annotated[list[CreatePdr], M(1)]
    create_fars: Annotated[list[CreateFar], M(3)]
    create_urrs: Annotated[list[CreateUrr], C(6)] = []
    create_qers: Annotated[list[CreateQer], C(7)] = []
    create_bars: Annotated[list[CreateBar], O(85)] = []
    create_traffic_endpoints: Annotated[list[CreateTrafficEndpoint], C(127)] = []
    pdn_type: Annotated[int | None, C(113, BITS3)] = None
    fq_csids: Annotated[list[bytes], C(65, OCTETS)] = []
    user_plane_inactivity_timer: Annotated[int | None, O(117, UINT32)] = None
    user_id: Annotated[UserId | None, O(141)] = None
    trace_information: Annotated[bytes | None, O(152, OCTETS)] = None
    dnn: Annotated[str | None, O(159, DNN)] = None
    sereq_flags: Annotated[PfcpFlags | None, C(186)] = None
    recovery_time_stamp: Annotated[int | None, O(96, UINT32)] = None
    s_nssai: Annotated[SNssai | None, O(257, S_NSSAI)] = None
    rat_type: Annotated[int | None, O(275, UINT8)] = None


class SessionEstablishmentResponse(Message):
    """§7.5.3. up_f_seid is there when the cause is an acceptance."""

    TYPE: ClassVar[int] = 51
    SESSION: ClassVar[bool] = True
    node_id: Annotated[NodeId, M(60)]
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None
    up_f_seid: Annotated[FSeid | None, C(57)] = None
    created_pdrs: Annotated[list[CreatedPdr], C(8)] = []
    load_control_information: Annotated[LoadControlInformation | None, O(51)] = None
    overload_control_information: Annotated[OverloadControlInformation | None, O(54)] = None
    failed_rule_id: Annotated[FailedRuleId | None, C(114)] = None
    created_traffic_endpoints: Annotated[list[CreatedTrafficEndpoint], C(128)] = []
    partial_failure_information: Annotated[list[PartialFailureInformation], C(272)] = []


class SessionModificationRequest(Message):
    """§7.5.4."""

    TYPE: ClassVar[int] = 52
    SESSION: ClassVar[bool] = True
    REQUEST: ClassVar[bool] = True
    cp_f_seid: Annotated[FSeid | None, C(57)] = None
    remove_pdrs: Annotated[list[RemovePdr], C(15)] = []
    remove_fars: Annotated[list[RemoveFar], C(16)] = []
    remove_urrs: Annotated[list[RemoveUrr], C(17)] = []
    remove_qers: Annotated[list[RemoveQer], C(18)] = []
    remove_bars: Annotated[list[RemoveBar], C(87)] = []
    remove_traffic_endpoints: Annotated[list[RemoveTrafficEndpoint], C(130)] = []
    create_pdrs: Annotated[list[CreatePdr], C(1)] = []
    create_fars: Annotated[list[CreateFar], C(3)] = []
    create_urrs: Annotated[list[CreateUrr], C(6)] = []
    create_qers: Annotated[list[CreateQer], C(7)] = []
    create_bars: Annotated[list[CreateBar], C(85)] = []
    create_traffic_endpoints: Annotated[list[CreateTrafficEndpoint], C(127)] = []
    update_pdrs: Annotated[list[UpdatePdr], C(9)] = []
    update_fars: Annotated[list[UpdateFar], C(10)] = []
    update_urrs: Annotated[list[UpdateUrr], C(13)] = []
    update_qers: Annotated[list[UpdateQer], C(14)] = []
    update_bars: Annotated[list[UpdateBar], C(86)] = []
    smreq_flags: Annotated[SmReqFlags | None, C(49)] = None
    query_urrs: Annotated[list[QueryUrr], C(77)] = []
    user_plane_inactivity_timer: Annotated[int | None, C(117, UINT32)] = None
    query_urr_reference: Annotated[int | None, O(125, UINT32)] = None
    trace_information: Annotated[bytes | None, O(152, OCTETS)] = None
    node_id: Annotated[NodeId | None, C(60)] = None
    rat_type: Annotated[int | None, C(275, UINT8)] = None
    s_nssai: Annotated[SNssai | None, O(257, S_NSSAI)] = None


class SessionModificationResponse(Message):
    """§7.5.5."""

    TYPE: ClassVar[int] = 53
    SESSION: ClassVar[bool] = True
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None
    created_pdrs: Annotated[list[CreatedPdr], C(8)] = []
    load_control_information: Annotated[LoadControlInformation | None, O(51)] = None
    overload_control_information: Annotated[OverloadControlInformation | None, O(54)] = None
    usage_reports: Annotated[list[UsageReportInModification], C(78)] = []
    failed_rule_id: Annotated[FailedRuleId | None, C(114)] = None
    additional_usage_reports_information: Annotated[int | None, C(126, UINT16)] = None
    created_traffic_endpoints: Annotated[list[CreatedTrafficEndpoint], C(128)] = []
    updated_pdrs: Annotated[list[CreatedPdr], C(256)] = []
    partial_failure_information: Annotated[list[PartialFailureInformation], C(273)] = []


class SessionDeletionRequest(Message):
    """§7.5.6."""

    TYPE: ClassVar[int] = 54
    SESSION: ClassVar[bool] = True
    REQUEST: ClassVar[bool] = True


class SessionDeletionResponse(Message):
    """§7.5.7."""

    TYPE: ClassVar[int] = 55
    SESSION: ClassVar[bool] = True
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None
    load_control_information: Annotated[LoadControlInformation | None, O(51)] = None
    overload_control_information: Annotated[OverloadControlInformation | None, O(54)] = None
    usage_reports: Annotated[list[UsageReportInDeletion], C(79)] = []
    additional_usage_reports_information: Annotated[int | None, C(126, UINT16)] = None


class SessionReportRequest(Message):
    """§7.5.8."""

    TYPE: ClassVar[int] = 56
    SESSION: ClassVar[bool] = True
    REQUEST: ClassVar[bool] = True
    report_type: Annotated[ReportType, M(39)]
    downlink_data_report: Annotated[DownlinkDataReport | None, C(83)] = None
    usage_reports: Annotated[list[UsageReport], C(80)] = []
    error_indication_report: Annotated[ErrorIndicationReport | None, C(99)] = None
    load_control_information: Annotated[LoadControlInformation | None, O(51)] = None
    overload_control_information: Annotated[OverloadControlInformation | None, O(54)] = None
    additional_usage_reports_information: Annotated[int | None, C(126, UINT16)] = None
    srreq_flags: Annotated[SrReqFlags | None, C(161)] = None
    old_cp_f_seid: Annotated[FSeid | None, C(57)] = None


class SessionReportResponse(Message):
    """§7.5.9."""

    TYPE: ClassVar[int] = 57
    SESSION: ClassVar[bool] = True
    cause: Annotated[int, M(19, UINT8)]
    offending_ie: Annotated[int | None, C(40, UINT16)] = None
    update_bar: Annotated[UpdateBarInReport | None, C(12)] = None
    srrsp_flags: Annotated[SrRspFlags | None, C(50)] = None
    cp_f_seid: Annotated[FSeid | None, O(57)] = None
    n4_u_f_teid: Annotated[FTeid | None, O(21)] = None
    alternative_smf_ip_address: Annotated[bytes | None, O(178, OCTETS)] = None


MESSAGES: tuple[type[Message], ...] = tuple(
    cls for cls in list(globals().values()) if isinstance(cls, type) and issubclass(cls, Message) and cls.TYPE
)
BY_TYPE: dict[int, type[Message]] = {cls.TYPE: cls for cls in MESSAGES}
