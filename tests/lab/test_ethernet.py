"""An Ethernet session from end to end with real planes: two hosts that are on one LAN, the one behind the UE."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cinq.lab import core
from cinq.lab.demo import Keys, _gnb_settings, _ue_settings, ping, provision
from cinq.lab.topology import Topology, work_folder
from cinq.procedure import Runtime
from cinq.ran.gnb.serve import serve
from cinq.ran.ue import Ue
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings
from cinq.transport import netns
from cinq.transport.netlink import Netlink
from tests.userplane.conftest import missing

LAN, NEAR, FAR = "cinq-lan", "192.0.2.2", "192.0.2.1"


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("plane", ["ebpf", "tun"])
def test_ping_on_one_lan(plane: str, tmp_path: Path) -> None:
    """ARP, which is broadcast, and pings of a full frame; the interface goes with the session."""
    if missing(plane):
        pytest.skip(missing(plane))
    keys = Keys.fresh()

    async def phone(topology: Topology) -> None:
        runtime = Runtime("RAN")
        async with serve(_gnb_settings(topology), runtime, tmp_path) as (gnb, _):
            async with asyncio.timeout(20):
                await gnb.up()
            ue = Ue(_ue_settings(keys), gnb, runtime, os.urandom)
            await ue.register()
            session = await ue.open_session(SessionSettings(kind="Ethernet"))
            assert isinstance(session, Session)
            await session.usable()
            assert session.trouble == ""
            name = session.context.interface
            with Netlink() as links:
                links.add_address(name, f"{NEAR}/24")
                assert await asyncio.to_thread(ping, NEAR, FAR) > 0
                await ue.deregister()
                assert not links.has_link(name)

    with work_folder() as work, Topology() as topology:
        settings = core.write_settings(
            Path(work), topology, "lan", "10.45.0.0/16", home_network_key=keys.home
        )
        text = settings.read_text().replace("[upf]\n", f'[upf]\ndata_plane = "{plane}"\n')
        settings.write_text(text.replace("[[dnn]]\n", f'[[dnn]]\nethernet_interface = "{LAN}"\n'))
        provision(Path(work), keys)
        running = core.start(topology, settings, tmp_path / "core.log")
        assert running.facts["data_plane"] == plane
        with Netlink(topology.core) as links:
            links.add_address(LAN, f"{FAR}/24")
        with netns.inside(topology.radio):
            asyncio.run(phone(topology))
        assert running.stop() == 0
