"""5GS mobile identity, §9.11.3.4, onto the types of cinq.numbering."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from cinq.numbering import (
    SWAPPED,
    AmfId,
    Guti,
    Imei,
    Imeisv,
    MobileIdentity,
    NoIdentity,
    PlmnId,
    STmsi,
    Suci,
    SuciNai,
)
from cinq.wire.nas.ie.area import plmn_octets, plmn_of
from cinq.wire.nas.ie.basic import named_half
from cinq.wire.nas.row import Codec


class IdentityType(IntEnum):
    """§9.11.3.3."""

    NO_IDENTITY = 0
    SUCI = 1
    GUTI = 2
    IMEI = 3
    S_TMSI = 4
    IMEISV = 5
    MAC_ADDRESS = 6
    EUI_64 = 7


_NO_IDENTITY, _SUCI, _GUTI, _IMEI, _S_TMSI, _IMEISV = (int(kind) for kind in list(IdentityType)[:6])
identity_type = named_half(IdentityType, 7)


def _decode(b: bytes) -> MobileIdentity:
    kind = b[0] & 7
    if kind == _GUTI:
        return _guti(b)
    if kind == _SUCI:
        return _suci(b)
    if kind == _S_TMSI:
        return STmsi.from_octets(b[1:])
    if kind == _IMEI:
        return Imei(_digits(b))
    if kind == _IMEISV:
        return Imeisv(_digits(b))
    if kind == _NO_IDENTITY:
        return NoIdentity()
    raise ValueError(f"mobile identity of type {IdentityType(kind).name} is not supported")


_amf_of = lru_cache(256)(AmfId.from_octets)


@lru_cache(256)
def _guami_octets(plmn: PlmnId, amf: AmfId) -> bytes:
    return plmn.octets + amf.octets


def _guti(b: bytes) -> Guti:
    if len(b) != 11:
        raise ValueError(f"5G-GUTI of {len(b)} octets, wanted 11")
    return Guti(plmn_of(b[1:4]), _amf_of(b[4:7]), int.from_bytes(b[7:], "big"))


@lru_cache(256)
def _routing(b: bytes) -> str:
    h = b.hex()
    return (h[1] + h[0] + h[3] + h[2]).rstrip("f")


@lru_cache(256)
def _routing_octets(digits: str) -> bytes:
    r = digits.ljust(4, "f")
    return bytes.fromhex(r[1] + r[0] + r[3] + r[2])


# SUPI format (§9.11.3.4) and SUPI type (TS 23.003 §2.2B): NSI, GCI, GLI. Other formats count as that of an IMSI.
_SUPI_TYPES = {1: 1, 2: 3, 3: 2}
_SUPI_FORMATS = {kind: form for form, kind in _SUPI_TYPES.items()}


def _suci_nai(b: bytes, supi_type: int) -> SuciNai:
    identity = SuciNai.from_nai(b[1:].decode())
    if identity.supi_type != supi_type:
        raise ValueError(f"a NAI of SUPI type {identity.supi_type}, wanted {supi_type}")
    return identity


def _suci(b: bytes) -> Suci | SuciNai:
    supi_type = _SUPI_TYPES.get(b[0] >> 4 & 7)
    if supi_type is not None:
        return _suci_nai(b, supi_type)
    if len(b) < 9:
        raise ValueError(f"SUCI of {len(b)} octets")
    return Suci(plmn_of(b[1:4]), _routing(b[4:6]), b[6] & 15, b[7], b[8:])


def _digits(b: bytes) -> str:
    digits = b.translate(SWAPPED).hex()[1:]  # without the half octet of the type
    if b[0] & 8:
        return digits
    if not digits.endswith("f"):
        raise ValueError("an even number of digits without filler")
    return digits[:-1]


def _encode(identity: MobileIdentity) -> bytes:
    if isinstance(identity, Guti):
        return b"\xf2" + _guami_octets(identity.plmn, identity.amf) + identity.tmsi.to_bytes(4, "big")
    if isinstance(identity, Suci):
        head = b"\x01" + plmn_octets(identity.plmn) + _routing_octets(identity.routing_indicator)
        return head + bytes((identity.scheme, identity.key_id)) + identity.output
    if isinstance(identity, STmsi):
        return b"\xf4" + identity.octets
    if isinstance(identity, SuciNai):
        return bytes((_SUPI_FORMATS[identity.supi_type] << 4 | _SUCI,)) + identity.nai.encode()
    if isinstance(identity, NoIdentity):
        return b"\x00"
    return _digit_octets(identity)


def _digit_octets(identity: Imei | Imeisv) -> bytes:
    d = identity.digits
    odd, kind = (8, _IMEI) if isinstance(identity, Imei) else (0, _IMEISV)
    rest = d[1:] + ("" if odd else "f")
    return bytes((int(d[0]) << 4 | odd | kind,)) + bytes.fromhex(rest).translate(SWAPPED)


def _only_guti(b: bytes) -> Guti:
    identity = _decode(b)
    if not isinstance(identity, Guti):
        raise ValueError("wanted a 5G-GUTI")
    return identity


def _only_imeisv(b: bytes) -> Imeisv:
    identity = _decode(b)
    if not isinstance(identity, Imeisv):
        raise ValueError("wanted an IMEISV")
    return identity


def _only_s_tmsi(b: bytes) -> STmsi:
    identity = _decode(b)
    if not isinstance(identity, STmsi):
        raise ValueError("wanted a 5G-S-TMSI")
    return identity


mobile_identity: Codec[MobileIdentity] = Codec(_decode, _encode, 1)
guti: Codec[Guti] = Codec(_only_guti, _encode, 11, 11)
imeisv: Codec[Imeisv] = Codec(_only_imeisv, _encode, 9, 9)
s_tmsi: Codec[STmsi] = Codec(_only_s_tmsi, _encode, 7, 7)
