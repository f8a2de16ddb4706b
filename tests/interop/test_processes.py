"""`cinq up`, `cinq gnb` and `cinq ue` as processes: what a user starts, kills and starts again."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.place import CINQ, CORE, DN, RADIO, Place, Running, http_server
from tests.interop.ueransim import HOME_PUBLIC, IMSI, OPC, K, core_settings

pytestmark = [pytest.mark.root, pytest.mark.kernel]
UES = 5
GNB_ID = 4242  # names the namespace of UEs beside the core: cinq-ue-4242


@dataclass
class Network:
    """The processes of one network, its settings files and what the core's namespace was before."""

    place: Place
    core_toml: Path
    gnb_toml: Path
    ue_toml: Path
    url: str
    payload: bytes
    before: str

    def up(self) -> Running:
        core = self.place.start("core", *CINQ, "up", "--config", str(self.core_toml))
        core.wait("ready in")
        return core

    def gnb(self, ns: str = "radio") -> Running:
        gnb = self.place.start(ns, *CINQ, "gnb", "--config", str(self.gnb_toml))
        gnb.wait("NG Setup done")
        return gnb

    def ues(self, ns: str = "radio") -> tuple[Running, list[str]]:
        """The process, and the addresses of its UEs in the order of their IMSIs."""
        ues = self.place.start(ns, *CINQ, "ue", "--config", str(self.ue_toml))
        ues.wait(f"{UES} of {UES} UEs are up")
        return ues, re.findall(r"registered +(10\.45\.\d+\.\d+) ", ues.text)

    def answered(self, address: str, wanted: int, within: int = 3) -> bool:
        """Whether so many pings are answered; it takes no longer than the last of them."""
        often = ("-i", "0.05", "-c", str(wanted), "-w", str(within))
        return self.place.run("radio", "ping", *often, "-I", address, DN).returncode == 0

    def refused(self, cases: dict[tuple[str, ...], str]) -> None:
        """Programs in the core's namespace, all at once, that must end with exit code 1 and these words."""
        running = {argv: self.place.start("core", *argv) for argv in cases}
        for argv, words in cases.items():
            running[argv].process.wait(20)
            assert running[argv].end() == 1
            assert words in running[argv].text
            assert "Traceback" not in running[argv].text

    def downloads(self, *bound: str, into: Path, inside: tuple[str, ...] = (), ns: str = "radio") -> None:
        curl = ("curl", "-sS", "-m", "15", *bound, "-o", str(into), f"{self.url}/file")
        done = self.place.run(ns, *inside, *curl)
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256(into.read_bytes()).digest() == hashlib.sha256(self.payload).digest()


@pytest.fixture(scope="module")
def network(request: pytest.FixtureRequest, place: Place, payload: Path) -> Iterator[Network]:
    plane: str = request.param
    place.folder.joinpath(plane).mkdir(exist_ok=True)
    core_toml = core_settings(place, plane, folder=place.folder / plane)
    subscribers = place.folder / "subscribers.csv"
    rows = [f"{IMSI + n},{K},{OPC}" for n in range(UES)]
    subscribers.write_text("\n".join(["imsi,k,opc", *rows]) + "\n")
    imported = (*CINQ, "subscriber", "import", str(subscribers), "--config", str(core_toml))
    done = subprocess.run(imported, capture_output=True, text=True, check=True)
    assert f"imported {UES} subscribers" in done.stdout
    gnb_toml, ue_toml = place.folder / plane / "gnb.toml", place.folder / plane / "ue.toml"
    radio = place.folder / plane / "radio"
    gnb_toml.write_text(
        f'amf_address = "{CORE}"\nn2_address = "{RADIO}"\nn3_address = "{RADIO}"\n'
        f'radio = "{radio}"\ndata_plane = "{plane}"\nng_setup_retry_s = 0.3\n'
    )
    ue_toml.write_text(
        f'count = {UES}\nradio = "{radio}"\nsuci = "A"\nhome_network_key_id = 1\n'
        f'home_network_key = "{HOME_PUBLIC}"\n'
    )
    with http_server(place, payload) as url:
        octets = (payload / "file").read_bytes()
        yield Network(place, core_toml, gnb_toml, ue_toml, url, octets, place.host("core"))
    subprocess.run(("ip", "netns", "del", f"cinq-ue-{GNB_ID}"), capture_output=True, check=False)


@pytest.mark.parametrize(
    ("network", "number"), [("ebpf", signal.SIGTERM), ("tun", signal.SIGKILL)], indirect=["network"]
)
def test_ordinary_programs_and_a_core_that_starts_again(
    network: Network, tmp_path: Path, number: signal.Signals
) -> None:
    core, gnb = network.up(), network.gnb()
    ues, addresses = network.ues()
    assert len(set(addresses)) == UES
    assert network.answered(addresses[0], 2)
    network.downloads("--interface", addresses[1], into=tmp_path / "one")

    mark = gnb.mark()
    code = core.end(number)
    if number == signal.SIGTERM:
        assert code == 0
        gnb.wait("is lost", after=mark)
        assert network.place.host("core") == network.before
    core = network.up()
    assert number == signal.SIGTERM or "undoing" in core.text
    gnb.wait("NG Setup done again", 20, after=mark)
    for address in (addresses[0], addresses[2]):  # contexts and sessions outlive the core
        assert network.answered(address, 1)
    network.downloads("--interface", addresses[3], into=tmp_path / "two")

    assert ues.end(signal.SIGINT) == 0
    assert gnb.end(signal.SIGINT) == 0
    assert core.end(signal.SIGINT) == 0
    assert network.place.host("core") == network.before
    assert "10.45." not in network.place.host("radio")
    assert "Traceback" not in core.text + gnb.text + ues.text


@pytest.mark.parametrize("network", ["ebpf"], indirect=True)
def test_mistakes_leave_nothing(network: Network, tmp_path: Path) -> None:
    core = network.up()
    with_core = network.place.host("core")
    text = network.core_toml.read_text()
    state = f"{network.core_toml.parent}/state"
    elsewhere, away = tmp_path / "elsewhere.toml", tmp_path / "away.toml"
    elsewhere.write_text(text.replace(state, f"{tmp_path}/state"))
    away.write_text(elsewhere.read_text().replace(f'n3_address = "{CORE}"', 'n3_address = "10.99.0.77"'))
    up = (*CINQ, "up", "--config")
    network.refused(
        {(*up, str(network.core_toml)): "another instance of cinq holds it", (*up, str(elsewhere)): "in use"}
    )
    assert network.place.host("core") == with_core
    assert core.end() == 0
    no_right = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    # One by one: each has the ports for a while.
    network.refused({(*up, str(away)): "upf.n3_address 10.99.0.77 is no address of this host"})
    network.refused({(*no_right, *up, str(network.core_toml)): "CAP_NET_ADMIN is missing"})
    assert network.place.host("core") == network.before


@pytest.mark.parametrize("network", ["tun"], indirect=True)
def test_all_on_one_host(network: Network, tmp_path: Path) -> None:
    """Core, gNB and UEs in one namespace: the UEs get one beside it, or their addresses would be the core's own."""
    core_toml, gnb_toml = network.core_toml, network.gnb_toml
    text = re.sub(r'n([23])_address = "[\d.]+"', r'n\1_address = "127.0.0.1\1"', core_toml.read_text())
    core = tmp_path / "core.toml"
    core.write_text(text.replace('"ebpf"', '"auto"'))
    gnb = tmp_path / "gnb.toml"
    gnb.write_text(
        gnb_toml.read_text().split("ng_setup")[0].replace('"ebpf"', '"auto"').replace(f'"{CORE}"', '"127.0.0.12"')
        .replace(f'n2_address = "{RADIO}"', "").replace(f'"{RADIO}"', '"127.0.0.14"') + f"gnb_id = {GNB_ID}\n"
    )  # fmt: skip
    place, namespace = network.place, f"cinq-ue-{GNB_ID}"
    one = Network(place, core, gnb, network.ue_toml, network.url, network.payload, network.before)
    core_process, gnb_process = one.up(), one.gnb("core")
    ues, addresses = one.ues("core")
    ues.wait(f"try it: ip netns exec {namespace} ping -I {addresses[0]}")
    inside = ("ip", "netns", "exec", namespace)
    one.downloads("--interface", addresses[1], into=tmp_path / "one", inside=inside, ns="core")

    gnb_process.end(signal.SIGKILL)
    ues.wait("the gNB at .* is gone")
    assert ues.process.wait(10) == 1
    gnb_process = one.gnb("core")
    assert "undoing" in gnb_process.text
    ues, addresses = one.ues("core")
    one.downloads("--interface", addresses[1], into=tmp_path / "two", inside=inside, ns="core")
    for process in (ues, gnb_process, core_process):
        assert process.end(signal.SIGINT) == 0
    assert place.host("core") == network.before
    assert not os.path.exists(f"/run/netns/{namespace}")


@pytest.mark.parametrize("network", ["tun"], indirect=True)
def test_an_idle_gnb_hears_of_a_killed_core_when_it_is_back(network: Network) -> None:
    """SIGKILL: nobody tells a peer whose next heartbeat is 30 s away, until the core is there again."""
    core = network.up()
    gnb = network.place.start("radio", sys.executable, str(Path(__file__).parent / "patient_gnb.py"), CORE)
    gnb.wait("connected")
    time.sleep(0.5)  # the core has taken it, which it does not say
    core.end(signal.SIGKILL)
    again = network.up()
    gnb.wait("lost", within=3)
    again.end()
