"""What the NEF keeps of what applications have asked for: in the store, it outlives a restart."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cinq.procedure.store import Store
from cinq.sbi.services.nef_monitoring import MonitoringEventSubscription
from cinq.sbi.services.nef_northbound import AsSessionWithQoSSubscription, TrafficInfluSub
from cinq.sbi.services.quality_on_demand import SessionInfo

COLLECTION = "nef-demands"


class Demand(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of `quality`, `session` and `route`, by the API that it came by. application: whose it is.

    app_session: at the PCF, "" where there is none any more. ends: seconds since 1970 when it ends, or is forgotten
    where it has ended; 0: nobody says.
    """

    application: str
    address: str
    app_session: str
    quality: AsSessionWithQoSSubscription | None = None
    session: SessionInfo | None = None
    route: TrafficInfluSub | None = None
    ends: float = 0.0
    monitoring: MonitoringEventSubscription | None = None
    left: int | None = None
    """Reports that are still to come; None: any number."""


class Demands:
    """By their identifiers; read once, written through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        decode = msgspec.json.Decoder(Demand).decode
        self._known = {name: decode(octets) for name, octets in store.items(COLLECTION)}

    def __len__(self) -> int:
        return len(self._known)

    def items(self) -> Iterator[tuple[str, Demand]]:
        return iter(list(self._known.items()))

    def get(self, name: str) -> Demand | None:
        return self._known.get(name)

    def of(self, application: str) -> list[tuple[str, Demand]]:
        return [(name, one) for name, one in self._known.items() if one.application == application]

    def put(self, name: str, demand: Demand) -> None:
        self._known[name] = demand
        self._store.put(COLLECTION, name, msgspec.json.encode(demand))

    def remove(self, name: str) -> None:
        if self._known.pop(name, None) is not None:
            self._store.delete(COLLECTION, name)
