"""An HTTP/2 client of one peer: one connection, opened when there is something to send, many requests at a time.

A peer that is slow or gone delays nobody else: each has its own connection, its own queue and its own bounds.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass, field

import h2.errors
import h2.exceptions

from cinq.transport.error import NoAnswerError
from cinq.transport.http2.link import Limits, Link, Secured
from cinq.transport.http2.message import Request, Response

CONNECT_S = 2.0
LEAVE_S = 0.5  # for the peer's last word
WAITING = 1024  # requests that wait for a stream of this peer; more are refused at once
REST_S = (
    0.5,
    1.0,
    2.0,
    5.0,
)  # after failures to connect, one after the other: asked meanwhile, it is not tried again

_TARGET = re.compile(r"/[!-~]*")
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(
    r"([^\x00-\x20\x7f\ud800-\udfff]([^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*[^\x00-\x20\x7f\ud800-\udfff])?)?"
)


def authority_of(host: str, port: int) -> str:
    """'127.0.0.8:7777', '[::1]:7777' (RFC 3986 §3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(slots=True)
class _Asked:
    """A request under way, and what has come of its answer."""

    request: Request
    reply: asyncio.Future[Response]
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)


class Http2Peer:
    """The other end at one address. authority: what it is called in requests and in its certificate."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        authority: str = "",
        limits: Limits | None = None,
    ) -> None:
        self.host, self.port, self.tls = host, port, tls
        self.authority = authority or authority_of(host, port)
        self.limits = limits or Limits()
        self._link: _Calling | None = None
        self._connecting: asyncio.Task[_Calling] | None = None
        self._failures, self._rests_until = 0, 0.0
        self._why = ""

    async def send(self, request: Request, *, within: float = 5.0, shows: str = "") -> Response:
        """The response, whatever its status. NoAnswerError: none within this many seconds, or no connection.

        shows: a name that the peer's certificate must have; without it nothing is sent.

        The request may have been carried out all the same, unless it says that it was not sent.
        """
        try:
            async with asyncio.timeout(within):
                link = await self._connected()
                if shows and shows not in link.peer.names:
                    raise NoAnswerError(f"{self.authority}: not sent: its certificate is not for {shows}")
                return await link.ask(request)
        except TimeoutError:
            raise NoAnswerError(f"{self.authority}: no answer within {within:g} s") from None

    @property
    def secured(self) -> Secured | None:
        """How the other end of the open connection has shown who it is."""
        return None if self._link is None or not self._link.open else self._link.peer

    @property
    def busy(self) -> bool:
        """Whether somebody waits for it."""
        return self._connecting is not None or (self._link is not None and self._link.busy)

    async def close(self) -> None:
        """Until the connection is gone. Idempotent."""
        self.end()
        if self._link is not None:
            await self._link.down(LEAVE_S)

    def end(self) -> None:
        """At once. Idempotent."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.close("the client stops")

    async def _connected(self) -> _Calling:
        link = self._link
        if link is not None and link.open and not link.leaving:
            return link
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            raise NoAnswerError(f"{self.authority}: not sent: {self._why}")
        if self._connecting is None:
            self._connecting = loop.create_task(self._connect())
            self._connecting.add_done_callback(self._tried)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> _Calling:
        loop = asyncio.get_running_loop()
        name = self.authority.rpartition(":")[0].strip("[]") if self.tls is not None else None
        try:
            async with asyncio.timeout(CONNECT_S):
                _, link = await loop.create_connection(
                    lambda: _Calling(self.authority, self.limits, self.tls is not None),
                    self.host,
                    self.port,
                    ssl=self.tls,
                    server_hostname=name,
                )
        except (
            OSError,
            TimeoutError,
            ValueError,
        ) as error:  # ValueError: no name at all, such as of a long label
            said = str(error) or f"no connection within {CONNECT_S:g} s"
            raise NoAnswerError(f"{self.authority}: not sent: {said}") from None
        self._link = link
        return link

    def _tried(self, task: asyncio.Task[_Calling]) -> None:
        self._connecting = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._failures = 0
            return
        rest = REST_S[min(self._failures, len(REST_S) - 1)]
        self._failures += 1
        self._why = str(error).partition("not sent: ")[2]
        self._rests_until = asyncio.get_running_loop().time() + rest


def _fault(request: Request) -> str:
    """What would make the peer end the connection, and with it the requests of others (RFC 9113 §8.2.1)."""
    if _TARGET.fullmatch(request.target) is None:
        return f"a target of {request.target[:80]!a}"
    for name, value in request.headers:
        if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            return f"a header field {name[:40]!a}"
    return ""


class _Calling(Link):
    """The connection to a server."""

    def __init__(self, authority: str, limits: Limits, tls: bool) -> None:
        super().__init__(client=True, limits=limits)
        self.leaving = False
        self._authority = authority
        self._scheme = "https" if tls else "http"
        self._asked: dict[int, _Asked] = {}
        self._waiting: deque[_Asked] = deque()

    @property
    def busy(self) -> bool:
        return super().busy or bool(self._asked)

    async def ask(self, request: Request) -> Response:
        """NoAnswerError: the peer went away, gave the stream up, too many wait, or it is no request."""
        wrong = _fault(request)
        if wrong:
            raise NoAnswerError(f"{self._authority}: not sent: {wrong}")
        if len(self._waiting) >= WAITING:
            raise NoAnswerError(f"{self._authority}: not sent: {WAITING} requests wait already")
        asked = _Asked(request, self._loop.create_future())
        self._waiting.append(asked)
        self._next()
        try:
            return await asked.reply
        except asyncio.CancelledError:
            self._forget(asked)
            raise

    def _next(self) -> None:
        """Those that wait, as far as the peer takes more streams at a time."""
        while self._waiting and self.open and not self.leaving:
            if len(self._asked) >= min(self.h2.remote_settings.max_concurrent_streams, self.limits.streams):
                return
            asked = self._waiting.popleft()
            if not asked.reply.done():
                self._start(asked)

    def _start(self, asked: _Asked) -> None:
        request = asked.request
        try:
            stream = self.h2.get_next_available_stream_id()
        except h2.exceptions.NoAvailableStreamIDError:
            self.close("its streams are used up")
            return
        headers = [
            (":method", request.method),
            (":scheme", self._scheme),
            (":authority", self._authority),
            (":path", request.target),
            *request.headers,
        ]
        if request.body:
            headers.append(("content-length", str(len(request.body))))
        self._asked[stream] = asked
        try:
            self.send_headers(stream, headers, request.body)
        except h2.exceptions.ProtocolError as error:
            del self._asked[stream]
            asked.reply.set_exception(NoAnswerError(f"{self._authority}: not sent: {error}"))

    def _forget(self, asked: _Asked) -> None:
        """Nobody waits any more."""
        for stream, each in list(self._asked.items()):
            if each is asked:
                del self._asked[stream]
                self.give_up(stream, h2.errors.ErrorCodes.CANCEL)
        self._next()

    def opened(self, stream: int, headers: list[tuple[str, str]], ended: bool) -> None:
        asked = self._asked.get(stream)
        if asked is None:
            return
        status = next((value for name, value in headers if name == ":status"), "")
        asked.status = int(status) if status.isdigit() else 0
        asked.headers = tuple((name, value) for name, value in headers if not name.startswith(":"))
        if ended:
            self._whole(stream)

    def data(self, stream: int, octets: bytes, ended: bool) -> None:
        asked = self._asked.get(stream)
        if asked is None:
            return
        if len(asked.body) + len(octets) > self.limits.body:
            self._fail(stream, f"an answer of more than {self.limits.body} octets")
            self.give_up(stream, h2.errors.ErrorCodes.CANCEL)
            return
        asked.body += octets
        if ended:
            self._whole(stream)

    def stream_lost(self, stream: int, reason: str) -> None:
        self._fail(stream, reason)

    def going_away(self, last: int) -> None:
        """What the peer has begun it may still answer; the connection takes nothing new."""
        self.leaving = True
        for stream in [each for each in self._asked if each > last]:
            self._fail(stream, "not sent: the peer goes away")
        self._refuse_waiting("not sent: the peer goes away")
        if not self._asked:
            self.close("the peer goes away")

    def lost(self, reason: str) -> None:
        for stream in list(self._asked):
            self._fail(stream, reason)
        self._refuse_waiting(f"not sent: {reason}")

    def _refuse_waiting(self, reason: str) -> None:
        for asked in self._waiting:
            if not asked.reply.done():
                asked.reply.set_exception(NoAnswerError(f"{self._authority}: {reason}"))
        self._waiting.clear()

    def _whole(self, stream: int) -> None:
        asked = self._asked.pop(stream)
        if not asked.reply.done():
            asked.reply.set_result(Response(asked.status, asked.headers, bytes(asked.body)))
        self._next()
        if self.leaving and not self._asked:
            self.close("the peer goes away")

    def _fail(self, stream: int, reason: str) -> None:
        asked = self._asked.pop(stream, None)
        if asked is not None and not asked.reply.done():
            asked.reply.set_exception(NoAnswerError(f"{self._authority}: {reason}"))
        self._next()
