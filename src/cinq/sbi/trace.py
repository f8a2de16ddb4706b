"""What crosses the SBI, as events of the one stream. Called only when somebody listens."""

from __future__ import annotations

import re
import time

import msgspec

from cinq.procedure import ON_BEHALF, Event, Journal, Why
from cinq.sbi.operation import Created, Multipart, Operation
from cinq.sbi.problem import Problem
from cinq.sbi.whole import Whole

_SUPI = re.compile(r"imsi-\d{6,15}")
_SECRET = re.compile(
    rb'"(kseaf|kSeaf|kausf|ckPrime|ikPrime|encPermanentKey|encOpcKey|encTopcKey|xres|xresStar|resStar)"\s*:\s*"[^"]*"'
)


def asked(journal: Journal, op: Operation, consumer: str, owner: str, arguments: tuple[object, ...]) -> None:
    """A request leaves its consumer."""
    body = arguments[len(op.parameters)] if len(arguments) > len(op.parameters) else None
    journal.emit(_event(op, consumer, owner, arguments, f"{op.name} request", body))


def answered(
    journal: Journal,
    op: Operation,
    consumer: str,
    owner: str,
    arguments: tuple[object, ...],
    answer: object,
) -> None:
    """A success comes back. The subject may only be known now: the answer's SUPI counts too."""
    body = answer.body if isinstance(answer, Created) else answer
    journal.emit(_event(op, owner, consumer, (*arguments, body), f"{op.name} response", body))


def refused(
    journal: Journal,
    op: Operation,
    consumer: str,
    owner: str,
    arguments: tuple[object, ...],
    problem: Problem,
) -> None:
    """A problem comes back."""
    said = f"{problem.status} {problem.cause or ''}".rstrip()
    if problem.details.detail:
        said += f": {problem.details.detail}"
    why = Why(said, problem.details.mend or "")
    journal.emit(_event(op, owner, consumer, arguments, f"{op.name} response", problem.details, cause=why))


def identified(journal: Journal, op: Operation, consumer: str, owner: str, answer: object) -> None:
    """Whom an answer names, for listeners to trouble: there is no more of the exchange to tell."""
    behalf = ON_BEHALF.get()
    supi = _supi((answer,), b"")
    if behalf is not None and supi and behalf.label != supi:
        journal.emit(
            Event(
                time=time.time(),
                nf=owner,
                subject=supi,
                procedure="",
                direction="out",
                interface=op.name.rsplit("_", 1)[0],
                message=f"{op.name} response",
                peer=consumer,
                behalf=behalf.label,
            )
        )


def _event(
    op: Operation,
    sender: str,
    receiver: str,
    arguments: tuple[object, ...],
    message: str,
    body: object,
    cause: str = "",
) -> Event:
    octets = b"" if body is None else _json(body)
    owner = ON_BEHALF.get()
    asker = "" if owner is None else owner.label
    subject = _supi(arguments, octets) or asker
    return Event(
        time=time.time(),
        nf=_shown(sender),
        subject=subject,
        procedure="",
        direction="out",
        interface=op.name.rsplit("_", 1)[0],
        message=message,
        cause=cause,
        octets=octets,
        peer=_shown(receiver),
        behalf=asker if asker != subject else "",
    )


def _shown(nf_type: str) -> str:
    """5G_EIR of TS 29.510 is the 5G-EIR."""
    return nf_type.replace("_", "-")


def _json(body: object) -> bytes:
    """The JSON that would cross, without keys and expected responses: those are never shown."""
    shown = body.json_data if isinstance(body, Multipart) and hasattr(body, "json_data") else body
    shown = shown.document if isinstance(shown, Whole) else shown
    return without_secrets(msgspec.json.encode(shown))


def without_secrets(octets: bytes) -> bytes:
    """JSON in which keys and expected responses are hidden."""
    return _SECRET.sub(rb'"\1":"(hidden)"', octets)


def _supi(arguments: tuple[object, ...], octets: bytes) -> str:
    for argument in arguments:
        text = argument if isinstance(argument, str) else _json(argument).decode("utf-8", "replace")
        if found := _SUPI.search(text):
            return found[0]
    if found := _SUPI.search(octets.decode("utf-8", "replace")):
        return found[0]
    return ""
