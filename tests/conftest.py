"""What all tests share: where the reference material lies, and what this host can do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ("tests.evidence",)

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("CINQ_SHARED") or ROOT.parent / "shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of captures and reference files; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"reference material is absent: no folder {SHARED} (set CINQ_SHARED)")
    return SHARED
