"""Packets written by hand for the user plane tests; independent of cinq's own codecs."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, IPv6Network

UE = IPv4Address("10.45.0.1")
OTHER_UE = IPv4Address("10.45.0.2")
DN = IPv4Address("10.6.0.2")
PREFIX, OTHER_PREFIX = IPv6Network("2001:db8:45:1::/64"), IPv6Network("2001:db8:45:2::/64")
UE6, OTHER_UE6 = PREFIX[0x17], OTHER_PREFIX[0x17]
UPF_N6_6, DN6 = IPv6Address("2001:db8:6::1"), IPv6Address("2001:db8:6::2")
UPF_N3, GNB_N3, OTHER_GNB = IPv4Address("10.3.0.1"), IPv4Address("10.3.0.2"), IPv4Address("10.3.0.3")


def ones_sum(octets: bytes) -> int:
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ip(source: IPv4Address, destination: IPv4Address, body: bytes, protocol: int = 17, **wrong: int) -> bytes:
    """An IPv4 packet; `wrong` overrides ihl, total, version or fragment."""
    header = wrong.get("version", 4) << 4 | wrong.get("ihl", 5)
    total, fragment = wrong.get("total", 20 + len(body)), wrong.get("fragment", 0)
    ends = source.packed + destination.packed
    zero = struct.pack("!BBHHHBBH", header, 0, total, 7, fragment, 64, protocol, 0) + ends
    return zero[:10] + struct.pack("!H", ~ones_sum(zero) & 0xFFFF) + ends + body


def udp(
    source: IPv4Address,
    destination: IPv4Address,
    payload: bytes = b"cinq",
    port: int = 9999,
    sport: int = 5000,
) -> bytes:
    length = 8 + len(payload)
    pseudo = source.packed + destination.packed + struct.pack("!HH", 17, length)
    zero = struct.pack("!HHHH", sport, port, length, 0) + payload
    total = ~ones_sum(pseudo + zero) & 0xFFFF or 0xFFFF
    return ip(source, destination, zero[:6] + struct.pack("!H", total) + payload)


def ip6(
    source: IPv6Address, destination: IPv6Address, body: bytes, following: int = 17, **wrong: int
) -> bytes:
    """An IPv6 packet; `wrong` overrides length, or gives traffic class (tos) and flow label."""
    word = 6 << 28 | wrong.get("tos", 0) << 20 | wrong.get("label", 0)
    head = struct.pack("!IHBB", word, wrong.get("length", len(body)), following, 64)
    return head + source.packed + destination.packed + body


def udp6(
    source: IPv6Address,
    destination: IPv6Address,
    payload: bytes = b"cinq",
    port: int = 9999,
    sport: int = 5000,
    **more: int,
) -> bytes:
    return ip6(source, destination, udp6_body(source, destination, payload, port, sport), **more)


def udp6_body(
    source: IPv6Address, destination: IPv6Address, payload: bytes, port: int = 9999, sport: int = 5000
) -> bytes:
    length = 8 + len(payload)
    pseudo = source.packed + destination.packed + struct.pack("!II", length, 17)
    zero = struct.pack("!HHHH", sport, port, length, 0) + payload
    total = ~ones_sum(pseudo + zero) & 0xFFFF or 0xFFFF
    return zero[:6] + struct.pack("!H", total) + payload


def gpdu(teid: int, inner: bytes, qfi: int = 9, psc_type: int = 1) -> bytes:
    """A G-PDU as a gNB sends it."""
    tail = struct.pack("!HBBBBBB", 0, 0, 0x85, 1, psc_type << 4, qfi, 0)
    return struct.pack("!BBHI", 0x34, 255, len(tail) + len(inner), teid) + tail + inner


def bare(teid: int, inner: bytes) -> bytes:
    """A G-PDU without extension headers."""
    return struct.pack("!BBHI", 0x30, 255, len(inner), teid) + inner


def after_hop(packet: bytes) -> bytes:
    """What a router makes of it: TTL less one, checksum new; of IPv6 the hop limit."""
    if packet[0] >> 4 == 6:
        return packet[:7] + bytes((packet[7] - 1,)) + packet[8:]
    zero = packet[:8] + bytes((packet[8] - 1, packet[9])) + b"\0\0" + packet[12:20]
    return zero[:10] + struct.pack("!H", ~ones_sum(zero) & 0xFFFF) + packet[12:]


def checks(octets: bytes) -> tuple[bool, bool, bool, bool]:
    """Of a received G-PDU with a container: GTP length, IP length, IP checksum, transport checksum are right."""
    inner = octets[16:]
    body, protocol = inner[20:], inner[9]
    pseudo = inner[12:20] + struct.pack("!HH", protocol, len(body))
    transport = ones_sum(pseudo + body) == 0xFFFF or (protocol == 17 and body[6:8] == b"\0\0")
    gtp_length, ip_length = struct.unpack_from("!H", octets, 2)[0], struct.unpack_from("!H", inner, 2)[0]
    return gtp_length == len(octets) - 8, ip_length == len(inner), ones_sum(inner[:20]) == 0xFFFF, transport
