"""Reads a tree that pycrate has resolved into the compiler's model. The only module that knows pycrate."""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict, TypeGuard

from cinq.wire.per import model
from cinq.wire.per.names import attribute_name, class_name


class Range(Protocol):
    lb: int
    ub: int


class Constraint(Protocol):
    """pycrate's ASN1Set, of values or of sizes."""

    lb: int
    ub: int
    root: Sequence[Range | int]
    ext: Sequence[object] | None


class Node(Protocol):
    """The part of pycrate's ASN1Obj that is read here."""

    TYPE: str
    _name: str
    _mode: str
    _parent: Node | None
    _typeref: Reference | None
    _const_val: Constraint
    _const_sz: Constraint | None


class Reference(Protocol):
    called: tuple[str, str]


class Structure(Node, Protocol):
    """SEQUENCE or CHOICE."""

    _cont: dict[str, Node]
    _root: list[str]
    _root_opt: list[str]
    _ext: list[str] | None


class Listing(Node, Protocol):
    _cont: Node


class Names(Node, Protocol):
    """ENUMERATED."""

    _root: list[str]
    _ext: list[str] | None


class Identifier(Node, Protocol):
    """The id of an IE field, constrained by an object set."""

    _const_tab: Table | None


class Octets(Node, Protocol):
    _const_cont: Node | None


class Constant(Node, Protocol):
    _val: int


class Module(Protocol):
    """An ASN.1 module. Its types and values are attributes, by their names."""

    _all_: Sequence[Node]


class Table(Protocol):
    _val: ObjectSet | None


class ObjectSet(Protocol):
    root: Sequence[Entry]


class Entry(TypedDict, total=False):
    """A row of an object set: an IE, an extension or an elementary procedure."""

    id: int
    criticality: str
    presence: str
    Value: Node
    Extension: Node
    procedureCode: int
    InitiatingMessage: Node
    SuccessfulOutcome: Node
    UnsuccessfulOutcome: Node


def is_structure(node: Node) -> TypeGuard[Structure]:
    return node.TYPE in ("SEQUENCE", "CHOICE")


def is_listing(node: Node) -> TypeGuard[Listing]:
    return node.TYPE == "SEQUENCE OF"


def is_enumerated(node: Node) -> TypeGuard[Names]:
    return node.TYPE == "ENUMERATED"


def is_identifier(node: Node) -> TypeGuard[Identifier]:
    return node.TYPE == "INTEGER"


def is_octets(node: Node) -> TypeGuard[Octets]:
    return node.TYPE == "OCTET STRING"


def is_constant(node: Node, of: str) -> TypeGuard[Constant]:
    return node._mode == "VALUE" and node._typeref is not None and node._typeref.called[1] == of


def is_field(node: Node) -> TypeGuard[Structure]:
    """ProtocolIE-Field, ProtocolExtensionField, ProtocolIE-SingleContainer; not the field of a private IE."""
    if not is_structure(node) or node.TYPE != "SEQUENCE" or len(node._root) != 3:
        return False
    first, second, last = node._root
    return (
        (first, second) == ("id", "criticality")
        and node._cont["id"].TYPE == "INTEGER"
        and node._cont[last].TYPE == "OPEN_TYPE"
    )


# The members of PrivateIE-Field, and of a field that is left in octets, refer to the fields of an object class, which
# name no type.
OBJECT_CLASSES = ("NGAP-PRIVATE-IES", "XNAP-PROTOCOL-IES")
PRIVATE_FIELDS = {"CHOICE": "PrivateIE-ID", "ENUMERATED": "Criticality"}
STRINGS = {"PrintableString": "ascii", "VisibleString": "ascii", "UTF8String": "utf-8"}


@dataclass(frozen=True)
class Source:
    """What is read of one protocol. tree: pycrate's name of it.

    procedures: the elementary procedures that are wanted, None for all. alone: an expression that the names of types
    match which stand alone in octet strings. secrets: types that are keys.
    """

    tree: str
    procedures: Collection[str] | None = None
    alone: str = ""
    secrets: tuple[str, ...] = ()


class TreeReader:
    """Walks from the messages and the stand-alone types down; every named type is read once."""

    def __init__(self, source: Source) -> None:
        self.protocol = model.Protocol()
        self._source = source
        self._tree = importlib.import_module(f"pycrate_asn1dir.{source.tree}")
        constants: Iterable[Node] = self._module("Constants")._all_
        for node in constants:
            if is_constant(node, "ProtocolIE-ID"):
                self.protocol.ie_names[node._val] = node._name.removeprefix("id-")
            elif is_constant(node, "ProcedureCode") and self._wanted(node._name.removeprefix("id-")):
                self.protocol.procedures[node._val] = node._name.removeprefix("id-")

    def read(self) -> model.Protocol:
        self._messages()
        self._values()
        return self.protocol

    def _module(self, name: str) -> Module:
        found: Module = getattr(self._tree, f"{self._source.tree}_{name}")
        return found

    def _wanted(self, procedure: str) -> bool:
        wanted = self._source.procedures
        return wanted is None or procedure in wanted

    def _messages(self) -> None:
        pdu: Structure = getattr(self._module("PDU_Descriptions"), f"{self._source.tree}_PDU")
        initiating = pdu._cont["initiatingMessage"]
        assert is_structure(initiating)
        code = initiating._cont["procedureCode"]
        assert is_identifier(code)
        for entry in _entries(code):
            if entry["procedureCode"] not in self.protocol.procedures:
                continue
            nodes = (
                entry.get("InitiatingMessage"),
                entry.get("SuccessfulOutcome"),
                entry.get("UnsuccessfulOutcome"),
            )
            for kind, node in enumerate(nodes):
                if node is not None:
                    self._message(kind, node, entry["procedureCode"], entry["criticality"])

    def _message(self, kind: int, node: Node, code: int, criticality: str) -> None:
        kind_of_message = self.type(node, "")
        assert isinstance(kind_of_message, model.Sequence)
        self.protocol.messages.append(
            model.Message(
                kind,
                code,
                self.protocol.procedures[code],
                model.CRITICALITIES.index(criticality),
                kind_of_message,
            )
        )

    def _values(self) -> None:
        """What is carried in octet strings, and what nodes keep."""
        nodes: Iterable[Node] = self._module("IEs")._all_
        source = self._source
        for node in nodes:
            name = node._name
            if (
                node._mode == "TYPE"
                and node._parent is None
                and node.TYPE == "SEQUENCE"
                and not name.startswith("_")
                and re.fullmatch(source.alone, name)
            ):
                value = self.type(node, name)
                assert isinstance(value, model.Sequence)
                self.protocol.values.append(value)

    def type(self, node: Node, place: str) -> model.Type:
        """The model of a node; place names it when it has no name of its own."""
        kind = node.TYPE
        if is_structure(node):
            return self._sequence(node, place) if kind == "SEQUENCE" else self._choice(node, place)
        if is_listing(node):
            size = _size(node)
            assert size is not None
            if is_field(node._cont):
                return self._fields(node._cont, size, place)
            return model.SequenceOf(self.type(node._cont, place + "Item"), size)
        if is_enumerated(node):
            return self._enumerated(node, place)
        return _simple(node, place, self._source.secrets)

    def _enumerated(self, node: Names, place: str) -> model.Enumerated:
        name = _name(node, place)
        found = model.Enumerated(name, tuple(node._root), None if node._ext is None else tuple(node._ext))
        known = self.protocol.enumerations.setdefault(name, found)
        assert known == found, f"two ENUMERATED types named {name}"
        return known

    def _sequence(self, node: Structure, place: str) -> model.Sequence:
        name = _name(node, place)
        if name in self.protocol.sequences:
            return self.protocol.sequences[name]
        sequence = self.protocol.sequences[name] = model.Sequence(name, node._ext is not None)
        sequence.components = tuple(
            self._component(member, node._cont[member], member in node._root_opt, name)
            for member in node._root
        )
        return sequence

    def _component(self, name: str, node: Node, optional: bool, place: str) -> model.Component:
        attribute = attribute_name(name)
        if is_listing(node) and is_field(node._cont):
            field, size = node._cont, _size(node)
            assert size is not None
            container = model.Container(size.low, "extensionValue" in field._cont, self._ies(field))
            return model.Component(name, attribute, container, optional)
        return model.Component(name, attribute, self.type(node, place + class_name(name)), optional)

    def _fields(self, field: Node, size: model.Size, name: str) -> model.Sequence:
        """A ProtocolIE-Container that is no member of a SEQUENCE: one of its own, of nothing else."""
        assert is_structure(field)
        if name not in self.protocol.sequences:
            made = self.protocol.sequences[name] = model.Sequence(name, extensible=False)
            container = model.Container(size.low, "extensionValue" in field._cont, self._ies(field))
            assert not any(ie.mandatory for ie in container.ies), f"{name}: nobody looks for what is missing"
            made.components = (model.Component("protocolIEs", "protocol_ies", container, optional=False),)
        return self.protocol.sequences[name]

    def _ies(self, field: Structure) -> tuple[model.Ie, ...]:
        identifier = field._cont["id"]
        assert is_identifier(identifier)
        ies = []
        for entry in _entries(identifier):
            name = self.protocol.ie_names[entry["id"]]
            node = entry["Extension"] if "extensionValue" in field._cont else entry["Value"]
            ies.append(
                model.Ie(
                    entry["id"],
                    name,
                    attribute_name(name),
                    model.CRITICALITIES.index(entry["criticality"]),
                    entry["presence"] == "mandatory",
                    self.type(node, class_name(name)),
                )
            )
        return tuple(ies)

    def _choice(self, node: Structure, place: str) -> model.Choice:
        name = _name(node, place)
        if name in self.protocol.choices:
            return self.protocol.choices[name]
        choice = self.protocol.choices[name] = model.Choice(name)
        alternatives: list[model.Alternative | model.ExtensionAlternative] = []
        for member in node._root:
            part = node._cont[member]
            if is_field(part):
                alternatives.append(model.ExtensionAlternative(self._ies(part)))
            else:
                alternatives.append(model.Alternative(member, self.type(part, name + class_name(member))))
        if node._ext is not None:
            choice.additions = tuple(
                model.Alternative(member, self.type(node._cont[member], name + class_name(member)))
                for member in node._ext
            )
        choice.alternatives = tuple(alternatives)
        return choice


def _entries(node: Identifier) -> Sequence[Entry]:
    table = node._const_tab
    return () if table is None or table._val is None else table._val.root


def _name(node: Node, place: str) -> str:
    """The name of the type: the referenced one, its own, or that of its place."""
    if node._typeref is not None:
        called = node._typeref.called[1]
        return class_name(PRIVATE_FIELDS[node.TYPE] if called in OBJECT_CLASSES else called)
    if node._parent is None and node._mode == "TYPE" and not node._name.startswith("_"):
        return class_name(node._name)
    return class_name(place)


def _size(node: Node) -> model.Size | None:
    found = node._const_sz
    return None if found is None else model.Size(found.lb, found.ub, found.ext is not None)


def _simple(node: Node, place: str, secrets: tuple[str, ...]) -> model.Type:
    kind = node.TYPE
    if kind == "INTEGER":
        constraint = node._const_val
        ranges = [(part, part) if isinstance(part, int) else (part.lb, part.ub) for part in constraint.root]
        return model.Integer(tuple(sorted(ranges)), constraint.ext is not None)
    if kind == "BIT STRING":
        return model.BitString(_size(node), _name(node, place) in secrets)
    if kind == "OCTET STRING":
        return model.OctetString(_size(node))
    if kind in STRINGS:
        return model.CharacterString(STRINGS[kind], None if kind == "UTF8String" else _size(node))
    simple: dict[str, model.Type] = {
        "NULL": model.Null(),
        "OBJECT IDENTIFIER": model.ObjectIdentifier(),
        "OPEN_TYPE": model.OpenType(),
    }
    return simple[kind]
