"""libusrsctp driven from the asyncio loop, without any foreign thread.

usrsctp runs in its AF_CONN mode: it hands out packets through a callback and takes packets from us, and its
"addresses" are opaque 64-bit values, here (index of the local address << 32 | remote IPv4 address), so that a
packet before COOKIE-ECHO leaves no state behind (RFC 9260 §5.1.3). The library keeps one state per process;
so does `Stack`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Protocol

from cinq.transport.error import TransportError
from cinq.transport.sctp.association import Address, SctpSettings
from cinq.transport.sctp.bundle import HEADER, Bundle
from cinq.transport.sctp.core import USER_INITIATED
from cinq.transport.sctp.inbox import Inbox, Packet
from cinq.transport.sctp.raw_ip import RawIp
from cinq.transport.sctp.usrsctp_library import AF_CONN, IPPROTO_SCTP, Buffer, Usrsctp, ffi, load

log = logging.getLogger(__name__)

TICK_BUSY_S = 0.05
TICK_QUIET_S = 0.25
TICK_IDLE_S = 1.0
QUIET_TICKS = 6
TURN_S = 0.002
"""Of one turn of the event loop, for what has arrived; the rest has its turn after the others."""
"""Ticks without a packet until only slow timers (retransmission, heartbeat) can be running."""
TICK_STALE_S = 0.02

SCTP_RTOINFO, SCTP_ASSOCINFO, SCTP_INITMSG, SCTP_NODELAY, SCTP_PEER_ADDR_PARAMS = 1, 2, 3, 4, 0xA
SCTP_EVENT, SCTP_RECVRCVINFO, SCTP_RECVNXTINFO = 0x1E, 0x1F, 0x20
SPP_HB_ENABLE, SPP_HB_DEMAND = 0x1, 0x4
LINGER_ABORT = struct.pack("=ii", 1, 0)
"""Closing a socket ends its association at once, with ABORT: nothing of it stays in usrsctp."""
HEARTBEAT, ABORT, COOKIE_ACK = 4, 6, 11
"""Chunk types of RFC 9260 §3.2."""
RESTARTED = b"the server was restarted"
"""What the ABORT of a former association says: a multiple of 4 octets."""
MAX_TAGS = 4096
EVENTS = (1, 5, 7)
"""Association change, shutdown, partial delivery (RFC 6458 §6.1)."""


class Endpoint(Protocol):
    """The owner of a usrsctp socket."""

    @property
    def timed(self) -> bool:
        """Whether it has protocol timers: an association has, a listening socket has not."""

    def ready(self) -> None:
        """Something can be read, written or accepted."""

    def forsake(self) -> None:
        """The event loop of the owner has ended: give everything back, tell nobody."""


class Stack:
    """The one usrsctp of the process: raw sockets below, endpoints above, timers beside."""

    def __init__(self, library: Usrsctp) -> None:
        self.lib = library
        self.endpoints: dict[int, Endpoint] = {}
        self.blocked: set[int] = set()
        """Sockets whose send buffer was full; they are made ready after every input."""
        self._raw: dict[str, RawIp] = {}
        self._drop: Callable[[str], bool] | None = None
        self._locals: list[tuple[str, int]] = []
        self._local_index: dict[tuple[str, int], int] = {}
        self._registered: set[int] = set()
        self._tags: dict[tuple[int, bytes], int] = {}
        """Verification tags of peers whose cookie was just taken, by AF_CONN address and both ports."""
        self._overheard: list[bytes] | None = None
        self._probes: dict[bytes, asyncio.Future[None]] = {}
        """Heartbeats on demand by what their answer repeats."""
        self._inbox = Inbox()
        self.bundle = Bundle(self._send, library.usrsctp_crc32c)
        self._ready: dict[int, None] = {}
        """Sockets whose owner is to look for work: an ordered set."""
        self.until = math.inf
        """When what has arrived has had its turn, by time.perf_counter()."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticked = time.monotonic()
        self._quiet = 0
        self._output = ffi.callback("int(uint64_t, void *, size_t, uint8_t, uint8_t)", self.output)
        self._upcall = ffi.callback("void(uint64_t, uint64_t, int)", self._queue_ready)
        library.usrsctp_init_nothreads(0, self._output, ffi.NULL)
        library.usrsctp_sysctl_set_sctp_ecn_enable(0)
        library.usrsctp_sysctl_set_sctp_asconf_enable(0)
        library.usrsctp_sysctl_set_sctp_auth_enable(0)

    # -- the loop and its clock

    def attach(self) -> asyncio.AbstractEventLoop:
        """Runs on the current event loop. What an ended loop has left is dropped."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return loop
        if self._loop is not None:
            if self._loop.is_running():
                raise TransportError("libusrsctp already runs in another event loop of this process")
            self._forget()
        self._loop = loop
        self._ticked = time.monotonic()
        return loop

    def _forget(self) -> None:
        """Ends what belonged to an event loop that is no more."""
        for endpoint in list(self.endpoints.values()):
            endpoint.forsake()
        self.bundle.leave()
        for raw in self._raw.values():
            raw.close()
        self._raw.clear()
        self._ready.clear()
        self._loop = self._timer = None

    def _tick(self) -> None:
        self.advance_clock()
        self._dispatch()
        if self._loop is None:  # the last port was closed just now
            return
        self._quiet += 1
        if not any(endpoint.timed for endpoint in self.endpoints.values()):
            pause, self._quiet = TICK_IDLE_S, QUIET_TICKS
        else:
            pause = TICK_BUSY_S if self._quiet < QUIET_TICKS else TICK_QUIET_S
        self._timer = self._loop.call_later(pause, self._tick)

    def advance_clock(self, stale: float = 0.0) -> None:
        """Runs the timers of usrsctp that are due, unless they ran less than `stale` s ago."""
        elapsed = time.monotonic() - self._ticked
        if elapsed > stale and elapsed >= 0.001:
            milliseconds = int(elapsed * 1000)
            self._ticked += milliseconds / 1000
            self.lib.usrsctp_handle_timers(milliseconds)

    # -- packets

    def open_port(self, address: str, port: int) -> None:
        """Takes packets for `port` on `address` from now on; TransportError when the host refuses."""
        loop = self.attach()
        raw = self._raw.get(address)
        if raw is None:
            raw = self._raw[address] = RawIp(address)
            raw.drop = self._drop
            loop.add_reader(raw.socket, self._readable, raw)
        raw.add_port(port)
        self.wake_timer()

    def impair(self, drop: Callable[[str], bool] | None) -> None:
        """For tests: `drop('in' or 'out')` is asked about every packet and loses it when it says True."""
        self._drop = drop
        for raw in self._raw.values():
            raw.drop = drop

    def wake_timer(self) -> None:
        """Ticks fast from now on: an association is about to start its timers."""
        self._quiet = 0
        if self._loop is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(TICK_BUSY_S, self._tick)

    def active(self) -> None:
        """A packet comes or goes: brings the clock of usrsctp up to date, and has it tick fast."""
        self.advance_clock(TICK_STALE_S)
        if self._quiet >= QUIET_TICKS:
            self.wake_timer()
        self._quiet = 0

    def close_port(self, address: str, port: int) -> None:
        raw = self._raw.get(address)
        if raw is None or not raw.remove_port(port):
            return
        del self._raw[address]
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.remove_reader(raw.socket)
        raw.close()
        if not self._raw:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop = None

    def handle(self, address: str, local: int, remote: int) -> int:
        """The AF_CONN address for packets between `local` and `remote` on the raw socket of `address`."""
        index = self._local_index.get((address, local))
        if index is None:
            self._locals.append((address, local))
            index = self._local_index[address, local] = len(self._locals)
        return index << 32 | remote

    def register(self, handle: int) -> None:
        """Makes usrsctp see `handle` as an address of this host.

        Only for pairs whose peer is known to exist: usrsctp searches them one after the other, and taking one
        back needs its iterator thread, which does not run here. So they stay, some 200 octets each.
        """
        if handle not in self._registered:
            self._registered.add(handle)
            self.lib.usrsctp_register_address(handle)

    def pair(self, handle: int) -> tuple[str, str, str]:
        """Bound, local and remote address of an AF_CONN address."""
        bound, local = self._locals[(handle >> 32) - 1]
        remote = handle & 0xFFFFFFFF
        return bound, socket.inet_ntoa(local.to_bytes(4, "big")), socket.inet_ntoa(remote.to_bytes(4, "big"))

    def _readable(self, raw: RawIp) -> None:
        self.active()
        conninput, address = self.lib.usrsctp_conninput, raw.address
        self.bundle.open = True
        packets = raw.packets(self._inbox)
        if self._probes:
            self._look_for_answers(packets)
        for local, remote, _, packet, octets in packets:
            conninput(self.handle(address, local, remote), packet, octets, 0)
        self.bundle.open = False
        if self._ready or self.blocked:
            self._dispatch()
        if self.bundle.waiting and self._loop is not None:  # behind the answers to what was dispatched
            self._loop.call_soon(self.bundle.leave)

    def output(self, handle: int, packet: Buffer, octets: int, _tos: int, _df: int) -> int:
        """usrsctp sends one packet; 0 or an errno."""
        made: bytes = ffi.buffer(packet, octets)[:]
        if made[HEADER] == COOKIE_ACK:
            self._learn_tag(handle, made)
        if self._overheard is not None:
            self._overheard.append(made)
        if self.bundle.open or self.bundle.waiting:
            return self.bundle.add(handle, made)
        return self._send(handle, made)

    def _send(self, handle: int, packet: bytes) -> int:
        address, local = self._locals[(handle >> 32) - 1]
        raw = self._raw.get(address)
        return errno.ENETDOWN if raw is None else raw.send(local, handle & 0xFFFFFFFF, packet)

    def _learn_tag(self, handle: int, packet: bytes) -> None:
        if len(self._tags) >= MAX_TAGS:  # associations that nobody asked about
            self._tags.clear()
        self._tags[handle, packet[:4]] = int.from_bytes(packet[4:8], "big")

    async def answered(self, so: int, address: bytes, within: float) -> bool:
        """Whether the peer of the socket answers a HEARTBEAT that is sent now (RFC 9260 §8.3)."""
        self._overheard = []
        self.active()
        path = _path(address, 0, 0, SPP_HB_DEMAND)
        self.lib.usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path, len(path))
        sent, self._overheard = self._overheard, None
        info = next((found for packet in sent if (found := _heartbeat_info(packet))), None)
        if info is None:
            return False
        answer = self._probes[info] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(answer, within)
        except TimeoutError:
            return False
        finally:
            del self._probes[info]
        return True

    def _look_for_answers(self, packets: list[Packet]) -> None:
        for *_, packet, octets in packets:
            content = ffi.buffer(ffi.cast("char *", packet), octets)[:]
            for info, answer in self._probes.items():
                if info in content and not answer.done():
                    answer.set_result(None)

    def tag_of_peer(self, handle: int, local_port: int, remote_port: int) -> int | None:
        """The verification tag of an association that was accepted or restarted just now. Once."""
        return self._tags.pop((handle, struct.pack("!HH", local_port, remote_port)), None)

    def abort_former(self, bound: str, local: Address, remote: Address, verification_tag: int) -> None:
        """Ends an association that a former process had, RFC 9260 §3.3.7 with a user-initiated cause."""
        cause = struct.pack("!HH", USER_INITIATED, 4 + len(RESTARTED)) + RESTARTED
        chunk = struct.pack("!BBH", ABORT, 0, 4 + len(cause)) + cause
        head = struct.pack("!HHI", local[1], remote[1], verification_tag)
        packet = head + bytes(4) + chunk
        checksum = self.lib.usrsctp_crc32c(packet, len(packet)).to_bytes(4, sys.byteorder)
        near, far = (int.from_bytes(socket.inet_aton(end[0]), "big") for end in (local, remote))
        self._raw[bound].send(near, far, head + checksum + chunk)

    # -- sockets

    def _queue_ready(self, so: int, _argument: int, _flags: int) -> None:
        self._ready[so] = None

    def wake(self, so: int) -> None:
        """Has the owner of `so` look for work, soon."""
        self._ready[so] = None

    def _dispatch(self) -> None:
        """Endpoints work only here, never inside a call of usrsctp."""
        if self.blocked:
            self._ready.update(dict.fromkeys(self.blocked))
        while self._ready:
            ready, self._ready = self._ready, {}
            for so in ready:
                endpoint = self.endpoints.get(so)
                if endpoint is not None:
                    endpoint.ready()

    def new_socket(self, settings: SctpSettings) -> int:
        so = self.lib.usrsctp_socket(
            AF_CONN, socket.SOCK_STREAM, IPPROTO_SCTP, ffi.NULL, ffi.NULL, 0, ffi.NULL
        )
        if not so:
            raise TransportError(f"libusrsctp gives no socket: {os.strerror(ffi.errno)}")
        self.lib.usrsctp_set_non_blocking(so, 1)
        rto = struct.pack("=IIII", 0, settings.rto_initial_ms, settings.rto_max_ms, settings.rto_min_ms)
        attempts, timeout = settings.max_init_attempts, settings.rto_max_ms
        streams = struct.pack("=HHHH", settings.outbound_streams, settings.inbound_streams, attempts, timeout)
        anyone = struct.pack("=H", AF_CONN)
        path = _path(anyone, settings.heartbeat_ms, settings.max_retransmissions, SPP_HB_ENABLE)
        options = [
            (SCTP_RECVRCVINFO, struct.pack("=i", 1)),
            (SCTP_RECVNXTINFO, struct.pack("=i", 1)),
            (SCTP_NODELAY, struct.pack("=i", 1)),
            (SCTP_RTOINFO, rto),
            (SCTP_INITMSG, streams),
            (SCTP_ASSOCINFO, struct.pack("=IIIIHH", 0, 0, 0, 0, settings.max_retransmissions, 0)),
            (SCTP_PEER_ADDR_PARAMS, path),
            *((SCTP_EVENT, struct.pack("=IHBx", 0, event, 1)) for event in EVENTS),
        ]
        for name, value in options:
            if self.lib.usrsctp_setsockopt(so, IPPROTO_SCTP, name, value, len(value)):
                why = os.strerror(ffi.errno)
                self.lib.usrsctp_close(so)
                raise TransportError(f"libusrsctp refuses socket option {name:#x}: {why}")
        return so

    def own(self, so: int, endpoint: Endpoint) -> None:
        self.endpoints[so] = endpoint
        self.lib.usrsctp_setsockopt(so, socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT, len(LINGER_ABORT))
        self.lib.usrsctp_set_upcall(so, self._upcall, ffi.NULL)

    def close_socket(self, so: int) -> None:
        if self.endpoints.pop(so, None) is not None:
            self.blocked.discard(so)
            self.lib.usrsctp_close(so)


def _path(address: bytes, heartbeat_ms: int, retransmissions: int, flags: int) -> bytes:
    """struct sctp_paddrparams of usrsctp.h."""
    return struct.pack("=128sIIIIIHBx", address, 0, heartbeat_ms, 0, flags, 0, retransmissions, 0)


def _heartbeat_info(packet: bytes) -> bytes:
    """What the HEARTBEAT in a packet wants back (RFC 9260 §3.3.5); empty where there is none."""
    at = HEADER
    while at + 4 <= len(packet):
        length = int.from_bytes(packet[at + 2 : at + 4], "big")
        if packet[at] == HEARTBEAT:
            return packet[at + 4 : at + length]
        at += max(length + 3 & ~3, 4)
    return b""


_stack: list[Stack] = []


def stack() -> Stack:
    """The stack of this process; TransportError when libusrsctp is missing."""
    if not _stack:
        _stack.append(Stack(load()))
    return _stack[0]
