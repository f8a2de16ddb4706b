"""Requests that the OpenAPI files forbid, made from the files for every operation that the core serves.

Each has one thing wrong: the answer has the status and the cause of TS 29.500 §5.2.7.2, and nothing is kept. What
is too large the HTTP/2 server refuses before any function hears of it (tests/transport, tests/sbi/test_http.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cinq.sbi.operation import Operation, operations
from tests.network.world import SUPI
from tests.sbi.test_negative_cases import Core, cause, run
from tests.sbi.test_openapi import FILES, cases, document, folder, models, properties, resolve

__all__ = ["folder"]  # the fixture

FORMAT = {"INVALID_MSG_FORMAT"}
MISSING = {"MANDATORY_IE_MISSING"}
INCORRECT = {"MANDATORY_IE_INCORRECT"}
# An attribute of the file that no function here reads is passed over; then what is mandatory is missing.
OPTIONAL = {"OPTIONAL_IE_INCORRECT", "MANDATORY_IE_MISSING"}
DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
Probe = tuple[str, str, bytes, set[int], set[str]]  # what is wrong, Content-Type, body, statuses, causes


def described(folder: Path, service: type, op: Operation) -> dict:
    return document(folder, FILES[service])["paths"][op.path if op.version else op.route][op.method.lower()]


def body_of(folder: Path, service: type, op: Operation) -> tuple[str, str, dict] | None:
    """Content-Type, file and schema of a request's JSON body; None: it has none that is JSON alone."""
    found = described(folder, service, op).get("requestBody")
    if found is None:
        return None
    file, body = resolve(folder, FILES[service], found)
    for kind, media in body["content"].items():
        if "json" in kind and "schema" in media:
            return kind, *resolve(folder, file, media["schema"])
    return None


def wrong(kind: str | None) -> object:
    """A value of another type than the schema's."""
    return {"object": 7, "array": 7, "string": [7], "integer": "x", "number": "x", "boolean": "x"}.get(
        kind or ""
    )


def read_only(members: dict[str, tuple[str, dict]], name: str) -> bool:
    """The server's to say: mandatory in answers alone."""
    return name in members and bool(members[name][1].get("readOnly"))


def conditional(op: Operation, name: str) -> set[str]:
    """Of an attribute that a condition of the TS makes mandatory, and the file does not."""
    found = any(name in getattr(model, "CONDITIONAL", ()) for model in models(op.request))
    return INCORRECT if found else set()


def probes(folder: Path, service: type, op: Operation) -> Iterator[Probe]:
    found = body_of(folder, service, op)
    if found is None:
        return
    kind, file, schema = found
    yield "content type", "text/plain", b"{}", {415}, {"UNSUPPORTED_MEDIA_TYPE"}
    for what, octets in (("no JSON", b"{"), ("no UTF-8", b'{"a":"\xff"}'), ("deep", DEEP)):
        yield what, kind, octets, {400}, FORMAT
    yield "another type", kind, b"7", {400}, FORMAT | INCORRECT
    members = properties(folder, file, schema)
    mandatory = [name for name in schema.get("required", ()) if not read_only(members, name)]
    if mandatory:
        yield "nothing of what is mandatory", kind, b"{}", {400}, MISSING
    for name, (_, member) in members.items():
        value = wrong(member.get("type"))
        if value is not None and mandatory:
            causes = INCORRECT if name in mandatory else OPTIONAL | conditional(op, name)
            yield f"type of {name}", kind, json.dumps({name: value}).encode(), {400}, causes


def target(op: Operation) -> str:
    path = op.route
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        value = {"servingPlmnId": "99970", "pduSessionId": "1"}.get(name, "1")
        path = (
            before + (str(SUPI) if name in ("supi", "ueId", "ueContextId", "supiOrSuci") else value) + after
        )
    return path


def kept(core: Core) -> dict:
    collections = core.network.store._collections
    return {name: dict(documents) for name, documents in collections.items() if documents}


def test_what_the_api_forbids(folder: Path) -> None:
    wrongs: list[str] = []
    asked: set[Operation] = set()

    async def body(core: Core) -> None:
        before = kept(core)
        for service, op in cases():
            for what, kind, octets, statuses, causes in probes(folder, service, op):
                answer = await core.ask(op.method, target(op), octets, content_type=kind)
                status, said = cause(answer)
                if said == "INVALID_API":  # a function that this core has not
                    break
                asked.add(op)
                if status not in statuses or (causes and said not in causes):
                    wrongs.append(f"{op.method} {op.route}: {what}: {status} {said}")
        assert kept(core) == before

    run(body)
    assert not wrongs, "\n".join(wrongs)
    assert len(asked) > 30, len(asked)


def test_methods_that_the_api_has_not(folder: Path) -> None:
    """TS 29.500 §5.2.7.2: 405 of a resource that has other methods."""
    wrongs: list[str] = []
    refused = 0

    async def body(core: Core) -> None:
        nonlocal refused
        for service, op in cases():
            have = {one.method for one in operations(service) if one.route == op.route}
            for method in {"GET", "PUT", "POST", "PATCH", "DELETE"} - have:
                status, said = cause(
                    await core.ask(method, target(op), b"{}", content_type="application/json")
                )
                refused += status == 405
                if said != "INVALID_API" and status != 405:
                    wrongs.append(f"{method} {op.route}: {status} {said}")

    run(body)
    assert not wrongs, "\n".join(wrongs)
    assert refused > 100, refused
