"""What generated encoders call: the parts of aligned PER (ITU-T X.691) that are not worth unrolling.

`o` is the output so far. Bits that do not fill an octet yet wait in an int: `a` with a number of bits known when
the code was generated, or `d` with a leading 1 before them that marks how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn


class Unencodable(ValueError):
    """A value that has no encoding."""


def refuse(value: object, wanted: str) -> NoReturn:
    found = repr(value)
    raise Unencodable(f"{wanted} is wanted, found {found if len(found) <= 80 else found[:77] + '...'}")


def flush(o: bytearray, d: int) -> None:
    """Writes the waiting bits, padded to an octet."""
    n = d.bit_length() - 1
    if n:
        pad = -n & 7
        o += ((d ^ 1 << n) << pad).to_bytes((n + pad) >> 3, "big")


def length(o: bytearray, n: int) -> None:
    """A length determinant below 16K."""
    if n < 128:
        o.append(n)
    else:
        o += (0x8000 | n).to_bytes(2, "big")


def octets(o: bytearray, content: bytes | bytearray) -> None:
    """Octets behind an unconstrained length, in fragments from 16K on (X.691 §11.9.3.8)."""
    n = len(content)
    if n < 16384:
        length(o, n)
        o += content
        return
    at = 0
    while n - at >= 16384:
        units = min((n - at) >> 14, 4)
        o.append(0xC0 | units)
        o += content[at : at + (units << 14)]
        at += units << 14
    length(o, n - at)
    o += content[at:]


def open_octets(o: bytearray, content: bytes) -> None:
    """An open type that holds an OCTET STRING of any size."""
    n = len(content)
    if n < 127:
        o.append(n + 1)
        o.append(n)
        o += content
    else:
        inner = bytearray()
        octets(inner, content)
        octets(o, inner)


def close(o: bytearray, j: int) -> None:
    """Ends an open type whose content began at j + 1 with the one octet of its length kept free at j."""
    n = len(o) - j - 1
    if n < 128:
        if not n:  # an open type has at least one octet (X.691 §11.2.1)
            o.append(0)
            n = 1
        o[j] = n
    elif n < 16384:
        o[j : j + 1] = (0x8000 | n).to_bytes(2, "big")
    else:
        content = o[j + 1 :]
        del o[j:]
        octets(o, content)


def fragments(n: int) -> list[tuple[int, int]]:
    """How a long list or bit string is cut: (first unit, behind the last one); the last is below 16K."""
    cuts = []
    at = 0
    while n - at >= 16384:
        units = min((n - at) >> 14, 4) << 14
        cuts.append((at, at + units))
        at += units
    cuts.append((at, n))
    return cuts


def fragment_length(o: bytearray, n: int) -> None:
    """The length determinant of one piece."""
    if n < 16384:
        length(o, n)
    else:
        o.append(0xC0 | n >> 14)


def bit_string(o: bytearray, value: int, n: int) -> int:
    """A BIT STRING behind an unconstrained length; the bits that wait, marked by a leading 1."""
    for start, end in fragments(n):
        size = end - start
        piece = value >> (n - end) & ((1 << size) - 1)
        fragment_length(o, size)
        rest = size & 7
        o += (piece >> rest).to_bytes(size >> 3, "big")
    return 1 << rest | piece & ((1 << rest) - 1)


def check_bits(value: tuple[int, int]) -> None:
    bits, n = value
    if n < 0 or bits < 0 or bits >> n:
        refuse(value, "(value, number of bits) of a BIT STRING")


def integer(o: bytearray, value: int) -> None:
    """An unconstrained INTEGER (X.691 §11.8)."""
    n = (value if value >= 0 else ~value).bit_length() // 8 + 1
    if n > 127:
        refuse(value, "an INTEGER of at most 127 octets")
    o.append(n)
    o += value.to_bytes(n, "big", signed=True)


def addition(o: bytearray, d: int, value: str, number: int | None, roots: int, wanted: str) -> int:
    """An ENUMERATED value of the extension with its extension bit: known by number, or `unknown-<n>`."""
    if number is None:
        if not (isinstance(value, str) and value.startswith("unknown-") and value[8:].isdecimal()):
            refuse(value, f"a value of {wanted}")
        n = int(value[8:])
    else:
        n = number - roots
    if n < 64:
        return d << 8 | 0x80 | n
    if n >> 32:
        refuse(value, f"a value of {wanted}")
    flush(o, d << 2 | 3)
    size = (n.bit_length() + 7) >> 3
    o.append(size)
    o += n.to_bytes(size, "big")
    return 1


def later_alternative(
    o: bytearray, d: int, row: tuple[int, Callable[[bytearray, object], None]], value: object
) -> int:
    """A CHOICE behind its extension marker: its number, below 64, and an open type."""
    number, write = row
    flush(o, d << 8 | 0x80 | number)
    write(o, value)
    return 1


def object_identifier(o: bytearray, value: str) -> None:
    """An OBJECT IDENTIFIER from its dotted form (X.690 §8.19)."""
    parts = value.split(".")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        refuse(value, "a dotted OBJECT IDENTIFIER")
    first, second, *rest = map(int, parts)
    if first > 2 or (first < 2 and second > 39):
        refuse(value, "a dotted OBJECT IDENTIFIER")
    content = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 127]
        while arc := arc >> 7:
            groups.append(arc & 127 | 128)
        content += bytes(reversed(groups))
    octets(o, content)


Encoder = Callable[[bytearray, object], None]
# Extension IEs of a SEQUENCE: (attribute, id and criticality as octets, encoder of the open type).
Extensions = Iterable[tuple[str, bytes, Encoder]]


def extensions(o: bytearray, of: object, known: Extensions) -> None:
    """A ProtocolExtensionContainer with those of the known IEs that `of` has; there is at least one."""
    fields(o, of, 1, known)


def fields(o: bytearray, of: object, low: int, known: Extensions) -> None:
    """A container of IEs with those that `of` has, behind their number less low."""
    j = len(o)
    o += b"\0\0"
    number = -low
    for attribute, header, encode in known:
        value: object = getattr(of, attribute)
        if value is not None:
            o += header
            encode(o, value)
            number += 1
    o[j : j + 2] = number.to_bytes(2, "big")


def single_container(
    o: bytearray, value: tuple[str, object], known: Mapping[str, tuple[bytes, Encoder]]
) -> None:
    """The choice-Extensions alternative of a CHOICE."""
    row = known.get(value[0])
    if row is None:
        refuse(value[0], "an alternative of the CHOICE")
    o += row[0]
    row[1](o, value[1])
