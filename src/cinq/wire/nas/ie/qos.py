"""QoS rules (§9.11.4.13) and QoS flow descriptions (§9.11.4.12)."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct

from cinq.wire.nas.ie.filters import PacketFilterComponents, components, in_words
from cinq.wire.nas.ie.session import bit_rate, bit_rate_octets
from cinq.wire.nas.row import Codec


class RuleOperation(IntEnum):
    CREATE = 1
    DELETE = 2
    MODIFY_AND_ADD_FILTERS = 3
    MODIFY_AND_REPLACE_FILTERS = 4
    MODIFY_AND_DELETE_FILTERS = 5
    MODIFY_WITHOUT_FILTERS = 6


_CREATE, _DELETE_FILTERS = int(RuleOperation.CREATE), int(RuleOperation.MODIFY_AND_DELETE_FILTERS)


class Direction(IntEnum):
    DOWNLINK = 1
    UPLINK = 2
    BIDIRECTIONAL = 3


class PacketFilter(Struct, frozen=True):
    """identifier: 0 to 15. direction: a Direction. components: see filters.py.

    For the operation MODIFY_AND_DELETE_FILTERS only the identifier counts.
    """

    identifier: int
    direction: int = Direction.BIDIRECTIONAL
    components: PacketFilterComponents = ()
    SHOWN: ClassVar[tuple[str, ...]] = ("matches",)

    @property
    def matches(self) -> str:
        """Its components in words."""
        return ", ".join(in_words(kind, value) for kind, value in self.components)


class QosRule(Struct, frozen=True, cache_hash=True):
    """identifier: 1 to 255. operation: a RuleOperation. precedence, qfi: None where the rule has none.

    The lower the precedence, the earlier the rule is evaluated. segregation: from the UE only.
    """

    identifier: int
    operation: int = RuleOperation.CREATE
    default: bool = False
    packet_filters: tuple[PacketFilter, ...] = ()
    precedence: int | None = None
    qfi: int | None = None
    segregation: bool = False


def _rules(b: bytes) -> list[QosRule]:
    found, position = [], 0
    while position < len(b):
        after = position + 3 + (b[position + 1] << 8 | b[position + 2])
        if after > len(b) or after == position + 3:
            raise ValueError(f"QoS rule {b[position]} has {after - position - 3} octets, not there")
        found.append(_rule(b[position], b[position + 3 : after]))
        position = after
    return found


@lru_cache(256)  # few rules serve most sessions
def _rule(identifier: int, b: bytes) -> QosRule:
    operation, default, count = b[0] >> 5, b[0] & 16 == 16, b[0] & 15
    filters, position = [], 1
    for _ in range(count):
        if operation == _DELETE_FILTERS:
            filters.append(PacketFilter(b[position] & 15))
            position += 1
            continue
        head, after = b[position], position + 2 + b[position + 1]
        if after > len(b):
            raise ValueError(f"a packet filter of QoS rule {identifier} is cut")
        filters.append(PacketFilter(head & 15, head >> 4 & 3, components(b[position + 2 : after])))
        position = after
    precedence = b[position] if position < len(b) else None
    last = b[position + 1] if position + 1 < len(b) else None
    if operation == _CREATE and last is None:
        raise ValueError(f"QoS rule {identifier} lacks precedence or QFI")
    qfi = None if last is None else last & 63
    return QosRule(
        identifier, operation, default, tuple(filters), precedence, qfi, last is not None and last & 64 == 64
    )


def _rules_octets(rules: list[QosRule]) -> bytes:
    return b"".join([_rule_octets(rule) for rule in rules])


@lru_cache(256)
def _rule_octets(rule: QosRule) -> bytes:
    operation, filters = rule.operation, rule.packet_filters
    numbers = (operation << 1, len(filters), rule.identifier >> 4, (rule.qfi or 0) >> 2)
    if not all(0 <= number <= 15 for number in numbers):
        raise ValueError("a QoS rule has at most 15 packet filters, an identifier up to 255, a QFI up to 63")
    out = bytearray((operation << 5 | rule.default << 4 | len(filters),))
    for each in filters:
        out += _filter_octets(each, operation)
    if rule.precedence is not None:
        out.append(rule.precedence)
        if rule.qfi is not None:
            out.append(rule.segregation << 6 | rule.qfi)
    return bytes((rule.identifier,)) + len(out).to_bytes(2, "big") + out


def _filter_octets(each: PacketFilter, operation: int) -> bytes:
    if not (0 <= each.identifier <= 15 and 0 <= each.direction <= 3):
        raise ValueError("a packet filter has an identifier up to 15, a direction up to 3")
    if operation == _DELETE_FILTERS:
        return bytes((each.identifier,))
    content = b"".join([kind.to_bytes(1, "big") + value for kind, value in each.components])
    return bytes((each.direction << 4 | each.identifier, len(content))) + content


qos_rules: Codec[list[QosRule]] = Codec(_rules, _rules_octets, 4)


class FlowOperation(IntEnum):
    CREATE = 1
    DELETE = 2
    MODIFY = 3


class QosFlowDescription(Struct, frozen=True):
    """qfi: 1 to 63. operation: a FlowOperation.

    e_bit: parameters follow (True for CREATE, False for DELETE) or replace all earlier ones (MODIFY).

    gfbr, mfbr: guaranteed and maximum flow bit rate in bits per second. averaging_window: milliseconds.
    """

    qfi: int
    operation: int = FlowOperation.CREATE
    e_bit: bool = True
    five_qi: int | None = None
    gfbr_uplink: int | None = None
    gfbr_downlink: int | None = None
    mfbr_uplink: int | None = None
    mfbr_downlink: int | None = None
    averaging_window: int | None = None
    eps_bearer_identity: int | None = None


_NO_RATES = (None, None, None, None)
_PARAMETERS = {1: 1, 2: 3, 3: 3, 4: 3, 5: 3, 6: 2, 7: 1}


def _parameter(identifier: int, b: bytes) -> int:
    if identifier == 7:
        return b[0] >> 4
    return bit_rate(b) if 2 <= identifier <= 5 else int.from_bytes(b[: _PARAMETERS[identifier]], "big")


def _flows(b: bytes) -> list[QosFlowDescription]:
    found, position = [], 0
    while position < len(b):
        qfi, operation, last = b[position] & 63, b[position + 1] >> 5, b[position + 2]
        position += 3
        values: list[int | None] = [None] * 8
        for _ in range(last & 63):
            identifier, after = b[position], position + 2 + b[position + 1]
            content = b[position + 2 : after]
            size = _PARAMETERS.get(identifier, 0)  # a parameter that is not known is discarded
            if after > len(b) or len(content) < size:
                raise ValueError(f"parameter {identifier} of QoS flow {qfi} is cut")
            if size:
                values[identifier] = _parameter(identifier, content)
            position = after
        found.append(QosFlowDescription(qfi, operation, last & 64 == 64, *values[1:]))
    return found


def _flows_octets(flows: list[QosFlowDescription]) -> bytes:
    return b"".join([_flow_octets(flow) for flow in flows])


@lru_cache(256)
def _flow_octets(flow: QosFlowDescription) -> bytes:
    parameters = _parameters_octets(flow)
    if not (0 <= flow.qfi <= 63 and 0 <= flow.operation <= 7):
        raise ValueError("a QoS flow description has a QFI up to 63, an operation up to 7")
    out = bytes((flow.qfi, flow.operation << 5, flow.e_bit << 6 | len(parameters)))
    for identifier, content in parameters:
        out += bytes((identifier, len(content))) + content
    return out


def _parameters_octets(flow: QosFlowDescription) -> list[tuple[int, bytes]]:
    rates = (flow.gfbr_uplink, flow.gfbr_downlink, flow.mfbr_uplink, flow.mfbr_downlink)
    found: list[tuple[int, bytes]] = []
    if flow.five_qi is not None:
        found.append((1, flow.five_qi.to_bytes(1, "big")))
    if rates != _NO_RATES:
        found += [(i, bit_rate_octets(rate)) for i, rate in enumerate(rates, 2) if rate is not None]
    if flow.averaging_window is not None:
        found.append((6, flow.averaging_window.to_bytes(2, "big")))
    if flow.eps_bearer_identity is not None:
        found.append((7, bytes((flow.eps_bearer_identity << 4,))))
    return found


qos_flow_descriptions: Codec[list[QosFlowDescription]] = Codec(_flows, _flows_octets, 3)
