"""Bills of materials: who supplies what is in a piece of equipment. CycloneDX JSON, of any version up to 1.7.

A bill comes from a vendor: it is bounded in octets, depth and components, and believed in nothing but its words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct, field

OCTETS = 32 << 20
DEPTH = 32
COMPONENTS = 200_000
WORD = 500


class SbomError(ValueError):
    """A bill that cannot be read: file, where in it, what was found, what is wanted."""


class _Entity(Struct, frozen=True):
    name: str = ""


class _Component(Struct, frozen=True):
    """supplier, manufacturer (1.6), publisher: as the component names them."""

    name: str = ""
    version: str = ""
    supplier: _Entity = _Entity()
    manufacturer: _Entity = _Entity()
    publisher: str = ""
    components: list[_Component] = []


class _Metadata(Struct, frozen=True):
    component: _Component = _Component()
    supplier: _Entity = _Entity()
    manufacturer: _Entity = _Entity()
    manufacture: _Entity = _Entity()


class _Bom(Struct, frozen=True):
    bom_format: str = field(name="bomFormat")
    spec_version: str = field(name="specVersion")
    metadata: _Metadata = _Metadata()
    components: list[_Component] = []


@dataclass(frozen=True, slots=True)
class Supplied:
    """One component. suppliers: all names that the bill gives for whose it is."""

    component: str
    suppliers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sbom:
    """digest: SHA-256 of the file. nameless: components without a supplier."""

    digest: str
    supplied: tuple[Supplied, ...]
    nameless: int = 0


def read(path: Path) -> Sbom:
    """SbomError, also where the file is not there."""
    try:
        with path.open("rb") as file:
            octets = file.read(OCTETS + 1)
    except OSError as error:
        raise SbomError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return reads(octets, str(path))


def reads(octets: bytes, name: str) -> Sbom:
    """name: what messages call it."""
    if len(octets) > OCTETS:
        raise SbomError(f"{name}: found more than {OCTETS >> 20} MiB, wanted less")
    try:
        bom = msgspec.json.decode(octets, type=_Bom)
    except RecursionError:
        raise SbomError(f"{name}: found components within components too deep to read") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SbomError(f"{name}: found no CycloneDX in JSON: {str(error)[:200]}") from None
    if bom.bom_format != "CycloneDX":
        raise SbomError(f"{name}: bomFormat: found {bom.bom_format[:40]!r}, wanted 'CycloneDX'")
    if bom.spec_version not in {f"1.{n}" for n in range(8)}:
        raise SbomError(f"{name}: specVersion: found {bom.spec_version[:40]!r}, wanted 1.0 to 1.7")
    supplied: dict[Supplied, None] = {}
    nameless = 0
    for one in _walk(bom, name):
        if one.suppliers:
            supplied[one] = None
        else:
            nameless += 1
    return Sbom(hashlib.sha256(octets).hexdigest(), tuple(sorted(supplied, key=_order)), nameless)


def _order(one: Supplied) -> tuple[str, tuple[str, ...]]:
    return one.component, one.suppliers


def _walk(bom: _Bom, name: str) -> Iterator[Supplied]:
    """Every component; none of the bill's own depth on the stack."""
    whole = bom.metadata
    own = _names(whole.supplier.name, whole.manufacturer.name, whole.manufacture.name)
    if own:
        yield Supplied(_word(whole.component.name) or "the whole", own)
    waiting = [(one, 1, "metadata.component") for one in (whole.component,) if one != _Component()]
    waiting += [(one, 1, f"components[{i}]") for i, one in enumerate(bom.components)]
    count = 0
    while waiting:
        one, depth, where = waiting.pop()
        count += 1
        if count > COMPONENTS:
            raise SbomError(f"{name}: found more than {COMPONENTS} components, wanted less")
        if depth > DEPTH:
            raise SbomError(f"{name}: {where}: found components within components more than {DEPTH} deep")
        label = " ".join(filter(None, (_word(one.name), _word(one.version)))) or "a component without a name"
        yield Supplied(label, _names(one.supplier.name, one.manufacturer.name, one.publisher))
        waiting += [(each, depth + 1, f"{where}.components[{i}]") for i, each in enumerate(one.components)]


def _names(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_word, names))))


def _word(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:WORD].strip())
