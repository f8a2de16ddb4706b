"""Frames in capture files: from IP to UDP, SCTP and TCP, and back to frames for traffic of our own.

Reading never raises: what is not whole or not known is None or nothing. Fragments puts IP fragments together.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from functools import lru_cache

from msgspec import Struct

TCP = 6
UDP = 17
SCTP = 132

_IPV6_OPTIONS = (0, 43, 60)
_IPV6_FRAGMENT = 44
_MAX_FRAGMENTS = 128
_CHUNK = struct.Struct(">BBH").unpack_from
_DATA = struct.Struct(">IHHI").unpack_from


class Datagram(Struct, frozen=True, gc=False):
    """An IP datagram, or a fragment of one: `offset` in octets, `more` to come. protocol: of the payload."""

    source: str
    destination: str
    protocol: int
    payload: bytes
    identification: int = 0
    offset: int = 0
    more: bool = False


class Segment(Struct, frozen=True, gc=False):
    """Ports and payload of UDP, TCP or SCTP (for SCTP: the chunks, and `tag`, the verification tag)."""

    source_port: int
    destination_port: int
    payload: bytes
    tag: int = 0


class Chunk(Struct, frozen=True, gc=False):
    """An SCTP DATA chunk, RFC 9260 §3.3.1."""

    tsn: int
    stream: int
    sequence: int
    ppid: int
    begin: bool
    end: bool
    unordered: bool
    payload: bytes


@lru_cache(1 << 16)
def address(octets: bytes) -> str:
    """An address of 4 or 16 octets as text."""
    return str(ipaddress.ip_address(octets))


@lru_cache(1 << 16)
def ends(octets: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    """Source and destination, as they stand one after the other in IPv4 and the ports behind: 12 octets."""
    source, destination, here, there = struct.unpack(">4s4sHH", octets)
    return (address(source), here), (address(destination), there)


def datagram(octets: bytes) -> Datagram | None:
    """An IPv4 or IPv6 datagram. None where the header is not whole."""
    version = octets[0] >> 4 if octets else 0
    if version == 4 and len(octets) >= 20:
        return _ipv4(octets)
    if version == 6 and len(octets) >= 40:
        return _ipv6(octets)
    return None


def _ipv4(octets: bytes) -> Datagram | None:
    header = (octets[0] & 15) * 4
    total, identification, fragment = struct.unpack_from(">HHH", octets, 2)
    # A total length of zero is what segmentation offload leaves in a capture: the rest of the frame counts.
    end = total or len(octets)
    if header < 20 or end < header or len(octets) < header:
        return None
    return Datagram(
        address(octets[12:16]),
        address(octets[16:20]),
        octets[9],
        octets[header:end],
        identification,
        (fragment & 0x1FFF) * 8,
        bool(fragment & 0x2000),
    )


def _ipv6(octets: bytes) -> Datagram | None:
    length = int.from_bytes(octets[4:6], "big")
    protocol, place, end = octets[6], 40, 40 + length if length else len(octets)
    identification = offset = more = 0
    while protocol in _IPV6_OPTIONS or protocol == _IPV6_FRAGMENT:
        if place + 8 > len(octets):
            return None
        if protocol == _IPV6_FRAGMENT:
            fragment, identification = struct.unpack_from(">HI", octets, place + 2)
            offset, more = fragment & 0xFFF8, fragment & 1
            size = 8
        else:
            size = octets[place + 1] * 8 + 8
        protocol, place = octets[place], place + size
    source, destination = address(octets[8:24]), address(octets[24:40])
    payload = octets[place:end]
    return Datagram(source, destination, protocol, payload, identification, offset, bool(more))


class Fragments:
    """Puts IP fragments together. At most `keep` datagrams, of `octets` in all, wait for the rest; the oldest go."""

    def __init__(self, keep: int = 256, octets: int = 1 << 24) -> None:
        self._keep, self._octets, self._held = keep, octets, 0
        self._waiting: dict[tuple[str, str, int, int], list[Datagram]] = {}

    def whole(self, fragment: Datagram) -> Datagram | None:
        """The datagram that this one is or completes."""
        if not fragment.more and not fragment.offset:
            return fragment
        key = (fragment.source, fragment.destination, fragment.protocol, fragment.identification)
        parts = self._waiting.setdefault(key, [])
        if len(parts) < _MAX_FRAGMENTS:
            parts.append(fragment)
            self._held += len(fragment.payload)
        payload = b""
        last = False
        for part in sorted(parts, key=lambda p: p.offset):
            if part.offset > len(payload):
                break
            payload = payload[: part.offset] + part.payload
            last = not part.more
        if last:
            self._let_go(key)
            return Datagram(fragment.source, fragment.destination, fragment.protocol, payload)
        while len(self._waiting) > self._keep or self._held > self._octets:
            self._let_go(next(iter(self._waiting)))
        return None

    def _let_go(self, key: tuple[str, str, int, int]) -> None:
        self._held -= sum(len(part.payload) for part in self._waiting.pop(key))


def segment(protocol: int, octets: bytes) -> Segment | None:
    """The UDP, TCP or SCTP segment of an IP payload. None where its header is not whole."""
    header = {UDP: 8, SCTP: 12, TCP: 20}.get(protocol)
    if header is None or len(octets) < header:
        return None
    source, destination = struct.unpack_from(">HH", octets)
    if protocol == TCP:
        header = max(20, (octets[12] >> 4) * 4)
    end = int.from_bytes(octets[4:6], "big") if protocol == UDP else len(octets)
    tag = int.from_bytes(octets[4:8], "big") if protocol == SCTP else 0
    return Segment(source, destination, octets[header : end or len(octets)], tag)


def data_chunks(chunks: bytes) -> list[Chunk]:
    """The DATA chunks among the chunks of an SCTP packet, as far as they are whole."""
    found = []
    place, whole = 0, len(chunks)
    while place + 4 <= whole:
        kind, flags, length = _CHUNK(chunks, place)
        end = place + length
        if length < 4 or end > whole:
            break
        if kind == 0 and length >= 16:
            tsn, stream, sequence, ppid = _DATA(chunks, place + 4)
            payload = chunks[place + 16 : end]
            found.append(
                Chunk(tsn, stream, sequence, ppid, flags & 2 != 0, flags & 1 != 0, flags & 4 != 0, payload)
            )
        place = end + -length % 4
    return found


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_CRC32C = _crc32c_table()


def crc32c(octets: bytes) -> int:
    """The checksum of SCTP, RFC 9260 appendix A, as the integer that goes on the wire little-endian."""
    crc = 0xFFFFFFFF
    table = _CRC32C
    for octet in octets:
        crc = crc >> 8 ^ table[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _sum16(octets: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(f">{len(octets) // 2}H", octets[: len(octets) & ~1])
    total = sum(words)
    if len(octets) % 2:
        total += octets[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ethernet(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """An Ethernet frame of an IPv4 or IPv6 datagram between two addresses of the same family."""
    from_address, to_address = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    link = bytes(12)
    if from_address.version == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
        head += from_address.packed + to_address.packed
        checksum = _sum16(head) ^ 0xFFFF
        return link + b"\x08\x00" + head[:10] + checksum.to_bytes(2, "big") + head[12:] + payload
    head = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64)
    return link + b"\x86\xdd" + head + from_address.packed + to_address.packed + payload


def udp(source: tuple[str, int], destination: tuple[str, int], payload: bytes) -> bytes:
    """An Ethernet frame of a UDP datagram, with its checksum."""
    head = struct.pack(">HHHH", source[1], destination[1], 8 + len(payload), 0)
    pseudo = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(destination[0]).packed
    pseudo += struct.pack(">II", 8 + len(payload), UDP)
    checksum = _sum16(pseudo + head + payload) ^ 0xFFFF or 0xFFFF
    return ethernet(source[0], destination[0], UDP, head[:6] + checksum.to_bytes(2, "big") + payload)


def sctp_data(source: tuple[str, int], destination: tuple[str, int], tag: int, chunk: Chunk) -> bytes:
    """An Ethernet frame of an SCTP packet with one DATA chunk."""
    flags = chunk.unordered << 2 | chunk.begin << 1 | chunk.end
    fields = (0, flags, 16 + len(chunk.payload), chunk.tsn, chunk.stream, chunk.sequence, chunk.ppid)
    data = struct.pack(">BBHIHHI", *fields) + chunk.payload + bytes(-len(chunk.payload) % 4)
    head = struct.pack(">HHI", source[1], destination[1], tag)
    checksum = crc32c(head + bytes(4) + data).to_bytes(4, "little")
    return ethernet(source[0], destination[0], SCTP, head + checksum + data)


_EXP_DISSECTOR = 12
_EXP_PROTOCOL = 33
_EXP_IPV4 = (20, 21)
_EXP_IPV6 = (22, 23)


def exported_pdu(dissector: str, source: str, destination: str, octets: bytes, protocol: str = "") -> bytes:
    """A record of link type 252 (Wireshark's exported PDU): octets for a dissector by its name.

    protocol: what Wireshark's column of this name shows before the dissector's own name.
    """
    fields = [(_EXP_DISSECTOR, dissector.encode())]
    for place, text in enumerate((source, destination)):
        address = ipaddress.ip_address(text)
        fields.append(((_EXP_IPV4 if address.version == 4 else _EXP_IPV6)[place], address.packed))
    if protocol:
        fields.append((_EXP_PROTOCOL, protocol.encode()))
    head = b"".join(
        struct.pack(">HH", tag, len(value) + -len(value) % 4) + value + bytes(-len(value) % 4)
        for tag, value in fields
    )
    return head + bytes(4) + octets


@dataclass(frozen=True, slots=True)
class ExportedPdu:
    """What a record of link type 252 holds. source, destination: addresses, or empty."""

    dissector: str
    source: str
    destination: str
    octets: bytes


def exported(octets: bytes) -> ExportedPdu | None:
    """Reads a record of link type 252. None where its tags are not whole or name no dissector."""
    tags: dict[int, bytes] = {}
    place = 0
    while place + 4 <= len(octets):
        tag, length = struct.unpack_from(">HH", octets, place)
        place += 4
        if tag == 0:
            dissector = tags.get(_EXP_DISSECTOR, b"").rstrip(b"\0").decode("ascii", "replace")
            ends = [_address(tags, _EXP_IPV4[i], _EXP_IPV6[i]) for i in (0, 1)]
            return ExportedPdu(dissector, ends[0], ends[1], octets[place:]) if dissector else None
        tags[tag] = octets[place : place + length]
        place += length
    return None


def _address(tags: dict[int, bytes], *wanted: int) -> str:
    for tag in wanted:
        if len(tags.get(tag, b"")) in (4, 16):
            return str(ipaddress.ip_address(tags[tag]))
    return ""
