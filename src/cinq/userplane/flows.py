"""Service data flows: which packets of a session are of which flow, and what is done with those. TS 23.501 §5.8.2.4.

Neutral like the rules: no PFCP, no sockets, no eBPF. Filters look from the UE: `local` is its end, in both directions.
flows.h has the same structures, and the same order of checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from msgspec import Struct

from cinq.transport_address import Address
from cinq.userplane.policer import Policer

MOST_FLOWS, MOST_FILTERS, MOST_LIMITS = 32, 64, 4
"""Flows and filters of one tunnel end, limits of one flow."""
NO_ADDRESS = IPv4Address(0)
TCP, UDP, SCTP, ESP, AH = 6, 17, 132, 50, 51
WITH_PORTS = frozenset((TCP, UDP, SCTP))
NO_QFI = 255


class Action(IntEnum):
    """Apply Action of a FAR, TS 29.244 §8.2.26, as far as the data plane has it."""

    DROP = 0
    FORWARD = 1
    BUFFER = 2


class Filter(Struct, frozen=True, gc=False):
    """A packet fits when all that is given fits. Ports: first and last, of TCP, UDP or SCTP; tos: value and mask.

    protocol: of an IPv6 packet the first next header that is no extension.
    """

    protocol: int | None = None
    remote: IPv4Network | IPv6Network | None = None
    remote_ports: tuple[int, int] | None = None
    local: IPv4Network | IPv6Network | None = None
    local_ports: tuple[int, int] | None = None
    tos: tuple[int, int] | None = None
    spi: int | None = None
    flow_label: int | None = None


class Flow(Struct, frozen=True, gc=False):
    """number: unique in the session, names the counters. filters: () takes every packet. qfis: of a decapsulated
    packet, () is any. limits: numbers of Limits of the session. qfi, teid, peer, tos (of the outer header): of
    encapsulated packets; teid, peer and tos also of decapsulated ones that go on in another tunnel. reflective: they
    carry the RQI (TS 38.415 §5.5.3.4)."""

    number: int
    filters: tuple[Filter, ...] = ()
    action: Action = Action.FORWARD
    qfis: tuple[int, ...] = ()
    limits: tuple[int, ...] = ()
    qfi: int = 0
    reflective: bool = False
    tos: int = 0
    teid: int = 0
    peer: Address = NO_ADDRESS
    notify: bool = True


class Limit(Struct, frozen=True, gc=False):
    """A bit rate that flows share, bit/s of inner IP octets; 0 is no limit."""

    number: int
    uplink: int = 0
    downlink: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Packets and inner octets of a flow that passed."""

    packets: int = 0
    octets: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.packets + other.packets, self.octets + other.octets)

    def __sub__(self, other: Count) -> Count:
        return Count(self.packets - other.packets, self.octets - other.octets)


@dataclass(frozen=True, slots=True)
class Traits:
    """What filters look at. Addresses as octets; ports None where there are none (a later fragment, ICMP)."""

    protocol: int
    remote: bytes
    local: bytes
    remote_port: int | None
    local_port: int | None
    tos: int
    spi: int | None
    flow_label: int | None = None


def fits(wanted: Filter, found: Traits) -> bool:
    return (
        wanted.protocol in (None, found.protocol)
        and _within(wanted.remote, found.remote)
        and _within(wanted.local, found.local)
        and _between(wanted.remote_ports, found.remote_port)
        and _between(wanted.local_ports, found.local_port)
        and (wanted.tos is None or not (found.tos ^ wanted.tos[0]) & wanted.tos[1])
        and wanted.spi in (None, found.spi)
        and wanted.flow_label in (None, found.flow_label)
    )


def _within(network: IPv4Network | IPv6Network | None, address: bytes) -> bool:
    if network is None:
        return True
    if len(address) * 8 != network.max_prefixlen:
        return False
    number = int.from_bytes(address, "big")
    return number & int(network.netmask) == int(network.network_address)


def _between(ports: tuple[int, int] | None, port: int | None) -> bool:
    return ports is None or (port is not None and ports[0] <= port <= ports[1])


def overlap(one: Filter, other: Filter) -> bool:
    """Whether a packet can fit both."""
    return (
        _equal(one.protocol, other.protocol)
        and _share(one.remote, other.remote)
        and _share(one.local, other.local)
        and _touch(one.remote_ports, other.remote_ports)
        and _touch(one.local_ports, other.local_ports)
        and not _differ(one.tos, other.tos)
        and _equal(one.spi, other.spi)
        and _equal(one.flow_label, other.flow_label)
    )


def _equal(one: int | None, other: int | None) -> bool:
    return one is None or other is None or one == other


def _share(one: IPv4Network | IPv6Network | None, other: IPv4Network | IPv6Network | None) -> bool:
    if one is None or other is None:
        return True
    return one.version == other.version and one.overlaps(other)


def _touch(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    return one is None or other is None or (one[0] <= other[1] and other[0] <= one[1])


def _differ(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    return one is not None and other is not None and bool((one[0] ^ other[0]) & one[1] & other[1])


def chosen(flows: Iterable[Flow], found: Traits, qfi: int = NO_QFI) -> Flow | None:
    """The first flow that takes the packet; of a decapsulated one its QFI counts.

    NO_QFI: it has none, since a gNB left the PDU Session Container out (TS 29.281 §5.2.2.7 wants it on N3): its filters
    tell the flow.
    """
    for flow in flows:
        if flow.qfis and qfi != NO_QFI and qfi not in flow.qfis:
            continue
        if not flow.filters or any(fits(each, found) for each in flow.filters):
            return flow
    return None


def admitted(policers: Iterable[Policer], octets: int, now_ns: int) -> bool:
    """Under all limits, or under none: what one refuses is not charged to the others."""
    under = list(policers)
    if not all(policer.has_room(now_ns) for policer in under):
        return False
    for policer in under:
        policer.conforms(octets, now_ns)
    return True
