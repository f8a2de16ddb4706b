"""Writes the encoders: one function per type and bit offset, one per open type."""

from __future__ import annotations

from collections.abc import Callable

from cinq.wire.per import model
from cinq.wire.per.decode import content_key, offset_name
from cinq.wire.per.decode_simple import octets_of
from cinq.wire.per.emit import Program
from cinq.wire.per.encode_simple import check, constrained, simple
from cinq.wire.per.encoder import Alternative, EncoderBody


class EncoderWriter:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._opens: dict[object, str] = {}
        self._contents: set[str] = set()

    def content(self, kind: model.Sequence) -> str:
        """The function (output, value) that writes a message's or stand-alone type's octets."""
        function = f"f_{kind.name}"
        if function not in self._contents:
            self._contents.add(function)
            body = EncoderBody(0)
            self._whole(body, kind)
            self._define(function, "o, v", body, "")
        return function

    def open(self, kind: model.Type, name: str) -> str:
        """The function (output, value) that writes an open type with its length."""
        if kind in (model.OctetString(None), model.OpenType()):
            return "open_octets"
        key = content_key(kind) or kind
        if key not in self._opens:
            function = self._opens[key] = self._unused(f"w_{content_key(kind) or name}")
            self._define(function, "o, v", self._open_body(kind), "")
        return self._opens[key]

    def _unused(self, name: str) -> str:
        number = 1
        taken = set(self._opens.values())
        unused = name
        while unused in taken:
            number += 1
            unused = f"{name}_{number}"
        return unused

    def _define(self, function: str, parameters: str, body: EncoderBody, result: str) -> None:
        lines = [f"def {function}({parameters}):", *body.lines]
        if result:
            lines.append(f"    return {result}")
        elif not body.lines:
            lines.append("    pass")
        self._program.define(function, "\n".join(lines))

    def _open_body(self, kind: model.Type) -> EncoderBody:
        body = EncoderBody(0)
        if isinstance(kind, model.Integer) and not kind.extensible and kind.high - kind.low >= 65536:
            self._open_integer(body, kind)
            return body
        self._whole(body, kind)
        if body.octets is not None and 0 < body.octets < 128:
            body.lines.insert(0, f"    o.append({body.octets})")
            return body
        body.lines[:0] = ["    j = len(o)", "    o.append(0)"]
        body.line("n = len(o) - j - 1")
        body.line("if 0 < n < 128:")
        body.line("    o[j] = n")
        body.line("else:")
        body.line("    close(o, j)")
        return body

    def _open_integer(self, body: EncoderBody, kind: model.Integer) -> None:
        """The identities of TS 38.413: the length is known before the value is written."""
        check(body, f"{kind.low} <= v <= {kind.high}", "v", f"INTEGER ({kind.low}..{kind.high})")
        if kind.low:
            body.line(f"v -= {kind.low}")
        width = (octets_of(kind.low, kind.high) - 1).bit_length()
        body.line("n = (v.bit_length() + 7 >> 3) or 1")
        body.line("o.append(n + 1)")
        body.line(f"o.append(n - 1 << {8 - width})")
        body.line('o += v.to_bytes(n, "big")')

    def _whole(self, body: EncoderBody, kind: model.Type) -> None:
        """A value from an aligned start to an aligned end, its components in line."""
        match kind:
            case model.Sequence() if kind.message_like:
                self._message(body, kind)
            case model.Sequence():
                self._sequence(body, kind)
            case model.Choice():
                self._choice(body, kind)
            case _:
                self._value(body, kind, "v")
        body.align()

    def _value(self, body: EncoderBody, kind: model.Type, value: str) -> None:
        match kind:
            case model.SequenceOf():
                self._sequence_of(body, kind, value)
            case model.Sequence() | model.Choice():
                body.drain()
                bit = body.bit
                function, leaves = self._function(kind, bit)
                call = f"{function}(o, {_waiting_in(bit)}{value})"
                body.line(f"{_result(leaves)} = {call}" if leaves != 0 else call)
                body.leave(leaves)
            case _:
                simple(body, self._program, kind, value)

    def _function(self, kind: model.Sequence | model.Choice, bit: int | None) -> tuple[str, int | None]:
        """The function of a constructed type entered at a bit offset, and the offset at which it leaves."""
        function = f"e_{kind.name}_{offset_name(bit)}"
        if function not in self._program.exits:
            body = EncoderBody(bit)
            if isinstance(kind, model.Sequence):
                self._sequence(body, kind)
            else:
                self._choice(body, kind)
            body.drain()
            self._program.exits[function] = body.bit
            self._define(
                function,
                f"o, {_waiting_in(bit)}v",
                body,
                _result(body.bit) if body.bit != 0 else "",
            )
        return function, self._program.exits[function]

    def _sequence_of(self, body: EncoderBody, kind: model.SequenceOf, value: str) -> None:
        size = kind.size
        n = body.fresh("n")
        body.line(f"{n} = len({value})")
        check(body, f"{size.low} <= {n} <= {size.high}", value, f"SIZE ({size.low}..{size.high})")
        item = body.fresh("y")
        if not size.unbounded:
            constrained(body, n, size.low, size.high)
            body.repeat(f"for {item} in {value}:", lambda: self._value(body, kind.item, item))
            return
        body.align()
        piece = body.fresh("p")
        body.mark()
        body.line(f"for {piece}, {n} in fragments({n}):")
        with body.indented():
            body.align()
            body.line(f"fragment_length(o, {n} - {piece})")
            body.mark()
            body.repeat(f"for {item} in {value}[{piece}:{n}]:", lambda: self._value(body, kind.item, item))
            body.mark()

    def _sequence(self, body: EncoderBody, kind: model.Sequence) -> None:
        present: dict[str, str] = {}
        if kind.extensible:
            body.put(0, 1)
        for part in kind.components:
            if part.optional:
                present[part.name] = self._presence(body, part)
        for part in kind.components:
            if part.name in present:
                self._optional(body, kind, part, present[part.name])
            elif isinstance(part.type, model.Container):
                body.align()
                body.raw(f"fields(o, v, {part.type.low}, {self._extensions(kind, part.type)})", None)
            else:
                value = body.fresh("m")
                body.line(f"{value} = v.{part.attribute}")
                self._value(body, part.type, value)

    def _presence(self, body: EncoderBody, part: model.Component) -> str:
        """Puts the presence bit; the variable that tells it, empty when it is never present."""
        if not isinstance(part.type, model.Container):
            value = body.fresh("q")
            body.line(f"{value} = v.{part.attribute}")
            body.put(f"{value} is not None", 1)
            return value
        if not part.type.ies:
            body.put(0, 1)
            return ""
        flag = body.fresh("f")
        body.line(f"{flag} = " + " or ".join(f"v.{ie.attribute} is not None" for ie in part.type.ies))
        body.put(flag, 1)
        return flag

    def _optional(
        self, body: EncoderBody, kind: model.Sequence, part: model.Component, variable: str
    ) -> None:
        if not variable:
            return
        if isinstance(part.type, model.Container):
            table = self._extensions(kind, part.type)

            def container() -> None:
                body.align()
                body.raw(f"extensions(o, v, {table})", None)

            body.branch([(f"if {variable}:", container), ("else:", lambda: None)])
            return
        value = part.type
        body.branch(
            [
                (f"if {variable} is not None:", lambda: self._value(body, value, variable)),
                ("else:", lambda: None),
            ]
        )

    def _extensions(self, kind: model.Sequence, container: model.Container) -> str:
        """The table of the IEs of a container in a SEQUENCE."""
        table = f"Y_{kind.name}"
        if table not in self._program.definitions:
            rows = [
                f"({ie.attribute!r}, {_header(ie)!r}, {self.open(ie.type, kind.name + '_' + ie.attribute)}),"
                for ie in container.ies
            ]
            self._program.define(table, f"{table} = ({' '.join(rows)})")
        return table

    def _choice(self, body: EncoderBody, kind: model.Choice) -> None:
        body.line("c, w = v")
        if kind.additions is None:
            self._root_choice(body, kind)
            return
        table = f"L_{kind.name}"
        if table not in self._program.definitions:
            rows = [
                f"{one.name!r}: ({number}, {self.open(one.type, kind.name + '_' + one.name)}),"
                for number, one in enumerate(kind.additions)
            ]
            self._program.define(table, f"{table} = {{{' '.join(rows)}}}")

        def addition() -> None:
            body.mark()
            body.line(f"d = later_alternative(o, d, {table}[c], w)")

        def root() -> None:
            body.put(0, 1)
            self._root_choice(body, kind)

        body.branch([(f"if c in {table}:", addition), ("else:", root)])

    def _root_choice(self, body: EncoderBody, kind: model.Choice) -> None:
        width = (len(kind.alternatives) - 1).bit_length()
        ways: list[Alternative] = []
        last: Callable[[], None] = lambda: body.line(f"refuse(c, 'an alternative of {kind.name}')")  # noqa: E731
        for number, alternative in enumerate(kind.alternatives):
            way = self._way(body, kind, alternative, (number, width))
            if isinstance(alternative, model.Alternative):
                ways.append((f"{'elif' if ways else 'if'} c == {alternative.name!r}:", way))
            elif alternative.ies:
                last = way
        ways.append(("else:", last))
        body.branch(ways)

    def _way(
        self,
        body: EncoderBody,
        kind: model.Choice,
        chosen: model.Alternative | model.ExtensionAlternative,
        index: tuple[int, int],
    ) -> Callable[[], None]:
        """What is written for one alternative; index is its number and the width of that."""

        def write() -> None:
            body.put(*index)
            if isinstance(chosen, model.Alternative):
                self._value(body, chosen.type, "w")
                return
            body.align()
            body.raw(f"single_container(o, v, {self._single(kind, chosen)})", None)

        return write

    def _single(self, kind: model.Choice, chosen: model.ExtensionAlternative) -> str:
        """The table of the IEs of a choice-Extensions alternative."""
        table = f"Z_{kind.name}"
        if table not in self._program.definitions:
            rows = [
                f"{ie.name!r}: ({_header(ie)!r}, {self.open(ie.type, kind.name + '_' + ie.attribute)})"
                for ie in chosen.ies
            ]
            self._program.define(table, f"{table} = {{{', '.join(rows)}}}")
        return table

    def _message(self, body: EncoderBody, kind: model.Sequence) -> None:
        """A SEQUENCE of one container."""
        (container,) = kind.containers
        mandatory = sum(ie.mandatory for ie in container.ies)
        count = mandatory - container.low
        body.raw(f"o += {bytes([0]) + count.to_bytes(2, 'big')!r}", None)
        optional = mandatory < len(container.ies)
        if optional:
            body.lines[:0] = ["    j = len(o) + 2", f"    n = {count}"]
        for ie in container.ies:
            write = self.open(ie.type, f"{kind.name}_{ie.attribute}")
            if ie.mandatory:
                body.line(f"o += {_header(ie)!r}")
                body.line(f"{write}(o, v.{ie.attribute})")
                continue
            body.line(f"w = v.{ie.attribute}")
            body.line("if w is not None:")
            with body.indented():
                body.line(f"o += {_header(ie)!r}")
                body.line(f"{write}(o, w)")
                body.line("n += 1")
        if optional:
            body.line("o[j] = n")


def _header(ie: model.Ie) -> bytes:
    return ie.id.to_bytes(2, "big") + bytes([ie.criticality << 6])


def _waiting_in(bit: int | None) -> str:
    """The parameter with the waiting bits."""
    return "d, " if bit is None else "a, " if bit else ""


def _result(bit: int | None) -> str:
    return "d" if bit is None else "a"
