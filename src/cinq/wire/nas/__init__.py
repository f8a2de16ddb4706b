"""5GS NAS messages, TS 24.501: octets to typed messages and back.

    message = nas.decode(octets)              # a plain 5GMM or 5GSM PDU; NasError whatever the octets
    octets = nas.encode(message)
    envelope = nas.decode_envelope(octets)    # Protected(...) or the plain octets
    nas.plain(message)                        # dictionaries and strings for traces

Naming
- A class is called as its message in TS 24.501 clause 8, without spaces: RegistrationRequest,
  ULNASTransport, PDUSessionEstablishmentAccept; a digit is spelt (FiveGMMStatus, FiveGSMStatus); the two
  de-registrations carry who began: DeregistrationRequestUEOriginating, DeregistrationAcceptUETerminated.
- An attribute is the element's name in the message table in snake_case, without '5GS' and 'value':
  registration_type, ng_ksi, t3512, allowed_nssai. Besides: guti, s_tmsi, rand, autn, auts, res, cause (5GMM,
  5GSM), capability_5gmm, capability_5gsm, algorithms (selected NAS security algorithms), extended_pco
  (extended protocol configuration options), always_on and always_on_requested, forbidden_tais_roaming and
  forbidden_tais_regional.
- Constructors take keywords. Messages are frozen: replace(**changes) makes a copy. An absent element is None.
- Class attributes: NAME, TYPE, CLAUSE, EPD, ROWS, VECTORS; of 5GMM also UNPROTECTED, UNVERIFIED, CLEARTEXT.
- Timers are seconds (DEACTIVATED is -1); bit rates are bits per second; PDU session status is a set of ids;
  causes and kinds are IntEnum members where the value has a name, plain integers where not.
- Identities are the types of cinq.numbering. Elements that nobody reads are octets under their own name.

Wrong input (clause 7): NasError.cause says which cause a STATUS or reject message should carry, None that the
PDU is to be ignored. An optional element that is wrong is treated as absent and listed in message.faults; a
wrong DNN raises, with NasError.ie == "dnn" and the rest of the message in NasError.partial. Skipped unknown
elements are in message.unknown. `examine` never raises: for traces, which show what is there and name the fault.
"""

from __future__ import annotations

from cinq.wire.nas.causes import GmmCause, GsmCause
from cinq.wire.nas.codec import GMM_MESSAGES, GSM_MESSAGES, decode, encode, prepare
from cinq.wire.nas.engine import GmmMessage, GsmMessage, NasMessage
from cinq.wire.nas.envelope import Protected, SecurityHeader, decode_envelope, encode_envelope
from cinq.wire.nas.error import NasError
from cinq.wire.nas.examine import examine
from cinq.wire.nas.gmm.registration import (
    DeregistrationAcceptUEOriginating,
    DeregistrationAcceptUETerminated,
    DeregistrationRequestUEOriginating,
    DeregistrationRequestUETerminated,
    RegistrationAccept,
    RegistrationComplete,
    RegistrationReject,
    RegistrationRequest,
)
from cinq.wire.nas.gmm.security import (
    AuthenticationFailure,
    AuthenticationReject,
    AuthenticationRequest,
    AuthenticationResponse,
    AuthenticationResult,
    IdentityRequest,
    IdentityResponse,
    NetworkSliceSpecificAuthenticationCommand,
    NetworkSliceSpecificAuthenticationComplete,
    NetworkSliceSpecificAuthenticationResult,
    SecurityModeCommand,
    SecurityModeComplete,
    SecurityModeReject,
)
from cinq.wire.nas.gmm.service import (
    ConfigurationUpdateCommand,
    ConfigurationUpdateComplete,
    ControlPlaneServiceRequest,
    DLNASTransport,
    FiveGMMStatus,
    Notification,
    NotificationResponse,
    RelayAuthenticationRequest,
    RelayAuthenticationResponse,
    RelayKeyAccept,
    RelayKeyReject,
    RelayKeyRequest,
    ServiceAccept,
    ServiceReject,
    ServiceRequest,
    ULNASTransport,
)
from cinq.wire.nas.gsm import (
    FiveGSMStatus,
    PDUSessionAuthenticationCommand,
    PDUSessionAuthenticationComplete,
    PDUSessionAuthenticationResult,
    PDUSessionEstablishmentAccept,
    PDUSessionEstablishmentReject,
    PDUSessionEstablishmentRequest,
    PDUSessionModificationCommand,
    PDUSessionModificationCommandReject,
    PDUSessionModificationComplete,
    PDUSessionModificationReject,
    PDUSessionModificationRequest,
    PDUSessionReleaseCommand,
    PDUSessionReleaseComplete,
    PDUSessionReleaseReject,
    PDUSessionReleaseRequest,
    RemoteUEReport,
    RemoteUEReportResponse,
    ServiceLevelAuthenticationCommand,
    ServiceLevelAuthenticationComplete,
)
from cinq.wire.nas.ie import filters
from cinq.wire.nas.ie.basic import DEACTIVATED, AccessType, NetworkName, UniversalTime
from cinq.wire.nas.ie.capability import (
    Capability5gmm,
    Capability5gsm,
    EpsFeature,
    GmmFeature,
    GsmFeature,
    GsmNetworkFeature,
    GsmNetworkFeatureSupport,
    S1UeNetworkCapability,
)
from cinq.wire.nas.ie.eps import BearerOperation, BearerParameter, MappedEpsBearer
from cinq.wire.nas.ie.filters import MATCH_ALL, Component, PacketFilterComponents
from cinq.wire.nas.ie.gsm import (
    CidLength,
    CongestionReAttemptIndicator,
    IpHeaderCompression,
    RohcProfile,
    Rsn,
)
from cinq.wire.nas.ie.identity import IdentityType
from cinq.wire.nas.ie.qos import (
    Direction,
    FlowOperation,
    PacketFilter,
    QosFlowDescription,
    QosRule,
    RuleOperation,
)
from cinq.wire.nas.ie.registration import (
    NO_KEY,
    ConfigurationUpdateIndication,
    DeregistrationType,
    MicoIndication,
    NgKsi,
    PayloadContainerType,
    RegistrationKind,
    RegistrationResult,
    RegistrationType,
    RequestType,
    ServiceType,
    UeStatus,
)
from cinq.wire.nas.ie.security import (
    AdditionalSecurityInformation,
    NasAlgorithms,
    NetworkFeature,
    NetworkFeatureSupport,
    UeSecurityCapability,
)
from cinq.wire.nas.ie.session import (
    EPCO_DNS_SERVER_IPV4,
    EPCO_DNS_SERVER_IPV6,
    EPCO_IP_ADDRESS_ALLOCATION_VIA_NAS,
    EPCO_IPV4_LINK_MTU,
    DataRate,
    ExtendedPco,
    IntegrityProtectionMaximumDataRate,
    PduAddress,
    PduSessionType,
    ReAttemptIndicator,
    SessionAmbr,
    SscMode,
)
from cinq.wire.nas.ie.slices import MappedSNssai, RejectedCause, RejectedSNssai
from cinq.wire.nas.plain import Plain, plain
from cinq.wire.nas.row import Row

__all__ = [
    "DEACTIVATED",
    "EPCO_DNS_SERVER_IPV4",
    "EPCO_DNS_SERVER_IPV6",
    "EPCO_IPV4_LINK_MTU",
    "EPCO_IP_ADDRESS_ALLOCATION_VIA_NAS",
    "GMM_MESSAGES",
    "GSM_MESSAGES",
    "MATCH_ALL",
    "NO_KEY",
    "AccessType",
    "AdditionalSecurityInformation",
    "AuthenticationFailure",
    "AuthenticationReject",
    "AuthenticationRequest",
    "AuthenticationResponse",
    "AuthenticationResult",
    "BearerOperation",
    "BearerParameter",
    "Capability5gmm",
    "Capability5gsm",
    "CidLength",
    "Component",
    "ConfigurationUpdateCommand",
    "ConfigurationUpdateComplete",
    "ConfigurationUpdateIndication",
    "CongestionReAttemptIndicator",
    "ControlPlaneServiceRequest",
    "DLNASTransport",
    "DataRate",
    "DeregistrationAcceptUEOriginating",
    "DeregistrationAcceptUETerminated",
    "DeregistrationRequestUEOriginating",
    "DeregistrationRequestUETerminated",
    "DeregistrationType",
    "Direction",
    "EpsFeature",
    "ExtendedPco",
    "FiveGMMStatus",
    "FiveGSMStatus",
    "FlowOperation",
    "GmmCause",
    "GmmFeature",
    "GmmMessage",
    "GsmCause",
    "GsmFeature",
    "GsmMessage",
    "GsmNetworkFeature",
    "GsmNetworkFeatureSupport",
    "IdentityRequest",
    "IdentityResponse",
    "IdentityType",
    "IntegrityProtectionMaximumDataRate",
    "IpHeaderCompression",
    "MappedEpsBearer",
    "MappedSNssai",
    "MicoIndication",
    "NasAlgorithms",
    "NasError",
    "NasMessage",
    "NetworkFeature",
    "NetworkFeatureSupport",
    "NetworkName",
    "NetworkSliceSpecificAuthenticationCommand",
    "NetworkSliceSpecificAuthenticationComplete",
    "NetworkSliceSpecificAuthenticationResult",
    "NgKsi",
    "Notification",
    "NotificationResponse",
    "PDUSessionAuthenticationCommand",
    "PDUSessionAuthenticationComplete",
    "PDUSessionAuthenticationResult",
    "PDUSessionEstablishmentAccept",
    "PDUSessionEstablishmentReject",
    "PDUSessionEstablishmentRequest",
    "PDUSessionModificationCommand",
    "PDUSessionModificationCommandReject",
    "PDUSessionModificationComplete",
    "PDUSessionModificationReject",
    "PDUSessionModificationRequest",
    "PDUSessionReleaseCommand",
    "PDUSessionReleaseComplete",
    "PDUSessionReleaseReject",
    "PDUSessionReleaseRequest",
    "PacketFilter",
    "PacketFilterComponents",
    "PayloadContainerType",
    "PduAddress",
    "PduSessionType",
    "Plain",
    "Protected",
    "QosFlowDescription",
    "QosRule",
    "ReAttemptIndicator",
    "RegistrationAccept",
    "RegistrationComplete",
    "RegistrationKind",
    "RegistrationReject",
    "RegistrationRequest",
    "RegistrationResult",
    "RegistrationType",
    "RejectedCause",
    "RejectedSNssai",
    "RelayAuthenticationRequest",
    "RelayAuthenticationResponse",
    "RelayKeyAccept",
    "RelayKeyReject",
    "RelayKeyRequest",
    "RemoteUEReport",
    "RemoteUEReportResponse",
    "RequestType",
    "RohcProfile",
    "Row",
    "Rsn",
    "RuleOperation",
    "S1UeNetworkCapability",
    "SecurityHeader",
    "SecurityModeCommand",
    "SecurityModeComplete",
    "SecurityModeReject",
    "ServiceAccept",
    "ServiceLevelAuthenticationCommand",
    "ServiceLevelAuthenticationComplete",
    "ServiceReject",
    "ServiceRequest",
    "ServiceType",
    "SessionAmbr",
    "SscMode",
    "ULNASTransport",
    "UeSecurityCapability",
    "UeStatus",
    "UniversalTime",
    "decode",
    "decode_envelope",
    "encode",
    "encode_envelope",
    "examine",
    "filters",
    "plain",
    "prepare",
]
