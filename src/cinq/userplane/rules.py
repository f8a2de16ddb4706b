"""What a GTP-U tunnel end is told: rules, settings, counters. Neutral: no PFCP, no sockets, no eBPF.

Either end of N3 uses the same types. At a UPF an uplink packet is decapsulated and a downlink packet is
encapsulated by its destination; at a gNB (role GNB) a downlink packet is decapsulated and an uplink packet is
encapsulated by its source. `ue` is the UE's IPv4 address in both.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import force_setattr

from cinq.transport_address import Address, TransportAddress
from cinq.userplane.flows import (
    NO_ADDRESS,
    Action,
    Count,
    Filter,
    Flow,
    Limit,
)

__all__ = ["NO_ADDRESS", "Action", "Address", "Count", "Filter", "Flow", "Limit"]

GTPU_PORT = 2152
PFCP_PORT = 8805
NGAP_PORT = 38412
HEADERS = 44  # octets added on N3: IPv4 20, UDP 8, GTP-U 12, PDU Session Container 4
HEADERS_IPV6 = HEADERS + 20
DEFAULT_BUCKET_MS = 300
WITH_PORTS = (6, 17, 132)  # TCP, UDP, SCTP
NOWHERE = frozenset((0, 127, *range(224, 256)))
"""First octets of addresses that no router forwards to (RFC 1812 §5.3.7): this host, loopback, multicast, reserved."""
LINK_LOCAL = bytes((169, 254))  # 169.254.0.0/16, which no router forwards either (RFC 3927 §2.7)
MOST_PEERS = 4  # of a tunnel: a master and a secondary node, by IPv4 and by IPv6
Network = IPv4Network | IPv6Network
PEERS = 1024  # far ends of N3 that are kept from UEs


class Role(IntEnum):
    UPF = 0
    GNB = 1


class Reason(IntEnum):
    """Why a packet did not take the plain way; the order is that of `enum reason` in gtpu.c."""

    SLOW_PATH = 0  # Echo, Error Indication, End Marker and odd packets: to user space
    UNKNOWN_TEID = 1  # to user space, which answers Error Indication
    MALFORMED = 2
    SPOOFED = 3  # inner source (UPF) or destination (gNB) is not the UE's address
    PROTECTED = 4  # infrastructure that a UE may not reach
    UE_TO_UE = 5
    POLICED = 6
    RULE_DROP = 7
    UNKNOWN_UE = 8
    TOO_BIG = 9
    FAILED = 10
    BUFFER_FULL = 11
    FLOOD = 12  # more for the slow path than it is given
    WRONG_QFI = 13
    PUNTED = 14  # to the buffer
    SEGMENTED = 15  # left to the kernel's segmentation
    NO_FLOW = 16  # no flow of the session takes it
    LOOP = 17  # a packet of our own tunnel that came back to us
    WRONG_PEER = 18  # from an address that has not this tunnel: to user space, and no further
    DISCARDED = 19  # waited for an idle UE that was not reached, or whose session ended


class DecapRule(Struct, frozen=True, gc=False):
    """Outer header removal. `teid` is ours, 32 bits. `ue` and `prefix` (64 bits) are the UE's. `qfi` 0 accepts any QFI.

    `side` names the UE's interface that the packet leaves by (gNB only; "" is the first). flows: in the order in
    which they are tried, instead of action and qfi. peers: from where packets may come, at most MOST_PEERS; () is
    from anywhere. is_frames: of an Ethernet session, instead of ue, prefix
    and flows.
    """

    teid: int
    ue: IPv4Address = NO_ADDRESS
    action: Action = Action.FORWARD
    qfi: int = 0
    side: str = ""
    prefix: IPv6Network | None = None
    flows: tuple[Flow, ...] = ()
    peers: tuple[IPv4Network | IPv6Network, ...] = ()
    is_frames: bool = False


class EncapRule(Struct, frozen=True, gc=False):
    """Outer header creation. `ue`: the UE's address, or its IPv6 prefix of 64 bits. `teid`, `peer`: of the other end.

    flows: in the order in which they are tried, instead of all else but the address. routes: networks behind the UE,
    of its version of IP.
    """

    ue: IPv4Address | IPv6Network
    teid: int = 0
    peer: Address = NO_ADDRESS
    qfi: int = 0
    action: Action = Action.FORWARD
    notify: bool = True  # with BUFFER: tell the control plane of the first packet
    tos: int = 0  # of the outer header
    flows: tuple[Flow, ...] = ()
    routes: tuple[Network, ...] = ()
    key: int = 0  # of the UE's packets: see `address_key`; it follows from `ue`

    def __post_init__(self) -> None:
        force_setattr(self, "key", address_key(self.ue))

    @property
    def peers(self) -> list[Address]:
        """The far ends that packets may go to."""
        return [flow.peer for flow in self.flows] if self.flows else [self.peer]

    @property
    def waits(self) -> bool:
        """Whether packets may wait."""
        return Action.BUFFER in ([flow.action for flow in self.flows] or [self.action])


IS_IPV6 = 1 << 64


def address_key(ue: IPv4Address | IPv6Network) -> int:
    """An IPv4 address as a number; the 64 bits of an IPv6 prefix with one bit before them."""
    return int(ue) if isinstance(ue, IPv4Address) else int(ue.network_address) >> 64 | IS_IPV6


class Ambr(Struct, frozen=True, gc=False):
    """Session-AMBR in bit/s of inner IP octets; 0 is no limit."""

    uplink: int = 0
    downlink: int = 0


class SessionRules(Struct, frozen=True, gc=False):
    """All rules of one session. Installing replaces whatever the session had.

    ambr: of packets that no flow decides on; flows name their limits. frames: of an Ethernet session what frames
    towards the UE get, whatever address the rule names; link: what it is on.
    """

    session: int
    decap: tuple[DecapRule, ...] = ()
    encap: tuple[EncapRule, ...] = ()
    ambr: Ambr = Ambr()
    limits: tuple[Limit, ...] = ()
    frames: EncapRule | None = None
    link: str = ""

    @property
    def told_apart(self) -> list[tuple[Flow, ...]]:
        """The flows of each end that has any, no two alike."""
        found: list[tuple[Flow, ...]] = []
        rules: tuple[DecapRule | EncapRule, ...] = (*self.decap, *self.encap)
        for rule in rules:
            if rule.flows and rule.flows not in found:
                found.append(rule.flows)
        return found

    @property
    def flows(self) -> dict[int, Flow]:
        """By number."""
        return {flow.number: flow for flows in self.told_apart for flow in flows}


@dataclass(frozen=True, slots=True)
class Protected:
    """Infrastructure out of a UE's reach. protocol 0: any; port 0: any (IP protocol and port numbers)."""

    address: Address
    protocol: int = 0
    port: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Packets and inner IP octets of a session that passed, and packets that its AMBR cut off."""

    uplink_packets: int = 0
    uplink_octets: int = 0
    downlink_packets: int = 0
    downlink_octets: int = 0
    uplink_policed: int = 0
    downlink_policed: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Way:
    """N6 of one data network, apart from the others': its pools leave by this interface alone. nat: behind its address.

    gateway, ipv6_gateway: the next router; None: everybody is reached on the link.
    """

    pools: tuple[IPv4Network | IPv6Network, ...]
    interface: str
    gateway: IPv4Address | None = None
    ipv6_gateway: IPv6Address | None = None
    nat: bool = False


@dataclass(frozen=True, slots=True)
class PlaneSettings:
    """One tunnel end. Interfaces may be "" (n3_interface: the one that has n3_address; n6: the default route's).

    n3_ipv6: beside an n3_address of IPv4, where N3 is of both.
    """

    role: Role
    n3_address: Address
    instance: str = "cinq"  # at most 8 characters: interface and table names begin with it
    n3_interface: str = ""
    n6_interface: str = ""
    ue_pools: tuple[IPv4Network, ...] = ()
    ue_prefixes: tuple[IPv6Network, ...] = ()  # of which UEs have 64 bits
    protected: tuple[Protected, ...] = ()
    protected_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    ue_to_ue: bool = False
    reach_host: bool = False  # whether UEs reach addresses of this host, but for what is protected
    bucket_ms: int = DEFAULT_BUCKET_MS
    max_sessions: int = 32768
    buffer_per_session: int = 64  # packets
    buffer_total: int = 16384  # packets
    slow_per_s: int = 2000  # packets for user space
    nat: bool = (
        False  # N6: the UE pools behind the address of the N6 interface, or of any way out without one
    )
    nat_pools: tuple[IPv4Network | IPv6Network, ...] = ()  # with `nat`: only these; () is all
    n3_ipv6: IPv6Address | None = None
    ways: tuple[Way, ...] = ()
    n3_mtu: int = 0  # of the N3 link; 0: the interface's
    n3_ipsec: bool = False  # whether N3 is refused in clear
    plane: Literal["auto", "ebpf", "tun"] = "auto"
    links: tuple[
        tuple[str, str], ...
    ] = ()  # of Ethernet sessions: names of links, each with that of its interface
    pins: Path | None = None  # folder in a BPF file system, where the plane outlives its process
    first_table: int = 5190  # gNB: of the routing tables of its interfaces, one each

    def inner_mtu(self, interface_mtu: int) -> int:
        """Octets of the largest inner packet that fits N3 whole."""
        return min(interface_mtu, self.n3_mtu or 9000) - headers_on(self.n3)

    @property
    def n3(self) -> TransportAddress:
        """Our ends of N3."""
        return TransportAddress.of_both(self.n3_address, self.n3_ipv6)

    def infrastructure(self) -> frozenset[Protected]:
        """The protected endpoints, our own N3 and N4 ports always among them (a UPF only).

        A port of any protocol is spelt out for TCP, UDP and SCTP.
        """
        if self.role is Role.GNB:
            return frozenset()
        own = [Protected(end, 17, port) for end in self.n3.all for port in (GTPU_PORT, PFCP_PORT)]
        spelt: set[Protected] = set(own)
        for p in self.protected:
            any_protocol = p.port and not p.protocol
            spelt |= {Protected(p.address, n, p.port) for n in WITH_PORTS} if any_protocol else {p}
        return frozenset(spelt)


def headers_on(n3: TransportAddress) -> int:
    """Octets around a UE's packet at most, where N3 has these ends."""
    return HEADERS_IPV6 if n3.ipv6 is not None else HEADERS


class RuleError(Exception):
    """Rules that cannot be installed; what was there before still holds."""


class TeidInUse(RuleError):
    """The TEID belongs to another session."""


class AddressInUse(RuleError):
    """The UE address belongs to another session."""


class NoRoom(RuleError):
    """The plane is full."""


class PlaneEvents(Protocol):
    """What a plane tells its owner, from the event loop's thread."""

    def gtpu_received(self, octets: bytes, peer: tuple[str, int]) -> None:
        """A GTP-U message that is not a G-PDU of a known TEID, already bounded in rate."""

    def buffered(self, session: int) -> None:
        """The first packet since BUFFER with `notify` was installed waits."""


class Side(Protocol):
    """A UE's interface at a gNB; programs bind to its `name` or to an address added."""

    name: str

    def add(self, address: IPv4Address | IPv6Address) -> None: ...

    def remove(self, address: IPv4Address | IPv6Address) -> None: ...

    def add_network(self, network: Network) -> None:
        """Every address of it is one of the UE's. OSError: the kernel refuses."""

    def remove_network(self, network: Network) -> None:
        """Idempotent."""


class Plane(Protocol):
    """A data plane, whichever. All methods are quick and synchronous; call them from the loop's thread."""

    @property
    def kind(self) -> Literal["ebpf", "tun"]: ...

    @property
    def mtu(self) -> int:
        """Octets of the largest inner packet."""

    @property
    def survives(self) -> bool:
        """Whether packets go on without the process."""

    def install(self, rules: SessionRules) -> None:
        """Replaces the rules of the session, all or nothing (RuleError). Buffered packets follow a change to
        FORWARD in order and are discarded by DROP."""

    def remove(self, session: int) -> None:
        """Idempotent."""

    def discard(self, session: int) -> None:
        """Throws away what the session has buffered; the next packet is reported again."""

    def usage(self, session: int) -> Usage: ...

    def flow_usage(self, session: int) -> dict[int, Count]:
        """What passed in each flow, by its number; of those that the session has now."""

    def counts(self) -> dict[Reason, int]: ...

    def counted(self) -> dict[Reason, list[int]]:
        """The same where it was counted: in user space, and then on each CPU."""

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        """A GTP-U message of the control kind from our N3 address, port 2152."""

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        """As if the message came from this peer now: one that was given to PlaneEvents, and has a rule since."""

    def take_up(self, sessions: list[SessionRules]) -> int:
        """Once, before any other session: those of a former process go on with what they have counted, or are
        installed; what else that process left goes. How many went on without a packet lost."""

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> Side:
        """gNB: an interface for UEs, of at most 13 characters, in our namespace or moved to that of a process
        id or path. A name below /run/netns is made where it is not. OSError: the kernel refuses."""

    def add_link(self, link: str, name: str, namespace: str | int | None = None) -> None:
        """gNB: the interface `name` (a TAP) of an Ethernet session, in our namespace or another.
        OSError: it cannot be."""

    def remove_link(self, link: str) -> None:
        """Idempotent."""

    def settle(self) -> None:
        """What programs sent on the interfaces before this call is on its way after it."""

    def catch_up(self) -> None:
        """What has come from N3 for user space is handled now."""

    def changes(self) -> list[str]:
        """What it changed on this host, one line each."""

    def leave(self) -> None:
        """With `pins` packets go on without us, for a later process; else as `close`."""

    def close(self) -> None:
        """Everything as it was before. Idempotent."""
