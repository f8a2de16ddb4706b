"""A handover under traffic loses no packet and overtakes none: TS 38.300 §9.2.3.2.3, TS 23.502 §4.9.1.2 and §4.9.1.3.

A UE sends numbered datagrams as fast as they are answered, as `ping -f` does, while it is handed over. The data network
notes the order in which they come, the UE that of the answers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from cinq.transport import netns
from tests.interop.place import CINQ, CORE, DN, RADIO, Place, Running, ip
from tests.interop.ueransim import HOME_PUBLIC, IMSI, OPC, K, core_settings

pytestmark = [pytest.mark.root, pytest.mark.kernel]
OTHER = "10.99.0.3"  # N3 of the second gNB
PORT, HANDOVERS, UNDER_WAY, PATIENCE_S = 9000, 6, 16, 1.0


class Traffic:
    """Numbered datagrams from a UE to an echo in the data network, UNDER_WAY of them at a time."""

    def __init__(self, place: Place, ue: str) -> None:
        self.there: list[int] = []
        self.back: list[int] = []
        self.sent = self.given_up = 0
        with netns.inside(place.ns("radio")):
            self._ue = _socket(ue)
        with netns.inside(place.ns("dn")):
            self._echo = _socket(DN)
        self._ue.sendto(b"\xff\xff\xff\xff", (DN, PORT))
        octets, peer = self._echo.recvfrom(2048)  # the path stands
        self._echo.sendto(octets, peer)
        self._ue.recv(2048)
        self._going = True
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._answer, self._ask)]
        for thread in self._threads:
            thread.start()

    def _answer(self) -> None:
        while True:
            try:
                octets, peer = self._echo.recvfrom(2048)
            except TimeoutError:
                if not self._going:
                    return
                continue
            self.there.append(int.from_bytes(octets[:4], "big"))
            self._echo.sendto(octets, peer)

    def _ask(self) -> None:
        while self._going or len(self.back) + self.given_up < self.sent:
            while self._going and self.sent - len(self.back) - self.given_up < UNDER_WAY:
                self._ue.sendto(self.sent.to_bytes(4, "big") + bytes(96), (DN, PORT))
                self.sent += 1
            try:
                self.back.append(int.from_bytes(self._ue.recv(2048)[:4], "big"))
            except TimeoutError:
                self.given_up = self.sent - len(self.back)

    def end(self) -> None:
        self._going = False
        for thread in self._threads:
            thread.join()
        self._echo.close()
        self._ue.close()


def _socket(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, PORT))
    made.settimeout(PATIENCE_S)
    return made


@pytest.fixture(scope="module")
def core(request: pytest.FixtureRequest, place: Place) -> Iterator[Running]:
    """`cinq up` with this data plane and the UE's subscriber; the radio side has a second N3 address."""
    (folder := place.folder / request.param).mkdir(exist_ok=True)
    settings = core_settings(place, request.param, folder=folder)
    rows = folder / "subscribers.csv"
    rows.write_text(f"imsi,k,opc\n{IMSI},{K},{OPC}\n")
    subprocess.run((*CINQ, "subscriber", "import", str(rows), "--config", str(settings)), check=True)
    with contextlib.suppress(subprocess.CalledProcessError):  # there since the plane before
        ip("-n", place.ns("radio"), "addr", "add", f"{OTHER}/24", "dev", "n2")
    running = place.start("core", *CINQ, "up", "--config", str(settings))
    running.wait("ready in", 60)
    yield running
    assert running.end() == 0
    assert "Traceback" not in running.text


@pytest.mark.parametrize("second", [RADIO, OTHER], ids=["one-n3", "two-n3"])
@pytest.mark.parametrize("via", ["xn", "n2"])
@pytest.mark.parametrize(
    ("core", "plane"), [("tun", "tun"), ("ebpf", "ebpf")], indirect=["core"], ids=["tun", "ebpf"]
)
def test_no_packet_is_lost_or_overtaken(
    place: Place, core: Running, plane: str, second: str, via: str
) -> None:
    job = {
        "amf": CORE,
        "n3": [RADIO, second],
        "plane": plane,
        "via": via,
        "handovers": HANDOVERS,
        "folder": str(place.folder),
        "home_public": HOME_PUBLIC,
    }
    train = place.start("radio", sys.executable, "-m", "tests.interop.train", json.dumps(job))
    try:
        ride(place, train, plane == "ebpf" and second != RADIO)
    finally:
        train.end()
    assert "Traceback" not in train.text


def ride(place: Place, train: Running, handed_to_the_kernel: bool) -> None:
    """Traffic from before the first handover until after the last; all of it arrives, in order, and is counted.

    handed_to_the_kernel: between two eBPF planes downlink packets go by user space until the kernel of the target takes
    over. What is under way at that moment may be overtaken, and was seen to be lost: not the rest.
    """
    most_late, most_lost = (UNDER_WAY * HANDOVERS, UNDER_WAY) if handed_to_the_kernel else (0, 0)
    traffic = Traffic(place, train.wait(r"^up (\S+)", 60)[1])
    try:
        train.wait("done", 60)
        time.sleep(0.1)
    finally:
        traffic.end()
    every = list(range(traffic.sent))
    assert traffic.sent > 500, "too little traffic to show anything"
    assert faults(traffic.there, every) == ([], []), "uplink: lost, overtaken"
    lost, late = faults(traffic.back, every)
    assert len(lost) <= most_lost, f"downlink, lost: {lost}"
    assert len(late) <= most_late, f"downlink, overtaken: {late}"
    every_one = traffic.sent + 1  # with the one that showed the path
    counted = train.wait(r"^counted (\d+) (\d+)$")
    assert int(counted[1]) == every_one
    assert every_one - len(lost) <= int(counted[2]) <= every_one


def faults(came: list[int], wanted: list[int]) -> tuple[list[int], list[int]]:
    """The numbers that did not come, and those that came behind a higher one or twice."""
    overtaken = [one for before, one in itertools.pairwise(came) if one <= before]
    return sorted(set(wanted) - set(came)), overtaken
