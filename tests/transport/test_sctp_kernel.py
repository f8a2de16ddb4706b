"""The kernel implementation against a socket that only remembers: layouts of linux/sctp.h, notifications.

Sizes and offsets were taken with a C compiler from linux/sctp.h. Where the kernel has SCTP, test_sctp.py runs
all its associations on it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cinq.transport import sctp
from cinq.transport.error import TransportError
from cinq.transport.sctp import kernel
from cinq.transport.sctp.association import Association, SctpSettings

COMM_LOST, RESTART, SHUTDOWN_COMP = 1, 2, 3


@dataclass
class FakeSocket:
    """Answers recvmsg from a script; a pipe gives it a descriptor that the event loop accepts."""

    incoming: deque[tuple[bytes, kernel.Ancillary, int] | OSError] = field(default_factory=deque)
    sent: list[tuple[bytes, kernel.Ancillary]] = field(default_factory=list)
    more: list[bool] = field(default_factory=list)
    room: int = 1000
    streams: int = 12
    error: int = 0
    shut: bool = False
    linger: bytes = b""
    closed: bool = False
    probed: int = 0
    packets: int = 7
    answering: int = 0

    def __post_init__(self) -> None:
        self.near, self.far = socket.socketpair()

    def fileno(self) -> int:
        return self.near.fileno()

    def recvmsg(self, octets: int, ancillary_size: int, /) -> tuple[bytes, kernel.Ancillary, int, object]:
        if not self.incoming:
            raise BlockingIOError
        assert ancillary_size >= 28 + 16
        script = self.incoming.popleft()
        if isinstance(script, OSError):
            raise script
        message, ancillary, flags = script
        assert len(message) <= octets
        return message, ancillary, flags, None

    def sendmsg(self, buffers: list[bytes], ancillary: kernel.Ancillary, flags: int, /) -> int:
        if not self.room:
            raise BlockingIOError
        self.room -= 1
        assert flags & socket.MSG_NOSIGNAL
        self.more.append(flags & socket.MSG_MORE != 0)
        self.sent.append((buffers[0], ancillary))
        return len(buffers[0])

    def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
        if level == socket.SOL_SOCKET:
            assert (name, size) == (socket.SO_ERROR, 4)
            return self.error.to_bytes(4, sys.byteorder)
        if name == 112:
            assert size >= 280 - 24
            self.packets += self.answering
            return bytes(168) + struct.pack("=Q", self.packets) + bytes(size - 176)
        assert (level, name, size) == (132, 14, 176)
        return bytes(18) + struct.pack("=H", self.streams) + bytes(156)

    def setsockopt(self, level: int, name: int, value: bytes, /) -> None:
        if name == 9:  # SCTP_PEER_ADDR_PARAMS: SPP_HB_DEMAND alone
            assert value == bytes(4 + 128 + 4 + 2 + 4 + 4) + struct.pack("=I", 4) + bytes(2)
            self.probed += 1
            return
        assert (level, name) == (socket.SOL_SOCKET, socket.SO_LINGER)
        self.linger = value

    def shutdown(self, how: int, /) -> None:
        assert how == socket.SHUT_WR
        self.shut = True

    @property
    def aborted(self) -> bool:
        """As Linux does it: SO_LINGER on with 0 s, then close."""
        return self.closed and self.linger == struct.pack("=ii", 1, 0)

    def close(self) -> None:
        self.closed = True
        self.near.close()
        self.far.close()


class Recorder:
    def __init__(self, association: Association) -> None:
        self.association = association
        self.messages: list[tuple[bytes, int, int]] = []
        self.reasons: list[str] = []

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        self.messages.append((octets, stream, ppid))

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


def rcvinfo(stream: int, ppid: int) -> kernel.Ancillary:
    """SCTP_RCVINFO (type 3): sid, ssn, flags, two octets of padding, ppid in network order, four more words."""
    return [(132, 3, struct.pack("=HHHxx", stream, 0, 0) + struct.pack("!I", ppid) + bytes(16))]


def notification(state: int, info: bytes = b"") -> tuple[bytes, kernel.Ancillary, int]:
    octets = struct.pack("=HHIHHHHi", 0x8001, 0, 20 + len(info), state, 0, 10, 10, 0) + info
    return octets, [], 0x8000 | socket.MSG_EOR


@pytest.fixture
def fake() -> Iterator[FakeSocket]:
    made = FakeSocket()
    yield made
    made.near.close()
    made.far.close()


def start(fake: FakeSocket, recorders: list[Recorder], settings: SctpSettings) -> kernel.KernelAssociation:
    def on_association(association: Association) -> Recorder:
        recorders.append(Recorder(association))
        return recorders[-1]

    association = kernel.KernelAssociation(fake, ("10.0.0.1", 38412), ("10.0.0.2", 9), settings)
    association.start(on_association, set())
    return association


def test_options_have_the_sizes_of_linux_sctp_h() -> None:
    sizes = {name: len(value) for name, value in kernel.options(SctpSettings())}
    assert sizes == {0: 16, 1: 20, 2: 8, 3: 4, 9: 152, 32: 4, 11: 8}
    path = dict(kernel.options(SctpSettings(heartbeat_ms=1234, max_retransmissions=7)))[9]
    assert struct.unpack_from("=I", path, 132)[0] == 1234
    assert struct.unpack_from("=H", path, 136)[0] == 7
    assert struct.unpack_from("=I", path, 146)[0] == 1
    init = dict(kernel.options(SctpSettings(outbound_streams=5, inbound_streams=6)))[2]
    assert struct.unpack("=HHHH", init)[:2] == (5, 6)


def test_send_and_receive(fake: FakeSocket) -> None:
    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings())
        assert association.outbound_streams == 12
        association.send(b"hello", stream=14)
        await asyncio.sleep(0)
        assert fake.sent == [(b"hello", [(132, 2, struct.pack("=HH", 2, 0) + b"\0\0\0\x3c" + bytes(8))])]
        fake.incoming += [
            (b"whole", rcvinfo(3, 60), socket.MSG_EOR),
            (b"in ", rcvinfo(4, 60), 0),
            (b"parts", rcvinfo(4, 60), socket.MSG_EOR),
        ]
        association.readable()
        assert recorders[0].messages == [(b"whole", 3, 60), (b"in parts", 4, 60)]
        association.abort("why")
        assert recorders[0].reasons == ["aborted here: why"]
        assert fake.aborted

    asyncio.run(work())


def test_what_a_turn_sends_is_bundled(fake: FakeSocket) -> None:
    async def work() -> None:
        association = start(fake, [], SctpSettings())
        for octets in (b"one", b"two", b"three"):
            association.send(octets, stream=1)
        assert not fake.sent
        await asyncio.sleep(0)
        assert [octets for octets, _ in fake.sent] == [b"one", b"two", b"three"]
        assert fake.more == [True, True, False]
        association.send(b"four")
        association.abort()
        assert fake.more[3:] == [False]

    asyncio.run(work())


def test_a_message_that_breaks_off_leaves_nothing(fake: FakeSocket) -> None:
    """SCTP_PARTIAL_DELIVERY_ABORTED: the rest does not come, and the next message is whole."""

    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings())
        broken_off = struct.pack("=HHIIi", 0x8006, 0, 16, 0, 0)
        fake.incoming += [
            (b"half of", rcvinfo(4, 60), 0),
            (broken_off, [], 0x8000 | socket.MSG_EOR),
            (b"whole", rcvinfo(4, 60), socket.MSG_EOR),
        ]
        association.readable()
        assert recorders[0].messages == [(b"whole", 4, 60)]
        association.abort()

    asyncio.run(work())


def test_full_buffer_queues_and_drains_before_the_shutdown(fake: FakeSocket) -> None:
    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings(send_queue_limit=100))
        fake.room = 0
        association.send(b"one")
        association.send(b"two")
        closing = asyncio.ensure_future(association.close())
        await asyncio.sleep(0)
        assert (fake.sent, fake.shut) == ([], False)
        fake.room = 9
        association.drain()
        assert fake.shut
        assert [each[0] for each in fake.sent] == [b"one", b"two"]
        fake.incoming.append(notification(SHUTDOWN_COMP))
        association.readable()
        await closing
        assert recorders[0].reasons == ["shut down"]

    asyncio.run(work())


def test_full_queue_aborts(fake: FakeSocket) -> None:
    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings(send_queue_limit=100))
        fake.room = 0
        association.send(bytes(101))
        await asyncio.sleep(0)
        assert "more than 100 octets wait" in recorders[0].reasons[0]
        assert fake.aborted

    asyncio.run(work())


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (notification(COMM_LOST), "no answer from the peer"),
        (
            notification(COMM_LOST, struct.pack("!HH", 12, 8) + b"gone"),
            "aborted by the peer: gone",
        ),
        (notification(COMM_LOST, struct.pack("!HH", 12, 4)), "aborted by the peer"),
        (notification(COMM_LOST, struct.pack("!HH", 4, 4)), "aborted by the peer, cause 4"),
        (notification(SHUTDOWN_COMP), "shut down by the peer"),
        ((b"", [], 0), "shut down by the peer"),
        (OSError(104, "reset"), "Connection reset by peer"),
        ((bytes(200), rcvinfo(0, 60), socket.MSG_EOR), "aborted here: message longer than 100 octets"),
    ],
)
def test_ends(fake: FakeSocket, script: tuple[bytes, kernel.Ancillary, int] | OSError, reason: str) -> None:
    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings(message_limit=100))
        fake.incoming.append(script)
        association.readable()
        assert recorders[0].reasons == [reason]
        assert fake.closed

    asyncio.run(work())


def test_abort_without_a_cause(fake: FakeSocket) -> None:
    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings())
        fake.error = errno.ECONNRESET
        fake.incoming.append(notification(COMM_LOST))
        association.readable()
        assert recorders[0].reasons == ["aborted by the peer"]
        assert not fake.aborted

    asyncio.run(work())


@pytest.mark.parametrize("answering", [0, 1])
def test_whether_the_peer_answers(fake: FakeSocket, answering: int) -> None:
    async def work() -> None:
        association = start(fake, [], SctpSettings())
        fake.answering = answering
        assert await association.alive(0.1) is bool(answering)
        assert fake.probed == 1
        association.abort()
        assert not await association.alive(0.1)

    asyncio.run(work())


def test_too_many_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    """The listener on a TCP socket, which it leaves in the same way: with a reset."""

    async def work() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        listener = kernel.KernelListener(listening, Recorder, SctpSettings(max_associations=0))
        for _ in range(3):
            with socket.create_connection(listener.local) as refused:
                refused.setblocking(False)
                with pytest.raises(ConnectionResetError):
                    await asyncio.get_running_loop().sock_recv(refused, 1)
        assert not listener.associations
        listener.close()

    asyncio.run(work())
    assert [each.getMessage() for each in caplog.records if "refused" in each.getMessage()] == [
        caplog.records[-1].getMessage()
    ]
    assert "0 are open and no more are taken" in caplog.text


def test_no_descriptor_left_is_no_busy_loop(caplog: pytest.LogCaptureFixture) -> None:
    class Exhausted(socket.socket):
        asked = 0

        def accept(self) -> tuple[socket.socket, object]:
            self.asked += 1
            raise OSError(errno.EMFILE, "Too many open files")

    async def work() -> None:
        listening = Exhausted(socket.AF_INET, socket.SOCK_STREAM)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        listener = kernel.KernelListener(listening, Recorder, SctpSettings())
        with socket.create_connection(listener.local):
            for _ in range(5):
                await asyncio.sleep(0)
            assert listening.asked == 1
        listener.close()

    asyncio.run(work())
    assert "Too many open files" in caplog.text


def test_restart(fake: FakeSocket) -> None:
    async def work() -> None:
        recorders: list[Recorder] = []
        association = start(fake, recorders, SctpSettings())
        fake.incoming += [notification(RESTART), (b"again", rcvinfo(1, 60), socket.MSG_EOR)]
        association.readable()
        assert recorders[0].reasons == ["restarted by the peer"]
        assert not fake.closed
        successor = recorders[1].association
        assert isinstance(successor, kernel.KernelAssociation)
        successor.readable()
        assert recorders[1].messages == [(b"again", 1, 60)]
        successor.abort()

    asyncio.run(work())


def test_choice_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "available", lambda: False)
    for value, message in (("kernel", "modprobe sctp"), ("lksctp", "found 'lksctp'")):
        monkeypatch.setitem(os.environ, "CINQ_SCTP", value)
        sctp.implementation.cache_clear()
        with pytest.raises(TransportError, match=message):
            sctp.implementation()
    monkeypatch.setattr(kernel, "available", lambda: True)
    monkeypatch.setitem(os.environ, "CINQ_SCTP", "")
    assert sctp.implementation() == "kernel"
    sctp.implementation.cache_clear()


def test_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from cinq.transport.sctp import usrsctp_library

    monkeypatch.setattr(usrsctp_library, "candidates", lambda: ["/nowhere/libusrsctp.so.2"])
    with pytest.raises(TransportError, match="apt-get install libusrsctp2"):
        usrsctp_library.load()


def test_library_is_found_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from cinq.transport.sctp import usrsctp_library

    monkeypatch.setitem(os.environ, "CINQ_USRSCTP", "/somewhere/libusrsctp.so.2")
    assert usrsctp_library.candidates()[0] == "/somewhere/libusrsctp.so.2"


def test_missing_privilege_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from cinq.transport.sctp import raw_ip

    def refuse(*_arguments: int) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(raw_ip.socket, "socket", refuse)
    with pytest.raises(TransportError, match=r"CAP_NET_RAW"):
        raw_ip.RawIp("127.0.0.1")
