"""What a UE and a network support: 5GMM, 5GSM and EPS capabilities."""

from __future__ import annotations

from enum import IntEnum

from cinq.wire.nas.ie.bits import Features
from cinq.wire.nas.ie.security import algorithms
from cinq.wire.nas.row import Codec


class GmmFeature(IntEnum):
    """Bits of the 5GMM capability, §9.11.3.1. NO_N3_DATA_TRANSFER is the one that says what is not supported."""

    S1_MODE = 0
    HO_ATTACH = 1
    LPP = 2
    RESTRICT_EC = 3
    CP_CIOT = 4
    NO_N3_DATA_TRANSFER = 5
    IPHC_CP_CIOT = 6
    SERVICE_GAP_CONTROL = 7
    SRVCC_5GS = 8
    UP_CIOT = 9
    V2X_UU = 10
    V2X_E_UTRA_PC5 = 11
    V2X_NR_PC5 = 12
    LCS_5GS = 13
    NSSAA = 14
    RACS = 15
    CAG = 16
    WUS_ASSISTANCE = 17
    MULTIPLE_UP = 18
    EHC_CP_CIOT = 19
    EXTENDED_REJECTED_NSSAI = 20
    PROSE_DIRECT_DISCOVERY = 21
    PROSE_DIRECT_COMMUNICATION = 22
    PROSE_LAYER_2_RELAY = 23
    PROSE_LAYER_3_RELAY = 24
    PROSE_LAYER_2_REMOTE = 25
    PROSE_LAYER_3_REMOTE = 26
    NR_PAGING_SUBGROUPS = 27
    NAS_CONNECTION_RELEASE = 28
    PAGING_INDICATION_FOR_VOICE = 29
    REJECT_PAGING_REQUEST = 30
    PAGING_RESTRICTION = 31
    NSSRG = 32
    MINT = 33
    EVENT_NOTIFICATION = 34
    SOR_SNPN_SI = 35
    EXTENDED_CAG = 36
    NSAG = 37
    UAS = 38
    MPS_INDICATOR_UPDATE = 39
    REGISTRATION_COMPLETE_FOR_PEIPS = 40
    REGISTRATION_COMPLETE_FOR_NSAG = 41
    EQUIVALENT_SNPNS = 42
    ENHANCED_CAG_INFORMATION = 43
    RAN_TIMING = 44
    LADN_PER_DNN_AND_SLICE = 45
    NETWORK_SLICE_REPLACEMENT = 46
    SLICE_BASED_TNGF_SELECTION = 47
    A2X_E_UTRA_PC5 = 48
    A2X_NR_PC5 = 49
    UNAVAILABILITY_PERIOD = 50
    SLICE_BASED_N3IWF_SELECTION = 51
    RANGING_SIDELINK_SERVER = 52
    PROSE_LAYER_2_U2U_RELAY = 53
    PROSE_LAYER_3_U2U_RELAY = 54
    PROSE_LAYER_2_END = 55
    PROSE_LAYER_3_END = 56
    RANGING_SIDELINK_POSITIONING = 57
    PARTIAL_NETWORK_SLICE = 58
    LCS_UPP = 59
    SUPL = 60
    TEMPORARY_NETWORK_SLICES = 61
    SLICE_LOCATION_VALIDITY = 62
    A2X_UU = 63
    MCS_INDICATOR_UPDATE = 64
    NETWORK_VERIFIED_LOCATION_OVER_SATELLITE = 65
    RANGING_SIDELINK_LOCATED_UE = 66
    NETWORK_SLICE_USAGE_CONTROL = 67
    RANGING_SIDELINK_V2X_UE = 68
    RANGING_SIDELINK_PROSE_UE = 69
    ACCESS_TECHNOLOGY_UTILIZATION_CONTROL = 70
    LP_WUS_PAGING_SUBGROUPS = 71
    HIGH_PRIORITY_EXEMPT_FROM_SERVICE_AREA = 72
    PROSE_MULTI_HOP = 73
    MULTIPLE_LCS_USER_PLANES = 74
    PROSE_LAYER_3_INTERMEDIATE_RELAY = 75
    PROSE_LAYER_2_INTERMEDIATE_RELAY = 76
    MINT_EPS = 77
    EXTENDED_FACILITY_FOR_LCS = 78
    LP_WUS_DISABLING = 79


class Capability5gmm(Features[GmmFeature], frozen=True):
    """§9.11.3.1."""

    NAMED = GmmFeature


class GsmFeature(IntEnum):
    """Bits of the 5GSM capability, §9.11.4.1."""

    REFLECTIVE_QOS = 0
    MULTI_HOMED_IPV6 = 1
    ETHERNET_PDN_IN_S1_MODE = 2
    PORT_MANAGEMENT_CONTAINERS = 7
    ACCESS_PERFORMANCE_PER_QOS_FLOW = 8
    SECONDARY_AUTHENTICATION_OVER_EPC = 9
    RTP_MULTIPLEXED_MEDIA = 10
    MPTCP = 13
    MPQUIC_UDP = 14
    MPQUIC_IP = 15
    MPQUIC_E = 16
    EXTENDED_PCP_DEI = 17


class Capability5gsm(Features[GsmFeature], frozen=True):
    """§9.11.4.1. atsss: 0 not supported, 1 low-layer, 2 and 3 with MPTCP as well."""

    NAMED = GsmFeature
    SHOWN = ("features", "atsss", "atsss_low_layer")

    @property
    def atsss(self) -> int:
        return self.bits(0, 3, 4)

    @property
    def atsss_low_layer(self) -> int:
        return self.bits(1, 3, 2)


class GsmNetworkFeature(IntEnum):
    """Bits of the 5GSM network feature support, §9.11.4.18."""

    ETHERNET_PDN_IN_S1_MODE = 0
    NON_3GPP_PATH_SWITCHING = 1


class GsmNetworkFeatureSupport(Features[GsmNetworkFeature], frozen=True):
    """§9.11.4.18."""

    NAMED = GsmNetworkFeature


class EpsFeature(IntEnum):
    """Bits of the S1 UE network capability behind its algorithms, TS 24.301 §9.9.3.34."""

    EPS_UPIP = 8
    UCS2 = 31
    NF = 32
    SRVCC_1X = 33
    LCS = 34
    LPP = 35
    ACCESS_CLASS_CONTROL_FOR_CSFB = 36
    H245_AFTER_SRVCC = 37
    PROSE = 38
    PROSE_DIRECT_DISCOVERY = 39
    PROSE_DIRECT_COMMUNICATION = 40
    PROSE_RELAY = 41
    CP_CIOT = 42
    UP_CIOT = 43
    S1_U_DATA = 44
    NO_PDN_CONNECTION = 45
    HC_CP_CIOT = 46
    EXTENDED_PCO = 47
    MULTIPLE_DRB = 48
    V2X_PC5 = 49
    RESTRICT_EC = 50
    CP_BACKOFF = 51
    DCNR = 52
    N1_MODE = 53
    SERVICE_GAP_CONTROL = 54
    BEARERS_15 = 55
    RACS = 56
    WUS_ASSISTANCE = 57
    CP_MT_EDT = 58
    UP_MT_EDT = 59
    V2X_NR_PC5 = 60
    NAS_CONNECTION_RELEASE = 61
    PAGING_INDICATION_FOR_VOICE = 62
    REJECT_PAGING_REQUEST = 63
    PAGING_RESTRICTION = 64
    PAGING_TIMING_COLLISION_CONTROL = 65


class S1UeNetworkCapability(Features[EpsFeature], frozen=True):
    """TS 24.301 §9.9.3.34. eea, eia: the algorithms supported, as a set of 0 to 7."""

    NAMED = EpsFeature
    SHOWN = ("eea", "eia", "features")

    @property
    def eea(self) -> frozenset[int]:
        return algorithms(self.octets[0])

    @property
    def eia(self) -> frozenset[int]:
        return algorithms(self.octets[1]) - {7}  # bit 1 is EPS-UPIP


capability_5gmm: Codec[Capability5gmm] = Codec(Capability5gmm, lambda c: c.octets, 1, 13)
capability_5gsm: Codec[Capability5gsm] = Codec(Capability5gsm, lambda c: c.octets, 1, 13)
gsm_network_feature_support: Codec[GsmNetworkFeatureSupport] = Codec(
    GsmNetworkFeatureSupport, lambda c: c.octets, 1, 13
)
s1_ue_network_capability: Codec[S1UeNetworkCapability] = Codec(
    S1UeNetworkCapability, lambda c: c.octets, 2, 13
)
