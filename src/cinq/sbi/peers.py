"""The other ends of the SBI, by API root: one HTTP/2 connection each, so that a slow one delays nobody else."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from cinq.sbi.caller import URN
from cinq.sbi.message import Request, Response
from cinq.sbi.overload import Overloads
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Http2Peer

SILENT = 3  # requests in a row without an answer
REST_S = 5.0
MOST = 256  # peers that are kept; of those that owe no answer the one that was asked longest ago gives way


@dataclass(slots=True)
class _Circuit:
    """Requests that a peer has not answered, one after the other; until when it is not asked."""

    failures: int = 0
    until: float = 0.0


class Peers:
    """tls: of this process; None: cleartext. With TLS nothing is sent without it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self._peers: dict[str, tuple[Http2Peer, str]] = {}
        self._circuits: dict[str, _Circuit] = {}
        self._overloads = Overloads()

    async def send(self, root: str, request: Request, within: float, instance: str = "") -> Response:
        """root: 'https://host:port' and possibly a prefix of paths. instance: that the peer must be, "" for any.

        NoAnswerError: it is no such URI, the peer does not answer in time, or is another NF instance.
        """
        peer, prefix = await self._peer(root)
        if prefix:
            request = Request(request.method, prefix + request.target, request.headers, request.body)
        shown = f"{URN}{instance}" if instance and self.tls is not None else ""
        now, circuit = asyncio.get_running_loop().time(), self._circuits.get(root)
        if circuit is not None and circuit.until > now:
            raise NoAnswerError(f"{root}: not sent: it has not answered {circuit.failures} times in a row")
        if self._overloads.lets_be(root, request, now):
            raise NoAnswerError(f"{root}: not sent: it asks to be asked less")
        try:
            response = await peer.send(request, within=within, shows=shown)
        except NoAnswerError as error:
            if not error.not_sent:
                self._fell_silent(root, now)
            raise
        self._circuits.pop(root, None)
        self._overloads.heard(root, response, asyncio.get_running_loop().time())
        return response

    def _fell_silent(self, root: str, now: float) -> None:
        """One that takes requests and answers none is left alone for a while; then one request tries it."""
        if len(self._circuits) >= MOST:
            self._circuits.clear()
        circuit = self._circuits.setdefault(root, _Circuit())
        circuit.failures += 1
        if circuit.failures >= SILENT:
            circuit.until = now + REST_S

    async def close(self) -> None:
        for peer, _ in self._peers.values():
            await peer.close()
        self._peers.clear()

    async def _peer(self, root: str) -> tuple[Http2Peer, str]:
        found = self._peers.pop(root, None)
        if found is None:
            found = self._made(root)
            if len(self._peers) >= MOST:
                idle = (key for key, (one, _) in self._peers.items() if not one.busy)
                oldest, _ = self._peers.pop(next(idle, next(iter(self._peers))))
                oldest.end()
                self._circuits.clear()
        self._peers[root] = found
        return found

    def _made(self, root: str) -> tuple[Http2Peer, str]:
        try:
            parts = urlsplit(root)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise NoAnswerError(f"{root[:120]!r}: not sent: {error}") from None
        wanted = "http" if self.tls is None else "https"
        if parts.scheme != wanted or not host or parts.username is not None:
            raise NoAnswerError(f"{root[:120]!r}: not sent: wanted {wanted}://host:port")
        peer = Http2Peer(
            host, port or (80 if self.tls is None else 443), tls=self.tls, authority=parts.netloc
        )
        return peer, parts.path.rstrip("/")
