"""A gNB and a UE that nobody here wrote: UERANSIM on a running `cinq up`.

CINQ_UERANSIM is the folder of nr-gnb, nr-ue and nr-cli (3.3). Its gNB picks an AMF by the slices of a plain
REGISTRATION REQUEST only, and so drops every SERVICE REQUEST itself, whatever the core: those steps are skipped
unless it is mended.
"""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import ueransim
from tests.interop.place import CINQ, DN, Place, Running, http_server
from tests.interop.ueransim import IMSI, OPC, K, Ueransim

pytestmark = [pytest.mark.root, pytest.mark.kernel]
TUN = r"TUN interface\[(uesimtun\d+), ([\d.]+)\]"


class World:
    """A core, UERANSIM's gNB, and a web server in the data network."""

    def __init__(self, place: Place, url: str, settings: Path, radio: Ueransim) -> None:
        self.place, self.url, self.settings, self.radio = place, url, settings, radio
        self.core = self.up()
        self.gnb = radio.gnb()

    def up(self) -> Running:
        core = self.place.start("core", *CINQ, "up", "--config", str(self.settings))
        core.wait("ready in")
        return core

    def ping(self, interface: str, count: int = 2) -> int:
        argv = ("ping", "-I", interface, "-c", str(count), "-i", "0.2", "-W", "1", DN)
        found = re.search(r"(\d+) received", self.place.run("radio", *argv).stdout)
        return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def world(place: Place, payload: Path) -> Iterator[World]:
    programs = ueransim.folder()
    if programs is None:
        pytest.skip("CINQ_UERANSIM names no folder with nr-gnb, nr-ue and nr-cli")
    settings = ueransim.core_settings(place)
    for number in range(2):
        add = (*CINQ, "subscriber", "add", str(IMSI + number), "--k", K, "--opc", OPC)
        subprocess.run((*add, "--config", str(settings)), check=True, capture_output=True)
    before = place.host("core")
    with http_server(place, payload) as url:
        made = World(place, url, settings, Ueransim(place, programs))
        yield made
        made.gnb.end()
        assert made.core.end() == 0
    assert place.host("core") == before


@pytest.mark.parametrize("nea", [0, 1, 2, 3])
@pytest.mark.parametrize("nia", [1, 2, 3])
@pytest.mark.parametrize("suci", ["null", "A"])
def test_data_with_every_algorithm(world: World, payload: Path, suci: str, nia: int, nea: int) -> None:
    offered = (nia,) if nia != 3 else (1, 2, 3)  # a UE with NIA3 alone is none (TS 33.501 §5.3.3)
    ue = world.radio.ue(suci, offered, (nea,) if nea else ())
    interface = ue.wait(TUN, 20)[1]
    assert f"Selected integrity[{nia}] ciphering[{nea}]" in ue.text
    assert world.ping(interface) == 2
    got = world.place.folder / "download"
    curl = ("curl", "-sS", "-m", "15", "--interface", interface, "-o", str(got), f"{world.url}/file")
    assert world.place.run("radio", *curl).returncode == 0
    assert (
        hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256((payload / "file").read_bytes()).digest()
    )
    mark = ue.mark()
    world.radio.cli("deregister switch-off")
    ue.wait("switching off", after=mark)
    ue.end()


def test_session_release_and_registration_anew(world: World) -> None:
    ue = world.radio.ue(count=2)
    for _ in range(2):
        ue.wait("uesimtun1", 20)
    mark = ue.mark()
    world.radio.cli("ps-release 1")
    ue.wait("PDU Session Release Command received", after=mark)
    assert world.ping(ue.wait(TUN, 20, after=mark)[1]) == 2
    mark = ue.mark()
    world.radio.cli("deregister normal", 1)
    ue.wait("Initial Registration is successful", 20, after=mark)
    assert world.ping(ue.wait(TUN, 20, after=mark)[1]) == 2
    mark = ue.mark()
    for number in range(2):
        world.radio.cli("deregister switch-off", number)
    ue.wait("switching off", after=mark)
    ue.end()


def test_idle_and_a_core_that_starts_again(world: World) -> None:
    ue = world.radio.ue()
    interface = ue.wait(TUN, 20)[1]
    mark, seen = ue.mark(), world.gnb.mark()
    found = re.search(r"ue-id: (\d+)", world.radio.gnb_cli("ue-list"))
    assert found is not None
    world.radio.gnb_cli(f"ue-release {found[1]}")
    ue.wait("CM-IDLE", after=mark)
    answered = world.ping(interface, 8)
    if any("AMF selection" in line for line in world.gnb.lines[seen:]):
        ue.end()
        pytest.skip("this nr-gnb finds no AMF for a SERVICE REQUEST (its selectAmf)")
    assert answered > 0
    for number in (signal.SIGTERM, signal.SIGKILL):
        seen = world.gnb.mark()
        world.core.end(number)
        world.core, mark = world.up(), ue.mark()
        world.gnb.wait("Association terminated", 3, after=seen)
        world.gnb.end()  # it does not seek the AMF again
        world.gnb = world.radio.gnb()
        ue.wait("Selected cell", 20, after=mark)
        assert world.ping(interface, 20) > 0
    assert world.ping(interface) == 2
    ue.end()
