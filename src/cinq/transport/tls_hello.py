"""The first words of TLS, octet by octet: what a server chooses of what it is offered, without a handshake.

For what no library offers any more: old versions, suites without keys. RFC 8446 §4.1, RFC 5246 §7.4.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from typing import NamedTuple

SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
HANDSHAKE, ALERT = 22, 21
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, CERTIFICATE_REQUEST, HELLO_DONE = 1, 2, 11, 13, 14
WAIT_S = 3.0
LARGEST = 1 << 16
# Generator of secp256r1 (SEC 2 §2.4.2): a valid public key; no secret is ever derived from it here.
P256 = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
GROUPS = (0x0017, 0x0018, 0x001D)  # secp256r1, secp384r1, x25519
SIGNATURES = (0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0203, 0x0201)


class Answer(NamedTuple):
    """version: chosen, 0 where there is no SERVER HELLO. suite, compression: chosen. alert: its description, or -1.

    certificate_wanted: CERTIFICATE REQUEST was seen, which TLS 1.3 sends ciphered. secure_renegotiation: RFC 5746.
    """

    version: int = 0
    suite: int = 0
    compression: int = 0
    alert: int = -1
    certificate_wanted: bool = False
    secure_renegotiation: bool = False


def client_hello(
    version: int, suites: tuple[int, ...], *, compression: bytes = b"\0", alpn: str = "h2"
) -> bytes:
    """A record. version: the highest that is offered, and the only one where it is TLS 1.3."""
    extensions = b""
    if version > SSL3:
        extensions = (
            _extension(10, _list(GROUPS))
            + _extension(11, b"\x01\0")
            + _extension(13, _list(SIGNATURES))
            + _extension(16, struct.pack("!HB", len(alpn) + 1, len(alpn)) + alpn.encode())
            + _extension(0xFF01, b"\0")
        )
    if version == TLS13:
        share = struct.pack("!HH", GROUPS[0], len(P256)) + P256
        extensions += _extension(43, b"\x02\x03\x04") + _extension(51, struct.pack("!H", len(share)) + share)
        extensions += _extension(45, b"\x01\x01")
    body = struct.pack("!H", min(version, TLS12)) + b"cinq" * 8 + b"\0" + _list(suites)
    body += bytes((len(compression),)) + compression
    if extensions:
        body += struct.pack("!H", len(extensions)) + extensions
    message = bytes((CLIENT_HELLO,)) + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", HANDSHAKE, min(version, TLS10), len(message)) + message


def _list(numbers: tuple[int, ...]) -> bytes:
    return struct.pack(f"!H{len(numbers)}H", 2 * len(numbers), *numbers)


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack("!HH", kind, len(content)) + content


async def ask(host: str, port: int, hello: bytes) -> Answer:
    """What the server answers, up to its last word in clear. OSError: nobody is there."""
    async with asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection(host, port)
    heard = b""
    try:
        writer.write(hello)
        async with asyncio.timeout(WAIT_S):
            while len(heard) < LARGEST and not _complete(heard):
                octets = await reader.read(LARGEST)
                if not octets:
                    break
                heard += octets
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(WAIT_S):
                await writer.wait_closed()
    return read(heard)


def _records(octets: bytes) -> tuple[bytes, int]:
    """The handshake in clear, and the description of an alert or -1."""
    handshake, alert, at = b"", -1, 0
    while at + 5 <= len(octets):
        kind, _, size = struct.unpack_from("!BHH", octets, at)
        content = octets[at + 5 : at + 5 + size]
        if kind == HANDSHAKE:
            handshake += content
        elif kind == ALERT and len(content) == 2:
            alert = content[1]
        at += 5 + size
    return handshake, alert


def _messages(handshake: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 4 <= len(handshake):
        size = int.from_bytes(handshake[at + 1 : at + 4], "big")
        if at + 4 + size > len(handshake):
            break
        found.append((handshake[at], handshake[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def _complete(octets: bytes) -> bool:
    handshake, alert = _records(octets)
    kinds = [kind for kind, _ in _messages(handshake)]
    if alert >= 0 or HELLO_DONE in kinds:
        return True
    return SERVER_HELLO in kinds and read(octets).version == TLS13


def read(octets: bytes) -> Answer:
    """Whatever came. Octets of no TLS are an answer without a version."""
    handshake, alert = _records(octets)
    messages = _messages(handshake)
    hello = next((body for kind, body in messages if kind == SERVER_HELLO), b"")
    if len(hello) < 38:
        return Answer(alert=alert)
    at = 35 + hello[34]
    suite, compression = struct.unpack_from("!HB", hello.ljust(at + 3, b"\0"), at)
    extensions = _extensions(hello[at + 5 :])
    version = int.from_bytes(extensions.get(43, hello[:2]), "big")
    wanted = any(kind == CERTIFICATE_REQUEST for kind, _ in messages)
    return Answer(version, suite, compression, alert, wanted, 0xFF01 in extensions)


def _extensions(octets: bytes) -> dict[int, bytes]:
    found, at = dict[int, bytes](), 0
    while at + 4 <= len(octets):
        kind, size = struct.unpack_from("!HH", octets, at)
        found[kind] = octets[at + 4 : at + 4 + size]
        at += 4 + size
    return found
