"""Router solicitation and router advertisement, RFC 4861 §4.1 and §4.2, in whole IPv6 packets.

TS 23.501 §5.8.2.2.3: with stateless address autoconfiguration a UE learns its prefix so. Nothing else of ICMPv6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

ICMPV6, HOP_LIMIT = 58, 255
SOLICITATION, ADVERTISEMENT = 133, 134
ALL_NODES, ALL_ROUTERS = IPv6Address("ff02::1"), IPv6Address("ff02::2")
PREFIX_INFORMATION, MTU, RDNSS = 3, 5, 25  # RFC 4861 §4.6, RFC 8106 §5.1
INFINITE, AUTONOMOUS = 0xFFFFFFFF, 0x40
ROUTER_LIFETIME_S = 9000  # the longest that RFC 4861 §6.2.1 lets
MOST_OPTIONS = 16


class Icmpv6Error(ValueError):
    """Not a router solicitation or advertisement that RFC 4861 §6.1 lets pass."""


@dataclass(frozen=True, slots=True)
class RouterSolicitation:
    """source: link local, or :: of a node without an address."""

    source: IPv6Address


@dataclass(frozen=True, slots=True)
class RouterAdvertisement:
    """prefix: 64 bits, for autoconfiguration. lifetime_s: how long the router is one. mtu: octets, 0 for none said."""

    source: IPv6Address
    destination: IPv6Address = ALL_NODES
    prefix: IPv6Network | None = None
    mtu: int = 0
    dns: tuple[IPv6Address, ...] = ()
    lifetime_s: int = ROUTER_LIFETIME_S


def link_local(interface_identifier: int) -> IPv6Address:
    """fe80::/64 with these 64 bits."""
    return IPv6Address(0xFE80 << 112 | interface_identifier)


def encode(message: RouterSolicitation | RouterAdvertisement) -> bytes:
    """The IPv6 packet."""
    if isinstance(message, RouterSolicitation):
        return _packet(message.source, ALL_ROUTERS, struct.pack("!BBHI", SOLICITATION, 0, 0, 0))
    body = struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, 64, 0, message.lifetime_s, 0, 0)
    if message.prefix is not None:
        head = struct.pack("!BBBBIII", PREFIX_INFORMATION, 4, 64, AUTONOMOUS, INFINITE, INFINITE, 0)
        body += head + message.prefix.network_address.packed
    if message.mtu:
        body += struct.pack("!BBHI", MTU, 1, 0, message.mtu)
    if message.dns:
        servers = b"".join(server.packed for server in message.dns)
        body += struct.pack("!BBHI", RDNSS, 1 + 2 * len(message.dns), 0, INFINITE) + servers
    return _packet(message.source, message.destination, body)


def _packet(source: IPv6Address, destination: IPv6Address, body: bytes) -> bytes:
    ends = source.packed + destination.packed
    body = body[:2] + _checksum(ends, body).to_bytes(2, "big") + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), ICMPV6, HOP_LIMIT) + ends + body


def _checksum(ends: bytes, body: bytes) -> int:
    """RFC 4443 §2.3, of a body whose checksum field counts; 0 over a correct one."""
    octets = ends + struct.pack("!II", len(body), ICMPV6) + body + b"\0" * (len(body) % 2)
    return 0xFFFF - (int.from_bytes(octets, "big") % 0xFFFF)


def decode(packet: bytes) -> RouterSolicitation | RouterAdvertisement:
    """Icmpv6Error, whatever the octets."""
    if len(packet) < 48 or packet[0] >> 4 != 6 or packet[6] != ICMPV6:
        raise Icmpv6Error("no ICMPv6 packet")
    body = packet[40:]
    if int.from_bytes(packet[4:6], "big") != len(body) or packet[7] != HOP_LIMIT or body[1]:
        raise Icmpv6Error(f"payload of {len(body)} octets, hop limit {packet[7]}, code {body[1]}")
    if _checksum(packet[8:40], body) % 0xFFFF:
        raise Icmpv6Error("wrong checksum")
    source, destination = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    if body[0] == SOLICITATION:
        _options(body[8:])
        return RouterSolicitation(source)
    if body[0] != ADVERTISEMENT or len(body) < 16 or not source.is_link_local:
        raise Icmpv6Error(f"ICMPv6 type {body[0]} from {source}")
    return _advertisement(source, destination, body)


def _advertisement(source: IPv6Address, destination: IPv6Address, body: bytes) -> RouterAdvertisement:
    prefix, mtu, dns = None, 0, list[IPv6Address]()
    for kind, value in _options(body[16:]):
        if kind == PREFIX_INFORMATION and len(value) == 30 and value[0] == 64 and value[1] & AUTONOMOUS:
            prefix = prefix or IPv6Network((value[14:22] + bytes(8), 64))
        elif kind == MTU and len(value) == 6:
            mtu = int.from_bytes(value[2:], "big")
        elif kind == RDNSS and len(value) >= 22:
            dns += [IPv6Address(value[at : at + 16]) for at in range(6, len(value) - 15, 16)]
    lifetime = int.from_bytes(body[6:8], "big")
    return RouterAdvertisement(source, destination, prefix, mtu, tuple(dns), lifetime)


def _options(octets: bytes) -> list[tuple[int, bytes]]:
    """Type and what follows the length. Icmpv6Error: one is empty, cut, or there are too many."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(octets):
        size = 8 * octets[at + 1] if at + 1 < len(octets) else 0
        if not size or at + size > len(octets) or len(found) >= MOST_OPTIONS:
            raise Icmpv6Error(f"option at octet {at} is empty or cut, or there are too many")
        found.append((octets[at], octets[at + 2 : at + size]))
        at += size
    return found
