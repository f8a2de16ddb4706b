"""UDP endpoints on the asyncio loop: whole batches are read per wake-up, and errors name address and port."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cinq.transport.error import TransportError

log = logging.getLogger(__name__)

Address = tuple[str, int]
OnDatagram = Callable[[bytes, Address], None]
"""Called with the octets and the sender (address, port)."""

BATCH = 64
DATAGRAM_LIMIT = 65536
SO_RCVBUFFORCE = 33


class UdpEndpoint:
    """A bound UDP socket. `on_datagram` may be replaced at any time."""

    def __init__(self, bound: socket.socket, on_datagram: OnDatagram) -> None:
        self.on_datagram = on_datagram
        self.dropped = 0
        """Datagrams that could not be sent: the send buffer was full or the network refused."""
        self._socket = bound
        self._loop = asyncio.get_running_loop()
        name = bound.getsockname()
        self.local: Address = (name[0], name[1])
        self._closed = False
        self._loop.add_reader(bound, self._readable)

    def _readable(self) -> None:
        receive = self._socket.recvfrom
        for _ in range(BATCH):
            try:
                octets, sender = receive(DATAGRAM_LIMIT)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error for a datagram sent earlier
                log.debug("UDP %s:%d: %s", *self.local, error)
                continue
            self._deliver(octets, (sender[0], sender[1]))
            if self._closed:
                return

    def _deliver(self, octets: bytes, sender: Address) -> None:
        try:
            self.on_datagram(octets, sender)
        except Exception:
            log.exception("the user of UDP %s:%d failed on %d octets", *self.local, len(octets))

    def send(self, octets: bytes, to: Address) -> None:
        """Sends one datagram, or counts it in `dropped`: UDP promises nothing more."""
        try:
            self._socket.sendto(octets, to)
        except OSError as error:
            self.dropped += 1
            log.debug("UDP %s:%d to %s:%d: %s", *self.local, *to, error)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._socket.close()


def holder(port: int) -> str:
    """The process that holds UDP `port`, as 'process 123 (name)', or '' when it cannot be seen."""
    inodes = set()
    for table in ("udp", "udp6"):
        try:
            lines = Path(f"/proc/thread-self/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        inodes |= {line.split()[9] for line in lines if int(line.split()[1].rpartition(":")[2], 16) == port}
    targets = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(each) in targets for each in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue
    return ""


def _bind_error(error: OSError, address: str, port: int) -> TransportError:
    if error.errno == errno.EADDRINUSE:
        by = holder(port)
        return TransportError(
            f"UDP port {port} on {address} is in use" + (f" by {by}" if by else ""),
            "stop that process, or set another address or port",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return TransportError(
            f"UDP address {address} (port {port}) is not an address of this host", "see: ip -br address"
        )
    if error.errno == errno.EACCES:
        return TransportError(f"UDP port {port} on {address} needs a privilege", "run as root")
    return TransportError(f"UDP {address}:{port}: {os.strerror(error.errno or 0)}")


def bind(address: str, port: int, *, receive_buffer: int = 0) -> socket.socket:
    """A bound, non-blocking UDP socket. `receive_buffer`: octets, 0 for the system's default."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        bound.bind((address, port))
    except (OSError, struct.error) as error:
        bound.close()
        if isinstance(error, socket.gaierror):
            raise TransportError(f"UDP address {address!r}: found no IP address") from None
        raise _bind_error(OSError(getattr(error, "errno", 0), ""), address, port) from None
    if receive_buffer:
        try:
            bound.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer)
        except PermissionError:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    return bound


async def endpoint(
    address: str, port: int, on_datagram: OnDatagram, *, receive_buffer: int = 1 << 20
) -> UdpEndpoint:
    """An endpoint on a local address ('0.0.0.0': all) and port (0: a free one); TransportError if refused."""
    return UdpEndpoint(bind(address, port, receive_buffer=receive_buffer), on_datagram)


def is_local(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is one of this namespace's own, the loopback's 127.0.0.0/8 among them."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
