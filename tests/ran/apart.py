"""Two gNBs as of two processes: Xn-C by associations in memory, UEs by radio sockets in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cinq.ran.radio.link import RadioServer
from cinq.ran.radio.remote import RemoteCell
from cinq.ran.ue import Ue, UeSettings
from cinq.transport.sctp.association import Address, Association, AssociationHandler
from cinq.wire import xnap

from .core import Entropy, settle
from .mobility import Pair
from .test_radio_link import Wire

OnAssociation = Callable[[Association], AssociationHandler]


class End:
    """One end of an association. said: octets that went, as (from, to, octets). mute: nothing more goes."""

    outbound_streams = 8

    def __init__(self, local: Address, remote: Address, said: list[tuple[Address, Address, bytes]]) -> None:
        self.local, self.remote = local, remote
        self.said = said
        self.handler: AssociationHandler | None = None
        self.other: End | None = None
        self.mute = self.over = False

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = 60) -> None:
        assert ppid == 61
        assert stream >= 0
        other = self.other
        if other is None or self.over or self.mute:
            return
        self.said.append((self.local, self.remote, octets))
        assert other.handler is not None
        asyncio.get_running_loop().call_soon(other.handler.message, octets, stream, ppid)

    async def alive(self, within: float = 2.0) -> bool:
        return not self.over

    async def close(self, within: float = 2.0) -> None:
        self.end("closed")

    def abort(self, reason: str = "") -> None:
        self.end(reason)

    def end(self, reason: str) -> None:
        for end in (self, self.other):
            if end is not None and not end.over:
                end.over = True
                assert end.handler is not None
                asyncio.get_running_loop().call_soon(end.handler.lost, reason)


class Lan:
    """Where listeners are found, by endpoint."""

    def __init__(self) -> None:
        self.listeners: dict[Address, OnAssociation] = {}
        self.said: list[tuple[Address, Address, bytes]] = []
        self.ends: list[End] = []
        self._port = 50000

    def join(self, local: Address, remote: Address, handler: AssociationHandler) -> End:
        """An association from `local` to a listener."""
        if remote not in self.listeners:
            raise ConnectionRefusedError(f"nobody listens at {remote[0]}:{remote[1]}")
        near, far = End(local, remote, self.said), End(remote, local, self.said)
        near.other, far.other = far, near
        near.handler, far.handler = handler, self.listeners[remote](far)
        self.ends += [near, far]
        return near

    def messages(self) -> list[xnap.Pdu]:
        return [xnap.decode(octets) for _, _, octets in self.said]

    def names(self) -> list[str]:
        return [type(message).__name__ for message in self.messages()]


class Port:
    """As serve.XnSctp has SCTP."""

    def __init__(self, lan: Lan, local: Address) -> None:
        self.lan, self.local = lan, local

    async def listen(self, on_association: OnAssociation) -> Port:
        self.lan.listeners[self.local] = on_association
        return self

    async def connect(self, endpoint: Address, handler: AssociationHandler) -> Association:
        self.lan._port += 1
        return self.lan.join((self.local[0], self.lan._port), endpoint, handler)

    @property
    def associations(self) -> frozenset[Association]:
        return frozenset()

    def close(self) -> None:
        self.lan.listeners.pop(self.local, None)


ONE, TWO = ("10.0.0.1", 38422), ("10.0.0.2", 38422)


class Apart(Pair):
    """both: whether each seeks the other; else only the first does."""

    def __init__(self, both: bool = False, **changes: object) -> None:
        super().__init__(apart=True, xn_address="10.0.0.1", xn_neighbours=("10.0.0.2",), **changes)
        self.lan = Lan()
        self.both = both
        self.cells: list[RemoteCell] = []

    async def joined(self) -> None:
        """Both gNBs are set up, and so is Xn."""
        for gnb, place in zip(self.gnbs, (TWO, ONE), strict=True):
            object.__setattr__(gnb.n2.ports, "settings", _seeks(gnb.settings, place, self.both))
            gnb.settings = gnb.n2.ports.settings
            gnb.start()
            await gnb.up()
        for gnb, place in zip(reversed(self.gnbs), (TWO, ONE), strict=True):
            await gnb.reach_neighbours(Port(self.lan, place))
        await asyncio.sleep(0.1)

    async def up(self) -> Ue:
        await self.joined()
        reach: list[RemoteCell] = []
        for gnb in self.gnbs:
            near, far = Wire(), Wire()
            near.other, far.other = far, near
            server = RadioServer(gnb, near)
            near.frame, near.lost = server.frame, server.lost
            cell = RemoteCell(far, reach=reach)
            far.frame, far.lost = cell.frame, cell.lost
            self.cells.append(cell)
        await settle()
        ue = Ue(UeSettings(), self.cells[0], self.runtime, Entropy())
        await ue.power_on()
        await settle()
        self.ue = self.source.last()
        return ue


def _seeks(settings: object, place: Address, both: bool) -> object:
    from dataclasses import replace

    own = ONE if place == TWO else TWO
    wanted = (f"{place[0]}:{place[1]}",) if both or own == ONE else ()
    return replace(settings, xn_address=own[0], xn_neighbours=wanted)  # type: ignore[type-var]
