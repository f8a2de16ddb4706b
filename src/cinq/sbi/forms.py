"""Bodies of type application/x-www-form-urlencoded (WHATWG URL §5): the access token request, TS 29.510 §6.3.3.2.2.

A string stands as it is, a list of strings is the name again for each, anything else is JSON (TS 29.510 §6.3.5.2.2).
"""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qsl, urlencode

import msgspec

from cinq.procedure import Why
from cinq.sbi.operation import Form
from cinq.sbi.problem import Problem

MOST_FIELDS = 64
LONGEST = 65_536  # octets


def encode(value: Form) -> bytes:
    pairs: list[tuple[str, str]] = []
    for name, each in msgspec.to_builtins(value).items():
        if isinstance(each, list) and all(isinstance(one, str) for one in each):
            pairs += [(name, one) for one in each]
        else:
            pairs.append((name, each if isinstance(each, str) else msgspec.json.encode(each).decode()))
    return urlencode(pairs).encode()


def as_json(shape: type[Form], body: bytes) -> bytes:
    """The form as the JSON of its shape. Problem 400: no form, too many fields, or a field twice that is no list."""
    found: dict[str, object] = {}
    for name, text in _pairs(body):
        kinds = _kinds(shape).get(name)
        if kinds is None:
            continue
        if kinds == "strings":
            cast("list[str]", found.setdefault(name, [])).append(text)
        elif name in found:
            raise Problem(400, "INVALID_MSG_FORMAT", Why(f"{name[:80]}: found twice, wanted once"))
        else:
            found[name] = text if kinds == "string" else _json(name, text)
    return msgspec.json.encode(found)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    if len(body) > LONGEST:
        raise Problem(413, None, Why(f"a form of more than {LONGEST} octets"))
    try:
        return parse_qsl(
            body.decode("ascii"), strict_parsing=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the body is no form: {error}")) from None


def _json(name: str, text: str) -> msgspec.Raw:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"{name[:80]} is no JSON: {error}")) from None
    return msgspec.Raw(text.encode())


def _kinds(shape: type[Form]) -> dict[str, str]:
    """By name on the wire: 'string', 'strings' or 'json'."""
    kinds = _KINDS.get(shape)
    if kinds is None:
        kinds = {field.encode_name: _kind(field.type) for field in msgspec.structs.fields(shape)}
        _KINDS[shape] = kinds
    return kinds


_KINDS: dict[type[Form], dict[str, str]] = {}


def _kind(hint: object) -> str:
    schema = msgspec.json.schema(hint)
    one = next((each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"), schema)
    if one.get("type") == "string" or all(isinstance(value, str) for value in one.get("enum", [0])):
        return "string"
    return "strings" if one.get("items", {}).get("type") == "string" else "json"
