"""Security algorithms and capabilities, and the network's features."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import ClassVar, Self

from msgspec import Struct

from cinq.wire.nas.ie.bits import Features
from cinq.wire.nas.ie.registration import NgKsi
from cinq.wire.nas.row import Codec, Nibble


@lru_cache(256)
def algorithms(octet: int) -> frozenset[int]:
    """The numbers of the algorithms whose bits are set, number 0 in bit 8."""
    return frozenset(i for i in range(8) if octet >> (7 - i) & 1)


def _octet(numbers: Iterable[int]) -> int:
    return sum(1 << (7 - i) for i in set(numbers))


class UeSecurityCapability(Struct, frozen=True):
    """§9.11.3.54, as the octets that were sent.

    ea, ia: the 5G-EA and 5G-IA algorithms supported, as a set of 0 to 7; eea, eia: those of E-UTRA.
    The octets are kept, since the network replays them unchanged.
    """

    octets: bytes
    SHOWN: ClassVar[tuple[str, ...]] = ("ea", "ia", "eea", "eia")

    @classmethod
    def of(
        cls,
        ea: Iterable[int],
        ia: Iterable[int],
        eea: Iterable[int] | None = None,
        eia: Iterable[int] | None = None,
    ) -> Self:
        sets = (ea, ia) if eea is None and eia is None else (ea, ia, eea or (), eia or ())
        return cls(bytes(_octet(numbers) for numbers in sets))

    def _at(self, index: int) -> frozenset[int]:
        return algorithms(self.octets[index]) if index < len(self.octets) else frozenset()

    @property
    def ea(self) -> frozenset[int]:
        return self._at(0)

    @property
    def ia(self) -> frozenset[int]:
        return self._at(1)

    @property
    def eea(self) -> frozenset[int]:
        return self._at(2)

    @property
    def eia(self) -> frozenset[int]:
        return self._at(3)


ue_security_capability: Codec[UeSecurityCapability] = Codec(UeSecurityCapability, lambda c: c.octets, 2, 8)


class S1UeSecurityCapability(Struct, frozen=True):
    """TS 24.301 §9.9.3.36, as the octets that were sent. eea, eia: the algorithms supported, of 0 to 7."""

    octets: bytes
    SHOWN: ClassVar[tuple[str, ...]] = ("eea", "eia")

    @property
    def eea(self) -> frozenset[int]:
        return algorithms(self.octets[0])

    @property
    def eia(self) -> frozenset[int]:
        return algorithms(self.octets[1])


s1_ue_security_capability: Codec[S1UeSecurityCapability] = Codec(
    S1UeSecurityCapability, lambda c: c.octets, 2, 5
)


class NasAlgorithms(Struct, frozen=True):
    """NAS security algorithms, §9.11.3.34: numbers of NEA and NIA."""

    ciphering: int
    integrity: int


nas_algorithms: Codec[NasAlgorithms] = Codec(
    lambda b: NasAlgorithms(b[0] >> 4 & 7, b[0] & 7), lambda a: bytes((a.ciphering << 4 | a.integrity,)), 1, 1
)


class AdditionalSecurityInformation(Struct, frozen=True):
    """Additional 5G security information, §9.11.3.12.

    retransmission_requested: RINMR, the initial NAS message is wanted in SECURITY MODE COMPLETE.
    horizontal_derivation: HDP, KAMF derivation is required.
    """

    retransmission_requested: bool = False
    horizontal_derivation: bool = False


additional_security_information: Codec[AdditionalSecurityInformation] = Codec(
    lambda b: AdditionalSecurityInformation(b[0] & 2 == 2, b[0] & 1 == 1),
    lambda i: bytes((i.horizontal_derivation | i.retransmission_requested << 1,)),
    1,
    1,
)


class IntraN1Container(Struct, frozen=True):
    """Intra N1 mode NAS transparent container, §9.11.2.6: what a UE is told of its NAS keys in a handover.

    mac: 4 octets, over `protected`. new_kamf: KACF, the network has derived another KAMF from that of ng_ksi.
    sequence_number: the low 8 bits of the downlink NAS COUNT. It stands in NGAP and RRC alone, as 7 octets.
    """

    ciphering: int
    integrity: int
    ng_ksi: NgKsi
    sequence_number: int
    new_kamf: bool = False
    mac: bytes = bytes(4)

    @property
    def protected(self) -> bytes:
        """Octets 7 to 9 of the element: what follows the MAC, as in every NAS message (§4.4.3.3)."""
        key = self.ng_ksi.value | self.ng_ksi.mapped << 3 | self.new_kamf << 4
        return bytes((self.ciphering << 4 | self.integrity, key, self.sequence_number))

    @property
    def octets(self) -> bytes:
        return self.mac + self.protected

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        """ValueError: not 7 octets. Spare bits are ignored."""
        if len(octets) != 7:
            raise ValueError(f"intra N1 mode NAS transparent container: found {len(octets)} octets, wanted 7")
        algorithms, key, number = octets[4:]
        ksi = NgKsi(key & 7, key & 8 == 8)
        return cls(algorithms >> 4, algorithms & 15, ksi, number, key & 16 == 16, octets[:4])


imeisv_request: Nibble[bool] = Nibble(lambda n: n & 7 == 1, int)  # TS 24.008 §10.5.5.10


class NetworkFeature(IntEnum):
    """Bits of the 5GS network feature support, §9.11.3.5. NO_N3_DATA_TRANSFER says what is not supported."""

    IMS_VOPS_3GPP = 0
    IMS_VOPS_NON_3GPP = 1
    INTERWORKING_WITHOUT_N26 = 6
    MPS_VALID = 7
    EMERGENCY_NON_3GPP = 8
    MCS_VALID = 9
    CP_CIOT = 12
    NO_N3_DATA_TRANSFER = 13
    IPHC_CP_CIOT = 14
    UP_CIOT = 15
    LCS_5GS = 16
    ATSSS = 17
    EHC_CP_CIOT = 18
    NAS_CONNECTION_RELEASE = 19
    PAGING_INDICATION_FOR_VOICE = 20
    REJECT_PAGING_REQUEST = 21
    PAGING_RESTRICTION = 22
    UNAVAILABILITY_PERIOD = 23
    NON_3GPP_PATH_SWITCHING = 24
    LCS_UPP = 25
    SUPL = 26
    RANGING_SIDELINK_POSITIONING = 27
    MULTIPLE_LCS_USER_PLANES = 28
    EXTENDED_FACILITY_FOR_LCS = 29


class NetworkFeatureSupport(Features[NetworkFeature], frozen=True):
    """5GS network feature support, §9.11.3.5.

    emergency, emergency_fallback: 0 not supported, 1 NR, 2 E-UTRA connected to 5GCN, 3 both.
    restrict_enhanced_coverage: 0 not restricted, 1 CE modes A and B (or all of NB-N1), 2 CE mode B.
    """

    NAMED = NetworkFeature
    SHOWN = ("features", "emergency", "emergency_fallback", "restrict_enhanced_coverage")

    @classmethod
    def of(
        cls,
        *features: NetworkFeature,
        size: int = 2,
        ims_vops_3gpp: bool = False,
        ims_vops_non_3gpp: bool = False,
        emergency: int = 0,
        emergency_fallback: int = 0,
        interworking_without_n26: bool = False,
        restrict_enhanced_coverage: int = 0,
    ) -> Self:
        first = ims_vops_3gpp | ims_vops_non_3gpp << 1 | (emergency & 3) << 2 | (emergency_fallback & 3) << 4
        octets = bytearray(max([size, *(feature // 8 + 1 for feature in features)]))
        octets[0] = first | interworking_without_n26 << 6
        octets[1] = (restrict_enhanced_coverage & 3) << 2
        for feature in features:
            octets[feature // 8] |= 1 << feature % 8
        return cls(bytes(octets))

    @property
    def ims_vops_3gpp(self) -> bool:
        return NetworkFeature.IMS_VOPS_3GPP in self

    @property
    def ims_vops_non_3gpp(self) -> bool:
        return NetworkFeature.IMS_VOPS_NON_3GPP in self

    @property
    def interworking_without_n26(self) -> bool:
        return NetworkFeature.INTERWORKING_WITHOUT_N26 in self

    @property
    def emergency(self) -> int:
        return self.bits(0, 2, 2)

    @property
    def emergency_fallback(self) -> int:
        return self.bits(0, 4, 2)

    @property
    def restrict_enhanced_coverage(self) -> int:
        return self.bits(1, 2, 2)


network_feature_support: Codec[NetworkFeatureSupport] = Codec(NetworkFeatureSupport, lambda f: f.octets, 1, 4)
