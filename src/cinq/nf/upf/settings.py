"""Settings of the UPF."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from cinq.transport_address import TransportAddress


@dataclass(frozen=True, slots=True)
class Prefixes:
    """IPv6 of a data network: UEs have 64 bits of the pool. mtu, dns: what router advertisements say; 0: no MTU."""

    pool: IPv6Network
    mtu: int = 0
    dns: tuple[IPv6Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """node_id: our N4 address, the PFCP Node ID. n3: where gNBs send user packets.

    ue_pools: the addresses that are routed to the data plane; empty: any. prefixes: the same of IPv6; empty: none.
    smf_addresses: who may set up an association; empty: anyone. t1_s, n1: how long a report waits for its answer and
    how often it is sent (TS 29.244 §6.4). echo_per_s: answers on N3 to each peer. links: network instances that serve
    Ethernet sessions. gnb_networks: each the addresses from which one gNB sends. max_sessions: what the data plane has
    room for.

    heartbeat_s: between ours; 0: none. associates: whether we set associations up with smf_addresses ourselves.
    grace_s: how long the sessions of an SMF that does not answer stay.
    """

    node_id: IPv4Address
    n3: TransportAddress
    ue_pools: tuple[IPv4Network, ...] = ()
    smf_addresses: tuple[IPv4Address, ...] = ()
    t1_s: float = 3.0
    n1: int = 3
    echo_per_s: int = 50
    prefixes: tuple[Prefixes, ...] = ()
    gnb_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    links: tuple[str, ...] = ()
    max_sessions: int = 65536
    heartbeat_s: float = 0.0
    associates: bool = False
    grace_s: float = 300.0
