"""A long wire: frames between two interfaces of this namespace, each later by some milliseconds.

python -m cinq.lab.haul ONE OTHER MILLISECONDS     says when it is ready

For kernels without netem. The senders' offloads must be off: a frame is passed on as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque

EVERY_PROTOCOL = 3
AT_ONCE = 256
MOST = 8192  # frames under way in a direction; more are lost, as on any wire


class Way:
    """One direction."""

    def __init__(self, source: socket.socket, sink: socket.socket, delay_s: float) -> None:
        self._source, self._sink, self._delay = source, sink, delay_s
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._loop.add_reader(source, self._read)

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            try:
                frame, told = self._source.recvfrom(65536)
            except BlockingIOError:
                return
            if told[2] == socket.PACKET_OUTGOING or len(self._under_way) >= MOST:
                continue
            self._under_way.append((self._loop.time() + self._delay, frame))
            if len(self._under_way) == 1:
                self._loop.call_at(self._under_way[0][0], self._arrive)

    def _arrive(self) -> None:
        now = self._loop.time()
        while self._under_way and self._under_way[0][0] <= now:
            with contextlib.suppress(OSError):
                self._sink.send(self._under_way.popleft()[1])
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._arrive)


def _end(interface: str) -> socket.socket:
    made = socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(EVERY_PROTOCOL)
    )
    made.bind((interface, EVERY_PROTOCOL))
    return made


async def run(one: str, other: str, delay_s: float) -> None:
    """Until cancelled."""
    with _end(one) as near, _end(other) as far:
        ways = Way(near, far, delay_s), Way(far, near, delay_s)
        print("ready", flush=True)
        await asyncio.Event().wait()
        del ways


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000))
