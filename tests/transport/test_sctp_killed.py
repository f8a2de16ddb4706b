"""A server that is killed and started again: its peers hear of it when it is back, whether they send or not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cinq.transport import sctp
from cinq.transport.error import TransportError
from cinq.transport.sctp.association import SctpSettings
from cinq.transport.sctp.memory import Memory

from .sctp_ends import Recorder, Side, run
from .test_sctp_hostile import packet, raw

SERVER = Path(__file__).parent / "sctp_server.py"
PORT = 38412
PATIENT = SctpSettings(
    heartbeat_ms=30_000, rto_initial_ms=3000, rto_min_ms=1000, rto_max_ms=60_000, max_retransmissions=10
)
"""The defaults of RFC 9260 §16, which foreign gNBs have."""
AT_ONCE_S = 1.0
OUT_OF_THE_BLUE = {
    "DATA": struct.pack("!BBHIHHI4s", 0, 3, 20, 1, 0, 0, 60, b"data"),
    "SACK": struct.pack("!BBHIIHH", 3, 0, 16, 5, 65536, 0, 0),
    "HEARTBEAT": struct.pack("!BBHHH4s", 4, 0, 12, 1, 8, b"abcd"),
    "SHUTDOWN": struct.pack("!BBHI", 7, 0, 8, 3),
    "COOKIE ACK": struct.pack("!BBH", 11, 0, 4),
}


@pytest.fixture(autouse=True)
def _implementation(namespace: str) -> None:
    try:
        sctp.implementation()
    except TransportError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def server(address: str, memory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens; it is killed in any case."""
    arguments = [sys.executable, str(SERVER), address, str(PORT), str(memory)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"listening\n"
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


async def connected() -> Recorder:
    side = Side()
    await sctp.connect("127.0.0.1", PORT, side, settings=PATIENT)
    return side.recorders[0]


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("sending", [False, True], ids=["idle", "sending"])
def test_a_peer_hears_of_a_kill_when_the_server_is_back(tmp_path: Path, address: str, sending: bool) -> None:
    """SIGKILL, 2 s without a server; a peer of 30 s between heartbeats, silent or in the midst of retransmissions."""

    async def work() -> None:
        with server(address, tmp_path / "n2") as process:
            peer, other = await connected(), await connected()
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(2)] == [b"up\n"] * 2
        if sctp.implementation() == "usrsctp":
            if sending:
                peer.association.send(b"into the void")
            await asyncio.sleep(2)
            assert not peer.reasons
        with server(address, tmp_path / "n2"):
            begun = time.monotonic()
            await peer.end()
            await other.end()
            assert time.monotonic() - begun < AT_ONCE_S
            again = await connected()
            again.association.abort()

    run(work, 20)


@pytest.mark.root
@pytest.mark.kernel
def test_what_ended_in_order_is_not_remembered(tmp_path: Path) -> None:
    """The tag of an association that is over may be another's by now: no ABORT for it."""

    async def work() -> None:
        memory = tmp_path / "n2"
        with server("127.0.0.1", memory) as process:
            assert process.stdout is not None
            gone, stays = await connected(), await connected()
            await gone.association.close()
            for line in iter(process.stdout.readline, b""):
                if line.startswith(b"lost"):
                    break
        if sctp.implementation() == "usrsctp":
            assert [left.remote for left in Memory(memory).left] == [stays.association.local]
        stays.association.abort()

    run(work, 20)


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("chunk", OUT_OF_THE_BLUE)
def test_out_of_the_blue(tmp_path: Path, address: str, chunk: str) -> None:
    """RFC 9260 §8.4 (8): ABORT with the tag of the packet and the T bit, from a process that has never had a peer."""

    async def work() -> None:
        with server(address, tmp_path / "n2"), raw("127.0.0.9") as stranger:
            stranger.sendto(packet(5000, PORT, 0x12345678, OUT_OF_THE_BLUE[chunk]), ("127.0.0.1", 0))
            async with asyncio.timeout(AT_ONCE_S):
                answer = (await asyncio.get_running_loop().sock_recv(stranger, 65536))[20:]
            assert struct.unpack_from("!HHI", answer) == (PORT, 5000, 0x12345678)
            assert answer[12:14] == b"\x06\x01"

    run(work, 20)


def test_a_file_that_others_have_written(tmp_path: Path) -> None:
    path = tmp_path / "n2"
    memory = Memory(path)
    near, far = ("127.0.0.1", PORT), ("127.0.0.2", 5000)
    memory.add(near, far, 7)
    path.write_bytes(b'\xff\n{"type":"open"}\n[]\n' + path.read_bytes() + b'{"type":"op')
    assert [(left.local, left.remote, left.verification_tag) for left in Memory(path).left] == [
        (near, far, 7)
    ]
    assert Memory(path).left == []


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "n2")
    near = ("127.0.0.1", PORT)
    memory.add(near, ("127.0.0.2", 1), 7)
    for number in range(10_000):
        memory.add(near, ("127.0.0.2", 2), number)
        memory.remove(near, ("127.0.0.2", 2))
    assert (tmp_path / "n2").stat().st_size < 2_000_000
    assert [left.remote for left in Memory(tmp_path / "n2").left] == [("127.0.0.2", 1)]
