"""Settings files: TOML read once into a tree of frozen dataclasses.

A dataclass is its own schema: fields give the keys, annotations the types, `setting()` the sentence of the
reference. Every fault is a SettingsError that says file, line, key, what was found and what is wanted; an
unknown key names the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
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


@dataclasses.dataclass(frozen=True, slots=True)
class _Source:
    file: str
    lines: tuple[str, ...]

    def fault(self, path: str, what: str) -> SettingsError:
        return SettingsError(self.file, _line_of(self.lines, path), path, what)


def load(shape: type[T], path: Path) -> T:
    """The settings in a file. SettingsError when it is not there, not TOML, or does not fit."""
    try:
        with path.open("rb") as file:
            text = file.read(bounds.OCTETS + 1).decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(str(path), None, "", error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise SettingsError(str(path), None, "", f"not UTF-8 at octet {error.start}") from None
    return loads(shape, text, str(path))


def loads(shape: type[T], text: str, file: str = "settings") -> T:
    """The settings in a text; `file` is what messages call it."""
    try:
        bounds.examine(text)
        tree = tomllib.loads(text)
    except bounds.TooMuch as error:
        raise SettingsError(file, error.line, "", str(error)) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise SettingsError(file, int(found[1]) if found else None, "", f"not TOML: {error}") from None
    source = _Source(file, tuple(text.splitlines()))
    return cast(T, _record(shape, tree, "", source))


def _record(shape: type, tree: Mapping[str, object], path: str, source: _Source) -> object:
    fields = {f.name: f for f in dataclasses.fields(shape) if f.init}
    hints = typing.get_type_hints(shape)
    for key in tree:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, 0.5)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(sorted(fields))}"
            raise source.fault(_join(path, key), f"unknown key{hint}")
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name in tree:
            values[name] = _value(hints[name], tree[name], _join(path, name), source)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise source.fault(path or name, f"'{name}' is missing")
    try:
        return shape(**values)
    except ValueError as error:
        name, _, what = str(error).partition(": ")
        if name in fields and what:
            raise source.fault(_join(path, name), what) from None
        raise source.fault(path, str(error)) from None


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
        items = [_value(arguments[0], item, f"{path}[{i}]", source) for i, item in enumerate(found)]
        return tuple(items)
    if isinstance(shape, type) and dataclasses.is_dataclass(shape) and shape not in _SCALARS:
        if not isinstance(found, dict):
            raise source.fault(path, f"found {_show(found)}, wanted a table")
        return _record(shape, found, path, source)
    return _scalar(shape, found, path, source)


def _scalar(shape: object, found: object, path: str, source: _Source) -> object:
    taken, wanted, make = _SCALARS[shape]
    # A key with one digit wrong is still a secret.
    shown = f"{len(str(found))} characters" if shape is HexOctets else _show(found)
    if not isinstance(found, taken) or (isinstance(found, bool) and shape is not bool):
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
    text = "true" if found is True else "false" if found is False else repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _choices(values: tuple[object, ...]) -> str:
    shown = [_show(v) for v in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


_HEADER = re.compile(r"\s*\[\[?\s*([\w.\-]+)\s*\]\]?")


def _line_of(lines: tuple[str, ...], path: str) -> int | None:
    """Where a key stands: the line of its assignment, of its table, or of the nearest that is there."""
    wanted, best = re.sub(r"\[\d+\]$", "", path), (0, 0)
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            table = header[1]
            if line.lstrip().startswith("[["):
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            here = table
        elif key := re.match(r"\s*([\w\-.]+)\s*=", line):
            here = _join(table, key[1])
        else:
            continue
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
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(written(v) for v in value) + "]"
    return f'"{value}"'
