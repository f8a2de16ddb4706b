"""Overload control by the 3gpp-Sbi-Oci header: TS 29.500 §5.2.3.2.9 and §6.4.3.

A producer with much under way says by how much others are to ask it less, and for how long; a consumer lets so many of
its requests be before they are sent, urgent ones never.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from cinq.sbi.headers import priority_of
from cinq.sbi.message import Request, Response

OCI = "3gpp-sbi-oci"
VALID_S, LONGEST_S = 5, 600  # of what is said here; for which what others say is believed
BEGINS = 0.8  # of what may be under way: from there on others are to ask less
URGENT = 16  # priorities below are never let be
MOST = 256  # producers of which it is kept
_ELEMENT = re.compile(
    r'\s*Timestamp:\s+"(?P<time>[^"]{1,64})"\s*;\s+Period-of-Validity:\s+(?P<valid>\d{1,9})s\s*;'
    r"\s+Overload-Reduction-Metric:\s+(?P<metric>\d{1,3})%\s*;"
    r"\s+(?P<kind>NF-Instance|SCP-FQDN):\s+[A-Za-z0-9.-]{1,255}\s*"
)


def reduction(under_way: int, room: int) -> int:
    """Per cent by which others are to ask less; 0: not at all."""
    room = max(room, 1)
    begins = room * BEGINS
    return 0 if under_way <= begins else min(round(100 * (under_way - begins) / (room - begins)), 100)


def said(instance: str, metric: int, now: float) -> tuple[str, str]:
    """The header of a producer."""
    time = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    text = (
        f'Timestamp: "{time}"; Period-of-Validity: {VALID_S}s; Overload-Reduction-Metric: {metric}%; '
        f"NF-Instance: {instance}"
    )
    return OCI, text


@dataclass(frozen=True, slots=True)
class _Told:
    metric: int
    time: float
    until: float


class Overloads:
    """By API root, what producers and SCPs have said. Scopes of a slice or a DNN are passed over."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def heard(self, root: str, response: Response, now: float) -> None:
        """now: of the clock by which it is forgotten. Through an SCP only what the SCP says is of the root."""
        by_scp = "SCP-" in (response.header("via") or "")
        for name, value in response.headers:
            found = _ELEMENT.fullmatch(value) if name == OCI and len(value) < 1024 else None
            if found is None or (by_scp and found["kind"] != "SCP-FQDN"):
                continue
            try:
                time = parsedate_to_datetime(found["time"]).timestamp()
            except (ValueError, TypeError, OverflowError):
                continue
            before = self._told.get(root)
            if before is not None and before.until > now and time < before.time:
                continue  # it is older than what is known (§6.4.3.4.2)
            if len(self._told) >= MOST and root not in self._told:
                self._told.clear()
            valid = min(int(found["valid"]), LONGEST_S)
            self._told[root] = _Told(min(int(found["metric"]), 100), time, now + valid)

    def lets_be(self, root: str, request: Request, now: float) -> bool:
        """Whether this one is not to be sent (§6.4.3.5)."""
        told = self._told.get(root)
        if told is None:
            return False
        if told.until <= now:
            del self._told[root]
            return False
        return priority_of(request) >= URGENT and random.random() * 100 < told.metric
