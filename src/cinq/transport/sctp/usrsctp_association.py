"""An association on libusrsctp."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
from typing import cast

from cinq.transport.error import NoAnswerError
from cinq.transport.sctp.association import PPID_NGAP, Address, OnAssociation, SctpSettings
from cinq.transport.sctp.core import AssociationCore, Change, assoc_change
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
from cinq.transport.sctp.usrsctp_stack import SCTP_NODELAY, Stack

log = logging.getLogger(__name__)

SCTP_STATUS = 0x100
SENDV_SNDINFO, RECVV_RN = 1, 3
SCTP_ABORT = 0x200
ASSOC_CHANGE = 1
WOULD_BLOCK = (errno.EAGAIN, errno.EINPROGRESS)
READ_SIZE = 65536

# One set for all associations: usrsctp is called from one thread only.
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
_NAGLE, _NO_NAGLE = (flag.to_bytes(4, sys.byteorder) for flag in (0, 1))


class UsrsctpAssociation(AssociationCore):
    """`reservation`: the own port, of an association that was set up from here."""

    timed = True

    def __init__(
        self,
        stack: Stack,
        so: int,
        local: Address,
        remote: Address,
        settings: SctpSettings,
        reservation: PortReservation | None = None,
    ) -> None:
        super().__init__(local, remote, settings)
        self._stack = stack
        self._so = so
        self._reservation = reservation
        self._up: asyncio.Future[None] | None = None
        self._staged: list[tuple[bytes, int, int]] = []

    # -- towards the peer: what one turn of the loop sends leaves in as few packets as hold it

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = PPID_NGAP) -> None:
        if not self._staged:
            asyncio.get_running_loop().call_soon(self._flush)
        self._staged.append((octets, stream, ppid))

    def _flush(self) -> None:
        """Nagle's rule holds all but the last back, so that usrsctp bundles them (RFC 9260 §6.10)."""
        staged, self._staged = self._staged, []
        last = len(staged) - 1
        for number, (octets, stream, ppid) in enumerate(staged):
            if last and number in (0, last) and not self.over:
                self._bundle(number == 0)
            super().send(octets, stream=stream, ppid=ppid)

    def _bundle(self, wanted: bool) -> None:
        lib, value = self._stack.lib, _NAGLE if wanted else _NO_NAGLE
        lib.usrsctp_setsockopt(self._so, IPPROTO_SCTP, SCTP_NODELAY, value, len(value))

    async def close(self, within: float = 2.0) -> None:
        self._flush()
        await super().close(within)

    def abort(self, reason: str = "") -> None:
        self._flush()
        super().abort(reason)

    async def connect(self, handle: int, port: int, within: float, on_association: OnAssociation) -> None:
        """Waits until the association is up; TransportError says why it is not."""
        address = sockaddr_conn(handle, port)
        where = f"{self.remote[0]}:{port}"
        if self._stack.lib.usrsctp_connect(self._so, address, len(address)) and ffi.errno not in WOULD_BLOCK:
            why = os.strerror(ffi.errno)
            self.end(why)
            raise NoAnswerError(f"SCTP to {where}: {why}")
        self._on_association = on_association
        self._up = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._up, within)
            self._up = None
        except TimeoutError:
            raise NoAnswerError(
                f"no SCTP answer from {where} within {within:g} s",
                "check that the peer runs, listens on that address and is routed (ip route get)",
            ) from None
        finally:
            if self._up is not None:
                self._up = None
                self.abort("no answer in time")

    # -- what AssociationCore wants

    def transmit(self, octets: bytes, stream: int, ppid: int, flags: int = 0) -> bool:
        self._stack.active()
        _sending.sid, _sending.flags, _sending.ppid = stream, flags, socket.htonl(ppid)
        sent = self._stack.lib.usrsctp_sendv(
            self._so, octets, len(octets), ffi.NULL, 0, _sndinfo, _sndinfo_size, SENDV_SNDINFO, 0
        )
        if sent >= 0:
            return True
        if ffi.errno in WOULD_BLOCK:
            return False
        log.debug(
            "message of %d octets for %s not sent: %s", len(octets), self.remote, os.strerror(ffi.errno)
        )
        return True  # the notification that explains it is on its way

    def wait_for_room(self, wanted: bool) -> None:
        if wanted:
            self._stack.blocked.add(self._so)
        else:
            self._stack.blocked.discard(self._so)

    def transmit_shutdown(self) -> None:
        self._stack.lib.usrsctp_shutdown(self._so, socket.SHUT_WR)

    def transmit_abort(self, reason: bytes) -> None:
        if self._up is None:
            self.transmit(reason, 0, 0, SCTP_ABORT)

    def release(self) -> None:
        self._stack.close_socket(self._so)
        if self._reservation is not None:
            self._stack.close_port(self._reservation.address, self._reservation.port)
            self._reservation.release()

    def agreed_streams(self) -> int:
        _info_length[0] = len(_status)
        if self._stack.lib.usrsctp_getsockopt(self._so, IPPROTO_SCTP, SCTP_STATUS, _status, _info_length):
            return 0
        return int.from_bytes(ffi.buffer(_status)[18:20], sys.byteorder)  # sstat_outstrms

    def restarted(self) -> None:
        self.wait_for_room(False)
        successor = UsrsctpAssociation(
            self._stack, self._so, self.local, self.remote, self.settings, self._reservation
        )
        self._stack.endpoints[self._so] = successor
        self.hand_over(successor)
        self._stack.wake(self._so)

    def finish(self, reason: str) -> None:
        if self._up is not None and not self._up.done():
            self._up.set_exception(NoAnswerError(f"SCTP to {self.remote[0]}:{self.remote[1]}: {reason}"))
        super().finish(reason)

    def forsake(self) -> None:
        self._up = None
        super().forsake()

    # -- towards usrsctp

    def ready(self) -> None:
        if self._queue:
            self.drain()
        receive, so = self._stack.lib.usrsctp_recvv, self._so
        while not self.over:
            _info_length[0], _sockaddr_length[0], _flags[0] = _rcvinfo_size, 0, 0
            n = receive(
                so,
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
                    self.end("closed by the peer" if n == 0 else os.strerror(ffi.errno))
                return
            flags, octets = _flags[0], ffi.buffer(_buffer, n)[:]
            if flags & MSG_NOTIFICATION:
                self._notified(octets)
                continue
            complete = bool(flags & MSG_EOR)
            last = complete and _info_type[0] != RECVV_RN  # nothing else waits: saves a call
            self.received(octets, complete, _received.sid, socket.ntohl(_received.ppid))
            if last:
                return

    def _notified(self, octets: bytes) -> None:
        if int.from_bytes(octets[:2], sys.byteorder) != ASSOC_CHANGE:
            return
        change = assoc_change.unpack_from(octets)[3]
        if change != Change.COMM_UP:
            self.changed(change, octets[assoc_change.size :])
        elif self._up is not None and not self._up.done() and self._on_association is not None:
            self.established(self._on_association, None)  # now: a message may follow at once
            self._up.set_result(None)
