"""Authentication, identification, security mode control, slice authentication.

TS 24.501 §8.2.1 to §8.2.5, §8.2.21, §8.2.22, §8.2.25 to §8.2.27, §8.2.31 to §8.2.33.
"""

from __future__ import annotations

from cinq.numbering import Imeisv, MobileIdentity, SNssai
from cinq.wire.nas import ie
from cinq.wire.nas.engine import GmmMessage
from cinq.wire.nas.ie.registration import NgKsi
from cinq.wire.nas.ie.security import (
    AdditionalSecurityInformation,
    NasAlgorithms,
    S1UeSecurityCapability,
    UeSecurityCapability,
)
from cinq.wire.nas.row import half, lv, lve, tlv, tlve, tv, tv1, v


class AuthenticationRequest(GmmMessage, name="AUTHENTICATION REQUEST", type=0x56, clause="8.2.1"):
    """Network to UE."""

    UNPROTECTED = True
    VECTORS = (
        "7e00560002000021b8d3504b10f664eb352d724db477393120109ab8991685d38000d9c4f3b1ada79d69",
        "7e00560102000021a7ae584bf82c7763b157b959ef371cab20102f50eb0c5310800027be3782f69273dd",
    )

    ng_ksi: NgKsi = half(ie.ng_ksi)
    abba: bytes = lv(ie.octets(2))
    rand: bytes | None = tv(0x21, ie.octets(16, 16))
    autn: bytes | None = tlv(0x20, ie.octets(16, 16))
    eap_message: bytes | None = tlve(0x78, ie.eap_message)


class AuthenticationResponse(GmmMessage, name="AUTHENTICATION RESPONSE", type=0x57, clause="8.2.2"):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True
    VECTORS = (
        "7e00572d1065cebf36f41bfa96de040827f51dc27e",
        "7e00572d104fc25e96466d63c492ceb4cedbe2d926",
    )

    res: bytes | None = tlv(0x2D, ie.octets(16, 16))
    eap_message: bytes | None = tlve(0x78, ie.eap_message)


class AuthenticationResult(GmmMessage, name="AUTHENTICATION RESULT", type=0x5A, clause="8.2.3"):
    """Network to UE."""

    UNPROTECTED = True

    ng_ksi: NgKsi = half(ie.ng_ksi)
    eap_message: bytes = lve(ie.eap_message)
    abba: bytes | None = tlv(0x38, ie.octets(2))
    aun3_device_security_key: bytes | None = tlv(0x55, ie.octets(34))


class AuthenticationFailure(GmmMessage, name="AUTHENTICATION FAILURE", type=0x59, clause="8.2.4"):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True

    cause: int = v(ie.gmm_cause)
    auts: bytes | None = tlv(0x30, ie.octets(14, 14))


class AuthenticationReject(GmmMessage, name="AUTHENTICATION REJECT", type=0x58, clause="8.2.5"):
    """Network to UE."""

    UNPROTECTED = True

    eap_message: bytes | None = tlve(0x78, ie.eap_message)


class IdentityRequest(GmmMessage, name="IDENTITY REQUEST", type=0x5B, clause="8.2.21"):
    """AMF to UE."""

    UNPROTECTED = True

    identity_type: int = half(ie.identity_type)


class IdentityResponse(GmmMessage, name="IDENTITY RESPONSE", type=0x5C, clause="8.2.22"):
    """UE to AMF."""

    UNPROTECTED = True
    UNVERIFIED = True

    mobile_identity: MobileIdentity = lve(ie.mobile_identity)


class SecurityModeCommand(GmmMessage, name="SECURITY MODE COMMAND", type=0x5D, clause="8.2.25"):
    """Network to UE."""

    VECTORS = (
        "7e005d020004f0f0f0f0e1360102",
        "7e005d020104f0f0f0f0e1360102",
    )

    algorithms: NasAlgorithms = v(ie.nas_algorithms)
    ng_ksi: NgKsi = half(ie.ng_ksi)
    replayed_ue_security_capability: UeSecurityCapability = lv(ie.ue_security_capability)
    imeisv_request: bool | None = tv1(0xE, ie.imeisv_request)
    selected_eps_algorithms: NasAlgorithms | None = tv(0x57, ie.nas_algorithms)
    additional_security_information: AdditionalSecurityInformation | None = tlv(
        0x36, ie.additional_security_information
    )
    eap_message: bytes | None = tlve(0x78, ie.eap_message)
    abba: bytes | None = tlv(0x38, ie.octets(2))
    replayed_s1_ue_security_capability: S1UeSecurityCapability | None = tlv(
        0x19, ie.s1_ue_security_capability
    )
    aun3_device_security_key: bytes | None = tlv(0x55, ie.octets(34, 255))


class SecurityModeComplete(GmmMessage, name="SECURITY MODE COMPLETE", type=0x5E, clause="8.2.26"):
    """UE to network."""

    VECTORS = (
        "7e005e7700094573806121856151f17100237e004179000d0199f9070000000000000000101001002e04f0f0f0f02f02"
        "0101530100",
        "7e005e7700094573806121856151f171002a7e004179000bf299f907020040c000032a1001002e04f0f0f0f02f040101"
        "01015299f907000001530100",
    )

    imeisv: Imeisv | None = tlve(0x77, ie.imeisv)
    nas_message_container: bytes | None = tlve(0x71, ie.octets(1))
    non_imeisv_pei: bytes | None = tlve(0x78, ie.octets(4))


class SecurityModeReject(GmmMessage, name="SECURITY MODE REJECT", type=0x5F, clause="8.2.27"):
    """UE to network."""

    UNPROTECTED = True
    UNVERIFIED = True

    cause: int = v(ie.gmm_cause)


class NetworkSliceSpecificAuthenticationCommand(
    GmmMessage, name="NETWORK SLICE-SPECIFIC AUTHENTICATION COMMAND", type=0x50, clause="8.2.31"
):
    """Network to UE."""

    s_nssai: SNssai = lv(ie.own_s_nssai)
    eap_message: bytes = lve(ie.eap_message)


class NetworkSliceSpecificAuthenticationComplete(
    GmmMessage, name="NETWORK SLICE-SPECIFIC AUTHENTICATION COMPLETE", type=0x51, clause="8.2.32"
):
    """UE to network."""

    s_nssai: SNssai = lv(ie.own_s_nssai)
    eap_message: bytes = lve(ie.eap_message)


class NetworkSliceSpecificAuthenticationResult(
    GmmMessage, name="NETWORK SLICE-SPECIFIC AUTHENTICATION RESULT", type=0x52, clause="8.2.33"
):
    """Network to UE."""

    s_nssai: SNssai = lv(ie.own_s_nssai)
    eap_message: bytes = lve(ie.eap_message)
