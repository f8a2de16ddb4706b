"""SIGHUP: the AMF takes its settings while it runs, and gNBs hear of them (TS 38.413 §8.7.3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cinq.cli import up
from cinq.network import Network
from cinq.procedure import run_virtual
from cinq.ran.gnb.settings import GnbSettings
from cinq.settings.network import NetworkSettings
from cinq.settings.toml import loads

from . import ground


def test_gnbs_hear_of_new_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        core = await Network.start(loads(NetworkSettings, text))
        gnb = await ground.gnb_of(core, GnbSettings(radio="", data_plane="none"))
        async with asyncio.timeout(60):
            await gnb.up()
        now = core.settings
        new = replace(
            now, amf=replace(now.amf, relative_capacity=9), network=replace(now.network, name="anew")
        )
        assert core.reload(new)
        await asyncio.sleep(0.5)
        assert (gnb.n2.context.relative_capacity, gnb.n2.context.amf_name) == (9, "anew")
        assert not core.reload(replace(new, amf=replace(new.amf, pointer=7)))
        assert core.settings == new
        file.write_text(f"{text}\n[amf]\nrelative_capacity = 17\n")
        up.reload(core, file)
        await asyncio.sleep(0.5)
        assert gnb.n2.context.relative_capacity == 17
        file.write_text("[amf]\nrelative_capacity = 1700\n")
        up.reload(core, file)
        assert core.settings.amf.relative_capacity == 17
        await gnb.runtime.stop()
        await core.stop()

    text = f'[state]\nfolder = "{tmp_path}"\nrun = "{tmp_path}/run"\n'
    file = tmp_path / "network.toml"
    ground.lay(monkeypatch)
    run_virtual(main())
