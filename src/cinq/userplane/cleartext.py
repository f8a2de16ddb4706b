"""What is in clear where IPsec is required: dropped and counted by one nftables table, both ways.

A packet has come through IPsec where the kernel took it out of ESP (`meta ipsec`), or by an interface that is named;
it leaves through IPsec where a policy takes its route over (`rt ipsec`), or by such an interface. The host's own
packets to itself are never on a wire.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cinq.userplane import nft

INPUT, OUTPUT, FILTER_PRIORITY = 1, 3, 0  # NF_INET_LOCAL_IN: what was in fragments is whole there
META_IIFNAME, META_L4PROTO, META_SECPATH = 6, 16, 25
RT_XFRM = 4
TRANSPORT_HEADER = 2
SOURCE_PORT, DESTINATION_PORT = 0, 2
LOOPBACK = "lo"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A port of ours where nothing is in clear. address: 0.0.0.0 or :: is each of that version. protocol: of IP."""

    point: str
    address: IPv4Address | IPv6Address
    protocol: int
    port: int

    def __str__(self) -> str:
        return f"{self.point.upper()} {self.address} port {self.port}"


def table_of(name: str, guarded: Iterable[Guarded], interfaces: tuple[str, ...]) -> list[nft.Part]:
    """The transaction that makes the table."""
    append = nft.NLM_F_CREATE | nft.NLM_F_APPEND
    ends = tuple(guarded)
    parts: list[nft.Part] = [nft.new_table(name)]
    for chain, hook in (("input", INPUT), ("output", OUTPUT)):
        parts.append(nft.new_chain(name, chain, hook, FILTER_PRIORITY, "filter"))
        for end in ends:
            rule = _rule(end, interfaces, comes=hook == INPUT)
            parts.append((nft.NEW_RULE, append, nft.rule_in(name, chain) + nft.rule_of(*rule)))
    return parts


def _rule(end: Guarded, interfaces: tuple[str, ...], *, comes: bool) -> list[bytes]:
    version = nft.IPV4 if end.address.version == 4 else nft.IPV6
    rule = [nft.meta(nft.META_NFPROTO), nft.compare(bytes((version,)), nft.EQUAL)]
    for name in (LOOPBACK, *interfaces):
        rule.append(nft.meta(META_IIFNAME if comes else nft.META_OIFNAME))
        rule.append(nft.compare(name.encode().ljust(16, b"\0"), nft.NOT_EQUAL))
    if int(end.address):
        source, destination = nft.AT[end.address.version]
        at = destination if comes else source
        rule.append(nft.payload(nft.NETWORK_HEADER, at, len(end.address.packed)))
        rule.append(nft.compare(end.address.packed, nft.EQUAL))
    rule += [nft.meta(META_L4PROTO), nft.compare(bytes((end.protocol,)), nft.EQUAL)]
    rule.append(nft.payload(TRANSPORT_HEADER, DESTINATION_PORT if comes else SOURCE_PORT, 2))
    rule.append(nft.compare(struct.pack("!H", end.port), nft.EQUAL))
    rule.append(nft.meta(META_SECPATH) if comes else nft.route(RT_XFRM))
    rule += [nft.compare(b"\0", nft.EQUAL), nft.counter(), nft.drop()]
    return rule
