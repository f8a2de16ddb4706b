"""Writes the decoders: one function per type and bit offset, one per content of an open type."""

from __future__ import annotations

from collections.abc import Callable

from cinq.wire.per import model
from cinq.wire.per.decode_simple import FROM_OCTETS, bounded, identity_octets, simple
from cinq.wire.per.decoder import Alternative, DecoderBody
from cinq.wire.per.emit import Program

# Types whose values many messages repeat octet for octet: they are decoded once.
REPEATED = {"UserLocationInformation", "UESecurityCapabilities", "GUAMI", "UEAggregateMaximumBitRate"}


def offset_name(bit: int | None) -> str:
    return "d" if bit is None else str(bit)


def content_key(kind: model.Type) -> str | None:
    """The name of a type that has one; the others are told apart by their constraints."""
    return kind.name if isinstance(kind, model.Sequence | model.Choice | model.Enumerated) else None


class DecoderWriter:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._contents: dict[object, str] = {}

    def content(self, kind: model.Type, name: str) -> str:
        """The function `bytes -> value` of an open type's content; name is for types without a name."""
        key = content_key(kind) or kind
        if key not in self._contents:
            function = self._contents[key] = self._unused(f"c_{content_key(kind) or name}")
            body = DecoderBody(0, root=True)
            if isinstance(kind, model.Sequence) and kind.message_like:
                self._message(body, kind)
                result = "r"
            else:
                result = self._result(body, kind)
            self._define(function, "b", body, result, "@remembered\n" if key in REPEATED else "")
        return self._contents[key]

    def _unused(self, name: str) -> str:
        number = 1
        taken = set(self._contents.values())
        unused = name
        while unused in taken:
            number += 1
            unused = f"{name}_{number}"
        return unused

    def _define(
        self, function: str, parameters: str, body: DecoderBody, result: str, decorator: str = ""
    ) -> None:
        lines = [f"{decorator}def {function}({parameters}):", *body.lines, f"    return {result}"]
        self._program.define(function, "\n".join(lines))

    def _result(self, body: DecoderBody, kind: model.Type) -> str:
        """The whole value of a buffer: its components in line, then the check of its end."""
        match kind:
            case model.Sequence():
                self._sequence(body, kind)
                result = "r"
            case model.Choice():
                self._choice(body, kind)
                result = "v"
            case _:
                self._value(body, kind, "v")
                result = "v"
        body.finish()
        return result

    def _value(self, body: DecoderBody, kind: model.Type, target: str) -> None:
        match kind:
            case model.SequenceOf():
                self._sequence_of(body, kind, target)
            case model.Sequence() | model.Choice():
                function, leaves = self._function(kind, body.bit)
                body.line(f"{target}, i = {function}(b, {body.at() if body.bit is not None else 'i'})")
                body.based, body.offset, body.bit, body.sliced = True, 0, leaves, True
            case _:
                simple(body, self._program, kind, target)

    def _function(self, kind: model.Sequence | model.Choice, bit: int | None) -> tuple[str, int | None]:
        """The function of a constructed type entered at a bit offset, and the offset at which it leaves."""
        function = f"d_{kind.name}_{offset_name(bit)}"
        if function not in self._program.exits:
            body = DecoderBody(bit)
            if isinstance(kind, model.Sequence):
                self._sequence(body, kind)
                value = "r"
            else:
                self._choice(body, kind)
                value = "v"
            self._program.exits[function] = body.bit
            self._define(function, "b, i", body, f"{value}, {'i' if body.bit is None else body.at()}")
        return function, self._program.exits[function]

    def _sequence_of(self, body: DecoderBody, kind: model.SequenceOf, target: str) -> None:
        items, n = body.fresh("l"), body.fresh("n")
        size = kind.size
        body.line(f"{items} = []")

        def item() -> None:
            value = body.fresh()
            self._value(body, kind.item, value)
            body.line(f"{items}.append({value})")

        assert not size.extensible
        if size.unbounded:
            self._fragments(body, n, lambda: body.repeat(f"for _ in range({n}):", item))
            body.line(f"if not {size.low} <= len({items}) <= {size.high}:")
            with body.indented():
                body.line('bad("out of range")')
        else:
            bounded(body, size.low, size.high, n)
            body.repeat(f"for _ in range({n}):", item)
        body.line(f"{target} = {items}")

    def _fragments(self, body: DecoderBody, n: str, items: Callable[[], None]) -> None:
        """A list behind an unconstrained length, in fragments from 16K items on; every fragment is aligned."""
        more = body.fresh("m")
        body.align()
        body.line(f"{n}, {more}, i = count(b, {body.at()})")
        body.based, body.offset = True, 0
        items()
        leaves = body.bit
        body.line(f"while {more}:")
        with body.indented():
            body.align()
            body.line(f"{n}, {more}, i = count(b, {body.at()})")
            body.offset = 0
            items()
        assert body.bit == leaves, "the last fragment leaves as the first one does"

    def _sequence(self, body: DecoderBody, kind: model.Sequence) -> None:
        optional = [part for part in kind.components if part.optional]
        preamble = int(kind.extensible) + len(optional)
        if preamble:
            body.line(f"f = {body.bits(preamble)}")
        body.line(f"r = new({kind.name})")
        for container in kind.containers:
            if container.ies:
                body.line(" = ".join(f"r.{ie.attribute}" for ie in container.ies) + " = None")
        for part in kind.components:
            if part in optional:
                flag = 1 << (len(optional) - 1 - optional.index(part))
                self._optional(body, kind, part, flag)
            elif isinstance(part.type, model.Container):
                body.align()
                table = self._extensions(kind, part.type)
                body.line(f"i = fields(b, {body.at()}, {part.type.low}, {table}, r)")
                body.based, body.offset, body.sliced = True, 0, True
            else:
                self._value(body, part.type, f"r.{part.attribute}")
        if kind.extensible:

            def additions() -> None:
                body.count_bits()
                body.line("i = skip_additions(b, i)")
                body.bit = 0
                body.sliced = True

            body.branch([(f"if f & {1 << len(optional)}:", additions), ("else:", lambda: None)])

    def _optional(self, body: DecoderBody, kind: model.Sequence, part: model.Component, flag: int) -> None:
        def present() -> None:
            if not isinstance(part.type, model.Container):
                self._value(body, part.type, f"r.{part.attribute}")
                return
            body.align()
            table = self._extensions(kind, part.type)
            body.line(f"i = extensions(b, {body.at()}, {table}, r)")
            body.offset, body.sliced = 0, True

        def absent() -> None:
            if not isinstance(part.type, model.Container):
                body.line(f"r.{part.attribute} = None")

        body.branch([(f"if f & {flag}:", present), ("else:", absent)])

    def _extensions(self, kind: model.Sequence, container: model.Container) -> str:
        """The table of the IEs of a container in a SEQUENCE."""
        if not container.ies:
            return "NO_EXTENSIONS"
        table = f"X_{kind.name}"
        if table not in self._program.definitions:
            rows = [
                f"{ie.id}: ({place}, {ie.attribute!r}, {self.content(ie.type, kind.name + '_' + ie.attribute)})"
                for place, ie in enumerate(container.ies)
            ]
            self._program.define(table, f"{table} = {{{', '.join(rows)}}}")
        return table

    def _choice(self, body: DecoderBody, kind: model.Choice) -> None:
        if kind.additions is None:
            self._root_choice(body, kind)
            return
        table = f"L_{kind.name}"
        if table not in self._program.definitions:
            rows = [
                f"({one.name!r}, {self.content(one.type, kind.name + '_' + one.name)}),"
                for one in kind.additions
            ]
            self._program.define(table, f"{table} = ({' '.join(rows)})")

        def addition() -> None:
            body.count_bits()
            body.line(f"v, i = later_alternative(b, i, {table})")
            body.sliced = True

        body.branch([(f"if {body.flag()}:", addition), ("else:", lambda: self._root_choice(body, kind))])
        body.sliced = True

    def _root_choice(self, body: DecoderBody, kind: model.Choice) -> None:
        width = (len(kind.alternatives) - 1).bit_length()
        body.line(f"c = {body.bits(width)}")
        ways: list[Alternative] = []
        for number, alternative in enumerate(kind.alternatives):
            head = f"{'elif' if number else 'if'} c == {number}:"
            ways.append((head, self._way(body, kind, alternative)))
        ways.append(("else:", lambda: body.line(f'bad("no alternative of {kind.name}")')))
        body.branch(ways)

    def _way(
        self, body: DecoderBody, kind: model.Choice, chosen: model.Alternative | model.ExtensionAlternative
    ) -> Callable[[], None]:
        """What is written for one alternative of a CHOICE."""

        def named() -> None:
            assert isinstance(chosen, model.Alternative)
            self._value(body, chosen.type, "w")
            body.line(f"v = ({chosen.name!r}, w)")

        def extension() -> None:
            assert isinstance(chosen, model.ExtensionAlternative)
            body.align()
            body.line(f"v, i = single_container(b, {body.at()}, {self._single(kind, chosen)})")
            body.offset, body.sliced = 0, True

        return named if isinstance(chosen, model.Alternative) else extension

    def _single(self, kind: model.Choice, chosen: model.ExtensionAlternative) -> str:
        """The table of the IEs of a choice-Extensions alternative."""
        if not chosen.ies:
            return "NO_ALTERNATIVES"
        table = f"S_{kind.name}"
        if table not in self._program.definitions:
            rows = [
                f"{ie.id}: ({ie.name!r}, {self.content(ie.type, kind.name + '_' + ie.attribute)})"
                for ie in chosen.ies
            ]
            self._program.define(table, f"{table} = {{{', '.join(rows)}}}")
        return table

    def _message(self, body: DecoderBody, kind: model.Sequence) -> None:
        """A SEQUENCE of one container: its IEs in their order, each compared once; the rest is the slow path's."""
        (container,) = kind.containers
        body.line("if b[0] & 128:")
        with body.indented():
            body.line("irregular()")
        body.line(f"n = b[1] << 8 | b[2]{f' + {container.low}' if container.low else ''}")
        body.line(f"r = new({kind.name})")
        body.line("i = 3")
        body.line("e = b[3] << 8 | b[4] if n else -1")
        for ie in container.ies:
            self._ie(body, ie, self.content(ie.type, f"{kind.name}_{ie.attribute}"))
        body.line("if n or i > len(b):")
        with body.indented():
            body.line("irregular()")

    def _ie(self, body: DecoderBody, ie: model.Ie, content: str) -> None:
        body.line(f"if e == {ie.id}:")
        with body.indented():
            body.line("m = b[i + 3]")
            body.line("i += 4")
            body.line("if m > 127:")
            with body.indented():
                body.line("m, i = longer(b, i - 1)")
            self._ie_value(body, ie, content)
            body.line("i += m")
            body.line("n -= 1")
            body.line("e = b[i] << 8 | b[i + 1] if n else -1")
        body.line("else:")
        with body.indented():
            body.line("irregular()" if ie.mandatory else f"r.{ie.attribute} = None")

    def _ie_value(self, body: DecoderBody, ie: model.Ie, content: str) -> None:
        """The m octets at i. Those that every message has, identities and octets, are read where they are."""
        target = f"r.{ie.attribute}"
        most = identity_octets(ie.type)
        if most:
            body.line(f"k = b[i] >> {8 - (most - 1).bit_length()}")
            body.line(f"if k > m - 2{f' or k > {most - 1}' if most & (most - 1) else ''}:")
            with body.indented():
                body.line("irregular()")
            body.line(f"{target} = {FROM_OCTETS.format('b[i + 1:i + k + 2]')}")
        elif ie.type in (model.OctetString(None), model.OpenType()):
            body.line(f"{target} = b[i + 1:i + m] if b[i] == m - 1 < 128 else {content}(b[i:i + m])")
        else:
            body.line(f"{target} = {content}(b[i:i + m])")

    def rows(self, kind: model.Sequence) -> str:
        """The table of a message's IEs, for the slow path."""
        table = f"I_{kind.name}"
        if table not in self._program.definitions:
            (container,) = kind.containers
            rows = [
                f"({ie.id}, {ie.attribute!r}, {model.CRITICALITIES[ie.criticality]!r}, {ie.mandatory}, "
                f"{self.content(ie.type, f'{kind.name}_{ie.attribute}')}),"
                for ie in container.ies
            ]
            self._program.define(table, f"{table} = ({' '.join(rows)})")
        return table
