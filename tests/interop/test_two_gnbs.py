"""Two `cinq gnb` processes with Xn by SCTP between them: a phone is handed over from the one to the other."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.place import CINQ, CORE, DN, RADIO, Place, Running, ip
from tests.interop.ueransim import HOME_PUBLIC, IMSI, OPC, K, core_settings

pytestmark = [pytest.mark.root, pytest.mark.kernel]
OTHER = "10.99.0.3"


@dataclass
class Two:
    """The core, and the settings files of two gNBs and a UE."""

    place: Place
    folder: Path

    def gnb(self, number: int, *options: str) -> Running:
        config = self.folder / f"gnb-{number}.toml"
        gnb = self.place.start("radio", *CINQ, "gnb", "-v", "--config", str(config), *options)
        gnb.wait("NG Setup done", 30)
        return gnb

    def ue(self) -> tuple[Running, str]:
        ue = self.place.start("radio", *CINQ, "ue", "-v", "--config", str(self.folder / "ue.toml"))
        ue.wait("1 of 1 UEs are up", 30)
        found = re.search(r"registered +(10\.45\.\d+\.\d+) ", ue.text)
        assert found is not None
        return ue, found[1]


@pytest.fixture(scope="module", params=["tun", "ebpf"])
def two(request: pytest.FixtureRequest, place: Place) -> Iterator[Two]:
    plane: str = request.param
    (folder := place.folder / plane).mkdir()
    settings = core_settings(place, plane, folder=folder)
    rows = folder / "subscribers.csv"
    rows.write_text(f"imsi,k,opc\n{IMSI},{K},{OPC}\n")
    subprocess.run((*CINQ, "subscriber", "import", str(rows), "--config", str(settings)), check=True)
    with contextlib.suppress(subprocess.CalledProcessError):  # there since the plane before
        ip("-n", place.ns("radio"), "addr", "add", f"{OTHER}/24", "dev", "n2")
    for number, own, neighbour in ((1, RADIO, OTHER), (2, OTHER, RADIO)):
        (folder / f"gnb-{number}.toml").write_text(
            f'name = "gnb-{number}"\ngnb_id = {number}\namf_address = "{CORE}"\nn2_address = "{own}"\n'
            f'n3_address = "{own}"\nxn_address = "{own}"\nxn_neighbours = ["{neighbour}"]\n'
            f'radio = "{folder}/radio-{number}"\ndata_plane = "{plane}"\nng_setup_retry_s = 0.3\n'
        )
    (folder / "ue.toml").write_text(
        f'imsi = "{IMSI}"\nradio = "{folder}/radio-1"\nradios_in_reach = ["{folder}/radio-2"]\n'
        f'suci = "A"\nhome_network_key_id = 1\nhome_network_key = "{HOME_PUBLIC}"\n'
    )
    core = place.start("core", *CINQ, "up", "--config", str(settings))
    core.wait("ready in", 60)
    yield Two(place, folder)
    assert core.end() == 0
    assert "Traceback" not in core.text


def test_a_phone_goes_from_process_to_process_and_its_ping_goes_on(two: Two) -> None:
    second = two.gnb(2)
    first = two.gnb(1, "--roam", "2")
    for gnb in (first, second):
        gnb.wait("Xn Setup done with gNB 999-70-", 20)
    ue, address = two.ue()
    ping = two.place.start("radio", "ping", "-i", "0.05", "-c", "100", "-w", "20", "-I", address, DN)
    first.wait("handed over to cell", 20)
    ping.process.wait(30)
    ping.end()
    lost = re.search(r"100 packets transmitted, (\d+) received", ping.text)
    assert lost is not None, ping.text
    assert int(lost[1]) >= 98, ping.text
    assert first.end() == 0  # the phone is the other gNB's now
    answered = ("ping", "-i", "0.05", "-c", "3", "-w", "3", "-I", address, DN)
    assert two.place.run("radio", *answered).returncode == 0
    second.wait("Xn to gNB 999-70-1/32 is lost", 20)
    assert ue.process.poll() is None
    assert ue.end() == 0
    assert second.end() == 0
    for process in (first, second, ue):
        assert "Traceback" not in process.text
    left = two.place.run("radio", "ip", "-o", "link").stdout
    assert "ue-x" not in left
