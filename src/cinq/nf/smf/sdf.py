"""Service data flow filters as PCF and UPF write them: the IPFilterRule of TS 29.212 §5.4.2 and TS 29.244 §8.2.5."""

from __future__ import annotations

from itertools import product

from cinq.nf.smf.flows import FlowDirection, Prefix, SdfFilter
from cinq.sbi.services.npcf_smpolicycontrol import FlowInformation
from cinq.wire import flow_description as description
from cinq.wire.flow_description import FlowDescription


def sdf_filters(info: FlowInformation) -> tuple[SdfFilter, ...]:
    """One for each pair of port ranges. ValueError with what is wrong: not an IPFilterRule, of Ethernet, ..."""
    text = info.flow_description
    if text is None:
        raise ValueError("a flow without flowDescription: Ethernet and application filters are not served")
    direction: FlowDirection = "BIDIRECTIONAL"
    if info.flow_direction in ("DOWNLINK", "UPLINK"):
        direction = info.flow_direction
    elif info.flow_direction == "UNSPECIFIED":
        raise ValueError("flowDirection UNSPECIFIED tells nobody which packets are meant")
    flow = description.read(text)
    if info.flow_label is not None and 4 in _versions(flow):
        raise ValueError(f"flow label {info.flow_label[:20]}: it is of IPv6")
    return tuple(
        SdfFilter(
            direction=direction,
            protocol=flow.protocol,
            remote=Prefix.of(flow.source),
            remote_ports=remote,
            local=Prefix.of(flow.destination),
            local_ports=local,
            tos=None if info.tos_traffic_class is None else _tos(info.tos_traffic_class),
            spi=None if info.spi is None else _hexadecimal(info.spi, 8, "SPI"),
            flow_label=None if info.flow_label is None else _hexadecimal(info.flow_label, 6, "flow label"),
            for_ue=info.packet_filter_usage,
        )
        for remote, local in product(flow.source_ports or (None,), flow.destination_ports or (None,))
    )


def _versions(flow: FlowDescription) -> set[int]:
    return {network.version for network in (flow.source, flow.destination) if network is not None}


def _hexadecimal(word: str, digits: int, what: str) -> int:
    if len(word) != digits or any(c not in "0123456789abcdefABCDEF" for c in word):
        raise ValueError(f"{what} {word[:20]!r}, wanted {digits} hexadecimal digits")
    return int(word, 16)


def _tos(word: str) -> tuple[int, int]:
    number = _hexadecimal(word, 4, "tosTrafficClass")
    return number >> 8, number & 0xFF


def flow_description(sdf: SdfFilter) -> str:
    """Written for the downlink; a UPF turns it round for uplink packets (TS 29.244 §8.2.5)."""
    return description.written(
        FlowDescription(
            protocol=sdf.protocol,
            source=None if sdf.remote is None else sdf.remote.network,
            source_ports=() if sdf.remote_ports is None else (sdf.remote_ports,),
            destination=None if sdf.local is None else sdf.local.network,
            destination_ports=() if sdf.local_ports is None else (sdf.local_ports,),
        )
    )
