"""The packet of a UE inside a G-PDU: one whole IPv4 or IPv6 packet, and what filters look at. Pure functions."""

from __future__ import annotations

import struct

from cinq.userplane.flows import AH, ESP, WITH_PORTS, Traits
from cinq.userplane.packet import ICMPV6, TRANSPORT_HEADER, Refused
from cinq.userplane.rules import IS_IPV6, LINK_LOCAL, NOWHERE, Reason

FRAGMENT = 44
EXTENSIONS = frozenset((0, 43, FRAGMENT, 60))
"""IPv6 extension headers that are passed over, RFC 8200 §4: hop-by-hop, routing, fragment, destination options."""
MOST_EXTENSIONS = 6
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134


def version(packet: bytes) -> int:
    return packet[0] >> 4 if packet else 0


def check_inner(packet: bytes) -> tuple[int, int, bool]:
    """Where the transport header begins, its protocol, and whether this is a later fragment.

    Refused(MALFORMED): not one whole IPv4 or IPv6 packet (DEV-083, DEV-084).
    """
    if version(packet) == 6:
        at, protocol, later = _check_ipv6(packet)
    else:
        at, protocol, later = _check_ipv4(packet)
    if not later and len(packet) - at < TRANSPORT_HEADER.get(protocol, 0):
        raise Refused(Reason.MALFORMED)
    return at, protocol, later


def _check_ipv4(packet: bytes) -> tuple[int, int, bool]:
    if len(packet) < 20 or packet[0] >> 4 != 4:
        raise Refused(Reason.MALFORMED)
    header = (packet[0] & 15) * 4
    total, _, fragment = struct.unpack_from("!HHH", packet, 2)
    if header < 20 or header > len(packet) or total != len(packet):
        raise Refused(Reason.MALFORMED)
    return header, packet[9], bool(fragment & 0x1FFF)


def _check_ipv6(packet: bytes) -> tuple[int, int, bool]:
    if len(packet) < 40 or int.from_bytes(packet[4:6], "big") + 40 != len(packet):
        raise Refused(Reason.MALFORMED)
    following, at, later = packet[6], 40, False
    for _ in range(MOST_EXTENSIONS):
        if following not in EXTENSIONS:
            return at, following, later
        if at + 8 > len(packet):
            raise Refused(Reason.MALFORMED)
        if following == FRAGMENT:
            later = later or bool(int.from_bytes(packet[at + 2 : at + 4], "big") & 0xFFF8)
            size = 8
        else:
            size = 8 * (packet[at + 1] + 1)
        following, at = packet[at], at + size
        if at > len(packet):
            raise Refused(Reason.MALFORMED)
        if later:  # what follows is of the first fragment
            return at, following, True
    raise Refused(Reason.MALFORMED)


def ends(packet: bytes) -> tuple[bytes, bytes]:
    """Source and destination, 4 or 16 octets."""
    return (packet[8:24], packet[24:40]) if version(packet) == 6 else (packet[12:16], packet[16:20])


def whole(packet: bytes) -> int:
    """How many octets its header says it has."""
    if version(packet) == 6:
        return int.from_bytes(packet[4:6], "big") + 40
    return int.from_bytes(packet[2:4], "big")


def key_of(address: bytes) -> int:
    """See rules.address_key."""
    return (
        int.from_bytes(address, "big") if len(address) == 4 else int.from_bytes(address[:8], "big") | IS_IPV6
    )


def is_link_local(address: bytes) -> bool:
    """fe80::/10."""
    return address[0] == 0xFE and address[1] & 0xC0 == 0x80


def is_discovery(packet: bytes, inner: tuple[int, int, bool], *, to_ue: bool) -> bool:
    """A router solicitation, or (to_ue) a router advertisement: user space answers or reads it."""
    at, protocol, later = inner
    if version(packet) != 6 or protocol != ICMPV6 or later:
        return False
    return is_link_local(packet[8:24]) and packet[at] == (
        ROUTER_ADVERTISEMENT if to_ue else ROUTER_SOLICITATION
    )


def is_nowhere(destination: bytes) -> bool:
    """No router forwards to it: this host, loopback, link local, multicast. RFC 1812 §5.3.7, RFC 4291 §2.5."""
    if len(destination) == 16:
        return not any(destination[:8]) or destination[0] == 0xFF or is_link_local(destination)
    return destination[0] in NOWHERE or destination[:2] == LINK_LOCAL


def traits(packet: bytes, inner: tuple[int, int, bool], *, uplink: bool) -> Traits:
    """Of a packet that `check_inner` has seen. uplink: its source is the UE's end."""
    at, protocol, later = inner
    ports, spi = _transport(packet, at, protocol, later=later)
    if version(packet) == 6:
        word = int.from_bytes(packet[:4], "big")
        source, destination, tos, label = packet[8:24], packet[24:40], word >> 20 & 0xFF, word & 0xFFFFF
        return _traits(protocol, (source, destination), ports, tos, spi, label, uplink=uplink)
    ends = packet[12:16], packet[16:20]
    return _traits(protocol, ends, ports, packet[1], spi, None, uplink=uplink)


def _traits(
    protocol: int,
    ends: tuple[bytes, bytes],
    ports: tuple[int | None, int | None],
    tos: int,
    spi: int | None,
    label: int | None,
    *,
    uplink: bool,
) -> Traits:
    remote, local = int(uplink), int(not uplink)
    return Traits(protocol, ends[remote], ends[local], ports[remote], ports[local], tos, spi, label)


def _transport(
    packet: bytes, at: int, protocol: int, *, later: bool
) -> tuple[tuple[int | None, int | None], int | None]:
    """Source and destination port, and SPI."""
    if later or len(packet) < at + 8:
        return (None, None), None
    if protocol in WITH_PORTS:
        source, destination = struct.unpack_from("!HH", packet, at)
        return (source, destination), None
    if protocol in (ESP, AH):
        return (None, None), int.from_bytes(packet[at + 4 * (protocol == AH) :][:4], "big")
    return (None, None), None
