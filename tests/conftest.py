"""What all tests share: where the reference material lies, and what this host can do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.evidence",)

# On a host with other work a test is slow for reasons that are not its own: that is no verdict.
settings.register_profile("cinq", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cinq")

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("CINQ_SHARED") or ROOT.parent / "shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of captures and reference files; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"reference material is absent: no folder {SHARED} (set CINQ_SHARED)")
    return SHARED


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """How `make test` divides them: a file stays together, for its fixtures, and so does all that asks the kernel,
    which one would else do in another's time and ports."""
    for item in items:
        room = item.path.relative_to(ROOT / "tests").parts[0]
        real = (
            room in ("interop", "lab", "userplane", "transport")
            or item.get_closest_marker("kernel") is not None
        )
        item.add_marker(pytest.mark.xdist_group("kernel" if real else str(item.path)))
