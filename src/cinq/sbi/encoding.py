"""Content encodings: gzip both ways, with a bound on what octets may become (TS 29.500 §6.9, RFC 9110 §8.4)."""

from __future__ import annotations

import zlib

from cinq.procedure import Why
from cinq.sbi.message import Headers, Request, Response
from cinq.sbi.problem import Problem

LEAST = 2048  # octets of a body below which compressing costs more than it saves
MOST = 1 << 20  # octets that a body may become
LEVEL = 1
ACCEPTED = ("accept-encoding", "gzip")


def inflated(body: bytes) -> bytes:
    """ValueError: it is no gzip, it is cut off, or it becomes more than MOST octets."""
    machine = zlib.decompressobj(31)
    try:
        found = machine.decompress(body, MOST + 1)
    except zlib.error:
        raise ValueError("it is no gzip") from None
    if len(found) > MOST or machine.unconsumed_tail:
        raise ValueError(f"it becomes more than {MOST} octets")
    if not machine.eof or machine.unused_data:
        raise ValueError("it is cut off, or something follows it")
    return found


def deflated(body: bytes) -> bytes:
    machine = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    return machine.compress(body) + machine.flush()


def read_request(request: Request) -> Request:
    """The request without its encoding. Problem 415: another encoding, or several; 413 and 400: see inflated."""
    encoding = request.header("content-encoding")
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return request
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        problem = Problem(
            415, "UNSUPPORTED_MEDIA_TYPE", Why(f"Content-Encoding: found {encoding[:40]!r}, wanted gzip")
        )
        problem.headers = (ACCEPTED,)  # RFC 9110 §12.5.3: what it would take
        raise problem
    try:
        body = inflated(request.body)
    except ValueError as error:
        raise Problem(
            413 if "more than" in str(error) else 400, "INVALID_MSG_FORMAT", Why(f"the body: {error}")
        ) from None
    return Request(request.method, request.target, _without(request.headers), body)


def read_response(response: Response) -> Response:
    """As read_request, for what a peer answers. ValueError."""
    encoding = (response.header("content-encoding") or "").strip().lower()
    if encoding in ("", "identity"):
        return response
    if encoding not in ("gzip", "x-gzip"):
        raise ValueError(f"its encoding is {encoding[:40]!r}")
    return Response(response.status, _without(response.headers), inflated(response.body))


def written(response: Response, accepted: str | None) -> Response:
    """Compressed where it is worth it and the client takes it."""
    if len(response.body) < LEAST or not accepts(accepted) or response.header("content-encoding"):
        return response
    body = deflated(response.body)
    if len(body) >= len(response.body):
        return response
    return Response(response.status, (*response.headers, ("content-encoding", "gzip")), body)


def accepts(value: str | None) -> bool:
    """Whether Accept-Encoding names gzip, or all, and not with a weight of 0 (RFC 9110 §12.5.3)."""
    for part in (value or "").lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def _without(headers: Headers) -> Headers:
    return tuple(each for each in headers if each[0] not in ("content-encoding", "content-length"))
