"""An HTTP/2 server: each request in full to one coroutine, its response within the peer's windows."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import h2.errors

from cinq.transport.error import TransportError
from cinq.transport.http2.link import Limits, Link, Secured
from cinq.transport.http2.message import Request, Response

log = logging.getLogger(__name__)

Answer = Callable[[Request, Secured], Awaitable[Response]]


@dataclass(slots=True)
class _Incoming:
    """A request that is arriving."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    since: float
    body: bytearray = field(default_factory=bytearray)


class Http2Server:
    """The open connections of one address. close() ends them."""

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self.answer = answer
        self.limits = limits
        self.links: set[_Served] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, address: str, port: int, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Served(self), address, port, ssl=tls)
        except OSError as error:
            raise TransportError(f"HTTP/2 on {address}:{port}: {error.strerror or error}") from error

    @property
    def local(self) -> tuple[str, int]:
        assert self._server is not None
        name = self._server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for link in list(self.links):
            link.close("the server stops")
        if self._server is not None:
            await self._server.wait_closed()


async def serve(
    address: str,
    port: int,
    answer: Answer,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
) -> Http2Server:
    """Listens. answer must not raise: what it raises is a 500 without a word. TransportError: address or port."""
    server = Http2Server(answer, limits or Limits())
    await server.listen(address, port, tls)
    return server


class _Served(Link):
    """One client's connection."""

    def __init__(self, server: Http2Server) -> None:
        super().__init__(client=False, limits=server.limits)
        self._server = server
        self._arriving: dict[int, _Incoming] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}
        server.links.add(self)

    @property
    def busy(self) -> bool:
        return super().busy or bool(self._answering)

    def opened(self, stream: int, headers: list[tuple[str, str]], ended: bool) -> None:
        pseudo = {name: value for name, value in headers if name.startswith(":")}
        rest = tuple((name, value) for name, value in headers if not name.startswith(":"))
        request = _Incoming(pseudo.get(":method", ""), pseudo.get(":path", ""), rest, self._loop.time())
        self._arriving[stream] = request
        if ended:
            self._whole(stream)

    def data(self, stream: int, octets: bytes, ended: bool) -> None:
        request = self._arriving.get(stream)
        if request is None:
            return
        if len(request.body) + len(octets) > self.limits.body:
            del self._arriving[stream]
            self._answered(stream, Response(413))
            if not ended:
                self.give_up(stream, h2.errors.ErrorCodes.NO_ERROR)
            return
        request.body += octets
        if ended:
            self._whole(stream)

    def looked(self, now: float) -> None:
        """A request that comes drop by drop is not waited for (RFC 9110 §15.5.9)."""
        for stream, request in list(self._arriving.items()):
            if now - request.since > self.limits.arrive:
                del self._arriving[stream]
                self._answered(stream, Response(408))
                self.give_up(stream, h2.errors.ErrorCodes.NO_ERROR)

    def stream_lost(self, stream: int, reason: str) -> None:
        """Nobody waits for the answer any more; what is under way goes on to its end, as if it had been sent."""
        self._arriving.pop(stream, None)

    def lost(self, reason: str) -> None:
        self._server.links.discard(self)
        self._arriving.clear()

    def _whole(self, stream: int) -> None:
        incoming = self._arriving.pop(stream)
        request = Request(incoming.method, incoming.target, incoming.headers, bytes(incoming.body))
        if len(self._answering) >= 2 * self.limits.streams:  # it asks and resets, asks and resets
            self.close(f"more than {2 * self.limits.streams} requests under way", calm=True)
            return
        task = self._loop.create_task(self._serve(stream, request))
        self._answering[stream] = task
        task.add_done_callback(lambda _: self._answering.pop(stream, None))

    async def _serve(self, stream: int, request: Request) -> None:
        try:
            response = await self._server.answer(request, self.peer)
        except Exception:
            log.exception(
                "%s %s: ended by a bug", request.method[:16], request.target.partition("?")[0][:120]
            )
            response = Response(500)
        self._answered(stream, response)

    def _answered(self, stream: int, response: Response) -> None:
        if not self.open or stream not in self.h2.streams or self.h2.streams[stream].closed:
            return
        headers = [(":status", str(response.status)), *response.headers]
        if response.body:
            headers.append(("content-length", str(len(response.body))))
        self.send_headers(stream, headers, response.body)


__all__ = ["Answer", "Http2Server", "serve"]
