"""What a reader remembers of a capture without an end: the newest entries, so many and no more."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

UES = 1 << 16  # of what is kept for each UE, session or identity


class Bounded(dict[K, V]):
    """A dictionary that lets the entry go that came first when another one comes."""

    def __init__(self, limit: int = UES) -> None:
        super().__init__()
        self._limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self._limit:
            del self[next(iter(self))]

    def setdefault(self, key: K, default: V) -> V:
        if key not in self:
            self[key] = default
        return self[key]
