"""Protocol configuration options of a PDU session: what the UE asks for, and what it finds (TS 24.008 §10.5.6.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cinq.ran.ue.settings import PcoItem
from cinq.wire import nas

IPCP = 0x8021
P_CSCF_IPV6_REQUEST, BEARER_CONTROL, P_CSCF_IPV4 = 0x0001, 0x0005, 0x000C
ADDRESS_LIFETIME = 0x0017  # PDU session address lifetime
_PRIMARY_DNS, _SECONDARY_DNS = 129, 131  # RFC 1877
_CONFIGURE_REQUEST = 1
_ASKED: dict[PcoItem, tuple[int, bytes]] = {
    "nas_address": (nas.EPCO_IP_ADDRESS_ALLOCATION_VIA_NAS, b""),
    "dns": (nas.EPCO_DNS_SERVER_IPV4, b""),
    "dns6": (nas.EPCO_DNS_SERVER_IPV6, b""),
    "mtu": (nas.EPCO_IPV4_LINK_MTU, b""),
    "p_cscf": (P_CSCF_IPV4, b""),
    "p_cscf6": (P_CSCF_IPV6_REQUEST, b""),
    "bearer_control": (BEARER_CONTROL, b""),
    "ipcp": (IPCP, bytes((_CONFIGURE_REQUEST, 0, 0, 16, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0))),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the network said. None, or nothing, where it did not."""

    mtu: int | None = None
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    p_cscf: tuple[IPv4Address, ...] = ()


def asked(items: Iterable[PcoItem]) -> nas.ExtendedPco:
    return [_ASKED[item] for item in items]


def found(containers: nas.ExtendedPco | None) -> Found:
    """Contents of a wrong length are passed over, as what nobody knows."""
    mtu: int | None = None
    dns: list[IPv4Address | IPv6Address] = []
    p_cscf: list[IPv4Address] = []
    for identifier, contents in containers or ():
        if identifier == nas.EPCO_IPV4_LINK_MTU and len(contents) == 2:
            mtu = int.from_bytes(contents, "big")
        elif identifier == nas.EPCO_DNS_SERVER_IPV4 and len(contents) == 4:
            dns.append(IPv4Address(contents))
        elif identifier == nas.EPCO_DNS_SERVER_IPV6 and len(contents) == 16:
            dns.append(IPv6Address(contents))
        elif identifier == P_CSCF_IPV4 and len(contents) == 4:
            p_cscf.append(IPv4Address(contents))
        elif identifier == IPCP:
            dns += [one for one in _ipcp(contents) if one not in dns]
    return Found(mtu, tuple(dns), tuple(p_cscf))


def _ipcp(packet: bytes) -> list[IPv4Address]:
    """DNS servers in a Configure-Ack or Configure-Nak, RFC 1332 and RFC 1877."""
    servers, place = [], 4
    while place + 2 <= len(packet) and packet[place + 1] >= 2:
        option, size = packet[place], packet[place + 1]
        value = packet[place + 2 : place + size]
        if option in (_PRIMARY_DNS, _SECONDARY_DNS) and len(value) == 4 and any(value):
            servers.append(IPv4Address(value))
        place += size
    return servers
