"""What all tests share: where the reference material lies, and what this host can do."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return Shares(config, log)


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    """How `make test` divides the tests: a file stays together, for its fixtures, and so does all that asks the
    kernel, which one would else do in another's time and ports."""

    def _split_scope(self, nodeid: str) -> str:
        return _share(nodeid.partition("::")[0])


@cache
def _share(file: str) -> str:
    path = ROOT / file
    real = (
        path.parent.name in ("interop", "lab", "userplane", "transport") or "mark.kernel" in path.read_text()
    )
    return "kernel" if real else file
