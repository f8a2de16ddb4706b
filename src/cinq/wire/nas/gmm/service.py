"""Service request, NAS transport, configuration update, notification, status and relay, TS 24.501 §8.2."""

from __future__ import annotations

from datetime import timedelta

from cinq.numbering import Guti, PlmnId, SNssai, STmsi, Tai
from cinq.wire.nas import ie
from cinq.wire.nas.engine import GmmMessage
from cinq.wire.nas.ie.access import AccessCategory, Cag, ExtendedCag
from cinq.wire.nas.ie.basic import NetworkName, UniversalTime
from cinq.wire.nas.ie.mobility import (
    AccessTechnologies,
    FeatureAuthorization,
    PriorityIndicator,
    TruncatedSTmsi,
)
from cinq.wire.nas.ie.paging import PagingAssistance, PagingRestriction, WaitRange
from cinq.wire.nas.ie.registration import (
    ConfigurationUpdateIndication,
    MicoIndication,
    NgKsi,
    RegistrationResult,
)
from cinq.wire.nas.ie.service_area import ExtendedLadn, Ladn, PartialSNssai, ServiceArea
from cinq.wire.nas.ie.slice_information import (
    AlternativeSNssai,
    NetworkSlicingIndication,
    Nsag,
    OnDemandSNssai,
    SliceCells,
    SliceGroups,
    SliceTimes,
)
from cinq.wire.nas.ie.slices import RejectedGroup, RejectedSNssai
from cinq.wire.nas.ie.transport import ServiceLevelAa, SmallData
from cinq.wire.nas.row import half, lve, tlv, tlve, tv, tv1, v


class ULNASTransport(GmmMessage, name="UL NAS TRANSPORT", type=0x67, clause="8.2.10"):
    """UE to network."""

    VECTORS = (
        "7e00670100152e0101c1ffff91a12801007b000780000a00000d00120181220101250908696e7465726e6574",
        "7e00670100062e0101d159241201",
    )

    payload_container_type: int = half(ie.payload_container_type)
    payload_container: bytes = lve(ie.octets(1))
    pdu_session_id: int | None = tv(0x12, ie.octet)
    old_pdu_session_id: int | None = tv(0x59, ie.octet)
    request_type: int | None = tv1(0x8, ie.request_type)
    s_nssai: SNssai | None = tlv(0x22, ie.s_nssai)
    dnn: str | None = tlv(0x25, ie.dnn, strict=True)
    additional_information: bytes | None = tlv(0x24, ie.octets(1))
    ma_pdu_session_information: int | None = tv1(0xA, ie.ma_pdu_session_information)
    release_assistance_indication: int | None = tv1(0xF, ie.release_assistance_indication)
    non_3gpp_access_path_switching_indication: bool | None = tlv(0x4E, ie.path_switching)
    alternative_s_nssai: SNssai | None = tlv(0x5A, ie.s_nssai)
    payload_container_information: bool | None = tv1(0x9, ie.flag)


class DLNASTransport(GmmMessage, name="DL NAS TRANSPORT", type=0x68, clause="8.2.11"):
    """Network to UE."""

    VECTORS = (
        "7e00680100472e0101c211000901000631310101ff010603f42403f4242905010a2d0002220101790006012041010109"
        "7b000f80000d0408080808000d0408080404250908696e7465726e65741201",
        "7e00680100052e0101d3241201",
    )

    payload_container_type: int = half(ie.payload_container_type)
    payload_container: bytes = lve(ie.octets(1))
    pdu_session_id: int | None = tv(0x12, ie.octet)
    additional_information: bytes | None = tlv(0x24, ie.octets(1))
    cause: int | None = tv(0x58, ie.gmm_cause)
    back_off_timer: int | None = tlv(0x37, ie.gprs_timer_3)
    lower_bound_timer: int | None = tlv(0x3A, ie.gprs_timer_3)


class ServiceRequest(GmmMessage, name="SERVICE REQUEST", type=0x4C, clause="8.2.16"):
    """UE to network."""

    UNVERIFIED = True
    CLEARTEXT = frozenset(
        (
            "ng_ksi",
            "service_type",
            "s_tmsi",
        )
    )

    ng_ksi: NgKsi = half(ie.ng_ksi)
    service_type: int = half(ie.service_type)
    s_tmsi: STmsi = lve(ie.s_tmsi)
    uplink_data_status: frozenset[int] | None = tlv(0x40, ie.pdu_sessions)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    allowed_pdu_session_status: frozenset[int] | None = tlv(0x25, ie.pdu_sessions)
    nas_message_container: bytes | None = tlve(0x71, ie.octets(1))
    ue_request_type: int | None = tlv(0x29, ie.ue_request_type)
    paging_restriction: PagingRestriction | None = tlv(0x28, ie.paging_restriction)


class ServiceAccept(GmmMessage, name="SERVICE ACCEPT", type=0x4E, clause="8.2.17"):
    """Network to UE."""

    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    pdu_session_reactivation_result: frozenset[int] | None = tlv(0x26, ie.pdu_sessions)
    pdu_session_reactivation_result_error_cause: dict[int, int] | None = tlve(0x72, ie.reactivation_causes)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    t3448: int | None = tlv(0x6B, ie.gprs_timer_2)
    additional_request_result: int | None = tlv(0x34, ie.additional_request_result)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)


class ServiceReject(GmmMessage, name="SERVICE REJECT", type=0x4D, clause="8.2.18"):
    """Network to UE."""

    UNPROTECTED = True

    cause: int = v(ie.gmm_cause)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    t3346: int | None = tlv(0x5F, ie.gprs_timer_2)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    t3448: int | None = tlv(0x6B, ie.gprs_timer_2)
    cag_information_list: list[Cag] | None = tlve(0x75, ie.cag_information_list)
    disaster_return_wait_range: WaitRange | None = tlv(0x2C, ie.registration_wait_range)
    extended_cag_information_list: list[ExtendedCag] | None = tlve(0x71, ie.extended_cag_information_list)
    lower_bound_timer: int | None = tlv(0x3A, ie.gprs_timer_3)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    access_technology_utilization_control: AccessTechnologies | None = tlv(0x63, ie.access_technologies)


class ConfigurationUpdateCommand(GmmMessage, name="CONFIGURATION UPDATE COMMAND", type=0x54, clause="8.2.19"):
    """Network to UE."""

    VECTORS = (
        "7e0054430f90004f00700065006e003500470053450990004e00650078007446004762112211320500490100",
        "7e0054430f90004f00700065006e003500470053450990004e00650078007446004762112211324500490100",
    )

    configuration_update_indication: ConfigurationUpdateIndication | None = tv1(
        0xD, ie.configuration_update_indication
    )
    guti: Guti | None = tlve(0x77, ie.guti)
    tai_list: list[Tai] | None = tlv(0x54, ie.tai_list)
    allowed_nssai: list[SNssai] | None = tlv(0x15, ie.nssai_of_8)
    service_area_list: ServiceArea | None = tlv(0x27, ie.service_area_list)
    full_network_name: NetworkName | None = tlv(0x43, ie.network_name)
    short_network_name: NetworkName | None = tlv(0x45, ie.network_name)
    local_time_zone: timedelta | None = tv(0x46, ie.time_zone)
    universal_time: UniversalTime | None = tv(0x47, ie.universal_time)
    network_daylight_saving_time: int | None = tlv(0x49, ie.daylight_saving)
    ladn_information: list[Ladn] | None = tlve(0x79, ie.ladn_information_or_none)
    mico_indication: MicoIndication | None = tv1(0xB, ie.mico_indication)
    network_slicing_indication: NetworkSlicingIndication | None = tv1(0x9, ie.network_slicing_indication)
    configured_nssai: list[SNssai] | None = tlv(0x31, ie.nssai)
    rejected_nssai: list[RejectedSNssai] | None = tlv(0x11, ie.rejected_nssai)
    operator_defined_access_category_definitions: list[AccessCategory] | None = tlve(
        0x76, ie.access_category_definitions
    )
    sms_indication: bool | None = tv1(0xF, ie.flag)
    t3447: int | None = tlv(0x6C, ie.gprs_timer_3)
    cag_information_list: list[Cag] | None = tlve(0x75, ie.cag_information_list)
    ue_radio_capability_id: str | None = tlv(0x67, ie.ue_radio_capability_id)
    ue_radio_capability_id_deletion_indication: int | None = tv1(0xA, ie.ue_radio_capability_id_deletion)
    registration_result: RegistrationResult | None = tlv(0x44, ie.registration_result)
    truncated_5g_s_tmsi_configuration: TruncatedSTmsi | None = tlv(0x1B, ie.truncated_s_tmsi)
    additional_configuration_indication: bool | None = tv1(0xC, ie.flag)
    extended_rejected_nssai: list[RejectedGroup] | None = tlv(0x68, ie.extended_rejected_nssai)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    nssrg_information: list[SliceGroups] | None = tlve(0x70, ie.nssrg_information)
    disaster_roaming_wait_range: WaitRange | None = tlv(0x14, ie.registration_wait_range)
    disaster_return_wait_range: WaitRange | None = tlv(0x2C, ie.registration_wait_range)
    list_of_plmns_to_be_used_in_disaster_condition: list[PlmnId] | None = tlv(0x13, ie.plmn_list_or_none)
    extended_cag_information_list: list[ExtendedCag] | None = tlve(0x71, ie.extended_cag_information_list)
    updated_peips_assistance_information: PagingAssistance | None = tlv(0x1F, ie.paging_assistance)
    nsag_information: list[Nsag] | None = tlve(0x73, ie.nsag_information)
    priority_indicator: PriorityIndicator | None = tv1(0xE, ie.priority_indicator)
    ran_timing_synchronization: bool | None = tlv(0x4B, ie.reconnection_requested)
    extended_ladn_information: list[ExtendedLadn] | None = tlve(0x78, ie.extended_ladn_information)
    alternative_nssai: list[AlternativeSNssai] | None = tlv(0x4C, ie.alternative_nssai)
    s_nssai_location_validity_information: list[SliceCells] | None = tlve(0x7B, ie.s_nssai_location_validity)
    s_nssai_time_validity_information: list[SliceTimes] | None = tlv(0x5B, ie.s_nssai_time_validity)
    discontinuous_coverage_maximum_time_offset: int | None = tlv(0x4F, ie.gprs_timer_3)
    partially_allowed_nssai: list[PartialSNssai] | None = tlve(0x74, ie.partial_nssai)
    partially_rejected_nssai: list[PartialSNssai] | None = tlve(0x7A, ie.partial_nssai)
    feature_authorization_indication: FeatureAuthorization | None = tlv(0x5C, ie.feature_authorization)
    on_demand_nssai: list[OnDemandSNssai] | None = tlv(0x61, ie.on_demand_nssai)
    access_technology_utilization_control: list[AccessTechnologies] | None = tlv(
        0x63, ie.access_technologies_or_none
    )
    updated_lp_wusps_assistance_information: list[PagingAssistance] | None = tlv(
        0x64, ie.paging_assistance_if_any
    )
    lp_wus_status: bool | None = tv1(0x8, ie.flag)


class ConfigurationUpdateComplete(
    GmmMessage, name="CONFIGURATION UPDATE COMPLETE", type=0x55, clause="8.2.20"
):
    """UE to network."""


class Notification(GmmMessage, name="NOTIFICATION", type=0x65, clause="8.2.23"):
    """Network to UE."""

    access_type: int = half(ie.access_type)


class NotificationResponse(GmmMessage, name="NOTIFICATION RESPONSE", type=0x66, clause="8.2.24"):
    """UE to network."""

    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)


class FiveGMMStatus(GmmMessage, name="5GMM STATUS", type=0x64, clause="8.2.29"):
    """Both directions."""

    cause: int = v(ie.gmm_cause)


class ControlPlaneServiceRequest(
    GmmMessage, name="CONTROL PLANE SERVICE REQUEST", type=0x4F, clause="8.2.30"
):
    """UE to network."""

    UNVERIFIED = True
    CLEARTEXT = frozenset(
        (
            "control_plane_service_type",
            "ng_ksi",
        )
    )

    control_plane_service_type: int = half(ie.control_plane_service_type)
    ng_ksi: NgKsi = half(ie.ng_ksi)
    ciot_small_data_container: SmallData | None = tlv(0x6F, ie.ciot_small_data)
    payload_container_type: int | None = tv1(0x8, ie.payload_container_type)
    payload_container: bytes | None = tlve(0x7B, ie.octets(1))
    pdu_session_id: int | None = tv(0x12, ie.octet)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    release_assistance_indication: int | None = tv1(0xF, ie.release_assistance_indication)
    uplink_data_status: frozenset[int] | None = tlv(0x40, ie.pdu_sessions)
    nas_message_container: bytes | None = tlve(0x71, ie.octets(1))
    additional_information: bytes | None = tlv(0x24, ie.octets(1))
    allowed_pdu_session_status: frozenset[int] | None = tlv(0x25, ie.pdu_sessions)
    ue_request_type: int | None = tlv(0x29, ie.ue_request_type)
    paging_restriction: PagingRestriction | None = tlv(0x28, ie.paging_restriction)


class RelayKeyRequest(GmmMessage, name="RELAY KEY REQUEST", type=0x69, clause="8.2.34"):
    """UE to network."""

    prti: int = v(ie.octet)
    relay_key_request_parameters: bytes = lve(ie.octets(20))


class RelayKeyAccept(GmmMessage, name="RELAY KEY ACCEPT", type=0x6A, clause="8.2.35"):
    """Network to UE."""

    prti: int = v(ie.octet)
    relay_key_response_parameters: bytes = lve(ie.octets(49))
    eap_message: bytes | None = tlve(0x78, ie.eap_message)


class RelayKeyReject(GmmMessage, name="RELAY KEY REJECT", type=0x6B, clause="8.2.36"):
    """Network to UE."""

    prti: int = v(ie.octet)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)


class RelayAuthenticationRequest(GmmMessage, name="RELAY AUTHENTICATION REQUEST", type=0x6C, clause="8.2.37"):
    """Network to UE."""

    prti: int = v(ie.octet)
    eap_message: bytes = lve(ie.eap_message)


class RelayAuthenticationResponse(
    GmmMessage, name="RELAY AUTHENTICATION RESPONSE", type=0x6D, clause="8.2.38"
):
    """UE to network."""

    prti: int = v(ie.octet)
    eap_message: bytes = lve(ie.eap_message)
