"""The units in contrib/systemd, read by systemd itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "contrib" / "systemd"


def verified(folder: Path) -> tuple[int, str]:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    names = [str(folder / name) for name in ("cinq.service", "cinq-nf@.service", "cinq-apart.target")]
    done = subprocess.run(
        [tool, "verify", "--man=no", *names], capture_output=True, text=True, timeout=30, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "cinq" in line]
    return done.returncode, "\n".join(ours)


def test_systemd_finds_nothing_wrong() -> None:
    assert verified(UNITS) == (0, "")


def test_systemd_would_find_it(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
    assert "PrivateTemp" in verified(tmp_path)[1]
