"""The lists of a 5G-EIR in the store: single equipment, software versions, type allocation codes and ranges of them.

An entry is written as people write it: an IMEI of 15 digits, whose check digit has to be right (TS 23.003 §B.2), or of
14 without it; an IMEISV of 16 digits; its beginning with a star, '3560920412345678' or '35609204*'; a type allocation
code, '35609204', or a range of them, '35609200-35609299'. The entry that says most counts: a phone that is on the white
list may be used, whatever its type allocation code is on.

`cinq eir` writes beside a running core; each change leaves a mark, by which the 5G-EIR knows that there is one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from cinq.procedure.store import Store
from cinq.sbi.services.n5g_eir import EquipmentStatus
from cinq.settings.table import TableError, plain

EQUIPMENT, RANGES, MARK = "eir-equipment", "eir-range", "eir-mark"
MOST_RANGES = 10_000
MOST_ROWS = 2_000_000
NOTE = 200
LISTS: dict[str, EquipmentStatus] = {"white": "WHITELISTED", "grey": "GREYLISTED", "black": "BLACKLISTED"}
FORM = re.compile(r"(\d{8})-(\d{8})|(\d{8,15})\*|(\d{8}|\d{14}|\d{15}|\d{16})", re.ASCII)
FORMS = "an IMEI, an IMEISV, the beginning of one with a star, a type allocation code of eight digits, or two with '-'"


class ListError(ValueError):
    """What is no entry, or cannot be on a list: found, wanted; where it is in a file, that too."""


class Entry(Struct, frozen=True, omit_defaults=True):
    """what: 8 to 16 digits with which an IMEISV begins, or 'code-code'."""

    what: str
    status: EquipmentStatus
    note: str = ""

    @property
    def is_range(self) -> bool:
        return "-" in self.what

    @property
    def shown(self) -> str:
        """As it may be written again."""
        if self.is_range or len(self.what) in (8, 16):
            return self.what
        return self.what + (str(check_digit(self.what)) if len(self.what) == 14 else "*")


class _Kept(Struct, frozen=True, omit_defaults=True):
    status: EquipmentStatus
    note: str = ""


_KEPT = msgspec.json.Decoder(_Kept)


def check_digit(digits: str) -> int:
    """Of the 14 digits before it, by Luhn (TS 23.003 §B.2)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def parse(text: str) -> str:
    """What an entry is about, as it is kept. ListError: it is of no form, or its check digit is wrong."""
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise ListError(f"found {text[:40]!r}, wanted {FORMS}")
    low, high, beginning, whole = found.groups()
    if low is not None:
        if high <= low:
            raise ListError(f"found {text[:40]!r}, wanted the lower code first")
        return f"{low}-{high}"
    if beginning is not None:
        return str(beginning)
    if len(whole) == 15:
        right = check_digit(whole[:14])
        if right != int(whole[14]):
            raise ListError(f"found IMEI {whole} with check digit {whole[14]}, wanted {right}")
        return str(whole[:14])
    return str(whole)


def entry(what: str, list_: str, note: str = "") -> Entry:
    """list_: white, grey or black, or as TS 29.511 has it. ListError otherwise."""
    name = list_.strip().lower()
    status = LISTS.get(name) or next((s for s in LISTS.values() if s.lower() == name), None)
    if status is None:
        raise ListError(f"list: found {list_[:40]!r}, wanted white, grey or black")
    if len(note) > NOTE or not note.isprintable():
        raise ListError(f"note: found {note[:40]!r}, wanted at most {NOTE} printable characters")
    return Entry(parse(what), status, note)


def put(store: Store, entries: Iterable[Entry]) -> int:
    """In place of entries about the same. How many. ListError: too many ranges; nothing is written then."""
    wanted = list(entries)
    ranges = {key for key, _ in store.items(RANGES)} | {one.what for one in wanted if one.is_range}
    if len(ranges) > MOST_RANGES:
        raise ListError(f"found {len(ranges)} ranges, wanted at most {MOST_RANGES}")
    for one in wanted:
        octets = msgspec.json.encode(_Kept(one.status, one.note))
        store.put(RANGES if one.is_range else EQUIPMENT, one.what, octets)
    _leave_mark(store)
    return len(wanted)


def remove(store: Store, what: str) -> bool:
    """False where there is no such entry. ListError: it is of no form."""
    key = parse(what)
    collection = RANGES if "-" in key else EQUIPMENT
    if store.get(collection, key) is None:
        return False
    store.delete(collection, key)
    _leave_mark(store)
    return True


def all_of(store: Store) -> Iterator[Entry]:
    for collection in (RANGES, EQUIPMENT):
        for key, octets in store.items(collection):
            kept = _KEPT.decode(octets)
            yield Entry(key, kept.status, kept.note)


def find(store: Store, digits: str) -> Entry | None:
    """The entry that says most about an IMEISV, or about the 14 digits of an IMEI; ranges apart."""
    for length in range(len(digits), 7, -1):
        octets = store.get(EQUIPMENT, digits[:length])
        if octets is not None:
            kept = _KEPT.decode(octets)
            return Entry(digits[:length], kept.status, kept.note)
    return None


def ranges(store: Store) -> list[Entry]:
    """The narrowest first."""
    found = [Entry(key, kept.status, kept.note) for key, kept in _kept(store)]
    return sorted(found, key=lambda one: (int(one.what[9:]) - int(one.what[:8]), one.what))


def _kept(store: Store) -> Iterator[tuple[str, _Kept]]:
    for key, octets in store.items(RANGES):
        yield key, _KEPT.decode(octets)


def mark(store: Store) -> bytes:
    """Another one after each change."""
    return store.get(MARK, "mark") or b""


def _leave_mark(store: Store) -> None:
    store.put(MARK, "mark", secrets.token_bytes(8))


def read_csv(path: Path) -> list[Entry]:
    """A file with columns 'equipment' and 'list', perhaps 'note'. ListError at the first fault, with file and line."""
    found: dict[str, Entry] = {}
    try:
        for row in plain(path, "equipment", "list"):
            if len(found) >= MOST_ROWS:
                raise ListError(f"{path}:{row.line}: found more than {MOST_ROWS} entries, wanted less")
            try:
                one = entry(
                    row.cells.get("equipment", ""), row.cells.get("list", ""), row.cells.get("note", "")
                )
            except ListError as error:
                raise ListError(f"{path}:{row.line}: {error}") from None
            if found.setdefault(one.what, one).status != one.status:
                raise ListError(f"{path}:{row.line}: found {one.shown} on two lists, wanted it on one")
    except TableError as error:
        raise ListError(str(error)) from None
    return list(found.values())
