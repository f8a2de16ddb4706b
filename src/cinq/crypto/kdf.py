"""Key derivation of 5G, TS 33.501 annex A on the function of TS 33.220 annex B.

Keys CK, IK, RAND, RES* are 16 octets; KAUSF, KSEAF, KAMF, KgNB and NH 32. Serving network names are text as
TS 24.501 §9.12.1 writes them ("5G:mnc070.mcc999.3gppnetwork.org").
"""

from __future__ import annotations

from hashlib import sha256

N_NAS_ENC_ALG = 1
N_NAS_INT_ALG = 2
N_RRC_ENC_ALG = 3
N_RRC_INT_ALG = 4
N_UP_ENC_ALG = 5
N_UP_INT_ALG = 6

ACCESS_3GPP = 1
ACCESS_NON_3GPP = 2

_INNER_PAD = bytes(octet ^ 0x36 for octet in range(256))
_OUTER_PAD = bytes(octet ^ 0x5C for octet in range(256))
_BLOCK = 64


def _hmac_sha256(key: bytes, octets: bytes) -> bytes:
    """RFC 2104. Two hashes cost less than half of what the library's HMAC does to begin and end."""
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    block = key.ljust(_BLOCK, b"\0")
    inner = sha256(block.translate(_INNER_PAD) + octets).digest()
    return sha256(block.translate(_OUTER_PAD) + inner).digest()


def derive(key: bytes, fc: int, *parameters: bytes) -> bytes:
    """HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 ...), TS 33.220 §B.2.0. 32 octets."""
    s = bytes((fc,))
    for parameter in parameters:
        s += parameter + len(parameter).to_bytes(2, "big")
    return _hmac_sha256(key, s)


def snn(mcc: str, mnc: str) -> str:
    """Serving network name, TS 24.501 §9.12.1; an MNC of two digits is filled to three."""
    return f"5G:mnc{mnc:0>3}.mcc{mcc}.3gppnetwork.org"


def kausf(ck: bytes, ik: bytes, snn: str, sqn_xor_ak: bytes) -> bytes:
    """KAUSF of 5G AKA, §A.2."""
    return derive(ck + ik, 0x6A, snn.encode(), sqn_xor_ak)


def ck_ik_prime(ck: bytes, ik: bytes, snn: str, sqn_xor_ak: bytes) -> tuple[bytes, bytes]:
    """CK' and IK' of EAP-AKA', §A.3."""
    both = derive(ck + ik, 0x20, snn.encode(), sqn_xor_ak)
    return both[:16], both[16:]


def res_star(ck: bytes, ik: bytes, snn: str, rand: bytes, res: bytes) -> bytes:
    """RES* or XRES*, §A.4."""
    return derive(ck + ik, 0x6B, snn.encode(), rand, res)[16:]


def hres_star(rand: bytes, res_star: bytes) -> bytes:
    """HRES* or HXRES*, §A.5."""
    return sha256(rand + res_star).digest()[16:]


def kseaf(kausf: bytes, snn: str) -> bytes:
    """KSEAF, §A.6."""
    return derive(kausf, 0x6C, snn.encode())


def kamf(kseaf: bytes, supi_digits: str, abba: bytes = b"\0\0") -> bytes:
    """KAMF, §A.7. supi_digits: the digits of the IMSI, without 'imsi-'."""
    return derive(kseaf, 0x6D, supi_digits.encode(), abba)


def algorithm_key(key: bytes, type_distinguisher: int, algorithm_id: int) -> bytes:
    """A key of 16 octets for one algorithm, §A.8; `key` is KAMF for NAS and KgNB for RRC and user plane."""
    return derive(key, 0x69, bytes((type_distinguisher,)), bytes((algorithm_id,)))[16:]


def knasenc(kamf: bytes, algorithm_id: int) -> bytes:
    """KNASenc, 16 octets, §A.8."""
    return algorithm_key(kamf, N_NAS_ENC_ALG, algorithm_id)


def knasint(kamf: bytes, algorithm_id: int) -> bytes:
    """KNASint, 16 octets, §A.8."""
    return algorithm_key(kamf, N_NAS_INT_ALG, algorithm_id)


def kgnb(kamf: bytes, ul_count: int, access: int = ACCESS_3GPP) -> bytes:
    """KgNB (KN3IWF with access 2), §A.9. ul_count: uplink NAS COUNT of the message that asked for it."""
    return derive(kamf, 0x6E, ul_count.to_bytes(4, "big"), bytes((access,)))


def nh(kamf: bytes, sync: bytes) -> bytes:
    """Next hop, §A.10. sync: the KgNB for the first NH, the last NH for those after it."""
    return derive(kamf, 0x6F, sync)


def kgnb_star(key: bytes, pci: int, arfcn_dl: int) -> bytes:
    """KNG-RAN* for a target gNB, §A.11. key: KgNB (horizontal) or NH (vertical)."""
    return derive(key, 0x70, pci.to_bytes(2, "big"), arfcn_dl.to_bytes(3, "big"))


def kamf_prime(kamf: bytes, direction: int, count: int) -> bytes:
    """KAMF' in mobility, §A.13. direction 0: idle mode, uplink COUNT; 1: handover, downlink COUNT."""
    return derive(kamf, 0x72, bytes((direction,)), count.to_bytes(4, "big"))


def sor_mac_iausf(kausf: bytes, header: int, counter: int, contents: bytes) -> bytes:
    """SoR-MAC-IAUSF, 16 octets, §A.17. contents: of the SOR transparent container behind its counter, b"" for none."""
    rest = (contents,) if contents else ()
    return derive(kausf, 0x77, bytes((header,)), counter.to_bytes(2, "big"), *rest)[16:]


def sor_mac_iue(kausf: bytes, counter: int) -> bytes:
    """SoR-MAC-IUE, 16 octets, §A.18: the UE has verified it."""
    return derive(kausf, 0x78, b"\x01", counter.to_bytes(2, "big"))[16:]


def upu_mac_iausf(kausf: bytes, data: bytes, counter: int) -> bytes:
    """UPU-MAC-IAUSF, 16 octets, §A.19. data: the UE parameters update list."""
    return derive(kausf, 0x7B, data, counter.to_bytes(2, "big"))[16:]


def upu_mac_iue(kausf: bytes, counter: int) -> bytes:
    """UPU-MAC-IUE, 16 octets, §A.20."""
    return derive(kausf, 0x7C, b"\x01", counter.to_bytes(2, "big"))[16:]
