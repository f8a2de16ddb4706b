"""TUN and TAP devices that live as long as their descriptor."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cinq.transport import privilege
from cinq.transport.error import TransportError

DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 1, 2, 0x1000


@dataclass(frozen=True, slots=True)
class Device:
    """An interface by whose other end packets come and go.

    fd: one packet for each os.read, non-blocking. write: of one packet, OSError when it does not go.
    mtu: that the interface must have, 0 for the plane's own.
    """

    fd: int
    write: Callable[[bytes], int]
    close: Callable[[], None]
    mtu: int = 0


def open_tun(name: str) -> Device:
    """A new TUN. TransportError as open_device."""
    fd = open_device(name, ethernet=False)
    return Device(fd, partial(os.write, fd), partial(os.close, fd))


def trouble() -> str:
    """Why there are no TUNs here, or nothing."""
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{DEVICE}: {(error.strerror or str(error)).lower()}"
    return ""


def open_device(name: str, *, ethernet: bool) -> int:
    """A non-blocking descriptor of a new TAP (ethernet) or TUN. TransportError: no device, or no right to it."""
    try:
        fd = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise TransportError(f"{DEVICE}: permission denied", f"as root: chmod 0666 {DEVICE}") from None
    except OSError as error:
        raise TransportError(f"{DEVICE}: {error.strerror}", "as root: modprobe tun") from None
    try:
        fcntl.ioctl(
            fd,
            TUNSETIFF,
            struct.pack("16sH22x", name.encode(), (IFF_TAP if ethernet else IFF_TUN) | IFF_NO_PI),
        )
    except OSError as error:
        os.close(fd)
        if error.errno == errno.EPERM:
            raise privilege.refused("CAP_NET_ADMIN", f"the interface {name}") from None
        raise TransportError(f"interface {name}: {error.strerror}", f"ip link delete {name}") from None
    return fd
