"""What a gNB is to do for a UE from its first message on: trace and location reports (TS 38.413 §8.3.1, §8.4.2).

After a handover by Xn the gNBs have told each other (TS 38.423 §8.2.1): the PATH SWITCH REQUEST ACKNOWLEDGE carries
neither.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, NamedTuple

from cinq.nf.amf.orders import Order, Orders
from cinq.numbering import Supi
from cinq.wire import ngap


class Standing(NamedTuple):
    trace: ngap.TraceActivation | None = None
    location: ngap.LocationReportingRequestType | None = None


NOTHING = Standing()


def of(orders: Orders, supi: Supi | None) -> Standing:
    if supi is None:
        return NOTHING
    trace, location = orders.running(str(supi), "trace"), orders.running(str(supi), "follow")
    return Standing(
        None if trace is None else trace_activation(trace),
        None if location is None else location_request(location),
    )


def trace_activation(order: Order) -> ngap.TraceActivation:
    """§9.3.1.14."""
    address = ip_address(order.collector)
    return ngap.TraceActivation(
        ngran_trace_id=order.trace_id,
        interfaces_to_trace=order.interfaces,
        trace_depth=order.depth,
        trace_collection_entity_ip_address=(int(address), address.max_prefixlen),
    )


def location_request(order: Order, *, stop: bool = False) -> ngap.LocationReportingRequestType:
    """§9.3.1.65."""
    if stop:
        return ngap.LocationReportingRequestType(event_type="stop-change-of-serve-cell", report_area="cell")
    event: Literal["change-of-serve-cell", "direct"] = (
        "change-of-serve-cell" if order.kind == "follow" else "direct"
    )
    return ngap.LocationReportingRequestType(event_type=event, report_area="cell")
