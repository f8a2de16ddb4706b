"""Room for the packets that wait in a raw socket: one system call fetches them all (recvmmsg(2))."""

from __future__ import annotations

import errno
import logging
import mmap
import os
import socket
import struct
from typing import Protocol, cast

from cffi import FFI

from cinq.transport.sctp.usrsctp_library import Buffer

log = logging.getLogger(__name__)

BATCH = 32
PACKET_LIMIT = 65536
SMALLEST = 16
"""Common header and one chunk header (RFC 9260 §3)."""

Packet = tuple[int, int, int, int, int]
"""Local and remote address, destination port, memory address and length of the SCTP packet in an IPv4 packet."""

_ffi = FFI()
_ffi.cdef("int recvmmsg(int, void *, unsigned int, int, void *);")


class _System(Protocol):
    def recvmmsg(self, socket: int, messages: Buffer, count: int, flags: int, timeout: Buffer) -> int: ...


_system = cast(_System, _ffi.dlopen(None))
_NULL = _ffi.NULL

_iovec = struct.Struct("=QQ")
_mmsghdr = struct.Struct("=QIxxxxQQQQixxxxIxxxx")
"""Of a 64-bit system: name and its length, iovec and their number, control data and its length, flags, octets."""
_OCTETS = _mmsghdr.size - 8
_ip = struct.Struct("!B11xIIxxH")
"""First octet, source, destination; destination port behind a header without options."""
_port = struct.Struct("!H")


class Inbox:
    """Memory for BATCH packets. Pages that no packet has reached are not taken from the host."""

    def __init__(self) -> None:
        self._pages = mmap.mmap(-1, BATCH * PACKET_LIMIT)
        self._view = memoryview(self._pages)
        self._start = int(_ffi.cast("uintptr_t", _ffi.from_buffer(self._pages)))
        self._headers = _ffi.new("char[]", BATCH * (_mmsghdr.size + _iovec.size))
        headers = memoryview(_ffi.buffer(self._headers))
        vectors = BATCH * _mmsghdr.size
        for number in range(BATCH):
            vector = vectors + number * _iovec.size
            _iovec.pack_into(headers, vector, self._start + number * PACKET_LIMIT, PACKET_LIMIT)
            where = int(_ffi.cast("uintptr_t", self._headers)) + vector
            _mmsghdr.pack_into(headers, number * _mmsghdr.size, 0, 0, where, 1, 0, 0, 0, 0)
        self._lengths = headers[:vectors].cast("I")[_OCTETS // 4 :: _mmsghdr.size // 4]

    def fetch(self, raw: socket.socket) -> list[Packet]:
        """What waits, at most BATCH packets; good until the next call. More than that: the socket stays readable."""
        count = _system.recvmmsg(raw.fileno(), self._headers, BATCH, socket.MSG_DONTWAIT, _NULL)
        if count < 0:
            if _ffi.errno not in (errno.EAGAIN, errno.EINTR):  # an ICMP error for a packet sent earlier
                log.debug("raw socket %s: %s", raw.getsockname()[0], os.strerror(_ffi.errno))
            return []
        packets: list[Packet] = []
        for number in range(count):
            offset = number * PACKET_LIMIT
            first, remote, local, port = _ip.unpack_from(self._view, offset)
            header = (first & 15) * 4
            octets = self._lengths[number] - header
            if octets < SMALLEST:
                continue
            if header != 20:
                port = _port.unpack_from(self._view, offset + header + 2)[0]
            packets.append((local, remote, port, self._start + offset + header, octets))
        return packets
