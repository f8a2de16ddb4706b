"""IPv6 from end to end with real planes: registration, an address by SLAAC, ping and a download through NAT66."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import pytest

from cinq.lab import core, http_file
from cinq.lab.demo import SUPI, Keys, _gnb_settings, _ue_settings, ping, provision
from cinq.lab.topology import Topology, has_ipv6, work_folder
from cinq.nf.udr import provisioning
from cinq.procedure import Runtime
from cinq.ran.gnb.serve import serve
from cinq.ran.ue import Ue
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings
from cinq.transport import netns
from cinq.transport.netlink import Netlink
from cinq.transport.sqlite import SqliteStore
from tests.userplane.conftest import missing

POOL = "fd45::/48"
LAB, BEHIND = "198.51.100.0/24", "198.51.100.7"
OCTETS, PORT = 20_000_000, 8006


def server(topology: Topology) -> str:
    """A file in the data network, by IPv6; its SHA-256."""
    program = (
        "import sys, socket; from http.server import ThreadingHTTPServer as S; S.address_family = socket.AF_INET6;"
        f"from cinq.lab.http_file import serve; serve('{topology.addresses.data_network_ipv6}', {PORT}, {OCTETS})"
    )
    process = topology.start(topology.dn, [sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["sha256"])


def _behind(work: Path, topology: Topology) -> None:
    """A network behind the UE, to which the data network has a route."""
    store = SqliteStore(work / "cinq.sqlite")
    known = provisioning.get(store, SUPI)
    assert known is not None
    provisioning.put_subscription(store, provisioning.changed(known, {"framed_routes": LAB}))
    store.flush()
    store.close()
    with Netlink(topology.dn) as links:
        links.add_route(LAB, via=str(topology.addresses.upf_n6))


async def address6(session: Session) -> IPv6Address:
    async with asyncio.timeout(10):
        while session.context.address6 is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a radio link has no event for this
    return session.context.address6


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize(("kind", "n3_ipv6"), [("IPv6", False), ("IPv4v6", True)])
@pytest.mark.parametrize("plane", ["ebpf", "tun"])
def test_ping_and_download(plane: str, kind: str, n3_ipv6: bool, tmp_path: Path) -> None:
    """n3_ipv6: between gNB and UPF there is nothing but IPv6."""
    if missing(plane) or not has_ipv6():
        pytest.skip(missing(plane) or "this kernel has no IPv6")
    keys = Keys.fresh()

    async def phone(topology: Topology, sha256: str) -> None:
        runtime = Runtime("RAN")
        async with serve(_gnb_settings(topology, n3_ipv6=n3_ipv6), runtime, tmp_path) as (gnb, _):
            async with asyncio.timeout(20):
                await gnb.up()
            ue = Ue(_ue_settings(keys), gnb, runtime, os.urandom)
            await ue.register()
            behind = (IPv4Network(LAB),) if kind == "IPv4v6" else ()
            session = await ue.open_session(SessionSettings(kind=kind, behind=behind))  # type: ignore[arg-type]
            assert isinstance(session, Session)
            six = await address6(session)
            assert six in IPv6Network(POOL)
            assert (session.context.address is not None) == (kind == "IPv4v6")
            there = str(topology.addresses.data_network_ipv6)
            assert await asyncio.to_thread(ping, str(six), there) > 0
            got = await asyncio.to_thread(http_file.download, there, PORT, str(six))
            assert (got.octets, got.sha256) == (OCTETS, sha256)
            if session.context.address is not None:
                done = topology.start(topology.dn, ["ping", "-c", "1", "-W", "5", BEHIND])
                assert await asyncio.to_thread(done.wait, 10) == 0, (
                    "a host behind the UE is reached from outside"
                )
                ipv4 = str(topology.addresses.data_network)
                assert await asyncio.to_thread(ping, str(session.context.address), ipv4) > 0
            await ue.deregister()

    with work_folder() as work, Topology() as topology:
        settings = core.write_settings(
            Path(work),
            topology,
            "six",
            "10.45.0.0/16",
            home_network_key=keys.home,
            ipv6_pool=POOL,
            n3_ipv6=n3_ipv6,
        )
        text = settings.read_text().replace("[upf]\n", f'[upf]\ndata_plane = "{plane}"\n')
        settings.write_text(text)
        provision(Path(work), keys)
        _behind(Path(work), topology)
        sha256 = server(topology)
        running = core.start(topology, settings, tmp_path / "core.log")
        assert running.facts["data_plane"] == plane
        assert (":" in str(running.facts["n3"])) == n3_ipv6
        with netns.inside(topology.radio):
            asyncio.run(phone(topology, sha256))
        assert running.stop() == 0
