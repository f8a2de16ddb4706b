"""What an operator wants of single UEs at their gNBs, as the store has it: location reports, trace, radio check.

`cinq order` writes it beside a running core, which looks each second; so it outlives the core, and follows the UE.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from cinq.procedure.kept import Kept
from cinq.procedure.store import Store

log = logging.getLogger("cinq.amf")

ORDERS = "amf-order"
MOST = 256  # orders at a time
KEPT_S = 3600.0  # how long the outcome of one that is over can be looked at

Kind = Literal["location", "follow", "trace", "radio", "unbind", "anchor"]
State = Literal["wanted", "running", "done", "unwanted", "ended"]
Depth = Literal[
    "minimum",
    "medium",
    "maximum",
    "minimumWithoutVendorSpecificExtension",
    "mediumWithoutVendorSpecificExtension",
    "maximumWithoutVendorSpecificExtension",
]


class Order(Struct, frozen=True, omit_defaults=True):
    """One for each UE and kind. text: what became of it last, for a person. since: seconds since 1970, of the state.

    location: once. follow: the location at each change of the serving cell.
    anchor: another PDU session anchor for `session`; it is the SMF that sees to it.
    trace: trace_id: 8 octets; interfaces: bit string of 8, NG-C first (TS 38.413 §9.3.1.14); collector: IP address.
    """

    supi: str
    kind: Kind
    trace_id: bytes = b""
    depth: Depth = "medium"
    interfaces: int = 0xE0
    collector: str = ""
    session: int = 0
    state: State = "wanted"
    since: float = 0.0
    text: str = ""

    @property
    def key(self) -> str:
        return f"{self.supi}/{self.kind}"

    @property
    def stays(self) -> bool:
        """Whether it goes on until it is stopped."""
        return self.kind in ("trace", "follow")


_ORDER = msgspec.json.Decoder(Order)


class Orders:
    """Those that run are kept at hand: each new connection of a UE asks for its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = Kept(store, ORDERS, _ORDER.decode, "order", log)
        self._running: dict[str, dict[Kind, Order]] = {}
        for order in self.all():
            self._remember(order)

    def all(self) -> Iterator[Order]:
        return iter(self._kept)

    def get(self, key: str) -> Order | None:
        return self._kept.get(key)

    def put(self, order: Order) -> None:
        self._store.put(ORDERS, order.key, msgspec.json.encode(order))
        self._remember(order)

    def changed(self, order: Order, state: State, now: float, text: str) -> Order:
        changed = msgspec.structs.replace(order, state=state, since=now, text=text)
        self.put(changed)
        return changed

    def forget(self, order: Order) -> None:
        self._store.delete(ORDERS, order.key)
        self._remember(msgspec.structs.replace(order, state="ended"))

    def running(self, supi: str, kind: Kind) -> Order | None:
        return self._running.get(supi, {}).get(kind)

    def note(self, supi: str, kind: Kind, now: float, text: str) -> None:
        """News of one that runs."""
        order = self.running(supi, kind)
        if order is not None:
            self.put(msgspec.structs.replace(order, since=now, text=text))

    def _remember(self, order: Order) -> None:
        of_ue = self._running.setdefault(order.supi, {})
        if order.state == "running":
            of_ue[order.kind] = order
        else:
            of_ue.pop(order.kind, None)
        if not of_ue:
            del self._running[order.supi]
