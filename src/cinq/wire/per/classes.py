"""Writes the message classes: lean Python for the run time, and a stub with every type for mypy and editors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cinq.wire.per import model

KINDS = ("initiatingMessage", "successfulOutcome", "unsuccessfulOutcome")


@dataclass(frozen=True)
class Attribute:
    name: str
    type: str
    optional: bool
    secret: bool = False

    @property
    def annotation(self) -> str:
        return f"{self.type} | None" if self.optional else self.type


def annotation(kind: model.Type) -> str:
    """The Python type of a value, as it stands in the stub."""
    match kind:
        case model.Integer():
            return "int"
        case model.BitString():
            return "int" if kind.plain_int else "tuple[int, int]"
        case model.OctetString() | model.OpenType():
            return "bytes"
        case model.CharacterString() | model.ObjectIdentifier():
            return "str"
        case model.Null():
            return "Literal[True]"
        case model.SequenceOf():
            return f"list[{annotation(kind.item)}]"
        case _:
            return kind.name


def attributes(sequence: model.Sequence) -> list[Attribute]:
    """In the order of the constructor: what is required first."""
    found = []
    for part in sequence.components:
        if isinstance(part.type, model.Container):
            for ie in part.type.ies:
                optional = part.type.extension or not ie.mandatory
                found.append(Attribute(ie.attribute, annotation(ie.type), optional, _secret(ie.type)))
        else:
            found.append(Attribute(part.attribute, annotation(part.type), part.optional, _secret(part.type)))
    names = [attribute.name for attribute in found]
    assert len(set(names)) == len(names), f"{sequence.name}: two attributes of one name"
    return sorted(found, key=lambda attribute: attribute.optional)


def _secret(kind: model.Type) -> bool:
    return isinstance(kind, model.BitString) and kind.secret


def _procedure(message: model.Message) -> list[str]:
    return [
        f"    PROCEDURE_CODE = {message.procedure_code}",
        f"    PROCEDURE = {message.procedure!r}",
        f"    KIND = {KINDS[message.kind]!r}",
        f"    CRITICALITY = {model.CRITICALITIES[message.criticality]!r}",
    ]


class ClassWriter:
    def __init__(self, protocol: model.Protocol, base: str) -> None:
        """base is the module with the base classes Sequence and Pdu."""
        self._protocol = protocol
        self._base = base
        self._messages = {message.sequence.name: message for message in protocol.messages}

    def _names(self) -> Iterable[str]:
        return sorted([*self._protocol.sequences, *self._protocol.choices, *self._protocol.enumerations])

    def module(self) -> str:
        """The classes without annotations; an alias stands for what its values are made of."""
        names = ",\n    ".join(repr(name) for name in self._names())
        lines = [
            '"""Written by cinq.wire.per.build: do not edit. The types are in the stub beside this file."""',
            f"from {self._base} import Pdu, Sequence",
            f"__all__ = [\n    {names},\n]",
            *(f"{name} = str" for name in self._protocol.enumerations),
            *(f"{name} = tuple" for name in self._protocol.choices),
        ]
        for sequence in self._protocol.sequences.values():
            lines += self._class(sequence)
        return "\n".join(lines) + "\n"

    def _class(self, sequence: model.Sequence) -> list[str]:
        message = self._messages.get(sequence.name)
        members = attributes(sequence)
        slots = "".join(f"{member.name!r}, " for member in members)
        lines = [f"class {sequence.name}({'Pdu' if message else 'Sequence'}):", f"    __slots__ = ({slots})"]
        if message:
            lines += _procedure(message)
        secrets = [member.name for member in members if member.secret]
        if secrets:
            lines.append(f"    SECRETS = frozenset({secrets})")
        if members:
            parameters = ", ".join(f"{m.name}=None" if m.optional else m.name for m in members)
            lines.append(f"    def __init__(self, *, {parameters}):")
            lines += [f"        self.{member.name} = {member.name}" for member in members]
        return lines

    def stub(self) -> str:
        lines = ["from typing import Literal", "", f"from {self._base} import Pdu, Sequence", ""]
        for enumerated in self._protocol.enumerations.values():
            values = ", ".join(repr(value) for value in (*enumerated.root, *(enumerated.additions or ())))
            lines.append(f"{enumerated.name} = Literal[{values}]")
        for sequence in self._protocol.sequences.values():
            lines += self._stub_class(sequence)
        for choice in self._protocol.choices.values():
            lines.append(f"{choice.name} = " + self._union(choice))
        names = ", ".join(repr(name) for name in self._names())
        lines.append(f"__all__ = [{names}]")
        return "\n".join(lines) + "\n"

    def _union(self, choice: model.Choice) -> str:
        """A CHOICE as a union of tagged tuples."""
        members = []
        for alternative in (*choice.alternatives, *(choice.additions or ())):
            rows = alternative.ies if isinstance(alternative, model.ExtensionAlternative) else (alternative,)
            members += [f"tuple[Literal[{row.name!r}], {annotation(row.type)}]" for row in rows]
        assert len(set(members)) == len(members), choice.name
        return " | ".join(members)

    def _stub_class(self, sequence: model.Sequence) -> list[str]:
        message = self._messages.get(sequence.name)
        members = attributes(sequence)
        lines = [f"class {sequence.name}({'Pdu' if message else 'Sequence'}):"]
        lines += [f"    {member.name}: {member.annotation}" for member in members]
        if not members:
            return [*lines, "    def __init__(self) -> None: ..."]
        parameters = ", ".join(
            f"{member.name}: {member.annotation}" + (" = None" if member.optional else "")
            for member in members
        )
        return [*lines, f"    def __init__(self, *, {parameters}) -> None: ..."]
