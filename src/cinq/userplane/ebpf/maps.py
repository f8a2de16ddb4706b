"""The structures of gtpu.c, octet by octet. TEIDs and addresses are in network order, as on the wire."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from cinq.userplane.flows import MOST_FILTERS, MOST_FLOWS, MOST_LIMITS, Filter, Flow
from cinq.userplane.policer import cost_per_octet
from cinq.userplane.rules import (
    MOST_PEERS,
    Address,
    DecapRule,
    EncapRule,
    Network,
    PlaneSettings,
    Protected,
    Reason,
    Role,
)

ROLE_GNB, DENY_UE_TO_UE, HAS_PROTECTED, HAS_NETWORKS, HAS_ROUTES = 1, 2, 4, 8, 16
TO_PEER, FRAMES, RELAYS, TO_UE, OPAQUE = 1, 2, 4, 8, 16
BY_N9 = 16
ANY_PROTOCOL = 255
WHOLE_HOST, SOME_PORTS = 1, 2
SETTINGS = struct.Struct("<4s5I2Q16s12sI")
PEER = struct.Struct("<16s16sI4x")
DECAP = struct.Struct(f"<I4sII8s{MOST_PEERS * PEER.size}s4s16sI5B3x")
DECAP_PUNTED = DECAP.size - 12
"""Where the kernel counts what waits."""
ENCAP = struct.Struct("<III4s16s4B")
FILTER = struct.Struct("<16s16s16s16s4HIIBBBBBB2x")
FLOW = struct.Struct(f"<QI{MOST_LIMITS}I4s16s4B4x")
CHAIN = struct.Struct(f"<I4x{MOST_FLOWS * FLOW.size}s{MOST_FILTERS * FILTER.size}s")
HAS_PROTOCOL, HAS_REMOTE_PORTS, HAS_LOCAL_PORTS, HAS_SPI, HAS_LABEL = 1, 2, 4, 8, 16
RQI = 0x40
POLICER = struct.Struct("<7Q")
USAGE = struct.Struct("<4Q")
ENDPOINT = struct.Struct("<16s2sBB4x")
NETWORK = struct.Struct("<I4s")
NETWORK6 = struct.Struct("<I16s")
COUNT = struct.Struct("<Q")
Towards = Callable[[Address], bool]
"""Whether the peer is reached by N9's interface."""
INDEX = struct.Struct("<I")
FIRST = INDEX.pack(0)
FORMATS = tuple(
    each.format
    for each in (SETTINGS, DECAP, ENCAP, FILTER, FLOW, CHAIN, POLICER, USAGE, ENDPOINT, NETWORK, NETWORK6)
)
"""What tells one layout of the tables from another."""
SIZES = {"settings": SETTINGS, "decaps": DECAP, "encaps": ENCAP, "policers": POLICER, "usages": USAGE}
SIZES |= {"chains": CHAIN, "encaps6": ENCAP}


def settings_value(
    settings: PlaneSettings,
    *,
    n3: int,
    n9: int,
    buffer: int,
    mtu: int,
    ue_macs: tuple[bytes, bytes],
    has_routes: bool = False,
) -> bytes:
    """`n3`, `n9` and `buffer` are interface indices; `ue_macs` the UE's address and ours on its interface. has_routes:
    networks are behind UEs."""
    flags = HAS_ROUTES if has_routes else 0
    flags |= ROLE_GNB if settings.role is Role.GNB else HAS_PROTECTED
    if settings.role is Role.UPF and not settings.ue_to_ue:
        flags |= DENY_UE_TO_UE
    if settings.role is Role.UPF and settings.protected_networks:
        flags |= HAS_NETWORKS
    interval = 1_000_000_000 // settings.slow_per_s
    burst = interval * max(settings.slow_per_s // 10 - 1, 0)
    rate = settings.buffer_per_session, interval, burst
    four, six = settings.n3.ipv4, settings.n3.ipv6
    ends = b"" if four is None else four.packed, b"" if six is None else six.packed
    return SETTINGS.pack(ends[0], n3, buffer, mtu, flags, *rate, ends[1], b"".join(ue_macs), n9)


def decap_key(teid: int) -> bytes:
    return teid.to_bytes(4, "big")


def decap_value(rule: DecapRule, slot: int, chain: int, port: int, flags: int, towards: Towards) -> bytes:
    """`port` is the interface index of the UE's interface (gNB), `flags` TO_PEER or 0. chain: 0 without flows."""
    prefix = b"" if rule.prefix is None else rule.prefix.network_address.packed[:8]
    peers = b"".join(PEER.pack(p.network_address.packed, p.netmask.packed, p.version) for p in rule.peers)
    for flag, holds in ((FRAMES, rule.is_frames), (RELAYS, rule.relays), (TO_UE, rule.to_ue)):
        flags |= flag if holds else 0
    flags |= OPAQUE if rule.is_opaque else 0
    onward = rule.onward.to_bytes(4, "big"), rule.peer.packed, 0
    last = rule.action, rule.qfi, flags, rule.tos, _outer(rule.peer, towards)
    return DECAP.pack(slot, rule.ue.packed, port, chain, prefix, peers, *onward, *last)


def encap_key(rule: EncapRule) -> tuple[str, bytes]:
    """The table, and the key in it."""
    if isinstance(rule.ue, IPv4Address):
        return "encaps", rule.ue.packed
    return "encaps6", rule.ue.network_address.packed[:8]


def encap_value(rule: EncapRule, slot: int, chain: int, towards: Towards) -> bytes:
    teid, outer = rule.teid.to_bytes(4, "big"), _outer(rule.peer, towards)
    return ENCAP.pack(slot, chain, 0, teid, rule.peer.packed, rule.action, rule.qfi, rule.tos, outer)


def _outer(peer: Address, towards: Towards) -> int:
    """The version of IP of the tunnel, and whether it is on N9's interface; 0 where there is no peer."""
    return peer.version | (BY_N9 if towards(peer) else 0) if int(peer) else 0


def chain_value(
    flows: tuple[Flow, ...], slots: dict[int, int], limits: dict[int, int], towards: Towards
) -> bytes:
    """slots: of each flow's counters, limits: of the policers, by number."""
    made = [_flow(flow, slots[flow.number], [limits[n] for n in flow.limits], towards) for flow in flows]
    filters = [
        _filter(each, index) for index, flow in enumerate(flows) for each in flow.filters or (Filter(),)
    ]
    return CHAIN.pack(len(filters), b"".join(made), b"".join(filters))


def _flow(flow: Flow, slot: int, limits: list[int], towards: Towards) -> bytes:
    named = [*(n + 1 for n in limits), *[0] * (MOST_LIMITS - len(limits))]
    qfi = flow.qfi | (RQI if flow.reflective else 0)
    teid, bits = flow.teid.to_bytes(4, "big"), sum(1 << n for n in set(flow.qfis))
    outer = _outer(flow.peer, towards)
    return FLOW.pack(bits, slot, *named, teid, flow.peer.packed, flow.action, qfi, flow.tos, outer)


def _filter(each: Filter, flow: int) -> bytes:
    remote, remote_mask = _network(each.remote)
    local, local_mask = _network(each.local)
    versions = [network.version for network in (each.remote, each.local) if network is not None]
    given = (
        (each.protocol, HAS_PROTOCOL),
        (each.remote_ports, HAS_REMOTE_PORTS),
        (each.local_ports, HAS_LOCAL_PORTS),
        (each.spi, HAS_SPI),
        (each.flow_label, HAS_LABEL),
    )
    return FILTER.pack(
        remote,
        remote_mask,
        local,
        local_mask,
        *(each.remote_ports or (0, 0)),
        *(each.local_ports or (0, 0)),
        each.spi or 0,
        each.flow_label or 0,
        each.protocol or 0,
        *(each.tos or (0, 0)),
        versions[0] if versions else 0,
        sum(flag for value, flag in given if value is not None),
        flow,
    )


def _network(network: IPv4Network | IPv6Network | None) -> tuple[bytes, bytes]:
    """Address and mask, filled up with zeros (struct does so)."""
    return (b"", b"") if network is None else (network.network_address.packed, network.netmask.packed)


def policer_value(decap_bps: int, encap_bps: int, burst_ns: int) -> bytes:
    """A fresh bucket for each direction."""
    return POLICER.pack(cost_per_octet(decap_bps), cost_per_octet(encap_bps), burst_ns, 0, 0, 0, 0)


def protected_entries(endpoints: Iterable[Protected]) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values: one for each endpoint, and one that says that the host has any."""
    hosts: dict[Address, int] = {}
    for endpoint in endpoints:
        address, whole = endpoint.address, not endpoint.protocol
        hosts[address] = WHOLE_HOST if whole else hosts.get(address, SOME_PORTS)
        if not whole:
            port = endpoint.port.to_bytes(2, "big")
            key = ENDPOINT.pack(address.packed, port, endpoint.protocol, address.version)
            yield key, INDEX.pack(SOME_PORTS)
    for address, value in hosts.items():
        yield ENDPOINT.pack(address.packed, b"\0\0", ANY_PROTOCOL, address.version), INDEX.pack(value)


def network_entry(network: IPv4Network | IPv6Network) -> tuple[str, bytes, bytes]:
    """The longest-prefix table, key and value."""
    key = INDEX.pack(network.prefixlen) + network.network_address.packed
    return "networks" if network.version == 4 else "networks6", key, INDEX.pack(WHOLE_HOST)


def route_entry(route: Network, rule: EncapRule) -> tuple[str, bytes, bytes]:
    """The longest-prefix table of networks behind UEs, key and value: the UE's own key."""
    key = INDEX.pack(route.prefixlen) + route.network_address.packed
    return "routes" if route.version == 4 else "routes6", key, encap_key(rule)[1]


def reason_key(reason: Reason) -> bytes:
    return INDEX.pack(reason)
