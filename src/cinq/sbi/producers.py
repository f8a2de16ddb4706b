"""What comes over HTTP/2, answered: the operation is found, its token looked at, its provider asked."""

from __future__ import annotations

import re
import ssl

from cinq.sbi.answer import problem_of, response_of
from cinq.sbi.bus import Bus
from cinq.sbi.caller import Caller, called_by, shown_by
from cinq.sbi.guard import Guard
from cinq.sbi.message import Request, Response
from cinq.sbi.problem import Problem
from cinq.sbi.reach import api_root
from cinq.sbi.request import arguments_of
from cinq.transport.http2 import Http2Server, Secured, serve

_NF = re.compile(r"[A-Z0-9_]{2,16}(?=$|[-/ ])")


class Producers:
    """What a bus serves, for whoever asks. api_root: where it is reached, for the places of resources.

    mark: of this process's own requests, whose trace has them already. guard: None asks for no tokens.
    """

    def __init__(self, bus: Bus, api_root: str, mark: str = "", guard: Guard | None = None) -> None:
        self._bus = bus
        self.api_root = api_root
        self._mark = mark
        self._guard = guard

    async def answer(self, request: Request, peer: Secured) -> Response:
        operation, who = None, shown_by(peer)
        try:
            operation, values = self._bus.routes.find(request.method, request.target)
            if self._guard is not None:
                claims = self._guard.admit(operation, request.header("authorization"), who, self.api_root)
                if claims is not None:
                    who = Caller(who.tls, who.instances, claims)
            arguments = arguments_of(operation, values, request)
            called_by(who)
            answer = await self._bus.receive(operation, self._asker(request), tuple(arguments))
        except Problem as problem:
            return problem_of(operation, problem)
        return response_of(operation, answer, self.api_root)

    def _asker(self, request: Request) -> str | None:
        """The NF type that a User-Agent begins with (TS 29.500 §5.2.2.2). None: this process, whose trace has it."""
        agent = request.header("user-agent") or ""
        if self._mark and agent.endswith(self._mark):
            return None
        found = _NF.match(agent)
        return "NF" if found is None else found[0]


async def offer(
    bus: Bus, host: str, port: int, tls: ssl.SSLContext | None, mark: str = "", guard: Guard | None = None
) -> Http2Server:
    """Takes requests for what the bus serves. TransportError: the address or the port."""
    producers = Producers(bus, api_root(host, port, tls=tls is not None), mark, guard)
    server = await serve(host, port, producers.answer, tls=tls)
    producers.api_root = api_root(host, server.local[1], tls=tls is not None)
    return server
