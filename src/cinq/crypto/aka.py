"""5G AKA from both sides, TS 33.501 §6.1.3.2 and TS 33.102 §6.3, over any set of authentication functions.

SQN is an int of 48 bits here and 6 octets inside the functions.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Protocol

from cinq.crypto import kdf, milenage, tuak


class AuthenticationFunctions(Protocol):
    """f1 to f5* of TS 33.102 with an operator constant OPc (TOPc). The modules milenage and tuak fit."""

    def compute_opc(self, k: bytes, op: bytes, /) -> bytes: ...
    def f1(self, k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes, /) -> bytes: ...
    def f1_star(self, k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes, /) -> bytes: ...
    def f2345(self, k: bytes, opc: bytes, rand: bytes, /) -> tuple[bytes, bytes, bytes, bytes]: ...
    def f5_star(self, k: bytes, opc: bytes, rand: bytes, /) -> bytes: ...


class MacFailure(ValueError):
    """AUTN or AUTS whose MAC does not hold: not from the holder of K."""


_FUNCTIONS: dict[str, AuthenticationFunctions] = {"milenage": milenage, "tuak": tuak}
_AMF_STAR = b"\0\0"  # the AMF of resynchronisation, TS 33.102 §6.3.3


def functions(name: str) -> AuthenticationFunctions:
    """'milenage' or 'tuak'. ValueError on another name."""
    try:
        return _FUNCTIONS[name]
    except KeyError:
        raise ValueError(f"authentication algorithm: found {name!r}, wanted milenage or tuak") from None


@dataclass(frozen=True, slots=True)
class AuthenticationVector:
    """5G HE AV, TS 33.501 §6.1.3.2.0: RAND 16 octets, AUTN 16, XRES* 16, KAUSF 32."""

    rand: bytes
    autn: bytes
    xres_star: bytes = field(repr=False)
    kausf: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EapVector:
    """Vector of EAP-AKA', TS 33.501 §6.1.3.1: RAND 16 octets, AUTN 16, XRES 4 to 16, CK' and IK' 16 each."""

    rand: bytes
    autn: bytes
    xres: bytes = field(repr=False)
    ck_prime: bytes = field(repr=False)
    ik_prime: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a USIM finds in a RAND and AUTN whose MAC holds. Whether SQN is fresh the caller judges."""

    sqn: int
    amf: bytes
    res: bytes = field(repr=False)
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    sqn_xor_ak: bytes

    def res_star(self, snn: str, rand: bytes) -> bytes:
        """RES*, 16 octets, for the serving network."""
        return kdf.res_star(self.ck, self.ik, snn, rand, self.res)

    def kausf(self, snn: str) -> bytes:
        """KAUSF of 5G AKA, 32 octets, for the serving network."""
        return kdf.kausf(self.ck, self.ik, snn, self.sqn_xor_ak)

    def ck_ik_prime(self, snn: str) -> tuple[bytes, bytes]:
        """CK' and IK' of EAP-AKA', 16 octets each, for the serving network."""
        return kdf.ck_ik_prime(self.ck, self.ik, snn, self.sqn_xor_ak)


def _xor6(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(6, "big")


def generate_vector(
    algorithm: AuthenticationFunctions, k: bytes, opc: bytes, rand: bytes, sqn: int, amf: bytes, snn: str
) -> AuthenticationVector:
    """The vector of the UDM (TS 33.501 §6.1.3.2.0 step 1) for a SQN that is already durable."""
    autn, res, ck, ik = _challenge(algorithm, k, opc, rand, sqn, amf)
    return AuthenticationVector(
        rand, autn, kdf.res_star(ck, ik, snn, rand, res), kdf.kausf(ck, ik, snn, autn[:6])
    )


def generate_eap_vector(
    algorithm: AuthenticationFunctions, k: bytes, opc: bytes, rand: bytes, sqn: int, amf: bytes, snn: str
) -> EapVector:
    """The vector of the UDM for EAP-AKA' (TS 33.501 §6.1.3.1 step 1) for a SQN that is already durable."""
    autn, res, ck, ik = _challenge(algorithm, k, opc, rand, sqn, amf)
    return EapVector(rand, autn, res, *kdf.ck_ik_prime(ck, ik, snn, autn[:6]))


def _challenge(
    algorithm: AuthenticationFunctions, k: bytes, opc: bytes, rand: bytes, sqn: int, amf: bytes
) -> tuple[bytes, bytes, bytes, bytes]:
    """AUTN, RES, CK and IK. The first six octets of AUTN are SQN xor AK."""
    sequence = sqn.to_bytes(6, "big")
    mac_a = algorithm.f1(k, opc, rand, sequence, amf)
    res, ck, ik, ak = algorithm.f2345(k, opc, rand)
    return _xor6(sequence, ak) + amf + mac_a, res, ck, ik


def verify_autn(
    algorithm: AuthenticationFunctions, k: bytes, opc: bytes, rand: bytes, autn: bytes
) -> Challenge:
    """The UE's side, TS 33.102 §6.3.3. MacFailure: MAC-A does not hold. ValueError: a wrong length."""
    if len(autn) != 16:
        raise ValueError(f"AUTN: found {len(autn)} octets, wanted 16")
    res, ck, ik, ak = algorithm.f2345(k, opc, rand)
    sqn_xor_ak, amf = autn[:6], autn[6:8]
    sqn = _xor6(sqn_xor_ak, ak)
    if not hmac.compare_digest(algorithm.f1(k, opc, rand, sqn, amf), autn[8:]):
        raise MacFailure("AUTN: MAC-A does not hold for this K and OPc")
    return Challenge(int.from_bytes(sqn, "big"), amf, res, ck, ik, sqn_xor_ak)


def auts(algorithm: AuthenticationFunctions, k: bytes, opc: bytes, rand: bytes, sqn_ms: int) -> bytes:
    """AUTS of 14 octets by which a UE reports its highest SQN, TS 33.102 §6.3.3."""
    sequence = sqn_ms.to_bytes(6, "big")
    concealed = _xor6(sequence, algorithm.f5_star(k, opc, rand))
    return concealed + algorithm.f1_star(k, opc, rand, sequence, _AMF_STAR)


def auts_sqn(algorithm: AuthenticationFunctions, k: bytes, opc: bytes, rand: bytes, auts: bytes) -> int:
    """SQN_MS of an AUTS, TS 33.102 §6.3.5. MacFailure: MAC-S does not hold. ValueError: a wrong length."""
    if len(auts) != 14:
        raise ValueError(f"AUTS: found {len(auts)} octets, wanted 14")
    sequence = _xor6(auts[:6], algorithm.f5_star(k, opc, rand))
    if not hmac.compare_digest(algorithm.f1_star(k, opc, rand, sequence, _AMF_STAR), auts[6:]):
        raise MacFailure("AUTS: MAC-S does not hold for this K and OPc")
    return int.from_bytes(sequence, "big")
