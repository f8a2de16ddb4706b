"""Policies, inventories and bills of materials out of files. Whoever wrote a file hears of each mistake in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cinq.eligibility import sbom
from cinq.eligibility.engine import SIGNALS, Document, Observation
from cinq.eligibility.inventory import Inventory
from cinq.eligibility.vocabulary import NAME, Policy, Subject, code_fault, folded
from cinq.settings.bounds import LISTING, SETTINGS, Size
from cinq.settings.table import Row, TableError, plain
from cinq.settings.toml import MOST_FAULTS, SettingsError, T, examined, read_text

LIST_OCTETS = 8 << 20
ROWS = 100_000


class DocumentError(ValueError):
    """Files that cannot be used. mistakes: one line each, with file, line, key, what was found and what is wanted."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        super().__init__(mistakes[0] + more)


@dataclass(frozen=True, slots=True)
class Stock:
    """An inventory with the bills of materials that it names, by the element's name. digest: SHA-256 over all of these
    files, hexadecimal."""

    inventory: Inventory = field(default_factory=Inventory)
    sboms: dict[str, sbom.Sbom] = field(default_factory=dict)
    digest: str = ""


def policy(path: Path) -> Document:
    """A policy with the files that it names, which lie beside it. DocumentError: with every mistake in all of them."""
    found, text = _toml(Policy, path, SETTINGS)
    digests = {path.name: hashlib.sha256(text.encode()).hexdigest()}
    mistakes: list[str] = []
    affiliates: dict[str, tuple[str, ...]] = {}
    codes: dict[str, tuple[str, ...]] = {}
    for subject in found.subject:
        for file, column, check, into in _files(subject, affiliates, codes):
            near = path.parent / file
            try:
                into[subject.id] = listed = tuple(_listed(near, column, check))
                digests[str(file)] = hashlib.sha256("\n".join(listed).encode()).hexdigest()
            except (TableError, OSError) as error:
                mistakes.append(_said(path, near, error))
    if mistakes:
        raise DocumentError(mistakes)
    whole = hashlib.sha256(
        "".join(f"{name}\0{digests[name]}\n" for name in sorted(digests)).encode()
    ).hexdigest()
    return Document(found, whole, affiliates, codes)


def stock(path: Path) -> Stock:
    """An inventory, and the bills that it names, which lie beside it. DocumentError: with every mistake."""
    inventory, text = _toml(Inventory, path, LISTING)
    mistakes: list[str] = []
    sboms: dict[str, sbom.Sbom] = {}
    read: dict[Path, sbom.Sbom] = {}
    for element in inventory.elements:
        if element.sbom is None:
            continue
        near = path.parent / element.sbom
        try:
            sboms[element.name] = read[near] = read.get(near) or sbom.read(near)
        except sbom.SbomError as error:
            mistakes.append(f"{path}: {element.name}: sbom: {error}")
            if len(mistakes) >= MOST_FAULTS:
                break
    if mistakes:
        raise DocumentError(mistakes)
    digests = {f"{name}\0{bill.digest}\n" for name, bill in sboms.items()}
    whole = "".join((hashlib.sha256(text.encode()).hexdigest(), "\n", *sorted(digests)))
    return Stock(inventory, sboms, hashlib.sha256(whole.encode()).hexdigest())


def observations(path: Path) -> tuple[Observation, ...]:
    """What was seen of equipment: a CSV file with columns 'element' (its name in the inventory), 'signal', 'value' and
    perhaps 'source'. DocumentError: with the first mistake."""
    found: list[Observation] = []
    try:
        for row in plain(path, "element", "signal", "value", limit=LIST_OCTETS):
            if len(found) >= ROWS:
                raise TableError(f"{path}:{row.line}: found more than {ROWS} rows, wanted less")
            found.append(_observation(path, row))
    except TableError as error:
        raise DocumentError([str(error)]) from None
    except OSError as error:
        raise DocumentError([f"{path}: {(error.strerror or str(error)).lower()}"]) from None
    return tuple(found)


def _observation(path: Path, row: Row) -> Observation:
    cells = {name: row.cells.get(name, "") for name in ("element", "signal", "value", "source")}
    signal = next((one for one in SIGNALS if one == cells["signal"]), None)
    if signal is None:
        wanted = ", ".join(SIGNALS)
        raise TableError(f"{path}:{row.line}: signal: found {cells['signal'][:40]!r}, wanted one of {wanted}")
    for name, text in cells.items():
        if len(text) > NAME or not text.isprintable() or (not text and name in ("element", "value")):
            wanted = f"1 to {NAME} printable characters"
            raise TableError(f"{path}:{row.line}: {name}: found {text[:40]!r}, wanted {wanted}")
    return Observation(cells["element"], signal, cells["value"], cells["source"])


def _toml(shape: type[T], path: Path, size: Size) -> tuple[T, str]:
    try:
        text = read_text(path, size)
    except SettingsError as error:
        raise DocumentError([str(error)]) from None
    found, faults = examined(shape, text, str(path), size)
    if found is None:
        raise DocumentError([str(fault) for fault in sorted(faults, key=lambda fault: fault.line or 0)])
    return found, text


Check = Callable[[str], str | None]


def _files(
    subject: Subject, affiliates: dict[str, tuple[str, ...]], codes: dict[str, tuple[str, ...]]
) -> Iterator[tuple[Path, str, Check, dict[str, tuple[str, ...]]]]:
    if subject.affiliates_file is not None:
        yield subject.affiliates_file, "name", _name_fault, affiliates
    if subject.type_allocation_code_file is not None:
        yield subject.type_allocation_code_file, "tac", code_fault, codes


def _listed(path: Path, column: str, check: Check) -> Iterator[str]:
    """One column of an operator's file."""
    for count, row in enumerate(plain(path, column, limit=LIST_OCTETS), 1):
        if count > ROWS:
            raise TableError(f"{path}:{row.line}: found more than {ROWS} rows, wanted less")
        yield _checked(path, row, column, check)


def _checked(path: Path, row: Row, column: str, check: Check) -> str:
    value = row.cells.get(column, "")
    if (fault := check(value)) is not None:
        raise TableError(f"{path}:{row.line}: {column}: {fault}")
    return value


def _name_fault(text: str) -> str | None:
    if folded(text) and len(text) <= NAME and text.isprintable():
        return None
    return f"found {text[:40]!r}, wanted a name of at most {NAME} characters"


def _said(policy: Path, file: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{policy}: {file}: {(error.strerror or str(error)).lower()}"
    return str(error)
