"""What comes over HTTP/2, answered: the operation is found, its token looked at, its provider asked."""

from __future__ import annotations

import re
import ssl
import time
from typing import Protocol

from cinq.procedure import Why
from cinq.sbi.answer import problem_of, response_of
from cinq.sbi.assertion import HEADER, Assertions
from cinq.sbi.body import refuse_duplicates
from cinq.sbi.bus import Bus
from cinq.sbi.caller import Caller, called_by, shown_by
from cinq.sbi.encoding import read_request, written
from cinq.sbi.guard import Guard
from cinq.sbi.headers import of_a_resource, priority_of, refuse_the_late
from cinq.sbi.message import Request, Response
from cinq.sbi.operation import Operation
from cinq.sbi.overload import reduction, said
from cinq.sbi.problem import Problem
from cinq.sbi.reach import api_root
from cinq.sbi.request import arguments_of
from cinq.transport.http2 import Http2Server, Secured, serve

MOST_UNDER_WAY = 4096  # requests; half of it for those of usual priority
URGENT = 16  # priorities below are served while there is any room
_NF = re.compile(r"[A-Z0-9_]{2,16}(?=$|[-/ ])")


class Relay(Protocol):
    """An SCP, as requests see it."""

    def takes(self, request: Request, own: str) -> bool:
        """Whether the request is for others. own: the API root at which it came."""
        ...

    async def forward(self, request: Request, who: Caller) -> Response: ...


class Producers:
    """What a bus serves, for whoever asks. api_root: where it is reached, for the places of resources.

    mark: of this process's own requests, whose trace has them already. guard: None asks for no tokens. assertions: None
    looks at none.
    """

    def __init__(
        self,
        bus: Bus,
        api_root: str,
        mark: str = "",
        guard: Guard | None = None,
        assertions: Assertions | None = None,
    ) -> None:
        self._bus = bus
        self.api_root = api_root
        self._mark = mark
        self._guard = guard
        self._assertions = assertions
        self._under_way = 0
        self.says_where = True
        """Whether who made a resource is told: not to applications."""
        self.relay: Relay | None = None
        """What is for others goes on to them: of an SCP."""

    async def answer(self, request: Request, peer: Secured) -> Response:
        """What comes late is not begun; when too much is under way, what matters least waits outside."""
        self._under_way += 1
        try:
            metric = reduction(self._under_way, MOST_UNDER_WAY // 2)
            response = await self._answer(request, peer)
            if metric and self.says_where and (own := self._bus.instances()):
                response = Response(
                    response.status, (*response.headers, said(own[0], metric, time.time())), response.body
                )
            return written(response, request.header("accept-encoding"))
        finally:
            self._under_way -= 1

    async def _answer(self, request: Request, peer: Secured) -> Response:
        operation, who = None, shown_by(peer)
        if self.relay is not None and self.relay.takes(request, self.api_root):
            if self._under_way > MOST_UNDER_WAY:
                return Response(503, (("retry-after", "1"),))
            return await self.relay.forward(request, who)
        try:
            operation, values = self._bus.routes.find(request.method, request.target)
            self._refuse_where_too_many(request)
            refuse_the_late(request, time.time())
            who = self._admitted(operation, request, who)
            request = read_request(request)
            if request.body:
                refuse_duplicates(request.header("content-type"), request.body)
            arguments = arguments_of(operation, values, request)
            called_by(who)
            answer = await self._bus.receive(operation, self._asker(request), tuple(arguments))
        except Problem as problem:
            return problem_of(operation, problem)
        response = response_of(operation, answer, self.api_root)
        if response.status != 201 or not self.says_where:
            return response
        made_by = of_a_resource(next(iter(self._bus.providers(operation)), ""))
        return Response(response.status, (*response.headers, *made_by), response.body)

    def _admitted(self, operation: Operation, request: Request, who: Caller) -> Caller:
        """Who asks: by its certificate, by its assertion where an SCP brings it, by its token. Problem 401 or 403."""
        assertion, subject = request.header(HEADER), ""
        if assertion is not None and self._assertions is not None:
            subject = self._assertions.verify(assertion, operation.owner, None)
            who = self._assertions.spoken_for(who, subject)
        if self._guard is not None:
            claims = self._guard.admit(operation, request.header("authorization"), who, self.api_root)
            if claims is not None:
                if subject and claims.sub.lower() != subject:
                    raise Problem(403, "TOKEN_CCA_MISMATCH", Why("the access token is another function's"))
                who = Caller(who.tls, who.instances, claims)
        return who

    def _refuse_where_too_many(self, request: Request) -> None:
        """Problem 503 NF_CONGESTION, TS 29.500 §6.4.2.3 and §6.8.5: by priority."""
        room = MOST_UNDER_WAY if priority_of(request) < URGENT else MOST_UNDER_WAY // 2
        if self._under_way > room:
            problem = Problem(503, "NF_CONGESTION", Why(f"{self._under_way} requests are under way"))
            problem.headers = (("retry-after", "1"),)
            raise problem

    def _asker(self, request: Request) -> str | None:
        """The NF type that a User-Agent begins with (TS 29.500 §5.2.2.2). None: this process, whose trace has it."""
        agent = request.header("user-agent") or ""
        if self._mark and agent.endswith(self._mark):
            return None
        found = _NF.match(agent)
        return "NF" if found is None else found[0]


async def offer(
    bus: Bus,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    mark: str = "",
    guard: Guard | None = None,
    assertions: Assertions | None = None,
    relay: Relay | None = None,
    *,
    says_where: bool = True,
) -> Http2Server:
    """Takes requests for what the bus serves. TransportError: the address or the port."""
    producers = Producers(bus, api_root(host, port, tls=tls is not None), mark, guard, assertions)
    producers.relay, producers.says_where = relay, says_where
    server = await serve(host, port, producers.answer, tls=tls)
    producers.api_root = api_root(host, server.local[1], tls=tls is not None)
    return server
