"""5GS mobile identity, §9.11.3.4, onto the types of cinq.numbering."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from cinq.numbering import AmfId, Guti, Imei, Imeisv, MobileIdentity, NoIdentity, PlmnId, STmsi, Suci
from cinq.wire.nas.engine import Codec
from cinq.wire.nas.ie.area import plmn_octets, plmn_of
from cinq.wire.nas.ie.basic import named_half


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


identity_type = named_half(IdentityType, 7)


def _decode(b: bytes) -> MobileIdentity:
    kind = b[0] & 7
    if kind == IdentityType.GUTI:
        return _guti(b)
    if kind == IdentityType.SUCI:
        return _suci(b)
    if kind == IdentityType.S_TMSI:
        return STmsi.from_octets(b[1:])
    if kind == IdentityType.IMEI:
        return Imei(_digits(b))
    if kind == IdentityType.IMEISV:
        return Imeisv(_digits(b))
    if kind == IdentityType.NO_IDENTITY:
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


def _suci(b: bytes) -> Suci:
    if b[0] >> 4 & 7:
        raise ValueError(f"SUPI format {b[0] >> 4 & 7} is not supported, wanted 0 (IMSI)")
    if len(b) < 9:
        raise ValueError(f"SUCI of {len(b)} octets")
    h = b[4:6].hex()
    routing = (h[1] + h[0] + h[3] + h[2]).rstrip("f")
    return Suci(plmn_of(b[1:4]), routing, b[6] & 15, b[7], b[8:])


def _digits(b: bytes) -> str:
    h = b[1:].hex()
    rest = "".join(h[i + 1] + h[i] for i in range(0, len(h), 2))
    digits = f"{b[0] >> 4:x}{rest}"
    if b[0] & 8:
        return digits
    if not digits.endswith("f"):
        raise ValueError("an even number of digits without filler")
    return digits[:-1]


def _encode(identity: MobileIdentity) -> bytes:
    if isinstance(identity, Guti):
        return b"\xf2" + _guami_octets(identity.plmn, identity.amf) + identity.tmsi.to_bytes(4, "big")
    if isinstance(identity, Suci):
        r = identity.routing_indicator.ljust(4, "f")
        head = b"\x01" + plmn_octets(identity.plmn) + bytes.fromhex(r[1] + r[0] + r[3] + r[2])
        return head + bytes((identity.scheme, identity.key_id)) + identity.output
    if isinstance(identity, STmsi):
        return b"\xf4" + identity.octets
    if isinstance(identity, NoIdentity):
        return b"\x00"
    return _digit_octets(identity)


def _digit_octets(identity: Imei | Imeisv) -> bytes:
    d = identity.digits
    odd, kind = (8, IdentityType.IMEI) if isinstance(identity, Imei) else (0, IdentityType.IMEISV)
    rest = d[1:] + ("" if odd else "f")
    return bytes((int(d[0]) << 4 | odd | kind,)) + bytes.fromhex(
        "".join(rest[i + 1] + rest[i] for i in range(0, len(rest), 2))
    )


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
