"""Encoding of the types without components, written into a body (ITU-T X.691 §12 to §24)."""

from __future__ import annotations

from collections.abc import Callable

from cinq.wire.per import model
from cinq.wire.per.decode_simple import octets_of
from cinq.wire.per.emit import Program
from cinq.wire.per.encoder import EncoderBody


def check(body: EncoderBody, condition: str, value: str, wanted: str) -> None:
    body.line(f"if not {condition}:")
    with body.indented():
        body.line(f"refuse({value}, {wanted!r})")


def constrained(body: EncoderBody, value: str, low: int, high: int) -> None:
    """A constrained whole number (X.691 §11.5) that is known to be in its bounds."""
    span = high - low + 1
    offset = f"{value} - {low}" if low > 0 else f"{value} + {-low}" if low < 0 else value
    if span == 1:
        return
    if span <= 255:
        body.put(offset, (span - 1).bit_length())
    elif span <= 65536:
        body.align()
        body.put(offset, 8 if span == 256 else 16)
    else:
        n = body.fresh("n")
        if low:
            value = body.fresh()
            body.line(f"{value} = {offset}")
        body.line(f"{n} = ({value}.bit_length() + 7 >> 3) or 1")
        body.put(f"{n} - 1", (octets_of(low, high) - 1).bit_length())
        body.align()
        body.raw(f'o += {value}.to_bytes({n}, "big")', None)


def integer(body: EncoderBody, kind: model.Integer, value: str) -> None:
    wanted = "INTEGER (" + " | ".join(f"{low}..{high}" for low, high in kind.root) + ")"
    inside = " or ".join(f"{low} <= {value} <= {high}" for low, high in kind.root)
    if not kind.extensible:
        check(body, f"({inside})" if " or " in inside else inside, value, wanted)
        constrained(body, value, kind.low, kind.high)
        return

    def root() -> None:
        body.put(0, 1)
        constrained(body, value, kind.low, kind.high)

    def outside() -> None:
        body.put(1, 1)
        body.align()
        body.raw(f"integer(o, {value})", None)

    body.branch([(f"if {inside}:", root), ("else:", outside)])


def enumerated(body: EncoderBody, program: Program, kind: model.Enumerated, value: str) -> None:
    table = f"E_{kind.name}"
    if table not in program.definitions:
        names = {name: number for number, name in enumerate((*kind.root, *(kind.additions or ())))}
        program.define(table, f"{table} = {names!r}")
    roots = len(kind.root)
    width = (roots - 1).bit_length()
    n = body.fresh("n")
    body.line(f"{n} = {table}.get({value})")
    if kind.additions is None:
        check(body, f"{n} is not None", value, f"a value of {kind.name}")
        body.put(n, width)
        return

    def root() -> None:
        body.put(n, 1 + width)

    def outside() -> None:
        body.mark()
        body.line(f"d = addition(o, d, {value}, {n}, {roots}, {kind.name!r})")

    condition = f"{n} is not None and {n} < {roots}" if kind.additions else f"{n} is not None"
    body.branch([(f"if {condition}:", root), ("else:", outside)])


def bit_string(body: EncoderBody, kind: model.BitString, value: str) -> None:
    size = kind.size
    if kind.plain_int:
        assert size is not None
        found = f"type({value}).__name__" if kind.secret else value
        check(body, f"0 <= {value} < {1 << size.high}", found, f"an int of {size.high} bits")
        if size.high > 16:
            body.align()
        body.put(value, size.high)
        return
    n = body.fresh("n")
    body.line(f"check_bits({value})")
    body.line(f"{n} = {value}[1]")

    def unconstrained() -> None:
        body.align()
        body.line(f"d = bit_string(o, {value}[0], {n})")
        body.leave(None)

    def root() -> None:
        assert size is not None
        if size.fixed:
            if size.high > 16:
                body.align()
            body.put(f"{value}[0]", size.high)
            return
        constrained(body, n, size.low, size.high)
        body.align()
        body.line(f"o += ({value}[0] >> ({n} & 7)).to_bytes({n} >> 3, 'big')")
        body.line(f"d = 1 << ({n} & 7) | {value}[0] & ((1 << ({n} & 7)) - 1)")
        body.leave(None)

    _by_size(body, size, n, value, (root, unconstrained))


def _by_size(
    body: EncoderBody,
    size: model.Size | None,
    n: str,
    value: str,
    ways: tuple[Callable[[], None], Callable[[], None]],
) -> None:
    """Writes the extension bit of a size constraint where there is one, and the right one of (root, unconstrained)."""
    root, unconstrained = ways
    if size is None:
        unconstrained()
        return
    inside = f"{n} == {size.low}" if size.fixed else f"{size.low} <= {n} <= {size.high}"
    if not size.extensible:
        check(body, inside, value, f"SIZE ({size.low}..{size.high})")
        (unconstrained if size.unbounded else root)()
        return

    def inner() -> None:
        body.put(0, 1)
        root()

    def outer() -> None:
        body.put(1, 1)
        unconstrained()

    body.branch([(f"if {inside}:", inner), ("else:", outer)])


def octets(body: EncoderBody, size: model.Size | None, value: str, encoding: str = "") -> None:
    """OCTET STRING, or a character string of the encoding."""
    if encoding:
        text, value = value, body.fresh("s")
        body.line(f"{value} = {text}.encode({encoding!r})")
    n = ""
    if size is not None:
        n = body.fresh("n")
        body.line(f"{n} = len({value})")

    def unconstrained() -> None:
        body.align()
        body.raw(f"octets(o, {value})", None)

    def root() -> None:
        assert size is not None
        if not size.fixed:
            constrained(body, n, size.low, size.high)
            body.align()
            body.raw(f"o += {value}", None)
            return
        if size.high > 2:
            body.align()
        if body.bit == 0:
            body.align()
            body.raw(f"o += {value}", size.high)
        else:
            body.put(f'from_bytes({value}, "big")', 8 * size.high)

    _by_size(body, size, n, value, (root, unconstrained))


def simple(body: EncoderBody, program: Program, kind: model.Type, value: str) -> None:
    """Any type without components; value is a local variable."""
    match kind:
        case model.Integer():
            integer(body, kind, value)
        case model.Enumerated():
            enumerated(body, program, kind, value)
        case model.BitString():
            bit_string(body, kind, value)
        case model.OctetString():
            octets(body, kind.size, value)
        case model.CharacterString():
            octets(body, kind.size, value, kind.encoding)
        case model.ObjectIdentifier():
            body.align()
            body.raw(f"object_identifier(o, {value})", None)
        case model.OpenType():
            body.align()
            body.raw(f"octets(o, {value})", None)
        case _:
            assert isinstance(kind, model.Null), kind
