"""DateTime of TS 29.571, which is that of RFC 3339: as it is written here, in UTC, and read."""

from __future__ import annotations

from datetime import UTC, datetime


def written(seconds: float, timespec: str = "milliseconds") -> str:
    """seconds: since 1970. timespec: as of datetime.isoformat."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def read(text: str) -> float:
    """Seconds since 1970. ValueError or OverflowError: it is none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
