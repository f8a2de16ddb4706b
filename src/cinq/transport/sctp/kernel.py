"""SCTP by the Linux kernel: one-to-one style sockets (RFC 6458 §4), constants of linux/sctp.h.

Tried with Linux 6.1 and 6.12; without kernel SCTP the layouts are tested with a socket that is not one. What
Linux does differently from RFC 6458: states of an association count from 0, sac_info has the error causes without
the header of the ABORT chunk, and a one-to-one socket takes no SCTP_ABORT flag.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import struct
import sys
from collections.abc import Collection
from functools import lru_cache
from typing import Protocol

from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.sctp.admission import Admission
from cinq.transport.sctp.association import Address, Association, OnAssociation, SctpSettings
from cinq.transport.sctp.core import AssociationCore, Change, Message, assoc_change
from cinq.transport.sctp.source import source_address

log = logging.getLogger(__name__)

IPPROTO_SCTP = 132
SCTP_RTOINFO, SCTP_ASSOCINFO, SCTP_INITMSG, SCTP_NODELAY, SCTP_PEER_ADDR_PARAMS = 0, 1, 2, 3, 9
SCTP_EVENTS, SCTP_STATUS, SCTP_RECVRCVINFO, SCTP_GET_ASSOC_STATS = 11, 14, 32, 112
CMSG_SNDINFO, CMSG_RCVINFO = 2, 3
MSG_NOTIFICATION = 0x8000
MSG_EOR = socket.MSG_EOR
ASSOC_CHANGE, PARTIAL_DELIVERY = 0x8001, 0x8006
SPP_HB_ENABLE, SPP_HB_DEMAND = 1, 4
LINGER_ABORT = struct.pack("=ii", 1, 0)
"""Closing a socket sends ABORT instead of SHUTDOWN; a cause of user-initiated, and no text."""

BACKLOG = 512
BATCH = 32
ACCEPT_PAUSE_S = 1.0
"""Until associations are accepted again when there is no descriptor or memory for one."""
READ_SIZE = 65536
STATUS_SIZE = 176
STATS_SIZE, STATS_IPACKETS = 256, 168
"""struct sctp_assoc_stats, and where it has the packets that came (Linux 3.8)."""
ALIVE_POLL_S = 0.02

sndinfo = struct.Struct("=HHIIi")  # sid, flags, ppid (network order), context, association
rcvinfo = struct.Struct(
    "=HHHxxIIIIi"
)  # sid, ssn, flags, ppid (network order), tsn, cumtsn, context, association
ANCILLARY = socket.CMSG_SPACE(rcvinfo.size)

Ancillary = list[tuple[int, int, bytes]]


class KernelSocket(Protocol):
    """The part of socket.socket that an association uses."""

    def fileno(self) -> int: ...
    def recvmsg(self, octets: int, ancillary_size: int, /) -> tuple[bytes, Ancillary, int, object]: ...
    def sendmsg(self, buffers: list[bytes], ancillary: Ancillary, flags: int, /) -> int: ...
    def getsockopt(self, level: int, name: int, size: int, /) -> bytes: ...
    def setsockopt(self, level: int, name: int, value: bytes, /) -> None: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


def available() -> bool:
    """Whether the kernel has SCTP (asking loads the module where it may)."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


def options(settings: SctpSettings) -> list[tuple[int, bytes]]:
    """Socket options, in the layouts of linux/sctp.h."""
    retransmissions = settings.max_retransmissions
    streams = (settings.outbound_streams, settings.inbound_streams)
    rto = (settings.rto_initial_ms, settings.rto_max_ms, settings.rto_min_ms)
    return [
        (SCTP_RTOINFO, struct.pack("=iIII", 0, *rto)),
        (SCTP_ASSOCINFO, struct.pack("=iHHIII", 0, retransmissions, 0, 0, 0, 0)),
        (SCTP_INITMSG, struct.pack("=HHHH", *streams, settings.max_init_attempts, settings.rto_max_ms)),
        (SCTP_NODELAY, struct.pack("=i", 1)),
        (SCTP_PEER_ADDR_PARAMS, _path(settings)),
        (SCTP_RECVRCVINFO, struct.pack("=i", 1)),
        (SCTP_EVENTS, bytes([0, 1, 0, 0, 0, 1, 1, 0])),  # association change, shutdown, partial delivery
    ]


def _path(settings: SctpSettings) -> bytes:
    """struct sctp_paddrparams as it was before Linux 4.18: the only size that all kernels take."""
    heartbeat, retransmissions = settings.heartbeat_ms, settings.max_retransmissions
    return struct.pack("=i128xIHIIIxx", 0, heartbeat, retransmissions, 0, 0, SPP_HB_ENABLE)


def _demand() -> bytes:
    """struct sctp_paddrparams of all paths: a heartbeat now, everything else as it is."""
    return struct.pack("=i128xIHIIIxx", 0, 0, 0, 0, 0, SPP_HB_DEMAND)


def _configured(made: socket.socket, settings: SctpSettings) -> socket.socket:
    made.setblocking(False)
    for name, value in options(settings):
        made.setsockopt(IPPROTO_SCTP, name, value)
    return made


@lru_cache(1024)
def _sending(stream: int, ppid: int) -> Ancillary:
    return [(IPPROTO_SCTP, CMSG_SNDINFO, sndinfo.pack(stream, 0, socket.htonl(ppid), 0, 0))]


class KernelAssociation(AssociationCore):
    """An association on a connected one-to-one socket."""

    def __init__(
        self, connected: KernelSocket, local: Address, remote: Address, settings: SctpSettings
    ) -> None:
        super().__init__(local, remote, settings)
        self._socket = connected
        self._writing = False

    def start(self, on_association: OnAssociation, owner: set[Association] | None) -> None:
        """The association is up: reads from now on."""
        self.established(on_association, owner)
        if not self.over:
            self._loop.add_reader(self._socket.fileno(), self.readable)

    def readable(self) -> None:
        """Reads messages and notifications, at most BATCH."""
        for _ in range(BATCH):
            if self.over:
                return
            try:
                octets, ancillary, flags, _ = self._socket.recvmsg(READ_SIZE, ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.end(os.strerror(error.errno or 0))
                return
            if flags & MSG_NOTIFICATION:
                self._notified(octets)
            elif not octets:  # the peer's SHUTDOWN: nothing more comes, and Linux may be answering it still
                self.shut_down()
            else:
                stream, ppid = _stream_and_ppid(ancillary)
                self.received(octets, flags & MSG_EOR != 0, stream, ppid)

    def _notified(self, octets: bytes) -> None:
        kind = int.from_bytes(octets[:2], sys.byteorder)
        if kind == PARTIAL_DELIVERY:
            self.incomplete()
        if kind != ASSOC_CHANGE or len(octets) < assoc_change.size:
            return
        change = assoc_change.unpack_from(octets)[3] + 1
        if change == Change.COMM_UP:
            return
        causes = octets[assoc_change.size :]
        self.changed(change, causes if causes or self._reset() else None)

    def _reset(self) -> bool:
        """Whether the peer sent an ABORT, which may be without causes."""
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR, 4)
        return int.from_bytes(error, sys.byteorder) in (errno.ECONNRESET, errno.ECONNREFUSED)

    # -- what AssociationCore wants

    def transmit(self, messages: Collection[Message]) -> int:
        """MSG_MORE has Linux hold all but the last back, so that it bundles them."""
        send, last = self._socket.sendmsg, len(messages) - 1
        for sent, (octets, stream, ppid) in enumerate(messages):
            flags = socket.MSG_NOSIGNAL if sent == last else socket.MSG_NOSIGNAL | socket.MSG_MORE
            try:
                send([octets], _sending(stream, ppid), flags)
            except (BlockingIOError, InterruptedError):
                return sent
            except OSError as error:  # the notification that explains it is on its way
                log.debug("message of %d octets for %s not sent: %s", len(octets), self.remote, error)
        return len(messages)

    def wait_for_room(self, wanted: bool) -> None:
        if wanted and not self._writing:
            self._loop.add_writer(self._socket.fileno(), self.drain)
        elif not wanted and self._writing:
            self._loop.remove_writer(self._socket.fileno())
        self._writing = wanted

    def transmit_shutdown(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.end(os.strerror(error.errno or 0))

    def transmit_abort(self, reason: bytes) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT)

    def release(self) -> None:
        self.wait_for_room(False)
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def agreed_streams(self) -> int:
        try:
            status = self._socket.getsockopt(IPPROTO_SCTP, SCTP_STATUS, STATUS_SIZE)
        except OSError:
            return 0
        return int(struct.unpack_from("=H", status, 18)[0])  # sstat_outstrms

    async def answers(self, within: float) -> bool:
        """The kernel says how many packets came: one more than before, and the peer is there."""
        try:
            before = self._packets()
            self._socket.setsockopt(IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, _demand())
            until = self._loop.time() + within
            while not self.over and self._loop.time() < until:
                if self._packets() > before:
                    return True
                await asyncio.sleep(ALIVE_POLL_S)
        except OSError as error:
            log.debug("%s: no heartbeat: %s", self.remote, error)
        return False

    def _packets(self) -> int:
        stats = self._socket.getsockopt(IPPROTO_SCTP, SCTP_GET_ASSOC_STATS, STATS_SIZE)
        return int(struct.unpack_from("=Q", stats, STATS_IPACKETS)[0])

    def restarted(self) -> None:
        self.wait_for_room(False)
        self._loop.remove_reader(self._socket.fileno())
        successor = KernelAssociation(self._socket, self.local, self.remote, self.settings)
        self.hand_over(successor)
        if not successor.over:
            self._loop.add_reader(self._socket.fileno(), successor.readable)


def _stream_and_ppid(ancillary: Ancillary) -> tuple[int, int]:
    """Stream and payload protocol identifier out of SCTP_RCVINFO."""
    for level, kind, octets in ancillary:
        if level == IPPROTO_SCTP and kind == CMSG_RCVINFO and len(octets) >= rcvinfo.size:
            stream, _, _, ppid, *_ = rcvinfo.unpack_from(octets)
            return stream, socket.ntohl(ppid)
    return 0, 0


class KernelListener:
    """A server; `Listener` says what its methods do."""

    def __init__(
        self, listening: socket.socket, on_association: OnAssociation, settings: SctpSettings
    ) -> None:
        self.local = _name(listening.getsockname())
        self._socket = listening
        self._on_association = on_association
        self._settings = settings
        self._open: set[Association] = set()
        self._admission = Admission(settings)
        self._loop = asyncio.get_running_loop()
        self._accept()

    @property
    def associations(self) -> frozenset[Association]:
        return frozenset(self._open)

    def _accept(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        for _ in range(BATCH):
            if self._socket.fileno() < 0:  # closed by the user of the last association
                return
            try:
                accepted, remote = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # it stays readable: without the pause this would be called all the time
                log.error("no SCTP association can be accepted: %s", os.strerror(error.errno or 0))
                self._loop.remove_reader(self._socket)
                self._loop.call_later(ACCEPT_PAUSE_S, self._accept)
                return
            self._take(accepted, _name(remote))

    def _take(self, accepted: socket.socket, remote: Address) -> None:
        """One new association, or its refusal."""
        try:
            if not self._admission.admits(self._open, remote):
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT)
                accepted.close()
                return
            local = _name(accepted.getsockname())
            association = KernelAssociation(
                _configured(accepted, self._settings), local, remote, self._settings
            )
        except OSError:  # gone again
            accepted.close()
            return
        association.start(self._on_association, self._open)

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for association in self.associations:
            association.abort("the server stops")


def _name(sockname: tuple[str, int]) -> Address:
    return sockname[0], sockname[1]


def _open(address: str, port: int, settings: SctpSettings) -> socket.socket:
    """A socket bound to the local address and port ('' and 0: any)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, IPPROTO_SCTP)
    try:
        _configured(made, settings).bind((address, port))
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise TransportError(
                f"SCTP port {port} on {address} is in use", "stop its holder (ss -S -lnp), or set another"
            ) from None
        why = "found no IP address" if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise TransportError(f"SCTP address {address} port {port}: {why}", "see: ip -br address") from None
    return made


async def listen(
    address: str, port: int, on_association: OnAssociation, settings: SctpSettings
) -> KernelListener:
    """See `cinq.transport.sctp.listen`."""
    listening = _open(address, port, settings)
    listening.listen(BACKLOG)
    return KernelListener(listening, on_association, settings)


async def _connected(connecting: socket.socket, remote: Address) -> None:
    """connect(2) without blocking, and without asyncio's question to the resolver, which may not know SCTP."""
    error = connecting.connect_ex(remote)
    if error == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        answered = asyncio.Event()
        loop.add_writer(connecting, answered.set)
        try:
            await answered.wait()
        finally:
            loop.remove_writer(connecting)
        error = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


async def connect(
    remote: str,
    port: int,
    on_association: OnAssociation,
    *,
    local: str,
    local_port: int,
    settings: SctpSettings,
    within: float,
) -> KernelAssociation:
    """See `cinq.transport.sctp.connect`.

    From one address: a socket bound to none has Linux offer all of the host in INIT (RFC 9260 §3.3.2.1), among them
    those that the peer cannot reach, or has itself.
    """
    try:
        ipaddress.ip_address(remote)
    except ValueError:
        raise TransportError(f"SCTP address {remote!r}: found no IP address", "an IP address") from None
    connecting = _open(local or source_address(remote), local_port, settings)
    try:
        async with asyncio.timeout(within):
            await _connected(connecting, (remote, port))
        here = _name(connecting.getsockname())
        association = KernelAssociation(connecting, here, (remote, port), settings)
    except TimeoutError:
        connecting.close()
        raise NoAnswerError(
            f"no SCTP answer from {remote}:{port} within {within:g} s",
            "check that the peer runs, listens on that address and is routed (ip route get)",
        ) from None
    except OSError as error:
        connecting.close()
        raise NoAnswerError(f"SCTP to {remote}:{port}: {os.strerror(error.errno or 0)}") from None
    except BaseException:
        connecting.close()
        raise
    association.start(on_association, None)
    return association
