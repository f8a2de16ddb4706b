"""An association on libusrsctp."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import struct
import sys
from collections import deque
from typing import cast

from cinq.transport.error import TransportError
from cinq.transport.sctp.association import (
    PPID_NGAP,
    Address,
    Association,
    AssociationHandler,
    OnAssociation,
    SctpSettings,
)
from cinq.transport.sctp.port_reservation import PortReservation
from cinq.transport.sctp.usrsctp_library import (
    IPPROTO_SCTP,
    MSG_EOR,
    MSG_NOTIFICATION,
    RcvInfo,
    SndInfo,
    ffi,
    sockaddr_conn,
)
from cinq.transport.sctp.usrsctp_stack import TICK_STALE_S, Stack

log = logging.getLogger(__name__)

SCTP_STATUS = 0x100
SENDV_SNDINFO, RECVV_RN = 1, 3
SCTP_ABORT = 0x200
ASSOC_CHANGE, SHUTDOWN_EVENT = 1, 5
COMM_UP, COMM_LOST, RESTART, SHUTDOWN_COMP, CANT_STR_ASSOC = range(1, 6)
WOULD_BLOCK = (errno.EAGAIN, errno.EINPROGRESS)
USER_INITIATED = 12
"""Error cause of RFC 9260 §3.3.10.12."""
READ_SIZE = 65536

_buffer = ffi.new("char[]", READ_SIZE)
_rcvinfo = ffi.new("struct rcvinfo *")
_received = cast(RcvInfo, _rcvinfo)
_rcvinfo_size = ffi.sizeof("struct rcvinfo")
_sndinfo = ffi.new("struct sndinfo *")
_sending = cast(SndInfo, _sndinfo)
_sndinfo_size = ffi.sizeof("struct sndinfo")
_info_length = ffi.new("uint32_t *")
_info_type = ffi.new("unsigned int *")
_flags = ffi.new("int *")
_sockaddr = ffi.new("unsigned char[16]")
_sockaddr_length = ffi.new("uint32_t *")
_status = ffi.new("unsigned char[256]")
_change = struct.Struct("=HHIHHHHI")


class UsrsctpAssociation:
    """One association; `Association` says what its methods do."""

    def __init__(
        self,
        stack: Stack,
        so: int,
        local: Address,
        remote: Address,
        settings: SctpSettings,
        reservation: PortReservation | None = None,
    ) -> None:
        self.local = local
        self.remote = remote
        self.outbound_streams = 1
        self._stack = stack
        self._so = so
        self._settings = settings
        self._handler: AssociationHandler | None = None
        self._parts: list[bytes] = []
        self._queue: deque[tuple[bytes, int, int]] = deque()
        self._queued = 0
        self._up: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._reservation = reservation
        self._owner: set[Association] | None = None
        self._on_association: OnAssociation | None = None

    # -- towards the user

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = PPID_NGAP) -> None:
        if not self._so:
            log.debug(
                "message of %d octets for %s dropped: the association is over", len(octets), self.remote
            )
            return
        self._stack.advance_clock(TICK_STALE_S)
        stream %= self.outbound_streams
        if self._queue or not self._send(octets, stream, ppid):
            self._enqueue(octets, stream, ppid)

    def _send(self, octets: bytes, stream: int, ppid: int, flags: int = 0) -> bool:
        """False when the send buffer is full."""
        _sending.sid, _sending.flags, _sending.ppid = stream, flags, socket.htonl(ppid)
        sent = self._stack.lib.usrsctp_sendv(
            self._so, octets, len(octets), ffi.NULL, 0, _sndinfo, _sndinfo_size, SENDV_SNDINFO, 0
        )
        if sent >= 0:
            return True
        if ffi.errno in WOULD_BLOCK:
            return False
        log.info("message of %d octets for %s not sent: %s", len(octets), self.remote, os.strerror(ffi.errno))
        return True  # the notification that explains it is on its way

    def _enqueue(self, octets: bytes, stream: int, ppid: int) -> None:
        self._queue.append((octets, stream, ppid))
        self._queued += len(octets)
        self._stack.blocked.add(self._so)
        if self._queued > self._settings.send_queue_limit:
            self.abort(f"more than {self._settings.send_queue_limit} octets wait: the peer does not read")

    def _drain(self) -> None:
        while self._queue and self._send(*self._queue[0]):
            self._queued -= len(self._queue.popleft()[0])
        if not self._queue:
            self._stack.blocked.discard(self._so)
            if self._gone is not None:
                self._stack.lib.usrsctp_shutdown(self._so, socket.SHUT_WR)

    async def close(self, within: float = 2.0) -> None:
        if not self._so:
            return
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
            if not self._queue:
                self._stack.lib.usrsctp_shutdown(self._so, socket.SHUT_WR)
        await asyncio.wait([self._gone], timeout=within)
        self.abort(f"shutdown not answered within {within:g} s")

    def abort(self, reason: str = "") -> None:
        if self._so:
            self._stack.advance_clock(TICK_STALE_S)
            self._send(reason.encode()[:256], 0, 0, SCTP_ABORT)
            self._end(f"aborted here: {reason}" if reason else "aborted here")

    # -- towards usrsctp

    def ready(self) -> None:
        if self._queue:
            self._drain()
        receive = self._stack.lib.usrsctp_recvv
        while self._so:
            _info_length[0], _sockaddr_length[0], _flags[0] = _rcvinfo_size, 0, 0
            n = receive(
                self._so,
                _buffer,
                READ_SIZE,
                _sockaddr,
                _sockaddr_length,
                _rcvinfo,
                _info_length,
                _info_type,
                _flags,
            )
            if n <= 0:
                if n == 0 or ffi.errno not in WOULD_BLOCK:
                    self._end("closed by the peer" if n == 0 else os.strerror(ffi.errno))
                return
            if _flags[0] & MSG_NOTIFICATION:
                self._notified(ffi.buffer(_buffer, n)[:])
                continue
            complete = bool(_flags[0] & MSG_EOR)
            last = complete and _info_type[0] != RECVV_RN  # nothing else waits: saves a call
            self._received(ffi.buffer(_buffer, n)[:], complete)
            if last:
                return

    def _received(self, octets: bytes, complete: bool) -> None:
        if self._parts or not complete:
            self._parts.append(octets)
            if sum(map(len, self._parts)) > self._settings.message_limit:
                self.abort(f"message longer than {self._settings.message_limit} octets")
                return
            if not complete:
                return
            octets = b"".join(self._parts)
            self._parts.clear()
        if len(octets) > self._settings.message_limit:
            self.abort(f"message longer than {self._settings.message_limit} octets")
        elif self._handler is not None:
            try:
                self._handler.message(octets, _received.sid, socket.ntohl(_received.ppid))
            except Exception:
                log.exception("the handler of %s failed on a message of %d octets", self.remote, len(octets))

    def _notified(self, octets: bytes) -> None:
        kind = int.from_bytes(octets[:2], sys.byteorder)
        if kind != ASSOC_CHANGE:
            return
        _, _, _, state, _, outbound, _, _ = _change.unpack_from(octets)
        if state == COMM_UP:
            self.outbound_streams = outbound or 1
            if self._up is not None and not self._up.done() and self._on_association is not None:
                self.established(self._on_association, None)  # now: a message may follow at once
                self._up.set_result(None)
        elif state == COMM_LOST:
            self._end(_why_lost(octets[_change.size :]))
        elif state == RESTART:
            self._restarted()
        elif state == SHUTDOWN_COMP:
            self._end("shut down" if self._gone is not None else "shut down by the peer")
        elif state == CANT_STR_ASSOC:
            self._end("refused by the peer" if octets[_change.size :] else "no answer from the peer")

    def _restarted(self) -> None:
        """The peer lost its state and set the association up anew (RFC 9260 §5.2.4.1): to us a new one."""
        so, self._so = self._so, 0
        self._finish("restarted by the peer")
        self._stack.blocked.discard(so)
        successor = UsrsctpAssociation(
            self._stack, so, self.local, self.remote, self._settings, self._reservation
        )
        self._stack.endpoints[so] = successor
        if self._on_association is not None:
            successor.established(self._on_association, self._owner)
        self._stack.wake(so)

    def established(self, on_association: OnAssociation, owner: set[Association] | None) -> None:
        """The association is up: asks the user for the handler."""
        self._on_association, self._owner = on_association, owner
        self.outbound_streams = self._status_outbound_streams() or 1
        if owner is not None:
            owner.add(self)
        try:
            self._handler = on_association(self)
        except Exception:
            log.exception("the new association with %s has no handler", self.remote)
            self.abort("internal error")

    def _status_outbound_streams(self) -> int:
        _info_length[0] = len(_status)
        if self._stack.lib.usrsctp_getsockopt(self._so, IPPROTO_SCTP, SCTP_STATUS, _status, _info_length):
            return 0
        return int.from_bytes(ffi.buffer(_status)[18:20], sys.byteorder)

    async def connect(self, handle: int, port: int, within: float, on_association: OnAssociation) -> None:
        """Waits until the association is up; TransportError says why it is not."""
        address = sockaddr_conn(handle, port)
        if self._stack.lib.usrsctp_connect(self._so, address, len(address)) and ffi.errno not in WOULD_BLOCK:
            why = os.strerror(ffi.errno)
            self._end(why)
            raise TransportError(f"SCTP to {self.remote[0]}:{port}: {why}")
        self._on_association = on_association
        self._up = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._up, within)
            self._up = None
        except TimeoutError:
            raise TransportError(
                f"no SCTP answer from {self.remote[0]}:{port} within {within:g} s",
                "check that the peer runs, listens on that address and is routed (ip route get)",
            ) from None
        finally:
            if self._up is not None:
                self._up = None
                self.abort("no answer in time")

    def forsake(self) -> None:
        self._handler = self._gone = self._up = None
        self._end("the event loop has ended")

    def _end(self, reason: str) -> None:
        so, self._so = self._so, 0
        if so:
            self._stack.close_socket(so)
            self._finish(reason)
            if self._reservation is not None:
                self._stack.close_port(self._reservation.address, self._reservation.port)
                self._reservation.release()

    def _finish(self, reason: str) -> None:
        """Tells everybody who waits that the association is over."""
        self._queue.clear()
        self._parts.clear()
        if self._owner is not None:
            self._owner.discard(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._up is not None and not self._up.done():
            self._up.set_exception(TransportError(f"SCTP to {self.remote[0]}:{self.remote[1]}: {reason}"))
        if self._handler is not None:
            try:
                self._handler.lost(reason)
            except Exception:
                log.exception("the handler of %s failed on the loss of the association", self.remote)


def _why_lost(abort: bytes) -> str:
    """The reason of COMM_LOST; `abort` is the ABORT chunk of the peer, if there was one (RFC 9260 §3.3.7)."""
    if not abort:
        return "no answer from the peer"
    if len(abort) < 8:
        return "aborted by the peer"
    cause, length = struct.unpack_from("!HH", abort, 4)
    text = abort[8 : 4 + length].decode("utf-8", "replace").strip("\0")
    return (
        f"aborted by the peer: {text}"
        if cause == USER_INITIATED and text
        else f"aborted by the peer, cause {cause}"
    )
