"""The SBI over HTTP/2, TS 29.500 §5: calls that leave this process.

OverHttp is the wire of a bus: it finds out where an operation is served, has an access token for it, and brings the
answer. What comes in is cinq.sbi.producers.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from cinq.procedure import Why
from cinq.sbi.answer import answer_of
from cinq.sbi.directory import Found
from cinq.sbi.message import Request, Response
from cinq.sbi.operation import Operation
from cinq.sbi.peers import Peers
from cinq.sbi.problem import Problem
from cinq.sbi.request import request_of
from cinq.sbi.resource import made_at, parted
from cinq.transport.error import NoAnswerError

WITHIN_S = 10.0  # for an answer
IDEMPOTENT = frozenset(("GET", "PUT", "DELETE"))


class Directory(Protocol):
    async def find(self, op: Operation, consumer: str, instance: str | None, root: str) -> Found:
        """Problem 504: nobody serves it."""
        ...

    def failed(self, place: Found) -> None:
        """It did not answer."""


class Authority(Protocol):
    """Access tokens of the consumers of this process."""

    async def authorization(self, op: Operation, consumer: str) -> str:
        """The value of the Authorization header; "" where none is needed. Problem: the NRF gives none."""
        ...

    def refused(self, op: Operation, consumer: str) -> bool:
        """The token was refused. Whether it is worth asking with another."""
        ...


class OverHttp:
    """Each call is a request to whoever serves it. mark: by which this process knows its own requests again.

    own: the API root of this process. What was created elsewhere is named with where (cinq.sbi.resource).
    """

    def __init__(
        self, directory: Directory, peers: Peers, authority: Authority | None = None, own: str = ""
    ) -> None:
        self.directory = directory
        self.peers = peers
        self.authority = authority
        self.own = own
        self.mark = f"cinq/{secrets.token_hex(8)}"

    async def __call__(
        self,
        op: Operation,
        consumer: str,
        instance: str | None,
        arguments: tuple[object, ...],
        root: str = "",
    ) -> object:
        """Problem as the producer refused; 504 TARGET_NF_NOT_REACHABLE where it does not answer in time."""
        arguments, held = parted(op, arguments)
        request = request_of(op, arguments)
        place = await self.directory.find(op, consumer, instance, root or held)
        try:
            response = await self._ask(op, consumer, place, request)
        except NoAnswerError as error:
            self.directory.failed(place)
            another = (
                None if root or held else await self._another(op, consumer, instance, place, request, error)
            )
            if another is None:
                raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why(f"{op.name}: {error.what}")) from None
            place, response = another
        return made_at(
            op, answer_of(op, request, response), response.header("location") or "", place.root, self.own
        )

    async def _another(
        self,
        op: Operation,
        consumer: str,
        instance: str | None,
        tried: Found,
        request: Request,
        error: NoAnswerError,
    ) -> tuple[Found, Response] | None:
        """Another producer, once, where this one has not carried the operation out or twice does no harm.

        TS 29.500 §5.2.8: what is not idempotent is repeated only if it was not sent.
        """
        if not (error.not_sent or op.method in IDEMPOTENT):
            return None
        place = await self.directory.find(op, consumer, instance, "")
        if place.root == tried.root:
            return None
        try:
            return place, await self._ask(op, consumer, place, request)
        except NoAnswerError:
            self.directory.failed(place)
            return None

    async def _ask(self, op: Operation, consumer: str, place: Found, plain: Request) -> Response:
        """A token that is refused is asked for again, once (TS 29.500 §6.7.3)."""
        response = await self._send(op, consumer, place, plain)
        if response.status == 401 and self.authority is not None and self.authority.refused(op, consumer):
            response = await self._send(op, consumer, place, plain)
        return response

    async def _send(self, op: Operation, consumer: str, place: Found, plain: Request) -> Response:
        headers = (*plain.headers, ("user-agent", f"{consumer}-{self.mark}"))
        if self.authority is not None:
            token = await self.authority.authorization(op, consumer)
            if token:
                headers = (*headers, ("authorization", token))
        request = Request(plain.method, plain.target, headers, plain.body)
        return await self.peers.send(place.root, request, WITHIN_S, place.instance)
