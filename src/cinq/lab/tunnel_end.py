"""One tunnel end as a process in its namespace, without a control plane: the bench sets it up and takes it down.

python -m cinq.lab.tunnel_end ROLE JOURNAL UE-NAMESPACE

ROLE is upf or gnb. Each line read is a data plane to open (ebpf, tun) or none, in place of the one before. Each
is answered by a line of JSON: {"changes": [...]}, or {"error": text} where it cannot be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from cinq.transport import netns
from cinq.userplane.open import open_plane
from cinq.userplane.rules import DecapRule, EncapRule, Plane, SessionRules
from cinq.userplane.topology import GNB_N3, UPF_N3, Topology

UE = IPv4Address("10.45.0.1")
SIDE = "cinq-ue0"
UPLINK_TEID, DOWNLINK_TEID, QFI = 0x1001, 0x2001, 9


class Silent:
    """The events of a plane that nobody is asked about (userplane.rules.PlaneEvents)."""

    def gtpu_received(self, octets: bytes, peer: tuple[str, int]) -> None: ...

    def buffered(self, session: int) -> None: ...


@contextlib.contextmanager
def tunnel_end(role: str, kind: str, journal: Path, ue_namespace: str) -> Iterator[Plane]:
    """A plane with the one session of the bench. OSError: this host does not have this kind."""
    topology = Topology(ue_namespace, "", "", "")
    settings = topology.upf_settings() if role == "upf" else topology.gnb_settings()
    plane = open_plane(
        replace(settings, plane="ebpf" if kind == "ebpf" else "tun", max_sessions=64), Silent(), journal
    )
    try:
        if role == "upf":
            encap = EncapRule(UE, DOWNLINK_TEID, GNB_N3, QFI)
            plane.install(SessionRules(1, (DecapRule(UPLINK_TEID, UE),), (encap,)))
        else:
            side = plane.add_side(SIDE, str(netns.path(ue_namespace)))
            side.add(UE)
            encap = EncapRule(UE, UPLINK_TEID, UPF_N3, QFI)
            plane.install(SessionRules(1, (DecapRule(DOWNLINK_TEID, UE, side=SIDE),), (encap,)))
        yield plane
    finally:
        plane.close()


async def serve(role: str, journal: Path, ue_namespace: str) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(os.dup(0), "rb"))
    with contextlib.ExitStack() as standing:
        while line := await lines.readline():
            standing.close()
            kind, answer = line.decode().strip(), dict[str, object]()
            if kind != "none":
                try:
                    plane = standing.enter_context(tunnel_end(role, kind, journal, ue_namespace))
                    answer["changes"] = plane.changes()
                except OSError as error:
                    answer["error"] = str(error)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
