"""The core as a process of its own in a namespace: `cinq up`, started, awaited until ready, stopped."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cinq.lab.topology import Topology, stop

READY_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class CoreError(RuntimeError):
    """The core did not come up: what it said."""


@dataclass
class Core:
    """A running core. facts: what it said of itself when it was ready. ready_s: seconds from start to ready."""

    process: subprocess.Popen[bytes]
    facts: dict[str, object]
    ready_s: float

    def cpu_s(self) -> float:
        """CPU time of the process so far, user and system, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_kib(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise CoreError("the core has ended")

    def stop(self) -> int:
        return stop(self.process)


def write_settings(
    work: Path,
    topology: Topology,
    name: str,
    pool: str,
    *,
    home_network_key: bytes = b"",
    session_ambr: str = "",
    ipv6_pool: str = "",
    n3_ipv6: bool = False,
    plmn: str = "999-70",
    more: str = "",
) -> Path:
    """The settings file of a core in this topology: its store and socket in `work`, SUCI profile A with a key.

    n3_ipv6: N3 is of IPv6 alone. more: further tables.
    """
    a, path = topology.addresses, work / "network.toml"
    text = f"""
[network]
name = "{name}"
plmn = "{plmn}"
[amf]
n2_address = "{a.core}"
[upf]
n3_address = "{a.core_ipv6 if n3_ipv6 else a.core}"
n6_interface = "n6"
[state]
folder = "{work}"
run = "{work}"
[[dnn]]
name = "internet"
pool = "{pool}"
"""
    if ipv6_pool:
        text += f'ipv6_pool = ["{ipv6_pool}"]\n'
    if session_ambr:
        text += f'session_ambr_uplink = "{session_ambr}"\nsession_ambr_downlink = "{session_ambr}"\n'
    if home_network_key:
        text += f'[[home_network_key]]\nid = 1\nprofile = "A"\nprivate_key = "{home_network_key.hex()}"\n'
    path.write_text(text + more)
    path.chmod(0o600)
    return path


def start(topology: Topology, settings: Path, log: Path, probe: Path | None = None) -> Core:
    """Starts a core in the core's namespace and waits until it is ready for gNBs. probe: the report of a probe of its
    event loop, where one is wanted."""
    begun = time.perf_counter()
    program = ("cinq",) if probe is None else ("cinq.lab.loop_probe", str(probe))
    with log.open("wb") as errors:
        process = topology.start(
            topology.core,
            [sys.executable, "-m", *program, "up", "--config", str(settings), "--json"],
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    facts = _first_object(process, log)
    return Core(process, facts, time.perf_counter() - begun)


def _first_object(process: subprocess.Popen[bytes], log: Path) -> dict[str, object]:
    """The JSON object that the process prints when ready. CoreError with its last words when it does not."""
    assert process.stdout is not None
    deadline = time.monotonic() + READY_S
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not selector.select(deadline - time.monotonic()):
                break
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            text += chunk
            if text.endswith(b"}\n"):
                found: dict[str, object] = json.loads(text)
                return found
    stop(process)
    said = log.read_text(errors="replace").strip().splitlines()[-8:]
    raise CoreError("the core did not come up:\n" + "\n".join(said))
