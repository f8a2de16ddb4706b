"""What crosses N32, as events of the one stream."""

from __future__ import annotations

import re
import time
from urllib.parse import unquote

from cinq.nf.sepp.settings import Partner
from cinq.procedure import Event, Journal, Why
from cinq.sbi import Problem
from cinq.sbi.message import Request
from cinq.sbi.trace import without_secrets

_SUBJECT = re.compile(r"imsi-\d{6,15}|suci-[0-9a-fA-F-]{8,200}")
_IDENTIFIER = re.compile(r"(?<=/)[0-9a-f-]{16,}(?=/|$)")


def sent(journal: Journal, request: Request, partner: Partner) -> None:
    """A request leaves for a partner's SEPP."""
    if journal.listening:
        journal.emit(_event(request, partner, "out"))


def refused(journal: Journal, request: Request, partner: Partner, problem: Problem) -> None:
    """What a partner sent is not forwarded."""
    if journal.heeding:
        journal.emit(_event(request, partner, "out", problem.why, " response"))


def _event(
    request: Request, partner: Partner, direction: str, cause: Why | str = "", kind: str = " request"
) -> Event:
    target = unquote(request.target)
    found = _SUBJECT.search(target) or _SUBJECT.search(request.body.decode("utf-8", "replace"))
    return Event(
        time=time.time(),
        nf="SEPP",
        subject="" if found is None else found[0],
        procedure="",
        direction="out" if direction == "out" else "in",
        interface="N32",
        message=f"{request.method[:16]} {_resource(target)}{kind}",
        cause=cause,
        octets=without_secrets(request.body) if request.body[:1] == b"{" else b"",
        peer=f"SEPP of {partner.name}",
    )


def _resource(target: str) -> str:
    """'/nausf-auth/v1/ue-authentications' of a target, without whom it is about."""
    path = target.partition("?")[0]
    return _IDENTIFIER.sub("…", _SUBJECT.sub("…", path))[:80]
