"""Raw IPv4 sockets of protocol 132, the network side of usrsctp.

A raw socket sees every SCTP packet that reaches its network namespace. Only those for a port that was opened
here go on to usrsctp (a classic BPF filter keeps the others in the kernel), so packets of other processes are
neither read nor answered.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Callable

from cinq.transport import privilege
from cinq.transport.error import TransportError
from cinq.transport.sctp.association import RAW_PURPOSE
from cinq.transport.sctp.inbox import Inbox, Packet
from cinq.transport.sctp.port_reservation import ANY
from cinq.transport.sctp.usrsctp_library import IPPROTO_SCTP

RECEIVE_BUFFER = 8 << 20

SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0
IP_PKTINFO = 8

FILTER_PORTS = 200
"""More ports than this are told apart here, not in the kernel: classic BPF jumps at most 255 instructions."""


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

    def packets(self, inbox: Inbox) -> list[Packet]:
        """What waits and is for a port of ours."""
        ports, drop = self.ports, self.drop
        packets = [packet for packet in inbox.fetch(self.socket) if packet[2] in ports]
        return packets if drop is None else [packet for packet in packets if not drop("in")]

    def send(self, local: int, remote: int, packet: bytes) -> int:
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
                self.socket.sendto(packet, target)
            else:
                self.socket.sendmsg([packet], self._source_of(local), 0, target)
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
