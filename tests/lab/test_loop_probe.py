"""The probe of the event loop: what keeps the loop is told, with who did it, and what only waits is not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from cinq.lab.loop_probe import Block, blocks, by_phase, longest

PROGRAM = """
import asyncio, sys, time
from cinq.lab import loop_probe
import cinq.cli

async def busy():
    end = time.thread_time() + 0.03
    while time.thread_time() < end:
        pass

async def waits():
    await asyncio.sleep(0.05)

async def blocked():
    time.sleep(0.04)

async def main():
    await asyncio.gather(busy(), waits())
    await asyncio.create_task(blocked())

cinq.cli.main = lambda: asyncio.run(main())
loop_probe.main()
"""


def test_what_keeps_the_loop(tmp_path: Path) -> None:
    report = tmp_path / "report"
    assert blocks(report) == []
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", PROGRAM, str(report)], check=True)
    found = blocks(report)
    (busy,) = [block for block in found if block.what.startswith("busy")]
    (blocked,) = [block for block in found if block.what.startswith("blocked")]
    assert not [block for block in found if block.what.startswith("waits") and block.ms > 40]
    assert busy.ms + 1 >= busy.cpu_ms >= 29  # two clocks
    assert blocked.ms >= 39
    assert blocked.cpu_ms < 20
    assert longest(found, own=True) == busy
    assert begun <= busy.at <= blocked.at <= time.monotonic()
    before, after = by_phase(found, [begun, busy.at + 0.0001, time.monotonic()])
    assert busy in before
    assert blocked in after


def test_nothing_kept_it() -> None:
    assert longest([]) == Block(0.0, 0.0, 0.0, "")
