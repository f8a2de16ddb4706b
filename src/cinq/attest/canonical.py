"""JSON in one form only (RFC 8785), so that what is signed has one digest."""

from __future__ import annotations

import json

Plain = None | bool | int | str | list["Plain"] | dict[str, "Plain"]
SAFE = (1 << 53) - 1  # integers that every reader of JSON keeps (RFC 8785 §3.2.2.3, RFC 7493 §2.2)


def canonical(value: Plain) -> bytes:
    """Octets. ValueError: a number that is not a whole one that every reader keeps, or text that is no Unicode."""
    return _written(value).encode("utf-8", "strict")


def _written(value: Plain) -> str:
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            if abs(value) > SAFE:
                raise ValueError(f"{value} is beyond what every reader of JSON keeps")
            return str(value)
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case dict():
            items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{_written(key)}:{_written(inner)}" for key, inner in items) + "}"
        case _:
            raise ValueError(f"{type(value).__name__} has no canonical form here")
