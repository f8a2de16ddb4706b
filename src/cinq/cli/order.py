"""cinq order: what is to be done about one UE: locate it, trace it, check its radio, move its anchor.

A running core sees to it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated, get_args

import msgspec
import typer

from cinq.cli.output import Failure, settings, show_json, show_table
from cinq.cli.subscriber import AsJson, Config, open_store, supi_of
from cinq.nf.amf.orders import MOST, Depth, Kind, Order, Orders
from cinq.settings.network import NetworkSettings

app = typer.Typer(
    help="Locate, trace or check one UE, or give its session another anchor.", no_args_is_help=True
)

LOOK_S = 0.1
INTERFACES = {"ng-c": 0x80, "xn-c": 0x40, "uu": 0x20, "f1-c": 0x10, "e1": 0x08}
"""Bits of Interfaces To Trace, TS 38.413 §9.3.1.14."""
Imsi = Annotated[str, typer.Argument(help="IMSI of the subscriber.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for the core and the gNB.")]
Stop = Annotated[bool, typer.Option("--stop", help="No more of it.")]


@app.command("location")
def location(
    imsi: Imsi,
    follow: Annotated[bool, typer.Option("--follow", help="At each change of cell, until --stop.")] = False,
    stop: Stop = False,
    wait: Wait = 8.0,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show where a UE is now; an idle one is paged for it."""
    kind: Kind = "follow" if follow or stop else "location"
    _do(imsi, kind, lambda supi: Order(supi, kind), stop, wait, config, json)


@app.command("trace")
def trace(
    imsi: Imsi,
    collector: Annotated[
        str, typer.Option(help="IP address of the collection entity that gets the records.")
    ] = "",
    depth: Annotated[
        str, typer.Option(help="minimum, medium, maximum; or TS 38.413's longer names.")
    ] = "medium",
    interfaces: Annotated[
        list[str] | None,
        typer.Option("--interface", help=f"{', '.join(INTERFACES)}; without: the first three."),
    ] = None,
    stop: Stop = False,
    wait: Wait = 8.0,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Have a UE traced by each gNB that serves it, until --stop (TS 32.422)."""
    make = _traced(interfaces, depth, collector, config) if not stop else None
    _do(imsi, "trace", make or (lambda supi: Order(supi, "trace")), stop, wait, config, json)


@app.command("radio")
def radio(imsi: Imsi, wait: Wait = 8.0, config: Config = None, json: AsJson = False) -> None:
    """Ask the gNB whether a UE's radio suits IMS voice (UE Radio Capability Check)."""
    _do(imsi, "radio", lambda supi: Order(supi, "radio"), False, wait, config, json)


@app.command("unbind")
def unbind(imsi: Imsi, wait: Wait = 8.0, config: Config = None, json: AsJson = False) -> None:
    """Release the binding of a UE to its TNL association (UE TNLA Binding Release)."""
    _do(imsi, "unbind", lambda supi: Order(supi, "unbind"), False, wait, config, json)


@app.command("anchor")
def anchor(
    imsi: Imsi,
    session: Annotated[int, typer.Option(min=1, max=15, help="PDU session identity.")] = 1,
    wait: Wait = 8.0,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Give a PDU session of SSC mode 2 or 3 another anchor, and so another address."""
    _do(imsi, "anchor", lambda supi: Order(supi, "anchor", session=session), False, wait, config, json)


@app.command("list")
def list_(config: Config = None, json: AsJson = False) -> None:
    """Show what was ordered, and what became of it."""
    with open_store(config) as store:
        found = list(Orders(store).all())
    if json:
        show_json([_plain(order) for order in found])
        return
    rows = [(o.supi, o.kind, o.state, o.text) for o in found]
    show_table("", ("subscriber", "order", "state", "what became of it"), rows)


def _traced(
    interfaces: list[str] | None, depth: str, collector: str, config: Config
) -> Callable[[str], Order]:
    if depth not in get_args(Depth):
        raise Failure(f"--depth: found {depth}, wanted one of {', '.join(get_args(Depth))}")
    try:
        ip_address(collector)
    except ValueError:
        raise Failure(
            f"--collector: found {collector or 'none'}, wanted an IP address", "--collector 192.0.2.1"
        ) from None
    bits = 0
    for name in interfaces or list(INTERFACES)[:3]:
        if name not in INTERFACES:
            raise Failure(f"--interface: found {name}, wanted one of {', '.join(INTERFACES)}")
        bits |= INTERFACES[name]
    plmn = settings(NetworkSettings, config).network.plmn
    trace_id = (
        plmn.octets + os.urandom(3) + b"\0\1"
    )  # trace reference, trace recording session (TS 32.422 §5.6, §5.7)

    def make(supi: str) -> Order:
        return Order(
            supi,
            "trace",
            trace_id=trace_id,
            depth=msgspec.convert(depth, Depth),
            interfaces=bits,
            collector=collector,
        )

    return make


def _do(
    imsi: str, kind: Kind, make: Callable[[str], Order], stop: bool, wait: float, config: Config, json: bool
) -> None:
    supi = str(supi_of(imsi))
    with open_store(config) as store:
        kept = Orders(store)
        before = kept.get(f"{supi}/{kind}")
        if stop:
            if before is None or before.state not in ("wanted", "running"):
                raise Failure(f"{supi} has no order of {kind}", "cinq order list")
            order = msgspec.structs.replace(before, state="unwanted")
        else:
            if before is None and sum(1 for _ in kept.all()) >= MOST:
                raise Failure(f"{MOST} orders are there already", "cinq order ... --stop")
            order = make(supi)
        kept.put(order)
        store.flush()
        _show(_outcome(kept, order, wait), json)


def _outcome(kept: Orders, order: Order, wait: float) -> Order:
    """When the core has said what becomes of it. Failure when none has looked at it within the time."""
    end, now = time.monotonic() + wait, order
    while time.monotonic() < end:
        now = kept.get(order.key) or now
        if now.state != order.state and now.text != "asked":
            return now
        time.sleep(LOOK_S)
    if now.state == order.state:
        raise Failure(
            f"{order.supi}: no core has looked at the order within {wait:g} s; the next that runs does",
            "cinq up, with the same settings file",
        )
    return now


def _show(order: Order, json: bool) -> None:
    if json:
        show_json(_plain(order))
    else:
        typer.echo(f"{order.supi} {order.kind}: {order.text}")


def _plain(order: Order) -> dict[str, object]:
    return {
        "supi": order.supi,
        "kind": order.kind,
        "state": order.state,
        "trace_id": order.trace_id.hex(),
        "since": order.since,
        "text": order.text,
    }
