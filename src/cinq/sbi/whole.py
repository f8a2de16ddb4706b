"""JSON objects that are kept whole, though only some of their attributes are read.

An NRF hands on profiles of functions that know more attributes than it does (TS 29.501 §4.5.2.1: what is unknown is
ignored, not lost). `read` is our view of it, `document` all of it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Whole(Generic[T]):
    """document: as msgspec reads JSON without a shape: dicts, lists, strings, numbers, booleans, None."""

    __slots__ = ("document", "read")

    def __init__(self, read: T, document: dict[str, object]) -> None:
        self.read = read
        self.document = document

    @classmethod
    def of(cls, value: T) -> Whole[T]:
        return cls(value, msgspec.json.decode(msgspec.json.encode(value)))

    def __repr__(self) -> str:
        return f"Whole({self.read!r})"
