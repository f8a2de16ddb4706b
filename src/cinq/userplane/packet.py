"""Octets of the user plane: the G-PDU around, the IPv4 packet inside. Pure functions.

`Refused` carries the reason for which a tunnel end drops a packet; nothing else is raised.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cinq.userplane.flows import NO_QFI
from cinq.userplane.rules import HEADERS, Reason

G_PDU = 255
PDU_SESSION_CONTAINER = 0x85
PDCP_PDU_NUMBER = 0xC0
RQI = 0x40  # reflective QoS indication beside the QFI, TS 38.415 §5.5.2.1
TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
TRANSPORT_HEADER = {TCP: 20, UDP: 8, SCTP: 12, ICMP: 8, ICMPV6: 8}
GTPU_HEADERS = HEADERS - 28  # without IPv4 and UDP


class Refused(Exception):
    """The packet is dropped for `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


class NotForFastPath(Exception):
    """A message that the slow path answers: not a G-PDU, or an extension header it must understand."""


@dataclass(frozen=True, slots=True)
class GPdu:
    """TS 29.281 §5.1: TEID, octets before the inner packet, QFI of the PDU Session Container or NO_QFI."""

    teid: int
    header: int
    qfi: int


class FromTunnel(bytes):
    """A G-PDU, whole, that waits; what else waits is a packet or a frame."""


def teid_of(octets: bytes) -> int:
    return int.from_bytes(octets[4:8], "big")


def relayed(octets: bytes, teid: int) -> bytes:
    """The same G-PDU in another tunnel: extension headers, QFI and sequence number stay."""
    return octets[:4] + teid.to_bytes(4, "big") + octets[8:]


def parse_gpdu(octets: bytes, uplink: bool = True) -> GPdu:
    """The outer header of a UDP payload. Refused(MALFORMED), or NotForFastPath.

    uplink: its PDU Session Container is of PDU type 1, else 0 (TS 38.415 §5.5.3.1).
    """
    if len(octets) < 8:
        raise Refused(Reason.MALFORMED)
    flags, kind, length, teid = struct.unpack_from("!BBHI", octets)
    if flags & 0xF0 != 0x30 or kind != G_PDU:
        raise NotForFastPath
    if length + 8 != len(octets):
        raise Refused(Reason.MALFORMED)
    if not flags & 7:
        return GPdu(teid, 8, NO_QFI)
    if len(octets) < 12:
        raise Refused(Reason.MALFORMED)
    following = octets[11] if flags & 4 else 0
    return _extensions(octets, teid, following, int(uplink))


def _extensions(octets: bytes, teid: int, following: int, pdu_type: int) -> GPdu:
    at, qfi = 12, NO_QFI
    for _ in range(3):
        if not following:
            break
        size = octets[at] * 4 if at + 4 <= len(octets) else 0
        if not size or at + size > len(octets):
            raise Refused(Reason.MALFORMED)
        if following == PDU_SESSION_CONTAINER:
            if octets[at + 1] >> 4 != pdu_type or size - 2 < _announced(octets[at + 1], octets[at + 2]):
                raise Refused(Reason.MALFORMED)
            qfi = octets[at + 2] & 63
        elif following & 0x80 and following != PDCP_PDU_NUMBER:
            raise NotForFastPath
        following = octets[at + size - 1]
        at += size
    if following:
        raise NotForFastPath
    return GPdu(teid, at, qfi)


def _announced(first: int, second: int) -> int:
    """Octets that a PDU Session Container must have by what its flags announce, TS 38.415 §5.5.2.1 and §5.5.2.2.

    QMP, delay results and sequence number (uplink); PPP, QMP and sequence number (downlink). Spare bits say nothing.
    """
    if first >> 4 == 1:
        uplink = 24 * (first >> 3 & 1) + 4 * (first >> 2 & 1) + 4 * (first >> 1 & 1) + 3 * (first & 1)
        return 2 + uplink + 4 * (second >> 7) + (second >> 6 & 1)
    return 2 + (second >> 7) + 8 * (first >> 3 & 1) + 3 * (first >> 2 & 1)


def gtpu_header(length: int, teid: int, qfi: int, psc_type: int) -> bytes:
    """The 16 octets before an inner packet of `length`: E flag, PDU Session Container (type 0 DL, 1 UL)."""
    return struct.pack(
        "!BBHIHBBBBBB", 0x34, G_PDU, length + 8, teid, 0, 0, PDU_SESSION_CONTAINER, 1, psc_type << 4, qfi, 0
    )


def end_marker(teid: int, qfi: int | None = None) -> bytes:
    """End Marker, TS 29.281 §7.3.2; with a PDU Session Container of type DL when `qfi` is given."""
    if qfi is None:
        return struct.pack("!BBHI", 0x30, 254, 0, teid)
    container = struct.pack("!HBBBBBB", 0, 0, PDU_SESSION_CONTAINER, 1, 0, qfi, 0)
    return struct.pack("!BBHI", 0x34, 254, len(container), teid) + container


def checksum(octets: bytes) -> int:
    """Internet checksum, RFC 1071, of octets whose checksum field is zero; 0 over a correct packet."""
    if len(octets) & 1:
        octets += b"\0"
    total = int.from_bytes(octets, "big") % 0xFFFF
    return 0xFFFF - total if total or not any(octets) else 0


def hop(packet: bytes) -> bytes:
    """One router passed: TTL less 1, header checksum mended (RFC 1624); hop limit less 1 of IPv6."""
    if packet[0] >> 4 == 6:
        return packet[:7] + bytes((packet[7] - 1,)) + packet[8:]
    word = int.from_bytes(packet[10:12], "big") + 0x0100
    mended = (word + (word >> 16)) & 0xFFFF
    return packet[:8] + bytes((packet[8] - 1, packet[9])) + mended.to_bytes(2, "big") + packet[12:]


def internet_checksum_ok(packet: bytes) -> bool:
    """Whether IPv4 header and TCP or UDP checksums of an unfragmented packet are right."""
    header = (packet[0] & 15) * 4
    if checksum(packet[:header]):
        return False
    body, protocol = packet[header:], packet[9]
    if protocol == UDP and body[6:8] == b"\0\0":
        return True
    if protocol not in (TCP, UDP):
        return True
    return checksum(packet[12:20] + struct.pack("!HH", protocol, len(body)) + body) == 0
