"""Notifications: a request to a URI that its receiver gave before, TS 29.501 §5.3.2.

The callbacks are declared as services whose names end in -callback. Their URIs begin with the service's route, so that
the URI alone says which operation is meant and for whom.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import msgspec

from cinq.sbi.bus import Bus
from cinq.sbi.operation import Operation, operations, services
from cinq.sbi.problem import Problem

_PARAMETER = re.compile(r"\\\{\w+\\\}")


async def notify(bus: Bus, consumer: str, uri: str, body: object, instance: str | None = None) -> object:
    """Sends the notification and brings its answer. consumer: the NF that sends. instance: of the NF that receives.

    Problem as the receiver refuses; 504 TARGET_NF_NOT_REACHABLE where nobody serves the URI.
    """
    path = urlsplit(uri).path
    for service, operation, route in _routes(len(services())):
        found = route.fullmatch(path)
        if found is None:
            continue
        values = [_value(text, kind) for text, kind in zip(found.groups(), operation.types, strict=True)]
        client: object = bus.client(service, consumer, instance)
        answer: object = await getattr(client, operation.attribute)(*values, body)
        return answer
    raise Problem(504, "TARGET_NF_NOT_REACHABLE", f"nobody serves the callback {uri[:200]}")


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
            if op.service.endswith("-callback"):
                pattern = _PARAMETER.sub("([^/]+)", re.escape(op.route))
                found.append((service, op, re.compile(pattern)))
    return tuple(found)
