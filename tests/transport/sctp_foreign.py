"""A foreign SCTP end: libusrsctp with its own threads and its own raw socket, as gNB programs use it.

Arguments: own address, remote address, port. Sends three messages, prints what comes back, shuts down.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys

library = ctypes.CDLL(sys.argv[4])
library.usrsctp_socket.restype = ctypes.c_void_p
library.usrsctp_sendv.restype = library.usrsctp_recvv.restype = ctypes.c_ssize_t


def name(address: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(address) + bytes(8)


library.usrsctp_init(0, None, None)
so = ctypes.c_void_p(library.usrsctp_socket(socket.AF_INET, socket.SOCK_STREAM, 132, None, None, 0, None))
assert library.usrsctp_bind(so, name(sys.argv[1], 0), 16) == 0
assert library.usrsctp_setsockopt(so, 132, 0x1F, struct.pack("i", 1), 4) == 0
assert library.usrsctp_connect(so, name(sys.argv[2], int(sys.argv[3])), 16) == 0
for stream, octets in ((0, b"first"), (7, bytes(50_000)), (1, b"last")):
    info = struct.pack("=HH", stream, 0) + struct.pack("!I", 60) + bytes(8)
    assert library.usrsctp_sendv(so, octets, len(octets), None, 0, info, 16, 1, 0) == len(octets)
buffer, received = ctypes.create_string_buffer(65536), ctypes.create_string_buffer(28)
total = 0
while total < 50_009:
    length, kind, flags = ctypes.c_uint32(28), ctypes.c_uint(0), ctypes.c_int(0)
    n = library.usrsctp_recvv(
        so, buffer, 65536, None, None, received, ctypes.byref(length), ctypes.byref(kind), ctypes.byref(flags)
    )
    assert n > 0, ctypes.get_errno()
    total += n
    print(
        n, struct.unpack_from("=H", received.raw)[0], struct.unpack_from("!I", received.raw, 8)[0], flush=True
    )
library.usrsctp_shutdown(so, 2)
library.usrsctp_recvv(
    so, buffer, 65536, None, None, received, ctypes.byref(length), ctypes.byref(kind), ctypes.byref(flags)
)
print("done", flush=True)
