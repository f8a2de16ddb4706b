"""Raw IPv4 sockets of protocol 132, the network side of usrsctp.

A raw socket sees every SCTP packet that reaches its network namespace. Only those for a port that was opened
here go on to usrsctp (a classic BPF filter keeps the others in the kernel), so packets of other processes are
neither read nor answered.
"""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import struct
from collections.abc import Callable, Iterator

from cinq.transport import privilege
from cinq.transport.error import TransportError
from cinq.transport.sctp.association import RAW_PURPOSE
from cinq.transport.sctp.port_reservation import ANY
from cinq.transport.sctp.usrsctp_library import IPPROTO_SCTP, Buffer, ffi

log = logging.getLogger(__name__)

BATCH = 64
PACKET_LIMIT = 65536
SMALLEST = 16
"""Common header and one chunk header (RFC 9260 §3)."""
RECEIVE_BUFFER = 8 << 20

SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0
IP_PKTINFO = 8

FILTER_PORTS = 200
"""More ports than this are told apart here, not in the kernel: classic BPF jumps at most 255 instructions."""

_addresses = struct.Struct("!II")
_port = struct.Struct("!H")


def _program(ports: list[int]) -> bytes:
    """Classic BPF: accept when the SCTP destination port is one of `ports`."""
    instructions = [(0xB1, 0, 0, 0), (0x48, 0, 0, 2)]  # ldxb 4*([0]&0xf); ldh [x + 2]
    for index, port in enumerate(ports):
        instructions.append((0x15, len(ports) - index, 0, port))  # jeq port, accept
    instructions += [(0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]  # ret 0; accept: ret all
    return b"".join(struct.pack("=HBBI", *each) for each in instructions)


class RawIp:
    """One raw socket on one local IPv4 address, or on all of them (`ANY`)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.ports: dict[int, int] = {}
        self.drop: Callable[[str], bool] | None = None
        """Only tests set it, see `Stack.impair`."""
        self._buffer = ffi.new("unsigned char[]", PACKET_LIMIT)
        self._view = memoryview(ffi.buffer(self._buffer))
        self._pointers = [self._buffer + offset for offset in range(64)]
        self._targets: dict[int, tuple[str, int]] = {}
        self._source: dict[int, list[tuple[int, int, bytes]]] = {}
        self.socket = self._open()

    def _open(self) -> socket.socket:
        try:
            raw = socket.socket(
                socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, IPPROTO_SCTP
            )
        except PermissionError:
            raise privilege.refused("CAP_NET_RAW", RAW_PURPOSE) from None
        raw.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        try:
            raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            raw.bind((self.address, 0))
        except OSError as error:
            raw.close()
            raise TransportError(
                f"SCTP address {self.address}: {os.strerror(error.errno or 0)}",
                "set an address of this host (see: ip -br address)",
            ) from None
        return raw

    def add_port(self, port: int) -> None:
        self.ports[port] = self.ports.get(port, 0) + 1
        self._attach()

    def remove_port(self, port: int) -> bool:
        """True when no port is left."""
        self.ports[port] -= 1
        if not self.ports[port]:
            del self.ports[port]
        self._attach()
        return not self.ports

    def _attach(self) -> None:
        ports = list(self.ports)
        accept_all = struct.pack("=HBBI", 0x06, 0, 0, 0xFFFFFFFF)
        program = _program(ports) if len(ports) <= FILTER_PORTS else accept_all
        octets = ctypes.create_string_buffer(program, len(program))
        self.socket.setsockopt(
            socket.SOL_SOCKET,
            SO_ATTACH_FILTER,
            struct.pack("HL", len(program) // 8, ctypes.addressof(octets)),
        )

    def packets(self) -> Iterator[tuple[int, int, Buffer, int]]:
        """What waits, at most BATCH packets: local and remote address, pointer to the SCTP packet, octets.

        The pointer is good until the next one is asked for.
        """
        view, ports, pointers = self._view, self.ports, self._pointers
        for _ in range(BATCH):
            try:
                n = self.socket.recv_into(view)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error for a packet sent earlier
                if self.socket.fileno() < 0:  # closed by the user of the last packet
                    return
                log.debug("raw socket on %s: %s", self.address, error)
                continue
            header = (view[0] & 15) * 4
            if n < header + SMALLEST or _port.unpack_from(view, header + 2)[0] not in ports:
                continue
            if self.drop is not None and self.drop("in"):
                continue
            remote, local = _addresses.unpack_from(view, 12)
            yield local, remote, pointers[header], n - header

    def send(self, local: int, remote: int, packet: Buffer, n: int) -> int:
        """Sends one SCTP packet; 0 or the errno."""
        target = self._targets.get(remote)
        if target is None:
            if len(self._targets) > 4096:  # a flood from invented addresses must not stay
                self._targets.clear()
            target = self._targets[remote] = (socket.inet_ntoa(remote.to_bytes(4, "big")), 0)
        if self.drop is not None and self.drop("out"):
            return 0
        try:
            if self.address != ANY:
                self.socket.sendto(ffi.buffer(packet, n), target)
            else:
                self.socket.sendmsg([ffi.buffer(packet, n)], self._source_of(local), 0, target)
        except OSError as error:
            return error.errno or 0
        return 0

    def _source_of(self, local: int) -> list[tuple[int, int, bytes]]:
        """Ancillary data that makes `local` the source address (ip(7), IP_PKTINFO)."""
        ancillary = self._source.get(local)
        if ancillary is None:
            info = struct.pack("=i4s4s", 0, local.to_bytes(4, "big"), bytes(4))
            ancillary = self._source[local] = [(socket.IPPROTO_IP, IP_PKTINFO, info)]
        return ancillary

    def close(self) -> None:
        self.socket.close()
