"""The store port: what a network function keeps beyond its process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Store(Protocol):
    """Octets by (collection, key). A put is seen by the next get at once, and durable a little later.

    Every put replaces what stood under its key, so writing twice is harmless. Another process may write too.
    """

    def get(self, collection: str, key: str) -> bytes | None: ...

    def put(self, collection: str, key: str, value: bytes) -> None: ...

    def delete(self, collection: str, key: str) -> None: ...

    def items(self, collection: str) -> Iterator[tuple[str, bytes]]:
        """A snapshot of the collection, in the order of the keys."""
        ...

    async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
        """Puts `after` where `before` stands, and returns when that survives a power cut. OSError when it cannot.

        False where something else stands by then, which is left alone.
        """
        ...

    async def durable(self) -> None:
        """Returns when all that was put and deleted until now survives a power cut. OSError when it cannot."""
        ...


class MemoryStore:
    """A store that lives as long as the process, for tests and for demonstrations."""

    def __init__(self) -> None:
        self._collections: dict[str, dict[str, bytes]] = {}

    def get(self, collection: str, key: str) -> bytes | None:
        return self._collections.get(collection, {}).get(key)

    def put(self, collection: str, key: str, value: bytes) -> None:
        self._collections.setdefault(collection, {})[key] = value

    def delete(self, collection: str, key: str) -> None:
        self._collections.get(collection, {}).pop(key, None)

    def items(self, collection: str) -> Iterator[tuple[str, bytes]]:
        return iter(sorted(self._collections.get(collection, {}).items()))

    async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
        if self.get(collection, key) != before:
            return False
        self.put(collection, key, after)
        return True

    async def durable(self) -> None:
        pass
