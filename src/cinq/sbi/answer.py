"""What a service operation answers, as an HTTP response, and back: status, Location, body, declared errors.

    response = response_of(operation, answer)             # the producer; or problem_of(operation, problem)
    answer = answer_of(operation, request, response)      # the consumer; Problem as the producer refused

TS 29.501 §5.2, TS 29.500 §5.2.7. What a consumer cannot read of an answer is a 502 of its own.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits, punctuation
from typing import cast
from urllib.parse import quote

import msgspec

from cinq.procedure import Why
from cinq.sbi.body import body_of, data_of, encode, read_body, read_json
from cinq.sbi.message import JSON, MULTIPART, PROBLEM, Headers, Request, Response, media_type
from cinq.sbi.operation import Created, ErrorShape, Multipart, Operation, optional
from cinq.sbi.problem import Problem, ProblemDetails

WRITTEN = ascii_letters + digits + punctuation  # as they are; nothing else can be in a header


def response_of(op: Operation, answer: object, api_root: str = "") -> Response:
    """api_root: of the producer, for the Location of what was created.

    An answer may say its own status (http_status) and headers (http_headers).
    """
    headers: Headers = ()
    status = op.status
    if isinstance(answer, Created):
        headers = (("location", f"{api_root}{op.root}{quote(answer.location, safe=WRITTEN)}"),)
        answer = answer.body
    if answer is None:
        return Response(status if status == 201 else 204, headers)
    status = getattr(
        answer, "http_status", status
    )  # isinstance of a Protocol takes longer than all else here
    headers = (*headers, *getattr(answer, "http_headers", ()))
    content_type, body = body_of(answer)
    return Response(status, (*headers, ("content-type", content_type)), body)


def problem_of(op: Operation | None, problem: Problem) -> Response:
    """In the operation's own shape of errors where it has one."""
    error = None if op is None or op.error is None else op.error.of(problem)
    if error is None:
        content_type, body = PROBLEM, encode(problem.details)
    else:
        content_type, body = body_of(error)
    said: Headers = getattr(error, "http_headers", ())
    return Response(problem.status, (*problem.headers, *said, ("content-type", content_type)), body)


# what the consumer reads


def answer_of(op: Operation, request: Request, response: Response) -> object:
    """What the operation returns. Problem: as the producer refused; 502 when its answer cannot be read."""
    if not 200 <= response.status < 300:
        raise _refusal(op, response)
    shape = op.response
    try:
        if getattr(shape, "__origin__", shape) is Created:
            return _created(op, shape, request, response)
        if shape is None:
            return None
        if not response.body:
            return None if optional(shape) else _nothing(shape)
        return read_body(shape, response.header("content-type"), response.body)
    except Problem as problem:
        why = Why(f"{op.name}: the answer {response.status} cannot be read: {problem.details.detail}")
        raise Problem(502, "PEER_ANSWER_INCORRECT", why) from None


def _created(op: Operation, shape: object, request: Request, response: Response) -> Created[object]:
    """A 201; or of a producer that had the resource already: 200 with it, 204 without. Its place is the target then."""
    root = op.root
    place = response.header("location") or request.target
    path = re.sub(r"^[a-z]+://[^/]*", "", place)
    path = path[path.find(root) + len(root) :] if root in path else path
    body = getattr(shape, "__args__", (object,))[0]
    told = response if response.body else request
    return Created(path.partition("?")[0], read_body(body, told.header("content-type"), told.body or b"{}"))


def _nothing(shape: object) -> object:
    """A 204 where a body may come and each of its attributes is optional."""
    if isinstance(shape, type) and issubclass(shape, Multipart):
        return shape(json_data=read_json(data_of(shape), b"{}"))
    return read_json(shape, b"{}")


def _refusal(op: Operation, response: Response) -> Problem:
    """Whatever a peer says in an error: its own shape, problem details, or nothing that can be read."""
    content_type = response.header("content-type")
    kind = media_type(content_type)
    if op.error is not None and kind in (JSON, MULTIPART):
        try:
            error = cast(ErrorShape, read_body(op.error, content_type, response.body))
            return cast(Problem, error.problem(response.status))
        except Problem:
            pass
    if kind in (PROBLEM, JSON):
        try:
            return Problem.of(msgspec.json.decode(response.body, type=_Details).whole(response.status))
        except (msgspec.MsgspecError, RecursionError):
            pass
    return Problem(response.status, None, Why(f"{op.name}: {response.status} without problem details"))


class _Details(ProblemDetails):
    """As peers send them: without the status, too."""

    status: int = 0

    def whole(self, status: int) -> ProblemDetails:
        known = {name: getattr(self, name) for name in ProblemDetails.__struct_fields__}
        return ProblemDetails(**{**known, "status": status})
