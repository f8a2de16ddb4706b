"""Which associations a listener has, in a file: after a kill the next process ends those that it finds there.

RFC 9260 §8.4 answers a peer with ABORT when it sends something. A peer that is idle sends nothing until its next
heartbeat, which by default is after 30 s. The kernel ends the associations of a process that dies; libusrsctp dies
with it, so that here the next process sends the ABORTs, with the verification tags that the file has.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from cinq.transport.error import TransportError
from cinq.transport.sctp.association import Address

COMPACT_AFTER = 4096
"""Lines that are no longer true, until the file is written anew."""


class Remembered(msgspec.Struct, frozen=True, tag="open"):
    """An association: both ends, and the verification tag that the peer wants."""

    local: Address
    remote: Address
    verification_tag: int


class Forgotten(msgspec.Struct, frozen=True, tag="over"):
    """One that has ended."""

    local: Address
    remote: Address


class Memory:
    """A file of one listener. left: what the last process did not end itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[tuple[Address, Address], Remembered] = {}
        self._stale = 0
        self.left = list(self._read().values())
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TransportError(
                f"{path}: {error.strerror}", "set [state] run to a folder you may write"
            ) from None

    def _read(self) -> dict[tuple[Address, Address], Remembered]:
        """A line that was cut off, or that nobody here has written, is passed over."""
        found: dict[tuple[Address, Address], Remembered] = {}
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return found
        for line in lines:
            try:
                entry = msgspec.json.decode(line, type=Remembered | Forgotten)
            except msgspec.DecodeError:
                continue
            if isinstance(entry, Remembered):
                found[entry.local, entry.remote] = entry
            else:
                found.pop((entry.local, entry.remote), None)
        return found

    def add(self, local: Address, remote: Address, tag: int) -> None:
        self._open[local, remote] = entry = Remembered(local, remote, tag)
        self._write(entry)

    def remove(self, local: Address, remote: Address) -> None:
        if self._open.pop((local, remote), None) is not None:
            self._stale += 1
            self._write(Forgotten(local, remote))

    def _write(self, entry: Remembered | Forgotten) -> None:
        if self._file < 0:
            return
        if self._stale >= COMPACT_AFTER:
            self._stale = 0
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            for each in self._open.values():
                os.write(self._file, msgspec.json.encode(each) + b"\n")
        os.write(self._file, msgspec.json.encode(entry) + b"\n")

    def close(self) -> None:
        """All have been ended in order."""
        os.close(self._file)
        self._file = -1
        self._path.unlink(missing_ok=True)
