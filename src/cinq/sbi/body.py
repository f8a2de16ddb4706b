"""Bodies: JSON, or multipart/related where octets go along. TS 29.500 §5.4.

What cannot be read is refused with the causes of TS 29.500 table 5.2.7.2-1.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import cast, get_args, get_origin

import msgspec

from cinq.procedure import Why
from cinq.sbi import forms, multipart
from cinq.sbi.message import CLOUD_EVENT, FORM, HAL, JSON, MULTIPART, media_type
from cinq.sbi.multipart import MultipartError, Part
from cinq.sbi.operation import Form, Multipart
from cinq.sbi.problem import InvalidParam, Problem
from cinq.sbi.whole import Whole

_PATCHES = {"list": "application/json-patch+json", "Model": "application/merge-patch+json"}
_JSON_TYPES = (JSON, CLOUD_EVENT, HAL.lower(), *_PATCHES.values())
_N1, _N2 = "application/vnd.3gpp.5gnas", "application/vnd.3gpp.ngap"
_MISSING = re.compile(r"missing required field `([^`]+)`")
_WHERE = re.compile(r" - at `\$([^`]*)`$")
encode = msgspec.json.Encoder().encode


def body_of(value: object, patch: bool = False) -> tuple[str, bytes]:
    """Its Content-Type and its octets. patch: of a PATCH. ValueError: octets that nothing in the JSON names."""
    if isinstance(value, Multipart):
        return _multipart(value)
    if isinstance(value, Whole):
        return JSON, encode(value.document)
    if isinstance(value, Form):
        return FORM, forms.encode(value)
    if not patch:
        return getattr(value, "CONTENT_TYPE", JSON), encode(value)
    return _PATCHES["list" if isinstance(value, list) else "Model"], encode(value)


def _multipart(value: Multipart) -> tuple[str, bytes]:
    """As JSON alone where no octets go along; that is allowed wherever the octets are optional."""
    data = value.json_data
    binaries = [(name, getattr(value, name)) for name in value.__struct_fields__ if name != "json_data"]
    octets = [(name, each) for name, each in binaries if each is not None]
    root = encode(data)
    if not octets:
        return JSON, root
    references = _references(msgspec.json.decode(root))
    parts = [Part(JSON, "", root)]
    for name, each in octets:
        kind = _kind(name)
        reference = _reference(references, kind)
        if not reference:
            raise ValueError(f"{type(value).__name__}: {name} is there, and nothing in its JSON names it")
        parts.append(Part(kind, reference, each))
    return multipart.encode(parts)


def _kind(name: str) -> str:
    return _N1 if "_n1_" in name else _N2


def _references(tree: object, path: str = "") -> list[tuple[str, str]]:
    """Where the JSON names octets, and by which Content-Id."""
    if isinstance(tree, dict):
        found = tree.get("contentId")
        if isinstance(found, str):
            return [(path, found)]
        return [each for key, value in tree.items() for each in _references(value, f"{path}/{key}")]
    if isinstance(tree, list):
        return [each for value in tree for each in _references(value, path)]
    return []


def _reference(references: list[tuple[str, str]], kind: str) -> str:
    """The Content-Id by which the JSON names the N1 message, or the N2 information."""
    for path, content_id in references:
        if ("n1" in path.lower()) == (kind == _N1):
            return content_id
    return ""


@lru_cache(None)
def decoder(kind: object) -> msgspec.json.Decoder[object]:
    return cast("msgspec.json.Decoder[object]", msgspec.json.Decoder(kind))


def read_body(shape: object, content_type: str | None, body: bytes) -> object:
    """Problem 400 MANDATORY_IE_MISSING, ..._INCORRECT, OPTIONAL_IE_INCORRECT, INVALID_MSG_FORMAT, or 415."""
    kind = media_type(content_type)
    if isinstance(shape, type) and issubclass(shape, Multipart):
        return _read_multipart(shape, kind, content_type or "", body)
    if kind == FORM and isinstance(shape, type) and issubclass(shape, Form):
        body = forms.as_json(shape, body)
    elif kind not in _JSON_TYPES:
        raise _unsupported(content_type or "")
    return read_json(shape, body)


def _unsupported(content_type: str) -> Problem:
    return Problem(
        415, "UNSUPPORTED_MEDIA_TYPE", Why(f"Content-Type: found {content_type[:80]!r}, wanted {JSON}")
    )


def read_json(shape: object, body: bytes) -> object:
    try:
        if get_origin(shape) is Whole:
            document = decoder(dict[str, object]).decode(body)
            return Whole(msgspec.convert(document, get_args(shape)[0]), cast("dict[str, object]", document))
        return decoder(shape).decode(body)
    except msgspec.ValidationError as error:
        raise _not_of_the_shape(shape, str(error)) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the body is no JSON: {error}")) from None
    except RecursionError:
        raise Problem(400, "INVALID_MSG_FORMAT", Why("the body is nested too deeply")) from None


def missing_attribute(said: str) -> str:
    """Which attribute msgspec misses; "" where something else is wrong."""
    found = _MISSING.search(said)
    return "" if found is None else found[1]


def refuse_duplicates(content_type: str | None, body: bytes) -> None:
    """Problem 400: a name twice in one object of a body from outside, where readers could differ (RFC 8259 §4).

    TS 33.117 §4.3.6.3. What is no JSON at all is refused by who reads it, but for what its reader would pass over in
    attributes that it does not know: no UTF-8, and what is nested too deeply to be looked through.
    """
    kind = media_type(content_type)
    if kind == MULTIPART:
        try:
            body = multipart.decode(content_type or "", body)[0].octets
        except MultipartError:
            return
    elif kind not in _JSON_TYPES:
        return
    try:
        json.loads(body.decode(), object_pairs_hook=_pairs, parse_int=_number, parse_float=_number)
    except _DuplicateError as error:
        pointer = f"/{str(error)[:80]}"
        invalid = InvalidParam(param=pointer, reason="more than once")
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"{pointer}: more than once"), invalid) from None
    except UnicodeDecodeError as error:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the body is no JSON: {error}")) from None
    except RecursionError:
        raise Problem(400, "INVALID_MSG_FORMAT", Why("the body is nested too deeply")) from None
    except ValueError:
        return


def _number(text: str) -> None:
    """It may have more digits than Python would read."""


class _DuplicateError(Exception):
    """A name that is there already."""


def _pairs(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _DuplicateError(name)
        seen.add(name)


def _not_of_the_shape(shape: object, said: str) -> Problem:
    """msgspec's words as a JSON pointer and a cause."""
    where = _WHERE.search(said)
    pointer = "" if where is None else re.sub(r"\.|\[(\d+|\.\.\.)\]", lambda m: f"/{m[1] or ''}", where[1])
    reason = said if where is None else said[: where.start()]
    missing = missing_attribute(reason)
    if missing:
        invalid = InvalidParam(param=f"{pointer}/{missing}", reason="missing")
        return Problem(400, "MANDATORY_IE_MISSING", Why(f"no {invalid.param}"), invalid)
    if not pointer:
        return Problem(400, "INVALID_MSG_FORMAT", Why(f"the body: {reason}"))
    invalid = InvalidParam(param=pointer, reason=reason[:200])
    cause = "OPTIONAL_IE_INCORRECT" if _may_be_absent(shape, pointer) else "MANDATORY_IE_INCORRECT"
    return Problem(400, cause, Why(f"{invalid.param}: {reason}"), invalid)


def _may_be_absent(shape: object, pointer: str) -> bool:
    """Whether the body may do without the attribute of its own that a pointer leads through."""
    kinds = get_args(shape) or (shape,)
    name = pointer.split("/")[1]
    structs = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    if any(name in getattr(kind, "CONDITIONAL", ()) for kind in structs):
        return False
    fields = [each for kind in structs for each in msgspec.structs.fields(kind) if each.encode_name == name]
    return bool(fields) and not any(each.required for each in fields)


def _read_multipart(shape: type[Multipart], kind: str, content_type: str, body: bytes) -> Multipart:
    parts: dict[str, object] = {}
    if kind == MULTIPART:
        try:
            root, *others = multipart.decode(content_type, body)
        except MultipartError as error:
            raise Problem(400, "INVALID_MSG_FORMAT", Why(f"multipart body: {error}")) from None
        if root.content_type != JSON:
            raise Problem(
                400, "INVALID_MSG_FORMAT", Why(f"the first part is {root.content_type[:80]!r}, not {JSON}")
            )
        octets, by_id = root.octets, {part.content_id: part for part in others if part.content_id}
        references = _references(read_json(object, octets))
        for name in shape.__struct_fields__:
            part = by_id.get(_reference(references, _kind(name))) if name != "json_data" else None
            if part is not None:
                parts[name] = part.octets
    elif kind in _JSON_TYPES:
        octets = body
    else:
        raise _unsupported(content_type)
    parts["json_data"] = read_json(data_of(shape), octets)
    return shape(**parts)


@lru_cache(None)
def data_of(shape: type[Multipart]) -> object:
    return next(f.type for f in msgspec.structs.fields(shape) if f.name == "json_data")
