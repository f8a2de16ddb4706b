"""QoS rules and flow descriptions of a PDU session: what operations on them leave, and which are errors.

TS 24.501 §6.4.1.3 (of an establishment) and §6.3.2.3, §6.3.2.4 (of a modification). The session is of an IP type; what
the clauses say of NB-N1 mode and of mapped EPS bearers does not apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from cinq.ran.radio.port import UplinkRule
from cinq.wire.nas import (
    Component,
    Direction,
    FlowOperation,
    GsmCause,
    PacketFilter,
    QosFlowDescription,
    QosRule,
    RuleOperation,
)

GBR_5QI = frozenset((1, 2, 3, 4, 65, 66, 67, 71, 72, 73, 74, 76, *range(82, 91)))  # TS 23.501 table 5.7.4-1
_V4 = frozenset((Component.IPV4_REMOTE_ADDRESS, Component.IPV4_LOCAL_ADDRESS))
_V6 = frozenset((Component.IPV6_REMOTE_PREFIX, Component.IPV6_LOCAL_PREFIX, Component.FLOW_LABEL))
_SAME = (
    frozenset((Component.LOCAL_PORT, Component.LOCAL_PORT_RANGE)),
    frozenset((Component.REMOTE_PORT, Component.REMOTE_PORT_RANGE)),
)
_WITH_FILTERS = frozenset(
    (
        RuleOperation.CREATE,
        RuleOperation.MODIFY_AND_ADD_FILTERS,
        RuleOperation.MODIFY_AND_REPLACE_FILTERS,
        RuleOperation.MODIFY_AND_DELETE_FILTERS,
    )
)
_COMPONENTS, _OPERATIONS = frozenset(map(int, Component)), frozenset(map(int, RuleOperation))
SEMANTIC, SYNTACTICAL = (
    GsmCause.SEMANTIC_ERROR_IN_THE_QOS_OPERATION,
    GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION,
)


class QosError(Exception):
    """The whole is refused. cause: a 5GSM cause. release: with a release of the session, else of the command."""

    def __init__(self, cause: int, what: str, *, release: bool = False) -> None:
        super().__init__(what)
        self.cause = cause
        self.release = release


@dataclass(slots=True)
class Qos:
    """rules: by identifier, flows: by QFI; all as if created so.

    wrong_rules, wrong_flows: those that the UE has the network delete, with a 5GSM cause.
    """

    rules: dict[int, QosRule] = field(default_factory=dict)
    flows: dict[int, QosFlowDescription] = field(default_factory=dict)
    wrong_rules: dict[int, int] = field(default_factory=dict)
    wrong_flows: dict[int, int] = field(default_factory=dict)

    @property
    def default(self) -> QosRule | None:
        return next((rule for rule in self.rules.values() if rule.default), None)


def established(rules: Iterable[QosRule], flows: Iterable[QosFlowDescription]) -> Qos:
    """Of PDU SESSION ESTABLISHMENT ACCEPT. QosError: the session is to be released."""
    qos = Qos()
    for flow in flows:
        if flow.operation != FlowOperation.CREATE:
            qos.wrong_flows[flow.qfi] = SEMANTIC  # case 8
        else:
            qos.flows[flow.qfi] = flow
    for rule in rules:
        try:
            _establish(qos, rule)
        except QosError as error:
            if rule.default or error.release:
                raise QosError(error.cause, str(error), release=True) from None
            qos.wrong_rules[rule.identifier] = error.cause
    if qos.default is None:
        raise QosError(SEMANTIC, "there is no default QoS rule", release=True)  # case 2
    _complete(qos)
    return qos


def _establish(qos: Qos, rule: QosRule) -> None:
    if rule.operation != RuleOperation.CREATE:
        raise QosError(SEMANTIC, f"QoS rule {rule.identifier} is not created")  # case 4
    old = qos.rules.get(rule.identifier)
    if old is not None and (old.default or rule.default):
        raise QosError(SEMANTIC, f"QoS rule {rule.identifier} twice", release=True)  # case 6
    if rule.default and qos.default is not None:
        raise QosError(SEMANTIC, "two default QoS rules", release=True)  # case 1
    _check_filters(rule)
    same = [r for r in qos.rules.values() if r.precedence == rule.precedence and r is not old]
    if same:
        raise QosError(SEMANTIC, f"two QoS rules of precedence {rule.precedence}", release=True)  # case 3
    if not rule.default and _matches_all(rule.packet_filters):
        raise QosError(SEMANTIC, "a rule that matches all is not the default", release=True)  # case 11
    qos.rules[rule.identifier] = rule


def modified(before: Qos, rules: Iterable[QosRule], flows: Iterable[QosFlowDescription]) -> Qos:
    """Of PDU SESSION MODIFICATION COMMAND. QosError: the command is to be rejected, or the session released."""
    qos = Qos(dict(before.rules), dict(before.flows))
    for flow in flows:
        _modify_flow(qos, flow)
    for rule in rules:
        _modify_rule(qos, before, rule)
    _complete(qos)
    return qos


def _modify_flow(qos: Qos, flow: QosFlowDescription) -> None:
    if flow.operation == FlowOperation.DELETE:
        qos.flows.pop(flow.qfi, None)  # case 14 is no error
        return
    if not flow.qfi:
        raise QosError(SYNTACTICAL, "a QoS flow without identifier")
    old = qos.flows.get(flow.qfi)
    if flow.operation == FlowOperation.CREATE:
        qos.flows[flow.qfi] = flow  # case 12: it takes the place of an older one
    elif flow.operation != FlowOperation.MODIFY:
        raise QosError(SYNTACTICAL, f"flow description operation {flow.operation}")
    elif old is None:
        raise QosError(SEMANTIC, f"there is no QoS flow {flow.qfi} to be modified")  # case 13
    else:
        qos.flows[flow.qfi] = _merged_flow(old, flow)


def _merged_flow(old: QosFlowDescription, new: QosFlowDescription) -> QosFlowDescription:
    """§9.11.4.12: with the E bit the parameters given replace all, without they extend or overwrite."""
    if new.e_bit:
        return replace(new, operation=FlowOperation.CREATE)
    given = {
        name: getattr(new, name)
        for name in new.__struct_fields__
        if name not in ("qfi", "operation", "e_bit")
    }
    return replace(old, **{name: value for name, value in given.items() if value is not None})


def _modify_rule(qos: Qos, before: Qos, rule: QosRule) -> None:
    old = qos.rules.get(rule.identifier)
    if rule.operation == RuleOperation.DELETE:
        if rule.packet_filters:
            raise QosError(SYNTACTICAL, "a rule is deleted with packet filters")  # b 2
        if old is not None and old.default:
            raise QosError(SEMANTIC, "the default QoS rule is deleted", release=True)  # case 4
        qos.rules.pop(rule.identifier, None)  # case 11 is no error
        return
    if rule.operation not in _OPERATIONS:
        raise QosError(SYNTACTICAL, f"rule operation {rule.operation} is reserved")
    if rule.operation == RuleOperation.CREATE:
        new = _created(qos, old, rule)
    elif rule.qfi == 0:
        raise QosError(SYNTACTICAL, f"QoS rule {rule.identifier} of no QoS flow")
    elif old is None:
        raise QosError(SEMANTIC, f"there is no QoS rule {rule.identifier} to be modified")  # case 8
    else:
        new = _changed(old, rule)
    if not new.default and _matches_all(new.packet_filters):
        raise QosError(SEMANTIC, "a rule that matches all is not the default")  # case 18
    qos.rules[new.identifier] = new
    _check_precedence(qos, before, new)


def _created(qos: Qos, old: QosRule | None, rule: QosRule) -> QosRule:
    if old is not None and (old.default or rule.default):
        raise QosError(SEMANTIC, f"QoS rule {rule.identifier} is there already")  # case 7
    if rule.default and qos.default is not None:
        raise QosError(SEMANTIC, "there is a default QoS rule already")  # case 1
    _check_filters(rule)
    return rule


def _changed(old: QosRule, rule: QosRule) -> QosRule:
    """The rule that there is with the changes of an operation on it."""
    if rule.default != old.default:
        raise QosError(SEMANTIC, f"QoS rule {rule.identifier} cannot change whether it is the default")
    if rule.operation == RuleOperation.MODIFY_WITHOUT_FILTERS:
        if rule.packet_filters:
            raise QosError(SYNTACTICAL, "packet filters where none are modified")  # b 2
        filters = old.packet_filters
    elif rule.operation == RuleOperation.MODIFY_AND_DELETE_FILTERS:
        if not rule.packet_filters:
            raise QosError(SYNTACTICAL, "no packet filter is named")  # b 1
        gone = {each.identifier for each in rule.packet_filters}  # b 3 is no error
        filters = tuple(each for each in old.packet_filters if each.identifier not in gone)
    else:
        _check_filters(rule)
        replaced = rule.operation == RuleOperation.MODIFY_AND_REPLACE_FILTERS
        new = {each.identifier for each in rule.packet_filters}
        kept = () if replaced else tuple(f for f in old.packet_filters if f.identifier not in new)
        if old.default and _matches_all(kept) and _matches_all(rule.packet_filters):
            raise QosError(SEMANTIC, "a second filter that matches all")  # case 17
        filters = (*kept, *rule.packet_filters)
    return QosRule(
        old.identifier,
        RuleOperation.CREATE,
        old.default,
        filters,
        old.precedence if rule.precedence is None else rule.precedence,
        old.qfi if rule.qfi is None else rule.qfi,
    )


def _check_precedence(qos: Qos, before: Qos, new: QosRule) -> None:
    """Case 5: an older rule of the same precedence gives way, and the network hears of it; the default one does not."""
    for other in list(qos.rules.values()):
        if other.precedence != new.precedence or other.identifier == new.identifier:
            continue
        if other.default:
            raise QosError(SEMANTIC, f"the precedence {new.precedence} of the default rule", release=True)
        if before.rules.get(other.identifier) is not other:
            raise QosError(SEMANTIC, f"two QoS rules of precedence {new.precedence}")
        del qos.rules[other.identifier]
        qos.wrong_rules[other.identifier] = SEMANTIC
    if not new.packet_filters:  # case 6
        if new.default:
            raise QosError(SEMANTIC, "the default QoS rule has no packet filter left", release=True)
        del qos.rules[new.identifier]
        qos.wrong_rules[new.identifier] = SEMANTIC


def _check_filters(rule: QosRule) -> None:
    """Errors of packet filters and of their list: b 1, c and d of the clauses."""
    lacks = rule.operation == RuleOperation.CREATE and (rule.precedence is None or rule.qfi is None)
    if not rule.identifier or rule.qfi == 0 or lacks:
        raise QosError(SYNTACTICAL, "a QoS rule without identifier or precedence, or of no QoS flow")
    if not rule.packet_filters and rule.operation in _WITH_FILTERS:
        raise QosError(SYNTACTICAL, f"QoS rule {rule.identifier} has no packet filter")
    identifiers = [each.identifier for each in rule.packet_filters]
    if len(set(identifiers)) != len(identifiers):
        raise QosError(GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS, "two packet filters of one identifier")
    for each in rule.packet_filters:
        kinds = [kind for kind, _ in each.components]
        if not kinds or not each.direction or not _COMPONENTS.issuperset(kinds):
            raise QosError(
                GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS, "a packet filter has a reserved value"
            )
        if _ineffective(kinds):
            raise QosError(GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS, "no packet ever fits a packet filter")


def _ineffective(kinds: list[int]) -> bool:
    found = set(kinds)
    both = bool(found & _V4) and bool(found & _V6)
    return both or len(found) != len(kinds) or any(same <= found for same in _SAME)


def _matches_all(filters: Iterable[PacketFilter]) -> bool:
    return any(kind == Component.MATCH_ALL for each in filters for kind, _ in each.components)


def _complete(qos: Qos) -> None:
    """GBR flows have their four rates, b 5 and b 8; a rule of a GBR 5QI has its flow, b 4 and b 7."""
    default = qos.default
    for flow in list(qos.flows.values()):
        rates = (flow.gfbr_uplink, flow.gfbr_downlink, flow.mfbr_uplink, flow.mfbr_downlink)
        if (flow.five_qi or flow.qfi) in GBR_5QI and None in rates:
            if default is not None and default.qfi == flow.qfi:
                raise QosError(SYNTACTICAL, f"QoS flow {flow.qfi} lacks a rate", release=True)
            del qos.flows[flow.qfi]
            qos.wrong_flows[flow.qfi] = SYNTACTICAL
            for rule in [rule for rule in qos.rules.values() if rule.qfi == flow.qfi]:
                del qos.rules[rule.identifier]
                qos.wrong_rules[rule.identifier] = SYNTACTICAL
    for rule in list(qos.rules.values()):
        if rule.qfi in GBR_5QI and rule.qfi not in qos.flows:
            if rule.default:
                raise QosError(SYNTACTICAL, f"QoS flow {rule.qfi} is not described", release=True)
            del qos.rules[rule.identifier]
            qos.wrong_rules[rule.identifier] = SYNTACTICAL


def uplink_rules(rules: Iterable[QosRule]) -> tuple[UplinkRule, ...]:
    """In order of precedence, without filters of the downlink alone. A rule that has none of the uplink is left out."""
    ordered = sorted(rules, key=lambda rule: rule.precedence or 0)
    found = [
        UplinkRule(
            rule.qfi, tuple(f.components for f in rule.packet_filters if f.direction & Direction.UPLINK)
        )
        for rule in ordered
        if rule.qfi
    ]
    return tuple(rule for rule in found if rule.filters)


def deletions(qos: Qos) -> tuple[list[QosRule], list[QosFlowDescription], int] | None:
    """What a PDU SESSION MODIFICATION REQUEST asks for after errors, with its one cause; None where there are none."""
    causes = [*qos.wrong_rules.values(), *qos.wrong_flows.values()]
    if not causes:
        return None
    rules = [QosRule(identifier, RuleOperation.DELETE) for identifier in qos.wrong_rules]
    flows = [QosFlowDescription(qfi, FlowOperation.DELETE, e_bit=False) for qfi in qos.wrong_flows]
    return rules, flows, causes[0]
