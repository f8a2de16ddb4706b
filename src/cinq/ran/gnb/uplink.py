"""Uplink packets of an emulated UE on their QoS flows: its QoS rules as flows of the data plane. TS 23.501 §5.7.1.5.

A phone matches packets with its rules before it hands them to the radio; here the plane at the gNB does it for the UE.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from msgspec.structs import replace

from cinq.ran.gnb.context import Tunnel
from cinq.ran.radio.port import Components, UplinkRule
from cinq.userplane.rules import Filter, Flow
from cinq.wire.nas import Component

Matching = tuple[tuple[int, tuple[Filter, ...]], ...]
"""QFI and filters of each rule, in their order."""


def matching(rules: Iterable[UplinkRule]) -> Matching:
    """ValueError: a filter is of no IP packet."""
    return tuple((rule.qfi, tuple(packet_filter(each) for each in rule.filters)) for rule in rules)


def uplink_flows(rules: Matching, tunnel: Tunnel) -> tuple[Flow, ...]:
    """One for each rule whose QoS flow the gNB has. () where packets need not be told apart."""
    flows = tuple(
        Flow(number, filters, qfi=qfi, teid=tunnel.ul_teid, peer=tunnel.upf)
        for number, (qfi, filters) in enumerate(rules, 1)
        if qfi in tunnel.qfis
    )
    alone = len(flows) == 1 and flows[0].qfi == tunnel.qfi and Filter() in flows[0].filters
    return () if alone else flows


def packet_filter(components: Components) -> Filter:
    """TS 24.501 §9.11.4.13. ValueError: a component that an IP packet has not."""
    made = Filter()
    for kind, value in components:
        number = int.from_bytes(value, "big")
        match kind:
            case Component.MATCH_ALL:
                pass
            case Component.IPV4_REMOTE_ADDRESS | Component.IPV4_LOCAL_ADDRESS:
                mask = int.from_bytes(value[4:8], "big").bit_count()
                network = IPv4Network((value[:4], mask), strict=False)
                is_remote = kind == Component.IPV4_REMOTE_ADDRESS
                made = replace(made, remote=network) if is_remote else replace(made, local=network)
            case Component.IPV6_REMOTE_PREFIX | Component.IPV6_LOCAL_PREFIX:
                prefix = IPv6Network((value[:16], value[16]), strict=False)
                is_remote = kind == Component.IPV6_REMOTE_PREFIX
                made = replace(made, remote=prefix) if is_remote else replace(made, local=prefix)
            case Component.PROTOCOL:
                made = replace(made, protocol=number)
            case Component.LOCAL_PORT:
                made = replace(made, local_ports=(number, number))
            case Component.REMOTE_PORT:
                made = replace(made, remote_ports=(number, number))
            case Component.LOCAL_PORT_RANGE:
                made = replace(made, local_ports=(number >> 16, number & 0xFFFF))
            case Component.REMOTE_PORT_RANGE:
                made = replace(made, remote_ports=(number >> 16, number & 0xFFFF))
            case Component.SECURITY_PARAMETER_INDEX:
                made = replace(made, spi=number)
            case Component.TRAFFIC_CLASS:
                made = replace(made, tos=(value[0], value[1]))
            case Component.FLOW_LABEL:
                made = replace(made, flow_label=number & 0xFFFFF)
            case _:
                raise ValueError(f"packet filter component {kind:#04x} is of no IP packet")
    return made
