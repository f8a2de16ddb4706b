"""Registration, de-registration, service and transport types: the small elements of 5GMM."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.wire.nas.ie.basic import AccessType, named_half
from cinq.wire.nas.row import Codec, Nibble


class NgKsi(Struct, frozen=True):
    """NAS key set identifier, §9.11.3.32. value: 0 to 6, 7 when no key is available. mapped: TSC."""

    value: int
    mapped: bool = False


NO_KEY = NgKsi(7)
ng_ksi: Nibble[NgKsi] = Nibble(lambda n: NgKsi(n & 7, n & 8 == 8), lambda k: k.value | (8 if k.mapped else 0))


class RegistrationKind(IntEnum):
    """5GS registration type value, §9.11.3.7."""

    INITIAL = 1
    MOBILITY = 2
    PERIODIC = 3
    EMERGENCY = 4
    SNPN_ONBOARDING = 5
    DISASTER_ROAMING_MOBILITY = 6
    DISASTER_ROAMING_INITIAL = 7


_ACCESSES: dict[int, int] = {int(access): access for access in AccessType}
_KINDS: dict[int, int] = {int(kind): kind for kind in RegistrationKind}


class RegistrationType(Struct, frozen=True):
    """§9.11.3.7. value: a RegistrationKind where it has a name. follow_on: a follow-on request is pending."""

    value: int
    follow_on: bool = False


registration_type: Nibble[RegistrationType] = Nibble(
    lambda n: RegistrationType(_KINDS.get(n & 7, n & 7), n & 8 == 8),
    lambda t: t.value | (8 if t.follow_on else 0),
)


class RegistrationResult(Struct, frozen=True):
    """5GS registration result, §9.11.3.6. access: an AccessType."""

    access: int = AccessType.ACCESS_3GPP
    sms_allowed: bool = False
    nssaa_to_be_performed: bool = False
    emergency_registered: bool = False
    disaster_roaming: bool = False


def _result(b: bytes) -> RegistrationResult:
    n = b[0]
    return RegistrationResult(_ACCESSES.get(n & 7, n & 7), n & 8 > 0, n & 16 > 0, n & 32 > 0, n & 64 > 0)


def _result_octets(r: RegistrationResult) -> bytes:
    flags = r.sms_allowed << 3 | r.nssaa_to_be_performed << 4 | r.emergency_registered << 5
    return bytes((r.access | flags | r.disaster_roaming << 6,))


registration_result: Codec[RegistrationResult] = Codec(_result, _result_octets, 1, 1)


class DeregistrationType(Struct, frozen=True):
    """§9.11.3.20. access: an AccessType. switch_off is the UE's, re_registration_required the network's."""

    access: int = AccessType.ACCESS_3GPP
    re_registration_required: bool = False
    switch_off: bool = False


deregistration_type: Nibble[DeregistrationType] = Nibble(
    lambda n: DeregistrationType(_ACCESSES.get(n & 3, n & 3), n & 4 == 4, n & 8 == 8),
    lambda t: t.access | t.re_registration_required << 2 | t.switch_off << 3,
)


class ConfigurationUpdateIndication(Struct, frozen=True):
    """§9.11.3.18."""

    acknowledgement_requested: bool = False
    registration_requested: bool = False


configuration_update_indication: Nibble[ConfigurationUpdateIndication] = Nibble(
    lambda n: ConfigurationUpdateIndication(n & 1 == 1, n & 2 == 2),
    lambda i: i.acknowledgement_requested | i.registration_requested << 1,
)


class MicoIndication(Struct, frozen=True):
    """§9.11.3.31."""

    all_plmn_registration_area: bool = False
    strictly_periodic_timer: bool = False


mico_indication: Nibble[MicoIndication] = Nibble(
    lambda n: MicoIndication(n & 1 == 1, n & 2 == 2),
    lambda i: i.all_plmn_registration_area | i.strictly_periodic_timer << 1,
)


class UeStatus(Struct, frozen=True):
    """§9.11.3.56."""

    emm_registered: bool = False
    gmm_registered: bool = False


ue_status: Codec[UeStatus] = Codec(
    lambda b: UeStatus(b[0] & 1 == 1, b[0] & 2 == 2),
    lambda s: bytes((s.emm_registered | s.gmm_registered << 1,)),
    1,
    1,
)


class ServiceType(IntEnum):
    """§9.11.3.50."""

    SIGNALLING = 0
    DATA = 1
    MOBILE_TERMINATED_SERVICES = 2
    EMERGENCY_SERVICES = 3
    EMERGENCY_SERVICES_FALLBACK = 4
    HIGH_PRIORITY_ACCESS = 5
    ELEVATED_SIGNALLING = 6


class PayloadContainerType(IntEnum):
    """§9.11.3.40."""

    N1_SM_INFORMATION = 1
    SMS = 2
    LPP_MESSAGE_CONTAINER = 3
    SOR_TRANSPARENT_CONTAINER = 4
    UE_POLICY_CONTAINER = 5
    UE_PARAMETERS_UPDATE_TRANSPARENT_CONTAINER = 6
    LOCATION_SERVICES_MESSAGE_CONTAINER = 7
    CIOT_USER_DATA_CONTAINER = 8
    SERVICE_LEVEL_AA_CONTAINER = 9
    EVENT_NOTIFICATION = 10
    UPP_CMI_CONTAINER = 11
    SLPP_MESSAGE_CONTAINER = 12
    MULTIPLE_PAYLOADS = 15


class RequestType(IntEnum):
    """§9.11.3.47."""

    INITIAL_REQUEST = 1
    EXISTING_PDU_SESSION = 2
    INITIAL_EMERGENCY_REQUEST = 3
    EXISTING_EMERGENCY_PDU_SESSION = 4
    MODIFICATION_REQUEST = 5
    MA_PDU_REQUEST = 6


service_type = named_half(ServiceType)
payload_container_type = named_half(PayloadContainerType)
request_type = named_half(RequestType, 7)
