"""bpf(2): maps, programs, tcx links. Needs Linux 6.6 (tcx), CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.

Every function raises OSError with the kernel's errno. Descriptors are owned by the caller.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path

NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280}
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_NEXT, PROG_LOAD = 0, 1, 2, 3, 4, 5
OBJ_PIN, OBJ_GET, OBJ_INFO, LINK_CREATE, LINK_UPDATE = 6, 7, 15, 28, 29
TCX_INFO_IFINDEX = 16  # where struct bpf_link_info has the interface of a tcx link
PROG_TYPE_SCHED_CLS = 3
TCX_INGRESS = 46
PERCPU_ARRAY = 6

_libc = ctypes.CDLL(None, use_errno=True)
_brief = ctypes.PyDLL(None, use_errno=True)["syscall"]
"""For calls of less than a microsecond: other threads do not get the interpreter meanwhile."""


def _possible_cpus() -> int:
    """Per-CPU map values come one per possible CPU, present or not."""
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as file:
        return int(file.read().strip().replace(",", "-").split("-")[-1]) + 1


def bpf(command: int, attributes: bytes) -> int:
    """One bpf(2) call; the result is a descriptor or 0."""
    number = NUMBERS.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"bpf(2) is not known for {platform.machine()}")
    octets = attributes.ljust(128, b"\0")
    buffer = ctypes.create_string_buffer(octets, len(octets))
    result: int = _libc.syscall(number, command, buffer, len(octets))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


class Map:
    """One BPF map. Keys and values are octets of the sizes given; KeyError says that a key is absent."""

    def __init__(
        self, name: str, kind: int, key: int, value: int, entries: int, flags: int = 0, fd: int = -1
    ) -> None:
        """fd: of one that is there already."""
        self.name, self.kind, self.key_size, self.value_size, self.entries = name, kind, key, value, entries
        label = name.encode()[:15]
        made = struct.pack("<IIIIIII16s", kind, key, value, entries, flags, 0, 0, label)
        self.fd = bpf(MAP_CREATE, made) if fd < 0 else fd
        self._stride = value + 7 & ~7
        self._copies = _possible_cpus() if kind == PERCPU_ARRAY else 1
        self._key = ctypes.create_string_buffer(max(key, 1))
        self._value = ctypes.create_string_buffer(max(self._stride * self._copies, 1))
        where = ctypes.addressof(self._key), ctypes.addressof(self._value)
        packed = struct.pack("<IIQQQ", self.fd, 0, *where, 0)
        self._attributes = ctypes.create_string_buffer(packed, len(packed))
        self._number = NUMBERS[platform.machine()]

    def _call(self, command: int, key: bytes, size: int = 32) -> None:
        """`size`: as much of the attributes as the command has; the kernel refuses more."""
        self._key.raw = key
        if _brief(self._number, command, self._attributes, size) < 0:
            code = ctypes.get_errno()
            if code == errno.ENOENT:
                raise KeyError(key)
            raise OSError(code, f"map {self.name}: {os.strerror(code)}")

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """For a per-CPU map the same value goes to every CPU."""
        self._value.raw = value if self._copies == 1 else value.ljust(self._stride, b"\0") * self._copies
        self._call(MAP_UPDATE, key)

    def __getitem__(self, key: bytes) -> bytes:
        return self.each(key)[0]

    def each(self, key: bytes) -> list[bytes]:
        """The value on every CPU (one element when the map is not per CPU)."""
        self._call(MAP_LOOKUP, key)
        raw = self._value.raw
        return [raw[n * self._stride : n * self._stride + self.value_size] for n in range(self._copies)]

    def every_key(self, most: int = 1 << 62) -> list[bytes]:
        """Of a hash table, as they are now."""
        found: list[bytes] = []
        first, after = ctypes.create_string_buffer(self.key_size), ctypes.create_string_buffer(self.key_size)
        before = 0  # the address of no key: the first one is wanted
        while len(found) < min(self.entries + 1, most):
            try:
                bpf(MAP_NEXT, struct.pack("<IIQQ", self.fd, 0, before, ctypes.addressof(after)))
            except FileNotFoundError:
                break
            found.append(after.raw)
            first.raw, before = after.raw, ctypes.addressof(first)
        return found

    def __delitem__(self, key: bytes) -> None:
        self._call(MAP_DELETE, key, 16)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def load_program(name: str, code: bytes, licence: bytes) -> int:
    """Verifies and loads a tc program; the descriptor. OSError carries the end of the verifier's log."""
    instructions = ctypes.create_string_buffer(code, len(code))
    text = ctypes.create_string_buffer(licence)
    log = ctypes.create_string_buffer(1 << 20)

    def load(level: int) -> int:
        where = ctypes.addressof(instructions), ctypes.addressof(text)
        size, at = (len(log), ctypes.addressof(log)) if level else (0, 0)
        head = struct.pack("<IIQQIIQ", PROG_TYPE_SCHED_CLS, len(code) // 8, *where, level, size, at)
        return bpf(PROG_LOAD, head + struct.pack("<II16sII", 0, 0, name.encode()[:15], 0, TCX_INGRESS))

    try:
        return load(0)
    except OSError as refused:
        if refused.errno not in (errno.EACCES, errno.EINVAL):
            raise
        try:
            return load(1)
        except OSError:
            tail = log.value.decode(errors="replace")[-2000:]
            raise OSError(refused.errno, f"program {name} refused: {tail}") from None


def pin(fd: int, path: Path) -> None:
    """The map or link lives as long as this name in a BPF file system."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    bpf(OBJ_PIN, struct.pack("<QI", ctypes.addressof(name), fd))


def pinned(path: Path) -> int:
    """A descriptor of what has this name. FileNotFoundError: nothing."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    return bpf(OBJ_GET, struct.pack("<QI", ctypes.addressof(name), 0))


def interface_of(link: int) -> int:
    """The index of the interface that a tcx link is at; 0 where that is gone."""
    info = ctypes.create_string_buffer(64)
    bpf(OBJ_INFO, struct.pack("<IIQ", link, len(info), ctypes.addressof(info)))
    found: int = struct.unpack_from("<I", info.raw, TCX_INFO_IFINDEX)[0]
    return found


def update_link(link: int, program: int) -> None:
    """From the next packet on it is this program."""
    bpf(LINK_UPDATE, struct.pack("<IIII", link, program, 0, 0))


def attach_ingress(program: int, ifindex: int) -> int:
    """tcx ingress link; it lives as long as the descriptor, so it dies with the process."""
    return bpf(LINK_CREATE, struct.pack("<IIIIIIQ", program, ifindex, TCX_INGRESS, 0, 0, 0, 0))
