"""One kind of thing in a store, each under its key."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from cinq.procedure.store import Store

T = TypeVar("T")
SHOWN = 9  # characters of a key: more would name a subscriber


class Kept(Generic[T]):
    """decode: raises ValueError, as msgspec's errors are, where octets are no T. what: 'order', for the log."""

    def __init__(
        self, store: Store, collection: str, decode: Callable[[bytes], T], what: str, log: logging.Logger
    ) -> None:
        self._store, self._collection = store, collection
        self._decode, self._what, self._log = decode, what, log
        self._unreadable: set[str] = set()

    def __iter__(self) -> Iterator[T]:
        """All, in the order of their keys. One that is unreadable is left alone; the log says so, once."""
        for key, octets in list(self._store.items(self._collection)):
            try:
                found = self._decode(octets)
            except ValueError as error:
                if key not in self._unreadable:
                    self._unreadable.add(key)
                    shown = f"{key[:SHOWN]}…" if len(key) > SHOWN else key
                    self._log.error(
                        "stored %s %s is unreadable and was left alone: %s", self._what, shown, error
                    )
                continue
            yield found

    def get(self, key: str) -> T | None:
        """None: there is none. ValueError: it is unreadable."""
        octets = self._store.get(self._collection, key)
        return None if octets is None else self._decode(octets)
