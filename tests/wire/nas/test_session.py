"""5GSM in detail: QoS rules and flows of every operation, packet filter components, small elements."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire import nas
from cinq.wire.nas import Component, FlowOperation, RuleOperation, filters

from .values import LATER, SIZES, component, later_component

Command = nas.PDUSessionModificationCommand
HEAD = "2e0500cb"  # PDU SESSION MODIFICATION COMMAND of PDU session 5, begun by the network


def decoded(octets: str) -> nas.PDUSessionModificationCommand:
    message = nas.decode(bytes.fromhex(HEAD + octets))
    assert isinstance(message, Command)
    assert nas.encode(message).hex() == HEAD + octets.replace(" ", "")
    return message


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (  # a filter of protocol 17 and remote port 5060, both directions
            "7a 000d 02 000a 21 30 05 3011 5013c4 4e 02",
            nas.QosRule(
                2,
                RuleOperation.CREATE,
                packet_filters=(
                    nas.PacketFilter(
                        0,
                        nas.Direction.BIDIRECTIONAL,
                        (filters.number(Component.PROTOCOL, 17), filters.number(Component.REMOTE_PORT, 5060)),
                    ),
                ),
                precedence=78,
                qfi=2,
            ),
        ),
        ("7a 0004 02 0001 40", nas.QosRule(2, RuleOperation.DELETE)),
        (
            "7a 0009 02 0006 61 11 03 50 0050",
            nas.QosRule(
                2,
                RuleOperation.MODIFY_AND_ADD_FILTERS,
                packet_filters=(
                    nas.PacketFilter(1, nas.Direction.DOWNLINK, (filters.number(Component.REMOTE_PORT, 80),)),
                ),
            ),
        ),
        (
            "7a 0008 02 0005 81 22 01 01 63",
            nas.QosRule(
                2,
                RuleOperation.MODIFY_AND_REPLACE_FILTERS,
                packet_filters=(nas.PacketFilter(2, nas.Direction.UPLINK, nas.MATCH_ALL),),
                precedence=99,
            ),
        ),
        (
            "7a 0006 02 0003 a2 01 0f",
            nas.QosRule(
                2,
                RuleOperation.MODIFY_AND_DELETE_FILTERS,
                packet_filters=(nas.PacketFilter(1), nas.PacketFilter(15)),
            ),
        ),
        (
            "7a 0006 02 0003 c0 0a 43",
            nas.QosRule(2, RuleOperation.MODIFY_WITHOUT_FILTERS, precedence=10, qfi=3, segregation=True),
        ),
    ],
)
def test_rule_operations(octets: str, rule: nas.QosRule) -> None:
    """§9.11.4.13, each operation by hand."""
    assert decoded(octets).authorized_qos_rules == [rule]


@pytest.mark.parametrize(
    ("octets", "flow"),
    [
        (
            "79 0021 02 20 47 010101 02030261a8 03030261a8 040302c350 050302c350 060207d0 070150",
            nas.QosFlowDescription(
                2,
                five_qi=1,
                gfbr_uplink=100_000_000,
                gfbr_downlink=100_000_000,
                mfbr_uplink=200_000_000,
                mfbr_downlink=200_000_000,
                averaging_window=2000,
                eps_bearer_identity=5,
            ),
        ),
        ("79 0003 02 40 00", nas.QosFlowDescription(2, FlowOperation.DELETE, e_bit=False)),
        ("79 0006 02 60 01 010105", nas.QosFlowDescription(2, FlowOperation.MODIFY, e_bit=False, five_qi=5)),
    ],
)
def test_flow_operations(octets: str, flow: nas.QosFlowDescription) -> None:
    """§9.11.4.12, each operation by hand."""
    assert decoded(octets).authorized_qos_flow_descriptions == [flow]


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.lists(component | later_component, max_size=6))
def test_every_component_there_and_back(found: list[tuple[int, bytes]]) -> None:
    octets = b"".join(bytes((kind,)) + value for kind, value in found)
    assert filters.components(octets) == tuple(found)
    assert all(filters.in_words(kind, value) for kind, value in found)
    for end in range(len(octets)):
        try:
            assert filters.components(octets[:end]) == tuple(found)[: len(filters.components(octets[:end]))]
        except (ValueError, IndexError):
            continue


def test_all_components_are_tried() -> None:
    assert {*SIZES, *LATER, Component.RTP_MULTIPLEXED_MEDIA} == set(Component)


def test_components_in_words() -> None:
    told = nas.PacketFilter(
        1,
        components=(
            filters.ipv4(Component.IPV4_REMOTE_ADDRESS, IPv4Network("10.1.0.0/16")),
            filters.ipv6(Component.IPV6_LOCAL_PREFIX, IPv6Network("2001:db8::/64")),
            filters.ports(Component.LOCAL_PORT_RANGE, 5000, 5010),
            filters.ports(Component.REMOTE_PORT_RANGE, 53, 53),
            filters.traffic_class(0xB8, 0xFC),
        ),
    )
    assert told.matches == (
        "remote 10.1.0.0/16, local 2001:db8::/64, local ports 5000-5010, remote port 53, traffic class 0xb8/0xfc"
    )
    command = Command(
        pdu_session_id=1,
        pti=0,
        authorized_qos_rules=[nas.QosRule(1, packet_filters=(told,), precedence=1, qfi=1)],
    )
    rules = cast("list[dict[str, list[dict[str, str]]]]", nas.plain(command)["authorized_qos_rules"])
    assert rules[0]["packet_filters"][0]["matches"] == told.matches


@pytest.mark.parametrize(
    "rule",
    [
        nas.QosRule(1, packet_filters=(nas.PacketFilter(1),) * 16, precedence=1, qfi=1),
        nas.QosRule(1, packet_filters=(nas.PacketFilter(16),), precedence=1, qfi=1),
        nas.QosRule(1, packet_filters=(nas.PacketFilter(1, 4),), precedence=1, qfi=1),
        nas.QosRule(256, precedence=1, qfi=1),
        nas.QosRule(1, 8, precedence=1, qfi=1),
        nas.QosRule(1, precedence=1, qfi=64),
        nas.QosRule(1, precedence=256, qfi=1),
    ],
)
def test_rules_without_an_encoding(rule: nas.QosRule) -> None:
    with pytest.raises(nas.NasError, match="authorized_qos_rules"):
        nas.encode(Command(pdu_session_id=1, pti=0, authorized_qos_rules=[rule]))


@pytest.mark.parametrize(
    "flow",
    [
        nas.QosFlowDescription(64),
        nas.QosFlowDescription(1, 8),
        nas.QosFlowDescription(1, averaging_window=65536),
    ],
)
def test_flows_without_an_encoding(flow: nas.QosFlowDescription) -> None:
    with pytest.raises(nas.NasError, match="authorized_qos_flow_descriptions"):
        nas.encode(Command(pdu_session_id=1, pti=0, authorized_qos_flow_descriptions=[flow]))


def test_small_elements() -> None:
    """Values by hand: §9.11.4.1, §9.11.4.5, §9.11.4.8, §9.11.4.17, §9.11.4.21, §9.11.4.24."""
    reject = nas.decode(bytes.fromhex("2e0101c344 f5 610103 1d0102"))
    assert isinstance(reject, nas.PDUSessionEstablishmentReject)
    assert reject.allowed_ssc_mode == {1, 3}
    assert reject.congestion_re_attempt_indicator == nas.CongestionReAttemptIndicator(True, True)
    assert reject.re_attempt_indicator == nas.ReAttemptIndicator(not_in_equivalent_plmn=True)
    request = nas.decode(bytes.fromhex("2e0101c9 28028f09 550220 750007500004 41010109 660301000f"))
    assert isinstance(request, nas.PDUSessionModificationRequest)
    capability = request.capability_5gsm
    assert capability is not None
    assert nas.GsmFeature.REFLECTIVE_QOS in capability
    assert nas.GsmFeature.RTP_MULTIPLEXED_MEDIA not in capability
    assert (capability.atsss, capability.atsss_low_layer) == (1, 1)
    assert request.maximum_number_of_supported_packet_filters == 17
    parameter = (nas.BearerParameter.EPS_QOS, b"\x09")
    assert request.mapped_eps_bearer_contexts == [
        nas.MappedEpsBearer(5, nas.BearerOperation.CREATE, e_bit=False, parameters=(parameter,))
    ]
    compression = request.ip_header_compression_configuration
    assert compression == nas.IpHeaderCompression(frozenset((nas.RohcProfile.UDP_0002,)), 15)
    assert nas.Capability5gsm.of(nas.GsmFeature.EXTENDED_PCP_DEI).octets.hex() == "000002"


@pytest.mark.parametrize(
    ("address", "octets"),
    [
        (nas.PduAddress(IPv4Address("10.45.0.2")), "29 05 01 0a2d0002"),
        (nas.PduAddress(None, bytes(7) + b"\1"), "29 09 02 0000000000000001"),
        (nas.PduAddress(IPv4Address("10.45.0.2"), bytes(7) + b"\1"), "29 0d 03 0000000000000001 0a2d0002"),
    ],
)
def test_pdu_addresses(address: nas.PduAddress, octets: str) -> None:
    """§9.11.4.10: of IPv4, IPv6 and IPv4v6."""
    vector = nas.PDUSessionEstablishmentAccept.VECTORS[0]
    accept = nas.decode(bytes.fromhex(vector))
    assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
    changed = nas.encode(accept.replace(pdu_address=address))
    assert octets.replace(" ", "") in changed.hex()
    assert nas.decode(changed) == accept.replace(pdu_address=address)


def test_assistance_and_reports() -> None:
    """§9.11.4.36, §9.11.4.38 and §9.11.4.40 by hand."""
    octets = bytes.fromhex(HEAD + "70 0007 02 0102 01 010109 38 02 01 02")
    command = nas.decode(octets)
    assert isinstance(command, Command)
    assert command.n3qai == [nas.N3Qai((1, 2), ((1, b"\x09"),))]
    assert command.ecn_marking_for_l4s_indication == (1, 2)
    assert nas.encode(command) == octets
    request = nas.decode(bytes.fromhex("2e0501c9 36 05 02 0108 01 02"))
    assert isinstance(request, nas.PDUSessionModificationRequest)
    assert request.ursp_rule_enforcement_reports == [(1, 8), (2,)]
