"""The event stream of a running core over a Unix socket: what `cinq trace` follows.

A follower connects and gets one frame for each event from then on: JSON of the event's fields, octets in base64.
The first frame is a greeting with the network's name. A follower that does not read is cut off; the core never
waits for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeVar

import msgspec

from cinq import __version__
from cinq.procedure import Event, Journal, Why
from cinq.transport import local

QUEUE = 100_000  # events that may wait in a follower's process


class Greeting(msgspec.Struct, frozen=True, tag="greeting"):
    """network: the name of the network. version: of the core. addresses: of its functions, as Exporter takes them."""

    network: str
    version: str
    addresses: dict[str, str] = {}


class Record(msgspec.Struct, frozen=True, omit_defaults=True, tag="event"):
    """An Event as it crosses: `content` stays behind, the follower decodes the octets."""

    time: float
    nf: str
    subject: str
    procedure: str
    direction: str
    interface: str
    message: str
    cause: str = ""
    octets: bytes = b""
    peer: str = ""
    address: str = ""
    behalf: str = ""
    mend: str = ""
    whereabouts: str = ""


class StreamError(ConnectionError):
    """No core at that path, or it is not a core."""


class _Follower:
    def __init__(self, connection: local.Connection, journal: Journal, greeting: Greeting) -> None:
        self._connection = connection
        connection.send(msgspec.json.encode(greeting))
        self._end = journal.listen(self._event)

    def _event(self, event: Event) -> None:
        self._connection.send(msgspec.json.encode(_record(event)))

    def frame(self, octets: bytes) -> None:
        """Followers have nothing to say."""

    def lost(self, reason: str) -> None:
        self._end()


async def serve(
    path: str, journal: Journal, network: str, addresses: Mapping[str, str] | None = None
) -> local.Listener:
    """Offers the journal at `path`, to processes of the same user. TransportError when the path is taken."""
    greeting = Greeting(network, __version__, dict(addresses or {}))
    return await local.listen(path, lambda connection: _Follower(connection, journal, greeting))


async def follow(path: str, ready: Callable[[Greeting], None] | None = None) -> AsyncIterator[Event]:
    """The events of the core at `path` until it stops. `ready` is told what the core is once connected."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
    connection = await local.connect(path, lambda _: local.Queued(queue))
    try:
        first = await queue.get()
        greeting = _decoded(first, Greeting)
        if ready is not None:
            ready(greeting)
        while (octets := await queue.get()) is not None:
            yield _event(_decoded(octets, Record))
    finally:
        connection.close()


T = TypeVar("T", bound=msgspec.Struct)


def _decoded(octets: bytes | None, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(octets or b"", type=shape)
    except msgspec.MsgspecError as error:
        raise StreamError(f"not a core's event stream: {error}") from None


def _record(event: Event) -> Record:
    return Record(
        event.time,
        event.nf,
        event.subject,
        event.procedure,
        event.direction,
        event.interface,
        event.message,
        str(event.cause),  # a Why has its mend in a field of its own
        event.octets,
        event.peer,
        event.address,
        event.behalf,
        event.mend,
        event.whereabouts,
    )


def _event(record: Record) -> Event:
    direction = record.direction
    return Event(
        record.time,
        record.nf,
        record.subject,
        record.procedure,
        "in" if direction == "in" else "out" if direction == "out" else "none",
        record.interface,
        record.message,
        Why(record.cause, record.mend) if record.mend else record.cause,
        record.octets,
        peer=record.peer,
        address=record.address,
        behalf=record.behalf,
        whereabouts=record.whereabouts,
    )
