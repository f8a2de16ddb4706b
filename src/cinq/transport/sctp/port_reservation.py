"""Who has which SCTP port in this network namespace, when the kernel does not know.

usrsctp binds a raw socket, and any number of those may exist. So each port is held by an abstract unix
socket named after it: those names are unique per network namespace and vanish with their process.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
from pathlib import Path

from cinq.transport.error import TransportError

ANY = "0.0.0.0"
EPHEMERAL = range(49152, 65536)  # RFC 6335 §6
ATTEMPTS = 64


def _name(address: str, port: int) -> str:
    return f"cinq-sctp/{port}/{address}"


def _holders(port: int) -> list[str]:
    """Addresses on which `port` is held in this network namespace."""
    table = Path("/proc/thread-self/net/unix").read_text().splitlines()
    prefix = f"@{_name('', port)}"
    return [line.split()[-1].removeprefix(prefix) for line in table if f" {prefix}" in line]


def _holder_process(address: str, port: int) -> str:
    """'process 123 (name)' when the holder can be asked, else ''."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as question:
        question.setblocking(False)
        try:
            question.connect(f"\0{_name(address, port)}")
            credentials = question.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return ""
    pid = int(struct.unpack("3i", credentials)[0])
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        name = "unknown"
    whose = "this process" if pid == os.getpid() else f"process {pid} ({name})"
    return f" by {whose}"


class PortReservation:
    """Holds (address, port) until `release`. `port` 0 takes a free one."""

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self.port = self._take(port) if port else self._take_any()
        except BaseException:
            self._socket.close()
            raise

    def _take(self, port: int) -> int:
        try:
            self._socket.bind(f"\0{_name(self.address, port)}")
        except OSError:
            raise self._in_use(self.address, port) from None
        self._socket.listen(1)
        others = [held for held in _holders(port) if held != self.address]
        if others and (self.address == ANY or ANY in others):
            raise self._in_use(ANY if ANY in others else others[0], port)
        return port

    def _take_any(self) -> int:
        for _ in range(ATTEMPTS):
            port = EPHEMERAL[secrets.randbelow(len(EPHEMERAL))]
            try:
                return self._take(port)
            except TransportError:
                self._socket.close()
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        raise TransportError(
            f"no free SCTP port on {self.address} among {EPHEMERAL.start} to {EPHEMERAL.stop - 1}"
        )

    def _in_use(self, holder: str, port: int) -> TransportError:
        return TransportError(
            f"SCTP port {port} on {self.address} is in use{_holder_process(holder, port)}",
            "stop that process, or set another address or port",
        )

    def release(self) -> None:
        self._socket.close()
