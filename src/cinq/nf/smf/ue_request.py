"""QoS that a UE asks for: QoS rules and QoS flow descriptions of PDU SESSION MODIFICATION REQUEST, TS 24.501 §6.4.2.

What is wrong with them (§6.4.2.4), and what the PCF is asked (TS 29.512 §4.2.4.17).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Final

from cinq.nf.smf.context import Address, Ipv4v6, Ipv6, SmContext
from cinq.nf.smf.flows import GBR_5QIS, FlowDirection, Prefix, SdfFilter, SdfRule
from cinq.nf.smf.sdf import flow_description
from cinq.procedure import Why
from cinq.sbi.models import bit_rate
from cinq.sbi.services.npcf_smpolicycontrol import (
    PacketFilterInfo,
    RequestedQos,
    RuleOperation,
    UeInitiatedResourceRequest,
)
from cinq.wire import nas
from cinq.wire.nas import Component, GsmCause
from cinq.wire.nas import RuleOperation as Operation

KNOWN_5QIS: Final = frozenset((*range(1, 11), *range(65, 68), 69, 70, *range(71, 77), 79, 80, *range(82, 91)))
"""TS 23.501 table 5.7.4-1."""
NO_RULE, NO_FLOW = 0, 0
IPV4: Final = frozenset((4,))
OPERATIONS: dict[int, RuleOperation] = {
    Operation.CREATE: "CREATE_PCC_RULE",
    Operation.DELETE: "DELETE_PCC_RULE",
    Operation.MODIFY_AND_ADD_FILTERS: "MODIFY_PCC_RULE_AND_ADD_PACKET_FILTERS",
    Operation.MODIFY_AND_REPLACE_FILTERS: "MODIFY_ PCC_RULE_AND_REPLACE_PACKET_FILTERS",
    Operation.MODIFY_AND_DELETE_FILTERS: "MODIFY_ PCC_RULE_AND_DELETE_PACKET_FILTERS",
    Operation.MODIFY_WITHOUT_FILTERS: "MODIFY_PCC_RULE_WITHOUT_MODIFY_PACKET_FILTERS",
}
WITH_FILTERS = (
    Operation.CREATE,
    Operation.MODIFY_AND_ADD_FILTERS,
    Operation.MODIFY_AND_REPLACE_FILTERS,
    Operation.MODIFY_AND_DELETE_FILTERS,
)
_DIRECTIONS: dict[int, FlowDirection] = {
    nas.Direction.DOWNLINK: "DOWNLINK",
    nas.Direction.UPLINK: "UPLINK",
    nas.Direction.BIDIRECTIONAL: "BIDIRECTIONAL",
}


def versions_of(address: Address | None) -> frozenset[int]:
    """The versions of IP that a session has."""
    if isinstance(address, Ipv6):
        return frozenset((6,))
    return frozenset((4, 6)) if isinstance(address, Ipv4v6) else IPV4


class Wrong(Exception):
    """A request that is rejected. cause: for the UE."""

    def __init__(self, cause: GsmCause, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.cause = cause
        self.why = Why(what, mend)


def resource_requests(
    context: SmContext, message: nas.PDUSessionModificationRequest
) -> list[UeInitiatedResourceRequest]:
    """What the PCF is asked, one rule after the other; nothing when the UE asks for no QoS. Wrong: an error.

    A QoS flow description goes with the rule that names its QFI; new ones, which have none yet, with new rules in the
    order of both. One without a rule changes the flow of a rule that is there.
    """
    rules = message.requested_qos_rules or []
    flows = list(message.requested_qos_flow_descriptions or [])
    there = [rule.identifier for rule in rules if rule.identifier != NO_RULE]
    if len(set(there)) < len(there):
        what = f"{context.label}: the UE asks for two operations on one QoS rule"
        raise Wrong(GsmCause.SEMANTIC_ERROR_IN_THE_QOS_OPERATION, what)
    named = {rule.qfi for rule in rules if rule.qfi}
    found = []
    for rule in rules:
        flow = next((f for f in flows if _is_of(f, rule, named)), None)
        if flow is not None:
            flows.remove(flow)
        found.append(_of_a_rule(context, rule, flow))
    return [*found, *(_of_a_flow(context, flow) for flow in flows)]


def _is_of(flow: nas.QosFlowDescription, rule: nas.QosRule, named: set[int]) -> bool:
    return flow.qfi == rule.qfi if rule.qfi else flow.qfi not in named


def _of_a_rule(
    context: SmContext, rule: nas.QosRule, flow: nas.QosFlowDescription | None
) -> UeInitiatedResourceRequest:
    _check(context, rule)
    known = _known(context, rule.identifier)
    operation = OPERATIONS[rule.operation]
    return UeInitiatedResourceRequest(
        rule_op=operation,
        pack_filt_info=_filters(context, rule, known),
        pcc_rule_id=None if known is None else known.name,
        precedence=rule.precedence,
        req_qos=None if flow is None else _qos(flow),
    )


def _of_a_flow(context: SmContext, flow: nas.QosFlowDescription) -> UeInitiatedResourceRequest:
    """Other QoS for a flow, whatever its rule."""
    rule = next((r for r in context.qos.rules if r.qfi == flow.qfi and r.name), None)
    if rule is None or flow.operation != nas.FlowOperation.MODIFY:
        what = f"{context.label}: the UE has no QoS flow {flow.qfi} of its own"
        raise Wrong(GsmCause.SEMANTIC_ERROR_IN_THE_QOS_OPERATION, what)
    operation = OPERATIONS[Operation.MODIFY_WITHOUT_FILTERS]
    return UeInitiatedResourceRequest(
        rule_op=operation, pack_filt_info=[], pcc_rule_id=rule.name, req_qos=_qos(flow)
    )


def _known(context: SmContext, identifier: int) -> SdfRule | None:
    return next((r for r in context.qos.rules if r.number == identifier and r.has_qos_rule), None)


def _check(context: SmContext, rule: nas.QosRule) -> None:
    """§6.4.2.4, §6.3.2.4: semantic (#83) and syntactical (#84) errors in the QoS operation."""
    known, operation, whose = _known(context, rule.identifier), rule.operation, context.label
    semantic, syntactical = (
        GsmCause.SEMANTIC_ERROR_IN_THE_QOS_OPERATION,
        GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION,
    )
    if operation not in OPERATIONS:
        raise Wrong(syntactical, f"{whose}: QoS rule operation {operation} is reserved")
    if bool(rule.packet_filters) != (operation in WITH_FILTERS):
        what = f"{whose}: {len(rule.packet_filters)} packet filters with QoS rule operation {operation}"
        raise Wrong(syntactical, what)
    if operation == Operation.CREATE:
        if rule.identifier != NO_RULE:
            raise Wrong(syntactical, f"{whose}: the network gives a new QoS rule its identifier")
        if rule.default:
            raise Wrong(semantic, f"{whose}: there is a default QoS rule already")
        return
    if known is None:
        raise Wrong(syntactical, f"{whose}: there is no QoS rule {rule.identifier}")
    if known.is_default:
        raise Wrong(semantic, f"{whose}: the default QoS rule is the network's")


def _filters(context: SmContext, rule: nas.QosRule, known: SdfRule | None) -> list[PacketFilterInfo]:
    if rule.operation == Operation.MODIFY_AND_DELETE_FILTERS and known is not None:
        return [
            PacketFilterInfo(pack_filt_id=_pack_filt_id(context, known, each.identifier))
            for each in rule.packet_filters
        ]
    versions = versions_of(context.address)
    return [packet_filter_info(context.label, each, versions) for each in rule.packet_filters]


def _pack_filt_id(context: SmContext, rule: SdfRule, identifier: int) -> str | None:
    """The PCF's name of a packet filter of the UE: they are numbered from 1 in the rule's order."""
    pcc = context.decision.pcc_rules.get(rule.name)
    infos = [i for i in (pcc.flow_infos or () if pcc is not None else ()) if i.packet_filter_usage]
    if not 1 <= identifier <= len(infos):
        what = f"{context.label}: QoS rule {rule.number} has no packet filter {identifier}"
        raise Wrong(GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS, what)
    return infos[identifier - 1].pack_filt_id


def packet_filter_info(
    whose: str, packet_filter: nas.PacketFilter, versions: frozenset[int] = IPV4
) -> PacketFilterInfo:
    """A packet filter as the PCF reads it. Wrong: #44 and #45."""
    sdf = sdf_filter(whose, packet_filter, versions)
    return PacketFilterInfo(
        pack_filt_cont=flow_description(sdf),
        tos_traffic_class=None if sdf.tos is None else bytes(sdf.tos).hex(),
        spi=None if sdf.spi is None else f"{sdf.spi:08x}",
        flow_label=None if sdf.flow_label is None else f"{sdf.flow_label:06x}",
        flow_direction=sdf.direction,
    )


def sdf_filter(whose: str, packet_filter: nas.PacketFilter, versions: frozenset[int] = IPV4) -> SdfFilter:
    """The components of a packet filter (TS 24.501 §9.11.4.13), each once and none of another PDU session type.

    versions: of IP, that the session has.
    """
    direction = _DIRECTIONS.get(packet_filter.direction)
    kinds = [kind for kind, _ in packet_filter.components]
    if direction is None or not kinds or len(set(kinds)) != len(kinds):
        what = f"{whose}: packet filter {packet_filter.identifier} has no direction, or a component twice"
        raise Wrong(GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS, what)
    sdf = SdfFilter(direction)
    for kind, value in packet_filter.components:
        sdf = _with(whose, sdf, kind, value)
    alone = Component.MATCH_ALL not in kinds or len(kinds) == 1
    of = {prefix.version for prefix in (sdf.remote, sdf.local) if prefix is not None}
    of |= set() if sdf.flow_label is None else {6}
    if not of <= versions:
        what = f"{whose}: a packet filter of IPv{max(of - versions)} fits no PDU session of this type"
        raise Wrong(GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS, what)
    alone = alone and len(of) <= 1
    if not alone or (_ports(sdf) and sdf.protocol not in (6, 17, 132)):
        what = f"{whose}: packet filter {packet_filter.identifier} contradicts itself"
        raise Wrong(GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS, what)
    return sdf


def _ports(sdf: SdfFilter) -> bool:
    return sdf.local_ports is not None or sdf.remote_ports is not None


def _with(whose: str, sdf: SdfFilter, kind: int, value: bytes) -> SdfFilter:
    """One component more."""
    fields = {f: getattr(sdf, f) for f in sdf.__struct_fields__}
    number = int.from_bytes(value, "big")
    pair = int.from_bytes(value[:2], "big"), int.from_bytes(value[2:4], "big")
    match kind:
        case Component.MATCH_ALL:
            return sdf
        case Component.IPV4_REMOTE_ADDRESS:
            fields["remote"] = Prefix.of(_network(whose, value))
        case Component.IPV4_LOCAL_ADDRESS:
            fields["local"] = Prefix.of(_network(whose, value))
        case Component.IPV6_REMOTE_PREFIX:
            fields["remote"] = Prefix.of(_prefix(whose, value))
        case Component.IPV6_LOCAL_PREFIX:
            fields["local"] = Prefix.of(_prefix(whose, value))
        case Component.FLOW_LABEL:
            fields["flow_label"] = number & 0xFFFFF
        case Component.PROTOCOL:
            fields["protocol"] = number
        case Component.LOCAL_PORT:
            fields["local_ports"] = number, number
        case Component.REMOTE_PORT:
            fields["remote_ports"] = number, number
        case Component.LOCAL_PORT_RANGE:
            fields["local_ports"] = _range(whose, pair)
        case Component.REMOTE_PORT_RANGE:
            fields["remote_ports"] = _range(whose, pair)
        case Component.SECURITY_PARAMETER_INDEX:
            fields["spi"] = number
        case Component.TRAFFIC_CLASS:
            fields["tos"] = value[0], value[1]
        case _:
            what = f"{whose}: a packet filter component {kind:#04x} fits no PDU session of an IP type"
            raise Wrong(GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS, what)
    return SdfFilter(**fields)


def _network(whose: str, value: bytes) -> IPv4Network:
    address, mask = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big")
    length = mask.bit_count()
    if mask != (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF:
        raise Wrong(GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS, f"{whose}: mask {IPv4Address(mask)}")
    return IPv4Network((address & mask, length))


def _prefix(whose: str, value: bytes) -> IPv6Network:
    if value[16] > 128:
        raise Wrong(GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS, f"{whose}: prefix of {value[16]} bits")
    return IPv6Network((value[:16], value[16]), strict=False)


def _range(whose: str, ports: tuple[int, int]) -> tuple[int, int]:
    if ports[0] > ports[1]:
        what = f"{whose}: ports {ports[0]} to {ports[1]}"
        raise Wrong(GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS, what)
    return ports


def _qos(flow: nas.QosFlowDescription) -> RequestedQos | None:
    """#59 for a 5QI that there is not, #37 for one whose rates do not fit it."""
    if flow.five_qi is None:
        return None
    if flow.five_qi not in KNOWN_5QIS:
        what = f"the UE asks for 5QI {flow.five_qi}, which is none of TS 23.501 table 5.7.4-1"
        raise Wrong(GsmCause.UNSUPPORTED_5QI_VALUE, what, "let the UE ask for a standardised 5QI")
    has_rates = flow.gfbr_uplink is not None and flow.gfbr_downlink is not None
    if (flow.five_qi in GBR_5QIS) != has_rates:
        what = f"the UE asks for 5QI {flow.five_qi} {'with' if has_rates else 'without'} guaranteed rates"
        raise Wrong(GsmCause.QOS_5GS_NOT_ACCEPTED, what, "guaranteed rates go with a GBR 5QI")
    return RequestedQos(
        five_qi=flow.five_qi,
        gbr_ul=None if flow.gfbr_uplink is None else bit_rate(flow.gfbr_uplink),
        gbr_dl=None if flow.gfbr_downlink is None else bit_rate(flow.gfbr_downlink),
    )
