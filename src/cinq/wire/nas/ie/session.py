"""PDU session elements: status sets, types, address, session AMBR, extended configuration options."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

from cinq.wire.nas.causes import GmmCause
from cinq.wire.nas.ie.basic import named_half
from cinq.wire.nas.row import Codec


def _sessions(b: bytes) -> frozenset[int]:
    bits = b[0] | b[1] << 8
    return frozenset(i for i in range(1, 16) if bits >> i & 1)


def _sessions_octets(ids: frozenset[int]) -> bytes:
    if not all(1 <= i <= 15 for i in ids):
        raise ValueError("a PDU session identity is 1 to 15")
    return sum(1 << i for i in ids).to_bytes(2, "little")


pdu_sessions: Codec[frozenset[int]] = Codec(_sessions, _sessions_octets, 2, 32)  # §9.11.3.44
_GMM_CAUSES: dict[int, int] = {int(cause): cause for cause in GmmCause}


def _reactivation(b: bytes) -> dict[int, int]:
    if len(b) % 2:
        raise ValueError("an odd number of octets")
    return {b[i]: _GMM_CAUSES.get(b[i + 1], b[i + 1]) for i in range(0, len(b), 2)}


reactivation_causes: Codec[dict[int, int]] = Codec(
    _reactivation, lambda causes: b"".join(bytes(pair) for pair in causes.items()), 2, 512
)  # §9.11.3.43


class PduSessionType(IntEnum):
    """§9.11.4.11."""

    IPV4 = 1
    IPV6 = 2
    IPV4V6 = 3
    UNSTRUCTURED = 4
    ETHERNET = 5


pdu_session_type = named_half(PduSessionType, 7)


class SscMode(IntEnum):
    """§9.11.4.16."""

    SSC_MODE_1 = 1
    SSC_MODE_2 = 2
    SSC_MODE_3 = 3


ssc_mode = named_half(SscMode, 7)


class PduAddress(Struct, frozen=True):
    """§9.11.4.10. At least one of ipv4 and interface_identifier (8 octets, of the IPv6 link local address).

    smf_link_local: the SMF's IPv6 link local address, for an FN-RG only.
    """

    ipv4: IPv4Address | None = None
    interface_identifier: bytes | None = None
    smf_link_local: IPv6Address | None = None

    @property
    def pdu_session_type(self) -> PduSessionType:
        if self.interface_identifier is None:
            return PduSessionType.IPV4
        return PduSessionType.IPV6 if self.ipv4 is None else PduSessionType.IPV4V6


_IPV4, _IPV6, _IPV4V6 = 1, 2, 3
_ADDRESS_SIZES = {_IPV4: 4, _IPV6: 8, _IPV4V6: 12}


def _address(b: bytes) -> PduAddress:
    kind = b[0] & 7
    size = _ADDRESS_SIZES.get(kind)
    if size is None:
        raise ValueError(f"PDU session type {kind} has no address")
    end = 1 + size
    if len(b) < end + (16 if b[0] & 8 else 0):
        raise ValueError(f"PDU address of {len(b)} octets")
    v4 = IPv4Address(b[end - 4 : end]) if kind != _IPV6 else None
    v6 = b[1:9] if kind != _IPV4 else None
    return PduAddress(v4, v6, IPv6Address(b[end : end + 16]) if b[0] & 8 else None)


def _address_octets(a: PduAddress) -> bytes:
    if a.interface_identifier is None:
        out, kind = b"", _IPV4
    else:
        out, kind = a.interface_identifier, _IPV6 if a.ipv4 is None else _IPV4V6
    if a.ipv4 is not None:
        out += a.ipv4.packed
    if len(out) != _ADDRESS_SIZES[kind]:
        raise ValueError("an interface identifier has 8 octets")
    if a.smf_link_local is None:
        return bytes((kind,)) + out
    return bytes((kind | 8,)) + out + a.smf_link_local.packed


pdu_address: Codec[PduAddress] = Codec(_address, _address_octets, 5, 29)


_UNITS = (0, *(base * step for base in (1, 10**3, 10**6, 10**9, 10**12) for step in (1, 4, 16, 64, 256)))


@lru_cache(256)
def bit_rate(b: bytes) -> int:
    """Three octets, unit and value (§9.11.4.14), as bits per second."""
    unit = min(max(b[0], 1), 25)
    return int.from_bytes(b[1:3], "big") * 1000 * _UNITS[unit]


@lru_cache(256)
def bit_rate_octets(rate: int) -> bytes:
    """The finest unit that gives the rate exactly, else the finest that reaches it, rounded up."""
    kilobits = -(-rate // 1000)
    if not 0 <= kilobits <= 65535 * _UNITS[25]:
        raise ValueError(f"bit rate of {rate} bit/s")
    first = 1
    while kilobits > 65535 * _UNITS[first]:
        first += 1
    exact = first
    while exact < 25 and kilobits % _UNITS[exact]:
        exact += 1
    unit = first if kilobits % _UNITS[exact] else exact
    return bytes((unit,)) + (-(-kilobits // _UNITS[unit])).to_bytes(2, "big")


class SessionAmbr(Struct, frozen=True):
    """§9.11.4.14, in bits per second."""

    downlink_bps: int
    uplink_bps: int


session_ambr: Codec[SessionAmbr] = Codec(
    lambda b: SessionAmbr(bit_rate(b[:3]), bit_rate(b[3:6])),
    lambda a: bit_rate_octets(a.downlink_bps) + bit_rate_octets(a.uplink_bps),
    6,
    6,
)


class DataRate(IntEnum):
    """Integrity protection maximum data rate, §9.11.4.7."""

    KBPS_64 = 0
    NULL = 1
    FULL = 255


class IntegrityProtectionMaximumDataRate(Struct, frozen=True):
    """§9.11.4.7. uplink, downlink: a DataRate."""

    uplink: int = DataRate.FULL
    downlink: int = DataRate.FULL


integrity_rate: Codec[IntegrityProtectionMaximumDataRate] = Codec(
    lambda b: IntegrityProtectionMaximumDataRate(b[0], b[1]), lambda r: bytes((r.uplink, r.downlink)), 2, 2
)
packet_filter_count: Codec[int] = Codec(
    lambda b: b[0] << 3 | b[1] >> 5, lambda n: (n << 5).to_bytes(2, "big"), 2, 2
)  # §9.11.4.9

EPCO_DNS_SERVER_IPV6: Final = 0x0003
EPCO_IP_ADDRESS_ALLOCATION_VIA_NAS: Final = 0x000A
EPCO_DNS_SERVER_IPV4: Final = 0x000D
EPCO_IPV4_LINK_MTU: Final = 0x0010
# Containers whose length has two octets; from the UE most of these identifiers are indicators without contents
_LONG_FROM_UE = frozenset((0x0041,))
_LONG_FROM_NETWORK = frozenset((0x0023, 0x0024, 0x0030, 0x0031, 0x0032, 0x0041))

ExtendedPco = list[tuple[int, bytes]]
"""Protocol or container identifier and contents, TS 24.008 §10.5.6.3A, in the order sent."""


def _extended_pco(long: frozenset[int]) -> Codec[ExtendedPco]:
    def decode(b: bytes) -> ExtendedPco:
        found, position = [], 1
        while position < len(b):
            identifier = b[position] << 8 | b[position + 1]
            width = 2 if identifier in long else 1
            begin = position + 2 + width
            position = begin + (b[begin - 2] << 8 if width == 2 else 0) + b[begin - 1]
            if position > len(b):
                raise ValueError(f"container {identifier:#06x} is longer than the element")
            found.append((identifier, b[begin:position]))
        return found

    def encode(containers: ExtendedPco) -> bytes:
        out = bytearray(b"\x80")
        for identifier, contents in containers:
            out += identifier.to_bytes(2, "big")
            if identifier in long:
                out += len(contents).to_bytes(2, "big")
            else:
                out.append(len(contents))
            out += contents
        return bytes(out)

    return Codec(decode, encode, 1)


extended_pco_from_ue = _extended_pco(_LONG_FROM_UE)
extended_pco_from_network = _extended_pco(_LONG_FROM_NETWORK)


class ReAttemptIndicator(Struct, frozen=True):
    """§9.11.4.17."""

    not_in_s1_mode: bool = False
    not_in_equivalent_plmn: bool = False


re_attempt_indicator: Codec[ReAttemptIndicator] = Codec(
    lambda b: ReAttemptIndicator(b[0] & 1 == 1, b[0] & 2 == 2),
    lambda i: bytes((i.not_in_s1_mode | i.not_in_equivalent_plmn << 1,)),
    1,
    1,
)
