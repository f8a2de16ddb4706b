"""The small elements of 5GMM: what a UE asks for and is told at registration and by configuration update."""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from cinq.numbering import SWAPPED, PlmnId
from cinq.wire.nas.ie.area import plmn_octets, plmn_of
from cinq.wire.nas.ie.basic import named_half
from cinq.wire.nas.ie.bits import flag_octet, packed, packed_half
from cinq.wire.nas.ie.lists import first, piece
from cinq.wire.nas.row import Codec, Nibble


class UsageSetting(IntEnum):
    """UE's usage setting, §9.11.3.55."""

    VOICE_CENTRIC = 0
    DATA_CENTRIC = 1


_SETTINGS: dict[int, int] = {int(setting): setting for setting in UsageSetting}
ue_usage_setting: Codec[int] = Codec(lambda b: _SETTINGS[b[0] & 1], lambda n: n.to_bytes(1, "big"), 1, 1)


class UpdateType(Struct, frozen=True):
    """5GS update type, §9.11.3.9A. ciot_5gs, ciot_eps: 0 nothing said, 1 control plane, 2 user plane optimization."""

    sms_requested: bool = False
    radio_capability_update: bool = False
    ciot_5gs: int = 0
    ciot_eps: int = 0


update_type: Codec[UpdateType] = packed(UpdateType, 1, 1, 2, 2)


class PriorityIndicator(Struct, frozen=True):
    """§9.11.3.91: whether access identity 1 (MPS) and 2 (MCS) are valid."""

    mps: bool = False
    mcs: bool = False


priority_indicator: Nibble[PriorityIndicator] = packed_half(PriorityIndicator, 1, 1)


class DeletionRequest(IntEnum):
    """UE radio capability ID deletion indication, §9.11.3.69. Other values count as 0."""

    NOT_REQUESTED = 0
    NETWORK_ASSIGNED_IDS = 1


ue_radio_capability_id_deletion: Nibble[int] = Nibble(
    lambda n: DeletionRequest.NETWORK_ASSIGNED_IDS if n & 7 == 1 else DeletionRequest.NOT_REQUESTED, int
)


def _digits(b: bytes) -> str:
    return b.translate(SWAPPED).hex()


def _digits_octets(digits: str, filler: str) -> bytes:
    return bytes.fromhex(digits + filler * (len(digits) % 2)).translate(SWAPPED)


def _capability_id(b: bytes) -> str:
    digits = _digits(b)
    return digits[:-1] if digits.endswith("f") else digits


ue_radio_capability_id: Codec[str] = Codec(_capability_id, lambda text: _digits_octets(text, "f"), 1)
"""Hexadecimal digits, §9.11.3.68. A last digit F of an even number is read as the filler that it may be."""


class TruncatedSTmsi(Struct, frozen=True):
    """Truncated 5G-S-TMSI configuration, §9.11.3.70: numbers of least significant bits."""

    amf_pointer_bits: int
    amf_set_bits: int


truncated_s_tmsi: Codec[TruncatedSTmsi] = packed(TruncatedSTmsi, 4, 4)


def _nid(b: bytes) -> str:
    return _digits(b)[:-1]


def _nid_octets(digits: str) -> bytes:
    if len(digits) != 11:
        raise ValueError("a NID is 11 hexadecimal digits, assignment mode first")
    return _digits_octets(digits, "0")


nid: Codec[str] = Codec(_nid, _nid_octets, 6, 6)  # TS 24.502 §9.2.7


class Snpn(Struct, frozen=True):
    """Identity of a stand-alone non-public network. nid: 11 hexadecimal digits."""

    plmn: PlmnId
    nid: str


def _snpns(b: bytes) -> list[Snpn]:
    if len(b) % 9:
        raise ValueError("an SNPN identity has 9 octets")
    return [Snpn(plmn_of(b[i : i + 3]), _nid(b[i + 3 : i + 9])) for i in range(0, len(b), 9)]


snpn_list: Codec[list[Snpn]] = Codec(
    _snpns, lambda values: b"".join(plmn_octets(v.plmn) + _nid_octets(v.nid) for v in values), 9, 135
)  # §9.11.3.92


class DaylightSaving(IntEnum):
    """Network daylight saving time, TS 24.008 §10.5.3.12: hours added."""

    NONE = 0
    ONE_HOUR = 1
    TWO_HOURS = 2


_SAVINGS: dict[int, int] = {int(saving): saving for saving in DaylightSaving}
daylight_saving: Codec[int] = Codec(
    lambda b: _SAVINGS.get(b[0] & 3, b[0] & 3), lambda n: n.to_bytes(1, "big"), 1, 1
)


class FeatureAuthorization(Struct, frozen=True):
    """Feature authorization indication, §9.11.3.105. mbsr: 0 nothing said, 1 not authorized, 2 authorized.

    high_priority_not_exempt: high priority access UEs are not exempt from service area restrictions.
    """

    mbsr: int = 0
    high_priority_not_exempt: bool = False


_one = packed(FeatureAuthorization, 2, 1)
feature_authorization: Codec[FeatureAuthorization] = Codec(_one.decode, _one.encode, 1, 255)


class AccessTechnologies(Struct, frozen=True):
    """Access technology utilization control, TS 24.301 §9.9.3.3A: those that are restricted.

    equivalent_plmns: in the equivalent PLMNs too.
    """

    equivalent_plmns: bool = False
    geran: bool = False
    utran: bool = False
    e_utran: bool = False
    ng_ran: bool = False
    satellite_e_utran: bool = False
    satellite_ng_ran: bool = False


def _technologies_octets(t: AccessTechnologies) -> bytes:
    flags = (t.geran, t.utran, t.e_utran, t.ng_ran, t.satellite_e_utran, t.satellite_ng_ran)
    return bytes((t.equivalent_plmns, sum(flag << place for place, flag in enumerate(flags))))


def _technologies(b: bytes) -> AccessTechnologies:
    return AccessTechnologies(b[0] & 3 == 1, *(b[1] >> place & 1 == 1 for place in range(6)))


access_technologies: Codec[AccessTechnologies] = Codec(_technologies, _technologies_octets, 2, 3)
access_technologies_or_none: Codec[list[AccessTechnologies]] = Codec(
    lambda b: [_technologies(b)] if b else [],
    lambda values: b"".join(_technologies_octets(value) for value in values),
    0,
    3,
)  # an empty one takes back what was given


class N3iwfIdentifier(Struct, frozen=True):
    """§9.11.3.93: addresses, or a name as octets of TS 23.003 §28.3.2.2."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    fqdn: bytes | None = None


_IPV4, _IPV6, _IPV4V6, _FQDN = 1, 2, 3, 4


def _n3iwf(b: bytes) -> N3iwfIdentifier:
    kind, rest = b[0], b[1:]
    if kind == _FQDN:
        return N3iwfIdentifier(fqdn=rest)
    if len(rest) != {_IPV4: 4, _IPV6: 16, _IPV4V6: 20}.get(kind):
        raise ValueError(f"N3IWF identifier of type {kind} with {len(rest)} octets")
    v4 = IPv4Address(rest[:4]) if kind != _IPV6 else None
    return N3iwfIdentifier(v4, IPv6Address(rest[-16:]) if kind != _IPV4 else None)


def _n3iwf_octets(value: N3iwfIdentifier) -> bytes:
    if value.fqdn is not None:
        return bytes((_FQDN,)) + value.fqdn
    kind = (value.ipv4 is not None) * _IPV4 | (value.ipv6 is not None) * _IPV6
    packed_v4 = b"" if value.ipv4 is None else value.ipv4.packed
    return bytes((kind,)) + packed_v4 + (b"" if value.ipv6 is None else value.ipv6.packed)


n3iwf_identifier: Codec[N3iwfIdentifier] = Codec(_n3iwf, _n3iwf_octets, 5)


class Tnan(Struct, frozen=True):
    """TNAN information, §9.11.3.94."""

    tngf_id: bytes | None = None
    ssid: bytes | None = None


def _tnan(b: bytes) -> Tnan:
    rest, tngf, ssid = b[1:], None, None
    if b[0] & 1:
        tngf, rest = first(rest)
    if b[0] & 2:
        ssid, rest = first(rest)
    return Tnan(tngf, ssid)


def _tnan_octets(value: Tnan) -> bytes:
    flags = (value.tngf_id is not None) | (value.ssid is not None) << 1
    return bytes((flags,)) + b"".join(piece(each) for each in (value.tngf_id, value.ssid) if each is not None)


tnan_information: Codec[Tnan] = Codec(_tnan, _tnan_octets, 1)


class ControlPlaneServiceType(IntEnum):
    """§9.11.3.18D. Other values count as 0."""

    MOBILE_ORIGINATING = 0
    MOBILE_TERMINATING = 1
    EMERGENCY_SERVICES = 2
    EMERGENCY_SERVICES_FALLBACK = 3


control_plane_service_type: Nibble[int] = named_half(ControlPlaneServiceType, 7)
ciphering_keys_requested = flag_octet()  # §9.11.3.12A
path_switching = flag_octet()  # §9.11.3.99 NAPS, §9.11.3.102 NSONR
aun3_indication = flag_octet()  # §9.11.3.104
reconnection_requested = flag_octet()  # §9.11.3.95
satellite_ng_ran_not_allowed = flag_octet()  # §9.11.3.109
