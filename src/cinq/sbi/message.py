"""An HTTP request and its response, as a service operation sees them: no connection, no version, no timing.

TS 29.500 §5.2. Header names are lower case. A target is the path with the query, percent-encoded, below {apiRoot}.
"""

from __future__ import annotations

from dataclasses import dataclass, field

JSON = "application/json"
PROBLEM = "application/problem+json"
MULTIPART = "multipart/related"
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        return _first(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        return _first(self.headers, name)


def _first(headers: Headers, name: str) -> str | None:
    for key, value in headers:
        if key == name:
            return value
    return None


def media_type(content_type: str | None) -> str:
    """'Application/JSON; charset=utf-8' -> 'application/json'."""
    return (content_type or "").partition(";")[0].strip().lower()
