"""Ends of associations for the tests: handlers that remember what they heard."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from cinq.transport import netns
from cinq.transport.sctp.association import Association, SctpSettings

QUICK = SctpSettings(
    heartbeat_ms=100, rto_initial_ms=100, rto_min_ms=50, rto_max_ms=100, max_retransmissions=3
)
PEER = Path(__file__).parent / "sctp_peer.py"


class Recorder:
    """A handler that remembers what it heard, and echoes when asked to."""

    def __init__(self, association: Association, echo: bool = False) -> None:
        self.association = association
        self.echo = echo
        self.messages: list[tuple[bytes, int, int]] = []
        self.reasons: list[str] = []
        self.changed = asyncio.Event()

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        self.messages.append((octets, stream, ppid))
        self.changed.set()
        if self.echo:
            self.association.send(octets, stream=stream, ppid=ppid)

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    async def heard(self, count: int) -> list[tuple[bytes, int, int]]:
        await self.until(lambda: len(self.messages) >= count)
        return self.messages

    async def end(self) -> str:
        await self.until(lambda: bool(self.reasons))
        assert len(self.reasons) == 1
        return self.reasons[0]


class Side:
    """Makes recorders, and remembers them."""

    def __init__(self, echo: bool = False) -> None:
        self.recorders: list[Recorder] = []
        self.echo = echo
        self.changed = asyncio.Event()

    def __call__(self, association: Association) -> Recorder:
        self.recorders.append(Recorder(association, self.echo))
        self.changed.set()
        return self.recorders[-1]

    async def up(self, count: int) -> None:
        while len(self.recorders) < count:
            self.changed.clear()
            await self.changed.wait()


def run(work: Callable[[], Coroutine[None, None, None]], seconds: float = 8) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await work()

    asyncio.run(bounded())


def start_peer(remote: str, port: int, local_port: int = 0, namespace: str = "") -> subprocess.Popen[bytes]:
    """Another process that connects and echoes, in another network namespace if one is named."""
    arguments = [sys.executable, str(PEER), remote, str(port), str(local_port)]
    if namespace:
        return netns.popen(namespace, arguments, stdout=subprocess.PIPE)
    return subprocess.Popen(arguments, stdout=subprocess.PIPE)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def crc32c(octets: bytes) -> int:
    """Of an SCTP packet, RFC 9260 appendix A, bit by bit."""
    value = 0xFFFFFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
