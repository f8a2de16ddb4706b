"""No object that holds a key shows it when it is printed: not in a log, not in a traceback."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import msgspec
import pytest

import cinq

KEYS = frozenset(
    (
        "k", "op", "opc", "top", "topc", "opc_or_topc", "kamf", "kausf", "kseaf", "kgnb", "nh", "knasint",
        "knasenc", "ck", "ik", "res", "res_star", "xres_star", "private_key", "home",
        "enc_permanent_key", "enc_opc_key", "enc_topc_key",
    )
)  # fmt: skip
OCTETS = bytes.fromhex("5ec7e75ec7e75ec7e75ec7e75ec7e75e")
SHOWN = (repr(OCTETS)[2:-1], OCTETS.hex())
VALUES = (bytes, str, "bytes", "str", "HexOctets", "str | None", "bytes | None")


def holders() -> list[type]:
    """Dataclasses and structs of cinq with a field that is called like a key and holds octets or digits."""
    found: dict[type, None] = {}
    for each in pkgutil.walk_packages(cinq.__path__, "cinq."):
        if each.name.startswith("cinq.wire.") or each.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(each.name)).values():
            if isinstance(kind, type) and kind.__module__ == each.name and keys(kind):
                found[kind] = None
    return list(found)


def keys(kind: type) -> list[str]:
    if dataclasses.is_dataclass(kind):
        return [f.name for f in dataclasses.fields(kind) if f.name in KEYS and f.type in VALUES]
    if issubclass(kind, msgspec.Struct):
        annotations = {
            name: text for base in kind.__mro__ for name, text in getattr(base, "__annotations__", {}).items()
        }
        return [name for name in kind.__struct_fields__ if name in KEYS and annotations.get(name) in VALUES]
    return []


def instance(kind: type) -> object:
    """One with all its keys set and nothing else, past any check of its constructor."""
    fields = (
        kind.__struct_fields__
        if issubclass(kind, msgspec.Struct)
        else [f.name for f in dataclasses.fields(kind)]
    )
    held = keys(kind)
    values = {name: OCTETS if name in held else None for name in fields}
    if issubclass(kind, msgspec.Struct):
        return kind(**values)
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def test_holders_are_found() -> None:
    names = {kind.__name__ for kind in holders()}
    assert names >= {
        "NasSecurity", "AuthenticationVector", "SecurityContext", "Subscriber", "Credentials", "HomeNetworkKey",
        "UeSettings", "AuthenticationSubscription",
    }  # fmt: skip


@pytest.mark.parametrize("kind", holders(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_key_is_shown(kind: type) -> None:
    text = repr(instance(kind))
    assert text.startswith(kind.__name__)
    for shown in SHOWN:
        assert shown not in text
