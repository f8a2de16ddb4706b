"""User messages out of SCTP packets seen on the way: bundling, fragments and retransmissions undone."""

from __future__ import annotations

from collections import deque

from cinq.transport.frames import Chunk

_SEEN = 8192
_PARTS = 4096
_DIRECTIONS = 4096
_TSN = 1 << 32


class _Direction:
    """What one end sent in one association."""

    __slots__ = ("_order", "_parts", "_seen")

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._order: deque[int] = deque()
        self._parts: dict[int, Chunk] = {}

    def take(self, chunk: Chunk) -> bytes | None:
        """The user message that this chunk is or completes; None for a part, or for a TSN seen before."""
        if chunk.tsn in self._seen:
            return None
        self._seen.add(chunk.tsn)
        self._order.append(chunk.tsn)
        if len(self._order) > _SEEN:
            self._seen.discard(self._order.popleft())
        if chunk.begin and chunk.end:
            return chunk.payload
        self._parts[chunk.tsn] = chunk
        while len(self._parts) > _PARTS:
            del self._parts[next(iter(self._parts))]
        return self._whole(chunk.tsn)

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
        return b"".join(self._parts.pop(each).payload for each in tsns)


class Reassembly:
    """All associations of a capture. A direction is known by its ends and its verification tag."""

    def __init__(self) -> None:
        self._directions: dict[tuple[tuple[str, int], tuple[str, int], int], _Direction] = {}

    def take(
        self, source: tuple[str, int], destination: tuple[str, int], tag: int, chunk: Chunk
    ) -> bytes | None:
        """The user message that a DATA chunk completes, if it does."""
        key = (source, destination, tag)
        direction = self._directions.get(key)
        if direction is None:
            while len(self._directions) >= _DIRECTIONS:
                del self._directions[next(iter(self._directions))]
            direction = self._directions[key] = _Direction()
        return direction.take(chunk)
