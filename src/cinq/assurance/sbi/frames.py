"""HTTP/2 frame by frame (RFC 9113 §4.1), by a client that keeps to no rule but what a case wants of it."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast
from urllib.parse import urlsplit

from cinq.ran.scenarios.check import Failed

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL = 8
CONNECT_S, TAKES_S = 5.0, 2.0
LARGEST = 16_384
MOST_FRAMES = 10_000


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def integer(value: int, bits: int, first: int) -> bytes:
    """RFC 7541 §5.1, behind the bits of `first`."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    made, value = bytearray((first | most,)), value - most
    while value >= 128:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def literal(name: str, value: str, *, kept: bool = False) -> bytes:
    """A header field as it is. kept: in the other end's table, where index 62 names the last (RFC 7541 §6.2)."""
    said = [text.encode("latin-1") for text in (name, value)]
    return (b"\x40" if kept else b"\0") + b"".join(integer(len(each), 7, 0) + each for each in said)


def block(method: str, target: str, authority: str, *more: tuple[str, str]) -> bytes:
    """The header block of a request."""
    fields = ((":method", method), (":scheme", "https"), (":path", target), (":authority", authority), *more)
    return b"".join(literal(name, value) for name, value in fields)


class Link(asyncio.Protocol):
    """A connection. ended: why it is over, "" while it is not. statuses: of answers, by stream. reset: streams that the
    other end has given up."""

    def __init__(self) -> None:
        self.ended = ""
        self.settled = False
        self.answered: dict[int, bytes] = {}
        self.reset: dict[int, int] = {}
        self._transport: asyncio.Transport | None = None
        self._came = bytearray()
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    @classmethod
    async def open(cls, root: str, tls: ssl.SSLContext | None) -> tuple[Link, str]:
        """The connection, its SETTINGS exchanged, and the authority. Failed: nobody speaks HTTP/2 there."""
        parts = urlsplit(root)
        port = parts.port or (443 if tls else 80)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, link = await loop.create_connection(cls, parts.hostname or "", port, ssl=tls)
                link._write(PREFACE + frame(SETTINGS))
                while not link.settled and not link.ended:
                    await link.news()
        except (OSError, TimeoutError) as error:
            raise Failed(f"{root}: {error or 'no SETTINGS came'}") from None
        if link.ended:
            raise Failed(f"{root}: {link.ended}")
        return link, parts.netloc

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=1 << 20)
        self._room.set()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = self.ended or "the connection was closed"
        self._room.set()
        self._news.set()

    def data_received(self, data: bytes) -> None:
        self._came += data
        while len(self._came) >= 9:
            length = int.from_bytes(self._came[:3], "big")
            if len(self._came) < 9 + length:
                break
            head, payload = self._came[:9], bytes(self._came[9 : 9 + length])
            del self._came[: 9 + length]
            self._heard(head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, payload)
        self._news.set()

    def _heard(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            self.settled = True
            self._write(frame(SETTINGS, flags=ACK))
        elif kind == GOAWAY:
            code = int.from_bytes(payload[4:8], "big")
            self.ended = self.ended or f"GOAWAY, error code {code:#x}"
        elif kind == RST_STREAM and len(self.reset) < MOST_FRAMES:
            self.reset[stream] = int.from_bytes(payload, "big")
        elif kind == HEADERS and len(self.answered) < MOST_FRAMES:
            self.answered.setdefault(stream, payload)

    # the bench's side

    async def news(self) -> None:
        """Something has come, or the end."""
        self._news.clear()
        await self._news.wait()

    async def send(self, octets: bytes) -> bool:
        """False: it is over, or the other end does not take it within TAKES_S."""
        if self.ended:
            return False
        self._write(octets)
        try:
            async with asyncio.timeout(TAKES_S):
                await self._room.wait()
        except TimeoutError:
            return False
        return not self.ended

    async def until_ended(self, within: float) -> bool:
        """Whether the other end ends the connection."""
        try:
            async with asyncio.timeout(within):
                while not self.ended:
                    await self.news()
        except TimeoutError:
            return False
        return True

    async def answer(self, stream: int, within: float = 5.0) -> str:
        """'answered', 'reset', or the end of the connection. Failed: nothing comes."""
        try:
            async with asyncio.timeout(within):
                while stream not in self.answered and stream not in self.reset and not self.ended:
                    await self.news()
        except TimeoutError:
            raise Failed(f"stream {stream}: no answer within {within:g} s") from None
        if stream in self.answered:
            return f"status {status_of(self.answered[stream])}"
        return f"reset, error code {self.reset[stream]:#x}" if stream in self.reset else self.ended

    def _write(self, octets: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


STATIC = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def status_of(header_block: bytes) -> int:
    """Of a response whose first field is :status, as they are written; 0: in some other way (RFC 7541 appendix A)."""
    first = header_block[0] if header_block else 0
    if first & 0x80:
        return STATIC.get(first & 0x7F, 0)
    name = first & 0x0F if not first & 0x40 else first & 0x3F
    if name in STATIC and len(header_block) >= 4:
        text = header_block[2 : 2 + (header_block[1] & 0x7F)]
        if not header_block[1] & 0x80 and text.isdigit():
            return int(text)
        return _huffman(text) if header_block[1] & 0x80 else 0
    return 0


_DIGITS = {f"{n:05b}": str(n) for n in range(3)} | {f"{22 + n:06b}": str(n) for n in range(3, 10)}
"""RFC 7541 appendix B."""


def _huffman(octets: bytes) -> int:
    bits, found, at = "".join(f"{each:08b}" for each in octets), "", 0
    while at < len(bits) and len(found) < 3:
        for length in (5, 6):
            digit = _DIGITS.get(bits[at : at + length])
            if digit is not None:
                found, at = found + digit, at + length
                break
        else:
            return 0
    return int(found) if len(found) == 3 else 0
