"""Packet filter components of a QoS rule (§9.11.4.13): taken apart, put together, told in words.

Local is the UE's side, remote the other one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

PacketFilterComponents = tuple[tuple[int, bytes], ...]
"""(Component, value octets), in the order sent."""


class Component(IntEnum):
    """Packet filter component type identifier."""

    MATCH_ALL = 0x01
    IPV4_REMOTE_ADDRESS = 0x10
    IPV4_LOCAL_ADDRESS = 0x11
    IPV6_REMOTE_PREFIX = 0x21
    IPV6_LOCAL_PREFIX = 0x23
    PROTOCOL = 0x30
    LOCAL_PORT = 0x40
    LOCAL_PORT_RANGE = 0x41
    REMOTE_PORT = 0x50
    REMOTE_PORT_RANGE = 0x51
    SECURITY_PARAMETER_INDEX = 0x60
    TRAFFIC_CLASS = 0x70
    FLOW_LABEL = 0x80
    DESTINATION_MAC = 0x81
    SOURCE_MAC = 0x82
    C_TAG_VID = 0x83
    S_TAG_VID = 0x84
    C_TAG_PCP_DEI = 0x85
    S_TAG_PCP_DEI = 0x86
    ETHERTYPE = 0x87
    DESTINATION_MAC_RANGE = 0x88
    SOURCE_MAC_RANGE = 0x89
    EXTENDED_C_TAG_PCP_DEI = 0x8A
    EXTENDED_S_TAG_PCP_DEI = 0x8B
    RTP_MULTIPLEXED_MEDIA = 0x91


MATCH_ALL: PacketFilterComponents = ((Component.MATCH_ALL, b""),)
_SIZES = {
    0x01: 0, 0x10: 8, 0x11: 8, 0x21: 17, 0x23: 17, 0x30: 1, 0x40: 2, 0x41: 4, 0x50: 2, 0x51: 4, 0x60: 4,
    0x70: 2, 0x80: 3, 0x81: 6, 0x82: 6, 0x83: 2, 0x84: 2, 0x85: 1, 0x86: 1, 0x87: 2, 0x88: 12, 0x89: 12,
    0x8A: 1, 0x8B: 1,
}  # fmt: skip
_COMPONENTS: dict[int, int] = {int(component): component for component in Component}


def components(b: bytes) -> PacketFilterComponents:
    """The contents of a packet filter. ValueError when one is cut.

    A component of unknown type holds all octets that follow, since its length is not known.
    """
    found, position = [], 0
    while position < len(b):
        kind = b[position]
        after = position + 1 + _size(kind, b, position + 1)
        if after > len(b):
            raise ValueError(f"packet filter component {kind:#04x} is cut")
        found.append((_COMPONENTS.get(kind, kind), b[position + 1 : after]))
        position = after
    return tuple(found)


def _size(kind: int, b: bytes, begin: int) -> int:
    if kind == Component.RTP_MULTIPLEXED_MEDIA:  # a number of entries, each behind its length
        position = begin + 1
        for _ in range(b[begin]):
            position += 1 + b[position]
        return position - begin
    return _SIZES.get(kind, len(b) - begin)


# -- putting together ----------------------------------------------------------------------------------------


def ipv4(kind: Component, network: IPv4Network) -> tuple[int, bytes]:
    """IPV4_REMOTE_ADDRESS or IPV4_LOCAL_ADDRESS."""
    return kind, network.network_address.packed + network.netmask.packed


def ipv6(kind: Component, network: IPv6Network) -> tuple[int, bytes]:
    """IPV6_REMOTE_PREFIX or IPV6_LOCAL_PREFIX."""
    return kind, network.network_address.packed + bytes((network.prefixlen,))


def number(kind: Component, value: int) -> tuple[int, bytes]:
    """A component that is one number, such as PROTOCOL, REMOTE_PORT, FLOW_LABEL or ETHERTYPE."""
    return kind, value.to_bytes(_SIZES[kind], "big")


def ports(kind: Component, low: int, high: int) -> tuple[int, bytes]:
    """LOCAL_PORT_RANGE or REMOTE_PORT_RANGE; a range of one port becomes a single port."""
    if low == high:
        return number(Component(kind - 1), low)
    return kind, low.to_bytes(2, "big") + high.to_bytes(2, "big")


def traffic_class(value: int, mask: int = 0xFF) -> tuple[int, bytes]:
    return Component.TRAFFIC_CLASS, bytes((value, mask))


# -- in words ------------------------------------------------------------------------------------------------


def _masked(b: bytes) -> str:
    address, mask = IPv4Address(b[:4]), IPv4Address(b[4:])
    try:
        return str(IPv4Network(f"{address}/{mask}", strict=False))
    except ValueError:
        return f"{address} mask {mask}"


def _prefix(b: bytes) -> str:
    return f"{IPv6Address(b[:16])}/{b[16]}"


def _decimal(b: bytes) -> str:
    return str(int.from_bytes(b, "big"))


def _hexadecimal(b: bytes) -> str:
    return f"0x{b.hex()}"


def _mac(b: bytes) -> str:
    return b.hex(":")


_WORDS: dict[int, tuple[str, Callable[[bytes], str]]] = {
    0x10: ("remote", _masked),
    0x11: ("local", _masked),
    0x21: ("remote", _prefix),
    0x23: ("local", _prefix),
    0x30: ("protocol", _decimal),
    0x40: ("local port", _decimal),
    0x41: ("local ports", lambda b: f"{_decimal(b[:2])}-{_decimal(b[2:])}"),
    0x50: ("remote port", _decimal),
    0x51: ("remote ports", lambda b: f"{_decimal(b[:2])}-{_decimal(b[2:])}"),
    0x60: ("SPI", _hexadecimal),
    0x70: ("traffic class", lambda b: f"{b[0]:#04x}/{b[1]:#04x}"),
    0x80: ("flow label", lambda b: f"{int.from_bytes(b, 'big') & 0xFFFFF:#07x}"),
    0x81: ("destination", _mac),
    0x82: ("source", _mac),
    0x83: ("C-TAG VID", lambda b: str(int.from_bytes(b, "big") & 0xFFF)),
    0x84: ("S-TAG VID", lambda b: str(int.from_bytes(b, "big") & 0xFFF)),
    0x85: ("C-TAG PCP/DEI", lambda b: f"{b[0] >> 1 & 7}/{b[0] & 1}"),
    0x86: ("S-TAG PCP/DEI", lambda b: f"{b[0] >> 1 & 7}/{b[0] & 1}"),
    0x87: ("Ethertype", _hexadecimal),
    0x88: ("destinations", lambda b: f"{_mac(b[:6])} to {_mac(b[6:])}"),
    0x89: ("sources", lambda b: f"{_mac(b[:6])} to {_mac(b[6:])}"),
    0x8A: ("C-TAG PCP/DEI", _hexadecimal),
    0x8B: ("S-TAG PCP/DEI", _hexadecimal),
}


def in_words(kind: int, value: bytes) -> str:
    """'remote 10.0.0.0/8', 'local ports 5000-5010', 'everything'."""
    if kind == Component.MATCH_ALL:
        return "everything"
    name, words = _WORDS.get(kind, (f"component {kind:#04x}", bytes.hex))
    return f"{name} {words(value) if len(value) == _SIZES.get(kind, len(value)) else value.hex()}"
