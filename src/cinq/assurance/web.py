"""HTTP/1.1 to a web server of the target, over TLS, octet by octet (RFC 9112): so that requests may be wrong."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import closing
from dataclasses import dataclass

from cinq.assurance.target import endpoint
from cinq.ran.scenarios.check import Failed

WAIT_S = 10.0
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """status: 0 where the server closed without a word. headers: by name in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


NOTHING = Answer(0, {}, b"")


async def ask(
    place: str, path: str = "/", method: str = "GET", *, more: str = "", version: str = "HTTP/1.1"
) -> Answer:
    """One request on a connection of its own. more: header lines, each with its end. Failed: nobody is there."""
    host, port = endpoint("interfaces.https", place)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # who it is, another case asks
    head = f"{method} {path} {version}\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
    try:
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            with closing(writer):
                writer.write(head.encode("latin-1", "replace"))
                await writer.drain()
                return read(await _whole(reader))
    except ConnectionResetError:
        return NOTHING
    except (OSError, TimeoutError) as error:
        raise Failed(f"{place}: {str(error) or f'no answer within {WAIT_S:g} s'}") from None


async def _whole(reader: asyncio.StreamReader) -> bytes:
    whole = b""
    while len(whole) < LARGEST:
        part = await reader.read(65536)
        if not part:
            break
        whole += part
    return whole


def read(octets: bytes) -> Answer:
    """A response as it came. What is none is NOTHING with all of it as its body."""
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if (
        len(words) < 2
        or not words[0].startswith("HTTP/")
        or not (words[1].isdecimal() and len(words[1]) == 3)
    ):
        return Answer(0, {}, octets)
    pairs = (line.partition(":") for line in lines)
    return Answer(int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}, body)
