"""One network, one phone, one download: what `cinq demo` shows.

Namespaces for radio side, core and data network; the core as `cinq up` in its own process; gNB and UE here, in the
radio namespace; an HTTP server in the data network. Everything is taken down at the end, whatever happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from ipaddress import IPv6Address
from pathlib import Path

from cinq.crypto import suci
from cinq.doctor import lacking_tools
from cinq.lab import core, http_file
from cinq.lab.topology import Topology, has_ipv6, work_folder
from cinq.nf.udr import provisioning
from cinq.numbering import SNssai, Supi
from cinq.procedure import Event, Runtime
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.serve import serve
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.ue import Ue
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.settings import HexOctets
from cinq.trace import stream
from cinq.transport import netns
from cinq.transport.sqlite import SqliteStore

OCTETS = 100_000_000
PORT = 8000
NAME = "demo"
POOL, IPV6_POOL = "10.45.0.0/16", "fd45::/48"
ADVERTISED_S = 5.0
SUPI = Supi("999700000000001")
GNB_UP_S = 10.0
DOWNLOAD_S = 60.0
RELEASED_S = 1.0
PINGS = 3


class DemoError(RuntimeError):
    """A step of the demonstration failed: which, and why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Made anew for each demonstration: K and OPc of the phone, private key of the home network."""

    k: bytes = field(repr=False)
    opc: bytes = field(repr=False)
    home: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Keys:
        return cls(os.urandom(16), os.urandom(16), os.urandom(32))


@dataclass(slots=True)
class Result:
    """Of one run. Milliseconds and Mbit/s; pcap: path of the capture. ping_ms and ping6_ms are 0 where nothing
    could ping.

    lacking: programs that were not there to be used.
    """

    registered: bool = False
    session_ip: str = ""
    session_ipv6: str = ""
    bytes: int = 0
    sha256_ok: bool = False
    registration_ms: float = 0.0
    session_ms: float = 0.0
    throughput_mbit_s: float = 0.0
    data_plane: str = ""
    sctp: str = ""
    pcap: str = ""
    deregistered: bool = False
    ng_setup_ms: float = 0.0
    first_byte_ms: float = 0.0
    ping_ms: float = 0.0
    ping6_ms: float = 0.0
    core_ready_s: float = 0.0
    total_s: float = 0.0
    downloaded_with: str = ""
    lacking: list[str] = field(default_factory=lambda: lacking_tools(("ping", "curl")))

    @property
    def good(self) -> bool:
        return self.registered and self.sha256_ok and self.deregistered and self.bytes == OCTETS

    def facts(self) -> dict[str, object]:
        return asdict(self)


@dataclass(slots=True)
class Demo:
    """folder: where capture and logs go. on_step: told of every step. events: every message that crossed.

    n3_ipv6: user packets are carried by IPv6.
    """

    folder: Path
    on_step: Callable[[str, Result], None]
    events: list[Event]
    n3_ipv6: bool = False

    @classmethod
    def into(cls, folder: Path, on_step: Callable[[str, Result], None], *, n3_ipv6: bool = False) -> Demo:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # rather now than after the run
            return cls(folder, on_step, [], n3_ipv6)

    def run(self) -> Result:
        """The whole demonstration. DemoError, CoreError or TransportError when a step fails."""
        if self.n3_ipv6 and not has_ipv6():
            raise DemoError("this kernel has no IPv6")
        begun = time.perf_counter()
        keys, result = Keys.fresh(), Result()
        with work_folder() as work, Topology() as topology:
            settings = core.write_settings(
                Path(work),
                topology,
                NAME,
                POOL,
                home_network_key=keys.home,
                session_ambr="10 Gbps",
                ipv6_pool=IPV6_POOL if has_ipv6() else "",
                n3_ipv6=self.n3_ipv6,
            )
            provision(Path(work), keys)
            server, sha256 = http_server(topology)
            running = core.start(topology, settings, self.folder / "core.log")
            result.core_ready_s, result.sctp = running.ready_s, str(running.facts["sctp"])
            result.data_plane = str(running.facts["data_plane"])
            self.on_step("core", result)
            # The radio side lives in this process: its sockets and threads are made in its namespace.
            with netns.inside(topology.radio):
                asyncio.run(self._radio_side(topology, keys, Path(work), sha256, result))
            server.terminate()
            running.stop()
        result.total_s = time.perf_counter() - begun
        return result

    async def _radio_side(
        self, topology: Topology, keys: Keys, work: Path, sha256: str, result: Result
    ) -> None:
        runtime = Runtime("RAN")
        async with follow(str(work / f"{NAME}.sock"), self.events.append, runtime):
            begun = time.perf_counter()
            async with serve(_gnb_settings(topology, n3_ipv6=self.n3_ipv6), runtime, work) as (gnb, _):
                await up(gnb)
                result.ng_setup_ms = since(begun)
                self.on_step("gnb", result)
                ue = Ue(_ue_settings(keys), gnb, runtime, os.urandom)
                await self._phone(ue, topology, sha256, result)

    async def _phone(self, ue: Ue, topology: Topology, sha256: str, result: Result) -> None:
        begun = time.perf_counter()
        await ue.register()
        result.registration_ms, result.registered = since(begun), True
        begun = time.perf_counter()
        session = await ue.establish_session()
        result.session_ms, result.session_ip = since(begun), str(session.context.address or "")
        if not session.context.interface:
            raise DemoError(f"the session has no interface: {session.trouble or 'no data plane'}")
        if session.context.interface_identifier:
            result.session_ipv6 = str(await _address6(session))
        self.on_step("session", result)
        server = str(topology.addresses.data_network)
        result.ping_ms = await asyncio.to_thread(ping, result.session_ip, server)
        if result.session_ipv6:
            six = str(topology.addresses.data_network_ipv6)
            result.ping6_ms = await asyncio.to_thread(ping, result.session_ipv6, six)
        await asyncio.to_thread(download, result, server, sha256)
        self.on_step("download", result)
        await ue.deregister()
        result.deregistered = not ue.context.registered
        await released(ue)
        self.on_step("deregistered", result)


async def _address6(session: Session) -> IPv6Address:
    """The address that the UE makes of the prefix which its router advertises."""
    deadline = time.perf_counter() + ADVERTISED_S
    while session.context.address6 is None and time.perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.005)  # a radio link has no event for this
    if session.context.address6 is None:
        raise DemoError(f"no IPv6 address {ADVERTISED_S:.0f} s after the session: no router was heard")
    return session.context.address6


async def released(ue: Ue) -> None:
    """Until the core has released the connection, and its last events are here."""
    deadline = time.perf_counter() + RELEASED_S
    while ue.link.connected and time.perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.005)  # a radio link has no event for this
    await asyncio.sleep(0.02)


def since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 2)


async def up(gnb: Gnb) -> None:
    try:
        async with asyncio.timeout(GNB_UP_S):
            await gnb.up()
    except TimeoutError:
        raise DemoError(f"NG Setup: {gnb.trouble or 'no answer'}") from None


@contextlib.asynccontextmanager
async def follow(path: str, on_event: Callable[[Event], None], runtime: Runtime) -> AsyncIterator[None]:
    """The core's events go to `on_event` from the moment the context is entered."""
    connected = asyncio.Event()

    async def read() -> None:
        async for event in stream.follow(path, lambda _: connected.set()):
            on_event(event)

    runtime.spawn(read, "events")
    async with asyncio.timeout(GNB_UP_S):
        await connected.wait()
    yield
    await asyncio.sleep(0)


def provision(work: Path, keys: Keys) -> None:
    store = SqliteStore(work / "cinq.sqlite")
    subscriber = provisioning.Subscriber(
        SUPI, keys.k, keys.opc, ambr_uplink="10 Gbps", ambr_downlink="10 Gbps"
    )
    provisioning.put(store, subscriber)
    store.flush()
    store.close()


def _gnb_settings(topology: Topology, *, n3_ipv6: bool = False) -> GnbSettings:
    a = topology.addresses
    n3 = a.gnb_ipv6 if n3_ipv6 else a.gnb
    return GnbSettings(name="demo-cell", amf_address=a.core, n2_address=str(a.gnb), n3_address=n3, radio="")


def _ue_settings(keys: Keys) -> UeSettings:
    return UeSettings(
        imsi=SUPI.imsi,
        k=HexOctets(keys.k),
        opc=HexOctets(keys.opc),
        suci="A",
        home_network_key=HexOctets(suci.public_key(suci.PROFILE_A, keys.home)),
        home_network_key_id=1,
        integrity=("NIA1", "NIA2"),
        ciphering=("NEA1", "NEA2"),
        sessions=(SessionSettings("internet", SNssai(1), kind="IPv4v6" if has_ipv6() else "IPv4"),),
    )


def http_server(topology: Topology) -> tuple[subprocess.Popen[bytes], str]:
    """A server in the data network, ready, and the SHA-256 of its file."""
    address = str(topology.addresses.data_network)
    command = [sys.executable, "-m", "cinq.lab.http_file", address, str(PORT), str(OCTETS)]
    process = topology.start(topology.dn, command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise DemoError("the HTTP server of the data network did not start")
    return process, str(json.loads(line)["sha256"])


def ping(source: str, destination: str) -> float:
    """Average round trip in milliseconds; 0 where the host has no ping."""
    if shutil.which("ping") is None:
        return 0.0
    command = ["ping", "-I", source, "-c", str(PINGS), "-i", "0.05", "-W", "2", destination]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"= [\d.]+/([\d.]+)/", done.stdout)
    if done.returncode or not found:
        raise DemoError(f"ping {destination} from {source}: {(done.stdout + done.stderr).strip()[-200:]}")
    return float(found[1])


def download(result: Result, server: str, sha256: str) -> None:
    if shutil.which("curl"):
        got, result.downloaded_with = _curl(result.session_ip, server), "curl"
    else:
        got, result.downloaded_with = http_file.download(server, PORT, result.session_ip), "python"
    result.bytes, result.sha256_ok = got.octets, got.sha256 == sha256
    result.first_byte_ms = round(got.first_s * 1000, 2)
    result.throughput_mbit_s = round(got.octets * 8 / max(got.total_s - got.first_s, 1e-6) / 1e6, 1)


def _curl(source: str, server: str) -> http_file.Download:
    """curl, bound to the phone's address."""
    with tempfile.NamedTemporaryFile(prefix="cinq-") as file:
        command = ["curl", "--silent", "--show-error", "--interface", source, "--max-time", str(DOWNLOAD_S)]
        command += ["--output", file.name, "--write-out", "%{time_starttransfer} %{time_total}"]
        done = subprocess.run(
            [*command, f"http://{server}:{PORT}/file"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DemoError(f"curl from {source}: {done.stderr.strip()[-200:]}")
        first, total = (float(n) for n in done.stdout.split())
        with open(file.name, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return http_file.Download(os.path.getsize(file.name), digest, first, total)
