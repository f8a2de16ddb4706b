"""Settings of the SMF."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

from cinq.numbering import PlmnId, SNssai

UpSecurity = Literal["not-needed", "preferred", "required"]


@dataclass(frozen=True, slots=True)
class DataNetwork:
    """A DNN. pool: addresses for UEs. ipv6_pool: of which UEs get 64 bits; None: IPv6 is not served.

    mtu: octets. slices: where it is offered; empty: everywhere.

    ambr_uplink_bps, ambr_downlink_bps: session AMBR for a subscription that has none, bits per second.
    five_qi, arp: default QoS flow for a subscription that has none (TS 23.501 table 5.7.4-1; ARP 1 to 15).
    p_cscf: told to UEs that ask (TS 24.008 §10.5.6.3). always_on: TS 23.501 §5.6.13.
    up_integrity, up_ciphering: user plane security policy (TS 23.501 §5.10.3), unless the subscription has one.
    ladn_tacs: where it is, for a local area data network; empty: everywhere. rating_group: of what is used in it.
    ethernet: whether it has Ethernet sessions.
    """

    name: str = "internet"
    pool: IPv4Network = IPv4Network("10.45.0.0/16")
    dns: tuple[IPv4Address, ...] = ()
    ipv6_pool: IPv6Network | None = None
    ipv6_dns: tuple[IPv6Address, ...] = ()
    mtu: int = 1400
    slices: tuple[SNssai, ...] = ()
    ambr_uplink_bps: int = 10**9
    ambr_downlink_bps: int = 10**9
    five_qi: int = 9
    arp: int = 8
    p_cscf: tuple[IPv4Address, ...] = ()
    always_on: bool = False
    up_integrity: UpSecurity = "not-needed"
    up_ciphering: UpSecurity = "preferred"
    ladn_tacs: tuple[int, ...] = ()
    rating_group: int = 1
    ethernet: bool = False

    @property
    def pools(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return (self.pool,) if self.ipv6_pool is None else (self.pool, self.ipv6_pool)


@dataclass(frozen=True, slots=True)
class Charging:
    """on: the CHF is asked for each session. goes_on_without: a session is served where no CHF answers.

    answer_s: how long a CHF has for an answer. tries: how often it is asked before a session ends for it.
    again_s: between attempts.
    """

    on: bool = False
    goes_on_without: bool = False
    answer_s: float = 5.0
    tries: int = 3
    again_s: float = 10.0


@dataclass(frozen=True, slots=True)
class UserPlane:
    """A UPF by its N4 address. loopback: its N3 end may be a loopback address, for gNBs on the same host.

    n3_ipv4, n3_ipv6: of which versions of IP its N3 ends are.
    dnns, slices, tacs: what and where it serves; empty: all. capacity: its share beside the others, at least 1.
    """

    address: IPv4Address
    port: int = 8805
    loopback: bool = False
    n3_ipv4: bool = True
    n3_ipv6: bool = False
    dnns: tuple[str, ...] = ()
    slices: tuple[SNssai, ...] = ()
    tacs: tuple[int, ...] = ()
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """plmns: all that this core serves, empty: plmn alone. partners: PLMNs whose subscribers may roam here.
    node_id: the SMF's address on N4, its PFCP Node ID.

    t1_s, n1: PFCP T1-RESPONSE and N1-REQUESTS, how long a request waits and how often it is sent (TS 29.244 §6.4).
    heartbeat_s: between heartbeats, and between attempts to set up an association.
    t3591_s, t3592_s: TS 24.501 table 10.3.2.
    back_off_s: of the back-off timer with a reject that another attempt does not mend (TS 24.501 §6.4.1.4).
    address_lifetime_s: how long a session of SSC mode 3 stays when another is to take its place (T3593).
    guard_s: how long a gNB has for a modification, and how long one waits that a handover keeps from going out.
    forwarding_s: how long indirect data forwarding stays after a handover (TS 23.502 §4.9.1.3.3 step 11).
    """

    plmn: PlmnId
    node_id: IPv4Address
    user_planes: tuple[UserPlane, ...]
    data_networks: tuple[DataNetwork, ...] = (DataNetwork(),)
    t1_s: float = 3.0
    n1: int = 3
    heartbeat_s: float = 20.0
    t3592_s: float = 16.0
    t3591_s: float = 16.0
    forwarding_s: float = 5.0
    guard_s: float = 5.0
    back_off_s: int = 60
    address_lifetime_s: int = 60
    plmns: tuple[PlmnId, ...] = ()
    partners: tuple[PlmnId, ...] = ()
    charging: Charging = Charging()
