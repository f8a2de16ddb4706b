"""The exporter master secret of a TLS 1.3 connection, for keys that both ends derive from it (RFC 8446 §7.5).

Python's ssl has no exporter, but writes the secrets of a context's connections where it is told to. Here that is memory
of this process, one piece for each connection: a context of its own, which a server swaps in at the client's hello.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable

SECRET = b"EXPORTER_SECRET"
LONGEST = 8192


class ExportingContext(ssl.SSLContext):
    """A context for one connection. TLS 1.3 alone: before it there was no such secret."""

    _secrets: int = -1

    def begin(self) -> None:
        """Before the handshake."""
        self.minimum_version = ssl.TLSVersion.TLSv1_3
        self._secrets = os.memfd_create("tls", os.MFD_CLOEXEC)
        self.keylog_filename = f"/proc/self/fd/{self._secrets}"

    def secret(self) -> bytes:
        """Of the connection, once; b"" where there is none. What was kept is gone then."""
        if self._secrets < 0:
            return b""
        try:
            written = os.pread(self._secrets, LONGEST, 0)
        finally:
            self.close()
        for line in written.splitlines():
            words = line.split()
            if len(words) == 3 and words[0] == SECRET:
                return bytes.fromhex(words[2].decode())
        return b""

    def close(self) -> None:
        if self._secrets >= 0:
            os.close(self._secrets)
            self._secrets = -1

    def __del__(self) -> None:
        self.close()


def one_for_each(context: ssl.SSLContext, made: Callable[[], ExportingContext]) -> None:
    """Of a server: each connection has a context of its own, as `made` makes it."""

    def swap(shown: ssl.SSLSocket | ssl.SSLObject, name: str | None, own: ssl.SSLContext) -> None:
        fresh = made()
        fresh.begin()
        shown.context = fresh

    context.sni_callback = swap
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def exporter_of(shown: ssl.SSLObject) -> tuple[bytes, str]:
    """The secret and the hash of the connection's suite; (b"", "") where it exports none."""
    context, suite = shown.context, shown.cipher()
    if not isinstance(context, ExportingContext) or suite is None:
        return b"", ""
    return context.secret(), "sha384" if suite[0].endswith("SHA384") else "sha256"
