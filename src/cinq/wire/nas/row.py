"""Rows of a message table, and the codecs of their values."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Format(IntEnum):
    """TS 24.007 §11.2.1.1. HALF stands in bits 1 to 4, HALF_HIGH in 5 to 8 of the same octet."""

    HALF = 1
    HALF_HIGH = 2
    V = 3
    LV = 4
    LVE = 5
    TV1 = 6
    TV = 7
    TLV = 8
    TLVE = 9


class Nibble(Generic[T]):
    """Codec of a value of half an octet. values: what each of the 16 means."""

    def __init__(self, decode: Callable[[int], T], encode: Callable[[T], int]) -> None:
        self.values = tuple(decode(number) for number in range(16))
        self.decode = self.values.__getitem__
        self.encode = encode
        self.low = self.high = 0


class Codec(Generic[T]):
    """Codec of a value part of low to high octets (high None: no limit).

    decode may raise ValueError or IndexError on any octets that have no meaning.
    """

    def __init__(
        self,
        decode: Callable[[bytes], T],
        encode: Callable[[T], bytes],
        low: int = 1,
        high: int | None = None,
    ) -> None:
        self.decode = decode
        self.encode = encode
        self.low = low
        self.high = 0xFFFF if high is None else high


class Row:
    """One row of a message table. strict: an optional element that must not be dropped when it is wrong."""

    __slots__ = ("codec", "format", "iei", "name", "strict")

    def __init__(self, form: Format, iei: int | None, codec: Codec[T] | Nibble[T], strict: bool) -> None:
        self.name = ""
        self.format = form
        self.iei = iei
        self.codec = cast("Codec[object] | Nibble[object]", codec)
        self.strict = strict

    @property
    def mandatory(self) -> bool:
        return self.iei is None


def _row(form: Format, iei: int | None, codec: Codec[T] | Nibble[T], strict: bool = False) -> T:
    """A row, in the type of the attribute that it declares (PEP 681)."""
    return cast(T, Row(form, iei, codec, strict))


def half(codec: Nibble[T]) -> T:
    """M V 1/2. The first of two neighbours stands in bits 1 to 4; above one alone is a spare half octet."""
    return _row(Format.HALF, None, codec)


def v(codec: Codec[T]) -> T:
    """M V of fixed length."""
    return _row(Format.V, None, codec)


def lv(codec: Codec[T]) -> T:
    """M LV."""
    return _row(Format.LV, None, codec)


def lve(codec: Codec[T]) -> T:
    """M LV-E."""
    return _row(Format.LVE, None, codec)


def tv1(iei: int, codec: Nibble[T]) -> T | None:
    """O TV of one octet: iei in bits 5 to 8."""
    return _row(Format.TV1, iei, codec)


def tv(iei: int, codec: Codec[T]) -> T | None:
    """O TV of fixed length."""
    return _row(Format.TV, iei, codec)


def tlv(iei: int, codec: Codec[T], *, strict: bool = False) -> T | None:
    """O TLV."""
    return _row(Format.TLV, iei, codec, strict)


def tlve(iei: int, codec: Codec[T]) -> T | None:
    """O TLV-E."""
    return _row(Format.TLVE, iei, codec)
