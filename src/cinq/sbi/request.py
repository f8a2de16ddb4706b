"""A service operation as an HTTP request, and back: method, path, query, body. TS 29.501 §5.2, TS 29.500 §5.2.

    request = request_of(operation, arguments)             # the consumer
    arguments = arguments_of(operation, values, request)   # the producer; `values` are of the path, from the route

What a producer cannot read is refused with the causes of TS 29.500 table 5.2.7.2-1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict, cast
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from cinq.procedure import Why
from cinq.sbi.body import body_of, decoder, encode, read_body
from cinq.sbi.message import JSON, MULTIPART, PROBLEM, Headers, Request
from cinq.sbi.operation import Operation, optional, snake
from cinq.sbi.problem import InvalidParam, Problem

LONGEST_QUERY = 8192  # octets
MOST_QUERY = 64  # parameters


def request_of(op: Operation, arguments: Sequence[object]) -> Request:
    """arguments: those of the path and of the query in order, then the body if the operation has one."""
    if op.asked is not None:
        at = len(op.parameters) - len(op.query)
        given = [getattr(arguments[at], name) for name in op.query]
        arguments = [*arguments[:at], *given, *arguments[at + 1 :]]
    values = dict(zip(op.parameters, arguments, strict=False))
    path = re.sub(r"\{(\w+)\}", lambda name: _in_path(values[snake(name[1])]), op.path)
    asked = [(op.written[n], values[n]) for n in op.query if values.get(n) is not None]
    query = "&".join(f"{name}={quote(_in_query(value), safe=',:')}" for name, value in asked)
    target = f"{op.root}{path}{'?' + query if query else ''}"
    headers: Headers = (("accept", f"{JSON}, {MULTIPART}, {PROBLEM}"),)
    if len(arguments) <= len(op.parameters) or op.request is None:
        return Request(op.method, target, headers)
    content_type, body = body_of(arguments[len(op.parameters)], op.method == "PATCH")
    return Request(op.method, target, (*headers, ("content-type", content_type)), body)


def _in_path(value: object) -> str:
    return quote(str(value), safe=":@")


def _in_query(value: object) -> str:
    """Scalars and lists of them as text (style form, not exploded), anything else as JSON: TS 29.501 §5.3.13."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return encode(value).decode()


# the producer's arguments


def arguments_of(op: Operation, values: Sequence[str], request: Request) -> list[object]:
    """values: of the path's parameters, decoded, as the route found them. Problem 400, 413 or 415 by TS 29.500."""
    given = dict(zip((snake(n) for n in re.findall(r"\{(\w+)\}", op.path)), values, strict=True))
    asked = _query(request.target)
    arguments: list[object] = []
    for name, kind in zip(op.parameters, op.types, strict=True):
        if name in given:
            if not given[name].isprintable():
                invalid = InvalidParam(param=name, reason="control characters")
                raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"{name}: control characters"), invalid)
            arguments.append(_text(given[name], kind, name, "INVALID_API"))
        else:
            arguments.append(_asked(op, asked, name, kind))
    if op.asked is not None:
        at = len(arguments) - len(op.query)
        arguments[at:] = [op.asked(**dict(zip(op.query, arguments[at:], strict=True)))]
    if op.request is not None:
        arguments.append(read_body(op.request, request.header("content-type"), request.body))
    return arguments


def _query(target: str) -> dict[str, str]:
    text = target.partition("?")[2]
    if len(text) > LONGEST_QUERY:
        raise Problem(414, "INVALID_QUERY_PARAM", Why(f"a query of {len(text)} octets"))
    try:
        found = dict(
            parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_QUERY)
        )
        if "" in found:
            raise ValueError("a parameter without a name")
        return found
    except ValueError as error:
        raise Problem(400, "INVALID_QUERY_PARAM", Why(f"the query cannot be read: {error}")) from None


def _asked(op: Operation, asked: dict[str, str], name: str, kind: object) -> object:
    wire = op.written[name]
    may_miss = optional(kind)
    if wire not in asked:
        if may_miss:
            return None
        invalid = InvalidParam(param=wire, reason="missing")
        raise Problem(400, "MANDATORY_QUERY_PARAM_MISSING", Why(f"{op.name}: no {wire}"), invalid)
    cause = "OPTIONAL_QUERY_PARAM_INCORRECT" if may_miss else "MANDATORY_QUERY_PARAM_INCORRECT"
    return _text(asked[wire], kind, wire, cause)


def _text(text: str, kind: object, name: str, cause: str) -> object:
    """A parameter as text: a scalar, a list of strings, or JSON."""
    try:
        if is_text(kind):
            return msgspec.convert(text, kind, strict=False)
        if is_list_of_text(kind):
            parts = text.split(",")
            if "" in parts:
                raise msgspec.ValidationError("an empty element")
            return msgspec.convert(parts, kind, strict=False)
        return decoder(kind).decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        invalid = InvalidParam(param=name, reason=str(error)[:200])
        raise Problem(400, cause, Why(f"{name}: found {text[:80]!r}: {error}"), invalid) from None


@lru_cache(None)
def is_text(kind: object) -> bool:
    """Whether a parameter of this type is written as it is: a string, a number, a boolean."""
    return all(
        each.get("type") in ("string", "integer", "boolean") or "enum" in each for each in _types(kind)
    )


@lru_cache(None)
def is_list_of_text(kind: object) -> bool:
    """Whether it is written as strings with commas between them."""
    return all(each.get("items", {}).get("type") == "string" for each in _types(kind))


def _types(kind: object) -> list[_Schema]:
    """The JSON schemas of the types that a parameter may have, but null."""
    schema = cast(_Schema, msgspec.json.schema(kind))
    return [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]


class _Schema(TypedDict, total=False):
    """What is looked at of a JSON schema."""

    type: str
    enum: list[object]
    items: _Schema
    anyOf: list[_Schema]


def path_of(target: str) -> list[str]:
    """The segments of a target's path, decoded one by one: a '/' within one does not part them."""
    return [unquote(segment) for segment in target.partition("?")[0].split("/")[1:]]
