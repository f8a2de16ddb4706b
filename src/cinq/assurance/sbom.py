"""What the bench itself is made of (CycloneDX 1.6, JSON): a verdict is worth what its instrument is."""

from __future__ import annotations

import platform
import re
import sqlite3
import ssl
import uuid
from collections.abc import Iterator
from importlib import metadata
from urllib.parse import quote

from cinq import __version__

SPEC_VERSION = "1.6"
NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def sbom(tool_digest: str) -> dict[str, Json]:
    """The bench and every distribution that it needs, as they are installed here. tool_digest: SHA-256, hexadecimal."""
    found = dict(_closure("cinq"))
    own = _ref("cinq", __version__)
    components: list[Json] = [_library(one) for name, one in sorted(found.items()) if name != "cinq"]
    components += [_platform(*one) for one in _beneath()]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"urn:cinq:sbom:{tool_digest}").urn,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "cinq",
                "version": __version__,
                "hashes": [{"alg": "SHA-256", "content": tool_digest}],
            }
        },
        "components": components,
        "dependencies": [
            {
                "ref": own if name == "cinq" else _ref(name, one.version),
                "dependsOn": _depends(one, found),
            }
            for name, one in sorted(found.items())
        ],
    }


def _closure(root: str) -> Iterator[tuple[str, metadata.Distribution]]:
    """root and what it needs, and so on: those that are installed, by name."""
    waiting, seen = [root], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            one = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # a condition that does not hold here, such as another Python's
            continue
        yield name, one
        waiting += _needs(one)


def _needs(one: metadata.Distribution) -> list[str]:
    """Names of what it asks for without an extra."""
    needs = []
    for line in one.requires or ():
        wanted, _, condition = line.partition(";")
        name = NAME.match(wanted)
        if name is not None and "extra" not in condition:
            needs.append(_normal(name[1]))
    return needs


def _depends(one: metadata.Distribution, found: dict[str, metadata.Distribution]) -> list[Json]:
    return [_ref(name, found[name].version) for name in sorted(set(_needs(one))) if name in found]


def _library(one: metadata.Distribution) -> Json:
    name = _normal(one.metadata["Name"])
    library: dict[str, Json] = {
        "type": "library",
        "bom-ref": _ref(name, one.version),
        "name": name,
        "version": one.version,
        "purl": _ref(name, one.version),
    }
    if licence := _licence(one):
        library["licenses"] = [{"license": {"name": licence}}]
    return library


def _licence(one: metadata.Distribution) -> str:
    """As the distribution says it, on one line; empty where it says nothing short."""

    def every(field: str) -> list[str]:
        return one.metadata.get_all(field) or []

    said = next(iter(every("License-Expression") + every("License")), "")
    named = [value for value in every("Classifier") if value.startswith("License ::")]
    if not said or len(said) > 80 or "\n" in said:
        said = named[0].rpartition(" :: ")[2] if named else ""
    return said.strip()


def _beneath() -> Iterator[tuple[str, str]]:
    """The interpreter and the libraries in C that it brings."""
    yield platform.python_implementation(), platform.python_version()
    yield "OpenSSL", ssl.OPENSSL_VERSION.split()[1]
    yield "SQLite", sqlite3.sqlite_version


def _platform(name: str, version: str) -> Json:
    return {"type": "platform", "bom-ref": f"{name}@{version}", "name": name, "version": version}


def _ref(name: str, version: str) -> str:
    """A package URL."""
    return f"pkg:pypi/{quote(name)}@{quote(version)}"


def _normal(name: str) -> str:
    """As PyPI spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
