"""What an operator wants of the anchors of PDU sessions: `cinq order anchor`, TS 23.502 §4.3.5."""

from __future__ import annotations

from functools import partial

from cinq.nf.amf.orders import Order, Orders
from cinq.nf.smf import SMF
from cinq.procedure import Aborted, Refused, Runtime, TimerExpired


def look_at_anchors(orders: Orders, smf: SMF, runtime: Runtime) -> None:
    """What `cinq order anchor` wants (TS 23.502 §4.3.5) begins; the order says what became of it."""
    for order in orders.all():
        if order.kind == "anchor" and order.state == "wanted":
            asked = orders.changed(order, "running", runtime.clock.now(), "asked")
            runtime.spawn(partial(_another_anchor, orders, smf, runtime, asked), "another anchor")


async def _another_anchor(orders: Orders, smf: SMF, runtime: Runtime, order: Order) -> None:
    try:
        there = await smf.relocate(order.supi, order.session)
        text = "the UE is told" if there else f"there is no PDU session {order.session}"
    except (Refused, Aborted, TimerExpired) as refused:
        text = str(refused)
    orders.changed(order, "done", runtime.clock.now(), text)
