"""Without root: the same program again, as root of a user namespace of its own, where the host allows that."""

from __future__ import annotations

import ctypes
import os
import sys

from cinq.transport.error import TransportError

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_REC_PRIVATE = 0x4000 | 0x40000
MARK = "CINQ_USER_NAMESPACE"


def privileged() -> bool:
    """Whether this process may make network namespaces: root, of the host or of a user namespace."""
    return os.geteuid() == 0


def enter() -> None:
    """Becomes root of a new user, mount and network namespace with an own, empty /run.

    TransportError names what the host forbids. Must be called before any thread is started.
    """
    if os.environ.get(MARK):
        raise TransportError("a user namespace was made, but gives no root here")
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET):
        error = os.strerror(ctypes.get_errno())
        remedy = (
            "run as root, or allow user namespaces: "
            "sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"
        )
        raise TransportError(f"not root, and a user namespace is refused: {error}", remedy)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"0 {uid} 1")
    _write("/proc/self/gid_map", f"0 {gid} 1")
    for source, target, kind, flags in (
        (None, b"/", None, MS_REC_PRIVATE),
        (b"tmpfs", b"/run", b"tmpfs", 0),
    ):
        if libc.mount(source, target, kind, flags, None):
            raise TransportError(f"mount {target.decode()}: {os.strerror(ctypes.get_errno())}")
    os.environ[MARK] = "1"
    sys.stdout.flush()


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise TransportError(f"{path}: {error.strerror}", "run as root") from None
