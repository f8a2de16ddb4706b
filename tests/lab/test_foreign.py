"""What others take of the processors, and which measurements that spoils."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cinq.lab import foreign, user_plane
from cinq.lab.foreign import Taken
from cinq.lab.traffic import Rate

SPIN = "import sys, time\nprint(flush=True)\nwhile time.process_time() < 0.3: pass\n"


def test_undisturbed_measurements_count() -> None:
    assert foreign.kept([0.0, 0.2, 0.05, 0.0, 0.06]) == [0, 2, 3]
    assert foreign.kept([0.0]) == [0]


def test_of_disturbed_ones_the_least() -> None:
    assert foreign.kept([0.9, 0.3, 0.2, 0.8, 0.01]) == [1, 2, 4]


def test_shares_are_of_all_processors() -> None:
    cpus = os.cpu_count() or 1
    before = Taken(10.0, 1.0, 5.0, 7.0, 0.0)
    assert Taken(11.0, 1.0, 6.0, 8.0, 0.0).share_since(before) == 0
    assert Taken(11.0, 1.0 + 0.5 * cpus, 6.0, 8.0, 0.0).share_since(before) == pytest.approx(0.5)
    assert Taken(11.0, 1.0, 6.0, 8.0, 0.25 * cpus).share_since(before) == pytest.approx(0.25)
    # In user mode the machine did more than the processes here: another container.
    assert Taken(11.0, 1.0, 6.0, 8.0 + 0.05 * cpus, 0.0).share_since(before) == 0
    assert Taken(11.0, 1.0, 6.0, 8.0 + 0.4 * cpus, 0.0).share_since(before) == pytest.approx(0.3)


def test_our_own_processes_are_not_foreign() -> None:
    processes = {
        1: foreign._Process(0, False, 0, 0),
        2: foreign._Process(0, True, 0, 0),
        10: foreign._Process(1, False, 0, 0),
        11: foreign._Process(10, False, 0, 0),
        12: foreign._Process(11, False, 0, 0),
        13: foreign._Process(1, False, 0, 0),
    }
    assert foreign._descendants(processes, 10) == {10, 11, 12}


def test_what_a_process_takes_is_seen_also_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc")
    monkeypatch.setattr(foreign.os, "getpid", lambda: -1)  # nothing here is ours
    before, begun = foreign.taken(), time.process_time()
    subprocess.run([sys.executable, "-c", SPIN], stdout=subprocess.DEVNULL, check=True)
    after = foreign.taken()
    assert after.foreign - before.foreign > 0.25
    assert time.process_time() - begun < 0.2


def test_a_ratio_is_of_pairs_that_nobody_disturbed() -> None:
    bench = user_plane.Bench()
    halves = [(0.0, 1.0), (0.5, 9.0), (0.0, 1.2), (0.02, 1.1), (0.9, 0.1)]
    bench._slots["ebpf", "uplink", "tcp"] = [
        user_plane.Slot(Rate(rate, 1.0), share) for share, rate in halves
    ]
    bench._slots["none", "uplink", "tcp"] = [user_plane.Slot(Rate(2.0, 1.0), 0.0) for _ in halves]
    row = bench._row("ebpf", "uplink", "tcp")
    assert (row.pairs, row.dropped, row.disturbed) == (3, 2, 0)
    assert (row.ratio.min, row.ratio.median, row.ratio.max) == (0.5, 0.55, 0.6)
    plain = bench._row("none", "uplink", "tcp")
    assert (plain.plane, plain.pairs, plain.ratio.max) == ("forwarding", 5, 1.0)
    bench._slots["none", "uplink", "tcp"] = [user_plane.Slot(Rate(2.0, 1.0), 0.3) for _ in halves]
    worse = bench._row("ebpf", "uplink", "tcp")
    assert (worse.pairs, worse.dropped, worse.disturbed) == (3, 2, 3)
