"""Who wants what UEs and gNBs send that is not for the AMF: subscriptions of TS 29.518 §5.2.2.3.3 and §5.2.2.4.2.

They last as long as the process: an LMF subscribes anew when its AMF comes back.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import count
from typing import Literal

from msgspec import Struct

from cinq.numbering import Supi

Kind = Literal["N1 LPP", "N2 NRPPa"]


class Consumer(Struct, frozen=True, gc=False):
    """uri: its callback. nf_id: its instance, the routing identity of NRPPa. supi: of one UE; None: of no single UE."""

    identifier: str
    kind: Kind
    uri: str
    nf_id: str = ""
    supi: Supi | None = None


MOST = 1024  # subscriptions


class Consumers:
    def __init__(self) -> None:
        self._kept: dict[str, Consumer] = {}
        self._numbers = count(1)

    def full(self, registered: Container[Supi]) -> bool:
        """Subscriptions about UEs that are gone make room for others."""
        if len(self._kept) >= MOST:
            for one in list(self._kept.values()):
                if one.supi is not None and one.supi not in registered:
                    del self._kept[one.identifier]
        return len(self._kept) >= MOST

    def add(self, kind: Kind, uri: str, nf_id: str = "", supi: Supi | None = None) -> Consumer:
        consumer = Consumer(str(next(self._numbers)), kind, uri, nf_id, supi)
        self._kept[consumer.identifier] = consumer
        return consumer

    def remove(self, identifier: str, supi: Supi | None = None) -> bool:
        """False: there is no such subscription about that UE."""
        kept = self._kept.get(identifier)
        if kept is None or kept.supi != supi:
            return False
        del self._kept[identifier]
        return True

    def of(self, kind: Kind, supi: Supi | None, nf_id: str = "") -> Iterator[Consumer]:
        """Those that want it. nf_id: whom the sender addresses; without it all."""
        for one in self._kept.values():
            if one.kind == kind and one.supi == supi and nf_id in ("", one.nf_id):
                yield one
