"""`cinq upf` beside `cinq up` without a UPF of its own: each in its namespace, a gNB and UEs in a third.

radio (10.99.0.2) - 10.99.0.1 core (10.97.0.1) - 10.97.0.2 upf (10.78.0.1) - dn 10.78.0.2
radio (10.98.0.2) - 10.98.0.1 upf
"""

from __future__ import annotations

import hashlib
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.place import CINQ, CORE, CORE_N6, DN, RADIO, Place, Running, http_server, ip
from tests.interop.ueransim import HOME_PRIVATE, HOME_PUBLIC, IMSI, OPC, K

pytestmark = [pytest.mark.root, pytest.mark.kernel]
SMF_N4, UPF_N4, UPF_N3, GNB_N3 = "10.97.0.1", "10.97.0.2", "10.98.0.1", "10.98.0.2"


class Apart(Place):
    NAMES = ("core", "upf", "radio", "dn")

    def links(self) -> None:
        self.join("core", "n2", f"{CORE}/24", "radio", "n2", f"{RADIO}/24")
        self.join("core", "n4", f"{SMF_N4}/24", "upf", "n4", f"{UPF_N4}/24")
        self.join("upf", "n3", f"{UPF_N3}/24", "radio", "n3", f"{GNB_N3}/24")
        self.join("upf", "n6", f"{CORE_N6}/24", "dn", "eth0", f"{DN}/24")
        ip("-n", self.ns("upf"), "route", "add", "default", "via", DN)


@dataclass
class Network:
    """The place, its settings files, and the file that is downloaded."""

    place: Apart
    url: str
    payload: bytes

    def file(self, name: str, text: str) -> str:
        path = self.place.folder / name
        path.write_text(text)
        return str(path)

    def core(self) -> Running:
        state = self.place.folder / "core"
        text = f"""[network]
name = "apart"
[amf]
n2_address = "{CORE}"
[smf]
n4_address = "{SMF_N4}"
[upf]
start = false
[[user_plane]]
n4_address = "{UPF_N4}"
dnns = ["internet"]
[state]
folder = "{state}"
run = "{state}"
[[home_network_key]]
id = 1
private_key = "{HOME_PRIVATE}"
"""
        settings = self.file("core.toml", text)
        imported = self.file("subscribers.csv", f"imsi,k,opc\n{IMSI},{K},{OPC}\n")
        done = self.place.run("core", *CINQ, "subscriber", "import", imported, "--config", settings)
        assert done.returncode == 0, done.stderr
        core = self.place.start("core", *CINQ, "up", "--config", settings)
        core.wait("ready in")
        return core

    def upf(self, plane: str) -> Running:
        state = self.place.folder / "upf"
        text = f"""[node]
name = "edge"
associates = true
heartbeat_s = 1
[upf]
n3_address = "{UPF_N3}"
n4_address = "{UPF_N4}"
smf_addresses = ["{SMF_N4}"]
data_plane = "{plane}"
[state]
folder = "{state}"
run = "{state}"
"""
        upf = self.place.start("upf", *CINQ, "upf", "--config", self.file("upf.toml", text))
        upf.wait("ready in")
        return upf

    def radio(self, plane: str) -> str:
        """A gNB and a UE; the UE's address."""
        radio = self.place.folder / "radio"
        gnb = f'amf_address = "{CORE}"\nn2_address = "{RADIO}"\nn3_address = "{GNB_N3}"\n'
        gnb += f'radio = "{radio}"\ndata_plane = "{plane}"\n'
        ue = f'radio = "{radio}"\nsuci = "A"\nhome_network_key_id = 1\nhome_network_key = "{HOME_PUBLIC}"\n'
        self.place.start("radio", *CINQ, "gnb", "--config", self.file("gnb.toml", gnb)).wait("NG Setup done")
        ues = self.place.start("radio", *CINQ, "ue", "--config", self.file("ue.toml", ue))
        ues.wait("1 of 1 UEs are up")
        return re.findall(r"registered +(10\.45\.\d+\.\d+) ", ues.text)[0]

    def downloads(self, address: str) -> bool:
        into = self.place.folder / "got"
        curl = "curl", "-sS", "-m", "15", "--retry", "5", "--retry-all-errors"
        done = self.place.run("radio", *curl, "--interface", address, "-o", str(into), f"{self.url}/file")
        assert done.returncode == 0, done.stderr
        return hashlib.sha256(into.read_bytes()).digest() == hashlib.sha256(self.payload).digest()


@pytest.fixture
def network(place: Place, payload: Path, tmp_path: Path) -> Iterator[Network]:
    """`place` is asked for what this host can do."""
    with Apart(tmp_path) as apart, http_server(apart, payload) as url:
        yield Network(apart, url, (payload / "file").read_bytes())


def test_a_download_through_a_upf_of_its_own(network: Network) -> None:
    """The UPF comes after the core, is killed, starts again and goes; its sessions are set up again each time."""
    before = network.place.host("upf")
    core = network.core()
    upf = network.upf("auto")
    address = network.radio("auto")
    assert network.downloads(address)
    upf.end(signal.SIGKILL)
    upf = network.upf("tun")
    assert network.downloads(address)
    assert upf.end() == 0
    assert network.place.host("upf") == before
    upf = network.upf("auto")
    assert network.downloads(address)
    assert "Traceback" not in core.text + upf.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("smf_addresses = []", "wanted the N4 address of at least one SMF"),
        (
            'n3_address = "10.1.2.3"\nsmf_addresses = ["10.97.0.1"]',
            "no interface has the N3 address 10.1.2.3",
        ),
    ],
)
def test_mistakes_are_named(place: Place, tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "upf.toml"
    path.write_text(f'[upf]\n{line}\n[state]\nfolder = "{tmp_path}"\nrun = "{tmp_path}"\n')
    upf = place.start("core", *CINQ, "upf", "--config", str(path))
    upf.process.wait(20)
    assert upf.end() == 1
    assert words in upf.text
    assert "Traceback" not in upf.text
