"""Frames over a Unix socket: whole, in order, bounded; sockets left behind by a dead process."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from cinq.transport import local
from cinq.transport.error import TransportError


class End:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.reason: str | None = None
        self.heard = asyncio.Event()

    def frame(self, octets: bytes) -> None:
        self.frames.append(octets)
        self.heard.set()

    def lost(self, reason: str) -> None:
        self.reason = reason
        self.heard.set()


async def until(end: End, frames: int) -> None:
    async with asyncio.timeout(5):
        while len(end.frames) < frames and end.reason is None:
            end.heard.clear()
            await end.heard.wait()


def test_frames_come_whole_and_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        server, client, path = End(), End(), str(tmp_path / "s")
        listener = await local.listen(path, lambda connection: server)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        connection = await local.connect(path, lambda connection: client)
        sent = [b"", b"a", bytes(70_000), os.urandom(local.FRAME_LIMIT)]
        for one in sent:
            connection.send(one)
        await until(server, len(sent))
        assert server.frames == sent
        with pytest.raises(ValueError, match="at most"):
            connection.send(bytes(local.FRAME_LIMIT + 1))
        connection.close()
        await until(server, 99)
        assert server.reason == "closed"
        listener.close()
        assert not os.path.exists(path)  # noqa: ASYNC240

    asyncio.run(main())


def test_a_frame_over_the_limit_cuts_the_connection(tmp_path: Path) -> None:
    async def main() -> None:
        server, path = End(), str(tmp_path / "s")
        listener = await local.listen(path, lambda connection: server)
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"\xff\xff\xff\xff")
        await until(server, 1)
        assert server.reason is not None
        assert "4294967295 octets" in server.reason
        writer.close()
        listener.close()

    asyncio.run(main())


def test_paths_in_the_way(tmp_path: Path) -> None:
    async def main() -> None:
        path = str(tmp_path / "s")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        listener = await local.listen(path, lambda connection: End())
        with pytest.raises(TransportError, match="another process listens"):
            await local.listen(path, lambda connection: End())
        listener.close()
        (tmp_path / "file").write_text("")
        with pytest.raises(TransportError, match="is not a socket"):
            await local.listen(str(tmp_path / "file"), lambda connection: End())
        with pytest.raises(TransportError, match="cannot listen"):
            await local.listen(str(tmp_path / "no" / "s"), lambda connection: End())

    asyncio.run(main())
