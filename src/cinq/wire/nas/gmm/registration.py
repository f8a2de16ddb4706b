"""Registration and de-registration, TS 24.501 §8.2.6 to §8.2.9 and §8.2.12 to §8.2.15."""

from __future__ import annotations

from cinq.numbering import Guti, MobileIdentity, PlmnId, SNssai, Tai
from cinq.wire.nas import ie
from cinq.wire.nas.engine import GmmMessage
from cinq.wire.nas.ie.access import AccessCategory, Cag, ExtendedCag
from cinq.wire.nas.ie.capability import Capability5gmm, S1UeNetworkCapability
from cinq.wire.nas.ie.emergency import EmergencyNumber, ExtendedEmergencyNumbers
from cinq.wire.nas.ie.mobility import (
    AccessTechnologies,
    FeatureAuthorization,
    N3iwfIdentifier,
    Snpn,
    Tnan,
    TruncatedSTmsi,
    UpdateType,
)
from cinq.wire.nas.ie.paging import (
    ExtendedDrx,
    PagingAssistance,
    PagingRestriction,
    Unavailability,
    UnavailabilityConfiguration,
    WaitRange,
)
from cinq.wire.nas.ie.registration import (
    DeregistrationType,
    MicoIndication,
    NgKsi,
    RegistrationResult,
    RegistrationType,
    UeStatus,
)
from cinq.wire.nas.ie.security import NetworkFeatureSupport, UeSecurityCapability
from cinq.wire.nas.ie.service_area import Ladn, ServiceArea
from cinq.wire.nas.ie.slice_information import (
    AlternativeSNssai,
    NetworkSlicingIndication,
    Nsag,
    OnDemandSNssai,
    SliceGroups,
    SliceTimes,
)
from cinq.wire.nas.ie.slices import RejectedGroup, RejectedSNssai
from cinq.wire.nas.ie.transport import ServiceLevelAa, SorContainer, Type6Elements
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
    capability_5gmm: Capability5gmm | None = tlv(0x10, ie.capability_5gmm)
    ue_security_capability: UeSecurityCapability | None = tlv(0x2E, ie.ue_security_capability)
    requested_nssai: list[SNssai] | None = tlv(0x2F, ie.nssai_of_8)
    last_visited_tai: Tai | None = tv(0x52, ie.tai)
    s1_ue_network_capability: S1UeNetworkCapability | None = tlv(0x17, ie.s1_ue_network_capability)
    uplink_data_status: frozenset[int] | None = tlv(0x40, ie.pdu_sessions)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    mico_indication: MicoIndication | None = tv1(0xB, ie.mico_indication)
    ue_status: UeStatus | None = tlv(0x2B, ie.ue_status)
    additional_guti: Guti | None = tlve(0x77, ie.guti)
    allowed_pdu_session_status: frozenset[int] | None = tlv(0x25, ie.pdu_sessions)
    ue_usage_setting: int | None = tlv(0x18, ie.ue_usage_setting)
    requested_drx_parameters: int | None = tlv(0x51, ie.drx_parameters)
    eps_nas_message_container: bytes | None = tlve(0x70, ie.octets(1))
    ladn_indication: list[str] | None = tlve(0x74, ie.ladn_indication)
    payload_container_type: int | None = tv1(0x8, ie.payload_container_type)
    payload_container: bytes | None = tlve(0x7B, ie.octets(1))
    network_slicing_indication: NetworkSlicingIndication | None = tv1(0x9, ie.network_slicing_indication)
    update_type: UpdateType | None = tlv(0x53, ie.update_type)
    mobile_station_classmark_2: bytes | None = tlv(0x41, ie.octets(3, 3))
    supported_codecs: bytes | None = tlv(0x42, ie.octets(3))
    nas_message_container: bytes | None = tlve(0x71, ie.octets(1))
    eps_bearer_context_status: frozenset[int] | None = tlv(0x60, ie.eps_bearer_context_status)
    requested_extended_drx_parameters: ExtendedDrx | None = tlv(0x6E, ie.extended_drx_parameters)
    t3324: int | None = tlv(0x6A, ie.gprs_timer_3)
    ue_radio_capability_id: str | None = tlv(0x67, ie.ue_radio_capability_id)
    requested_mapped_nssai: list[SNssai] | None = tlv(0x35, ie.mapped_nssai)
    additional_information_requested: bool | None = tlv(0x48, ie.ciphering_keys_requested)
    requested_wus_assistance_information: PagingAssistance | None = tlv(0x1A, ie.paging_assistance)
    n5gc_indication: bool | None = tv1(0xA, ie.flag)
    requested_nb_n1_mode_drx_parameters: int | None = tlv(0x30, ie.nb_drx_parameters)
    ue_request_type: int | None = tlv(0x29, ie.ue_request_type)
    paging_restriction: PagingRestriction | None = tlv(0x28, ie.paging_restriction)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x72, ie.service_level_aa)
    nid: str | None = tlv(0x32, ie.nid)
    ue_determined_plmn_with_disaster_condition: PlmnId | None = tlv(0x16, ie.plmn)
    requested_peips_assistance_information: PagingAssistance | None = tlv(0x2A, ie.paging_assistance)
    requested_t3512: int | None = tlv(0x3B, ie.gprs_timer_3)
    unavailability_information: Unavailability | None = tlv(0x3C, ie.unavailability_information)
    non_3gpp_path_switching_information: bool | None = tlv(0x3F, ie.path_switching)
    aun3_indication: bool | None = tlv(0x56, ie.aun3_indication)
    requested_lp_wusps_assistance_information: PagingAssistance | None = tlv(0x64, ie.paging_assistance)


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
    allowed_nssai: list[SNssai] | None = tlv(0x15, ie.nssai_of_8)
    rejected_nssai: list[RejectedSNssai] | None = tlv(0x11, ie.rejected_nssai)
    configured_nssai: list[SNssai] | None = tlv(0x31, ie.nssai)
    network_feature_support: NetworkFeatureSupport | None = tlv(0x21, ie.network_feature_support)
    pdu_session_status: frozenset[int] | None = tlv(0x50, ie.pdu_sessions)
    pdu_session_reactivation_result: frozenset[int] | None = tlv(0x26, ie.pdu_sessions)
    pdu_session_reactivation_result_error_cause: dict[int, int] | None = tlve(0x72, ie.reactivation_causes)
    ladn_information: list[Ladn] | None = tlve(0x79, ie.ladn_information)
    mico_indication: MicoIndication | None = tv1(0xB, ie.mico_indication)
    network_slicing_indication: NetworkSlicingIndication | None = tv1(0x9, ie.network_slicing_indication)
    service_area_list: ServiceArea | None = tlv(0x27, ie.service_area_list)
    t3512: int | None = tlv(0x5E, ie.gprs_timer_3)
    non_3gpp_deregistration_timer: int | None = tlv(0x5D, ie.gprs_timer_2)
    t3502: int | None = tlv(0x16, ie.gprs_timer_2)
    emergency_number_list: list[EmergencyNumber] | None = tlv(0x34, ie.emergency_number_list)
    extended_emergency_number_list: ExtendedEmergencyNumbers | None = tlve(
        0x7A, ie.extended_emergency_number_list
    )
    sor_transparent_container: SorContainer | None = tlve(0x73, ie.sor_container)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    nssai_inclusion_mode: int | None = tv1(0xA, ie.nssai_inclusion_mode)
    operator_defined_access_category_definitions: list[AccessCategory] | None = tlve(
        0x76, ie.access_category_definitions
    )
    negotiated_drx_parameters: int | None = tlv(0x51, ie.drx_parameters)
    non_3gpp_nw_policies: bool | None = tv1(0xD, ie.flag)
    eps_bearer_context_status: frozenset[int] | None = tlv(0x60, ie.eps_bearer_context_status)
    negotiated_extended_drx_parameters: ExtendedDrx | None = tlv(0x6E, ie.extended_drx_parameters)
    t3447: int | None = tlv(0x6C, ie.gprs_timer_3)
    t3448: int | None = tlv(0x6B, ie.gprs_timer_2)
    t3324: int | None = tlv(0x6A, ie.gprs_timer_3)
    ue_radio_capability_id: str | None = tlv(0x67, ie.ue_radio_capability_id)
    ue_radio_capability_id_deletion_indication: int | None = tv1(0xE, ie.ue_radio_capability_id_deletion)
    pending_nssai: list[SNssai] | None = tlv(0x39, ie.nssai)
    ciphering_key_data: bytes | None = tlve(0x74, ie.octets(31))
    cag_information_list: list[Cag] | None = tlve(0x75, ie.cag_information_list)
    truncated_5g_s_tmsi_configuration: TruncatedSTmsi | None = tlv(0x1B, ie.truncated_s_tmsi)
    negotiated_wus_assistance_information: PagingAssistance | None = tlv(0x1C, ie.paging_assistance)
    negotiated_nb_n1_mode_drx_parameters: int | None = tlv(0x29, ie.nb_drx_parameters)
    extended_rejected_nssai: list[RejectedGroup] | None = tlv(0x68, ie.extended_rejected_nssai)
    service_level_aa_container: ServiceLevelAa | None = tlve(0x7B, ie.service_level_aa)
    negotiated_peips_assistance_information: PagingAssistance | None = tlv(0x33, ie.paging_assistance)
    additional_request_result: int | None = tlv(0x35, ie.additional_request_result)
    nssrg_information: list[SliceGroups] | None = tlve(0x70, ie.nssrg_information)
    disaster_roaming_wait_range: WaitRange | None = tlv(0x14, ie.registration_wait_range)
    disaster_return_wait_range: WaitRange | None = tlv(0x2C, ie.registration_wait_range)
    list_of_plmns_to_be_used_in_disaster_condition: list[PlmnId] | None = tlv(0x13, ie.plmn_list_or_none)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    extended_cag_information_list: list[ExtendedCag] | None = tlve(0x71, ie.extended_cag_information_list)
    nsag_information: list[Nsag] | None = tlve(0x7C, ie.nsag_information)
    equivalent_snpns: list[Snpn] | None = tlv(0x3D, ie.snpn_list)
    nid: str | None = tlv(0x32, ie.nid)
    registration_accept_type_6_ie_container: Type6Elements | None = tlve(0x7D, ie.type_6_container)
    ran_timing_synchronization: bool | None = tlv(0x4B, ie.reconnection_requested)
    alternative_nssai: list[AlternativeSNssai] | None = tlv(0x4C, ie.alternative_nssai)
    discontinuous_coverage_maximum_time_offset: int | None = tlv(0x4F, ie.gprs_timer_3)
    s_nssai_time_validity_information: list[SliceTimes] | None = tlv(0x5B, ie.s_nssai_time_validity)
    unavailability_configuration: UnavailabilityConfiguration | None = tlv(
        0x3C, ie.unavailability_configuration
    )
    feature_authorization_indication: FeatureAuthorization | None = tlv(0x5C, ie.feature_authorization)
    on_demand_nssai: list[OnDemandSNssai] | None = tlv(0x61, ie.on_demand_nssai)
    access_technology_utilization_control: AccessTechnologies | None = tlv(0x63, ie.access_technologies)
    negotiated_lp_wusps_assistance_information: PagingAssistance | None = tlv(0x64, ie.paging_assistance)
    lp_wus_status: bool | None = tv1(0x8, ie.flag)


class RegistrationComplete(GmmMessage, name="REGISTRATION COMPLETE", type=0x43, clause="8.2.8"):
    """UE to network."""

    VECTORS = ("7e0043",)

    sor_transparent_container: SorContainer | None = tlve(0x73, ie.sor_acknowledgement)


class RegistrationReject(GmmMessage, name="REGISTRATION REJECT", type=0x44, clause="8.2.9"):
    """Network to UE."""

    UNPROTECTED = True

    cause: int = v(ie.gmm_cause)
    t3346: int | None = tlv(0x5F, ie.gprs_timer_2)
    t3502: int | None = tlv(0x16, ie.gprs_timer_2)
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    rejected_nssai: list[RejectedSNssai] | None = tlv(0x69, ie.rejected_nssai)
    cag_information_list: list[Cag] | None = tlve(0x75, ie.cag_information_list)
    extended_rejected_nssai: list[RejectedGroup] | None = tlv(0x68, ie.extended_rejected_nssai)
    disaster_return_wait_range: WaitRange | None = tlv(0x2C, ie.registration_wait_range)
    extended_cag_information_list: list[ExtendedCag] | None = tlve(0x71, ie.extended_cag_information_list)
    lower_bound_timer: int | None = tlv(0x3A, ie.gprs_timer_3)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    n3iwf_identifier: N3iwfIdentifier | None = tlv(0x3E, ie.n3iwf_identifier)
    tnan_information: Tnan | None = tlv(0x4D, ie.tnan_information)
    extended_cause: bool | None = tlv(0x62, ie.satellite_ng_ran_not_allowed)
    access_technology_utilization_control: AccessTechnologies | None = tlv(0x63, ie.access_technologies)


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
    unavailability_information: Unavailability | None = tlv(0x3C, ie.unavailability_information)
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
    cag_information_list: list[Cag] | None = tlve(0x75, ie.cag_information_list)
    extended_rejected_nssai: list[RejectedGroup] | None = tlv(0x68, ie.extended_rejected_nssai)
    disaster_return_wait_range: WaitRange | None = tlv(0x2C, ie.registration_wait_range)
    extended_cag_information_list: list[ExtendedCag] | None = tlve(0x71, ie.extended_cag_information_list)
    lower_bound_timer: int | None = tlv(0x3A, ie.gprs_timer_3)
    forbidden_tais_roaming: list[Tai] | None = tlv(0x1D, ie.tai_list)
    forbidden_tais_regional: list[Tai] | None = tlv(0x1E, ie.tai_list)
    access_technology_utilization_control: AccessTechnologies | None = tlv(0x63, ie.access_technologies)


class DeregistrationAcceptUETerminated(GmmMessage, name="DEREGISTRATION ACCEPT", type=0x48, clause="8.2.15"):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True
