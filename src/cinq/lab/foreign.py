"""How much of the processors others took while something was measured, and which measurements are kept for it.

Kernel threads do the work of the links under test, and are nobody else's. Processes of other containers cannot be
seen one by one: their time in user mode is what /proc/stat counts above that of all processes here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
KERNEL_THREAD = 0x00200000  # PF_KTHREAD
PROC = Path("/proc")
DOUBT = 0.1  # share of the processors by which /proc/stat and the processes may differ: ticks are samples
DISTURBED = 0.05  # share of the processors from which on a measurement is not one's own
FEWEST = 3


@dataclass(frozen=True, slots=True)
class _Process:
    """CPU time in ticks, that of children that have ended included."""

    parent: int
    kernel: bool
    user: int
    system: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Processor seconds until now: foreign, of processes that are not ours; user, of all that are seen here; all_user
    and stolen (by other virtual machines) of the whole machine."""

    at: float
    foreign: float
    user: float
    all_user: float
    stolen: float

    def share_since(self, before: Taken) -> float:
        """Of all processors, 0 to 1, what others took since then."""
        whole = max(1e-9, (self.at - before.at) * (os.cpu_count() or 1))
        seen = self.foreign - before.foreign
        unseen = (self.all_user - before.all_user) - (self.user - before.user) - DOUBT * whole
        took = max(0.0, seen) + max(0.0, unseen) + max(0.0, self.stolen - before.stolen)
        return took / whole


def kept(shares: Sequence[float]) -> list[int]:
    """Which of some measurements count, by what others took during each: the undisturbed ones.

    Where those are less than FEWEST, that many of the least disturbed.
    """
    fewest = sorted(range(len(shares)), key=lambda n: shares[n])[:FEWEST]
    return [n for n, share in enumerate(shares) if share <= DISTURBED or n in fewest]


def taken() -> Taken:
    """Reads all of /proc, which takes some milliseconds."""
    processes = _processes()
    ours = _descendants(processes, os.getpid())
    foreign = user = 0
    for number, process in processes.items():
        if process.kernel:
            continue
        user += process.user
        if number not in ours:
            foreign += process.user + process.system
    all_user, stolen = _machine()
    return Taken(time.perf_counter(), *(ticks / TICKS for ticks in (foreign, user, all_user, stolen)))


def _processes() -> dict[int, _Process]:
    found = {}
    for entry in os.listdir(PROC):
        if not entry.isdigit():
            continue
        try:
            said = (PROC / entry / "stat").read_text(errors="replace")
        except OSError:  # it has just ended
            continue
        fields = said.rpartition(")")[2].split()  # from the third field of proc_pid_stat(5)
        user, system, children_user, children_system = map(int, fields[11:15])
        kernel = bool(int(fields[6]) & KERNEL_THREAD)
        found[int(entry)] = _Process(int(fields[1]), kernel, user + children_user, system + children_system)
    return found


def _descendants(processes: Mapping[int, _Process], root: int) -> set[int]:
    """The process and all it started, directly or not."""
    children: dict[int, list[int]] = {}
    for number, process in processes.items():
        children.setdefault(process.parent, []).append(number)
    found, left = set[int](), [root]
    while left:
        number = left.pop()
        found.add(number)
        left += children.get(number, ())
    return found


def _machine() -> tuple[int, int]:
    """Ticks of all processors together: in user mode, stolen."""
    user, nice, _, _, _, _, _, stolen, *_ = map(int, (PROC / "stat").read_text().split("\n")[0].split()[1:])
    return user + nice, stolen
