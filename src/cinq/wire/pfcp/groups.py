"""Grouped IEs as rows: name, presence, IE type, form. TS 29.244 §7.4, §7.5 (the tables' own order)."""

# No `from __future__ import annotations`: the rows are read from the annotations.
from typing import Annotated

from cinq.wire.pfcp.elements import (
    BitRate,
    DownlinkDataServiceInformation,
    FTeid,
    GateStatus,
    NetworkInstance,
    OuterHeaderCreation,
    OuterHeaderRemoval,
    RemoteGtpuPeer,
    SdfFilter,
    UeIpAddress,
    Volume,
    VolumeMeasurement,
)
from cinq.wire.pfcp.flags import (
    ApplyAction,
    MeasurementMethod,
    PfcpFlags,
    ReportingTriggers,
    SmReqFlags,
    UsageReportTrigger,
)
from cinq.wire.pfcp.forms import BITS6, NIBBLE, OCTETS, TEXT, UINT8, UINT16, UINT32
from cinq.wire.pfcp.row import C, Group, M, O


class Pdi(Group):
    """PDI, table 7.5.2.2-2."""

    source_interface: Annotated[int, M(20, NIBBLE)]
    f_teid: Annotated[FTeid | None, O(21)] = None
    network_instance: Annotated[NetworkInstance | None, O(22)] = None
    ue_ip_addresses: Annotated[list[UeIpAddress], O(93)] = []
    traffic_endpoint_ids: Annotated[list[int], C(131, UINT8)] = []
    sdf_filters: Annotated[list[SdfFilter], O(23)] = []
    application_id: Annotated[str | None, O(24, TEXT)] = None
    ethernet_pdu_session_information: Annotated[PfcpFlags | None, O(142)] = None
    ethernet_packet_filters: Annotated[list[bytes], O(132, OCTETS)] = []
    qfis: Annotated[list[int], O(124, BITS6)] = []
    framed_routes: Annotated[list[str], O(153, TEXT)] = []
    framed_routing: Annotated[int | None, O(154, UINT32)] = None
    framed_ipv6_routes: Annotated[list[str], O(155, TEXT)] = []
    interface_type: Annotated[int | None, O(160, BITS6)] = None


class CreatePdr(Group):
    """Create PDR, table 7.5.2.2-1."""

    pdr_id: Annotated[int, M(56, UINT16)]
    precedence: Annotated[int, M(29, UINT32)]
    pdi: Annotated[Pdi, M(2)]
    outer_header_removal: Annotated[OuterHeaderRemoval | None, C(95)] = None
    far_id: Annotated[int | None, C(108, UINT32)] = None
    urr_ids: Annotated[list[int], C(81, UINT32)] = []
    qer_ids: Annotated[list[int], C(109, UINT32)] = []
    activate_predefined_rules: Annotated[list[str], C(106, TEXT)] = []
    activation_time: Annotated[int | None, O(163, UINT32)] = None
    deactivation_time: Annotated[int | None, O(164, UINT32)] = None
    mar_id: Annotated[int | None, C(170, UINT16)] = None


class UpdatePdr(Group):
    """Update PDR, table 7.5.4.2-1."""

    pdr_id: Annotated[int, M(56, UINT16)]
    outer_header_removal: Annotated[OuterHeaderRemoval | None, C(95)] = None
    precedence: Annotated[int | None, C(29, UINT32)] = None
    pdi: Annotated[Pdi | None, C(2)] = None
    far_id: Annotated[int | None, C(108, UINT32)] = None
    urr_ids: Annotated[list[int], C(81, UINT32)] = []
    qer_ids: Annotated[list[int], C(109, UINT32)] = []
    activate_predefined_rules: Annotated[list[str], C(106, TEXT)] = []
    deactivate_predefined_rules: Annotated[list[str], C(107, TEXT)] = []
    activation_time: Annotated[int | None, O(163, UINT32)] = None
    deactivation_time: Annotated[int | None, O(164, UINT32)] = None


class ForwardingParameters(Group):
    """Forwarding Parameters, table 7.5.2.3-2."""

    destination_interface: Annotated[int, M(42, NIBBLE)]
    network_instance: Annotated[NetworkInstance | None, O(22)] = None
    redirect_information: Annotated[bytes | None, C(38, OCTETS)] = None
    outer_header_creation: Annotated[OuterHeaderCreation | None, C(84)] = None
    transport_level_marking: Annotated[int | None, C(30, UINT16)] = None
    forwarding_policy: Annotated[bytes | None, C(41, OCTETS)] = None
    header_enrichments: Annotated[list[bytes], O(98, OCTETS)] = []
    linked_traffic_endpoint_id: Annotated[int | None, C(131, UINT8)] = None
    proxying: Annotated[PfcpFlags | None, C(137)] = None
    interface_type: Annotated[int | None, O(160, BITS6)] = None
    data_network_access_identifier: Annotated[str | None, C(232, TEXT)] = None


class UpdateForwardingParameters(Group):
    """Update Forwarding Parameters, table 7.5.4.3-2."""

    destination_interface: Annotated[int | None, C(42, NIBBLE)] = None
    network_instance: Annotated[NetworkInstance | None, C(22)] = None
    redirect_information: Annotated[bytes | None, C(38, OCTETS)] = None
    outer_header_creation: Annotated[OuterHeaderCreation | None, C(84)] = None
    transport_level_marking: Annotated[int | None, C(30, UINT16)] = None
    forwarding_policy: Annotated[bytes | None, C(41, OCTETS)] = None
    header_enrichments: Annotated[list[bytes], C(98, OCTETS)] = []
    sm_req_flags: Annotated[SmReqFlags | None, C(49)] = None
    linked_traffic_endpoint_id: Annotated[int | None, C(131, UINT8)] = None
    interface_type: Annotated[int | None, C(160, BITS6)] = None
    data_network_access_identifier: Annotated[str | None, C(232, TEXT)] = None


class DuplicatingParameters(Group):
    """Duplicating Parameters, table 7.5.2.3-3."""

    destination_interface: Annotated[int, M(42, NIBBLE)]
    outer_header_creation: Annotated[OuterHeaderCreation | None, C(84)] = None
    transport_level_marking: Annotated[int | None, C(30, UINT16)] = None
    forwarding_policy: Annotated[bytes | None, C(41, OCTETS)] = None


class CreateFar(Group):
    """Create FAR, table 7.5.2.3-1."""

    far_id: Annotated[int, M(108, UINT32)]
    apply_action: Annotated[ApplyAction, M(44)]
    forwarding_parameters: Annotated[ForwardingParameters | None, C(4)] = None
    duplicating_parameters: Annotated[list[DuplicatingParameters], C(5)] = []
    bar_id: Annotated[int | None, O(88, UINT8)] = None


class UpdateFar(Group):
    """Update FAR, table 7.5.4.3-1."""

    far_id: Annotated[int, M(108, UINT32)]
    apply_action: Annotated[ApplyAction | None, C(44)] = None
    forwarding_parameters: Annotated[UpdateForwardingParameters | None, C(11)] = None
    duplicating_parameters: Annotated[list[bytes], C(105, OCTETS)] = []
    bar_id: Annotated[int | None, C(88, UINT8)] = None


class CreateUrr(Group):
    """Create URR, table 7.5.2.4-1."""

    urr_id: Annotated[int, M(81, UINT32)]
    measurement_method: Annotated[MeasurementMethod, M(62)]
    reporting_triggers: Annotated[ReportingTriggers, M(37)]
    measurement_period: Annotated[int | None, C(64, UINT32)] = None
    volume_threshold: Annotated[Volume | None, C(31)] = None
    volume_quota: Annotated[Volume | None, C(73)] = None
    event_threshold: Annotated[int | None, C(149, UINT32)] = None
    event_quota: Annotated[int | None, C(148, UINT32)] = None
    time_threshold: Annotated[int | None, C(32, UINT32)] = None
    time_quota: Annotated[int | None, C(74, UINT32)] = None
    quota_holding_time: Annotated[int | None, C(71, UINT32)] = None
    dropped_dl_traffic_threshold: Annotated[bytes | None, C(72, OCTETS)] = None
    quota_validity_time: Annotated[int | None, C(181, UINT32)] = None
    monitoring_time: Annotated[int | None, O(33, UINT32)] = None
    subsequent_volume_threshold: Annotated[Volume | None, O(34)] = None
    subsequent_time_threshold: Annotated[int | None, O(35, UINT32)] = None
    subsequent_volume_quota: Annotated[Volume | None, O(121)] = None
    subsequent_time_quota: Annotated[int | None, O(122, UINT32)] = None
    inactivity_detection_time: Annotated[int | None, C(36, UINT32)] = None
    linked_urr_ids: Annotated[list[int], C(82, UINT32)] = []
    measurement_information: Annotated[PfcpFlags | None, C(100)] = None
    far_id_for_quota_action: Annotated[int | None, C(108, UINT32)] = None
    ethernet_inactivity_timer: Annotated[int | None, C(146, UINT32)] = None
    number_of_reports: Annotated[int | None, O(182, UINT16)] = None


class UpdateUrr(Group):
    """Update URR, table 7.5.4.4-1."""

    urr_id: Annotated[int, M(81, UINT32)]
    measurement_method: Annotated[MeasurementMethod | None, C(62)] = None
    reporting_triggers: Annotated[ReportingTriggers | None, C(37)] = None
    measurement_period: Annotated[int | None, C(64, UINT32)] = None
    volume_threshold: Annotated[Volume | None, C(31)] = None
    volume_quota: Annotated[Volume | None, C(73)] = None
    time_threshold: Annotated[int | None, C(32, UINT32)] = None
    time_quota: Annotated[int | None, C(74, UINT32)] = None
    quota_holding_time: Annotated[int | None, C(71, UINT32)] = None
    quota_validity_time: Annotated[int | None, C(181, UINT32)] = None
    monitoring_time: Annotated[int | None, C(33, UINT32)] = None
    inactivity_detection_time: Annotated[int | None, C(36, UINT32)] = None
    linked_urr_ids: Annotated[list[int], C(82, UINT32)] = []
    measurement_information: Annotated[PfcpFlags | None, C(100)] = None
    far_id_for_quota_action: Annotated[int | None, C(108, UINT32)] = None


class CreateQer(Group):
    """Create QER, table 7.5.2.5-1. Bit rates in kbit/s."""

    qer_id: Annotated[int, M(109, UINT32)]
    gate_status: Annotated[GateStatus, M(25)]
    qer_correlation_id: Annotated[int | None, C(28, UINT32)] = None
    mbr: Annotated[BitRate | None, C(26)] = None
    gbr: Annotated[BitRate | None, C(27)] = None
    packet_rate: Annotated[bytes | None, C(94, OCTETS)] = None
    dl_flow_level_marking: Annotated[bytes | None, C(97, OCTETS)] = None
    qfi: Annotated[int | None, C(124, BITS6)] = None
    rqi: Annotated[int | None, C(123, UINT8)] = None
    paging_policy_indicator: Annotated[int | None, C(158, UINT8)] = None
    averaging_window: Annotated[int | None, O(157, UINT32)] = None
    qer_control_indications: Annotated[PfcpFlags | None, C(251)] = None


class UpdateQer(Group):
    """Update QER, table 7.5.4.5-1."""

    qer_id: Annotated[int, M(109, UINT32)]
    qer_correlation_id: Annotated[int | None, C(28, UINT32)] = None
    gate_status: Annotated[GateStatus | None, C(25)] = None
    mbr: Annotated[BitRate | None, C(26)] = None
    gbr: Annotated[BitRate | None, C(27)] = None
    packet_rate: Annotated[bytes | None, C(94, OCTETS)] = None
    dl_flow_level_marking: Annotated[bytes | None, C(97, OCTETS)] = None
    qfi: Annotated[int | None, C(124, BITS6)] = None
    rqi: Annotated[int | None, C(123, UINT8)] = None
    paging_policy_indicator: Annotated[int | None, C(158, UINT8)] = None
    averaging_window: Annotated[int | None, O(157, UINT32)] = None


class CreateBar(Group):
    """Create BAR, table 7.5.2.6-1. Delay in units of 50 ms."""

    bar_id: Annotated[int, M(88, UINT8)]
    downlink_data_notification_delay: Annotated[int | None, C(46, UINT8)] = None
    suggested_buffering_packets_count: Annotated[int | None, C(140, UINT8)] = None


class UpdateBar(Group):
    """Update BAR of a modification request, table 7.5.4.11-1."""

    bar_id: Annotated[int, M(88, UINT8)]
    downlink_data_notification_delay: Annotated[int | None, C(46, UINT8)] = None
    suggested_buffering_packets_count: Annotated[int | None, C(140, UINT8)] = None


class UpdateBarInReport(Group):
    """Update BAR of a report response, table 7.5.9.2-1."""

    bar_id: Annotated[int, M(88, UINT8)]
    downlink_data_notification_delay: Annotated[int | None, C(46, UINT8)] = None
    dl_buffering_duration: Annotated[int | None, C(47, UINT8)] = None
    dl_buffering_suggested_packet_count: Annotated[bytes | None, O(48, OCTETS)] = None
    suggested_buffering_packets_count: Annotated[int | None, C(140, UINT8)] = None


class CreateTrafficEndpoint(Group):
    """Create Traffic Endpoint, table 7.5.2.7-1."""

    traffic_endpoint_id: Annotated[int, M(131, UINT8)]
    f_teid: Annotated[FTeid | None, O(21)] = None
    network_instance: Annotated[NetworkInstance | None, O(22)] = None
    ue_ip_addresses: Annotated[list[UeIpAddress], O(93)] = []
    qfis: Annotated[list[int], C(124, BITS6)] = []
    interface_type: Annotated[int | None, O(160, BITS6)] = None


class CreatedTrafficEndpoint(Group):
    """Created Traffic Endpoint, table 7.5.3.5-1."""

    traffic_endpoint_id: Annotated[int, M(131, UINT8)]
    f_teid: Annotated[FTeid | None, C(21)] = None
    ue_ip_addresses: Annotated[list[UeIpAddress], C(93)] = []


class RemoveTrafficEndpoint(Group):
    """Table 7.5.4.14-1."""

    traffic_endpoint_id: Annotated[int, M(131, UINT8)]


class RemovePdr(Group):
    """Table 7.5.4.6-1."""

    pdr_id: Annotated[int, M(56, UINT16)]


class RemoveFar(Group):
    """Table 7.5.4.7-1."""

    far_id: Annotated[int, M(108, UINT32)]


class RemoveUrr(Group):
    """Table 7.5.4.8-1."""

    urr_id: Annotated[int, M(81, UINT32)]


class RemoveQer(Group):
    """Table 7.5.4.9-1."""

    qer_id: Annotated[int, M(109, UINT32)]


class RemoveBar(Group):
    """Table 7.5.4.12-1."""

    bar_id: Annotated[int, M(88, UINT8)]


class QueryUrr(Group):
    """Table 7.5.4.10-1."""

    urr_id: Annotated[int, M(81, UINT32)]


class CreatedPdr(Group):
    """Created PDR, table 7.5.3.2-1: the F-TEID and address that the UPF chose."""

    pdr_id: Annotated[int, M(56, UINT16)]
    f_teid: Annotated[FTeid | None, C(21)] = None
    ue_ip_addresses: Annotated[list[UeIpAddress], C(93)] = []


class LoadControlInformation(Group):
    """Table 7.5.3.3-1. metric: per cent."""

    sequence_number: Annotated[int, M(52, UINT32)]
    metric: Annotated[int, M(53, UINT8)]


class OverloadControlInformation(Group):
    """Table 7.5.3.4-1."""

    sequence_number: Annotated[int, M(52, UINT32)]
    metric: Annotated[int, M(53, UINT8)]
    period_of_validity: Annotated[int, M(55, UINT8)]
    oci_flags: Annotated[PfcpFlags | None, C(110)] = None


class ApplicationDetectionInformation(Group):
    """Table 7.5.8.3-2."""

    application_id: Annotated[str, M(24, TEXT)]
    application_instance_id: Annotated[str | None, C(91, TEXT)] = None
    flow_information: Annotated[bytes | None, C(92, OCTETS)] = None
    pdr_id: Annotated[int | None, O(56, UINT16)] = None


class _UsageReport(Group):
    """What the three Usage Reports share. Times are NTP seconds (of 1900), duration in seconds."""

    urr_id: Annotated[int, M(81, UINT32)]
    ur_seqn: Annotated[int, M(104, UINT32)]
    usage_report_trigger: Annotated[UsageReportTrigger, M(63)]
    start_time: Annotated[int | None, C(75, UINT32)] = None
    end_time: Annotated[int | None, C(76, UINT32)] = None
    volume_measurement: Annotated[VolumeMeasurement | None, C(66)] = None
    duration_measurement: Annotated[int | None, C(67, UINT32)] = None


class UsageReportInModification(_UsageReport):
    """Usage Report of a modification response, table 7.5.5.2-1."""

    time_of_first_packet: Annotated[int | None, C(69, UINT32)] = None
    time_of_last_packet: Annotated[int | None, C(70, UINT32)] = None
    usage_information: Annotated[PfcpFlags | None, C(90)] = None
    query_urr_reference: Annotated[int | None, C(125, UINT32)] = None


class UsageReportInDeletion(_UsageReport):
    """Usage Report of a deletion response, table 7.5.7.2-1."""

    time_of_first_packet: Annotated[int | None, C(69, UINT32)] = None
    time_of_last_packet: Annotated[int | None, C(70, UINT32)] = None
    usage_information: Annotated[PfcpFlags | None, C(90)] = None


class UsageReport(_UsageReport):
    """Usage Report of a session report request, table 7.5.8.3-1."""

    application_detection_information: Annotated[ApplicationDetectionInformation | None, C(68)] = None
    ue_ip_address: Annotated[UeIpAddress | None, C(93)] = None
    network_instance: Annotated[NetworkInstance | None, C(22)] = None
    time_of_first_packet: Annotated[int | None, C(69, UINT32)] = None
    time_of_last_packet: Annotated[int | None, C(70, UINT32)] = None
    usage_information: Annotated[PfcpFlags | None, C(90)] = None
    query_urr_reference: Annotated[int | None, C(125, UINT32)] = None
    event_time_stamps: Annotated[list[int], C(156, UINT32)] = []


class DownlinkDataReport(Group):
    """Downlink Data Report, table 7.5.8.2-1."""

    pdr_ids: Annotated[list[int], M(56, UINT16)]
    downlink_data_service_information: Annotated[list[DownlinkDataServiceInformation], C(45)] = []
    dl_data_packets_size: Annotated[int | None, C(250, UINT16)] = None
    data_status: Annotated[PfcpFlags | None, C(260)] = None


class ErrorIndicationReport(Group):
    """Error Indication Report, table 7.5.8.4-1: remote F-TEIDs that do not exist (any more)."""

    remote_f_teids: Annotated[list[FTeid], M(21)]


class UserPlanePathFailureReport(Group):
    """Table 7.4.5.1.2-1."""

    remote_gtpu_peers: Annotated[list[RemoteGtpuPeer], M(103)]


class UserPlanePathRecoveryReport(Group):
    """Table 7.4.5.1.3-1."""

    remote_gtpu_peers: Annotated[list[RemoteGtpuPeer], M(103)]


class PfdContext(Group):
    """PFD context, table 7.4.3.1-3."""

    pfd_contents: Annotated[list[bytes], M(61, OCTETS)]


class ApplicationIdsPfds(Group):
    """Application ID's PFDs, table 7.4.3.1-2."""

    application_id: Annotated[str, M(24, TEXT)]
    pfd_contexts: Annotated[list[PfdContext], C(59)] = []


class SessionRetentionInformation(Group):
    """Table 7.4.4.1-2."""

    cp_pfcp_entity_ip_addresses: Annotated[list[bytes], O(185, OCTETS)] = []


class PartialFailureInformation(Group):
    """Partial Failure Information, table 7.5.3.1-2."""

    failed_rule_id: Annotated[bytes, M(114, OCTETS)]
    failure_cause: Annotated[int, M(19, UINT8)]
    offending_ie_information: Annotated[list[bytes], O(274, OCTETS)] = []
