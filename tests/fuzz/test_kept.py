"""What once failed does not fail again, and the seeds pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import seeds, stateful
from tests.fuzz.decoders import TARGETS

KEPT = sorted(path for path in (Path(__file__).parent / "kept").glob("*/*") if path.is_file())
ALL = {**TARGETS, "core-n1-n2": stateful.core_n1_n2}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name[:12]}")
def test_kept(path: Path) -> None:
    ALL[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    for octets in seeds.of(name):
        TARGETS[name](octets)


@pytest.mark.parametrize("script", [b"", bytes(range(60)), bytes(range(255, 195, -1)), b"\1\7\3\2" * 12])
def test_scripts(script: bytes) -> None:
    stateful.core_n1_n2(script)
