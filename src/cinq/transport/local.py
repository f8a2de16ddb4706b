"""Framed messages over a Unix stream socket: the radio link between processes of one host.

A frame is its length in 4 octets, big endian, and the octets. Network namespaces do not separate such sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shlex
import socket
import stat
import sys
from collections.abc import Callable
from typing import Protocol

from cinq.transport.error import TransportError

FRAME_LIMIT = 1 << 20
SEND_QUEUE_LIMIT = 8 << 20
_HEADER = 4


class FrameHandler(Protocol):
    """The user of a connection. Called from the event loop."""

    def frame(self, octets: bytes) -> None: ...

    def lost(self, reason: str) -> None:
        """The connection is over. Called once, and last."""


class Queued:
    """A handler for who reads frames in turn: they wait in a queue, None for the end. What finds it full is lost."""

    def __init__(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queue = queue

    def frame(self, octets: bytes) -> None:
        if not self._queue.full():
            self._queue.put_nowait(octets)

    def lost(self, reason: str) -> None:
        if not self._queue.full():
            self._queue.put_nowait(None)


OnConnection = Callable[["Connection"], FrameHandler]


class Connection(asyncio.Protocol):
    """One end of a connection. A peer that does not read, or sends a frame over the limit, is cut off."""

    def __init__(self, on_connection: OnConnection) -> None:
        self._on_connection = on_connection
        self._handler: FrameHandler | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._reason = "closed"

    def send(self, octets: bytes) -> None:
        """Queues one frame; nothing happens when the connection is over. ValueError over the limit."""
        if len(octets) > FRAME_LIMIT:
            raise ValueError(f"frame: found {len(octets)} octets, wanted at most {FRAME_LIMIT}")
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(len(octets).to_bytes(_HEADER, "big") + octets)
        if transport.get_write_buffer_size() > SEND_QUEUE_LIMIT:
            self._reason = "the peer does not read"
            transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._handler = self._on_connection(self)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEADER:
            length = int.from_bytes(buffer[at : at + _HEADER], "big")
            if length > FRAME_LIMIT:
                self._cut(f"frame of {length} octets, wanted at most {FRAME_LIMIT}")
                return
            if len(buffer) - at - _HEADER < length:
                break
            octets = bytes(buffer[at + _HEADER : at + _HEADER + length])
            at += _HEADER + length
            if self._handler is not None:
                self._handler.frame(octets)
        del buffer[:at]

    def _cut(self, reason: str) -> None:
        self._reason = reason
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        handler, self._handler, self._transport = self._handler, None, None
        if handler is not None:
            handler.lost(str(error) if error is not None else self._reason)


class Listener:
    """A listening socket; closing it removes the path and leaves established connections alone."""

    def __init__(self, server: asyncio.Server, path: str) -> None:
        self._server = server
        self.path = path

    def close(self) -> None:
        self._server.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


async def listen(path: str, on_connection: OnConnection) -> Listener:
    """Listen at `path`, for the own user only. TransportError: another process listens there, or no permission."""
    _take(path)
    old = os.umask(0o177)
    try:
        server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(on_connection), path)
    except OSError as error:
        raise TransportError(f"cannot listen at {path}: {error.strerror or error}") from None
    finally:
        os.umask(old)
    return Listener(server, path)


def _take(path: str) -> None:
    """Remove a socket that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise TransportError(f"{path} is in the way and is not a socket", f"rm {path}")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as error:
            raise TransportError(f"cannot look at {path}: {error.strerror}") from None
    raise TransportError(f"another process listens at {path}")


async def connect(path: str, on_connection: OnConnection) -> Connection:
    """Connect to `path`. TransportError when nobody listens there."""
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_unix_connection(lambda: Connection(on_connection), path)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            who = f"sudo {shlex.join(sys.argv)}"
            raise TransportError(f"{path} is another user's: permission denied", who) from None
        why = "" if error.errno == errno.ENOENT else f": {error.strerror or error}"
        raise TransportError(f"nobody listens at {path}{why}") from None
    return connection
