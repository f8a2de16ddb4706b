"""A server at the edge: what `cinq demo edge` shows.

A phone in a cell without an edge site reaches the server of the street by the central UPF, over the long wire and back.
It moves by Xn to a cell that has a site: an uplink classifier is put into its session, the server is near, and the
internet is reached by the same session as before.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from cinq import upf_state
from cinq.crypto import suci
from cinq.lab import core, http_file
from cinq.lab.demo import SUPI, DemoError, Keys, follow, provision, released, since
from cinq.lab.edge_topology import CORE, EDGE, EDGE_N3, EDGE_N6, GNB, INTERNET, LOCAL, EdgeTopology
from cinq.lab.topology import stop, work_folder
from cinq.nf.upf.shown import ShownSession
from cinq.numbering import SNssai
from cinq.procedure import Event, Runtime
from cinq.ran.gnb.cell import CellLink
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.serve import serve_all
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.settings import HexOctets
from cinq.transport import netns

NAME, EDGE_NAME, POOL, DNAI = "demo-edge", "street", "10.45.0.0/16", "street"
CENTRAL_N4 = IPv4Address("127.0.0.7")
PORT, OCTETS, TRIES = 8000, 1_000_000, 5
UP_S, SETTLED_S, CONNECT_S = 10.0, 0.3, 5.0

CORE_SETTINGS = f"""
[network]
name = "{NAME}"
tacs = [1, 2]
[amf]
n2_address = "{CORE}"
[smf]
n4_address = "{CORE}"
[upf]
n3_address = "{CORE}"
n4_address = "{CENTRAL_N4}"
[[dnn]]
name = "internet"
pool = "{POOL}"
[[user_plane]]
n4_address = "{EDGE}"
tacs = [2]
anchors = false
linked_to = ["{CENTRAL_N4}"]
dnais = ["{DNAI}"]
[[policy]]
name = "street-server"
filters = ["permit out ip from {LOCAL} to assigned"]
dnai = "{DNAI}"
"""
EDGE_SETTINGS = f"""
[node]
name = "{EDGE_NAME}"
survives = false
[upf]
n3_address = "{EDGE_N3}"
n4_address = "{EDGE}"
n9_interface = "n9"
n6_interface = "n6"
smf_addresses = ["{CORE}"]
[[dnn]]
name = "internet"
pool = "{POOL}"
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """A server as a phone in a cell reaches it. rtt_ms: the best of some, until a TCP connection is there.

    tunnels: that its packets pass. upf: where they leave.
    """

    cell: int
    server: str
    upf: str
    tunnels: str
    rtt_ms: float
    octets: int


@dataclass(slots=True)
class EdgeResult:
    """Of one run. wire_ms: of the long wire, there and back. reached: each server from each cell."""

    wire_ms: float
    data_plane: str = ""
    edge_data_plane: str = ""
    session_ip: str = ""
    handover_ms: float = 0.0
    reached: list[Reached] = field(default_factory=list)
    deregistered: bool = False
    left_at_edge: int = -1
    pcap: str = ""
    total_s: float = 0.0

    @property
    def good(self) -> bool:
        """Each server was reached where it had to be, and nothing is left."""
        found = [(each.cell, each.server, each.upf) for each in self.reached]
        wanted = [(1, "street", "central"), (1, "internet", "central")]
        wanted += [(2, "street", "edge"), (2, "internet", "central")]
        whole = all(each.octets == OCTETS for each in self.reached)
        return found == wanted and whole and self.deregistered and self.left_at_edge == 0

    def facts(self) -> dict[str, object]:
        return asdict(self) | {"good": self.good}


@dataclass(slots=True)
class EdgeDemo:
    """folder: where capture and logs go. on_step: told of every step. events: the core's messages that crossed."""

    folder: Path
    on_step: Callable[[str, EdgeResult], None]
    delay_ms: float = 5.0
    events: list[Event] = field(default_factory=list)
    data_plane: Literal["auto", "ebpf", "tun"] = "auto"

    @classmethod
    def into(cls, folder: Path, on_step: Callable[[str, EdgeResult], None]) -> EdgeDemo:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # rather now than after the run
            return cls(folder, on_step)

    def run(self) -> EdgeResult:
        """The whole demonstration. DemoError, CoreError or TransportError when a step fails."""
        begun = time.perf_counter()
        keys, result = Keys.fresh(), EdgeResult(2 * self.delay_ms)
        with work_folder() as name, EdgeTopology(delay_ms=self.delay_ms) as topology:
            work = Path(name)
            edge = self._start(topology, work, keys, result)
            for namespace, server in ((topology.dn, INTERNET), (topology.local, LOCAL)):
                _serve(topology, namespace, server)
            with netns.inside(topology.radio):
                asyncio.run(self._radio_side(keys, work, result))
            stop(edge)
        result.total_s = time.perf_counter() - begun
        return result

    def _start(
        self, topology: EdgeTopology, work: Path, keys: Keys, result: EdgeResult
    ) -> subprocess.Popen[bytes]:
        """The edge's UPF, then the core, which finds it there."""
        state = f'[state]\nfolder = "{work}"\nrun = "{work}"\n'
        home = f'[[home_network_key]]\nid = 1\nprofile = "A"\nprivate_key = "{keys.home.hex()}"\n'
        plane = f'[upf]\ndata_plane = "{self.data_plane}"\n'
        for path, text in ((work / "core.toml", CORE_SETTINGS + home), (work / "edge.toml", EDGE_SETTINGS)):
            path.touch(0o600)
            path.write_text(state + text.replace("[upf]\n", plane))
        provision(work, keys)
        command = ["cinq", "upf", "--config", str(work / "edge.toml"), "--json"]
        edge = core.start_in(topology, topology.edge, command, self.folder / "edge.log")
        running = core.start(topology, work / "core.toml", self.folder / "core.log")
        result.data_plane, result.edge_data_plane = (
            str(running.facts["data_plane"]),
            str(edge.facts["data_plane"]),
        )
        self.on_step("core", result)
        return edge.process

    async def _radio_side(self, keys: Keys, work: Path, result: EdgeResult) -> None:
        runtime = Runtime("RAN")
        async with follow(str(work / f"{NAME}.sock"), self.events.append, runtime):
            cells = [_gnb(number, self.data_plane) for number in (1, 2)]
            async with serve_all(cells, runtime, work) as serving:
                gnbs = [gnb for gnb, _ in serving]
                async with asyncio.timeout(UP_S):
                    for gnb in gnbs:
                        await gnb.up()
                ue = Ue(_ue(keys), gnbs[0], runtime, os.urandom)
                await self._phone(ue, gnbs, work, result)

    async def _phone(self, ue: Ue, gnbs: list[Gnb], work: Path, result: EdgeResult) -> None:
        await ue.register()
        session = await ue.establish_session()
        if not session.context.interface:
            raise DemoError(f"the session has no interface: {session.trouble or 'no data plane'}")
        result.session_ip = str(session.context.address or "")
        self.on_step("session", result)
        await self._look(1, work, result)
        link, begun = ue.link, time.perf_counter()
        if not isinstance(link, CellLink) or link.context is None:
            raise DemoError("the phone has lost its cell")
        await gnbs[0].hand_over(link.context, gnbs[1].cells[0], "xn")
        result.handover_ms = since(begun)
        await asyncio.sleep(SETTLED_S)
        self.on_step("moved", result)
        await self._look(2, work, result)
        await ue.deregister()
        result.deregistered = not ue.context.registered
        await released(ue)
        result.left_at_edge = len(await _sessions(work))
        self.on_step("deregistered", result)

    async def _look(self, cell: int, work: Path, result: EdgeResult) -> None:
        """Both servers, from this cell. Each says from where it was asked, the edge UPF what it carried."""
        for name, server in (("street", LOCAL), ("internet", INTERNET)):
            before = await _carried(work)
            rtt, seen_from, octets = await asyncio.to_thread(_visit, result.session_ip, str(server))
            by_edge = await _carried(work) > before
            upf = "edge" if seen_from == str(EDGE_N6) else "central"
            tunnels = "N3" if upf == "edge" or not by_edge else "N3 N9"
            result.reached.append(Reached(cell, name, upf, tunnels, rtt, octets))
        self.on_step("reached", result)


async def _sessions(work: Path) -> list[ShownSession]:
    control = work / f"{EDGE_NAME}.sock"
    return await upf_state.asked(control, upf_state.Question("sessions"), ShownSession)


async def _carried(work: Path) -> int:
    """Packets of sessions that passed the edge UPF so far."""
    return sum(each.uplink_packets + each.downlink_packets for each in await _sessions(work))


def _visit(source: str, server: str) -> tuple[float, str, int]:
    """The best time to a connection, milliseconds; the address that the server saw; octets of its file."""
    best = min(_connect_ms(source, server) for _ in range(TRIES))
    asking = http.client.HTTPConnection(server, PORT, timeout=CONNECT_S, source_address=(source, 0))
    try:
        asking.request("GET", "/file")
        answer = asking.getresponse()
        return best, answer.getheader(http_file.SEEN_FROM, ""), len(answer.read())
    except OSError as error:
        raise DemoError(f"{server} from {source}: {error}") from None
    finally:
        asking.close()


def _connect_ms(source: str, server: str) -> float:
    begun = time.perf_counter()
    try:
        socket.create_connection((server, PORT), CONNECT_S, (source, 0)).close()
    except OSError as error:
        raise DemoError(f"{server} from {source}: {error}") from None
    return since(begun)


def _serve(topology: EdgeTopology, namespace: str, server: IPv4Address) -> None:
    """A server, ready."""
    command = [sys.executable, "-m", "cinq.lab.http_file", str(server), str(PORT), str(OCTETS)]
    process = topology.start(namespace, command, stdout=subprocess.PIPE)
    if process.stdout is None or not process.stdout.readline():
        raise DemoError(f"the HTTP server at {server} did not start")


def _gnb(number: int, plane: Literal["auto", "ebpf", "tun"]) -> GnbSettings:
    """Its one cell is a tracking area of its own."""
    return GnbSettings(
        name=f"cell-{number}",
        gnb_id=number,
        tac=number,
        amf_address=CORE,
        n2_address=str(GNB),
        n3_address=GNB,
        radio="",
        data_plane=plane,
    )


def _ue(keys: Keys) -> UeSettings:
    return UeSettings(
        imsi=SUPI.imsi,
        k=HexOctets(keys.k),
        opc=HexOctets(keys.opc),
        suci="A",
        home_network_key=HexOctets(suci.public_key(suci.PROFILE_A, keys.home)),
        home_network_key_id=1,
        sessions=(SessionSettings("internet", SNssai(1), kind="IPv4"),),
    )
