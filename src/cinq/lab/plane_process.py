"""A UPF's data plane with one session, as a process that can be killed: `python -m cinq.lab.plane_process FOLDER`.

It says `ready`. A line `buffer` makes downlink packets wait, `forward` lets them go; each is answered with itself.
`discarded` is answered with how many found no room to wait.
FOLDER/bpf is where maps and links have their names.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from cinq.userplane.open import open_plane
from cinq.userplane.rules import Action, DecapRule, EncapRule, Reason, SessionRules
from cinq.userplane.topology import GNB_N3, Topology

UE = IPv4Address("10.45.0.1")
UPLINK, DOWNLINK = 0x1001, 0x2001
FORWARDS = SessionRules(1, (DecapRule(UPLINK, UE),), (EncapRule(UE, DOWNLINK, GNB_N3, 9),))
WAITS = SessionRules(1, FORWARDS.decap, (EncapRule(UE, action=Action.BUFFER),))
BUFFER = 1 << 15  # packets


class _Silent:
    def gtpu_received(self, octets: bytes, peer: tuple[str, int]) -> None:
        """Nobody is there."""

    def buffered(self, session: int) -> None:
        """The bench knows."""


async def _main(folder: Path) -> None:
    base = Topology("", "", "", "").upf_settings()
    settings = replace(
        base, plane="ebpf", pins=folder / "bpf", buffer_per_session=BUFFER, buffer_total=BUFFER
    )
    plane = open_plane(settings, _Silent(), folder / "journal")
    plane.take_up([FORWARDS])
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := (await reader.readline()).strip().decode():
        if line == "discarded":
            print(plane.counts()[Reason.BUFFER_FULL], flush=True)
            continue
        plane.install(WAITS if line == "buffer" else FORWARDS)
        print(line, flush=True)
    plane.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
