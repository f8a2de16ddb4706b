"""`cinq` with its event loop watched: python -m cinq.lab.loop_probe REPORT ARGUMENTS...

For each callback of the loop, and each collection of garbage inside one, that took longer than NOTICED_MS a line of
JSON (a Block) is appended to REPORT. The core itself knows nothing of it: the bench starts it so.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import runpy
import selectors
import sys
import time
from asyncio import events
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

NOTICED_MS = 1.0


class Block(msgspec.Struct, frozen=True):
    """at: the end, by the system's monotonic clock, seconds. ms: how long nothing else ran, by the clock. cpu_ms: how
    much of it the loop's thread ran; where others had the processor it is less. what: the callback."""

    at: float
    ms: float
    cpu_ms: float
    what: str


def blocks(report: Path) -> list[Block]:
    """What a probe has written so far."""
    lines = report.read_bytes().splitlines() if report.exists() else []
    return [msgspec.json.decode(line, type=Block) for line in lines]


def longest(found: Iterable[Block], *, own: bool = False) -> Block:
    """The longest, by the clock or by what of it was CPU time of its `own`; one of no length where there is none."""
    none = Block(0.0, 0.0, 0.0, "")
    return max(found, key=lambda block: block.cpu_ms if own else block.ms, default=none)


def by_phase(found: list[Block], moments: list[float]) -> list[list[Block]]:
    """The blocks between each two of the moments."""
    return [[block for block in found if a <= block.at < b] for a, b in itertools.pairwise(moments)]


class Probe:
    """Watches the loops of this process."""

    def __init__(self, report: BinaryIO) -> None:
        self._report = report
        self._collected = 0.0
        self._cpu = time.thread_time()

    def install(self) -> None:
        """What has no public hook is wrapped: how a handle runs its callback, and where the loop waits."""
        run, clock, note = events.Handle._run, time.perf_counter, self._note

        def watched(handle: events.Handle) -> None:
            begun = clock()
            run(handle)
            if (took := (clock() - begun) * 1000) >= NOTICED_MS:
                note(handle, took)

        setattr(events.Handle, "_run", watched)  # noqa: B010 (it has no public name to assign to)
        make, watch = asyncio.SelectorEventLoop.__init__, self.watch

        def made(loop: asyncio.SelectorEventLoop, selector: selectors.BaseSelector | None = None) -> None:
            make(loop, selector)
            watch(loop)

        asyncio.SelectorEventLoop.__init__ = made  # type: ignore[method-assign, assignment]
        gc.callbacks.append(self._collecting)

    def watch(self, loop: asyncio.SelectorEventLoop) -> None:
        """From here on the thread's CPU time is taken at each turn of this loop."""
        selector: _Selector = loop._selector  # type: ignore[attr-defined]
        select = selector.select

        def waiting(timeout: float | None = None) -> object:
            found = select(timeout)
            self._cpu = time.thread_time()
            return found

        selector.select = waiting

    def _note(self, handle: events.Handle, took: float) -> None:
        cpu = (time.thread_time() - self._cpu) * 1000
        self._write(Block(time.monotonic(), round(took, 3), round(min(cpu, took), 3), _name(handle)))

    def _collecting(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collected = time.perf_counter()
        elif (took := (time.perf_counter() - self._collected) * 1000) >= NOTICED_MS:
            cpu = min(took, (time.thread_time() - self._cpu) * 1000)
            what = f"garbage of generation {info['generation']}, found {info['collected']}"
            self._write(Block(time.monotonic(), round(took, 3), round(cpu, 3), what))

    def _write(self, block: Block) -> None:
        self._report.write(msgspec.json.encode(block) + b"\n")


class _Selector:
    """What of a selector is replaced."""

    select: Callable[[float | None], object]


def _name(handle: events.Handle) -> str:
    """What ran: of a task the innermost coroutine that is known, else the function."""
    callback: object = getattr(handle, "_callback", None)
    task: object = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"{getattr(task.get_coro(), '__qualname__', 'task')} ({task.get_name()})"
    return str(getattr(callback, "__qualname__", callback))


def main() -> None:
    report, arguments = Path(sys.argv[1]), sys.argv[2:]
    probe = Probe(report.open("ab", buffering=0))
    probe.install()
    sys.argv = ["cinq", *arguments]
    runpy.run_module("cinq", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
