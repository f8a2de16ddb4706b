"""The 5GMM timers of a UE that run beside its procedures (TS 24.501 §10.2), by name. An idle UE has one: T3512."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timers:
    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, seconds: float, expired: Callable[[], None]) -> None:
        """Anew where it runs already."""
        self.stop(name)

        def expire() -> None:
            del self._running[name]
            expired()

        self._running[name] = asyncio.get_running_loop().call_later(seconds, expire)

    def stop(self, *names: str) -> None:
        for name in names:
            handle = self._running.pop(name, None)
            if handle is not None:
                handle.cancel()

    def stop_all(self) -> None:
        self.stop(*self._running)

    def runs(self, name: str) -> bool:
        return name in self._running

    def left(self, name: str) -> float:
        """Seconds until it expires; 0 where it does not run."""
        handle = self._running.get(name)
        return 0.0 if handle is None else max(0.0, handle.when() - asyncio.get_running_loop().time())
