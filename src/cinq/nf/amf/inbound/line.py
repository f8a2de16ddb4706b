"""The UEs of one gNB that wait to be let in, and who of them is next."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

PROVED = 4000  # UEs in one gNB's line that are known by their keys: what a core serves before who waits has given up
STRANGERS = 4000  # and others
SAME_IDENTITY = 128  # of those, that claim the same identity
ONE_OF = 4  # of so many strangers one is of an identity that others have been let in with


class Waiting(NamedTuple):
    """An INITIAL UE MESSAGE. since: when it came, by the loop's clock. claim: who its UE claims to be, b"" for none."""

    since: float
    octets: bytes
    claim: bytes


class Line:
    """First who is known by its keys, in the order of coming. Of strangers, who is first of an identity; then the
    others, one of each identity in turn: who comes a thousand times waits for itself, and nobody waits for it.

    An identity is all that tells strangers apart: an establishment cause is what anybody may write.
    """

    def __init__(self) -> None:
        self.proved: deque[Waiting] = deque()
        self._of: dict[bytes, deque[Waiting]] = {}
        self._first: dict[bytes, None] = {}
        self._others: dict[bytes, None] = {}
        self._strangers = self._turn = 0

    def __len__(self) -> int:
        return len(self.proved) + self._strangers

    @property
    def has_first(self) -> bool:
        """Somebody waits of whose identity nobody was let in."""
        return bool(self._first)

    def waits(self, claim: bytes) -> int:
        """How many strangers of this identity."""
        return len(self._of.get(claim, ()))

    def put_proved(self, one: Waiting) -> bool:
        """False: the line is full."""
        if len(self.proved) >= PROVED:
            return False
        self.proved.append(one)
        return True

    def put(self, one: Waiting, first: bool) -> Waiting | None:
        """A stranger; first: nobody of its identity has been let in. Returns who has no place: itself, or the last of
        an identity that has many, for one that has none."""
        claim = one.claim
        if self.waits(claim) >= SAME_IDENTITY:
            return one
        away = None
        if self._strangers >= STRANGERS:
            away = self._last_of_many() if first and not self.waits(claim) else None
            if away is None:
                return one
        queue = self._of.setdefault(claim, deque())
        if not queue:
            (self._first if first else self._others)[claim] = None
        queue.append(one)
        self._strangers += 1
        return away

    def _last_of_many(self) -> Waiting | None:
        for claim in self._others:
            return self._removed(claim, last=True)
        return next((self._removed(claim, last=True) for claim in self._first if self.waits(claim) > 1), None)

    def take(self) -> Waiting:
        """Who is next. IndexError: nobody waits."""
        if self.proved:
            return self.proved.popleft()
        self._turn += 1
        others = (
            self._others if not self._first or (self._others and not self._turn % ONE_OF) else self._first
        )
        if not others:
            raise IndexError("nobody waits")
        claim = next(iter(others))
        one = self._removed(claim)
        if claim in self._of:  # the rest of its identity, behind the others
            self._first.pop(claim, None)
            self._others.pop(claim, None)
            self._others[claim] = None
        return one

    def _removed(self, claim: bytes, last: bool = False) -> Waiting:
        queue = self._of[claim]
        one = queue.pop() if last else queue.popleft()
        self._strangers -= 1
        if not queue:
            del self._of[claim]
            self._first.pop(claim, None)
            self._others.pop(claim, None)
        return one

    def clear(self) -> None:
        self.proved.clear()
        for each in (self._of, self._first, self._others):
            each.clear()
        self._strangers = 0
