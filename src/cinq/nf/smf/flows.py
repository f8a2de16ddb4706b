"""The QoS model of a PDU session (TS 23.501 §5.7): QoS flows, the rules that put packets on them, and what differs.

All that UE, gNB and UPF are told of a session's QoS derives from a SessionQos or from a Difference of two of them.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal, TypeVar

from msgspec import Struct

GBR_5QIS = frozenset((*range(1, 5), 65, 66, 67, *range(71, 77), *range(82, 91)))
"""TS 23.501 table 5.7.4-1: resource types GBR and delay-critical GBR."""
DEFAULT_RULE: Final = 1
"""Number of the rule that takes what no other rule takes."""
LAST_PRECEDENCE = 255

FlowDirection = Literal["DOWNLINK", "UPLINK", "BIDIRECTIONAL"]


class Rates(Struct, frozen=True, gc=False):
    """Bits per second."""

    uplink_bps: int
    downlink_bps: int


class QosProfile(Struct, frozen=True, gc=False):
    """What binds a PCC rule to a QoS flow (TS 23.503 §6.1.3.2.4). arp_priority: 1 to 15. averaging_window: ms.

    priority_level: 1 to 127, averaging_window, max_data_burst (octets): None for those of the 5QI.
    """

    five_qi: int
    arp_priority: int
    may_preempt: bool = False
    preemptable: bool = True
    priority_level: int | None = None
    averaging_window: int | None = None
    max_data_burst: int | None = None
    notification_control: bool = False

    @property
    def is_gbr(self) -> bool:
        return self.five_qi in GBR_5QIS


class QosFlow(Struct, frozen=True, gc=False):
    """gfbr, mfbr: of a GBR flow, the sums over its rules. reflective: the gNB shall expect reflective QoS on it.

    loss_uplink, loss_downlink: maximum packet loss rate in tenths of per cent.
    """

    qfi: int
    profile: QosProfile
    gfbr: Rates | None = None
    mfbr: Rates | None = None
    reflective: bool = False
    loss_uplink: int | None = None
    loss_downlink: int | None = None


class Prefix(Struct, frozen=True, gc=False):
    """Addresses of IPv4 or IPv6: the octets of the first, and how many bits they share."""

    octets: bytes
    length: int

    @classmethod
    def of(cls, network: IPv4Network | IPv6Network | None) -> Prefix | None:
        if network is None:
            return None
        return cls(network.network_address.packed, network.prefixlen)

    @property
    def network(self) -> IPv4Network | IPv6Network:
        if len(self.octets) == 4:
            return IPv4Network((self.octets, self.length))
        return IPv6Network((self.octets, self.length))

    @property
    def version(self) -> int:
        return 4 if len(self.octets) == 4 else 6


class SdfFilter(Struct, frozen=True, gc=False):
    """A service data flow filter. ports: first and last. tos: value and mask. flow_label: of IPv6.

    for_ue: the UE gets it as a packet filter, else it is for the UPF alone.
    """

    direction: FlowDirection = "BIDIRECTIONAL"
    protocol: int | None = None
    remote: Prefix | None = None
    remote_ports: tuple[int, int] | None = None
    local: Prefix | None = None
    local_ports: tuple[int, int] | None = None
    tos: tuple[int, int] | None = None
    spi: int | None = None
    flow_label: int | None = None
    for_ue: bool = True


class SdfRule(Struct, frozen=True):
    """A PCC rule in force, or the default rule (name "", no filters: what no other rule takes).

    number: ours, 1 to 255: names its QoS rule at the UE, its PDRs and its QER. precedence: 1 to 255, the lower the
    earlier, unique in the session. mbr: limits a flow without GBR. uplink_open, downlink_open: the gates.
    reflective: the UE learns the uplink filters from downlink packets. rating_group: 0 for that of the session.
    """

    name: str
    number: int
    qfi: int
    precedence: int = LAST_PRECEDENCE
    filters: tuple[SdfFilter, ...] = ()
    mbr: Rates | None = None
    uplink_open: bool = True
    downlink_open: bool = True
    reflective: bool = False
    rating_group: int = 0

    @property
    def is_default(self) -> bool:
        return self.number == DEFAULT_RULE

    @property
    def signalled(self) -> tuple[SdfFilter, ...]:
        """The filters that the UE is told. None of a rule without any: the UE does not know it."""
        return () if self.reflective else tuple(f for f in self.filters if f.for_ue)

    @property
    def has_qos_rule(self) -> bool:
        """TS 24.501 §6.2.5: the UE has it as a signalled QoS rule."""
        return self.is_default or bool(self.signalled)


class SessionQos(Struct, frozen=True, cache_hash=True):
    """flows: the default flow first. rules: the default rule first. reflective_timer: seconds, 0 for none."""

    ambr: Rates
    flows: tuple[QosFlow, ...] = ()
    rules: tuple[SdfRule, ...] = ()
    reflective_timer: int = 0

    @property
    def default_flow(self) -> QosFlow:
        return self.flows[0]

    @property
    def rating_groups(self) -> tuple[int, ...]:
        """Those that rules name."""
        return tuple(sorted({rule.rating_group for rule in self.rules if rule.rating_group}))

    def flow(self, qfi: int) -> QosFlow | None:
        return next((flow for flow in self.flows if flow.qfi == qfi), None)

    def named(self, name: str) -> SdfRule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    def names_on(self, qfis: frozenset[int]) -> frozenset[str]:
        """The PCC rules on these flows."""
        return frozenset(rule.name for rule in self.rules if rule.qfi in qfis and rule.name)


NOTHING = SessionQos(Rates(0, 0))


class Difference(Struct, frozen=True):
    """What leads from one SessionQos to another. What changed comes with what it was."""

    ambr: Rates | None
    new_flows: tuple[QosFlow, ...]
    changed_flows: tuple[tuple[QosFlow, QosFlow], ...]
    gone_flows: tuple[QosFlow, ...]
    new_rules: tuple[SdfRule, ...]
    changed_rules: tuple[tuple[SdfRule, SdfRule], ...]
    gone_rules: tuple[SdfRule, ...]

    def __bool__(self) -> bool:
        return self.ambr is not None or any(
            (
                self.new_flows,
                self.changed_flows,
                self.gone_flows,
                self.new_rules,
                self.changed_rules,
                self.gone_rules,
            )
        )


def difference(before: SessionQos, after: SessionQos) -> Difference:
    """Flows are the same by QFI, rules by number."""
    flows = {flow.qfi: flow for flow in before.flows}
    rules = {rule.number: rule for rule in before.rules}
    kept = {flow.qfi for flow in after.flows}, {rule.number for rule in after.rules}
    return Difference(
        ambr=after.ambr if after.ambr != before.ambr else None,
        new_flows=tuple(f for f in after.flows if f.qfi not in flows),
        changed_flows=tuple((flows[f.qfi], f) for f in after.flows if f.qfi in flows and flows[f.qfi] != f),
        gone_flows=tuple(f for f in before.flows if f.qfi not in kept[0]),
        new_rules=tuple(r for r in after.rules if r.number not in rules),
        changed_rules=tuple(
            (rules[r.number], r) for r in after.rules if r.number in rules and rules[r.number] != r
        ),
        gone_rules=tuple(r for r in before.rules if r.number not in kept[1]),
    )


def unsure(known: SessionQos, perhaps: SessionQos, after: SessionQos) -> SessionQos:
    """What to count on at somebody who has one of the two: what differs between them is told again by `difference`.

    A rule or flow that only one of them has is created (again), one that is not to be is deleted.
    """
    return SessionQos(
        known.ambr if known.ambr != after.ambr else perhaps.ambr,
        _unsure(*({flow.qfi: flow for flow in qos.flows} for qos in (known, perhaps, after))),
        _unsure(*({rule.number: rule for rule in qos.rules} for qos in (known, perhaps, after))),
        known.reflective_timer
        if known.reflective_timer != after.reflective_timer
        else perhaps.reflective_timer,
    )


T = TypeVar("T")


def _unsure(known: dict[int, T], perhaps: dict[int, T], after: dict[int, T]) -> tuple[T, ...]:
    found: list[T] = []
    for number in {**known, **perhaps}:
        one, other = known.get(number), perhaps.get(number)
        if one is not None and other is not None:
            found.append(one if one != after.get(number) else other)
        elif number not in after:
            found += [each for each in (one, other) if each is not None]
    return tuple(found)


@lru_cache(1024)
def same(qos: SessionQos) -> SessionQos:
    """The first that was equal: most sessions have the same."""
    return qos
