"""`cinq up --apart`: each function in its own process, over TLS with access tokens; one is killed, the rest lives."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.interop.place import CINQ, CORE, RADIO, Place
from tests.interop.ueransim import HOME_PUBLIC, IMSI, OPC, K, core_settings

pytestmark = [pytest.mark.root, pytest.mark.kernel]
PARTS = ("nrf", "udr", "udm", "ausf", "nssf", "bsf", "pcf", "eir", "chf", "upf", "smf", "amf")


def test_a_ue_gets_a_session_and_again_after_a_function_was_killed(place: Place) -> None:
    """Registration and session cross NRF, UDR, UDM, AUSF, NSSF, PCF, SMF and AMF as HTTP/2 between processes."""
    core_toml, gnb_toml, ue_toml = settings(place)
    core = place.start("core", *CINQ, "up", "--apart", "--config", str(core_toml))
    core.wait("ready in .* Ctrl-C", within=90)
    pids = dict(re.findall(r"(\w+) (\d+)", core.wait(r"^ nrf \d+ ·").string))
    assert tuple(pids) == PARTS
    gnb = place.start("radio", *CINQ, "gnb", "--config", str(gnb_toml))
    gnb.wait("NG Setup done", within=30)
    served(place, ue_toml)

    mark = core.mark()
    os.kill(core.process.pid, signal.SIGHUP)
    core.wait("settings of the AMF taken", within=30, after=mark)
    core.wait("policies taken", within=30, after=mark)

    mark = core.mark()
    os.kill(int(pids["pcf"]), signal.SIGKILL)
    os.kill(int(pids["udm"]), signal.SIGKILL)
    core.wait("pcf has ended .killed by SIGKILL.; it is started again", after=mark)
    core.wait("udm has ended .killed by SIGKILL.; it is started again", after=mark)
    core.wait("pcf runs again", within=60, after=mark)
    core.wait("udm runs again", within=60, after=mark)
    for name in PARTS:
        if name not in ("pcf", "udm"):
            os.kill(int(pids[name]), 0)  # the same process lives
    served(place, ue_toml)
    assert "is lost" not in gnb.text
    assert gnb.end(within=20) == 0

    refused = place.run("core", *CINQ, "up", "--config", str(core_toml))
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert core.end(within=40) == 0
    assert not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()]
    assert registered(place) == []
    keys = [path for path in (place.folder / "state" / "sbi").iterdir() if path.suffix == ".key"]
    assert len(keys) == len(PARTS) + 1
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def registered(place: Place) -> list[str]:
    """Who the NRF has kept, in the state: those that were there when it ended last."""
    with contextlib.closing(sqlite3.connect(place.folder / "state" / "cinq.sqlite")) as state:
        return [key for (key,) in state.execute("SELECT key FROM item WHERE collection = 'nrf-instance'")]


def served(place: Place, ue_toml: Path) -> None:
    """A UE registers, has a session, and goes."""
    ue = place.start("radio", *CINQ, "ue", "--config", str(ue_toml))
    ue.wait("1 of 1 UEs are up", within=30)
    assert re.search(r"registered +10\.45\.\d+\.\d+ ", ue.text)
    assert ue.end(within=20) == 0


def settings(place: Place, added: str = "") -> tuple[Path, Path, Path]:
    """Of a core with one subscriber, a gNB and a UE."""
    core_toml = core_settings(place, "tun")
    with core_toml.open("a") as file:
        file.write(added)
    subscriber = (*CINQ, "subscriber", "add", str(IMSI), "--k", K, "--opc", OPC, "--config", str(core_toml))
    done = subprocess.run(subscriber, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "there already" in done.stderr or "exists" in done.stderr, done.stderr
    radio = place.folder / "radio"
    gnb_toml, ue_toml = place.folder / "gnb.toml", place.folder / "ue.toml"
    gnb_toml.write_text(
        f'amf_address = "{CORE}"\nn2_address = "{RADIO}"\nn3_address = "{RADIO}"\n'
        f'radio = "{radio}"\ndata_plane = "tun"\nng_setup_retry_s = 0.3\n'
    )
    ue_toml.write_text(
        f'count = 1\nradio = "{radio}"\nsuci = "A"\nhome_network_key_id = 1\nhome_network_key = "{HOME_PUBLIC}"\n'
    )
    return core_toml, gnb_toml, ue_toml


@pytest.mark.parametrize("delegated", [False, True], ids=["C", "D"])
def test_all_goes_through_an_scp(place: Place, delegated: bool) -> None:
    """TS 23.501 annex E, models C and D: without the SCP nobody is served, with it everybody."""
    added = f'[sbi]\nscp = "own"\ndelegated_discovery = {str(delegated).lower()}\n'
    core_toml, gnb_toml, ue_toml = settings(place, added)
    core = place.start("core", *CINQ, "up", "--apart", "--config", str(core_toml))
    core.wait("ready in .* Ctrl-C", within=90)
    pids = dict(re.findall(r"(\w+) (\d+)", core.wait(r"^ nrf \d+ ·").string))
    assert tuple(pids) == ("nrf", "scp", *PARTS[1:])
    gnb = place.start("radio", *CINQ, "gnb", "--config", str(gnb_toml))
    gnb.wait("NG Setup done", within=30)
    served(place, ue_toml)
    os.kill(int(pids["scp"]), signal.SIGSTOP)
    ue = place.start("radio", *CINQ, "ue", "--config", str(ue_toml))
    with pytest.raises(AssertionError, match="no '1 of 1 UEs are up'"):
        ue.wait("1 of 1 UEs are up", within=6)
    os.kill(int(pids["scp"]), signal.SIGCONT)
    ue.end(within=40)
    served(place, ue_toml)
    assert gnb.end(within=20) == 0
    assert core.end(within=40) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("toaster",), "'toaster' is no part of a network: nrf, scp, udr,"),
        (("amf",), "where is the NRF?"),
        (("amf", "--nrf", "nrf:7777"), "sbi.nrf: found 'nrf:7777', wanted an API root"),
        (("nrf", "--key", "/none"), "certificate, authorities: found nothing"),
    ],
)
def test_mistakes_of_the_command(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f"[state]\nfolder = {json.dumps(str(tmp_path))}\nrun = {json.dumps(str(tmp_path))}\n")
    done = subprocess.run(
        (*CINQ, "nf", *arguments, "--config", str(config)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
