"""Packets that must not be lost: while the UPF's process is killed and started, and while they wait for an idle UE.

Every packet has a number. `restart`: uplink, the process is killed and another takes up what it left. `buffered`:
downlink, packets wait and are released while others come.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cinq.lab.plane_process import BUFFER, UE, UPLINK
from cinq.transport import netns
from cinq.transport.error import TransportError
from cinq.userplane.packet import checksum, gtpu_header
from cinq.userplane.topology import DN, GNB_N3, UPF_N3, Topology, topology

PORT = 9999
READY_S, QUIET_S = 30.0, 1.0
FORCED_BUFFER = 33  # SO_RCVBUFFORCE


@dataclass(frozen=True, slots=True)
class Row:
    """reordered: packets that came after one with a higher number. discarded: those counted as without room to wait."""

    name: str
    sent: int
    delivered: int
    discarded: int
    reordered: int
    packets_per_s: int


@dataclass
class _Flow:
    """Sends numbered packets at a rate from one thread, and hears them in another."""

    send: Callable[[int], None]
    hear: socket.socket
    per_s: int
    sent: int = 0
    heard: list[int] = field(default_factory=list)
    _over: bool = False

    def __post_init__(self) -> None:
        self._sender = threading.Thread(target=self._send)
        self._hearer = threading.Thread(target=self._hear)
        self._sender.start()
        self._hearer.start()

    def _send(self) -> None:
        begun = time.monotonic()
        while not self._over:
            due = int((time.monotonic() - begun) * self.per_s)
            while self.sent < due and not self._over:
                self.send(self.sent)
                self.sent += 1
            time.sleep(0.0005)

    def _hear(self) -> None:
        while True:
            ready, _, _ = select.select([self.hear], [], [], QUIET_S)
            if not ready and self._over:
                return
            if ready:
                self.heard.append(struct.unpack("!I", self.hear.recv(2000)[-4:])[0])

    def more(self, count: int) -> None:
        wanted = self.sent + count
        while self.sent < wanted:
            time.sleep(0.01)

    def row(self, name: str, discarded: int = 0) -> Row:
        self._over = True
        self._sender.join()
        self._hearer.join()
        highest, late = -1, 0
        for number in self.heard:
            late += number < highest
            highest = max(highest, number)
        return Row(name, self.sent, len(set(self.heard)), discarded, late, self.per_s)


class _Process:
    def __init__(self, t: Topology, folder: Path) -> None:
        arguments = [sys.executable, "-m", "cinq.lab.plane_process", str(folder)]
        self._popen = netns.popen(
            t.upf, arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._expect("ready")

    def _expect(self, word: str) -> None:
        if self._line() != word:
            raise TransportError("the data plane did not come up", "cinq doctor")

    def _line(self) -> str:
        assert self._popen.stdout is not None
        ready, _, _ = select.select([self._popen.stdout], [], [], READY_S)
        return self._popen.stdout.readline().decode().strip() if ready else ""

    def _tell(self, word: str) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{word}\n".encode())
        self._popen.stdin.flush()

    def say(self, word: str) -> None:
        self._tell(word)
        self._expect(word)

    def discarded(self) -> int:
        self._tell("discarded")
        return int(self._line() or 0)

    def kill(self) -> None:
        self._popen.kill()
        self._end()

    def stop(self) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.close()
        self._end()

    def _end(self) -> None:
        self._popen.wait(READY_S)
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@contextlib.contextmanager
def _place() -> Iterator[tuple[Topology, Path]]:
    """The namespaces, and a folder with a BPF file system. TransportError: no right."""
    with topology(f"nl{os.getpid()}") as t, tempfile.TemporaryDirectory(prefix="cinq-") as name:
        bpf = Path(name) / "bpf"
        bpf.mkdir()
        done = subprocess.run(("mount", "-t", "bpf", "bpf", str(bpf)), capture_output=True, check=False)
        if done.returncode:
            raise TransportError(f"no BPF file system: {done.stderr.decode().strip()}", "run as root")
        try:
            yield t, Path(name)
        finally:
            subprocess.run(("umount", str(bpf)), check=False)


def _socket(namespace: str, address: str, port: int) -> socket.socket:
    with netns.inside(namespace):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, FORCED_BUFFER, 64 << 20)
    made.bind((address, port))
    return made


def _g_pdu(number: int) -> bytes:
    body = struct.pack("!HHHHI", 5000, PORT, 12, 0, number)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0) + UE.packed + DN.packed
    head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    return gtpu_header(len(head + body), UPLINK, 9, 1) + head + body


def run(per_s: int = 5000) -> list[Row]:
    """Both rows. TransportError: no right, or no eBPF here."""
    with _place() as (t, folder), contextlib.ExitStack() as open_:
        gnb = open_.enter_context(_socket(t.gnb, str(GNB_N3), 2152))
        dn = open_.enter_context(_socket(t.dn, str(DN), PORT))
        process = _Process(t, folder)
        flow = _Flow(lambda n: (gnb.sendto(_g_pdu(n), (str(UPF_N3), 2152)), None)[1], dn, per_s)
        flow.more(per_s // 5)
        process.kill()
        flow.more(per_s // 2)
        process = _Process(t, folder)
        flow.more(per_s // 5)
        rows = [flow.row("restart")]
        flow = _Flow(lambda n: (dn.sendto(struct.pack("!I", n), (str(UE), 5000)), None)[1], gnb, per_s)
        flow.more(per_s // 10)
        for _ in range(5):
            process.say("buffer")
            flow.more(min(per_s // 5, BUFFER // 2))
            process.say("forward")
            flow.more(per_s // 10)
        rows.append(flow.row("buffered", process.discarded()))
        process.stop()
        return rows
