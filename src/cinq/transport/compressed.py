"""Files compressed with gzip or Zstandard, read as if they were not."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from cinq.transport.pcap import PcapError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20
_FAULTS = (OSError, EOFError, zlib.error, zstd.ZstdError)


class _Source(Protocol):
    def read1(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Decompressed(io.RawIOBase):
    """What a compressed file holds. A fault of it is a PcapError."""

    def __init__(self, inner: _Source) -> None:
        self._inner = inner
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            octets = self._inner.read1(len(view))
        except _FAULTS as fault:
            raise PcapError(self._read, f"the compressed file is damaged or cut off ({fault})") from None
        view[: len(octets)] = octets
        self._read += len(octets)
        return len(octets)

    def close(self) -> None:
        self._inner.close()
        super().close()


def open_capture(path: Path) -> tuple[BinaryIO, BinaryIO]:
    """A capture file for reading, and the file below it, whose position says how far reading is. OSError as open()."""
    below = io.BufferedReader(path.open("rb", buffering=0), _BUFFER)
    try:
        magic = below.peek(4)[:4]
        inner: _Source | None = None
        if magic.startswith(_GZIP):
            inner = gzip.GzipFile(fileobj=below)
        elif magic == _ZSTD:
            inner = zstd.ZstdFile(below)
    except BaseException:
        below.close()
        raise
    return (io.BufferedReader(_Decompressed(inner), _BUFFER) if inner is not None else below), below
