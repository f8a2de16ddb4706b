"""Two ends of one process: what one sends, the other is handed as it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

M = TypeVar("M")
log = logging.getLogger("cinq.procedure")


class Inside(Generic[M]):
    """The way to an end of this process. Messages arrive in the order of sending, in the next turn of the loop.

    They are the sender's own objects: neither end changes one that was sent.
    """

    def __init__(self, deliver: Callable[[M], None]) -> None:
        self._deliver = deliver
        self._arriving: list[M] = []

    def send(self, message: M) -> None:
        if not self._arriving:
            asyncio.get_running_loop().call_soon(self._arrive)
        self._arriving.append(message)

    def _arrive(self) -> None:
        arriving, self._arriving = self._arriving, []
        for message in arriving:
            try:
                self._deliver(message)
            except Exception:
                log.exception("%s was lost to a bug", type(message).__name__)
