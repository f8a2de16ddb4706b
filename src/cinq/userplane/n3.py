"""The GTP-U sockets of a tunnel end: UDP port 2152 at its addresses on N3."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable, Iterable

from cinq.transport import udp
from cinq.transport.error import TransportError
from cinq.transport_address import Address, TransportAddress
from cinq.userplane.rules import GTPU_PORT, PlaneEvents
from cinq.userplane.verdicts import Buffered, Dropped, Outer

BUFFER = 4 << 20
UDP_SEGMENT = 103
TOS, TCLASS = (socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
BATCH_OCTETS, BATCH = 65000, 64


def _refused(address: Address, error: OSError) -> TransportError:
    what = f"N3: UDP port {GTPU_PORT} (GTP-U) on {address}"
    if error.errno == errno.EADDRINUSE:
        who = udp.holder(GTPU_PORT) or "another process"
        return TransportError(f"{what} is in use by {who}", "stop that process, or set another n3_address")
    return TransportError(f"{what}: {error.strerror}", "set an n3_address of this host (see: ip -br address)")


class N3Socket:
    """Datagrams to a callback, at most `at_once` in a turn. OSError: an address is in use or not ours.

    ends: our addresses. A peer is reached from that of its version. Over IPv6 the kernel makes the UDP checksum, and
    drops what has none (RFC 8200 §8.1; RFC 6935 is not used).
    """

    def __init__(
        self,
        ends: TransportAddress,
        loop: asyncio.AbstractEventLoop,
        received: Callable[[bytes, tuple[str, int]], None],
        at_once: int = 64,
    ) -> None:
        self._loop, self._received, self._at_once = loop, received, at_once
        self._batches = True
        with contextlib.ExitStack() as undo:
            four, six = (
                None if address is None else undo.enter_context(_open(address))
                for address in (ends.ipv4, ends.ipv6)
            )
            undo.pop_all()
        self._four, self._six = four, six
        self._sockets = [each for each in (four, six) if each is not None]
        for each in self._sockets:
            loop.add_reader(each, self._read, each)

    def read(self) -> bool:
        """What is there, at most `at_once` of each version. Whether there may be more."""
        left = [self._read(each) for each in self._sockets]
        return any(left)

    def _read(self, source: socket.socket) -> bool:
        receive, received = source.recvfrom, self._received
        for _ in range(self._at_once):
            try:
                octets, peer = receive(65536)
            except OSError:  # nothing more, or an ICMP error of an earlier send
                return False
            received(octets, peer[:2])
        return True

    def _towards(self, peer: tuple[str, int]) -> socket.socket | None:
        """None where N3 has not the version of the peer's address."""
        return self._six if ":" in peer[0] else self._four

    def send(self, octets: bytes, peer: tuple[str, int], tos: int = 0) -> None:
        """Best effort, as UDP is."""
        sender = self._towards(peer)
        if sender is None:
            return
        with contextlib.suppress(OSError):
            if tos:
                marking = (*(TCLASS if sender is self._six else TOS), struct.pack("=i", tos))
                sender.sendmsg([octets], [marking], 0, peer)
            else:
                sender.sendto(octets, peer)

    def send_batch(self, messages: list[bytes], peer: tuple[str, int]) -> None:
        """Messages of one size, the last perhaps shorter, in one system call (UDP GSO); at most BATCH octets.

        A kernel or an interface that does not do it gets them one by one from then on.
        """
        sender = self._towards(peer)
        if self._batches and len(messages) > 1 and sender is not None:
            size = (socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", len(messages[0])))
            try:
                sender.sendmsg(messages, (size,), 0, peer)
                return
            except OSError as error:
                self._batches = error.errno not in (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT)
                if self._batches:  # no buffer space, no route: as lost as any datagram
                    return
        for message in messages:
            self.send(message, peer)

    def close(self) -> None:
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()


def _open(address: Address) -> socket.socket:
    """TransportError, with nothing left open."""
    is_ipv6 = address.version == 6
    made = socket.socket(
        socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    )
    try:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            made.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        if is_ipv6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((str(address), GTPU_PORT))
    except OSError as error:
        made.close()
        raise _refused(address, error) from None
    return made


def carry_out(verdicts: Iterable[Outer | Buffered | Dropped], n3: N3Socket, events: PlaneEvents) -> None:
    """What the slow path decided: messages go out, and the first packet that waits for a session is told."""
    for verdict in verdicts:
        if isinstance(verdict, Outer):
            n3.send(verdict.octets, verdict.peer, verdict.tos)
        elif isinstance(verdict, Buffered) and verdict.notify:
            events.buffered(verdict.session)
