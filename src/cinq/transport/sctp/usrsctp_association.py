"""An association on libusrsctp."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import struct
import sys
import time
from collections.abc import Collection
from functools import lru_cache

from cinq.transport.error import NoAnswerError
from cinq.transport.sctp.association import Address, OnAssociation, SctpSettings
from cinq.transport.sctp.core import AssociationCore, Change, Message, assoc_change
from cinq.transport.sctp.memory import Memory
from cinq.transport.sctp.port_reservation import PortReservation
from cinq.transport.sctp.usrsctp_library import (
    IPPROTO_SCTP,
    MSG_EOR,
    MSG_NOTIFICATION,
    ffi,
    sockaddr_conn,
)
from cinq.transport.sctp.usrsctp_stack import SCTP_NODELAY, Stack

log = logging.getLogger(__name__)

SCTP_STATUS = 0x100
SENDV_SNDINFO, RECVV_RN = 1, 3
SCTP_ABORT = 0x200
ASSOC_CHANGE, PARTIAL_DELIVERY = 1, 7
CHUNK_HEADER = 4
WOULD_BLOCK = (errno.EAGAIN, errno.EINPROGRESS)
READ_SIZE = 65536
PROBES = 3

# One set for all associations: usrsctp is called from one thread only.
_NULL = ffi.NULL
_buffer = ffi.new("char[]", READ_SIZE)
_octets = memoryview(ffi.buffer(_buffer))
_received = ffi.new("struct received *")
_view = memoryview(ffi.buffer(_received))
_info_length, _info_type, _message_flags = (
    ffi.addressof(_received[0], name) for name in ("info_length", "info_type", "message_flags")
)
_result = struct.Struct("=H6xI36xIi")
"""Of struct received: stream, ppid (network order), info_type, message_flags."""
_LENGTH, _FLAGS = slice(44, 48), slice(52, 56)
_INFO_SIZE, _NO_FLAGS = (44).to_bytes(4, sys.byteorder), bytes(4)
_sndinfo = struct.Struct("=HHIII")
"""struct sctp_sndinfo, RFC 6458 §5.3.4: stream, flags, ppid (network order), context, association."""
_status = ffi.new("unsigned char[256]")
_NO, _YES = (flag.to_bytes(4, sys.byteorder) for flag in (0, 1))


@lru_cache(1024)
def _sending(stream: int, ppid: int, flags: int = 0) -> bytes:
    return _sndinfo.pack(stream, flags, socket.htonl(ppid), 0, 0)


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
        self._memory: Memory | None = None
        self._handle = 0

    def remember(self, memory: Memory | None, handle: int) -> None:
        """The file has it from now on until it is over. handle: its AF_CONN address."""
        self._memory, self._handle = memory, handle
        tag = self._stack.tag_of_peer(handle, self.local[1], self.remote[1])
        if memory is not None and tag is not None:
            memory.add(self.local, self.remote, tag)

    async def connect(self, handle: int, port: int, within: float, on_association: OnAssociation) -> None:
        """Waits until the association is up; TransportError says why it is not."""
        self._handle = handle
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

    def transmit(self, messages: Collection[Message]) -> int:
        """By Nagle's rule usrsctp holds back, and the bundle takes, what the last message carries off."""
        stack, so, sent, last = self._stack, self._so, 0, len(messages)
        stack.active()
        send, bundle = stack.lib.usrsctp_sendv, stack.bundle
        if last > 1:
            bundle.open = True
            self._nagle(True)
        try:
            for octets, stream, ppid in messages:
                if sent == last - 1 > 0:
                    self._nagle(False)
                info = _sending(stream, ppid)
                if send(so, octets, len(octets), _NULL, 0, info, _sndinfo.size, SENDV_SNDINFO, 0) < 0:
                    if ffi.errno in WOULD_BLOCK:
                        break
                    why = os.strerror(ffi.errno)  # the notification that explains it is on its way
                    log.debug("message of %d octets for %s not sent: %s", len(octets), self.remote, why)
                sent += 1
        finally:
            if last > 1:
                if sent < last:
                    self._nagle(False)
                bundle.open = False
                bundle.leave()
        return sent

    def _nagle(self, on: bool) -> None:
        value = _NO if on else _YES
        self._stack.lib.usrsctp_setsockopt(self._so, IPPROTO_SCTP, SCTP_NODELAY, value, len(value))

    def wait_for_room(self, wanted: bool) -> None:
        if wanted:
            self._stack.blocked.add(self._so)
        else:
            self._stack.blocked.discard(self._so)

    def transmit_shutdown(self) -> None:
        self._stack.lib.usrsctp_shutdown(self._so, socket.SHUT_WR)

    def transmit_abort(self, reason: bytes) -> None:
        if self._up is None:
            info = _sending(0, 0, SCTP_ABORT)
            self._stack.active()
            self._stack.lib.usrsctp_sendv(
                self._so, reason, len(reason), _NULL, 0, info, _sndinfo.size, SENDV_SNDINFO, 0
            )

    def release(self) -> None:
        self._stack.close_socket(self._so)
        if self._memory is not None:
            self._memory.remove(self.local, self.remote)
        if self._reservation is not None:
            self._stack.close_port(self._reservation.address, self._reservation.port)
            self._reservation.release()

    def agreed_streams(self) -> int:
        length = ffi.new("uint32_t *", len(_status))
        if self._stack.lib.usrsctp_getsockopt(self._so, IPPROTO_SCTP, SCTP_STATUS, _status, length):
            return 0
        return int.from_bytes(ffi.buffer(_status)[18:20], sys.byteorder)  # sstat_outstrms

    async def answers(self, within: float) -> bool:
        """A heartbeat may be lost: PROBES of them."""
        address = sockaddr_conn(self._handle, self.remote[1])
        for _ in range(PROBES):
            if self.over:
                return False
            if await self._stack.answered(self._so, address, within / PROBES):
                return True
        return False

    def restarted(self) -> None:
        self.wait_for_room(False)
        successor = UsrsctpAssociation(
            self._stack, self._so, self.local, self.remote, self.settings, self._reservation
        )
        self._stack.endpoints[self._so] = successor
        successor.remember(self._memory, self._handle)
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
        receive, so, received = self._stack.lib.usrsctp_recvv, self._so, self.received
        _view[_LENGTH] = _INFO_SIZE
        while not self.over:
            _view[_FLAGS] = _NO_FLAGS
            n = receive(
                so, _buffer, READ_SIZE, _NULL, _NULL, _received, _info_length, _info_type, _message_flags
            )
            if n <= 0:
                if n == 0 or ffi.errno not in WOULD_BLOCK:
                    self.end("closed by the peer" if n == 0 else os.strerror(ffi.errno))
                return
            stream, ppid, kind, flags = _result.unpack_from(_view)
            octets = _octets[:n].tobytes()
            if flags & MSG_NOTIFICATION:
                self._notified(octets)
                continue
            received(octets, flags & MSG_EOR != 0, stream, socket.ntohl(ppid))
            if kind != RECVV_RN and flags & MSG_EOR:  # nothing else waits: saves a call
                return
            if time.perf_counter() > self._stack.until:
                self._stack.wake(so)
                return

    def _notified(self, octets: bytes) -> None:
        kind = int.from_bytes(octets[:2], sys.byteorder)
        if kind == PARTIAL_DELIVERY:
            self.incomplete()
        if kind != ASSOC_CHANGE:
            return
        change = assoc_change.unpack_from(octets)[3]
        if change != Change.COMM_UP:
            abort = octets[assoc_change.size :]  # the whole chunk
            self.changed(change, abort[CHUNK_HEADER:] if abort else None)
        elif self._up is not None and not self._up.done() and self._on_association is not None:
            self.established(self._on_association, None)  # now: a message may follow at once
            self._up.set_result(None)
