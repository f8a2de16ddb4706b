"""The GTP-U socket of a tunnel end: UDP port 2152 at the N3 address."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address

from cinq.transport import udp
from cinq.transport.error import TransportError
from cinq.userplane.rules import GTPU_PORT

BUFFER = 4 << 20
UDP_SEGMENT = 103
BATCH_OCTETS, BATCH = 65000, 64


def _refused(address: IPv4Address, error: OSError) -> TransportError:
    what = f"N3: UDP port {GTPU_PORT} (GTP-U) on {address}"
    if error.errno == errno.EADDRINUSE:
        who = udp.holder(GTPU_PORT) or "another process"
        return TransportError(f"{what} is in use by {who}", "stop that process, or set another n3_address")
    return TransportError(f"{what}: {error.strerror}", "set an n3_address of this host (see: ip -br address)")


class N3Socket:
    """Datagrams to a callback, at most `at_once` in a turn. OSError: the address is in use or not ours."""

    def __init__(
        self,
        address: IPv4Address,
        loop: asyncio.AbstractEventLoop,
        received: Callable[[bytes, tuple[str, int]], None],
        at_once: int = 64,
    ) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._loop, self._received, self._at_once = loop, received, at_once
        self._batches = True
        try:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            self._socket.bind((str(address), GTPU_PORT))
        except OSError as error:
            self._socket.close()
            raise _refused(address, error) from None
        loop.add_reader(self._socket, self.read)

    def read(self) -> None:
        """What is there, at most `at_once`."""
        receive, received = self._socket.recvfrom, self._received
        for _ in range(self._at_once):
            try:
                octets, peer = receive(65536)
            except OSError:  # nothing more, or an ICMP error of an earlier send
                return
            received(octets, peer)

    def send(self, octets: bytes, peer: tuple[str, int], tos: int = 0) -> None:
        """Best effort, as UDP is."""
        with contextlib.suppress(OSError):
            if tos:
                marking = (socket.IPPROTO_IP, socket.IP_TOS, struct.pack("=i", tos))
                self._socket.sendmsg([octets], [marking], 0, peer)
            else:
                self._socket.sendto(octets, peer)

    def send_batch(self, messages: list[bytes], peer: tuple[str, int]) -> None:
        """Messages of one size, the last perhaps shorter, in one system call (UDP GSO); at most BATCH octets.

        A kernel or an interface that does not do it gets them one by one from then on.
        """
        if self._batches and len(messages) > 1:
            size = (socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", len(messages[0])))
            try:
                self._socket.sendmsg(messages, (size,), 0, peer)
                return
            except OSError as error:
                self._batches = error.errno not in (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT)
                if self._batches:  # no buffer space, no route: as lost as any datagram
                    return
        for message in messages:
            self.send(message, peer)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
