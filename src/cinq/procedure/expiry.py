"""Timers that run for the same time expire in the order in which they were started: one timer serves all."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol


class Timed(Protocol):
    """Something with a timer that runs. due: when it expires, by the loop; None once it is stopped."""

    due: float | None

    def expired(self) -> None:
        """Never raises."""


class Expiry:
    """All that wait for the same number of seconds. What is stopped is passed over, and let go of at the next start."""

    __slots__ = ("_handle", "_running", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: deque[Timed] = deque()
        self._handle: asyncio.TimerHandle | None = None

    def start(self, timed: Timed) -> None:
        loop, running = asyncio.get_running_loop(), self._running
        while running and running[0].due is None:
            running.popleft()
        timed.due = due = loop.time() + self._seconds
        running.append(timed)
        if self._handle is None:
            self._handle = loop.call_at(due, self._reached, due)

    def _reached(self, now: float) -> None:
        running = self._running
        while running and ((due := running[0].due) is None or due <= now):
            timed = running.popleft()
            if due is not None:
                timed.due = None
                timed.expired()
        due = running[0].due if running else None
        self._handle = None if due is None else asyncio.get_running_loop().call_at(due, self._reached, due)

    def stop(self) -> None:
        """Nothing expires any more."""
        self._running.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
