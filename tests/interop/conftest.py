"""Whole programs in namespaces: skipped, with the reason, where this host cannot have them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.interop.place import Place, ip

LAST = 6  # processes of a place
TAIL = 25  # lines of each


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Namespaces of their own for core, radio side and data network; nothing is left of them."""
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces")
    missing = [each for each in ("ip", "ping", "curl", "nft", "tc", "ethtool") if shutil.which(each) is None]
    if missing:
        pytest.skip(f"needs the programs {', '.join(missing)}")
    try:
        ip("netns", "add", probe := f"cinq-probe-{os.getpid()}")
        ip("netns", "del", probe)
    except OSError as error:
        pytest.skip(f"no network namespaces here: {error}")
    with Place(tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest.fixture(scope="module")
def payload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `file`: 2 MB that no compression shortens."""
    folder = tmp_path_factory.mktemp("www")
    (folder / "file").write_bytes(os.urandom(2_000_000))
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What every process of the place said last, beside a failure: the one that waits seldom knows why."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            place = getattr(value, "place", value)
            for one in place.running[-LAST:] if isinstance(place, Place) else ():
                name = " ".join(one.argv[3:8])
                report.sections.append((name, "\n".join(one.lines[-TAIL:])))
    return report
