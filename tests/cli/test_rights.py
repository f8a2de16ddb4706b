"""A right that is missing ends a verb at once: which one, what mends it, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cinq.cli.output import failure_of
from cinq.transport import privilege
from cinq.transport.error import TransportError

WANTED = ("CAP_NET_RAW", "CAP_NET_ADMIN")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give its rights up")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
@pytest.mark.parametrize("lacking", [WANTED[:1], WANTED[1:], WANTED])
def test_gnb_names_the_rights_that_it_lacks(tmp_path: Path, lacking: tuple[str, ...]) -> None:
    if not set(lacking) <= privilege.held():
        pytest.skip(f"this process lacks {', '.join(lacking)}")
    settings = tmp_path / "gnb.toml"
    settings.write_text(f'amf_address = "127.0.0.99"\nradio = "{tmp_path}/run/radio"\ndata_plane = "tun"\n')
    drop = ",".join(f"-{name.removeprefix('CAP_').lower()}" for name in lacking)
    command = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}", sys.executable, "-m", "cinq"]
    done = subprocess.run(
        [*command, "gnb", "--config", str(settings)],
        env={**os.environ, "CINQ_SCTP": "usrsctp"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert [name for name in privilege.BITS if f"{name} is missing" in done.stderr] == sorted(lacking)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_what_the_host_refuses_is_told_with_its_path() -> None:
    refused = failure_of(PermissionError(13, "Permission denied", "/run/cinq/gnb.journal"), "another path")
    assert (refused.what, refused.mend) == ("/run/cinq/gnb.journal: permission denied", "another path")
    missing = failure_of(TransportError("no port", "stop its holder"), "another path")
    assert (missing.what, missing.mend) == ("no port", "stop its holder")
    assert failure_of(OSError(99, "Cannot assign requested address"), "a path").mend == ""


class Session:
    def __init__(self, trouble: str) -> None:
        self.trouble = trouble


class Ue:
    """As much of a UE as powering it on looks at."""

    def __init__(self, *troubles: str) -> None:
        self.sessions = {n: Session(trouble) for n, trouble in enumerate(troubles, 1)}

    async def power_on(self) -> None:
        pass


def test_a_session_without_interface_is_no_ue_that_is_up() -> None:
    from cinq.cli.ue import _power_on

    assert asyncio.run(_power_on(Ue("", ""))) == ""  # type: ignore[arg-type]  # a part of one
    answer = asyncio.run(_power_on(Ue("", "CAP_SYS_ADMIN is missing")))  # type: ignore[arg-type]  # a part of one
    assert answer == "no interface for session 2: CAP_SYS_ADMIN is missing"
