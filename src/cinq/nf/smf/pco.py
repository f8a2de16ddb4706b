"""Extended protocol configuration options, TS 24.008 §10.5.6.3: what a UE asks for and what it gets."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

from cinq.nf.smf.settings import DataNetwork
from cinq.wire import nas

P_CSCF_IPV4, BEARER_CONTROL, ADDRESS_LIFETIME, IPCP = 0x000C, 0x0005, 0x001E, 0x8021
ETHERNET_MTU, AROUND_PAYLOAD = 0x0020, 18
"""Ethernet frame payload MTU; octets that a frame, with a tag, has besides."""
MS_AND_NETWORK: Final = b"\x02"
"""Selected bearer control mode: both sides may begin modifications."""
CONFIGURE_REQUEST, CONFIGURE_ACK, CONFIGURE_NAK = 1, 2, 3
PRIMARY_DNS, SECONDARY_DNS = 129, 131  # RFC 1877


def extended_pco(requested: nas.ExtendedPco | None, network: DataNetwork) -> nas.ExtendedPco | None:
    """DNS servers, P-CSCF, link MTU and bearer control mode for a UE that asks for them; None when it gets nothing."""
    if requested is None:
        return None
    asked = {identifier for identifier, _ in requested}
    answer: nas.ExtendedPco = []
    for identifier, contents in requested:
        reply = ipcp(contents, network.dns) if identifier == IPCP else None
        if reply is not None:
            answer.append((IPCP, reply))
    if BEARER_CONTROL in asked:
        answer.append((BEARER_CONTROL, MS_AND_NETWORK))
    if P_CSCF_IPV4 in asked:
        answer += [(P_CSCF_IPV4, server.packed) for server in network.p_cscf]
    if nas.EPCO_DNS_SERVER_IPV4 in asked:
        answer += [(nas.EPCO_DNS_SERVER_IPV4, server.packed) for server in network.dns]
    if nas.EPCO_DNS_SERVER_IPV6 in asked and network.ipv6_pool is not None:
        answer += [(nas.EPCO_DNS_SERVER_IPV6, server.packed) for server in network.ipv6_dns]
    if ETHERNET_MTU in asked:
        answer.append((ETHERNET_MTU, (network.mtu - AROUND_PAYLOAD).to_bytes(2, "big")))
    if nas.EPCO_IPV4_LINK_MTU in asked:
        answer.append((nas.EPCO_IPV4_LINK_MTU, network.mtu.to_bytes(2, "big")))
    return answer or None


def ipcp(request: bytes, dns: tuple[IPv4Address, ...]) -> bytes | None:
    """The answer to an IPCP Configure-Request (RFC 1332, 1877) for DNS servers; None for anything else.

    Configure-Nak with our servers, Configure-Ack when the UE has them right already.
    """
    if len(request) < 4 or request[0] != CONFIGURE_REQUEST:
        return None
    identifier, length = request[1], int.from_bytes(request[2:4], "big")
    wanted = _dns_options(request[4:length]) if 4 <= length <= len(request) else None
    servers = dict(zip((PRIMARY_DNS, SECONDARY_DNS), dns[:2], strict=False))
    ours = {kind: servers[kind].packed for kind in wanted or {} if kind in servers}
    if not wanted or not ours:
        return None
    code = CONFIGURE_ACK if ours == wanted else CONFIGURE_NAK
    options = b"".join(bytes((kind, 6)) + address for kind, address in ours.items())
    return bytes((code, identifier)) + (4 + len(options)).to_bytes(2, "big") + options


def _dns_options(options: bytes) -> dict[int, bytes] | None:
    """The DNS addresses asked for; None when the options are no options."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(options):
        size = options[position + 1] if position + 1 < len(options) else 0
        if size < 2 or position + size > len(options):
            return None
        if options[position] in (PRIMARY_DNS, SECONDARY_DNS) and size == 6:
            found[options[position]] = options[position + 2 : position + 6]
        position += size
    return found


def address_lifetime(seconds: int) -> nas.ExtendedPco:
    """PDU session address lifetime: how long the session stays when another takes its place (SSC mode 3)."""
    return [(ADDRESS_LIFETIME, min(seconds, 0xFFFF).to_bytes(2, "big"))]
