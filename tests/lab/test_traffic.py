"""Traffic of an emulated UE from end to end: its socket, the tunnel, a responder in the data network."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cinq.lab import core
from cinq.lab.demo import Keys, _gnb_settings, _ue_settings, provision
from cinq.lab.topology import Topology, work_folder
from cinq.procedure import Runtime
from cinq.ran.gnb.serve import serve
from cinq.ran.ue import Ue
from cinq.ran.ue.serve import begin_traffic
from cinq.ran.ue.settings import SessionSettings
from cinq.transport import netns
from tests.userplane.conftest import missing


@pytest.mark.root
@pytest.mark.kernel
def test_voice_and_video(tmp_path: Path) -> None:
    """Two sessions with a profile each: all that was asked for comes, and it is said how long it took."""
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    keys = Keys.fresh()

    async def phone(topology: Topology) -> None:
        runtime, peer = Runtime("RAN"), str(topology.addresses.data_network)
        async with serve(_gnb_settings(topology), runtime, tmp_path) as (gnb, _):
            async with asyncio.timeout(20):
                await gnb.up()
            ue = Ue(_ue_settings(keys), gnb, runtime, os.urandom)
            await ue.register()
            await ue.open_session(SessionSettings(traffic="voice", traffic_peer=peer))
            await ue.open_session(SessionSettings(traffic="video", traffic_peer=f"{peer}:5600"))
            voice, video = begin_traffic([ue], runtime)
            assert (voice.profile, video.profile) == ("voice", "video")
            async with asyncio.timeout(20):
                while voice.figures().received < 50 or video.figures().received < 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            for each in (voice, video):
                found = each.figures()
                assert found.lost == 0
                assert 0 < found.least_ms <= found.delay_ms <= found.most_ms < 2000
                each.close()
            assert video.figures().octets > 200 * 1000
            await ue.deregister()
            await runtime.stop()

    with work_folder() as work, Topology() as topology:
        settings = core.write_settings(
            Path(work), topology, "traffic", "10.45.0.0/16", home_network_key=keys.home
        )
        provision(Path(work), keys)
        topology.start(topology.dn, [sys.executable, "-m", "cinq", "respond"])
        running = core.start(topology, settings, tmp_path / "core.log")
        with netns.inside(topology.radio):
            asyncio.run(phone(topology))
        assert running.stop() == 0
