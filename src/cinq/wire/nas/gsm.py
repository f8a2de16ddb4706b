"""5GSM messages, TS 24.501 §8.3."""

from __future__ import annotations

from cinq.numbering import SNssai
from cinq.wire.nas import ie
from cinq.wire.nas.engine import GsmMessage
from cinq.wire.nas.ie.capability import Capability5gsm, GsmNetworkFeatureSupport
from cinq.wire.nas.ie.eps import MappedEpsBearer
from cinq.wire.nas.ie.gsm import CongestionReAttemptIndicator, IpHeaderCompression, N3Qai
from cinq.wire.nas.ie.qos import QosFlowDescription, QosRule
from cinq.wire.nas.ie.session import (
    ExtendedPco,
    IntegrityProtectionMaximumDataRate,
    PduAddress,
    ReAttemptIndicator,
    SessionAmbr,
)
from cinq.wire.nas.ie.transport import ServiceLevelAa
from cinq.wire.nas.row import half, lv, lve, tlv, tlve, tv, tv1, v


class PDUSessionEstablishmentRequest(
    GsmMessage, name="PDU SESSION ESTABLISHMENT REQUEST", type=0xC1, clause="8.3.1"
):
    """UE to network."""

    VECTORS = ("2e0101c1ffff91a12801007b000780000a00000d00",)

    integrity_protection_maximum_data_rate: IntegrityProtectionMaximumDataRate = v(ie.integrity_rate)
    pdu_session_type: int | None = tv1(0x9, ie.pdu_session_type)
    ssc_mode: int | None = tv1(0xA, ie.ssc_mode)
    capability_5gsm: Capability5gsm | None = tlv(0x28, ie.capability_5gsm)
    maximum_number_of_supported_packet_filters: int | None = tv(0x55, ie.packet_filter_count)
    always_on_requested: bool | None = tv1(0xB, ie.flag)
    sm_pdu_dn_request_container: str | None = tlv(0x39, ie.dn_request)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)
    ip_header_compression_configuration: IpHeaderCompression | None = tlv(0x66, ie.ip_header_compression)
    ds_tt_ethernet_port_mac_address: bytes | None = tlv(0x6E, ie.octets(6, 6))
    ue_ds_tt_residence_time: int | None = tlv(0x6F, ie.residence_time)
    port_management_information_container: bytes | None = tlve(0x74, ie.octets(5))
    ethernet_header_compression_configuration: int | None = tlv(0x1F, ie.ethernet_header_compression)
    suggested_interface_identifier: PduAddress | None = tlv(0x29, ie.suggested_interface_identifier)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    requested_mbs_container: bytes | None = tlve(0x70, ie.octets(5))
    pdu_session_pair_id: int | None = tlv(0x34, ie.octet)
    rsn: int | None = tlv(0x35, ie.rsn)
    ursp_rule_enforcement_reports: list[tuple[int, ...]] | None = tlv(0x36, ie.ursp_reports)


class PDUSessionEstablishmentAccept(
    GsmMessage, name="PDU SESSION ESTABLISHMENT ACCEPT", type=0xC2, clause="8.3.2"
):
    """Network to UE."""

    VECTORS = (
        "2e0101c211000901000631310101ff010603f42403f4242905010a2d00022201017900060120410101097b000f80000d"
        "0408080808000d0408080404250908696e7465726e6574",
        "2e0101c211000901000631310101ff010603f42403f4242905010a2d00032201017900060120410101097b000f80000d"
        "0408080808000d0408080404250908696e7465726e6574",
    )

    selected_pdu_session_type: int = half(ie.pdu_session_type)
    selected_ssc_mode: int = half(ie.ssc_mode)
    authorized_qos_rules: list[QosRule] = lve(ie.qos_rules)
    session_ambr: SessionAmbr = lv(ie.session_ambr)
    cause: int | None = tv(0x59, ie.gsm_cause)
    pdu_address: PduAddress | None = tlv(0x29, ie.pdu_address)
    rq_timer: int | None = tv(0x56, ie.gprs_timer)
    s_nssai: SNssai | None = tlv(0x22, ie.s_nssai)
    always_on: bool | None = tv1(0x8, ie.flag)
    mapped_eps_bearer_contexts: list[MappedEpsBearer] | None = tlve(0x75, ie.mapped_eps_bearer_contexts)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    authorized_qos_flow_descriptions: list[QosFlowDescription] | None = tlve(0x79, ie.qos_flow_descriptions)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)
    dnn: str | None = tlv(0x25, ie.dnn, strict=True)
    gsm_network_feature_support: GsmNetworkFeatureSupport | None = tlv(0x17, ie.gsm_network_feature_support)
    serving_plmn_rate_control: int | None = tlv(0x18, ie.serving_plmn_rate_control)
    atsss_container: bytes | None = tlve(0x77, ie.octets(0))
    control_plane_only_indication: bool | None = tv1(0xC, ie.flag)
    ip_header_compression_configuration: IpHeaderCompression | None = tlv(0x66, ie.ip_header_compression)
    ethernet_header_compression_configuration: int | None = tlv(0x1F, ie.ethernet_header_compression)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    received_mbs_container: bytes | None = tlve(0x71, ie.octets(6))
    n3qai: list[N3Qai] | None = tlve(0x70, ie.n3qai)
    protocol_description: bytes | None = tlve(0x73, ie.octets(3))
    ecn_marking_for_l4s_indication: tuple[int, ...] | None = tlv(0x38, ie.ecn_marking)


class PDUSessionEstablishmentReject(
    GsmMessage, name="PDU SESSION ESTABLISHMENT REJECT", type=0xC3, clause="8.3.3"
):
    """Network to UE."""

    cause: int = v(ie.gsm_cause)
    back_off_timer: int | None = tlv(0x37, ie.gprs_timer_3)
    allowed_ssc_mode: frozenset[int] | None = tv1(0xF, ie.allowed_ssc_modes)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    congestion_re_attempt_indicator: CongestionReAttemptIndicator | None = tlv(
        0x61, ie.congestion_re_attempt_indicator
    )
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)
    re_attempt_indicator: ReAttemptIndicator | None = tlv(0x1D, ie.re_attempt_indicator)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    atsss_container: bytes | None = tlve(0x77, ie.octets(0))


class PDUSessionAuthenticationCommand(
    GsmMessage, name="PDU SESSION AUTHENTICATION COMMAND", type=0xC5, clause="8.3.4"
):
    """Network to UE."""

    eap_message: bytes = lve(ie.eap_message)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)


class PDUSessionAuthenticationComplete(
    GsmMessage, name="PDU SESSION AUTHENTICATION COMPLETE", type=0xC6, clause="8.3.5"
):
    """UE to network."""

    eap_message: bytes = lve(ie.eap_message)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)


class PDUSessionAuthenticationResult(
    GsmMessage, name="PDU SESSION AUTHENTICATION RESULT", type=0xC7, clause="8.3.6"
):
    """Network to UE."""

    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)


class PDUSessionModificationRequest(
    GsmMessage, name="PDU SESSION MODIFICATION REQUEST", type=0xC9, clause="8.3.7"
):
    """UE to network."""

    capability_5gsm: Capability5gsm | None = tlv(0x28, ie.capability_5gsm)
    cause: int | None = tv(0x59, ie.gsm_cause)
    maximum_number_of_supported_packet_filters: int | None = tv(0x55, ie.packet_filter_count)
    always_on_requested: bool | None = tv1(0xB, ie.flag)
    integrity_protection_maximum_data_rate: IntegrityProtectionMaximumDataRate | None = tv(
        0x13, ie.integrity_rate
    )
    requested_qos_rules: list[QosRule] | None = tlve(0x7A, ie.qos_rules)
    requested_qos_flow_descriptions: list[QosFlowDescription] | None = tlve(0x79, ie.qos_flow_descriptions)
    mapped_eps_bearer_contexts: list[MappedEpsBearer] | None = tlve(0x75, ie.mapped_eps_bearer_contexts)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)
    port_management_information_container: bytes | None = tlve(0x74, ie.octets(1))
    ip_header_compression_configuration: IpHeaderCompression | None = tlv(0x66, ie.ip_header_compression)
    ethernet_header_compression_configuration: int | None = tlv(0x1F, ie.ethernet_header_compression)
    requested_mbs_container: bytes | None = tlve(0x70, ie.octets(5))
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    non_3gpp_delay_budget: bytes | None = tlve(0x73, ie.octets(3))
    ursp_rule_enforcement_reports: list[tuple[int, ...]] | None = tlv(0x36, ie.ursp_reports)
    non_3gpp_device_information: bytes | None = tlve(0x7C, ie.octets(4))


class PDUSessionModificationReject(
    GsmMessage, name="PDU SESSION MODIFICATION REJECT", type=0xCA, clause="8.3.8"
):
    """Network to UE."""

    cause: int = v(ie.gsm_cause)
    back_off_timer: int | None = tlv(0x37, ie.gprs_timer_3)
    congestion_re_attempt_indicator: CongestionReAttemptIndicator | None = tlv(
        0x61, ie.congestion_re_attempt_indicator
    )
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)
    re_attempt_indicator: ReAttemptIndicator | None = tlv(0x1D, ie.re_attempt_indicator)


class PDUSessionModificationCommand(
    GsmMessage, name="PDU SESSION MODIFICATION COMMAND", type=0xCB, clause="8.3.9"
):
    """Network to UE."""

    cause: int | None = tv(0x59, ie.gsm_cause)
    session_ambr: SessionAmbr | None = tlv(0x2A, ie.session_ambr)
    rq_timer: int | None = tv(0x56, ie.gprs_timer)
    always_on: bool | None = tv1(0x8, ie.flag)
    authorized_qos_rules: list[QosRule] | None = tlve(0x7A, ie.qos_rules)
    mapped_eps_bearer_contexts: list[MappedEpsBearer] | None = tlve(0x75, ie.mapped_eps_bearer_contexts)
    authorized_qos_flow_descriptions: list[QosFlowDescription] | None = tlve(0x79, ie.qos_flow_descriptions)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)
    atsss_container: bytes | None = tlve(0x77, ie.octets(0))
    ip_header_compression_configuration: IpHeaderCompression | None = tlv(0x66, ie.ip_header_compression)
    port_management_information_container: bytes | None = tlve(0x74, ie.octets(1))
    serving_plmn_rate_control: int | None = tlv(0x1E, ie.serving_plmn_rate_control)
    ethernet_header_compression_configuration: int | None = tlv(0x1F, ie.ethernet_header_compression)
    received_mbs_container: bytes | None = tlve(0x71, ie.octets(6))
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    alternative_s_nssai: SNssai | None = tlv(0x5A, ie.s_nssai)
    n3qai: list[N3Qai] | None = tlve(0x70, ie.n3qai)
    protocol_description: bytes | None = tlve(0x73, ie.octets(3))
    ecn_marking_for_l4s_indication: tuple[int, ...] | None = tlv(0x38, ie.ecn_marking)


class PDUSessionModificationComplete(
    GsmMessage, name="PDU SESSION MODIFICATION COMPLETE", type=0xCC, clause="8.3.10"
):
    """UE to network."""

    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)
    port_management_information_container: bytes | None = tlve(0x74, ie.octets(1))


class PDUSessionModificationCommandReject(
    GsmMessage, name="PDU SESSION MODIFICATION COMMAND REJECT", type=0xCD, clause="8.3.11"
):
    """UE to network."""

    cause: int = v(ie.gsm_cause)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)


class PDUSessionReleaseRequest(GsmMessage, name="PDU SESSION RELEASE REQUEST", type=0xD1, clause="8.3.12"):
    """UE to network."""

    VECTORS = ("2e0101d15924",)

    cause: int | None = tv(0x59, ie.gsm_cause)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)


class PDUSessionReleaseReject(GsmMessage, name="PDU SESSION RELEASE REJECT", type=0xD2, clause="8.3.13"):
    """Network to UE."""

    cause: int = v(ie.gsm_cause)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)


class PDUSessionReleaseCommand(GsmMessage, name="PDU SESSION RELEASE COMMAND", type=0xD3, clause="8.3.14"):
    """Network to UE."""

    VECTORS = ("2e0101d324",)

    cause: int = v(ie.gsm_cause)
    back_off_timer: int | None = tlv(0x37, ie.gprs_timer_3)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    congestion_re_attempt_indicator: CongestionReAttemptIndicator | None = tlv(
        0x61, ie.congestion_re_attempt_indicator
    )
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_network)
    access_type: int | None = tv1(0xD, ie.access_type)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    alternative_s_nssai: SNssai | None = tlv(0x5A, ie.s_nssai)


class PDUSessionReleaseComplete(GsmMessage, name="PDU SESSION RELEASE COMPLETE", type=0xD4, clause="8.3.15"):
    """UE to network."""

    VECTORS = ("2e0101d4",)

    cause: int | None = tv(0x59, ie.gsm_cause)
    extended_pco: ExtendedPco | None = tlve(0x7B, ie.extended_pco_from_ue)


class FiveGSMStatus(GsmMessage, name="5GSM STATUS", type=0xD6, clause="8.3.16"):
    """Both directions."""

    cause: int = v(ie.gsm_cause)


class ServiceLevelAuthenticationCommand(
    GsmMessage, name="SERVICE-LEVEL AUTHENTICATION COMMAND", type=0xD8, clause="8.3.17"
):
    """Network to UE."""

    service_level_aa_container: ServiceLevelAa = lve(ie.service_level_aa_mandatory)


class ServiceLevelAuthenticationComplete(
    GsmMessage, name="SERVICE-LEVEL AUTHENTICATION COMPLETE", type=0xD9, clause="8.3.18"
):
    """UE to network."""

    service_level_aa_container: ServiceLevelAa = lve(ie.service_level_aa_mandatory)


class RemoteUEReport(GsmMessage, name="REMOTE UE REPORT", type=0xDA, clause="8.3.19"):
    """UE to network."""

    remote_ue_context_connected: bytes | None = tlve(0x76, ie.octets(13))
    remote_ue_context_disconnected: bytes | None = tlve(0x70, ie.octets(13))


class RemoteUEReportResponse(GsmMessage, name="REMOTE UE REPORT RESPONSE", type=0xDB, clause="8.3.20"):
    """Network to UE."""
