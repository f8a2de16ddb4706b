"""Two ends of one process: what one sends, the other is handed as it is."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

M = TypeVar("M")
AT_ONCE = 16
log = logging.getLogger("cinq.procedure")


class Inside(Generic[M]):
    """The way to an end of this process. Messages arrive in the order of sending, in a later turn of the loop.

    They are the sender's own objects: neither end changes one that was sent.
    """

    def __init__(self, deliver: Callable[[M], None]) -> None:
        self._deliver = deliver
        self._arriving: deque[M] = deque()

    def send(self, message: M) -> None:
        if not self._arriving:
            asyncio.get_running_loop().call_soon(self._arrive)
        self._arriving.append(message)

    def _arrive(self) -> None:
        """Not all of many at once: others have their turn between."""
        for _ in range(min(len(self._arriving), AT_ONCE)):
            message = self._arriving[0]
            try:
                self._deliver(message)
            except Exception:
                log.exception("%s was lost to a bug", type(message).__name__)
            self._arriving.popleft()
        if self._arriving:
            asyncio.get_running_loop().call_soon(self._arrive)
