"""Two networks of two operators on loopback: A is home, B is visited. Their SEPPs meet over TLS, everything is real."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cinq.crypto import aka, milenage
from cinq.network import Network
from cinq.nf.udr import provisioning
from cinq.numbering import PlmnId, Supi
from cinq.procedure import Event, Journal
from cinq.sbi.certificates import Authority
from cinq.sbi.nf_profile import NFProfile
from cinq.settings.network import NetworkSettings
from cinq.settings.toml import load

A, B = PlmnId("999", "70"), PlmnId("001", "01")
SUPI = Supi("999700000000001")
STRANGER = Supi("001010000000001")
K, OPC = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc"), bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")
PARTS = frozenset(("nrf", "udr", "udm", "ausf", "nssf", "pcf", "sepp"))
HOST = "127.0.0.1"


@dataclass
class Country:
    """One network: its core without AMF, SMF and UPF. amf: the instance that speaks as its AMF."""

    network: Network
    folder: Path
    amf: str
    n32_port: int
    sbi_port: int
    sepp_port: int
    events: list[Event] = field(default_factory=list)


def ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def domain(plmn: PlmnId) -> str:
    return f"sepp.5gc.mnc{plmn.mnc:0>3}.mcc{plmn.mcc}.3gppnetwork.org"


def certified(folder: Path, plmn: PlmnId) -> None:
    """The operator's own authority, and its SEPP's certificate."""
    Authority.kept(folder, folder.name).issue(folder, "n32", [], [domain(plmn)])


def settings_of(
    folder: Path,
    plmn: PlmnId,
    own: tuple[int, int, int],
    partner: str,
    partner_plmn: PlmnId,
    partner_port: int,
    more: str = "",
    sbi: str = "",
    sepp: str = "",
) -> NetworkSettings:
    run = tempfile.mkdtemp(prefix="c5-")  # the path of a Unix socket is short
    text = f"""
[network]
name = "{folder.name}"
plmn = "{plmn}"
[sbi]
offered = true
address = "{HOST}"
port = {own[0]}
{sbi}
[sepp]
n32_address = "{HOST}"
n32_port = {own[2]}
sbi_port = {own[1]}
certificate = "{folder}/n32.pem"
key = "{folder}/n32.key"
{sepp}
[state]
folder = "{folder}"
run = "{run}"
[[roaming_partner]]
name = "{partner}"
{"" if "plmns" in more else f'plmns = ["{partner_plmn}"]'}
address = "{HOST}"
port = {partner_port}
authorities = "{folder.parent}/{partner}/sbi-ca.pem"
{more}
"""
    path = folder / "network.toml"
    path.write_text(text)
    return load(NetworkSettings, path)


@contextlib.asynccontextmanager
async def _started(
    settings: NetworkSettings, folder: Path, own: tuple[int, int, int]
) -> AsyncIterator[Country]:
    journal = Journal()
    events: list[Event] = []
    journal.listen(events.append)
    network = await Network.start(settings, journal, PARTS)
    try:
        amf = network.identity("AMF")
        network.sbi._identities["AMF"] = amf  # type: ignore[index]  # an AMF without its N2
        profile = NFProfile(nf_instance_id=amf, nf_type="AMF", nf_status="REGISTERED")
        await network.membership.serve([], profile)
        yield Country(network, folder, amf, own[2], own[0], own[1], events)
    finally:
        await network.stop()
        shutil.rmtree(settings.state.run)


@contextlib.asynccontextmanager
async def two(folder: Path, *, of_a: str = "", of_b: str = "") -> AsyncIterator[tuple[Country, Country]]:
    """of_a, of_b: further lines of the partner's table in the settings of A and of B."""
    a, b = folder / "alpha", folder / "beta"
    numbers = ports(6)
    ours, theirs = (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])
    for each, plmn in ((a, A), (b, B)):
        each.mkdir()
        certified(each, plmn)
    home = settings_of(a, A, ours, "beta", B, theirs[2], of_a)
    visited = settings_of(b, B, theirs, "alpha", A, ours[2], of_b)
    async with _started(home, a, ours) as one, _started(visited, b, theirs) as other:
        provisioning.put(one.network.store, provisioning.Subscriber(SUPI, K, OPC))
        provisioning.put(other.network.store, provisioning.Subscriber(STRANGER, K, OPC))
        yield one, other


def run(
    folder: Path, body: Callable[[Country, Country], Awaitable[None]], *, of_a: str = "", of_b: str = ""
) -> None:
    async def main() -> None:
        async with asyncio.timeout(30), two(folder, of_a=of_a, of_b=of_b) as (home, visited):
            await body(home, visited)

    asyncio.run(main())


def usim_answer(rand: str, autn: str, network: str) -> bytes:
    """RES* of the USIM (TS 33.501 §A.4)."""
    given = bytes.fromhex(rand)
    return aka.verify_autn(milenage, K, OPC, given, bytes.fromhex(autn)).res_star(network, given)
