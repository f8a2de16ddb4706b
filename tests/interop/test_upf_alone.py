"""`cinq upf` beside `cinq up` without a UPF of its own: each in its namespace, a gNB and UEs in a third.

radio (10.99.0.2) - 10.99.0.1 core (10.97.0.1) - 10.97.0.2 upf (10.78.0.1) - dn 10.78.0.2
radio (10.98.0.2) - 10.98.0.1 upf
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cinq.transport import netns
from tests.interop.place import CINQ, CORE, CORE_N6, DN, RADIO, Place, Running, http_server, ip
from tests.interop.ueransim import HOME_PRIVATE, HOME_PUBLIC, IMSI, OPC, K
from tests.userplane.conftest import missing

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
        core.wait("ready in", 40)
        return core

    def upf(self, plane: str, *, survives: bool = False) -> Running:
        state = self.place.folder / "upf"
        text = f"""[node]
name = "edge"
associates = true
heartbeat_s = 1
survives = {str(survives).lower()}
bpf_folder = "{self.place.folder}/bpf"
[upf]
n3_address = "{UPF_N3}"
n4_address = "{UPF_N4}"
smf_addresses = ["{SMF_N4}"]
data_plane = "{plane}"
metrics_address = "{UPF_N4}"
[state]
folder = "{state}"
run = "{state}"
"""
        upf = self.place.start("upf", *CINQ, "upf", "--config", self.file("upf.toml", text))
        upf.wait("ready in", 40)
        return upf

    def radio(self, plane: str) -> str:
        """A gNB and a UE; the UE's address."""
        radio = self.place.folder / "radio"
        gnb = f'amf_address = "{CORE}"\nn2_address = "{RADIO}"\nn3_address = "{GNB_N3}"\n'
        gnb += f'radio = "{radio}"\ndata_plane = "{plane}"\n'
        ue = f'radio = "{radio}"\nsuci = "A"\nhome_network_key_id = 1\nhome_network_key = "{HOME_PUBLIC}"\n'
        self.place.start("radio", *CINQ, "gnb", "--config", self.file("gnb.toml", gnb)).wait(
            "NG Setup done", 40
        )
        ues = self.place.start("radio", *CINQ, "ue", "--config", self.file("ue.toml", ue))
        ues.wait("1 of 1 UEs are up", 40)
        return re.findall(r"registered +(10\.45\.\d+\.\d+) ", ues.text)[0]

    def downloads(self, address: str) -> bool:
        into = self.place.folder / "got"
        again = "--connect-timeout", "2", "--retry", "25", "--retry-all-errors", "--retry-delay", "1"
        curl = "curl", "-sS", "-m", "30", *again, "--interface", address, "-o", str(into), f"{self.url}/file"
        done = self.place.run("radio", *curl, within=90)  # the sessions come back in a moment of their own
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
    _is_seen(network, address)
    upf.end(signal.SIGKILL)
    upf = network.upf("tun")
    assert network.downloads(address)
    assert upf.end() == 0
    assert network.place.host("upf") == before
    upf = network.upf("auto")
    assert network.downloads(address)
    assert "Traceback" not in core.text + upf.text


def _is_seen(network: Network, address: str) -> None:
    """The session, its packets, what was dropped, and the counters."""
    settings = str(network.place.folder / "upf.toml")

    def said(*words: str) -> str:
        done = network.place.run("upf", *CINQ, *words, "--config", settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (session,) = json.loads(said("session", "list", "--json"))
    assert (session["ues"], session["dnn"], session["state"]) == ([address], "internet", "FORWARDS")
    assert session["downlink_octets"] > 2_000_000
    assert session["gnbs"][0].startswith(GNB_N3)
    assert address in said("session", "list")
    assert f"TEID {session['n3_teids'][0]}" in said("session", "show", address)
    gone = network.place.run("upf", *CINQ, "session", "show", "10.45.9.9", "--config", settings)
    assert (gone.returncode, "no session of 10.45.9.9" in gone.stderr) == (1, True)
    said("upf", "drops")
    with netns.inside(network.place.ns("upf")), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(bytes.fromhex("30ff000400000bad00000000"), (UPF_N3, 2152))
    (row,) = [row for row in json.loads(said("upf", "drops", "--json")) if row["reason"] == "UNKNOWN_TEID"]
    assert sum(row["counts"]) == 1
    assert "Error Indication" in said("upf", "drops")
    page = network.place.run("core", "curl", "-sS", f"http://{UPF_N4}:9464/metrics").stdout
    labels = '{snssai="1",dnn="internet"}'
    assert f"GTP_OutDataOctN3UPF{labels} {session['downlink_octets']}" in page
    assert f"cinq_upf_sessions{labels} 1" in page
    assert "SM_N4SessionEstabReq 1" in page


@contextlib.contextmanager
def bpf_file_system(folder: Path) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(("mount", "-t", "bpf", "bpf", str(folder)), check=True)
    try:
        yield
    finally:
        subprocess.run(("umount", str(folder)), check=True)


@dataclass
class Flow:
    """Numbered packets from a UE to an echo in the data network, a thousand a second, and what came back."""

    place: Apart
    address: str
    sent: int = 0
    back: set[int] = field(default_factory=set)
    over: bool = False

    def __post_init__(self) -> None:
        with netns.inside(self.place.ns("dn")):
            self._echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._echo.bind((DN, 9000))
        with netns.inside(self.place.ns("radio")):
            self._ue = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._ue.bind((self.address, 0))
        for each in (self._echo, self._ue):
            each.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            each.settimeout(0.2)
        self._threads = [threading.Thread(target=each) for each in (self._answer, self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def _answer(self) -> None:
        while not self.over:
            with contextlib.suppress(TimeoutError):
                octets, peer = self._echo.recvfrom(2000)
                self._echo.sendto(octets, peer)

    def _send(self) -> None:
        begun = time.monotonic()
        while not self.over:
            while self.sent < (time.monotonic() - begun) * 1000 and not self.over:
                self._ue.sendto(struct.pack("!I", self.sent), (DN, 9000))
                self.sent += 1
            time.sleep(0.001)

    def _receive(self) -> None:
        while not self.over:
            with contextlib.suppress(TimeoutError):
                self.back.add(struct.unpack("!I", self._ue.recv(2000))[0])

    def until(self, more: int) -> None:
        """So many packets more were sent, and had their time to come back."""
        wanted, deadline = self.sent + more, time.monotonic() + 30
        while self.sent < wanted and time.monotonic() < deadline:
            time.sleep(0.05)

    def end(self) -> int:
        """How many were lost."""
        sent, deadline = self.sent, time.monotonic() + 10
        while not self.back.issuperset(range(sent)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.over = True
        for thread in self._threads:
            thread.join()
        for each in (self._echo, self._ue):
            each.close()
        return len(set(range(sent)) - self.back)


def test_no_packet_is_lost_while_the_process_is_away(network: Network) -> None:
    """Killed, started again, stopped in order and started again, under a flow; the SMF sets nothing up anew."""
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    place = network.place
    before = place.host("upf")
    with bpf_file_system(place.folder / "bpf"):
        core, upf = network.core(), network.upf("ebpf", survives=True)
        flow = Flow(place, network.radio("auto"))
        flow.until(500)
        upf.end(signal.SIGKILL)
        flow.until(1000)
        upf = network.upf("ebpf", survives=True)
        assert "1 sessions taken up, 1 of them without a pause" in upf.text
        flow.until(2500)  # over some heartbeats
        assert upf.end() == 0
        assert "packets go on" in upf.text
        flow.until(500)
        upf = network.upf("ebpf", survives=True)
        flow.until(1000)
        lost = flow.end()
        assert (lost, flow.sent > 5000) == (0, True)
        assert network.downloads(flow.address)
        assert upf.end() == 0
        done = place.run("upf", *CINQ, "upf", "--remove", "--config", str(place.folder / "upf.toml"))
        assert done.returncode == 0, done.stderr
        assert "BPF maps and programs" in done.stdout
        assert place.host("upf") == before
        assert not list((place.folder / "bpf" / "cinq").iterdir())
    assert "association lost" not in core.text
    assert "Traceback" not in core.text + upf.text


def test_without_a_bpf_file_system_it_says_that_packets_stop(network: Network) -> None:
    """Sessions are taken up all the same, by the store."""
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    (network.place.folder / "bpf").mkdir()
    core, upf = network.core(), network.upf("ebpf", survives=True)
    assert "packets stop with this process: no BPF file system at" in upf.text
    address = network.radio("auto")
    assert network.downloads(address)
    upf.end(signal.SIGKILL)
    upf = network.upf("tun", survives=True)
    assert "1 sessions taken up, 0 of them without a pause" in upf.text
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
