"""Time of day as a port. Timers need none: they are the loop's."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The time of day, in seconds since 1970-01-01 UTC."""

    def now(self) -> float: ...


class RealClock:
    """The clock of the host."""

    def now(self) -> float:
        return time.time()


class VirtualClock:
    """The running loop's time after a fixed start: on a VirtualClockLoop it moves when the loop jumps."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self.start = start

    def now(self) -> float:
        return self.start + asyncio.get_running_loop().time()
