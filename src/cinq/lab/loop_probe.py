"""`cinq` with its event loop watched: python -m cinq.lab.loop_probe REPORT ARGUMENTS...

For each callback of the loop, and each collection of garbage inside one, that took longer than NOTICED_MS a line of
JSON (a Block) is appended to REPORT. The core itself knows nothing of it: the bench starts it so.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import runpy
import sys
import time
from asyncio import events
from collections.abc import Iterable
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
    """Watches the loop of this process."""

    def __init__(self, report: BinaryIO) -> None:
        self._report = report
        self._collected = 0.0, 0.0

    def install(self) -> None:
        """What has no public hook is wrapped: how a handle runs its callback."""
        run, clock, own, note = events.Handle._run, time.perf_counter, time.thread_time, self._note

        def watched(handle: events.Handle) -> None:
            begun, cpu = clock(), own()
            run(handle)
            if (took := clock() - begun) * 1000 >= NOTICED_MS:
                note(_name(handle), took, own() - cpu)

        setattr(events.Handle, "_run", watched)  # noqa: B010 (it has no public name to assign to)
        gc.callbacks.append(self._collecting)

    def _collecting(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collected = time.perf_counter(), time.thread_time()
            return
        took, cpu = time.perf_counter() - self._collected[0], time.thread_time() - self._collected[1]
        if took * 1000 >= NOTICED_MS:
            self._note(f"garbage of generation {info['generation']}, found {info['collected']}", took, cpu)

    def _note(self, what: str, took: float, cpu: float) -> None:
        own = min(cpu, took)  # by two clocks, read one after the other
        block = Block(time.monotonic(), round(took * 1000, 3), round(own * 1000, 3), what)
        self._report.write(msgspec.json.encode(block) + b"\n")


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
