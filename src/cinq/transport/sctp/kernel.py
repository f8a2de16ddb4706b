"""SCTP by the Linux kernel: one-to-one style sockets (RFC 6458 §4), constants of linux/sctp.h.

The machine that this was written on has no kernel SCTP: the layouts are tested with a socket that is not one.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Collection
from typing import Protocol

from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.sctp.association import Address, Association, OnAssociation, SctpSettings
from cinq.transport.sctp.core import AssociationCore, Change, Message, assoc_change

IPPROTO_SCTP = 132
SCTP_RTOINFO, SCTP_ASSOCINFO, SCTP_INITMSG, SCTP_NODELAY, SCTP_PEER_ADDR_PARAMS = 0, 1, 2, 3, 9
SCTP_EVENTS, SCTP_STATUS, SCTP_RECVRCVINFO = 11, 14, 32
CMSG_SNDINFO, CMSG_RCVINFO = 2, 3
MSG_NOTIFICATION = 0x8000
MSG_EOR = socket.MSG_EOR
ASSOC_CHANGE = 0x8001
SCTP_ABORT = 1 << 2
SPP_HB_ENABLE = 1

BACKLOG = 512
BATCH = 32
READ_SIZE = 65536
STATUS_SIZE = 176

sndinfo = struct.Struct("=HHIIi")  # sid, flags, ppid (network order), context, association
rcvinfo = struct.Struct(
    "=HHHxxIIIIi"
)  # sid, ssn, flags, ppid (network order), tsn, cumtsn, context, association
ANCILLARY = socket.CMSG_SPACE(rcvinfo.size)

Ancillary = list[tuple[int, int, bytes]]


class KernelSocket(Protocol):
    """The part of socket.socket that an association uses."""

    def fileno(self) -> int: ...
    def recvmsg_into(
        self, buffers: list[memoryview], ancillary_size: int, /
    ) -> tuple[int, Ancillary, int, object]: ...
    def sendmsg(self, buffers: list[bytes], ancillary: Ancillary, flags: int, /) -> int: ...
    def getsockopt(self, level: int, name: int, size: int, /) -> bytes: ...
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
        (
            SCTP_PEER_ADDR_PARAMS,
            struct.pack(
                "=i128xIHIIIIBx", 0, settings.heartbeat_ms, retransmissions, 0, 0, SPP_HB_ENABLE, 0, 0
            ),
        ),
        (SCTP_RECVRCVINFO, struct.pack("=i", 1)),
        (SCTP_EVENTS, bytes([0, 1, 0, 0, 0, 1, 1, 0])),  # association change, shutdown, partial delivery
    ]


def _configured(made: socket.socket, settings: SctpSettings) -> socket.socket:
    made.setblocking(False)
    for name, value in options(settings):
        made.setsockopt(IPPROTO_SCTP, name, value)
    return made


class KernelAssociation(AssociationCore):
    """An association on a connected one-to-one socket."""

    def __init__(
        self, connected: KernelSocket, local: Address, remote: Address, settings: SctpSettings
    ) -> None:
        super().__init__(local, remote, settings)
        self._socket = connected
        self._buffer = memoryview(bytearray(READ_SIZE))
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
                n, ancillary, flags, _ = self._socket.recvmsg_into([self._buffer], ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.end(os.strerror(error.errno or 0))
                return
            octets = bytes(self._buffer[:n])
            if flags & MSG_NOTIFICATION:
                self._notified(octets)
            elif n == 0:
                self.end("closed by the peer")
            else:
                stream, ppid = _stream_and_ppid(ancillary)
                self.received(octets, bool(flags & MSG_EOR), stream, ppid)

    def _notified(self, octets: bytes) -> None:
        if len(octets) < assoc_change.size or struct.unpack_from("=H", octets)[0] != ASSOC_CHANGE:
            return
        change = assoc_change.unpack_from(octets)[3] + 1
        if change != Change.COMM_UP:
            self.changed(change, octets[assoc_change.size :])

    # -- what AssociationCore wants

    def transmit(self, messages: Collection[Message]) -> int:
        for sent, (octets, stream, ppid) in enumerate(messages):
            if not self._transmit(octets, stream, ppid, 0):
                return sent
        return len(messages)

    def _transmit(self, octets: bytes, stream: int, ppid: int, flags: int) -> bool:
        info = sndinfo.pack(stream, flags, socket.htonl(ppid), 0, 0)
        try:
            self._socket.sendmsg([octets], [(IPPROTO_SCTP, CMSG_SNDINFO, info)], socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True  # the notification that explains it is on its way
        return True

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
        self._transmit(reason, 0, 0, SCTP_ABORT)

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
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(listening, self._readable)

    @property
    def associations(self) -> frozenset[Association]:
        return frozenset(self._open)

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                accepted, remote = self._socket.accept()
            except OSError:  # nobody waits, or gone again
                return
            try:
                local = _name(accepted.getsockname())
                association = KernelAssociation(
                    _configured(accepted, self._settings), local, _name(remote), self._settings
                )
            except OSError:  # gone again
                accepted.close()
                continue
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
    """See `cinq.transport.sctp.connect`."""
    any_address = "::" if ":" in remote else "0.0.0.0"
    connecting = _open(local or any_address, local_port, settings)
    try:
        async with asyncio.timeout(within):
            await asyncio.get_running_loop().sock_connect(connecting, (remote, port))
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
