"""A store that outlives its process, not its host: a file to which each change is appended before it is answered for.

What was written is with the kernel at once, so that a killed process loses nothing. Nothing waits for a disk: the file
is for what a restarted host does not have either, such as the sessions of a data plane.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

HEAD = struct.Struct("<II")
"""Octets of a record, and their CRC-32."""
COMPACT_AT = 4 << 20  # octets, and twice what is alive
Record = tuple[str, str, bytes | None]


class LogStore:
    """procedure.store.Store. OSError: the file cannot be had, or another process holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._collections: dict[str, dict[str, bytes]] = {}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = self._open(path)
        self._size = self._read()

    @staticmethod
    def _open(path: Path) -> int:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise OSError(error.errno, "another process has this store", str(path)) from None
        return fd

    def _read(self) -> int:
        """What the file says, up to the first record that is not whole: that one was never answered for."""
        octets = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        at = 0
        while at + HEAD.size <= len(octets):
            size, mark = HEAD.unpack_from(octets, at)
            body = octets[at + HEAD.size : at + HEAD.size + size]
            if len(body) != size or zlib.crc32(body) != mark:
                break
            try:
                self._apply(msgspec.msgpack.decode(body, type=Record))
            except msgspec.DecodeError:
                break
            at += HEAD.size + size
        os.ftruncate(self._fd, at)
        os.lseek(self._fd, at, os.SEEK_SET)
        return at

    def _apply(self, record: Record) -> None:
        collection, key, value = record
        if value is None:
            self._collections.get(collection, {}).pop(key, None)
        else:
            self._collections.setdefault(collection, {})[key] = value

    def get(self, collection: str, key: str) -> bytes | None:
        return self._collections.get(collection, {}).get(key)

    def put(self, collection: str, key: str, value: bytes) -> None:
        self._append((collection, key, value))

    def delete(self, collection: str, key: str) -> None:
        if key in self._collections.get(collection, {}):
            self._append((collection, key, None))

    def items(self, collection: str) -> Iterator[tuple[str, bytes]]:
        return iter(sorted(self._collections.get(collection, {}).items()))

    async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
        if self.get(collection, key) != before:
            return False
        self.put(collection, key, after)
        await self.durable()
        return True

    async def durable(self) -> None:
        os.fsync(self._fd)

    def clear(self) -> None:
        """Nothing is left."""
        self._collections.clear()
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._size = 0

    def _append(self, record: Record) -> None:
        octets = _record(record)
        os.write(self._fd, octets)
        self._apply(record)
        self._size += len(octets)
        if self._size > COMPACT_AT:
            self._compact()

    def _compact(self) -> None:
        """A new file with what is alive takes the place of the old one, where that halves it."""
        alive = [(c, k, v) for c, entries in self._collections.items() for k, v in entries.items()]
        octets = b"".join(map(_record, alive))
        if 2 * len(octets) > self._size:
            return
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        fd = self._open(draft)
        os.write(fd, octets)
        draft.replace(self._path)
        os.close(self._fd)
        self._fd, self._size = fd, len(octets)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _record(record: Record) -> bytes:
    body = msgspec.msgpack.encode(record)
    return HEAD.pack(len(body), zlib.crc32(body)) + body
