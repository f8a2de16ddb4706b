"""Settings files: TOML read once into a tree of frozen dataclasses.

A dataclass is its own schema: fields give the keys, annotations the types, `setting()` the sentence of the
reference. Every fault is a SettingsError that says file, line, key, what was found and what is wanted; an
unknown key names the nearest known one.
"""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import ipaddress
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from operator import or_
from pathlib import Path
from typing import Literal, NewType, TypeVar, cast

from cinq.numbering import NumberingError, PlmnId, SNssai
from cinq.settings import bounds

T = TypeVar("T")
BitRate = NewType("BitRate", int)
"""Bits a second; written as '100 Mbps'."""
HexOctets = NewType("HexOctets", bytes)
"""Octets; written in hexadecimal."""
DOC = "doc"
MISSING = object()
MOST_FAULTS = 100


class SettingsError(ValueError):
    """A settings file that cannot be used: file, line, key, what was found, what is wanted."""

    def __init__(self, file: str, line: int | None, key: str, what: str) -> None:
        self.file, self.line, self.key, self.what = file, line, key, what
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {key}: {what}" if key else f"{place}: {what}")


def setting(
    doc: str, default: T | object = MISSING, *, factory: Callable[[], T] | None = None, secret: bool = False
) -> T:
    """A field of a settings dataclass with its one-sentence documentation. secret: repr leaves it out."""
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata={DOC: doc})
    if default is MISSING:
        return cast(T, dataclasses.field(metadata={DOC: doc}, repr=not secret))
    return cast(T, dataclasses.field(default=default, metadata={DOC: doc}, repr=not secret))


class Several(ValueError):
    """What a dataclass finds wrong with itself, when that is more than one thing. faults: each 'key: what'."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults[0])


def none_of(faults: Iterable[str]) -> None:
    """For a dataclass that checks itself: Several, unless there is nothing wrong."""
    if found := list(faults):
        raise Several(found)


class _Source:
    """faults: what was wrong so far; `most` of them are enough."""

    def __init__(self, file: str, text: str, most: int) -> None:
        self.file, self._text, self.most = file, text, most
        self.faults: list[SettingsError] = []

    def fault(self, path: str, what: str) -> SettingsError:
        return SettingsError(self.file, _line_of(self._places, path), path, what)

    @cached_property
    def _places(self) -> list[tuple[int, str]]:
        return list(_places(self._text.splitlines()))


class _Broken(Exception):
    """A value that cannot be made: its faults are told."""


def load(shape: type[T], path: Path) -> T:
    """The settings in a file. SettingsError when it is not there, not TOML, or does not fit."""
    return loads(shape, read_text(path), str(path))


def read_text(path: Path, size: bounds.Size = bounds.SETTINGS) -> str:
    """A file as text. SettingsError when it is not there, or no UTF-8; what is beyond the bound is not read."""
    try:
        with path.open("rb") as file:
            return file.read(size.octets + 1).decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(str(path), None, "", error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise SettingsError(str(path), None, "", f"not UTF-8 at octet {error.start}") from None


def loads(shape: type[T], text: str, file: str = "settings", size: bounds.Size = bounds.SETTINGS) -> T:
    """The settings in a text; `file` is what messages call it."""
    value, faults = examined(shape, text, file, size, most=1)
    if value is None:
        raise faults[0]
    return value


def examined(
    shape: type[T], text: str, file: str, size: bounds.Size = bounds.SETTINGS, most: int = MOST_FAULTS
) -> tuple[T | None, list[SettingsError]]:
    """The settings in a text and no fault, or None and each fault that there is, the first `most` of them."""
    try:
        bounds.examine(text, size)
        tree = tomllib.loads(text)
    except bounds.TooMuch as error:
        return None, [SettingsError(file, error.line, "", str(error))]
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return None, [SettingsError(file, int(found[1]) if found else None, "", f"not TOML: {error}")]
    source = _Source(file, text, most)
    try:
        return cast(T, _record(shape, tree, "", source)), []
    except _Broken:
        return None, source.faults


def _tell(source: _Source, *faults: SettingsError) -> None:
    """One more is wrong. _Broken: that is enough."""
    source.faults.extend(faults)
    if len(source.faults) >= source.most:
        raise _Broken


def _record(shape: type, tree: Mapping[str, object], path: str, source: _Source) -> object:
    fields = {f.name: f for f in dataclasses.fields(shape) if f.init}
    hints = typing.get_type_hints(shape)
    before = len(source.faults)
    for key in tree:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, 0.5)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(sorted(fields))}"
            _tell(source, source.fault(_join(path, key), f"unknown key{hint}"))
    values: dict[str, object] = {}
    known = len(source.faults)
    for name, field in fields.items():
        if name in tree:
            try:
                values[name] = _value(hints[name], tree[name], _join(path, name), source)
            except SettingsError as fault:
                _tell(source, fault)
            except _Broken:
                _tell(source)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            _tell(source, source.fault(path or name, f"'{name}' is missing"))
    if len(source.faults) > known:
        raise _Broken
    try:
        made: object = shape(**values)
    except ValueError as error:
        said = error.faults if isinstance(error, Several) else (str(error),)
        _tell(source, *(_of_itself(text, path, fields, source) for text in said))
    if len(source.faults) > before:
        raise _Broken
    return made


def _of_itself(text: str, path: str, fields: Mapping[str, object], source: _Source) -> SettingsError:
    """'key: what', where the key is one of the table or within one, is said of that key."""
    name, _, what = text.partition(": ")
    if re.split(r"[.\[]", name, maxsplit=1)[0] in fields and what:
        return source.fault(_join(path, name), what)
    return source.fault(path, text)


def _value(shape: object, found: object, path: str, source: _Source) -> object:
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if origin in (types.UnionType, typing.Union) and shape not in _SCALARS:
        wanted = [a for a in arguments if a is not type(None)]
        return _value(reduce(or_, wanted), found, path, source)
    if origin is Literal:
        if found not in arguments:
            raise source.fault(path, f"found {_show(found)}, wanted {_choices(arguments)}")
        return found
    if origin is tuple:
        if not isinstance(found, list):
            raise source.fault(path, f"found {_show(found)}, wanted a list")
        return _items(arguments[0], found, path, source)
    if isinstance(shape, type) and dataclasses.is_dataclass(shape) and shape not in _SCALARS:
        if not isinstance(found, dict):
            raise source.fault(path, f"found {_show(found)}, wanted a table")
        return _record(shape, found, path, source)
    return _scalar(shape, found, path, source)


def _items(shape: object, found: list[object], path: str, source: _Source) -> tuple[object, ...]:
    """Each of a list; the faults of all of them are told."""
    items, before = [], len(source.faults)
    for i, item in enumerate(found):
        try:
            items.append(_value(shape, item, f"{path}[{i}]", source))
        except SettingsError as fault:
            _tell(source, fault)
        except _Broken:
            _tell(source)
    if len(source.faults) > before:
        raise _Broken
    return tuple(items)


def _scalar(shape: object, found: object, path: str, source: _Source) -> object:
    taken, wanted, make = _SCALARS[shape]
    # A key with one digit wrong is still a secret.
    shown = f"{len(str(found))} characters" if shape is HexOctets else _show(found)
    other = isinstance(found, bool) and shape is not bool
    if not isinstance(found, taken) or other or isinstance(found, datetime.datetime):
        raise source.fault(path, f"found {shown}, wanted {wanted}")
    try:
        return make(found)
    except (NumberingError, ValueError) as error:
        said = str(error)
        detail = said if "wanted" in said else f"found {shown}, wanted {wanted}"
        raise source.fault(path, detail) from None


_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(bps|kbps|Kbps|Mbps|Gbps|Tbps)", re.ASCII)
_UNITS = {"bps": 1, "kbps": 10**3, "Kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9, "Tbps": 10**12}


def bit_rate(text: str) -> BitRate:
    """'100 Mbps' -> 100000000. ValueError otherwise."""
    found = _RATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"found {text[:40]!r}, wanted a bit rate such as '100 Mbps'")
    return BitRate(round(float(found[1]) * _UNITS[found[2]]))


def rate_text(bps: int) -> str:
    """100000000 -> '100 Mbps': the largest unit that keeps the number whole."""
    for unit in ("Tbps", "Gbps", "Mbps", "Kbps"):
        if bps and bps % _UNITS[unit] == 0:
            return f"{bps // _UNITS[unit]} {unit}"
    return f"{bps} bps"


def _plmn(found: object) -> PlmnId:
    return PlmnId.parse(str(found))


def _snssai(found: object) -> SNssai:
    return SNssai.parse(str(found))


_Scalar = tuple[tuple[type, ...], str, Callable[[object], object]]
_SCALARS: dict[object, _Scalar] = {
    str: ((str,), "a text", lambda v: v),
    int: ((int,), "a whole number", lambda v: v),
    float: ((int, float), "a number", lambda v: float(str(v))),
    bool: ((bool,), "true or false", lambda v: v),
    Path: ((str,), "a path", lambda v: Path(str(v)).expanduser()),
    BitRate: ((str,), "a bit rate such as '100 Mbps'", lambda v: bit_rate(str(v))),
    HexOctets: ((str,), "an even number of hexadecimal digits", lambda v: HexOctets(bytes.fromhex(str(v)))),
    datetime.date: ((datetime.date,), "a date such as 2026-11-30, without quotes", lambda v: v),
    PlmnId: ((str,), "a PLMN such as '999-70'", _plmn),
    SNssai: ((str, int), "a slice such as '1' or '1-0000ff'", _snssai),
    ipaddress.IPv4Address: ((str,), "an IPv4 address", lambda v: ipaddress.IPv4Address(str(v))),
    ipaddress.IPv6Address: ((str,), "an IPv6 address", lambda v: ipaddress.IPv6Address(str(v))),
    ipaddress.IPv4Address | ipaddress.IPv6Address: (
        (str,),
        "an IPv4 or IPv6 address",
        lambda v: ipaddress.ip_address(str(v)),
    ),
    ipaddress.IPv4Network | ipaddress.IPv6Network: (
        (str,),
        "an IPv4 or IPv6 network such as '10.9.0.0/29' (no host bits)",
        lambda v: ipaddress.ip_network(str(v)),
    ),
    ipaddress.IPv6Network: (
        (str,),
        "an IPv6 network such as 2001:db8:45::/48",
        lambda v: ipaddress.IPv6Network(str(v)),
    ),
    ipaddress.IPv4Network: (
        (str,),
        "an IPv4 network such as '10.45.0.0/16' (no host bits)",
        lambda v: ipaddress.IPv4Network(str(v)),
    ),
}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _show(found: object) -> str:
    text = written(found) if isinstance(found, bool | datetime.date) else repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _choices(values: tuple[object, ...]) -> str:
    shown = [_show(v) for v in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


_HEADER = re.compile(r"\s*\[\[?\s*([\w.\-]+)\s*\]\]?")


def _places(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The number of each line that begins a table or assigns a key, with the path of that."""
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            table = header[1]
            if line.lstrip().startswith("[["):
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            yield number, table
        elif key := re.match(r"\s*([\w\-.]+)\s*=", line):
            yield number, _join(table, key[1])


def _line_of(places: Iterable[tuple[int, str]], path: str) -> int | None:
    """Where a key stands: the line of its assignment, of its table, or of the nearest that is there."""
    wanted, best = re.sub(r"\[\d+\]$", "", path), (0, 0)
    for number, here in places:
        same = here in (wanted, path) or wanted.startswith((here + ".", here + "["))
        if same and len(here) > best[0]:
            best = (len(here), number)
    return best[1] or None


@dataclasses.dataclass(frozen=True, slots=True)
class Documented:
    """One key for the reference: dotted path, type in words, default as written, and its sentence."""

    path: str
    kind: str
    default: str
    doc: str


def document(shape: type, path: str = "") -> Iterator[Documented]:
    """Every key of a settings dataclass, in order, for the generated reference."""
    hints = typing.get_type_hints(shape)
    for field in dataclasses.fields(shape):
        inner, listed = _inner(hints[field.name])
        table = isinstance(inner, type) and dataclasses.is_dataclass(inner) and inner not in _SCALARS
        name = _join(path, field.name) + ("[]" if listed and table else "")
        doc = str(field.metadata.get(DOC, ""))
        if isinstance(inner, type) and table:
            yield Documented(name, "tables" if listed else "table", "", doc)
            yield from document(inner, name)
        else:
            kind = (
                _choices(typing.get_args(inner))
                if typing.get_origin(inner) is Literal
                else _SCALARS[inner][1]
            )
            yield Documented(name, f"list: {kind}" if listed else kind, _default(field, inner), doc)


def _inner(hint: object) -> tuple[object, bool]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if typing.get_origin(hint) is tuple:
        return typing.get_args(hint)[0], True
    return hint, False


def _default(field: dataclasses.Field[object], shape: object) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "(required)"
    if shape is BitRate and isinstance(value, int):
        return written(rate_text(value))
    return written(value)


def written(value: object) -> str:
    """A value as TOML would hold it."""
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(written(v) for v in value) + "]"
    return f'"{value}"'
