"""One page of text over HTTP/1.1, for Prometheus: GET /metrics, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cinq.transport.error import TransportError

MOST_OCTETS, WITHIN_S, AT_ONCE = 8192, 5.0, 16
FORM = "text/plain; version=0.0.4; charset=utf-8"


class Page:
    """What listens. text: the page, made anew for whoever asks."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._server: asyncio.Server | None = None
        self._open = 0

    async def listen(self, address: str, port: int) -> None:
        """TransportError: the address is not ours or the port is taken."""
        try:
            self._server = await asyncio.start_server(self._asked, address, port, limit=MOST_OCTETS)
        except OSError as error:
            mend = "set another metrics_address or metrics_port"
            raise TransportError(f"metrics at {address}:{port}: {error.strerror or error}", mend) from None

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whoever asks slowly, too much or with too many others is cut off."""
        self._open += 1
        try:
            if self._open <= AT_ONCE:
                async with asyncio.timeout(WITHIN_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", "GET\n", with_body=True)
        if path != b"/metrics":
            return _response("404 Not Found", "/metrics\n", with_body=method == b"GET")
        return _response("200 OK", self._text(), with_body=method == b"GET")

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


def _response(status: str, text: str, *, with_body: bool) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (body if with_body else b"")
