"""A CSV file of subscribers, as all commands read it, whoever has written it.

Encodings: UTF-8, UTF-16, else Latin-1. Columns apart by comma, semicolon, tab or bar; names in any spelling and order,
also those of SIM vendors and of other cores' tools; what only a card needs (PIN, PUK, ADM, OTA keys) is passed over.
Lines that begin with # are comments. A file is bounded before it is read, and each fault says file and line.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_LIMIT = 128 << 20
"""Octets; a million subscribers fit."""
PIECE = 1 << 20
LINE_LIMIT = 1 << 16
COLUMN_LIMIT = 256
DELIMITERS = ",;\t|"
MORE = "(more)"
"""Where cells stand that no column is named for."""

NAMES = {
    "supi": "imsi",
    "imsi1": "imsi",
    "ueid": "imsi",
    "ki": "k",
    "key": "k",
    "permanentkey": "k",
    "authenticationkey": "k",
    "topc": "opc",
    "opcvalue": "opc",
    "opopc": "op_or_opc",
    "optype": "op_type",
    "top": "op",
    "opvalue": "op",
    "authenticationmanagementfield": "amf",
    "sequencenumber": "sqn",
    "algo": "algorithm",
    "auth": "algorithm",
    "authmethod": "auth_method",
    "slice": "slices",
    "snssai": "slices",
    "snssais": "slices",
    "nssai": "slices",
    "dnn": "dnns",
    "apn": "dnns",
    "apns": "dnns",
    "staticip": "static_ip",
    "ipalloc": "static_ip",
    "ipaddress": "static_ip",
    "ueip": "static_ip",
    "ip": "static_ip",
    "ambruplink": "ambr_uplink",
    "ambrdownlink": "ambr_downlink",
    "ambrul": "ambr_uplink",
    "ambrdl": "ambr_downlink",
    "fiveqi": "five_qi",
    "5qi": "five_qi",
    "qci": "five_qi",
}
"""Our names by what others write, in small letters and digits alone."""
CARD = re.compile(
    r"iccid|icc|eid|acc|(pin|puk|adm)\d*|(kic|kid|kik)\d*|scp.*|tar|smsp|smsc|msisdn|imei(sv)?|mcc|mnc|plmn(id)?"
    r"|name|comment|note|lot|batch|model|serial(number)?|type|isdn|cardtype"
)
"""What a card or a person needs, and no core."""
HEXADECIMAL = ("k", "opc", "op", "op_or_opc", "amf", "sqn")
MADE_UP = re.compile(r"format:\s*\"([^\"]+)\"", re.IGNORECASE)
"""Some tools write the heading into a comment."""


class TableError(ValueError):
    """A file that is no table of subscribers: where, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its number, and its cells by our names."""

    line: int
    cells: dict[str, str]


def column(name: str) -> str:
    """Our name of a column; '' for one that no core needs; what is unknown stays in small letters."""
    small = name.strip().lower()
    plain = re.sub(r"[^a-z0-9]", "", small)
    if CARD.fullmatch(plain):
        return ""
    return NAMES.get(plain, small if "_" in small else plain or small)


def hexadecimal(text: str) -> str:
    """The digits alone: without 0x before them, and without spaces or colons between them."""
    plain = re.sub(r"[\s:]", "", text)
    return plain[2:] if plain[:2] in ("0x", "0X") else plain


def read(path: Path) -> Iterator[Row]:
    """The rows, empty ones left out. TableError at the first fault, OSError where the file cannot be read."""
    text = _text(path)
    number, delimiter, heading = _heading(path, text)
    names = [column(name) for name in heading]
    doubled = next((n for i, n in enumerate(names) if n and n in names[:i]), None)
    if doubled:
        raise TableError(f"{path}:{number}: two columns for {doubled}")
    if "imsi" not in names:
        shown = ",".join(heading)[:120]
        found = "".join(c if c.isprintable() else "?" for c in shown) or "nothing"
        raise TableError(f"{path}:{number}: found {found}, wanted a header with imsi, k and opc")
    yield from _rows(path, text, number, delimiter, names, _row)


def _rows(
    path: Path,
    text: str,
    number: int,
    delimiter: str,
    names: list[str],
    row: Callable[[Path, int, list[str], list[str]], Row],
) -> Iterator[Row]:
    """number: of the line that names the columns."""
    reader = csv.reader(_lines(path, text, number), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise TableError(f"{path}:{number + reader.line_num}: not CSV: {error}") from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield row(path, number + reader.line_num, names, cells)


def plain(path: Path, *wanted: str, limit: int | None = None) -> Iterator[Row]:
    """The rows of any other list, empty ones left out: columns by their names in small letters, those wanted among
    them. TableError at the first fault, OSError where the file cannot be read."""
    text = _text(path, limit)
    number, line = next(
        ((n, each) for n, each in _numbered(path, text) if each.strip() and not each.startswith("#")), (1, "")
    )
    delimiter, heading = _split(path, number, line) if line else (",", [])
    names = [name.strip().lower() for name in heading]
    missing = [name for name in wanted if names.count(name) != 1]
    if missing:
        found = "".join(c if c.isprintable() else "?" for c in line[:120]) or "nothing"
        raise TableError(f"{path}:{number}: found {found}, wanted a header with one column {missing[0]}")
    yield from _rows(path, text, number, delimiter, names, _cells)


def _cells(path: Path, line: int, names: list[str], cells: list[str]) -> Row:
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        raise TableError(f"{path}:{line}: found more cells than the header has columns")
    return Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name})


def _row(path: Path, line: int, names: list[str], cells: list[str]) -> Row:
    found = _cells(path, line, names, cells).cells
    for name in HEXADECIMAL:
        if name in found:
            found[name] = hexadecimal(found[name])
    both, kind = found.pop("op_or_opc", ""), found.pop("op_type", "opc").lower()
    if both:
        found["op" if kind in ("op", "1") else "opc"] = both
    found["imsi"] = re.sub(r"\s", "", found.get("imsi", ""))
    if re.fullmatch(r"\d([.,]\d+)?[eE]\+?\d+", found["imsi"]):
        raise TableError(f"{path}:{line}: imsi: a spreadsheet has rounded it: format the column as text")
    return Row(line, found)


def _text(path: Path, limit: int | None = None) -> str:
    limit = limit or FILE_LIMIT
    octets = bytearray()
    with path.open("rb") as file:
        while len(octets) <= limit and (more := file.read(PIECE)):
            octets += more
    if len(octets) > limit:
        raise TableError(f"{path}: found more than {limit >> 20} MiB, wanted less: split it")
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in octets[:64]:
        encoding = "utf-16-be" if octets.startswith(b"\0") else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise TableError(f"{path}: not UTF-16: {error.reason} at octet {error.start}") from None
        return octets.decode("latin-1")


def _heading(path: Path, text: str) -> tuple[int, str, list[str]]:
    """Number of the line that names the columns, what is between them, and the names."""
    made_up: tuple[int, str] | None = None
    for number, line in _numbered(path, text):
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            if found := MADE_UP.search(line):
                made_up = number, found[1]
            continue
        names = _split(path, number, line)
        if made_up is not None and "imsi" not in [column(name) for name in names[1]]:
            delimiter, columns = _split(path, made_up[0], made_up[1])
            return number - 1, delimiter, columns
        return number, *names
    raise TableError(f"{path}:1: found nothing, wanted a header with imsi, k and opc")


def _split(path: Path, number: int, line: str) -> tuple[str, list[str]]:
    delimiter = max(DELIMITERS, key=line.count)
    try:
        names = next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise TableError(f"{path}:{number}: not CSV: {error}") from None
    if len(names) > COLUMN_LIMIT:
        raise TableError(f"{path}:{number}: found {len(names)} columns, wanted at most {COLUMN_LIMIT}")
    return delimiter, names


def _numbered(path: Path, text: str) -> Iterator[tuple[int, str]]:
    start, number = 0, 0
    while start < len(text):
        number += 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start > LINE_LIMIT:
            raise TableError(
                f"{path}:{number}: found a line of {end - start} characters, wanted at most {LINE_LIMIT}"
            )
        yield number, text[start:end].rstrip("\r")
        start = end + 1


def _lines(path: Path, text: str, behind: int) -> Iterable[str]:
    """The lines behind line `behind`; a comment is an empty one, so that numbers stay right."""
    for number, line in _numbered(path, text):
        if number > behind:
            yield "\n" if line.startswith("#") else line + "\n"
