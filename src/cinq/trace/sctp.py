"""User messages out of SCTP packets seen on the way: bundling, fragments and retransmissions undone."""

from __future__ import annotations

from collections import deque

from cinq.transport.frames import Chunk

_SEEN = 1024  # TSNs of one direction, in which a retransmission is found
_DIRECTIONS = 1024
_HELD = 1 << 25  # octets of all messages that are not whole
_TSN = 1 << 32


class _Direction:
    """What one end sent in one association."""

    __slots__ = ("_order", "_parts", "_seen", "held")

    def __init__(self) -> None:
        self.held = 0
        self._seen: set[int] = set()
        self._order: deque[int] = deque()
        self._parts: dict[int, Chunk] = {}

    def take(self, chunk: Chunk) -> bytes | None:
        """The user message that this chunk is or completes; None for a part, or for a TSN seen before."""
        tsn, seen, order = chunk.tsn, self._seen, self._order
        if tsn in seen:
            return None
        seen.add(tsn)
        order.append(tsn)
        if len(order) > _SEEN:
            seen.discard(order.popleft())
        if chunk.begin and chunk.end:
            return chunk.payload
        self._parts[chunk.tsn] = chunk
        self.held += len(chunk.payload)
        return self._whole(chunk.tsn)

    def let_go(self) -> None:
        """The messages that are not whole yet will never be."""
        self._parts.clear()
        self.held = 0

    def _whole(self, tsn: int) -> bytes | None:
        """Fragments of one message have consecutive TSNs from B to E (RFC 9260 §6.9)."""
        first = last = tsn
        while not self._parts[first].begin:
            first = (first - 1) % _TSN
            if first not in self._parts or self._parts[first].end:
                return None
        while not self._parts[last].end:
            last = (last + 1) % _TSN
            if last not in self._parts or self._parts[last].begin:
                return None
        tsns = [(first + n) % _TSN for n in range((last - first) % _TSN + 1)]
        message = b"".join(self._parts.pop(each).payload for each in tsns)
        self.held -= len(message)
        return message


class Reassembly:
    """All associations of a capture. A direction is known by its ends and its verification tag."""

    def __init__(self) -> None:
        self._directions: dict[tuple[tuple[str, int], tuple[str, int], int], _Direction] = {}
        self._held = 0

    def take(
        self, source: tuple[str, int], destination: tuple[str, int], tag: int, chunk: Chunk
    ) -> bytes | None:
        """The user message that a DATA chunk completes, if it does."""
        key = (source, destination, tag)
        direction = self._directions.get(key)
        if direction is None:
            while len(self._directions) >= _DIRECTIONS:
                self._held -= self._directions.pop(next(iter(self._directions))).held
            direction = self._directions[key] = _Direction()
        if chunk.begin and chunk.end:
            return direction.take(chunk)
        before = direction.held
        message = direction.take(chunk)
        self._held += direction.held - before
        if self._held > _HELD:
            for each in self._directions.values():
                each.let_go()
            self._held = 0
        return message
