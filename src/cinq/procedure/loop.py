"""The event loop of what serves: asyncio's own, without the checks of its debug mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")


class ServingLoop(asyncio.SelectorEventLoop):
    """A callback is queued by one call instead of four; a registration queues twenty. Debug mode has no say here."""

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]  # as asyncio's own does
        return handle
