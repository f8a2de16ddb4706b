"""SCTP under attack and beside strangers: floods, out-of-the-blue packets, short associations."""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cinq.transport import netns, sctp
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink
from cinq.transport.sctp import usrsctp_library, usrsctp_stack

from .sctp_ends import crc32c

pytestmark = [pytest.mark.root, pytest.mark.kernel]

PORT = 38412
FOREIGN = Path(__file__).parent / "sctp_foreign.py"
NewNamespace = Callable[[str], str]
DATA, INIT, INIT_ACK, ABORT = 0, 1, 2, 6


class Silent:
    """A handler without interest."""

    def __init__(self, association: sctp.Association) -> None:
        self.association = association

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        pass

    def lost(self, reason: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _usrsctp(namespace: str) -> None:
    try:
        if sctp.implementation() != "usrsctp":
            pytest.skip("about libusrsctp only; the kernel's SCTP is in use")
    except TransportError as error:
        pytest.skip(str(error))


def packet(source_port: int, port: int, tag: int, chunk: bytes) -> bytes:
    header = struct.pack("!HHI", source_port, port, tag)
    return header + struct.pack("<I", crc32c(header + bytes(4) + chunk)) + chunk


def init_chunk(tag: int) -> bytes:
    return struct.pack("!BBHIIHHI", INIT, 0, 20, tag, 65536, 2, 2, 1)


def raw(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
    made.bind((address, 0))
    made.setblocking(False)
    return made


async def answer(listening: socket.socket) -> tuple[int, int]:
    """Source port and first chunk type of the next packet in the raw socket."""
    octets = await asyncio.get_running_loop().sock_recv(listening, 65536)
    return struct.unpack_from("!H", octets, 20)[0], octets[32]


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


async def turn() -> None:
    """Lets the event loop read what the raw sockets have."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_init_flood_leaves_no_state() -> None:
    """DEV-058: 4,000 INITs from invented addresses; a gNB still sets up within 2 s."""

    async def work() -> None:
        listener = await sctp.listen("127.0.0.1", PORT, Silent)
        stack = usrsctp_stack.stack()
        answered, all_answered = 0, asyncio.Event()

        def count(direction: str) -> bool:
            nonlocal answered
            answered += direction == "out"
            if direction == "out" and answered % 40 == 0:
                all_answered.set()
            return False

        stack.impair(count)
        chance = random.Random(1)
        packets = [packet(n, PORT, 0, init_chunk(n)) for n in range(1, 41)]
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as attacker:
            before = 0
            for round_ in range(100):
                for each in packets:
                    source = bytes([127, *chance.randbytes(3)])
                    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 132, 0, source, b"\x7f\0\0\1")
                    attacker.sendto(header + each, ("127.0.0.1", 0))
                async with asyncio.timeout(5):
                    await all_answered.wait()
                all_answered.clear()
                if round_ == 50:
                    before = resident_kib()
            assert answered == 4000
            start = time.monotonic()
            association = await sctp.connect("127.0.0.1", PORT, Silent, within=2)
            assert time.monotonic() - start < 2
            assert resident_kib() - before < 512
        assert len(listener.associations) == 1
        assert len(stack.endpoints) == 3
        stack.impair(None)
        association.abort()
        listener.close()

    asyncio.run(work())


def test_strangers_are_not_answered() -> None:
    """A raw socket sees the packets of every process; only those for a port of ours may be answered."""

    async def work() -> None:
        listener = await sctp.listen("127.0.0.1", PORT, Silent)
        data = struct.pack("!BBHIHHI4s", DATA, 3, 20, 1, 0, 0, 0, b"data")
        with raw("127.0.0.9") as stranger:
            for port, address in ((PORT + 1, "127.0.0.1"), (PORT, "127.0.0.2")):
                stranger.sendto(packet(5000, port, 0, init_chunk(7)), (address, 0))
                stranger.sendto(packet(5000, port, 99, data), (address, 0))
            stranger.sendto(packet(5000, PORT, 0, init_chunk(7)), ("127.0.0.1", 0))
            stranger.sendto(packet(5000, PORT, 99, data), ("127.0.0.1", 0))
            async with asyncio.timeout(5):
                assert [await answer(stranger) for _ in range(2)] == [(PORT, INIT_ACK), (PORT, ABORT)]
        listener.close()

    asyncio.run(work())


def test_a_packet_with_ip_options_is_read() -> None:
    async def work() -> None:
        listener = await sctp.listen("127.0.0.1", PORT, Silent)
        with raw("127.0.0.9") as stranger:
            stranger.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x01" * 8)  # no operation
            stranger.sendto(packet(5000, PORT, 0, init_chunk(7)), ("127.0.0.1", 0))
            async with asyncio.timeout(5):
                assert await answer(stranger) == (PORT, INIT_ACK)
        listener.close()

    asyncio.run(work())


def test_garbage_touches_nobody() -> None:
    async def work() -> None:
        listener = await sctp.listen("127.0.0.1", PORT, Silent)
        association = await sctp.connect("127.0.0.1", PORT, Silent)
        chance = random.Random(2)
        with raw("127.0.0.1") as attacker:
            for _ in range(300):
                chunk = bytes([chance.choice((0, 1, 2, 3, 4, 6, 7, 9, 10, 11, 14, 192, 255)), 0])
                chunk += struct.pack("!H", chance.choice((0, 3, 4, 20, 65535))) + chance.randbytes(
                    chance.randrange(60)
                )
                tag = chance.choice((0, chance.randrange(1 << 32)))
                source = chance.choice((association.local[1], 5000))
                attacker.sendto(packet(source, PORT, tag, chunk), ("127.0.0.1", 0))
                attacker.sendto(chance.randbytes(chance.randrange(1, 40)), ("127.0.0.1", 0))
                await turn()
        assert len(listener.associations) == 1
        await association.close()
        listener.close()

    asyncio.run(work())


def test_short_associations_leave_nothing_behind() -> None:
    """DEV-057, with fewer: each sends one octet and aborts or shuts down."""

    async def work() -> None:
        listener = await sctp.listen("127.0.0.1", PORT, Silent)
        stack = usrsctp_stack.stack()

        async def short(number: int) -> None:
            association = await sctp.connect("127.0.0.1", PORT, Silent)
            association.send(b"\0")
            if number % 2:
                await association.close()
            else:
                association.abort()

        for number in range(200):
            await short(number)
        before = resident_kib()
        for number in range(600):
            await short(number)
        growth = resident_kib() - before
        await turn()
        assert growth < 600
        assert not listener.associations
        assert len(stack.endpoints) == 1
        listener.close()

    asyncio.run(work())


def test_foreign_stack(new_namespace: NewNamespace) -> None:
    """libusrsctp in its threaded raw-socket mode, over a veth pair, against a server on 0.0.0.0."""
    near, far = new_namespace("near"), new_namespace("far")
    with Netlink(near) as here, Netlink(far) as there:
        here.create_veth("n2", "gnb")
        here.move_link("gnb", far)
        for net, name, prefixes in (
            (here, "n2", ("10.8.0.1/24", "10.8.0.3/24")),
            (there, "gnb", ("10.8.0.2/24",)),
        ):
            for prefix in prefixes:
                net.add_address(name, prefix)
            net.set_up(name)
    library = usrsctp_library.candidates()[-2]

    async def work() -> None:
        over = asyncio.get_running_loop().create_future()

        class Echo(Silent):
            def message(self, octets: bytes, stream: int, ppid: int) -> None:
                self.association.send(octets, stream=stream, ppid=ppid)

            def lost(self, reason: str) -> None:
                over.set_result(reason)

        listener = await sctp.listen("0.0.0.0", PORT, Echo)
        arguments = [sys.executable, str(FOREIGN), "10.8.0.2", "10.8.0.3", str(PORT), library]
        foreign = netns.popen(far, arguments, stdout=subprocess.PIPE)
        try:
            async with asyncio.timeout(10):
                assert await over == "shut down by the peer"
            assert foreign.stdout is not None
            lines = [foreign.stdout.readline().split() for _ in range(3)]
            assert [(int(octets), int(ppid)) for octets, _, ppid in lines[:1]] == [(5, 60)]
        finally:
            foreign.kill()
            foreign.communicate()
        listener.close()

    with netns.inside(near):
        asyncio.run(work())
