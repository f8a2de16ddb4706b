"""Operations on QoS rules and flows at the UE, and their errors (TS 24.501 §6.4.1.3, §6.3.2.3, §6.3.2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.ran.ue.qos import Qos, QosError, deletions, established, modified
from cinq.wire import nas
from cinq.wire.nas import (
    Component,
    FlowOperation,
    PacketFilter,
    QosFlowDescription,
    QosRule,
    RuleOperation,
)

ALL = (PacketFilter(1, components=nas.MATCH_ALL),)
WEB = (PacketFilter(1, components=((Component.REMOTE_PORT, b"\0\x50"),)),)
DNS = (PacketFilter(2, components=((Component.REMOTE_PORT, b"\0\x35"),)),)
DEFAULT = QosRule(1, default=True, packet_filters=ALL, precedence=255, qfi=9)
EVERY = (PacketFilter(4, components=nas.MATCH_ALL),)
SECOND = QosRule(2, packet_filters=WEB, precedence=10, qfi=5)
FLOW = QosFlowDescription(5, five_qi=5)
GBR = QosFlowDescription(
    1, five_qi=1, gfbr_uplink=1000, gfbr_downlink=1000, mfbr_uplink=1000, mfbr_downlink=1000
)
SEMANTIC, SYNTACTICAL = 83, 84


def rule(
    identifier: int,
    operation: int = RuleOperation.CREATE,
    *,
    default: bool = False,
    filters: tuple[PacketFilter, ...] = WEB,
    precedence: int | None = 20,
    qfi: int | None = 5,
) -> QosRule:
    return QosRule(identifier, operation, default, filters, precedence, qfi)


def before() -> Qos:
    return established([DEFAULT, SECOND], [FLOW])


def test_accepted() -> None:
    qos = established([DEFAULT, SECOND, rule(3, qfi=1)], [FLOW, GBR])
    assert list(qos.rules) == [1, 2, 3]
    assert list(qos.flows) == [5, 1]
    assert qos.default == DEFAULT
    assert deletions(qos) is None


@pytest.mark.parametrize(
    ("rules", "cause"),
    [
        ([SECOND], SEMANTIC),
        ([], SEMANTIC),
        ([DEFAULT, rule(2, default=True, precedence=1)], SEMANTIC),
        ([DEFAULT, rule(2, precedence=255)], SEMANTIC),
        ([DEFAULT, rule(1)], SEMANTIC),
        ([DEFAULT, rule(2, filters=ALL)], SEMANTIC),
        ([rule(1, RuleOperation.MODIFY_AND_ADD_FILTERS, default=True)], SEMANTIC),
        ([rule(1, default=True, filters=())], SYNTACTICAL),
        ([rule(0, default=True)], SYNTACTICAL),
        ([rule(1, default=True, qfi=0)], SYNTACTICAL),
        ([rule(1, default=True, qfi=2)], SYNTACTICAL),
        ([rule(1, default=True, filters=WEB + WEB)], 45),
        ([rule(1, default=True, filters=(PacketFilter(1, components=((0x7F, b""),)),))], 45),
        ([rule(1, default=True, filters=(PacketFilter(1, 0, nas.MATCH_ALL),))], 45),
        (
            [
                rule(
                    1,
                    default=True,
                    filters=(
                        PacketFilter(
                            1,
                            components=(
                                (Component.IPV4_LOCAL_ADDRESS, bytes(8)),
                                (Component.IPV6_LOCAL_PREFIX, bytes(17)),
                            ),
                        ),
                    ),
                )
            ],
            44,
        ),
    ],
)
def test_an_accept_that_releases(rules: Sequence[QosRule], cause: int) -> None:
    with pytest.raises(QosError) as error:
        established(rules, [])
    assert (error.value.cause, error.value.release) == (cause, True)


@pytest.mark.parametrize(
    ("rules", "flows", "wrong_rules", "wrong_flows"),
    [
        ([rule(2, RuleOperation.DELETE, filters=())], [], {2: SEMANTIC}, {}),
        ([rule(2, filters=())], [], {2: SYNTACTICAL}, {}),
        ([rule(2, qfi=3)], [], {2: SYNTACTICAL}, {}),
        ([rule(2, filters=WEB + WEB)], [], {2: 45}, {}),
        ([], [QosFlowDescription(5, FlowOperation.MODIFY)], {}, {5: SEMANTIC}),
        ([rule(2, qfi=1)], [QosFlowDescription(1, five_qi=1)], {2: SYNTACTICAL}, {1: SYNTACTICAL}),
    ],
)
def test_an_accept_of_which_parts_are_given_back(
    rules: list[QosRule],
    flows: list[QosFlowDescription],
    wrong_rules: dict[int, int],
    wrong_flows: dict[int, int],
) -> None:
    qos = established([DEFAULT, *rules], flows)
    assert (qos.wrong_rules, qos.wrong_flows) == (wrong_rules, wrong_flows)
    assert list(qos.rules) == [1]
    found = deletions(qos)
    assert found is not None
    assert [r.operation for r in found[0]] == [RuleOperation.DELETE] * len(wrong_rules)
    assert [f.operation for f in found[1]] == [FlowOperation.DELETE] * len(wrong_flows)


def test_operations_of_a_modification() -> None:
    qos = modified(before(), [rule(3)], [GBR])
    assert list(qos.rules) == [1, 2, 3]
    add = rule(2, RuleOperation.MODIFY_AND_ADD_FILTERS, filters=DNS, precedence=11)
    qos = modified(qos, [add], [])
    assert (qos.rules[2].packet_filters, qos.rules[2].precedence, qos.rules[2].qfi) == (WEB + DNS, 11, 5)
    gone = QosRule(2, RuleOperation.MODIFY_AND_DELETE_FILTERS, False, (PacketFilter(1), PacketFilter(7)))
    qos = modified(qos, [gone], [])
    assert (qos.rules[2].packet_filters, qos.rules[2].precedence) == (DNS, 11)
    qos = modified(qos, [rule(2, RuleOperation.MODIFY_AND_REPLACE_FILTERS, filters=WEB)], [])
    assert (qos.rules[2].packet_filters, qos.rules[2].precedence) == (WEB, 20) or 3 in qos.wrong_rules
    qos = modified(qos, [QosRule(2, RuleOperation.MODIFY_WITHOUT_FILTERS, precedence=12, qfi=1)], [])
    assert (qos.rules[2].packet_filters, qos.rules[2].precedence, qos.rules[2].qfi) == (WEB, 12, 1)
    qos = modified(qos, [QosRule(2, RuleOperation.DELETE), QosRule(99, RuleOperation.DELETE)], [])
    assert 2 not in qos.rules


def test_operations_on_flows() -> None:
    more = QosFlowDescription(5, FlowOperation.MODIFY, False, mfbr_uplink=5000)
    qos = modified(before(), [], [more])
    assert (qos.flows[5].five_qi, qos.flows[5].mfbr_uplink) == (5, 5000)
    qos = modified(qos, [], [QosFlowDescription(5, FlowOperation.MODIFY, five_qi=6)])
    assert (qos.flows[5].five_qi, qos.flows[5].mfbr_uplink) == (6, None)
    qos = modified(qos, [], [QosFlowDescription(5, FlowOperation.DELETE, e_bit=False)])
    assert not qos.flows
    modified(qos, [], [QosFlowDescription(5, FlowOperation.DELETE, e_bit=False)])


@pytest.mark.parametrize(
    ("rules", "flows", "cause"),
    [
        ([rule(3, default=True)], [], SEMANTIC),
        ([rule(1)], [], SEMANTIC),
        ([rule(9, RuleOperation.MODIFY_AND_ADD_FILTERS)], [], SEMANTIC),
        (
            [
                rule(
                    2,
                    RuleOperation.MODIFY_AND_ADD_FILTERS,
                    filters=(PacketFilter(4, components=nas.MATCH_ALL),),
                )
            ],
            [],
            SEMANTIC,
        ),
        ([rule(1, RuleOperation.MODIFY_AND_ADD_FILTERS)], [], SEMANTIC),
        (
            [
                rule(
                    1,
                    RuleOperation.MODIFY_AND_ADD_FILTERS,
                    default=True,
                    filters=(PacketFilter(3, 3, nas.MATCH_ALL),),
                )
            ],
            [],
            SEMANTIC,
        ),
        ([rule(3, precedence=30), rule(4, precedence=30)], [], SEMANTIC),
        ([rule(3, 7)], [], SYNTACTICAL),
        ([rule(3, 0)], [], SYNTACTICAL),
        ([rule(3, filters=())], [], SYNTACTICAL),
        ([rule(2, RuleOperation.MODIFY_WITHOUT_FILTERS)], [], SYNTACTICAL),
        ([rule(2, RuleOperation.DELETE)], [], SYNTACTICAL),
        ([rule(2, RuleOperation.MODIFY_AND_DELETE_FILTERS, filters=())], [], SYNTACTICAL),
        ([rule(3, filters=WEB + WEB)], [], 45),
        ([], [QosFlowDescription(7, FlowOperation.MODIFY)], SEMANTIC),
        ([], [QosFlowDescription(7, 5)], SYNTACTICAL),
        ([], [QosFlowDescription(0)], SYNTACTICAL),
    ],
)
def test_a_command_that_is_rejected(
    rules: list[QosRule], flows: list[QosFlowDescription], cause: int
) -> None:
    with pytest.raises(QosError) as error:
        modified(before(), rules, flows)
    assert (error.value.cause, error.value.release) == (cause, False)


@pytest.mark.parametrize(
    "rules",
    [
        [QosRule(1, RuleOperation.DELETE)],
        [rule(3, precedence=255)],
        [QosRule(1, RuleOperation.MODIFY_AND_DELETE_FILTERS, True, (PacketFilter(1),))],
    ],
)
def test_a_command_that_releases(rules: list[QosRule]) -> None:
    with pytest.raises(QosError) as error:
        modified(before(), rules, [])
    assert (error.value.cause, error.value.release) == (SEMANTIC, True)


def test_an_older_rule_gives_way() -> None:
    """§6.3.2.4 a) case 5 and case 6: the network is told afterwards."""
    qos = modified(before(), [rule(3, precedence=10)], [])
    assert (list(qos.rules), qos.wrong_rules) == ([1, 3], {2: SEMANTIC})
    empty = QosRule(2, RuleOperation.MODIFY_AND_DELETE_FILTERS, False, (PacketFilter(1),))
    qos = modified(before(), [empty], [])
    assert (list(qos.rules), qos.wrong_rules) == ([1], {2: SEMANTIC})


_filters = st.lists(
    st.builds(
        PacketFilter,
        st.integers(0, 3),
        st.sampled_from([1, 2, 3, 3, 3, 0]),
        st.sampled_from(
            [((Component.PROTOCOL, b"\x11"),)] * 3 + [nas.MATCH_ALL, (), ((0x7F, b""),)],
        ),
    ),
    max_size=3,
    unique_by=lambda each: each.identifier,
).map(tuple)
_rules = st.lists(
    st.builds(
        QosRule,
        st.integers(0, 4),
        st.integers(0, 7),
        st.booleans(),
        _filters,
        st.sampled_from([None, 1, 2, 255]),
        st.sampled_from([None, 0, 1, 5, 9]),
    ),
    max_size=4,
)
_flows = st.lists(
    st.builds(QosFlowDescription, st.integers(0, 6), st.integers(0, 5), st.booleans()), max_size=3
)


@settings(max_examples=1000, derandomize=True, deadline=None)
@given(_rules, _flows, _rules, _flows)
def test_whatever_the_network_asks_for_the_session_stays_sound(
    first: list[QosRule],
    first_flows: list[QosFlowDescription],
    second: list[QosRule],
    second_flows: list[QosFlowDescription],
) -> None:
    """One default rule, precedences of their own, filters everywhere, nothing of an operation left."""
    try:
        qos = established([DEFAULT, *first], first_flows)
    except QosError:
        qos = before()
    try:
        after = modified(qos, second, second_flows)
    except QosError:
        return
    rules = list(after.rules.values())
    assert sum(one.default for one in rules) == 1
    assert len({one.precedence for one in rules}) == len(rules)
    assert all(one.packet_filters and one.qfi for one in rules)
    assert not set(after.rules) & set(after.wrong_rules)
