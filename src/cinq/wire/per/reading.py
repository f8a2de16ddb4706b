"""What generated decoders call: the parts of aligned PER (ITU-T X.691) that are not worth unrolling.

Positions named `p` count bits, positions named `i` octets. Slices past the end come out short; whoever decodes
a whole buffer compares the end position with its length at last, so that no read here needs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence
from typing import NoReturn

IGNORE, NOTIFY = 1, 2

# Unknown IEs of criticality notify that were passed over, as (criticality, IE id); who decodes a PDU clears and
# reads it. Decoding is synchronous and cinq decodes in one thread.
NOTICES: list[tuple[int, int]] = []


class Fault(ValueError):
    """The octets break the transfer syntax or a constraint of the abstract syntax."""


class Irregular(ValueError):
    """The IEs of a container are not exactly those expected, in order: the slow path tells which."""


class NotComprehended(ValueError):
    """An IE inside another IE that the receiver does not know and may not pass over."""

    def __init__(self, criticality: int, ie: int) -> None:
        if criticality > NOTIFY:
            bad("there is no such criticality")
        self.criticality = criticality
        self.ie = ie
        super().__init__(f"IE {ie} is not known")


class Misplaced(ValueError):
    """An extension IE that comes twice or in the wrong order (TS 38.413 §10.3.6)."""

    def __init__(self, ie: int) -> None:
        self.ie = ie
        super().__init__(f"IE {ie} comes twice or in the wrong order")


def bad(what: str) -> NoReturn:
    raise Fault(what)


def overrun() -> NoReturn:
    raise Fault("the octets end too early")


def irregular() -> NoReturn:
    raise Irregular


def bits(b: bytes, p: int, n: int) -> int:
    """n bits from bit position p."""
    end = p + n
    if end > len(b) << 3:
        overrun()
    return int.from_bytes(b[p >> 3 : (end + 7) >> 3], "big") >> (-end & 7) & ((1 << n) - 1)


def octets(b: bytes, i: int) -> tuple[bytes, int]:
    """A length determinant of any form (X.691 §11.9) and as many octets."""
    pieces: list[bytes] = []
    while True:
        n = b[i]
        i += 1
        if n < 192:
            if n >= 128:
                n = (n & 63) << 8 | b[i]
                i += 1
            pieces.append(b[i : i + n])
            return b"".join(pieces), i + n
        n = _fragment(n)
        if i + n > len(b):
            overrun()
        pieces.append(b[i : i + n])
        i += n


def longer(b: bytes, i: int) -> tuple[int, int]:
    """A length determinant of two octets, and the position behind it; fragments are the slow path's."""
    if b[i] > 191:
        irregular()
    return (b[i] & 63) << 8 | b[i + 1], i + 2


def _fragment(determinant: int) -> int:
    """How many units a fragment holds: one to four times 16K (X.691 §11.9.3.8)."""
    count = determinant & 63
    if not 1 <= count <= 4:
        bad("a fragment holds one to four times 16K")
    return count << 14


def count(b: bytes, i: int) -> tuple[int, bool, int]:
    """A length determinant: the count, whether more fragments follow, and the position behind it."""
    n = b[i]
    if n < 128:
        return n, False, i + 1
    if n < 192:
        return (n & 63) << 8 | b[i + 1], False, i + 2
    return _fragment(n), True, i + 1


def bit_string(b: bytes, i: int) -> tuple[tuple[int, int], int]:
    """A BIT STRING behind an unconstrained length: ((value, number of bits), bit position behind it)."""
    value = total = 0
    more = True
    while more:
        n, more, i = count(b, i)
        if i * 8 + n > len(b) << 3:
            overrun()
        value = value << n | int.from_bytes(b[i : i + (n + 7 >> 3)], "big") >> (-n & 7)
        total += n
        if more:
            i += n >> 3
    return (value, total), i * 8 + n


def integer(b: bytes, i: int) -> tuple[int, int]:
    """An unconstrained INTEGER (X.691 §11.8): value and position behind it."""
    n = b[i]
    if not 1 <= n < 128:
        bad("an unconstrained INTEGER of 1 to 127 octets is wanted")
    return int.from_bytes(b[i + 1 : i + 1 + n], "big", signed=True), i + 1 + n


def small(b: bytes, p: int) -> tuple[int, int]:
    """A normally small non-negative number (X.691 §11.6): value and bit position behind it."""
    if not bits(b, p, 1):
        return bits(b, p + 1, 6), p + 7
    i = (p + 8) >> 3
    n = b[i]
    if not 1 <= n <= 4:
        bad("a normally small number of 1 to 4 octets is wanted")
    return int.from_bytes(b[i + 1 : i + 1 + n], "big"), (i + 1 + n) << 3


def addition(b: bytes, p: int, additions: tuple[str, ...]) -> tuple[str, int]:
    """An ENUMERATED value behind the extension marker; one that nobody knows is `unknown-<n>`."""
    n, p = small(b, p)
    return additions[n] if n < len(additions) else f"unknown-{n}", p


def later_alternative(
    b: bytes, p: int, additions: tuple[tuple[str, Callable[[bytes], object]], ...]
) -> tuple[tuple[str, object], int]:
    """A CHOICE behind its extension marker: ((name, value), bit position behind it)."""
    n, p = small(b, p)
    content, i = octets(b, (p + 7) >> 3)
    if i > len(b):
        overrun()
    if n >= len(additions):
        raise NotComprehended(IGNORE, 0)  # whatever is around it is what is not understood
    name, decode = additions[n]
    return (name, decode(content)), i << 3


def skip_additions(b: bytes, p: int) -> int:
    """Passes over the extension additions of a SEQUENCE from their bitmap on; the octet behind them."""
    if bits(b, p, 1):
        n, more, i = count(b, (p + 8) >> 3)
        if more or not n:
            bad("so many extension additions cannot be")
        p = i << 3
    else:
        n = bits(b, p + 1, 6) + 1
        p += 7
    present = bits(b, p, n)
    i = (p + n + 7) >> 3
    for _ in range(present.bit_count()):
        _, i = octets(b, i)
        if i > len(b):
            overrun()
    return i


REMEMBERED = 1024  # values of one type; then all of them are forgotten


def remembered(decode: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """A decoder of what many messages repeat octet for octet: they share one value, which nobody changes.

    What gave rise to a notice is decoded each time, so that each message has its notice.
    """
    known: dict[bytes, object] = {}

    def decoded(b: bytes) -> object:
        value = known.get(b)
        if value is None:
            value = decode(b)
            if not NOTICES:
                if len(known) >= REMEMBERED:
                    known.clear()
                known[b] = value
        return value

    return decoded


def object_identifier(b: bytes, i: int) -> tuple[str, int]:
    """An OBJECT IDENTIFIER, dotted, and the position behind it (X.690 §8.19)."""
    content, i = octets(b, i)
    if not content or len(content) > 128 or content[-1] & 128:
        bad("an OBJECT IDENTIFIER of whole arcs is wanted")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        if octet == 128 and not arc:
            bad("an arc of an OBJECT IDENTIFIER begins with padding")
        arc = arc << 7 | octet & 127
        if not octet & 128:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]])), i


Decoder = Callable[[bytes], object]
# Extension IEs of a SEQUENCE: IE id -> (place in the order, attribute, decoder of the content).
Extensions = Mapping[int, tuple[int, str, Decoder]]


def extensions(b: bytes, i: int, known: Extensions, into: object) -> int:
    """A ProtocolExtensionContainer from its count on; known IEs become attributes of `into` (TS 38.413 §9.4)."""
    return fields(b, i, 1, known, into)


def fields(b: bytes, i: int, low: int, known: Extensions, into: object) -> int:
    """A container of IEs, from its count on, which is reduced by low. Unknown ones go by their criticality: ignore and
    notify are passed over, reject raises NotComprehended.
    """
    number = (b[i] << 8 | b[i + 1]) + low
    i += 2
    last = -1
    for _ in range(number):
        ie = b[i] << 8 | b[i + 1]
        criticality = b[i + 2] >> 6
        content, i = octets(b, i + 3)
        row = known.get(ie)
        if row is None:
            pass_over(criticality, ie, NOTICES)
            continue
        place, attribute, decode = row
        if place <= last:
            raise Misplaced(ie)
        last = place
        setattr(into, attribute, decode(content))
    return i


def pass_over(criticality: int, ie: int, notices: MutableSequence[tuple[int, int]]) -> None:
    """What becomes of an unknown IE: nothing, a notice, or NotComprehended."""
    if criticality == NOTIFY:
        notices.append((criticality, ie))
    elif criticality != IGNORE:
        raise NotComprehended(criticality, ie)


def single_container(
    b: bytes, i: int, known: Mapping[int, tuple[str, Decoder]]
) -> tuple[tuple[str, object], int]:
    """The choice-Extensions alternative of a CHOICE: ((name of the IE, value), position behind it)."""
    ie = b[i] << 8 | b[i + 1]
    criticality = b[i + 2] >> 6
    content, i = octets(b, i + 3)
    row = known.get(ie)
    if row is None:
        raise NotComprehended(criticality, ie)
    return (row[0], row[1](content)), i
