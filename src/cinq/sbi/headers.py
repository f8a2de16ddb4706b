"""The custom headers of the SBI that are written and looked at here: TS 29.500 §5.2.3."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from cinq.procedure import Why
from cinq.sbi.message import Headers, Request
from cinq.sbi.operation import Operation
from cinq.sbi.problem import Problem

MAX_RSP_TIME = "3gpp-sbi-max-rsp-time"
SENDER_TIMESTAMP = "3gpp-sbi-sender-timestamp"
CALLBACK = "3gpp-sbi-callback"
CORRELATION_INFO = "3gpp-sbi-correlation-info"
MESSAGE_PRIORITY = "3gpp-sbi-message-priority"
BINDING = "3gpp-sbi-binding"
PRODUCER_ID = "3gpp-sbi-producer-id"
TARGET_NF_ID = "3gpp-sbi-target-nf-id"
LOWEST_PRIORITY, USUAL_PRIORITY = 31, 24  # TS 29.500 §6.8.4: 0 is the highest
_CORRELATED = re.compile(r"(?:imsi|nai|suci)-[A-Za-z0-9@._-]{1,200}")
_NF_ID = re.compile(r"\s*nfinst=([0-9a-fA-F-]{36})")
_WORD = re.compile(r"[^A-Za-z0-9_-]")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def of_a_request(op: Operation, arguments: Sequence[object], within_s: float) -> Headers:
    """How long the consumer waits and since when, whom it is about, and of a notification which."""
    made = [(MAX_RSP_TIME, str(int(within_s * 1000))), (SENDER_TIMESTAMP, timestamp(time.time()))]
    about = next((a for a in arguments if isinstance(a, str) and _CORRELATED.fullmatch(a)), None)
    if about is not None:
        made.append((CORRELATION_INFO, about))
    if op.callback:
        made.append((CALLBACK, _WORD.sub("_", op.name)))
    return tuple(made)


def timestamp(seconds: float) -> str:
    """'Sun, 04 Aug 2019 08:49:37.845 GMT' (§5.2.3.3.2), in every locale."""
    at = datetime.fromtimestamp(seconds, UTC)
    clock = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {clock} GMT"


def seconds_of(text: str) -> float | None:
    """None: it is no such time."""
    found = re.fullmatch(
        r"\s*\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d)\.(\d{3}) GMT\s*", text[:64], re.ASCII
    )
    if found is None or found[2] not in _MONTHS:
        return None
    day, year, hour, minute, second, milli = (int(found[n]) for n in (1, 3, 4, 5, 6, 7))
    try:
        at = datetime(year, _MONTHS.index(found[2]) + 1, day, hour, minute, second, milli * 1000, UTC)
    except ValueError:
        return None
    return at.timestamp()


def refuse_the_late(request: Request, now: float) -> None:
    """Problem 504 TIMED_OUT_REQUEST: its consumer does not wait any more (TS 29.500 §6.11.2)."""
    sent, waits = request.header(SENDER_TIMESTAMP), (request.header(MAX_RSP_TIME) or "").strip()
    if sent is None or not (waits.isascii() and waits.isdigit() and len(waits) <= 5):
        return
    since = seconds_of(sent)
    if since is not None and now > since + int(waits) / 1000:
        raise Problem(504, "TIMED_OUT_REQUEST", Why("nobody waits for the answer any more"))


def priority_of(request: Request) -> int:
    """0 to 31, the lowest number first; what is none is usual (§5.2.3.2.2)."""
    text = (request.header(MESSAGE_PRIORITY) or "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else USUAL_PRIORITY
    return number if number <= LOWEST_PRIORITY else USUAL_PRIORITY


def of_a_resource(instance: str) -> Headers:
    """Of a 201: which instance has made it, and that it stays there (§5.2.3.2.6, §5.2.3.2.8)."""
    if not instance:
        return ()
    return ((BINDING, f"bl=nf-instance; nfinst={instance}"), (PRODUCER_ID, f"nfinst={instance}"))


def target_instance(headers: Headers) -> str:
    """The NF instance that a redirection goes to (§5.2.3.2.13); "" where it does not say."""
    for name, value in headers:
        if name == TARGET_NF_ID and (found := _NF_ID.match(value)) is not None:
            return found[1].lower()
    return ""
