"""Further TNL associations of the NG-C interface, TS 38.412 §7 and TS 23.501 §5.21.1.2: which UE goes by which."""

from __future__ import annotations

from typing import Protocol

from cinq.transport.sctp.association import Association
from cinq.wire import ngap

Endpoint = tuple[str, int]


class Interface(Protocol):
    """The NG-C interface, as one of its associations sees it."""

    def heard(self, octets: bytes, by: Tnla) -> None: ...

    def tnla_lost(self, tnla: Tnla, reason: str) -> None: ...


class Tnla:
    """One association beside the first (an AssociationHandler). usage, weight: as the AMF gave them."""

    __slots__ = ("_interface", "association", "endpoint", "usage", "weight")

    def __init__(
        self,
        interface: Interface,
        endpoint: Endpoint,
        usage: ngap.TNLAssociationUsage | None = None,
        weight: int = 1,
    ) -> None:
        self._interface = interface
        self.endpoint = endpoint
        self.usage = usage
        self.weight = weight
        self.association: Association | None = None

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        self._interface.heard(octets, self)

    def lost(self, reason: str) -> None:
        self.association = None
        self._interface.tnla_lost(self, reason)

    def send(self, octets: bytes, stream: int, ppid: int) -> None:
        """A stream of a UE stays one of a UE, where this association has fewer (TS 38.412 §7)."""
        if self.association is not None:
            streams = self.association.outbound_streams
            if stream:
                stream = 0 if streams < 2 else 1 + (stream - 1) % (streams - 1)
            self.association.send(octets, stream=stream, ppid=ppid)

    def is_at(self, address: str, port: int | None) -> bool:
        """port None: any."""
        return self.endpoint[0] == address and port in (None, self.endpoint[1])


class Tnlas:
    """All that are there beside the first. Truthy while there is one."""

    def __init__(self) -> None:
        self.all: list[Tnla] = []
        self._turn = 0

    def __bool__(self) -> bool:
        return bool(self.all)

    def at(self, address: str, port: int | None) -> list[Tnla]:
        return [one for one in self.all if one.is_at(address, port)]

    def for_ue(self) -> Tnla | None:
        """For a UE without a binding: the first association and the others in turn, by their weights."""
        usable = [one for one in self.all if one.usage != "non-ue"]
        wheel: list[Tnla | None] = [None]
        for one in usable:
            wheel += [one] * min(one.weight, 255)
        self._turn += 1
        return wheel[self._turn % len(wheel)]

    def heir(self) -> Tnla | None:
        """The one that takes the place of the first, which is lost."""
        return self.all.pop(0) if self.all else None
