"""The SBI over HTTP/2, TS 29.500 §5: calls that leave this process.

OverHttp is the wire of a bus: it finds out where an operation is served, has an access token for it, and brings the
answer. What comes in is cinq.sbi.producers.
"""

from __future__ import annotations

import re
import secrets
from typing import Protocol

from cinq.numbering import PlmnId
from cinq.procedure import Why
from cinq.sbi.abroad import Abroad
from cinq.sbi.answer import answer_of
from cinq.sbi.directory import Found
from cinq.sbi.encoding import ACCEPTED, read_response
from cinq.sbi.headers import of_a_request, target_instance
from cinq.sbi.indirect import TARGET_API_ROOT, Indirect, unreachable
from cinq.sbi.message import Request, Response
from cinq.sbi.operation import Created, Operation
from cinq.sbi.peers import Peers
from cinq.sbi.problem import Problem
from cinq.sbi.request import request_of
from cinq.sbi.resource import made_at, parted
from cinq.transport.error import NoAnswerError

WITHIN_S = 10.0  # for an answer
REDIRECTIONS = 3  # that are followed one after the other
AWAY = (429, 503)  # it has not begun, and says so: others may have room (TS 29.500 §6.4.2)
IDEMPOTENT = frozenset(("GET", "PUT", "DELETE"))


class Directory(Protocol):
    async def find(
        self, op: Operation, consumer: str, instance: str | None, root: str, plmn: PlmnId | None = None
    ) -> Found:
        """Problem 504: nobody serves it."""
        ...

    def failed(self, place: Found) -> None:
        """It did not answer."""


class Authority(Protocol):
    """Access tokens of the consumers of this process."""

    async def authorization(self, op: Operation, consumer: str, plmn: PlmnId | None = None) -> str:
        """The value of the Authorization header; "" where none is needed. Problem: the NRF gives none."""
        ...

    def refused(self, op: Operation, consumer: str, plmn: PlmnId | None = None) -> bool:
        """The token was refused. Whether it is worth asking with another."""
        ...


class OverHttp:
    """Each call is a request to whoever serves it. mark: by which this process knows its own requests again.

    own: the API root of this process. What was created elsewhere is named with where (cinq.sbi.resource). abroad: how
    other networks are reached.
    """

    def __init__(
        self,
        directory: Directory,
        peers: Peers,
        authority: Authority | None = None,
        own: str = "",
        abroad: Abroad | None = None,
    ) -> None:
        self.directory = directory
        self.peers = peers
        self.authority = authority
        self.own = own
        self.abroad = abroad
        self.indirect: Indirect | None = None
        """By which requests go through an SCP; None: directly to who serves them."""
        self.mark = f"cinq/{secrets.token_hex(8)}"

    async def __call__(
        self,
        op: Operation,
        consumer: str,
        instance: str | None,
        arguments: tuple[object, ...],
        root: str = "",
        plmn: PlmnId | None = None,
    ) -> object:
        """Problem as the producer refused; 504 TARGET_NF_NOT_REACHABLE where it does not answer in time."""
        arguments, held = parted(op, arguments)
        fixed = root or held
        plain = request_of(op, arguments)
        headers = (
            *plain.headers,
            ACCEPTED,
            ("user-agent", f"{consumer}-{self.mark}"),
            *of_a_request(op, arguments, WITHIN_S),
        )
        request = Request(plain.method, plain.target, headers, plain.body)
        place = await self._place(op, consumer, instance, fixed, plmn)
        try:
            response = await self._ask(op, consumer, instance, place, request)
            away = response.status in AWAY
            silent = unreachable(response)  # as the SCP says: it may have been sent
            worth = away or (silent and op.method in IDEMPOTENT)
        except NoAnswerError as error:
            said, response, silent = error, None, True
            # TS 29.500 §5.2.8: what is not idempotent is repeated only if it was not sent
            worth = error.not_sent or op.method in IDEMPOTENT
        if silent or worth:
            self.directory.failed(place)
            another = (
                None
                if fixed or not worth
                else await self._another(op, consumer, instance, place, request, plmn)
            )
            if another is not None:
                place, response = another
        if response is None:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why(f"{op.name}: {said.what}"))
        answer = answer_of(op, request, response)
        made = made_at(op, answer, response.header("location") or "", place.root, self.own)
        if self.indirect is not None and isinstance(made, Created):
            self.indirect.heard(made.location.partition(op.root)[0], response)
        return made

    async def _place(
        self, op: Operation, consumer: str, instance: str | None, fixed: str, plmn: PlmnId | None
    ) -> Found:
        """A place without a root: the SCP finds one."""
        if self.indirect is not None and plmn is None and self.indirect.chooses(op, fixed):
            return Found("")
        return await self.directory.find(op, consumer, instance, fixed, plmn)

    async def _another(
        self,
        op: Operation,
        consumer: str,
        instance: str | None,
        tried: Found,
        request: Request,
        plmn: PlmnId | None,
    ) -> tuple[Found, Response] | None:
        """Another producer, once; None: there is none, or it does not answer either."""
        try:
            place = await self._place(op, consumer, instance, "", plmn)
        except Problem:
            return None
        if place.root == tried.root:
            return None
        try:
            return place, await self._ask(op, consumer, instance, place, request)
        except NoAnswerError:
            self.directory.failed(place)
            return None

    async def _ask(
        self, op: Operation, consumer: str, instance: str | None, place: Found, request: Request
    ) -> Response:
        """A token that is refused is asked for again, once (TS 29.500 §6.7.3); redirections are followed."""
        response = await self._send(op, consumer, instance, place, request)
        plmn = self._network_of(place)
        if (
            response.status == 401
            and self.authority is not None
            and self.authority.refused(op, consumer, plmn)
        ):
            response = await self._send(op, consumer, instance, place, request)
        seen = {place.root}
        while response.status in (307, 308) and len(seen) <= REDIRECTIONS:
            elsewhere, target = _redirected(response)
            if elsewhere in seen:
                raise NoAnswerError(f"{place.root}: redirects in a circle")
            seen.add(elsewhere)
            moved = Request(request.method, target, request.headers, request.body)
            there = Found(elsewhere, target_instance(response.headers))
            response = await self._send(op, consumer, instance, there, moved)
        return response

    async def _send(
        self, op: Operation, consumer: str, instance: str | None, place: Found, request: Request
    ) -> Response:
        """What is for another network goes to our SEPP, else to the SCP where there is one."""
        edge = "" if self.abroad is None else self.abroad.way(place.root)
        way = self.indirect if self.indirect is not None and not edge and self.indirect.takes(op) else None
        if self.authority is not None and not (way is not None and way.delegated):
            token = await self.authority.authorization(op, consumer, self._network_of(place))
            if token:
                headers = (*request.headers, ("authorization", token))
                request = Request(request.method, request.target, headers, request.body)
        if edge:
            headers = (*request.headers, (TARGET_API_ROOT, place.root))
            place, request = Found(edge), Request(request.method, request.target, headers, request.body)
        elif way is not None:
            place, request = Found(way.scp), way.request(op, consumer, instance, place, request)
        response = await self.peers.send(place.root, request, WITHIN_S, place.instance)
        try:
            return read_response(response)
        except ValueError as error:
            raise NoAnswerError(f"{place.root}: its answer: {error}") from None

    def _network_of(self, place: Found) -> PlmnId | None:
        return None if self.abroad is None else self.abroad.plmn_of(place.root)


def _redirected(response: Response) -> tuple[str, str]:
    """The API root and the target of a redirection (TS 29.500 §6.10.9.1). NoAnswerError: it says no place for requests.

    The scheme is looked at where it is sent: nothing goes in cleartext where there is TLS.
    """
    place = response.header("location") or ""
    found = re.fullmatch(r"(https?://[^/?#\s@\\]{1,255})(/[^\s#]{0,2048})", place)
    if found is None:
        raise NoAnswerError(f"a redirection to {place[:80]!r}")
    return found[1], found[2]
