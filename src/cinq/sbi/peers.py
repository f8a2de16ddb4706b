"""The other ends of the SBI, by API root: one HTTP/2 connection each, so that a slow one delays nobody else."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from cinq.sbi.caller import URN
from cinq.sbi.message import Request, Response
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Http2Peer

MOST = 256  # peers that are kept; the one that was asked longest ago gives way


class Peers:
    """tls: of this process; None: cleartext. With TLS nothing is sent without it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self._peers: dict[str, tuple[Http2Peer, str]] = {}

    async def send(self, root: str, request: Request, within: float, instance: str = "") -> Response:
        """root: 'https://host:port' and possibly a prefix of paths. instance: that the peer must be, "" for any.

        NoAnswerError: it is no such URI, the peer does not answer in time, or is another NF instance.
        """
        peer, prefix = await self._peer(root)
        if prefix:
            request = Request(request.method, prefix + request.target, request.headers, request.body)
        shown = f"{URN}{instance}" if instance and self.tls is not None else ""
        return await peer.send(request, within=within, shows=shown)

    async def close(self) -> None:
        for peer, _ in self._peers.values():
            await peer.close()
        self._peers.clear()

    async def _peer(self, root: str) -> tuple[Http2Peer, str]:
        found = self._peers.pop(root, None)
        if found is None:
            found = self._made(root)
            if len(self._peers) >= MOST:
                oldest, _ = self._peers.pop(next(iter(self._peers)))
                await oldest.close()
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
