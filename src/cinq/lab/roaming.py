"""Two networks, two operators, one phone: what `cinq demo roaming` shows.

The phone is a subscriber of network A and is in network B. B's functions ask A's, through the SEPPs of both, who it is
and what it may; then it downloads through B's user plane (local breakout). Each network has namespaces of its own and
is a process of its own; between the cores is one link, where N32 is all that passes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from cinq.crypto import suci
from cinq.home_domain import function_name
from cinq.lab import core, demo
from cinq.lab.topology import Topology, work_folder
from cinq.numbering import PlmnId, SNssai
from cinq.procedure import Event, Runtime
from cinq.ran.gnb.serve import serve
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.sbi.certificates import Authority
from cinq.settings import HexOctets
from cinq.trace import Step, StepReader
from cinq.trace.ladder import ABROAD, EDGE
from cinq.transport import netns
from cinq.transport.netlink import Netlink

HOME, VISITED = PlmnId("999", "70"), PlmnId("001", "01")
POOLS = {"alpha": "10.45.0.0/16", "beta": "10.46.0.0/16"}
LINK = {"alpha": "10.79.0.1", "beta": "10.79.0.2"}
N32_PORT = 7443


@dataclass(slots=True)
class Roaming:
    """folder: where logs go. on_step: told of every step. events: of each network, by its name."""

    folder: Path
    on_step: Callable[[str, demo.Result], None]
    events: dict[str, list[Event]] = field(default_factory=lambda: {"alpha": [], "beta": []})

    @classmethod
    def into(cls, folder: Path, on_step: Callable[[str, demo.Result], None]) -> Roaming:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # rather now than after the run
            return cls(folder, on_step)

    def run(self) -> demo.Result:
        """The whole demonstration. DemoError, CoreError or TransportError when a step fails."""
        begun = time.perf_counter()
        keys, result = demo.Keys.fresh(), demo.Result()
        with ExitStack() as stack:
            work = Path(stack.enter_context(work_folder()))
            home = stack.enter_context(Topology(name="a"))
            visited = stack.enter_context(Topology(name="b"))
            _join(home, visited)
            for name in ("alpha", "beta"):
                _certify(work / name, name)
            ours = _settings(work, home, "alpha", "beta", keys.home)
            theirs = _settings(work, visited, "beta", "alpha", os.urandom(32))
            demo.provision(work / "alpha", keys)
            server, sha256 = demo.http_server(visited)
            one = core.start(home, ours, self.folder / "alpha.log")
            other = core.start(visited, theirs, self.folder / "beta.log")
            result.core_ready_s, result.sctp = one.ready_s + other.ready_s, str(other.facts["sctp"])
            result.data_plane = str(other.facts["data_plane"])
            self.on_step("core", result)
            with netns.inside(visited.radio):
                asyncio.run(self._radio_side(visited, keys, work, sha256, result))
            server.terminate()
            other.stop()
            one.stop()
        result.total_s = time.perf_counter() - begun
        return result

    async def _radio_side(
        self, topology: Topology, keys: demo.Keys, work: Path, sha256: str, result: demo.Result
    ) -> None:
        runtime = Runtime("RAN")
        async with (
            demo.follow(str(work / "alpha" / "alpha.sock"), self.events["alpha"].append, runtime),
            demo.follow(str(work / "beta" / "beta.sock"), self.events["beta"].append, runtime),
        ):
            begun = time.perf_counter()
            async with serve(_gnb_settings(topology), runtime, work) as (gnb, _):
                await demo.up(gnb)
                result.ng_setup_ms = demo.since(begun)
                self.on_step("gnb", result)
                ue = Ue(_ue_settings(keys), gnb, runtime, os.urandom)
                await self._phone(ue, topology, sha256, result)

    async def _phone(self, ue: Ue, topology: Topology, sha256: str, result: demo.Result) -> None:
        begun = time.perf_counter()
        await ue.register()
        result.registration_ms, result.registered = demo.since(begun), True
        begun = time.perf_counter()
        session = await ue.establish_session()
        result.session_ms, result.session_ip = demo.since(begun), str(session.context.address or "")
        if not session.context.interface:
            raise demo.DemoError(f"the session has no interface: {session.trouble or 'no data plane'}")
        self.on_step("session", result)
        server = str(topology.addresses.data_network)
        result.ping_ms = await asyncio.to_thread(demo.ping, result.session_ip, server)
        await asyncio.to_thread(demo.download, result, server, sha256)
        self.on_step("download", result)
        await ue.deregister()
        result.deregistered = not ue.context.registered
        await demo.released(ue)
        self.on_step("deregistered", result)

    def steps(self) -> list[Step]:
        """Of both networks, as the visited one sees them: the other one is abroad."""
        visited, home = StepReader(), StepReader()
        supi = str(demo.SUPI)
        found = [step for event in self.events["beta"] if (step := visited.step(event)) is not None]
        abroad = [step for event in self.events["alpha"] if (step := home.step(event)) is not None]
        named = [
            replace(step, ue=visited.names.get(step.ue, step.ue) or _whose(step, supi)) for step in found
        ]
        named += [
            replace(step, sender=_abroad(step.sender), receiver=_abroad(step.receiver), ue=step.ue or supi)
            for step in abroad
            if step.ue or "SEPP" in (step.sender, step.receiver)
        ]
        return sorted(named, key=lambda step: step.time)


def _whose(step: Step, supi: str) -> str:
    """What crosses the border does so for the one phone that roams, whether it names it or not."""
    return supi if step.sender == "SEPP" else ""


def _abroad(function: str) -> str:
    return EDGE if function == "SEPP" else f"{function} {ABROAD}"


def _join(home: Topology, visited: Topology) -> None:
    """The link between the operators."""
    with Netlink(home.core) as near:
        near.create_veth("ipx", "ipx-far", mtu=1500)
        near.move_link("ipx-far", visited.core)
        near.add_address("ipx", f"{LINK['alpha']}/24")
        near.set_up("ipx")
    with Netlink(visited.core) as far:
        far.add_address("ipx-far", f"{LINK['beta']}/24")
        far.set_up("ipx-far")


def _plmn(name: str) -> PlmnId:
    return HOME if name == "alpha" else VISITED


def _certify(folder: Path, name: str) -> None:
    """Each operator has an authority of its own."""
    folder.mkdir()
    Authority.kept(folder, name).issue(folder, "n32", [], [function_name("sepp", _plmn(name))])


def _settings(work: Path, topology: Topology, name: str, other: str, home_key: bytes) -> Path:
    folder, theirs = work / name, work / other
    more = f"""
[sbi]
offered = true
[sepp]
n32_address = "{LINK[name]}"
n32_port = {N32_PORT}
certificate = "{folder}/n32.pem"
key = "{folder}/n32.key"
[[roaming_partner]]
name = "{other}"
plmns = ["{_plmn(other)}"]
address = "{LINK[other]}"
port = {N32_PORT}
authorities = "{theirs}/sbi-ca.pem"
"""
    return core.write_settings(
        folder,
        topology,
        name,
        POOLS[name],
        home_network_key=home_key,
        session_ambr="10 Gbps",
        plmn=str(_plmn(name)),
        more=more,
    )


def _gnb_settings(topology: Topology) -> GnbSettings:
    a = topology.addresses
    return GnbSettings(
        name="beta-cell",
        plmn=VISITED,
        amf_address=a.core,
        n2_address=str(a.gnb),
        n3_address=a.gnb,
        radio="",
    )


def _ue_settings(keys: demo.Keys) -> UeSettings:
    return UeSettings(
        imsi=demo.SUPI.imsi,
        k=HexOctets(keys.k),
        opc=HexOctets(keys.opc),
        suci="A",
        home_network_key=HexOctets(suci.public_key(suci.PROFILE_A, keys.home)),
        home_network_key_id=1,
        integrity=("NIA1", "NIA2"),
        ciphering=("NEA1", "NEA2"),
        sessions=(SessionSettings("internet", SNssai(1)),),
    )
