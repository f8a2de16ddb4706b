"""Messages that nobody waits for go out at a pace, so that many at once hold up nothing else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

BURST = 32  # at once
PER_SECOND = 500
STEP_S = 0.02


class Pacer:
    """`BURST` go at once, the rest at `PER_SECOND`, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._tokens = float(BURST)
        self._filled = 0.0

    def soon(self, send: Callable[[], None]) -> None:
        self._waiting.append(send)
        if len(self._waiting) == 1:
            self._go()

    def _go(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._tokens = min(float(BURST), self._tokens + (now - self._filled) * PER_SECOND)
        self._filled = now
        while self._waiting and self._tokens >= 1:
            self._tokens -= 1
            self._waiting.popleft()()
        if self._waiting:
            loop.call_later(STEP_S, self._go)
