"""Notifications: a request to a URI that its receiver gave before, TS 29.501 §5.3.2.

The callbacks are declared as services whose names end in -callback. Their URIs begin with the service's route, so that
the URI alone says which operation is meant and for whom.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import get_origin
from urllib.parse import unquote, urlsplit

import msgspec

from cinq.sbi.bus import Bus
from cinq.sbi.operation import Operation, operations, services
from cinq.sbi.problem import Problem

_PARAMETER = re.compile(r"\\\{\w+\\\}")


async def notify(bus: Bus, consumer: str, uri: str, body: object, instance: str | None = None) -> object:
    """Sends the notification and brings its answer. consumer: the NF that sends. instance: of the NF that receives.

    A URI says no more than where a notification of this kind goes: one whose path is that of another kind is nobody's
    here. A URI with an authority of others goes there, whatever its path: the notification is told by its body. Problem
    as the receiver refuses; 504 TARGET_NF_NOT_REACHABLE where nobody serves the URI.
    """
    root, path, query = _parts(uri)
    leaves = root and bus.wire is not None and (bus.remote or root != bus.api_root)
    for service, operation, route in _routes(len(services())):
        found = route.fullmatch(path)
        if found is None or query or not _takes(operation, body):
            continue
        values = [_value(text, kind) for text, kind in zip(found.groups(), operation.types, strict=True)]
        if leaves:
            return await bus.call_at(root, operation, consumer, (*values, body))
        client: object = bus.client(service, consumer, instance)
        answer: object = await getattr(client, operation.attribute)(*values, body)
        return answer
    if leaves and (foreign := _by_body(type(body))) is not None:
        return await bus.call_at(root, _at(foreign, f"{path}?{query}" if query else path), consumer, (body,))
    raise Problem(504, "TARGET_NF_NOT_REACHABLE", f"nobody serves the callback {uri[:200]}")


def _parts(uri: str) -> tuple[str, str, str]:
    """The API root ("" of a path alone), the path and the query."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "", "", ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "", parts.path, parts.query


def _takes(op: Operation, body: object) -> bool:
    return (get_origin(op.request) or op.request) is type(body)


def _by_body(kind: type) -> Operation | None:
    """The notification that has such a body."""
    return next((op for _, op, _ in _routes(len(services())) if op.request is kind), None)


def _at(op: Operation, path: str) -> Operation:
    """The same operation at a path that its receiver chose."""
    return replace(op, service=path.lstrip("/"), version="", path="", parameters=(), types=(), query=())


def _value(text: str, kind: object) -> object:
    try:
        return msgspec.convert(unquote(text), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(504, "TARGET_NF_NOT_REACHABLE", f"callback: {text[:80]!r}: {error}") from None


@lru_cache(1)
def _routes(declared: int) -> tuple[tuple[type, Operation, re.Pattern[str]], ...]:
    """Every callback with its route. declared: how many services there are, for one that comes later."""
    found = []
    for service in services():
        for op in operations(service):
            if op.callback:
                pattern = _PARAMETER.sub("([^/]+)", re.escape(op.route))
                found.append((service, op, re.compile(pattern)))
    return tuple(found)
