"""pycrate as the oracle: random values of any type of NGAP or XnAP, and the same values as cinq's objects."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from cinq.wire.per.names import attribute_name, class_name
from cinq.wire.per.protocols import SOURCES
from cinq.wire.per.tree import _entries, _name, is_field

KINDS = {
    "InitiatingMessage": "initiatingMessage",
    "SuccessfulOutcome": "successfulOutcome",
    "UnsuccessfulOutcome": "unsuccessfulOutcome",
}
STRINGS = {"PrintableString": "abcXYZ 0129-", "VisibleString": "abcXYZ 0129_~", "UTF8String": "abcé漢𝄞"}


class Oracle:
    """Walks pycrate's tree of a protocol. long: how often a size is drawn from 16K on, to meet fragments."""

    def __init__(self, protocol: ModuleType, seed: int, long: float = 0.0) -> None:
        self.protocol = protocol
        self.source = SOURCES[protocol.__name__.rpartition(".")[2]]
        self.tree = pytest.importorskip(
            f"pycrate_asn1dir.{self.source.tree}", reason="pycrate is the oracle of these tests"
        )
        self.random = random.Random(seed)
        self.long = long
        self.pdu = getattr(self._module("PDU_Descriptions"), f"{self.source.tree}_PDU")
        self.ie_names = {
            node._val: node._name.removeprefix("id-")
            for node in self._module("Constants")._all_
            if node._mode == "VALUE" and node._typeref and node._typeref.called[1] == "ProtocolIE-ID"
        }

    def _module(self, name: str) -> object:
        return getattr(self.tree, f"{self.source.tree}_{name}")

    def reseed(self, seed: int, long: float = 0.0) -> None:
        self.random.seed(seed)
        self.long = long

    def messages(self) -> Iterator[tuple[str, dict, object]]:
        """(kind, row of the procedure, type) of every message that is compiled."""
        code = self.pdu._cont["initiatingMessage"]._cont["procedureCode"]
        for row in code._const_tab._val.root:
            for key, kind in KINDS.items():
                if key in row and row["procedureCode"] in self.protocol.PROCEDURES:
                    yield kind, row, row[key]

    def values(self) -> Iterator[tuple[str, object]]:
        """(class name, type) of every stand-alone type."""
        for node in self._module("IEs")._all_:
            name = node._name
            if (
                re.fullmatch(self.source.alone, name)
                and node._mode == "TYPE"
                and node._parent is None
                and node.TYPE == "SEQUENCE"
                and not name.startswith("_")
            ):
                yield _name(node, ""), node

    def pdu_octets(self, kind: str, row: dict, node: object, value: object) -> bytes:
        name = node._typeref.called[1]
        content = {
            "procedureCode": row["procedureCode"],
            "criticality": row["criticality"],
            "value": (name, value),
        }
        self.pdu.set_val((kind, content))
        return self.pdu.to_aper()

    # Random values

    def size(self, node: object, most: int = 60) -> int:
        choose, constraint = self.random.choice, node._const_sz
        if constraint is None:
            if self.random.random() < self.long:
                return choose((16383, 16384, 16385, 32768, 49152 + 7, 65536, 65537, 70000, 81920, 131072 + 1))
            return choose((0, 1, 5, 126, 127, 128, 200, 300))
        low, high = constraint.lb, constraint.ub
        if constraint.ext is not None and self.random.random() < 0.15:
            beyond = 16384 if self.random.random() < self.long else 0
            return high + beyond + self.random.randint(1, 9)
        if high >= 65536 and self.random.random() < self.long:
            # Of a BIT STRING in several fragments pycrate makes less than X.691 wants: see tests/wire/per.
            return choose((16383, 16384, 16391, 32768, 65535, 65536))
        return choose(
            (
                low,
                self.random.randint(low, min(high, low + most)),
                min(high, low + 2),
                max(low, min(high, 150)),
            )
        )

    def integer(self, node: object) -> int:
        constraint, choose = node._const_val, self.random.choice
        if constraint.ext is not None and self.random.random() < 0.3:
            gaps = [n for n in range(constraint.lb, min(constraint.ub, 300)) if not constraint.in_root(n)]
            outside = [
                constraint.ub + 1,
                constraint.ub + self.random.randrange(1 << 20),
                -1,
                -128,
                -129,
                2**40,
            ]
            outside = [n for n in outside if not constraint.in_root(n)]
            return choose(gaps if gaps and self.random.random() < 0.6 else outside)
        part = choose(list(constraint.root))
        if isinstance(part, int):
            return part
        low, high = part.lb, part.ub
        return choose(
            (low, high, self.random.randint(low, high), self.random.randint(low, min(high, low + 300)))
        )

    def value(self, node: object, depth: int = 0) -> object:
        """A random value as pycrate wants it."""
        kind, draw = node.TYPE, self.random
        if kind in STRINGS:
            return "".join(draw.choice(STRINGS[kind]) for _ in range(self.size(node, 20)))
        match kind:
            case "INTEGER":
                return self.integer(node)
            case "ENUMERATED":
                return draw.choice(node._ext if node._ext and draw.random() < 0.3 else node._root)
            case "OCTET STRING":
                return draw.randbytes(self.size(node))
            case "BIT STRING":
                n = self.size(node)
                return (draw.getrandbits(n) if n else 0, n)
            case "NULL":
                return 0
            case "OBJECT IDENTIFIER":
                return draw.choice(
                    ((1, 3, 6, 1, 4, 1, 99999, 5), (0, 39), (2, 999, 3), (2, 40, 1 << 40, 127, 128))
                )
            case "SEQUENCE OF":
                return self.listing(node, depth)
            case "SEQUENCE":
                return self.sequence(node, depth)
        usable = [name for name in node._root if not self.is_empty_field(node._cont[name])]
        later = [name for name in node._ext or () if not self.is_empty_field(node._cont[name])]
        usable = later if later and draw.random() < 0.2 else usable
        name = draw.choice(usable)
        return (name, self.value(node._cont[name], depth + 1))

    def is_empty_field(self, node: object) -> bool:
        return is_field(node) and not _entries(node._cont["id"])

    def listing(self, node: object, depth: int) -> list:
        if is_field(node._cont):
            return self.fields(node._cont, depth)
        low, high = node._const_sz.lb, node._const_sz.ub  # lists of 16K items pycrate cannot encode
        n = self.random.choice((1, 1, 2, 3, 9)) if depth < 10 else 1
        return [self.value(node._cont, depth + 1) for _ in range(max(low, min(high, n)))]

    def sequence(self, node: object, depth: int) -> dict:
        if is_field(node):
            return self.field(node, self.random.choice(_entries(node._cont["id"])), depth)
        found = {}
        for name in node._root:
            part = node._cont[name]
            if name in node._root_opt and self.random.random() > (0.5 if depth < 8 else 0.1):
                continue
            if part.TYPE == "OPEN_TYPE":
                found[name] = ("_unk_004", self.random.randbytes(self.random.choice((1, 5, 200))))
                continue
            value = self.value(part, depth + 1)
            if name in node._root_opt and part.TYPE == "SEQUENCE OF" and is_field(part._cont) and not value:
                continue
            found[name] = value
        return found

    def field(self, field: object, row: dict, depth: int) -> dict:
        kind = row["Extension" if "extensionValue" in field._cont else "Value"]
        named = kind._typeref.called[1] if kind._typeref is not None else kind.TYPE
        content = (named, self.value(kind, depth + 1))
        return {"id": row["id"], "criticality": row["criticality"], field._root[2]: content}

    def fields(self, field: object, depth: int) -> list:
        wanted = [
            row
            for row in _entries(field._cont["id"])
            if row["presence"] == "mandatory" or self.random.random() < (0.5 if depth < 6 else 0.1)
        ]
        return [self.field(field, row, depth) for row in wanted]

    # The same value as an object of cinq

    def native(self, node: object, value: object, place: str = "") -> object:
        """place: names a type that has no name of its own, as cinq.wire.per.tree does."""
        match node.TYPE:
            case "BIT STRING":
                size = node._const_sz
                fixed = size is not None and size.ext is None and size.lb == size.ub
                return value[0] if fixed else value
            case "NULL":
                return True
            case "OBJECT IDENTIFIER":
                return ".".join(map(str, value))
            case "OPEN_TYPE":
                return value[1]
            case "SEQUENCE OF" if is_field(node._cont):
                return getattr(self.protocol, place)(**self.native_fields(node._cont, value))
            case "SEQUENCE OF":
                return [self.native(node._cont, item, place + "Item") for item in value]
            case "SEQUENCE":
                return self.native_sequence(node, value, place)
            case "CHOICE":
                name, chosen = value
                part = node._cont[name]
                if name in (node._ext or ()) and is_field(part):
                    return name, self.unread_field(part, chosen)
                if is_field(part):
                    return self.ie_names[chosen["id"]], self.native_field(part, chosen)
                return name, self.native(part, chosen, _name(node, place) + class_name(name))
        return value

    def native_field(self, field: object, value: dict) -> object:
        (row,) = (row for row in _entries(field._cont["id"]) if row["id"] == value["id"])
        kind = row["Extension" if "extensionValue" in field._cont else "Value"]
        return self.native(kind, value[field._root[2]][1], class_name(self.ie_names[value["id"]]))

    def unread_field(self, field: object, value: dict) -> object:
        """What is behind the extension marker of a CHOICE is left in octets."""
        (row,) = (row for row in _entries(field._cont["id"]) if row["id"] == value["id"])
        kind = row["Value"]
        kind.set_val(value[field._root[2]][1])
        return self.protocol.ProtocolIESingleContainer(
            id=value["id"], criticality=value["criticality"], value=kind.to_aper()
        )

    def native_fields(self, field: object, values: list) -> dict:
        return {attribute_name(self.ie_names[v["id"]]): self.native_field(field, v) for v in values}

    def native_sequence(self, node: object, value: dict, place: str) -> object:
        members, own = {}, _name(node, place)
        for name, part in node._cont.items():
            if name not in value:
                continue
            if part.TYPE == "SEQUENCE OF" and is_field(part._cont):
                members |= self.native_fields(part._cont, value[name])
            else:
                members[attribute_name(name)] = self.native(part, value[name], own + class_name(name))
        return getattr(self.protocol, own)(**members)
