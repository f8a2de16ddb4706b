"""Registration and de-registration, TS 24.501 §8.2.6 to §8.2.9 and §8.2.12 to §8.2.15."""

from __future__ import annotations

from cinq.numbering import Guti, MobileIdentity, PlmnId, SNssai, Tai
from cinq.wire.nas import ie
from cinq.wire.nas.engine import GmmMessage
from cinq.wire.nas.ie.registration import (
    DeregistrationType,
    MicoIndication,
    NgKsi,
    RegistrationResult,
    RegistrationType,
    UeStatus,
)
from cinq.wire.nas.ie.security import NetworkFeatureSupport, UeSecurityCapability
from cinq.wire.nas.ie.slices import RejectedSNssai
from cinq.wire.nas.row import half, lv, lve, tlv, tlve, tv, tv1, v


class RegistrationRequest(GmmMessage, name="REGISTRATION REQUEST", type=0x41, clause="8.2.6"):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True
    CLEARTEXT = frozenset(
        (
            "registration_type",
            "ng_ksi",
            "mobile_identity",
            "ue_security_capability",
            "additional_guti",
            "ue_status",
            "eps_nas_message_container",
        )
    )
    VECTORS = (
        "7e004179000d0199f9070000000000000000102e04f0f0f0f0",
        "7e004179000d0199f9070000000000000000101001002e04f0f0f0f02f020101530100",
    )

    registration_type: RegistrationType = half(ie.registration_type)
    ng_ksi: NgKsi = half(ie.ng_ksi)
    mobile_identity: MobileIdentity = lve(ie.mobile_identity)
    non_current_ng_ksi: NgKsi | None = tv1(0xC, ie.ng_ksi)
    capability_5gmm: bytes | None = tlv(0x10, ie.octets(1, 13))
    ue_security_capability: UeSecurityCapability | None = tlv(0x2E, ie.ue_security_capability)
    requested_nssai: list[SNssai] | None = tlv(0x2F, ie.nssai)
    last_visited_tai: Tai | None = tv(0x52, ie.tai)
    s1_ue_network_capability: bytes | None = tlv(0x17, ie.octets(2, 13))
    uplink_data_status: frozenset[int] | None = tlv(0x40, ie.pdu_sessions)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    mico_indication: MicoIndication | None = tv1(0xB, ie.mico_indication)
    ue_status: UeStatus | None = tlv(0x2B, ie.ue_status)
    additional_guti: Guti | None = tlve(0x77, ie.guti)
    allowed_pdu_session_status: frozenset[int] | None = tlv(0x25, ie.pdu_sessions)
    ue_usage_setting: bytes | None = tlv(0x18, ie.octets(1, 1))
    requested_drx_parameters: bytes | None = tlv(0x51, ie.octets(1, 1))
    eps_nas_message_container: bytes | None = tlve(0x70, ie.octets(1))
    ladn_indication: bytes | None = tlve(0x74, ie.octets(0, 808))
    payload_container_type: int | None = tv1(0x8, ie.payload_container_type)
    payload_container: bytes | None = tlve(0x7B, ie.octets(1))
    network_slicing_indication: int | None = tv1(0x9, ie.half_octet)
    update_type: bytes | None = tlv(0x53, ie.octets(1, 1))
    mobile_station_classmark_2: bytes | None = tlv(0x41, ie.octets(3, 3))
    supported_codecs: bytes | None = tlv(0x42, ie.octets(3))
    nas_message_container: bytes | None = tlve(0x71, ie.octets(1))
    eps_bearer_context_status: bytes | None = tlv(0x60, ie.octets(2, 2))
    requested_extended_drx_parameters: bytes | None = tlv(0x6E, ie.octets(1, 2))
    t3324: int | None = tlv(0x6A, ie.gprs_timer_3)
    ue_radio_capability_id: bytes | None = tlv(0x67, ie.octets(1))
    requested_mapped_nssai: bytes | None = tlv(0x35, ie.octets(1, 40))
    additional_information_requested: bytes | None = tlv(0x48, ie.octets(1, 1))
    requested_wus_assistance_information: bytes | None = tlv(0x1A, ie.octets(1, 1))
    n5gc_indication: int | None = tv1(0xA, ie.half_octet)
    requested_nb_n1_mode_drx_parameters: bytes | None = tlv(0x30, ie.octets(1, 1))
    ue_request_type: bytes | None = tlv(0x29, ie.octets(1, 1))
    paging_restriction: bytes | None = tlv(0x28, ie.octets(1, 33))
    service_level_aa_container: bytes | None = tlve(0x72, ie.octets(1))
    nid: bytes | None = tlv(0x32, ie.octets(6, 6))
    ue_determined_plmn_with_disaster_condition: PlmnId | None = tlv(0x16, ie.plmn)
    requested_peips_assistance_information: bytes | None = tlv(0x2A, ie.octets(1, 1))
    requested_t3512: int | None = tlv(0x3B, ie.gprs_timer_3)
    unavailability_information: bytes | None = tlv(0x3C, ie.octets(1, 7))
    non_3gpp_path_switching_information: bytes | None = tlv(0x3F, ie.octets(1, 1))
    aun3_indication: bytes | None = tlv(0x56, ie.octets(1, 1))
    requested_lp_wusps_assistance_information: bytes | None = tlv(0x64, ie.octets(1, 1))


class RegistrationAccept(GmmMessage, name="REGISTRATION ACCEPT", type=0x42, clause="8.2.7"):
    """Network to UE."""

    VECTORS = (
        "7e0042010177000bf299f907020040c000032a54074099f90700000115020101210201005e0192",
        "7e0042010177000bf299f907020040c00001e354074099f907000001150401010101210201005e0192",
    )

    registration_result: RegistrationResult = lv(ie.registration_result)
    guti: Guti | None = tlve(0x77, ie.guti)
    equivalent_plmns: list[PlmnId] | None = tlv(0x4A, ie.plmn_list)
    tai_list: list[Tai] | None = tlv(0x54, ie.tai_list)
    allowed_nssai: list[SNssai] | None = tlv(0x15, ie.nssai)
    rejected_nssai: list[RejectedSNssai] | None = tlv(0x11, ie.rejected_nssai)
    configured_nssai: list[SNssai] | None = tlv(0x31, ie.nssai)
    network_feature_support: NetworkFeatureSupport | None = tlv(0x21, ie.network_feature_support)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    pdu_session_reactivation_result: frozenset[int] | None = tlv(0x26, ie.pdu_sessions)
    pdu_session_reactivation_result_error_cause: dict[int, int] | None = tlve(0x72, ie.reactivation_causes)
    ladn_information: bytes | None = tlve(0x79, ie.octets(10, 1712))
    mico_indication: MicoIndication | None = tv1(0xB, ie.mico_indication)
    network_slicing_indication: int | None = tv1(0x9, ie.half_octet)
    service_area_list: bytes | None = tlv(0x27, ie.octets(4, 112))
    t3512: int | None = tlv(0x5E, ie.gprs_timer_3)
    non_3gpp_deregistration_timer: int | None = tlv(0x5D, ie.gprs_timer_2)
    t3502: int | None = tlv(0x16, ie.gprs_timer_2)
    emergency_number_list: bytes | None = tlv(0x34, ie.octets(3, 48))
    extended_emergency_number_list: bytes | None = tlve(0x7A, ie.octets(4))
    sor_transparent_container: bytes | None = tlve(0x73, ie.octets(17))
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    nssai_inclusion_mode: int | None = tv1(0xA, ie.half_octet)
    operator_defined_access_category_definitions: bytes | None = tlve(0x76, ie.octets(0, 8320))
    negotiated_drx_parameters: bytes | None = tlv(0x51, ie.octets(1, 1))
    non_3gpp_nw_policies: int | None = tv1(0xD, ie.half_octet)
    eps_bearer_context_status: bytes | None = tlv(0x60, ie.octets(2, 2))
    negotiated_extended_drx_parameters: bytes | None = tlv(0x6E, ie.octets(1, 2))
    t3447: int | None = tlv(0x6C, ie.gprs_timer_3)
    t3448: int | None = tlv(0x6B, ie.gprs_timer_2)
    t3324: int | None = tlv(0x6A, ie.gprs_timer_3)
    ue_radio_capability_id: bytes | None = tlv(0x67, ie.octets(1))
    ue_radio_capability_id_deletion_indication: int | None = tv1(0xE, ie.half_octet)
    pending_nssai: list[SNssai] | None = tlv(0x39, ie.nssai)
    ciphering_key_data: bytes | None = tlve(0x74, ie.octets(31))
    cag_information_list: bytes | None = tlve(0x75, ie.octets(0))
    truncated_5g_s_tmsi_configuration: bytes | None = tlv(0x1B, ie.octets(1, 1))
    negotiated_wus_assistance_information: bytes | None = tlv(0x1C, ie.octets(1, 1))
    negotiated_nb_n1_mode_drx_parameters: bytes | None = tlv(0x29, ie.octets(1, 1))
    extended_rejected_nssai: bytes | None = tlv(0x68, ie.octets(3, 88))
    service_level_aa_container: bytes | None = tlve(0x7B, ie.octets(1))
    negotiated_peips_assistance_information: bytes | None = tlv(0x33, ie.octets(1, 1))
    additional_request_result: bytes | None = tlv(0x35, ie.octets(1, 1))
    nssrg_information: bytes | None = tlve(0x70, ie.octets(4, 4096))
    disaster_roaming_wait_range: bytes | None = tlv(0x14, ie.octets(2, 2))
    disaster_return_wait_range: bytes | None = tlv(0x2C, ie.octets(2, 2))
    list_of_plmns_to_be_used_in_disaster_condition: list[PlmnId] | None = tlv(0x13, ie.plmn_list_or_none)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    extended_cag_information_list: bytes | None = tlve(0x71, ie.octets(0))
    nsag_information: bytes | None = tlve(0x7C, ie.octets(6, 3140))
    equivalent_snpns: bytes | None = tlv(0x3D, ie.octets(9, 135))
    nid: bytes | None = tlv(0x32, ie.octets(6, 6))
    registration_accept_type_6_ie_container: bytes | None = tlve(0x7D, ie.octets(3))
    ran_timing_synchronization: bytes | None = tlv(0x4B, ie.octets(1, 1))
    alternative_nssai: bytes | None = tlv(0x4C, ie.octets(0, 144))
    discontinuous_coverage_maximum_time_offset: int | None = tlv(0x4F, ie.gprs_timer_3)
    s_nssai_time_validity_information: bytes | None = tlv(0x5B, ie.octets(21, 255))
    unavailability_configuration: bytes | None = tlv(0x3C, ie.octets(1, 4))
    feature_authorization_indication: bytes | None = tlv(0x5C, ie.octets(1, 255))
    on_demand_nssai: bytes | None = tlv(0x61, ie.octets(3, 208))
    access_technology_utilization_control: bytes | None = tlv(0x63, ie.octets(2, 3))
    negotiated_lp_wusps_assistance_information: bytes | None = tlv(0x64, ie.octets(1, 1))
    lp_wus_status: int | None = tv1(0x8, ie.half_octet)


class RegistrationComplete(GmmMessage, name="REGISTRATION COMPLETE", type=0x43, clause="8.2.8"):
    """UE to network."""

    VECTORS = ("7e0043",)

    sor_transparent_container: bytes | None = tlve(0x73, ie.octets(17, 17))


class RegistrationReject(GmmMessage, name="REGISTRATION REJECT", type=0x44, clause="8.2.9"):
    """Network to UE."""

    UNPROTECTED = True

    cause: int = v(ie.gmm_cause)
    t3346: int | None = tlv(0x5F, ie.gprs_timer_2)
    t3502: int | None = tlv(0x16, ie.gprs_timer_2)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    rejected_nssai: list[RejectedSNssai] | None = tlv(0x69, ie.rejected_nssai)
    cag_information_list: bytes | None = tlve(0x75, ie.octets(0))
    extended_rejected_nssai: bytes | None = tlv(0x68, ie.octets(3, 88))
    disaster_return_wait_range: bytes | None = tlv(0x2C, ie.octets(2, 2))
    extended_cag_information_list: bytes | None = tlve(0x71, ie.octets(0))
    lower_bound_timer: int | None = tlv(0x3A, ie.gprs_timer_3)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    n3iwf_identifier: bytes | None = tlv(0x3E, ie.octets(5))
    tnan_information: bytes | None = tlv(0x4D, ie.octets(1))
    extended_cause: bytes | None = tlv(0x62, ie.octets(1, 1))
    access_technology_utilization_control: bytes | None = tlv(0x63, ie.octets(2, 3))


class DeregistrationRequestUEOriginating(
    GmmMessage, name="DEREGISTRATION REQUEST", type=0x45, clause="8.2.12"
):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True
    CLEARTEXT = frozenset(
        (
            "deregistration_type",
            "ng_ksi",
            "mobile_identity",
        )
    )
    VECTORS = ("7e004501000bf299f907020040c000032a",)

    deregistration_type: DeregistrationType = half(ie.deregistration_type)
    ng_ksi: NgKsi = half(ie.ng_ksi)
    mobile_identity: MobileIdentity = lve(ie.mobile_identity)
    unavailability_information: bytes | None = tlv(0x3C, ie.octets(1, 7))
    nas_message_container: bytes | None = tlve(0x71, ie.octets(1))


class DeregistrationAcceptUEOriginating(GmmMessage, name="DEREGISTRATION ACCEPT", type=0x46, clause="8.2.13"):
    """Network to UE."""

    UNPROTECTED = True
    VECTORS = ("7e0046",)


class DeregistrationRequestUETerminated(
    GmmMessage, name="DEREGISTRATION REQUEST", type=0x47, clause="8.2.14"
):
    """Network to UE."""

    deregistration_type: DeregistrationType = half(ie.deregistration_type)
    cause: int | None = tv(0x58, ie.gmm_cause)
    t3346: int | None = tlv(0x5F, ie.gprs_timer_2)
    rejected_nssai: list[RejectedSNssai] | None = tlv(0x6D, ie.rejected_nssai)
    cag_information_list: bytes | None = tlve(0x75, ie.octets(0))
    extended_rejected_nssai: bytes | None = tlv(0x68, ie.octets(3, 88))
    disaster_return_wait_range: bytes | None = tlv(0x2C, ie.octets(2, 2))
    extended_cag_information_list: bytes | None = tlve(0x71, ie.octets(0))
    lower_bound_timer: int | None = tlv(0x3A, ie.gprs_timer_3)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    access_technology_utilization_control: bytes | None = tlv(0x63, ie.octets(2, 3))


class DeregistrationAcceptUETerminated(GmmMessage, name="DEREGISTRATION ACCEPT", type=0x48, clause="8.2.15"):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True
