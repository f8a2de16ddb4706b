"""Who needs a setting of the host while they live: two networks on one host share what either has switched on.

A need is an abstract Unix socket with a name: such names are one for each network namespace, and end with their
process. The name has the value from before, so that whoever leaves last can put it back.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

PREFIX = "cinq-sysctl"


class Need:
    """Held from now on until `end`, or until the process is no more."""

    def __init__(self, name: str, original: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.bind(f"\0{PREFIX}/{name}={original}/{secrets.token_hex(4)}")

    def end(self) -> None:
        self._socket.close()


def originals(name: str) -> list[str]:
    """The values that the setting had before, of each who needs it now."""
    mark = f"@{PREFIX}/{name}="
    lines = Path("/proc/thread-self/net/unix").read_text().splitlines()
    return [line.partition(mark)[2].rpartition("/")[0] for line in lines if mark in line]


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """One at a time looks at the setting and changes it."""
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
