"""What a UE is told of its PDU session: the elements of 5GSM messages, TS 24.501 §8.3, from the session's QoS."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network

from cinq.nf.smf.context import Address, Ipv4, Ipv6, SmContext
from cinq.nf.smf.flows import NOTHING, Difference, QosFlow, SdfFilter, SdfRule, SessionQos, difference
from cinq.wire import nas
from cinq.wire.nas import Component, FlowOperation, PduSessionType, RuleOperation
from cinq.wire.nas.ie import filters as ie

_DIRECTIONS = {
    "DOWNLINK": nas.Direction.DOWNLINK,
    "UPLINK": nas.Direction.UPLINK,
    "BIDIRECTIONAL": nas.Direction.BIDIRECTIONAL,
}
_EVERYTHING = (nas.PacketFilter(1, nas.Direction.BIDIRECTIONAL, nas.MATCH_ALL),)


def session_type(context: SmContext) -> PduSessionType:
    """§9.11.4.11."""
    return PduSessionType[context.session_type]


def pdu_address(address: Address | None) -> nas.PduAddress | None:
    """§9.11.4.10."""
    if address is None:
        return None
    if isinstance(address, Ipv4):
        return nas.PduAddress(address.ipv4)
    identifier = address.interface_identifier.to_bytes(8, "big")
    return nas.PduAddress(None if isinstance(address, Ipv6) else address.ipv4, identifier)


def session_ambr(qos: SessionQos) -> nas.SessionAmbr:
    return nas.SessionAmbr(qos.ambr.downlink_bps, qos.ambr.uplink_bps)


def knows_a_change(change: Difference) -> bool:
    """Whether the UE has to be told of it."""
    return change.ambr is not None or bool(qos_rules(change) or flow_descriptions(change))


@lru_cache(256)
def authorized(qos: SessionQos) -> tuple[list[nas.QosRule], list[nas.QosFlowDescription]]:
    """The rules and flow descriptions of a new session. Most sessions have the same; nobody changes them."""
    whole = difference(NOTHING, qos)
    return qos_rules(whole), flow_descriptions(whole)


# -- QoS rules, §9.11.4.13 ------------------------------------------------------------------------------


def qos_rules(change: Difference) -> list[nas.QosRule]:
    """The operations that bring the UE's signalled QoS rules from one to the other: deletions first."""
    operations = [_deleted(rule) for rule in change.gone_rules if rule.has_qos_rule]
    operations += [_created(rule) for rule in change.new_rules if rule.has_qos_rule]
    for before, after in change.changed_rules:
        operation = _changed(before, after)
        if operation is not None:
            operations.append(operation)
    return operations


def _created(rule: SdfRule) -> nas.QosRule:
    return nas.QosRule(
        identifier=rule.number,
        default=rule.is_default,
        packet_filters=_EVERYTHING if rule.is_default else _packet_filters(rule.signalled),
        precedence=rule.precedence,
        qfi=rule.qfi,
    )


def _deleted(rule: SdfRule) -> nas.QosRule:
    return nas.QosRule(identifier=rule.number, operation=RuleOperation.DELETE)


def _changed(before: SdfRule, after: SdfRule) -> nas.QosRule | None:
    """None when nothing changes that the UE knows."""
    if not after.has_qos_rule:
        return _deleted(before) if before.has_qos_rule else None
    if not before.has_qos_rule:
        return _created(after)
    where = after.precedence, after.qfi
    if after.signalled != before.signalled:
        operation, filters = RuleOperation.MODIFY_AND_REPLACE_FILTERS, _packet_filters(after.signalled)
        return nas.QosRule(after.number, operation, after.is_default, filters, *where)
    if where == (before.precedence, before.qfi):
        return None
    operation = RuleOperation.MODIFY_WITHOUT_FILTERS
    return nas.QosRule(after.number, operation, after.is_default, (), *where)


def _packet_filters(filters: tuple[SdfFilter, ...]) -> tuple[nas.PacketFilter, ...]:
    return tuple(
        nas.PacketFilter(number, _DIRECTIONS[sdf.direction], components(sdf))
        for number, sdf in enumerate(filters, 1)
    )


def components(sdf: SdfFilter) -> tuple[tuple[int, bytes], ...]:
    """Packet filter components. Remote and local are meant from the UE, as in a downlink IPFilterRule."""
    found: list[tuple[int, bytes]] = []
    for v4, v6, prefix in (
        (Component.IPV4_REMOTE_ADDRESS, Component.IPV6_REMOTE_PREFIX, sdf.remote),
        (Component.IPV4_LOCAL_ADDRESS, Component.IPV6_LOCAL_PREFIX, sdf.local),
    ):
        network = None if prefix is None else prefix.network
        if isinstance(network, IPv4Network):
            found.append(ie.ipv4(v4, network))
        elif network is not None:
            found.append(ie.ipv6(v6, network))
    if sdf.protocol is not None:
        found.append((Component.PROTOCOL, bytes((sdf.protocol,))))
    for single, several, ports in (
        (Component.LOCAL_PORT, Component.LOCAL_PORT_RANGE, sdf.local_ports),
        (Component.REMOTE_PORT, Component.REMOTE_PORT_RANGE, sdf.remote_ports),
    ):
        if ports is not None:
            first, last = (port.to_bytes(2, "big") for port in ports)
            found.append((single, first) if first == last else (several, first + last))
    if sdf.spi is not None:
        found.append((Component.SECURITY_PARAMETER_INDEX, sdf.spi.to_bytes(4, "big")))
    if sdf.tos is not None:
        found.append((Component.TRAFFIC_CLASS, bytes(sdf.tos)))
    if sdf.flow_label is not None:
        found.append(ie.number(Component.FLOW_LABEL, sdf.flow_label))
    return tuple(found) or nas.MATCH_ALL


# -- QoS flow descriptions, §9.11.4.12 ------------------------------------------------------------------


def flow_descriptions(change: Difference) -> list[nas.QosFlowDescription]:
    """The operations that bring the UE's QoS flow descriptions from one to the other: deletions first."""
    gone = [nas.QosFlowDescription(flow.qfi, FlowOperation.DELETE, e_bit=False) for flow in change.gone_flows]
    new = [_described(flow, FlowOperation.CREATE) for flow in change.new_flows]
    changed = [
        _described(after, FlowOperation.MODIFY)
        for before, after in change.changed_flows
        if _described(before, FlowOperation.MODIFY) != _described(after, FlowOperation.MODIFY)
    ]
    return gone + new + changed


def _described(flow: QosFlow, operation: FlowOperation) -> nas.QosFlowDescription:
    """With all parameters: a modification replaces what was."""
    guaranteed, most = flow.gfbr, flow.mfbr
    return nas.QosFlowDescription(
        flow.qfi,
        operation,
        five_qi=flow.profile.five_qi,
        gfbr_uplink=None if guaranteed is None else guaranteed.uplink_bps,
        gfbr_downlink=None if guaranteed is None else guaranteed.downlink_bps,
        mfbr_uplink=None if most is None else most.uplink_bps,
        mfbr_downlink=None if most is None else most.downlink_bps,
        averaging_window=flow.profile.averaging_window,
    )
