"""An asyncio loop on which time is a number: it jumps to the next deadline when nothing can run."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Coroutine
from typing import TypeVar

R = TypeVar("R")

GRACE = 0.05  # real seconds granted to other threads before time jumps
LEFTOVERS = 100  # rounds of cancelling what a test left over
PATIENCE = 5.0  # real seconds granted to other threads before the loop counts as stuck


class Stuck(RuntimeError):
    """No task can run, no timer is pending and no thread or socket has anything to say."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits while this thread is alone: moves the loop's time instead."""

    loop: VirtualClockLoop

    def select(  # type: ignore[explicit-any]  # SelectorKey.data is Any in typeshed
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if threading.active_count() > self.loop.threads:
            ready = super().select(PATIENCE if timeout is None else GRACE)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("no task can run and no timer is pending")
        self.loop.now += timeout
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """`now` (seconds, from 0) is what `time()` returns. Other threads get a short real time before a jump."""

    def __init__(self) -> None:
        self.now = 0.0
        self.threads = threading.active_count()
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def run_virtual(main: Coroutine[object, None, R]) -> R:
    """Run `main` on a loop of its own with virtual time; what is left over is cancelled.

    Stuck: when `main` waits for something that nothing will bring.
    """
    loop = VirtualClockLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        try:
            for _ in range(LEFTOVERS):  # what is cancelled may make room for what waited
                left = asyncio.all_tasks(loop)
                for task in left:
                    task.cancel()
                if not left:
                    break
                loop.run_until_complete(asyncio.wait(left))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
