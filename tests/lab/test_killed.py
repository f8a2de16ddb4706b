"""A laboratory that was killed: the next one takes away what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cinq.lab.topology import sweep
from cinq.transport import netns

LAB = """
import os, signal, subprocess, sys
from cinq.lab.topology import Topology, work_folder
from cinq.cli.output import end_on_sigterm
end_on_sigterm()
with work_folder() as folder, Topology() as t:
    command = [sys.executable, "-m", "cinq.lab.http_file", "127.0.0.1", "8000", "1000"]
    process = t.start(t.dn, command, stdout=subprocess.PIPE)
    process.stdout.readline()
    print(process.pid, folder, flush=True)
    signal.pause()
"""


def left(lab: int, program: int, folder: Path) -> list[str]:
    found = [name for name in netns.names() if name.endswith(f"-{lab}")]
    cmdline = Path(f"/proc/{program}/cmdline")
    if cmdline.exists() and b"http_file" in cmdline.read_bytes():  # a zombie has none
        found.append("program")
    return [*found, "folder"] if folder.exists() else found


@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_lab_leaves(number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        pytest.skip("network namespaces need root")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", LAB], stdout=subprocess.PIPE, env=environment) as lab:
        assert lab.stdout is not None
        program, folder = lab.stdout.readline().decode().split()
        assert len(left(lab.pid, int(program), Path(folder))) == 5
        lab.send_signal(number)
        code = lab.wait(10)
    if number == signal.SIGKILL:
        assert len(left(lab.pid, int(program), Path(folder))) == 5
        sweep()
    else:
        assert code == 128 + number
    assert left(lab.pid, int(program), Path(folder)) == []
