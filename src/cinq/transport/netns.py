"""Network namespaces with a name, kept in /run/netns as `ip netns` does, so that both see the same ones.

Entering one concerns a single thread: `run` and `popen` use a thread of their own, so that the event loop and
other threads stay where they are. A socket belongs for ever to the namespace in which it was made.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from cinq.transport import privilege
from cinq.transport.error import TransportError

FOLDER = Path("/run/netns")

CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_SHARED = 0x1000, 0x4000, 0x100000
MNT_DETACH = 2
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

T = TypeVar("T")

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result == 0:
        return
    number = ctypes.get_errno()
    if number == errno.EPERM:
        raise privilege.refused("CAP_SYS_ADMIN", what)
    raise TransportError(f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, flags: int) -> int:
    return int(_libc.mount(source.encode(), target.encode(), b"none", ctypes.c_ulong(flags), None))


def path(name: str) -> Path:
    """The file that stands for the namespace; raises TransportError for a name that is no file name."""
    if not name or "/" in name or name in (".", ".."):
        raise TransportError(f"network namespace {name!r}: found no usable name", "a name without '/'")
    return FOLDER / name


def exists(name: str) -> bool:
    return path(name).exists()


def names() -> list[str]:
    return sorted(each.name for each in FOLDER.iterdir()) if FOLDER.is_dir() else []


def _prepare_folder() -> None:
    """/run/netns as a shared mount, so that a mount made here is seen (and removed) everywhere."""
    try:
        FOLDER.mkdir(mode=0o755, exist_ok=True)
    except PermissionError:
        raise privilege.refused("CAP_SYS_ADMIN", f"the folder {FOLDER}") from None
    if _mount("", str(FOLDER), MS_SHARED | MS_REC) and ctypes.get_errno() == errno.EINVAL:
        _checked(_mount(str(FOLDER), str(FOLDER), MS_BIND | MS_REC), f"mount {FOLDER}")
        _checked(_mount("", str(FOLDER), MS_SHARED | MS_REC), f"mount {FOLDER}")


def create(name: str) -> None:
    """Makes the namespace, with its loopback interface up. TransportError when it exists already."""
    place = path(name)
    _prepare_folder()
    try:
        os.close(os.open(place, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0))
    except FileExistsError:
        raise TransportError(
            f"network namespace {name} exists already", f"ip netns delete {name}, or another name"
        ) from None

    def unshare() -> None:
        _checked(_libc.unshare(CLONE_NEWNET), f"network namespace {name}")
        _checked(_mount("/proc/thread-self/ns/net", str(place), MS_BIND), f"network namespace {name}")
        _loopback_up()

    try:
        _in_thread(unshare)
    except BaseException:
        _libc.umount2(str(place).encode(), MNT_DETACH)
        place.unlink(missing_ok=True)
        raise


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


def delete(name: str) -> None:
    """Takes the name away; the namespace ends with its last process and socket. A missing one is no error."""
    place = path(name)
    if place.exists():
        _libc.umount2(str(place).encode(), MNT_DETACH)
        place.unlink(missing_ok=True)


def _set(descriptor: int, what: str) -> None:
    _checked(_libc.setns(descriptor, CLONE_NEWNET), what)


def _open(name: str) -> int:
    try:
        return os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise TransportError(f"there is no network namespace {name}", f"ip netns add {name}") from None


def open_of(where: str | int) -> int:
    """A descriptor of the namespace of a process id, or at a path; the caller closes it. OSError: there is none."""
    return os.open(f"/proc/{where}/ns/net" if isinstance(where, int) else where, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def opened(namespace: str | int) -> Iterator[int]:
    """A descriptor of the namespace of this name for the length of a `with` block; a descriptor is itself."""
    if isinstance(namespace, int):
        yield namespace
        return
    descriptor = _open(namespace)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def enter(name: str) -> None:
    """Moves the calling thread into the namespace, for good."""
    with opened(name) as descriptor:
        _set(descriptor, f"network namespace {name}")


def enter_descriptor(descriptor: int) -> None:
    """Moves the calling thread into the namespace of an open descriptor, for good."""
    _set(descriptor, "network namespace")


@contextmanager
def inside(name: str) -> Iterator[None]:
    """The calling thread is in the namespace for the length of a `with` block that must not await."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(name)
        try:
            yield
        finally:
            _set(before, "the former network namespace")
    finally:
        os.close(before)


def _in_thread(function: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def run(name: str, function: Callable[[], T]) -> T:
    """The result of `function`, called in the namespace by a thread of its own; blocks until it is done."""

    def work() -> T:
        enter(name)
        return function()

    return _in_thread(work)


def run_at(where: str, function: Callable[[], T]) -> T:
    """As `run`, in the namespace of a process id, a path, or a name; "" is our own."""
    if not where:
        return function()
    if where.isdecimal():
        descriptor = open_of(int(where))
    else:
        descriptor = open_of(where if where.startswith("/") else str(path(where)))

    def work() -> T:
        enter_descriptor(descriptor)
        return function()

    try:
        return _in_thread(work)
    finally:
        os.close(descriptor)


def popen(
    name: str,
    arguments: Sequence[str],
    *,
    stdin: int | IO[bytes] | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a program in the namespace."""
    return run(name, lambda: subprocess.Popen(arguments, stdin=stdin, stdout=stdout, stderr=stderr, env=env))


def command(name: str, arguments: Sequence[str]) -> list[str]:
    """The command line that runs `arguments` in the namespace, by nsenter of util-linux."""
    return ["nsenter", f"--net={path(name)}", "--", *arguments]
