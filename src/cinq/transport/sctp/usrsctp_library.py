"""libusrsctp (0.9.5, Debian package libusrsctp2) through cffi in ABI mode: no compiler is needed.

Pointers that are only passed through (sockets, AF_CONN addresses) are declared as 64-bit integers: the
calling convention is the same, and Python handles plain numbers instead of pointer objects.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from cffi import FFI

from cinq.transport.error import TransportError

AF_CONN = 123
IPPROTO_SCTP = 132
MSG_EOR = 0x80
MSG_NOTIFICATION = 0x2000

DECLARATIONS = """
void usrsctp_init_nothreads(uint16_t, int (*)(uint64_t, void *, size_t, uint8_t, uint8_t), void *);
uint64_t usrsctp_socket(int, int, int, void *, void *, uint32_t, void *);
int usrsctp_bind(uint64_t, const char *, uint32_t);
int usrsctp_listen(uint64_t, int);
uint64_t usrsctp_accept(uint64_t, void *, uint32_t *);
int usrsctp_connect(uint64_t, const char *, uint32_t);
int usrsctp_shutdown(uint64_t, int);
void usrsctp_close(uint64_t);
ssize_t usrsctp_sendv(uint64_t, const char *, size_t, void *, int, const char *, uint32_t, unsigned int, int);
ssize_t usrsctp_recvv(
    uint64_t, void *, size_t, void *, uint32_t *, void *, uint32_t *, unsigned int *, int *);
int usrsctp_setsockopt(uint64_t, int, int, const char *, uint32_t);
int usrsctp_getsockopt(uint64_t, int, int, void *, uint32_t *);
int usrsctp_set_non_blocking(uint64_t, int);
int usrsctp_set_upcall(uint64_t, void (*)(uint64_t, uint64_t, int), void *);
int usrsctp_get_events(uint64_t);
void usrsctp_register_address(uint64_t);
void usrsctp_deregister_address(uint64_t);
void usrsctp_conninput(uint64_t, uint64_t, size_t, uint8_t);
void usrsctp_handle_timers(uint32_t);
uint32_t usrsctp_crc32c(const char *, size_t);
int usrsctp_sysctl_set_sctp_ecn_enable(uint32_t);
int usrsctp_sysctl_set_sctp_asconf_enable(uint32_t);
int usrsctp_sysctl_set_sctp_auth_enable(uint32_t);
int usrsctp_sysctl_set_sctp_blackhole(uint32_t);
int usrsctp_sysctl_set_sctp_vtag_time_wait(uint32_t);

struct received {
    uint16_t sid; uint16_t ssn; uint16_t flags; uint32_t ppid; uint32_t tsn; uint32_t cumtsn;
    uint32_t context; uint32_t assoc_id;
    uint16_t next_sid; uint16_t next_flags; uint32_t next_ppid; uint32_t next_length; uint32_t next_assoc_id;
    uint32_t info_length; unsigned int info_type; int message_flags;
};
"""

ffi = FFI()
ffi.cdef(DECLARATIONS)

Buffer = FFI.CData


OutputCallback = Callable[[int, Buffer, int, int, int], int]
UpcallCallback = Callable[[int, int, int], None]


class Usrsctp(Protocol):
    """The functions of usrsctp.h that are used; negative results carry `ffi.errno`."""

    def usrsctp_init_nothreads(self, port: int, output: OutputCallback, debug: Buffer) -> None: ...
    def usrsctp_socket(
        self, domain: int, kind: int, protocol: int, a: Buffer, b: Buffer, threshold: int, c: Buffer
    ) -> int: ...
    def usrsctp_bind(self, so: int, address: bytes, length: int) -> int: ...
    def usrsctp_listen(self, so: int, backlog: int) -> int: ...
    def usrsctp_accept(self, so: int, address: Buffer, length: Buffer) -> int: ...
    def usrsctp_connect(self, so: int, address: bytes, length: int) -> int: ...
    def usrsctp_shutdown(self, so: int, how: int) -> int: ...
    def usrsctp_close(self, so: int) -> None: ...
    def usrsctp_sendv(
        self,
        so: int,
        data: bytes,
        n: int,
        to: Buffer,
        count: int,
        info: bytes,
        size: int,
        kind: int,
        flags: int,
    ) -> int: ...
    def usrsctp_recvv(
        self,
        so: int,
        buffer: Buffer,
        n: int,
        sender: Buffer,
        sender_length: Buffer,
        info: Buffer,
        info_length: Buffer,
        info_type: Buffer,
        flags: Buffer,
    ) -> int: ...
    def usrsctp_setsockopt(self, so: int, level: int, name: int, value: bytes, length: int) -> int: ...
    def usrsctp_getsockopt(self, so: int, level: int, name: int, value: Buffer, length: Buffer) -> int: ...
    def usrsctp_set_non_blocking(self, so: int, on: int) -> int: ...
    def usrsctp_set_upcall(self, so: int, upcall: UpcallCallback, argument: Buffer) -> int: ...
    def usrsctp_get_events(self, so: int) -> int: ...
    def usrsctp_register_address(self, handle: int) -> None: ...
    def usrsctp_deregister_address(self, handle: int) -> None: ...
    def usrsctp_conninput(self, handle: int, packet: int, n: int, ecn_bits: int) -> None: ...
    def usrsctp_handle_timers(self, elapsed_ms: int) -> None: ...
    def usrsctp_crc32c(self, octets: bytes, n: int) -> int: ...
    def usrsctp_sysctl_set_sctp_ecn_enable(self, value: int) -> int: ...
    def usrsctp_sysctl_set_sctp_asconf_enable(self, value: int) -> int: ...
    def usrsctp_sysctl_set_sctp_auth_enable(self, value: int) -> int: ...
    def usrsctp_sysctl_set_sctp_blackhole(self, value: int) -> int: ...
    def usrsctp_sysctl_set_sctp_vtag_time_wait(self, value: int) -> int: ...


def candidates() -> list[str]:
    """Where the library is looked for: CINQ_USRSCTP, beside the virtual environment, the system."""
    found = [os.environ["CINQ_USRSCTP"]] if os.environ.get("CINQ_USRSCTP") else []
    prefix = Path(sys.prefix)
    for folder in (prefix, prefix.parent):
        found += sorted(str(path) for path in folder.glob("usrsctp/**/libusrsctp.so*") if path.is_file())
    return [*found, "libusrsctp.so.2", "libusrsctp.so"]


def load() -> Usrsctp:
    """The library; TransportError when there is none or the machine is not a 64-bit one."""
    if struct.calcsize("P") != 8:
        raise TransportError(
            "libusrsctp is driven with 64-bit addresses only", "a 64-bit Python, or kernel SCTP"
        )
    problems = []
    for name in candidates():
        try:
            return cast(Usrsctp, ffi.dlopen(name))
        except OSError as error:
            problems.append(str(error).split("\n")[0])
    raise TransportError(
        "no SCTP: the kernel has none and libusrsctp.so.2 was not found",
        "apt-get install libusrsctp2 (or modprobe sctp, or CINQ_USRSCTP=/path/to/libusrsctp.so.2)",
    ) from OSError("; ".join(problems))


def sockaddr_conn(handle: int, port: int) -> bytes:
    """struct sockaddr_conn of usrsctp.h: family in host order, port in network order, the opaque address."""
    return struct.pack("=H", AF_CONN) + struct.pack("!H", port) + bytes(4) + struct.pack("=Q", handle)


def parse_sockaddr_conn(octets: bytes) -> tuple[int, int]:
    """The opaque address and the port of a struct sockaddr_conn."""
    return struct.unpack_from("=Q", octets, 8)[0], struct.unpack_from("!H", octets, 2)[0]
