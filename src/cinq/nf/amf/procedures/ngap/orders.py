"""What `cinq order` wants of a UE at its gNB, TS 38.413 §8.11 to §8.14; it is looked at each second.

What stays (a trace, reports at each change of cell) goes with the UE: into each context that a gNB gets of it.
"""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import signals
from cinq.nf.amf.n2 import standing
from cinq.nf.amf.n2.association import Access, NgConnection
from cinq.nf.amf.orders import KEPT_S, Order
from cinq.nf.amf.procedures.ngap.location_reporting import CannotLocate, locate, words
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.ue import Ue
from cinq.numbering import NumberingError, Supi
from cinq.procedure import Aborted, Declined, TimerExpired

WAITS = "begins with the next connection of the UE"


def look(access: Access, registry: Registry[Ue], now: float) -> None:
    for order in access.orders.all():
        if order.state == "wanted" and order.kind in SERVED:
            begin(access, known(registry, order), order, now)
        elif order.state == "unwanted":
            end(access, known(registry, order), order, now)
        elif order.state in ("done", "ended") and now > order.since + KEPT_S:
            access.orders.forget(order)


def known(registry: Registry[Ue], order: Order) -> Ue | None:
    try:
        ue = registry.by_supi.get(Supi.parse(order.supi))
    except NumberingError:
        return None
    return ue if ue is not None and ue.context.rm_state == "RM-REGISTERED" else None


def begin(access: Access, ue: Ue | None, order: Order, now: float) -> None:
    if ue is None:
        if order.stays:
            access.orders.changed(order, "running", now, f"not registered: {WAITS}")
        else:
            access.orders.changed(order, "done", now, "not registered")
        return
    running = access.orders.changed(order, "running", now, "asked")
    ue.beside(partial(served, ue, running), f"order of {order.kind}")


async def served(ue: Ue, order: Order) -> None:
    """Whatever becomes of it, the operator reads it."""
    orders, clock = ue.access.orders, ue.ports.clock
    try:
        text = await SERVED[order.kind](ue, order)
    except (CannotLocate, Declined) as error:
        text = str(error)
    except (Aborted, TimerExpired):
        text = "the gNB does not answer, or the UE has left"
    if order.stays:
        orders.note(order.supi, order.kind, clock.now(), text)
    else:
        orders.changed(order, "done", clock.now(), text)


def usable(ue: Ue) -> NgConnection | None:
    """Its connection, where its gNB has a context of it."""
    connection = ue.connection
    return (
        connection if connection is not None and connection.has_context and not connection.releasing else None
    )


async def trace(ue: Ue, order: Order) -> str:
    connection = usable(ue)
    if connection is None:
        return WAITS
    connection.want_beside(signals.StartTrace(standing.trace_activation(order)))
    return f"traced by {connection.ran.label}"


async def location(ue: Ue, order: Order) -> str:
    """Once: an idle UE is paged for it. At each change: with the first report at once where it is connected."""
    if order.stays and usable(ue) is None:
        return WAITS
    return words(await locate(ue, standing.location_request(order)))


async def radio(ue: Ue, order: Order) -> str:
    connection = usable(ue)
    if connection is None:
        return "not connected"
    await connection.demand(signals.CheckRadioCapability())
    match = ue.context.voice_match
    if match is None:
        return f"{connection.ran.label} does not say"
    return "its radio suits IMS voice" if match else "its radio does not suit IMS voice"


async def unbind(ue: Ue, order: Order) -> str:
    connection = usable(ue)
    if connection is None:
        return "not connected"
    await connection.demand(signals.ReleaseBinding())
    return f"unbound at {connection.ran.label}"


SERVED = {"location": location, "follow": location, "trace": trace, "radio": radio, "unbind": unbind}


def end(access: Access, ue: Ue | None, order: Order, now: float) -> None:
    """Stop what goes on: trace and reports."""
    access.orders.changed(order, "ended", now, "stopped")
    connection = None if ue is None else usable(ue)
    if connection is None:
        return
    if order.kind == "trace":
        connection.want_beside(signals.StopTrace(order.trace_id))
    elif order.kind == "follow":
        stop = standing.location_request(order, stop=True)
        connection.want(signals.ControlLocationReports(stop))
