"""HTTP messages of the SBI as messages of a trace: names, ends, UE, cause, and the key of a UE where one crosses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial

from msgspec import Struct, structs

from cinq.numbering import NumberingError, Supi
from cinq.sbi.trace import without_secrets
from cinq.trace.bounded import Bounded
from cinq.trace.http import Connections, Half, Heard, KeyLog, Unread
from cinq.trace.message import Arrival, Subject, TracedMessage
from cinq.trace.n1 import N1
from cinq.trace.sbi import names
from cinq.trace.sbi.parts import Body, body_of
from cinq.trace.sbi.whose import Whose

_CALLS = 4096
_TO_SCP = ("3gpp-sbi-discovery-", "3gpp-sbi-target-apiroot")
_IMSI = "imsi-"


class _Call(Struct):
    """A request that waits for its response."""

    name: str
    by: str
    to: str
    subject: Subject | None = None


class Sbi:
    """The calls of a capture."""

    def __init__(self, n1: N1, log: KeyLog) -> None:
        self._n1 = n1
        self._http = Connections(log)
        self._whose = Whose(n1)
        self._relayed: Bounded[tuple[str, str, str], int] = Bounded(_CALLS)
        self._calls: Bounded[tuple[int, int], _Call] = Bounded(_CALLS)

    def take(self, at: Arrival, octets: bytes) -> list[TracedMessage] | Unread:
        """A TCP segment from its header on."""
        heard = self._http.take(at, octets)
        return heard if isinstance(heard, Unread) else [self._message(one) for one in heard]

    def rest(self, time_ns: int, frame: int) -> Iterator[TracedMessage]:
        """What came to no end. time_ns, frame: of the last packet."""
        for one in self._http.rest():
            yield self._message(
                structs.replace(one, at=structs.replace(one.at, time_ns=time_ns, frame=frame))
            )

    def _message(self, one: Heard) -> TracedMessage:
        body = body_of(one.half.header("content-type"), one.half.body)
        return self._request(one, body) if one.is_request else self._response(one, body)

    def _request(self, one: Heard, body: Body) -> TracedMessage:
        half = one.half
        path = half.header(":path")
        name = names.operation(half.header(":method"), path, half.header("3gpp-sbi-callback"))
        call = self._calls[one.exchange] = _Call(name, *self._ends(half))
        call.subject = self._whose.named(path, _text(half)) or self._whose.at(path)
        if call.subject is not None:
            self._whose.callbacks(body.data, call.subject)
        return _shown(one, body, call, call.by, call.to)

    def _response(self, one: Heard, body: Body) -> TracedMessage:
        half = one.half
        status = half.header(":status")
        call = self._calls.pop(one.exchange, None) or _Call("SBI", names.UNKNOWN, names.UNKNOWN)
        named = self._whose.named(_text(half))
        if named is not None and call.subject is not None:
            self._n1.join(call.subject, named)
        call.subject = call.subject or named
        if call.subject is not None and status == "201":
            self._whose.given(half.header("location"), call.subject)
        if b"seaf" in half.body.lower():
            self._anchor(half)
        shown = _shown(one, body, call, call.to, call.by)
        shown.cause = _cause(status, body.data)
        return shown

    def _ends(self, half: Half) -> tuple[str, str]:
        """Who asks whom. What an SCP was asked for, it asks the producer itself (TS 29.500 §6.10)."""
        agent = names.agent(half.header("user-agent")) or names.UNKNOWN
        path = half.header(":path")
        key = (half.header(":method"), path, agent)
        if any(name.startswith(_TO_SCP) for name, _ in half.headers):
            self._relayed[key] = self._relayed.get(key, 0) + 1
            return agent, names.SCP
        callback = half.header("3gpp-sbi-callback") != ""
        producer = names.UNKNOWN if callback else names.function_of(path) or names.UNKNOWN
        if self._relayed.get(key):
            self._relayed[key] -= 1
            return names.SCP, producer
        return agent, producer

    def _anchor(self, half: Half) -> None:
        """K_SEAF on its way from the AUSF to the AMF opens the NAS of its UE (TS 33.501 §6.1.3, TS 29.509 §6.1.6)."""
        try:
            data = json.loads(half.body)
            key = data.get("kseaf") or data["kSeaf"]
            supi = Supi(str(data["supi"]).removeprefix(_IMSI))
            self._n1.anchored(supi, bytes.fromhex(key))
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError, NumberingError):
            return


def _shown(one: Heard, body: Body, call: _Call, by: str, to: str) -> TracedMessage:
    half = one.half
    name = f"{call.name} {'request' if one.is_request else 'response'}"
    if body.said:
        name += f" ({', '.join(body.said)})"
    shown = TracedMessage(one.at, "sbi", by, to, name, without_secrets(half.body))
    shown.facts = partial(_facts, half, body, one.tls)
    shown.fault = "; ".join(fault for fault in (half.fault, body.fault) if fault)
    shown.subject = call.subject
    return shown


def _text(half: Half) -> str:
    return half.body.decode("utf-8", "replace")


def _cause(status: str, data: object) -> str:
    """'404 USER_NOT_FOUND: detail' of a refusal; empty of a success."""
    if not status or status[0] in "123":
        return ""
    problem = data if isinstance(data, dict) else {}
    nested = problem.get("error")  # of the SMF, TS 29.502 §6.1.6.2.10
    problem = nested if isinstance(nested, dict) else problem
    said = f"{status} {problem.get('cause') or problem.get('title') or ''}".rstrip()
    detail = problem.get("detail")
    return f"{said}: {str(detail)[:200]}" if detail else said


def _facts(half: Half, body: Body, tls: bool) -> Mapping[str, object]:
    """For programs. headers: of a name that came twice the last."""
    facts: dict[str, object] = {"stream": half.stream, "headers": dict(half.headers)}
    if tls:
        facts["tls"] = True
    if body.data is not None:
        facts["json"] = body.data
    if body.parts:
        facts["parts"] = body.parts
    return facts
