"""SDF filters of a PDI (TS 29.244 §8.2.5) as filters of the data plane."""

from __future__ import annotations

from itertools import product

from cinq.nf.upf.context import PDR, failed
from cinq.userplane.rules import Filter
from cinq.wire import flow_description, pfcp
from cinq.wire.pfcp import Cause

SDF_FILTER = 23
MOST = 64  # filters of one PDI, as the data plane takes them


def sdf_filters(pdr_id: int, pdi: pfcp.Pdi, named: dict[int, tuple[Filter, ...]]) -> tuple[Filter, ...]:
    """() takes every packet. named: filters that an SDF Filter ID stands for in this session; new ones are added.

    §8.2.5: the description is of the downlink. In a PDI of uplink packets source and destination change places, so
    that its source is always the remote end.
    """
    if any(kind == SDF_FILTER for kind, _ in pdi.unknown):
        raise failed(Cause.INVALID_LENGTH, "SDF filter cut short", PDR, pdr_id, SDF_FILTER)
    found: list[Filter] = []
    for each in pdi.sdf_filters:
        made = _read(pdr_id, each, named)
        if Filter() in made:  # as if there were none
            return ()
        found += made
    if len(found) > MOST:
        what = f"{len(found)} filters, at most {MOST}"
        raise failed(Cause.NO_RESOURCES_AVAILABLE, what, PDR, pdr_id, SDF_FILTER)
    return tuple(found)


def _read(pdr_id: int, each: pfcp.SdfFilter, named: dict[int, tuple[Filter, ...]]) -> tuple[Filter, ...]:
    has_content = (each.tos, each.security_parameter_index, each.flow_label) != (None, None, None)
    if each.flow_description is None and not has_content:
        known = named.get(each.filter_id or 0)
        if each.filter_id is None or known is None:
            what = "SDF filter with nothing in it, or of an SDF Filter ID that is not known"
            raise failed(Cause.MANDATORY_IE_INCORRECT, what, PDR, pdr_id, SDF_FILTER)
        return known
    try:
        made = _filters(each)
    except ValueError as error:
        raise failed(Cause.MANDATORY_IE_INCORRECT, str(error), PDR, pdr_id, SDF_FILTER) from None
    if each.filter_id is not None:
        named[each.filter_id] = made
    return made


def _filters(each: pfcp.SdfFilter) -> tuple[Filter, ...]:
    """One for each pair of port ranges. ValueError: the description is none."""
    text = each.flow_description
    read = flow_description.FlowDescription() if text is None else flow_description.read(text)
    label = each.flow_label
    return tuple(
        Filter(
            protocol=read.protocol,
            remote=read.source,
            remote_ports=remote,
            local=read.destination,
            local_ports=local,
            tos=None if each.tos is None else (each.tos[0], each.tos[1]),
            spi=each.security_parameter_index,
            flow_label=None if label is None else int.from_bytes(label, "big") & 0xFFFFF,
        )
        for remote, local in product(read.source_ports or (None,), read.destination_ports or (None,))
    )
