"""Decoding of the types without components, written into a body (ITU-T X.691 §12 to §24)."""

from __future__ import annotations

from cinq.wire.per import model
from cinq.wire.per.decoder import DecoderBody
from cinq.wire.per.emit import Program

FROM_OCTETS = 'from_bytes({}, "big")'


def octets_of(low: int, high: int) -> int:
    """How many octets the largest offset of a range takes."""
    return ((high - low).bit_length() + 7) // 8


def constrained(body: DecoderBody, low: int, high: int) -> str:
    """A constrained whole number (X.691 §11.5) as an expression, without a check of the upper bound."""
    span = high - low + 1
    if span == 1:
        return str(low)
    if span <= 255:
        text = body.bits((span - 1).bit_length())
    elif span <= 65536:
        body.align()
        text = body.bits(8 if span == 256 else 16)
    else:
        most = octets_of(low, high)
        size = body.fresh("n")
        body.line(f"{size} = ({body.bits((most - 1).bit_length())}) + 1")
        if most & (most - 1):
            body.line(f"if {size} > {most}:")
            with body.indented():
                body.line('bad("INTEGER too long")')
        body.align()
        text = body.fresh()
        body.line(f"{text} = {FROM_OCTETS.format(f'b[{body.at()}:{body.at()} + {size}]')}")
        body.settle()
        body.moved(size)
    return f"({text}) + {low}" if low else text


def _fills_range(low: int, high: int) -> bool:
    """Whether whatever bits come are inside the bounds."""
    span = high - low + 1
    if span <= 255:
        return span & (span - 1) == 0
    if span <= 65536:
        return span in (256, 65536)
    return span == 1 << 8 * octets_of(low, high)


def identity_octets(kind: model.Type) -> int:
    """How many octets an identity of TS 38.413 takes at most, 0 for any other type.

    That is a constrained INTEGER from 0 that fills more than two octets: whatever comes is inside its bounds.
    """
    if not isinstance(kind, model.Integer) or kind.extensible or len(kind.root) != 1 or kind.low:
        return 0
    return octets_of(0, kind.high) if kind.high >= 65536 and _fills_range(0, kind.high) else 0


def bounded(body: DecoderBody, low: int, high: int, target: str) -> None:
    """A constrained whole number with its check."""
    text = constrained(body, low, high)
    if _fills_range(low, high):
        body.line(f"{target} = {text}")
        return
    value = target if target.isidentifier() else body.fresh()
    body.line(f"{value} = {text}")
    body.line(f"if {value} > {high}:")
    with body.indented():
        body.line('bad("out of range")')
    if value != target:
        body.line(f"{target} = {value}")


def integer(body: DecoderBody, kind: model.Integer, target: str) -> None:
    def root() -> None:
        if len(kind.root) == 1:
            bounded(body, kind.low, kind.high, target)
            return
        value = body.fresh()
        bounded(body, kind.low, kind.high, value)
        inside = " or ".join(f"{low} <= {value} <= {high}" for low, high in kind.root)
        body.line(f"if not ({inside}):")
        with body.indented():
            body.line('bad("in a gap of the range")')
        body.line(f"{target} = {value}")

    def outside() -> None:
        body.align()
        body.line(f"{target}, i = integer(b, {body.at()})")
        body.based, body.offset, body.sliced = True, 0, True

    if kind.extensible:
        body.branch([(f"if {body.flag()}:", outside), ("else:", root)])
    else:
        root()


def enumerated(body: DecoderBody, program: Program, kind: model.Enumerated, target: str) -> None:
    roots = f"N_{kind.name}"
    if len(kind.root) > 1 and roots not in program.definitions:
        program.define(roots, f"{roots} = {kind.root!r}")

    def root() -> None:
        if len(kind.root) == 1:
            body.line(f"{target} = {kind.root[0]!r}")
        else:
            body.line(f"{target} = {roots}[{body.bits((len(kind.root) - 1).bit_length())}]")

    if kind.additions is None:
        root()
        return
    additions = "()"
    if kind.additions:
        additions = f"A_{kind.name}"
        if additions not in program.definitions:
            program.define(additions, f"{additions} = {kind.additions!r}")

    def outside() -> None:
        body.count_bits()
        body.line(f"{target}, i = addition(b, i, {additions})")

    body.branch([(f"if {body.flag()}:", outside), ("else:", root)])
    body.sliced = True


def bit_string(body: DecoderBody, kind: model.BitString, target: str) -> None:
    size = kind.size

    def unconstrained() -> None:
        body.align()
        body.line(f"{target}, i = bit_string(b, {body.at()})")
        body.based, body.offset, body.bit, body.sliced = True, 0, None, True

    def root() -> None:
        assert size is not None
        if size.fixed:
            if size.high > 16:
                body.align()
            text = body.bits(size.high)
            body.line(f"{target} = {text}" if kind.plain_int else f"{target} = ({text}, {size.high})")
            return
        n = body.fresh("n")
        bounded(body, size.low, size.high, n)
        body.align()
        body.settle()
        octets = FROM_OCTETS.format(f"b[i:i + ({n} + 7 >> 3)]")
        body.line(f"{target} = ({octets} >> (-{n} & 7), {n})")
        body.line(f"i = (i << 3) + {n}")
        body.bit, body.sliced = None, True

    if size is None or size.unbounded:
        unconstrained()
        _sized(body, size, f"{target}[1]")
    elif size.extensible:
        body.branch([(f"if {body.flag()}:", unconstrained), ("else:", root)])
    else:
        root()


def _sized(body: DecoderBody, size: model.Size | None, length: str) -> None:
    """The check of a size that PER does not see (X.691 §11.9.3.3): the ASN.1 has it all the same."""
    if size is not None:
        body.line(f"if not {size.low} <= {length} <= {size.high}:")
        with body.indented():
            body.line('bad("out of range")')


def octets(body: DecoderBody, size: model.Size | None, target: str, encoding: str = "") -> None:
    """OCTET STRING, or a character string of the encoding."""
    suffix = f".decode({encoding!r})" if encoding else ""

    def unconstrained() -> None:
        body.align()
        body.settle()
        body.line(f"n = b[{body.at()}]")
        body.line("if n < 128:")
        body.line(f"    {target} = b[i + 1:i + 1 + n]{suffix}")
        body.line("    i += 1 + n")
        body.line("else:")
        body.line("    x, i = octets(b, i)")
        body.line(f"    {target} = x{suffix}")
        body.sliced = True

    def root() -> None:
        assert size is not None
        if size.fixed:
            if size.high > 2:
                body.align()
            body.line(f"{target} = {body.octets(size.high)}{suffix}")
            return
        n = body.fresh("n")
        bounded(body, size.low, size.high, n)
        body.align()
        body.settle()
        body.line(f"{target} = b[i:i + {n}]{suffix}")
        body.moved(n)

    if size is None or size.unbounded:
        unconstrained()
        _sized(body, size, f"len({target})")
    elif size.extensible:
        body.branch([(f"if {body.flag()}:", unconstrained), ("else:", root)])
    else:
        root()


def object_identifier(body: DecoderBody, target: str) -> None:
    body.align()
    body.line(f"{target}, i = object_identifier(b, {body.at()})")
    body.based, body.offset, body.sliced = True, 0, True


def simple(body: DecoderBody, program: Program, kind: model.Type, target: str) -> None:
    """Any type without components."""
    match kind:
        case model.Integer():
            integer(body, kind, target)
        case model.Enumerated():
            enumerated(body, program, kind, target)
        case model.BitString():
            bit_string(body, kind, target)
        case model.OctetString():
            octets(body, kind.size, target)
        case model.CharacterString():
            octets(body, kind.size, target, kind.encoding)
        case model.ObjectIdentifier():
            object_identifier(body, target)
        case model.OpenType():
            octets(body, None, target)
        case _:
            assert isinstance(kind, model.Null), kind
            body.line(f"{target} = True")
