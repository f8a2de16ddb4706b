"""Total decoding, for whoever reads what others said: what is there, and what is wrong with it.

`decode` of a codec is for the ends of an interface: it raises where the specification wants another answer than the
usual. `examine` of the same codec never raises: a fault in one element leaves the others, and is named.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T", covariant=True)


class Examined(Struct, Generic[T], frozen=True):
    """What octets hold.

    message: as far as it could be read; None where not even its kind is known. Attributes that could not be read are
    None, or not there, even those whose type does not say so; not where it is `whole`.
    faults: what is wrong, in words. raw: elements that are there and could not be read, or that nobody knows.
    """

    message: T | None
    faults: tuple[str, ...] = ()
    raw: dict[str, str] = {}
    whole: bool = True
