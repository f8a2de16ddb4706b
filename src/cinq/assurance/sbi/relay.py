"""A bench function between the target's own: what it is asked it asks the target's producer, and changes the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cinq.assurance.sbi.nf import Nf
from cinq.assurance.trial import Trial
from cinq.ran.scenarios.check import Failed
from cinq.transport.http2 import Request, Response, Secured

Alter = Callable[[Request, Response], Response]
PASSED_ON = frozenset(("content-type", "location", "etag"))


class Relay:
    """asked: what came, in order. alter: what becomes of the producer's answer."""

    def __init__(self, trial: Trial, alter: Alter) -> None:
        self.trial = trial
        self.asked: list[Request] = []
        self._alter = alter
        self._me = Nf(trial)
        self._root = self._token = ""

    async def answer(self, request: Request, peer: Secured) -> Response:
        self.asked.append(request)
        kept = tuple(each for each in request.headers if each[0] in ("content-type", "accept"))
        token = ("authorization", f"Bearer {self._token}")
        forwarded = Request(request.method, request.target, (*kept, token), request.body)
        try:
            response = await self._me.wire.ask(self._root, forwarded)
        except Failed:
            return Response(504)
        headers = tuple(each for each in response.headers if each[0] in PASSED_ON)
        return self._alter(request, Response(response.status, headers, response.body))

    @asynccontextmanager
    async def in_place(self, nf_type: str, service: str, version: str, consumer: str) -> AsyncIterator[None]:
        """The first that the NRF shows for the service, for as long as this lasts. Controls: it can be."""
        alone = Nf(self.trial, 1)
        async with self._me.registered(consumer):
            producer = await self._me.finds(nf_type, consumer, service)
            self._root = producer.root_of(service)
            self._token = await self._me.token(service, consumer, nf_type)
            async with alone.wire.serving(self.answer) as root:
                offered = {**alone.service(service, root, version), "priority": 0, "capacity": 65_535}
                place = {"ipv4Addresses": [root.partition("://")[2].rpartition(":")[0]]}
                first = {"nfStatus": "REGISTERED", "priority": 0, "capacity": 65_535, "nfServices": [offered]}
                async with alone.registered(nf_type, **place, **first):
                    yield
