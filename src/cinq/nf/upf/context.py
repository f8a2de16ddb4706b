"""What a UPF knows of its peers and sessions. Frozen: a change is a new value that replaces the old one whole."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import msgspec

from cinq.transport_address import Address
from cinq.userplane.rules import Filter
from cinq.wire.pfcp import ApplyAction, Cause, FailedRuleId, NodeId

PDR, FAR, QER, URR = 0, 1, 2, 3  # Rule ID types, TS 29.244 §8.2.80


class Rejected(Exception):
    """A request that is refused: cause of table 8.2.1-1, the IE that is at fault, the rule that failed."""

    def __init__(
        self, cause: Cause, what: str, offending_ie: int | None = None, rule: FailedRuleId | None = None
    ) -> None:
        super().__init__(what)
        self.cause, self.offending_ie, self.rule = cause, offending_ie, rule


def failed(cause: Cause, what: str, kind: int, identity: int, offending: int | None = None) -> Rejected:
    """A rule is at fault. kind: PDR, FAR, QER or URR."""
    return Rejected(cause, what, offending, FailedRuleId(kind, identity))


@dataclass(frozen=True, slots=True)
class Association:
    """A PFCP association. recovery_time_stamp: of the SMF, NTP seconds. takes_load: whether it wants to hear of it.

    silent_since: since when it has not answered, by our clock; None while it does.
    """

    node_id: NodeId
    address: str
    recovery_time_stamp: int
    takes_load: bool = False
    silent_since: float | None = None


class Pdr(msgspec.Struct, frozen=True, gc=False):
    """Packet detection rule. teid: our N3 end (uplink). ue, prefix: the UE's address and prefix of
    64 bits, None where the PDI has none.

    filters: () takes every packet. behind: framed routes, networks that are reached by the UE. link: of an Ethernet
    session its network instance. from_cp: packets come from the SMF, at teid.
    """

    pdr_id: int
    precedence: int
    is_uplink: bool
    teid: int | None
    ue: IPv4Address | None
    qfis: tuple[int, ...]
    far_id: int
    qer_ids: tuple[int, ...]
    urr_ids: tuple[int, ...] = ()
    filters: tuple[Filter, ...] = ()
    prefix: IPv6Network | None = None
    behind: tuple[IPv4Network | IPv6Network, ...] = ()
    link: str = ""
    from_cp: bool = False

    @property
    def ends(self) -> tuple[IPv4Address | IPv6Network, ...]:
        """The UE's, of either version."""
        if self.prefix is None:
            return () if self.ue is None else (self.ue,)
        return (self.prefix,) if self.ue is None else (self.ue, self.prefix)


class Far(msgspec.Struct, frozen=True, gc=False):
    """Forwarding action rule. actions: the Apply Action flags. teid, peer: the gNB's N3 end, once it is known.

    beside: its address of the other version of IP, where it has one.

    tos: of the outer header (transport level marking). to_cp: packets go to the SMF.
    """

    far_id: int
    actions: int
    to_access: bool | None = None
    teid: int = 0
    peer: Address | None = None
    tos: int = 0
    beside: Address | None = None
    to_cp: bool = False


class Qer(msgspec.Struct, frozen=True, gc=False):
    """QoS enforcement rule; rates in bit/s, 0 for no limit. reflective: packets carry the RQI."""

    qer_id: int
    uplink_open: bool = True
    downlink_open: bool = True
    uplink_bps: int = 0
    downlink_bps: int = 0
    qfi: int | None = None
    reflective: bool = False


class Urr(msgspec.Struct, frozen=True, gc=False):
    """Usage reporting rule. triggers: the Reporting Triggers flags. Thresholds and quotas: octets as (total, uplink,
    downlink), seconds; None for none. period: seconds between periodic reports. holding: seconds without a packet."""

    urr_id: int
    counts_volume: bool = False
    counts_time: bool = False
    triggers: int = 0
    volume_threshold: tuple[int | None, int | None, int | None] | None = None
    time_threshold: int | None = None
    volume_quota: tuple[int | None, int | None, int | None] | None = None
    time_quota: int | None = None
    period: int | None = None
    holding: int | None = None


class SessionContext(msgspec.Struct, frozen=True, gc=False):
    """A PFCP session. seid: ours. cp_seid: the SMF's. smf: the address of its association.

    named_filters: what SDF Filter IDs stand for. csids: the sets of sessions that it is of (TS 23.007 §23).
    dnn, s_nssai: what the SMF said it is of.
    """

    seid: int
    cp_seid: int
    smf: str
    pdrs: tuple[Pdr, ...] = ()
    fars: tuple[Far, ...] = ()
    qers: tuple[Qer, ...] = ()
    urrs: tuple[Urr, ...] = ()
    named_filters: tuple[tuple[int, tuple[Filter, ...]], ...] = ()
    csids: tuple[bytes, ...] = ()
    dnn: str = ""
    s_nssai: str = ""

    @property
    def label(self) -> str:
        return f"SEID {self.seid:#x}"

    def far(self, number: int) -> Far:
        """KeyError when it has none of this number."""
        for far in self.fars:
            if far.far_id == number:
                return far
        raise KeyError(number)

    def qer(self, number: int) -> Qer:
        """KeyError when it has none of this number."""
        for qer in self.qers:
            if qer.qer_id == number:
                return qer
        raise KeyError(number)

    @property
    def downlink_ends(self) -> set[tuple[int, Address]]:
        """The gNBs' F-TEIDs that packets are forwarded to."""
        forward = ApplyAction.FORW
        return {(far.teid, far.peer) for far in self.fars if far.peer is not None and far.actions & forward}

    @property
    def uplink_peers(self) -> set[Address]:
        """The addresses of the gNBs that packets are forwarded to, of either version."""
        found = set[Address]()
        for far in self.fars:
            if far.actions & ApplyAction.FORW and far.peer is not None:
                found.add(far.peer)
                if far.beside is not None:
                    found.add(far.beside)
        return found

    @property
    def prefix(self) -> IPv6Network | None:
        """Of the UE, where the session is of IPv6."""
        return next((pdr.prefix for pdr in self.pdrs if pdr.prefix is not None), None)

    def remote_ends(self) -> list[int]:
        """The gNBs' F-TEIDs to which downlink packets go, each as one number."""
        return [remote_end(far.teid, far.peer) for far in self.fars if far.peer is not None]


def remote_end(teid: int, peer: Address) -> int:
    """An F-TEID as one number, of 64 bits with IPv4 and of 161 with IPv6."""
    return (teid | (peer.version == 6) << 32) << peer.max_prefixlen | int(peer)
