"""Security algorithms and capabilities, and the network's features."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Self

from msgspec import Struct

from cinq.wire.nas.row import Codec, Nibble


@lru_cache(256)
def _set(octet: int) -> frozenset[int]:
    return frozenset(i for i in range(8) if octet >> (7 - i) & 1)


def _octet(algorithms: Iterable[int]) -> int:
    return sum(1 << (7 - i) for i in set(algorithms))


class UeSecurityCapability(Struct, frozen=True):
    """§9.11.3.54, and S1 UE security capability of TS 24.301 §9.9.3.36, as the octets that were sent.

    ea, ia: the 5G-EA and 5G-IA algorithms supported, as a set of 0 to 7; eea, eia: those of E-UTRA.
    The octets are kept, since the network replays them unchanged.
    """

    octets: bytes

    @classmethod
    def of(
        cls,
        ea: Iterable[int],
        ia: Iterable[int],
        eea: Iterable[int] | None = None,
        eia: Iterable[int] | None = None,
    ) -> Self:
        sets = (ea, ia) if eea is None and eia is None else (ea, ia, eea or (), eia or ())
        return cls(bytes(_octet(algorithms) for algorithms in sets))

    def _at(self, index: int) -> frozenset[int]:
        return _set(self.octets[index]) if index < len(self.octets) else frozenset()

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

imeisv_request: Nibble[bool] = Nibble(lambda n: n & 7 == 1, int)  # TS 24.008 §10.5.5.10


class NetworkFeatureSupport(Struct, frozen=True):
    """5GS network feature support, §9.11.3.5, as octets of which the first bits are named.

    emergency, emergency_fallback: 0 not supported, 1 NR, 2 E-UTRA connected to 5GCN, 3 both.
    """

    octets: bytes

    @classmethod
    def of(
        cls,
        *,
        ims_vops_3gpp: bool = False,
        ims_vops_non_3gpp: bool = False,
        emergency: int = 0,
        emergency_fallback: int = 0,
        interworking_without_n26: bool = False,
    ) -> Self:
        first = ims_vops_3gpp | ims_vops_non_3gpp << 1 | (emergency & 3) << 2 | (emergency_fallback & 3) << 4
        return cls(bytes((first | interworking_without_n26 << 6, 0)))

    @property
    def ims_vops_3gpp(self) -> bool:
        return self.octets[0] & 1 == 1

    @property
    def ims_vops_non_3gpp(self) -> bool:
        return self.octets[0] & 2 == 2

    @property
    def emergency(self) -> int:
        return self.octets[0] >> 2 & 3

    @property
    def emergency_fallback(self) -> int:
        return self.octets[0] >> 4 & 3

    @property
    def interworking_without_n26(self) -> bool:
        return self.octets[0] & 64 == 64


network_feature_support: Codec[NetworkFeatureSupport] = Codec(NetworkFeatureSupport, lambda f: f.octets, 1, 4)
