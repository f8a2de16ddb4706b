"""Elements made of bits: numbers and flags packed into an octet or half of one, and lists of features."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import ClassVar, Generic, Self, TypeVar

from msgspec import Struct

from cinq.wire.nas.row import Codec, Nibble

S = TypeVar("S", bound=Struct)
F = TypeVar("F", bound=IntEnum)


def unpacker(kind: type[S], *widths: int) -> Callable[[int], S]:
    """A number to a value: its fields stand one above the other from bit 1. Width 1: a flag, 0: not there."""

    def decode(number: int) -> S:
        parts: list[int] = []
        for width in widths:
            parts.append(number & 1 == 1 if width == 1 else number & (1 << width) - 1)
            number >>= width
        return kind(*parts)

    return decode


def packer(kind: type[S], *widths: int) -> Callable[[S], int]:
    """The way back. ValueError when a field is too large for its width."""
    fields = tuple(zip(kind.__struct_fields__, widths, strict=True))

    def encode(value: S) -> int:
        number = place = 0
        for name, width in fields:
            part = int(getattr(value, name))
            if part >> width:
                raise ValueError(f"{name} {part} has more than {width} bits")
            number |= part << place
            place += width
        return number

    return encode


def packed_half(kind: type[S], *widths: int) -> Nibble[S]:
    """A value in half an octet; further bits are spare."""
    return Nibble(unpacker(kind, *widths), packer(kind, *widths))


def packed(kind: type[S], *widths: int) -> Codec[S]:
    """A value in one octet; further bits are spare."""
    read, write = unpacker(kind, *widths), packer(kind, *widths)

    @lru_cache(256)
    def decode(b: bytes) -> S:
        return read(b[0])

    @lru_cache(256)
    def encode(value: S) -> bytes:
        return bytes((write(value),))

    return Codec(decode, encode, 1, 1)


def flag_octet(place: int = 0) -> Codec[bool]:
    """One bit of one octet; the others are spare."""
    return Codec(lambda b: b[0] >> place & 1 == 1, lambda f: bytes((f << place,)), 1, 1)


class Features(Struct, Generic[F], frozen=True):
    """Octets of which each bit says whether a feature is supported, kept as they were sent.

    A feature's number is 8 times its octet plus its bit, both counted from 0. Octets that are not there are zero.
    """

    octets: bytes
    NAMED: ClassVar[type[IntEnum]]
    SHOWN: ClassVar[tuple[str, ...]] = ("features",)

    @classmethod
    def of(cls, *features: F, size: int = 1) -> Self:
        """With these features, in as many octets as they need, at least size."""
        octets = bytearray(max([size, *(feature // 8 + 1 for feature in features)]))
        for feature in features:
            octets[feature // 8] |= 1 << feature % 8
        return cls(bytes(octets))

    def __contains__(self, feature: F) -> bool:
        octet, bit = divmod(feature, 8)
        return octet < len(self.octets) and self.octets[octet] >> bit & 1 == 1

    def bits(self, octet: int, low: int, width: int) -> int:
        """A group of bits, counted from 0; 0 when the octet is not there."""
        return self.octets[octet] >> low & (1 << width) - 1 if octet < len(self.octets) else 0

    @property
    def features(self) -> list[str]:
        """The names of what is supported, as a person would like to read them."""
        return [feature.name.lower() for feature in self.NAMED if self.bits(*divmod(feature, 8), 1)]
