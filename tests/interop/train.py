"""A phone on a train: gNBs of cinq in one process, and a UE that is handed over from one to the next and back.

Argument: a JSON object {amf, n3: [address ...], plane, via, handovers, folder, home_public}. It prints
`up ADDRESS` once the UE has its session, hands over as often as asked, prints `done`, and then again and again
`counted UPLINK DOWNLINK`: the PDCP counts at the last gNB.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from ipaddress import IPv4Address
from pathlib import Path

from cinq.procedure import Runtime
from cinq.ran.gnb.cell import CellLink
from cinq.ran.gnb.serve import serve_all
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import UeSettings
from cinq.settings import HexOctets

EVERY_S = 0.25


async def main() -> None:
    job = json.loads(sys.argv[1])
    chosen = [
        GnbSettings(
            name=f"train-{number}",
            gnb_id=number,
            amf_address=IPv4Address(job["amf"]),
            n2_address=job["n3"][0],
            n3_address=IPv4Address(address),
            data_plane=job["plane"],
            radio="",
        )
        for number, address in enumerate(job["n3"], 1)
    ]
    runtime = Runtime("gNB")
    async with serve_all(chosen, runtime, Path(job["folder"])) as serving:
        gnbs = [gnb for gnb, _ in serving]
        for gnb in gnbs:
            await gnb.up()
        key = HexOctets(bytes.fromhex(job["home_public"]))
        ue = Ue(UeSettings(home_network_key=key, home_network_key_id=1), gnbs[0], runtime, os.urandom)
        await ue.power_on()
        print("up", ue.sessions[1].context.address, flush=True)
        await asyncio.sleep(4 * EVERY_S)
        link = ue.link
        assert isinstance(link, CellLink)
        for number in range(job["handovers"]):
            at, to = gnbs[number % len(gnbs)], gnbs[(number + 1) % len(gnbs)]
            assert link.context is not None
            await at.hand_over(link.context, to.cells[0], job["via"])
            await asyncio.sleep(EVERY_S)
        assert link.context is not None
        print("done", flush=True)
        while True:
            await asyncio.sleep(EVERY_S)
            counts = link.counts(link.context)[1]
            print("counted", counts.uplink, counts.downlink, flush=True)


asyncio.run(main())
