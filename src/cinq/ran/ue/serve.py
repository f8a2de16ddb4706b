"""UEs on a cell of another process."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cinq.procedure import Runtime
from cinq.ran import traffic
from cinq.ran.radio.remote import RemoteCell
from cinq.ran.traffic import Figures, Stream
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import UeSettings
from cinq.ran.ue.ue import Ue
from cinq.transport import local, netns, udp
from cinq.transport.error import TransportError


@asynccontextmanager
async def serve(
    settings: UeSettings, runtime: Runtime, on_gone: Callable[[str], None] = lambda reason: None
) -> AsyncIterator[list[Ue]]:
    """All UEs of the settings, switched off, on the cell at the radio socket. TransportError: no gNB is there.

    `Ue.power_on` registers and opens the sessions. Leaving the context detaches them without a word; deregister first.
    on_gone: told when the gNB is lost, and why.
    """
    cells: list[RemoteCell] = []
    reach: list[RemoteCell] = []

    def gone(reason: str) -> None:
        if not any(cell.has_ues for cell in reach):
            on_gone(reason)

    def on_connection(connection: local.Connection) -> RemoteCell:
        cells.append(RemoteCell(connection, gone, reach))
        return cells[-1]

    connections = [await local.connect(settings.radio, on_connection)]
    for path in settings.radios_in_reach:
        connections.append(await local.connect(path, on_connection))
    ues = [Ue(settings.numbered(i), cells[0], runtime, os.urandom) for i in range(settings.count)]
    try:
        yield ues
    finally:
        for ue in ues:
            ue.leave()
        await runtime.stop()
        for connection in connections:
            connection.close()


@dataclass(slots=True)
class Traffic:
    """What one session of a UE makes; `figures` says how it fares."""

    supi: str
    number: int
    profile: str
    stream: Stream
    endpoint: udp.UdpEndpoint

    def figures(self) -> Figures:
        return self.stream.meter.figures(asyncio.get_running_loop().time())

    def close(self) -> None:
        self.endpoint.close()


def begin_traffic(ues: list[Ue], runtime: Runtime) -> list[Traffic]:
    """The traffic that the settings want of sessions that are up; it ends with the runtime.

    OSError: a UE's address or namespace is not there. Nothing is left open.
    """
    begun: list[Traffic] = []
    try:
        for ue in ues:
            for number, session in sorted(ue.sessions.items()):
                if session.settings.traffic != "none" and session.context.interface:
                    begun.append(_begin(ue, number, session, runtime))
    except BaseException:
        for each in begun:
            each.close()
        raise
    return begun


def _begin(ue: Ue, number: int, session: Session, runtime: Runtime) -> Traffic:
    wanted, context = session.settings, session.context
    assert wanted.traffic != "none"
    peer = traffic.peer_of(wanted.traffic_peer)
    address = context.address6 if ":" in peer[0] else context.address
    if address is None:
        what = f"{ue.settings.supi}: session {number} has no address to send to {peer[0]} from"
        raise TransportError(what, "another `kind` or `traffic_peer` in its [[sessions]]")
    bound = netns.run_at(context.netns, lambda: udp.bind(str(address), 0, receive_buffer=1 << 20))
    endpoint = udp.UdpEndpoint(bound, lambda octets, sender: None)
    seed = random.Random(int(ue.settings.supi.imsi) << 4 | number)
    found = traffic.steps(wanted.traffic, wanted.traffic_rate, seed)
    stream = Stream(endpoint, peer, found, asyncio.get_running_loop().time)
    endpoint.on_datagram = stream.received
    runtime.spawn(stream.run, f"traffic of {ue.settings.supi}")
    return Traffic(str(ue.settings.supi), number, wanted.traffic, stream, endpoint)
