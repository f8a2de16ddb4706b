"""The octets that one end of a TCP connection sent, in order: retransmissions and disorder undone (RFC 9293 §3.4)."""

from __future__ import annotations

from msgspec import Struct

SYN = 0x02
_HELD_SEGMENTS, _HELD_OCTETS = 64, 1 << 18
_NUMBERS, _HALF = 1 << 32, 1 << 31


class Segment(Struct, frozen=True, gc=False):
    """A segment. sequence: number of its first octet; syn: it opens the connection."""

    sequence: int
    syn: bool
    payload: bytes


def segment(octets: bytes) -> Segment | None:
    """From the TCP header on (RFC 9293 §3.1). None where the header is not whole."""
    if len(octets) < 20:
        return None
    header = max(20, (octets[12] >> 4) * 4)
    return Segment(int.from_bytes(octets[4:8], "big"), bool(octets[13] & SYN), octets[header:])


class Direction:
    """One end's octets. from_start: the capture has the beginning."""

    __slots__ = ("_held", "_next", "from_start")

    def __init__(self) -> None:
        self.from_start = False
        self._next: int | None = None
        self._held: dict[int, bytes] = {}

    def take(self, one: Segment) -> tuple[bytes, bool]:
        """The octets that are in order now, and whether some before them are missing for good."""
        if one.syn:
            self.from_start, self._next = True, (one.sequence + 1) % _NUMBERS
            self._held.clear()
            return one.payload, False
        if not one.payload:
            return b"", False
        if self._next is None:
            self._next = one.sequence
        before = self._held.get(one.sequence, b"")
        if len(one.payload) > len(before):  # a retransmission may carry more than was sent at first
            self._held[one.sequence] = one.payload
        fresh = self._in_order()
        if fresh or not self._is_full():
            return fresh, False
        self._next = min(self._held, key=self._ahead)
        return self._in_order(), True

    @property
    def octets(self) -> int:
        """How many wait for those before them."""
        return sum(map(len, self._held.values()))

    def _is_full(self) -> bool:
        return len(self._held) > _HELD_SEGMENTS or self.octets > _HELD_OCTETS

    def _ahead(self, sequence: int) -> int:
        """How far it is ahead of what is wanted; negative for what was there before."""
        return (sequence - (self._next or 0) + _HALF) % _NUMBERS - _HALF

    def _in_order(self) -> bytes:
        parts = []
        while self._held:
            first = min(self._held, key=self._ahead)
            ahead = self._ahead(first)
            if ahead > 0:
                break
            fresh = self._held.pop(first)[-ahead:]  # what was there before is a retransmission
            if fresh:
                parts.append(fresh)
                self._next = ((self._next or 0) + len(fresh)) % _NUMBERS
        return b"".join(parts)
