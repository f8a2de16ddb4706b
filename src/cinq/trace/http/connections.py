"""The TCP connections of a capture that carry HTTP/2: what each end said, each response with its request."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from cinq.trace.bounded import Bounded
from cinq.trace.http import tcp, tls
from cinq.trace.http.exchange import FRAME_HEAD, PREFACE, Half, Reader, plausible
from cinq.trace.message import Arrival

_CONNECTIONS = 4096  # that are followed at a time: those that were heard last
_OCTETS = 256 << 20  # that are kept of all of them
_UNDECIDED = 16  # segments with data in which a connection shows what it is

End = tuple[str, int]


class Unread(Enum):
    """Why a segment says nothing here: it is not known yet what its connection carries, or it is not HTTP/2."""

    YET = 0
    NEVER = 1


class Heard(Struct, frozen=True):
    """A request or a response. exchange: the same for both: a connection's number and a stream's. tls: opened."""

    at: Arrival
    half: Half
    is_request: bool
    exchange: tuple[int, int]
    tls: bool


class _Connection:
    """Both ends of one, by their addresses."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.directions: dict[End, tcp.Direction] = {}
        self.readers: dict[End, Reader] = {}
        self.is_http = False
        self.tls: tls.Session | None = None
        self.client: End | None = None
        self.undecided = 0
        self.waiting: dict[End, bytearray] = {}

    @property
    def octets(self) -> int:
        """How many are kept until others come, about."""
        octets = sum(map(len, self.waiting.values())) + (0 if self.tls is None else self.tls.octets)
        octets += sum(one.octets for one in self.directions.values())
        return octets + sum(one.octets for one in self.readers.values())

    def decide(self, source: End, data: bytes) -> None:
        """Whether it carries HTTP/2, which frames or the client's preface show. What is too short to tell waits."""
        waiting = self.waiting.setdefault(source, bytearray())
        waiting += data
        if waiting.startswith(PREFACE) or plausible(bytes(waiting)):
            self.is_http = True
        elif len(waiting) >= FRAME_HEAD and not PREFACE.startswith(waiting):
            self.undecided += 1
            waiting.clear()


class Connections:
    """Follows each. log: secrets of TLS."""

    def __init__(self, log: tls.KeyLog) -> None:
        self._log = log
        self._number = 0
        self._known: Bounded[frozenset[End], _Connection] = Bounded(_CONNECTIONS)
        self._octets = 0

    def take(self, at: Arrival, octets: bytes) -> list[Heard] | Unread:
        """A segment from its TCP header on; what was said to the end with it."""
        one = tcp.segment(octets)
        if one is None:
            return Unread.YET
        key = frozenset((at.source, at.destination))
        found = self._known.pop(key, None)
        before = 0 if found is None else found.octets
        if found is None or (one.syn and at.source in found.directions):
            self._number += 1
            found = _Connection(self._number)
        self._known[key] = found  # behind all others: who was silent for longest is forgotten first
        heard = self._taken(found, at, one)
        self._octets += found.octets - before
        if self._octets > _OCTETS:
            self._forget()
        return heard

    def _forget(self) -> None:
        """Those that were silent for longest, until half of the room is free."""
        self._octets = sum(one.octets for one in self._known.values())
        while self._octets > _OCTETS // 2 and len(self._known) > 1:
            self._octets -= self._known.pop(next(iter(self._known))).octets

    def _taken(self, found: _Connection, at: Arrival, one: tcp.Segment) -> list[Heard] | Unread:
        direction = found.directions.setdefault(at.source, tcp.Direction())
        if one.syn and found.client is None:
            found.client = at.source
        fresh, gap = direction.take(one)
        if fresh:
            fresh, gap = self._opened(found, at.source, fresh, gap)
            if not found.is_http:
                found.decide(at.source, fresh)
                fresh = b""
        if not found.is_http:
            return Unread.NEVER if found.undecided > _UNDECIDED else Unread.YET
        reader = found.readers.get(at.source)
        if reader is None:
            late = gap or found.undecided > 0 or not direction.from_start
            reader = found.readers[at.source] = Reader(late)
            fresh = bytes(found.waiting.pop(at.source, b"")) + fresh
        return [self._heard(found, at, half) for half in reader.take(fresh, gap)]

    def rest(self) -> Iterator[Heard]:
        """What came to no end before the capture did."""
        for key, one in self._known.items():
            for source, reader in one.readers.items():
                other = next((end for end in key if end != source), source)
                at = Arrival(0, 0, source, other)
                yield from (self._heard(one, at, half) for half in reader.rest())

    def _opened(self, found: _Connection, source: End, octets: bytes, gap: bool) -> tuple[bytes, bool]:
        """The octets, or what TLS has in them where it can be opened."""
        if found.tls is None:
            if found.is_http or not tls.is_record(octets):
                return octets, gap
            found.tls = tls.Session(self._log)
        if found.client is None:  # the first who speaks, where the SYN was not seen
            found.client = source
        plain = b"" if gap else found.tls.take(octets, source == found.client)
        if gap or found.tls.fault:
            found.undecided = _UNDECIDED + 1
        return plain, gap

    def _heard(self, found: _Connection, at: Arrival, half: Half) -> Heard:
        if half.is_request:
            found.client = at.source
        elif half.header(":status"):
            found.client = at.destination
        exchange = (found.number, half.stream)
        return Heard(at, half, at.source == found.client, exchange, found.tls is not None)
