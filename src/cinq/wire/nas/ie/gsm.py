"""The small elements of 5GSM: re-attempt, SSC modes, header compression, rate control, redundancy."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.wire.nas.ie.basic import named, number, utf8
from cinq.wire.nas.ie.bits import packed
from cinq.wire.nas.ie.lists import piece, pieces
from cinq.wire.nas.ie.session import PduAddress, SscMode, pdu_address
from cinq.wire.nas.row import Codec, Nibble


class CongestionReAttemptIndicator(Struct, frozen=True):
    """§9.11.4.21. all_plmns: the back-off timer counts in all PLMNs. current_access_only: else in both accesses."""

    all_plmns: bool = False
    current_access_only: bool = False


congestion_re_attempt_indicator: Codec[CongestionReAttemptIndicator] = packed(
    CongestionReAttemptIndicator, 1, 1
)


def _modes_half(modes: frozenset[int]) -> int:
    if not all(1 <= mode <= 3 for mode in modes):
        raise ValueError("an SSC mode is 1 to 3")
    return sum(1 << mode - 1 for mode in modes)


allowed_ssc_modes: Nibble[frozenset[int]] = Nibble(
    lambda n: frozenset(mode for mode in SscMode if n >> mode - 1 & 1), _modes_half
)  # §9.11.4.5


class RohcProfile(IntEnum):
    """Bits of the profiles, §9.11.4.24; profile 0x0000 is always supported."""

    UDP_0002 = 0
    ESP_0003 = 1
    IP_0004 = 2
    TCP_0006 = 3
    UDP_0102 = 4
    ESP_0103 = 5
    IP_0104 = 6


class IpHeaderCompression(Struct, frozen=True):
    """IP header compression configuration, §9.11.4.24.

    profiles: of RohcProfile. max_cid: 1 to 16383. parameters_type, parameters: additional context setup parameters.
    """

    profiles: frozenset[int] = frozenset()
    max_cid: int = 15
    parameters_type: int | None = None
    parameters: bytes = b""


def _compression(b: bytes) -> IpHeaderCompression:
    profiles = frozenset(profile for profile in RohcProfile if b[0] >> profile & 1)
    return IpHeaderCompression(profiles, b[1] << 8 | b[2], b[3] if len(b) > 3 else None, b[4:])


def _compression_octets(c: IpHeaderCompression) -> bytes:
    out = bytes((sum(1 << profile for profile in c.profiles),)) + c.max_cid.to_bytes(2, "big")
    if c.parameters_type is None:
        return out
    return out + bytes((c.parameters_type,)) + c.parameters


ip_header_compression: Codec[IpHeaderCompression] = Codec(_compression, _compression_octets, 3, 255)


class CidLength(IntEnum):
    """Ethernet header compression configuration, §9.11.4.28."""

    NOT_USED = 0
    BITS_7 = 1
    BITS_15 = 2


_CID_LENGTHS: dict[int, int] = {int(length): length for length in CidLength}
ethernet_header_compression: Codec[int] = Codec(
    lambda b: _CID_LENGTHS.get(b[0] & 3, CidLength.BITS_7), lambda n: n.to_bytes(1, "big"), 1, 1
)
serving_plmn_rate_control: Codec[int] = number(
    2
)  # TS 24.301 §9.9.4.28: messages in 6 minutes, FFFF: no bound


class Rsn(IntEnum):
    """Redundancy sequence number, §9.11.4.33."""

    V1 = 0
    V2 = 1


rsn: Codec[int] = named(Rsn)
residence_time: Codec[int] = Codec(
    lambda b: int.from_bytes(b, "little", signed=True), lambda n: n.to_bytes(8, "little", signed=True), 8, 8
)  # §9.11.4.26: in units of 2^-16 ns


def _identifier(b: bytes) -> PduAddress:
    found = pdu_address.decode(b)
    if found.ipv4 is not None:
        raise ValueError("an IPv4 address where an interface identifier is to be")
    return found


suggested_interface_identifier: Codec[PduAddress] = Codec(_identifier, pdu_address.encode, 9, 9)
dn_request: Codec[str] = utf8(1, 253)  # §9.11.4.15: the DN-specific identity of the UE, a NAI


# -- quality of service behind the UE, traffic that its rules met -------------------------------------------


class N3Qai(Struct, frozen=True):
    """Non-3GPP QoS assistance information of some QoS flows, §9.11.4.36. parameters: (identifier, contents)."""

    qfis: tuple[int, ...]
    parameters: tuple[tuple[int, bytes], ...] = ()


def _n3qai(b: bytes) -> list[N3Qai]:
    found, position = [], 0
    while position < len(b):
        begin = position + 1 + b[position]
        qfis, count, parameters = tuple(b[position + 1 : begin]), b[begin], []
        position = begin + 1
        for _ in range(count):
            after = position + 2 + b[position + 1]
            if after > len(b):
                raise ValueError("a parameter is cut")
            parameters.append((b[position], b[position + 2 : after]))
            position = after
        found.append(N3Qai(qfis, tuple(parameters)))
    return found


def _n3qai_octets(values: list[N3Qai]) -> bytes:
    out = b""
    for value in values:
        out += piece(bytes(value.qfis)) + bytes((len(value.parameters),))
        out += b"".join(bytes((identifier,)) + piece(contents) for identifier, contents in value.parameters)
    return out


n3qai: Codec[list[N3Qai]] = Codec(_n3qai, _n3qai_octets, 6)
ursp_reports: Codec[list[tuple[int, ...]]] = Codec(
    lambda b: [tuple(report) for report in pieces(b)],
    lambda reports: b"".join(piece(bytes(report)) for report in reports),
    2,
)
"""URSP rule enforcement reports, §9.11.4.38: of each rule its connection capability identifiers (TS 24.526)."""
ecn_marking: Codec[tuple[int, ...]] = Codec(tuple, lambda rules: bytes(rules), 0, 255)
"""ECN marking for L4S indication, §9.11.4.40: QoS rule identifiers."""
