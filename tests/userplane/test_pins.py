"""An eBPF plane that goes on without its process: tables, counters and programs are those of the former one."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from msgspec import structs

from cinq.transport import netns
from cinq.userplane.ebpf import maps as layout
from cinq.userplane.ebpf import pins
from cinq.userplane.rules import (
    Action,
    EncapRule,
    Filter,
    Flow,
    Limit,
    PlaneSettings,
    Protected,
    Reason,
    SessionRules,
)
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import SENTINEL, SENTINEL_TEID, SENTINEL_UE, KernelEnd, rules
from .test_planes import SETTINGS

pytestmark = [pytest.mark.root, pytest.mark.kernel]
OWN = rules(SENTINEL, SENTINEL_UE, SENTINEL_TEID, SENTINEL_TEID)
BEHIND = p.IPv4Address("10.99.7.7")
VOICE = Flow(1, (Filter(17, remote_ports=(5004, 5004)),), qfi=1, teid=0x2002, peer=p.GNB_N3, limits=(1,))
REST = Flow(2, qfi=9, teid=0x2002, peer=p.GNB_N3)
OF_FLOWS = SessionRules(
    2,
    (structs.replace(rules(2, p.OTHER_UE, 0x1002, 0x2002).decap[0], flows=(Flow(3, qfis=(9,)),)),),
    (EncapRule(p.OTHER_UE, flows=(VOICE, REST), routes=(IPv4Network("10.99.7.0/24"),)),),
    limits=(Limit(1, 10**9, 10**9),),
)


@pytest.fixture
def bpf(tmp_path: Path) -> Iterator[Path]:
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    folder = tmp_path / "bpf"
    folder.mkdir()
    subprocess.run(("mount", "-t", "bpf", "bpf", str(folder)), check=True)
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


class Life(KernelEnd):
    """One process of the UPF, as far as the host sees it."""

    def __init__(
        self, t: Topology, settings: PlaneSettings, journal: Path, sessions: list[SessionRules]
    ) -> None:
        self.went_on = -1
        self._sessions = sessions
        super().__init__(t, settings, journal)

    def begin(self) -> None:
        with netns.inside(self.t.upf):
            self.went_on = self.plane.take_up(self._sessions)

    def die(self) -> None:
        """Its descriptors go, and nothing else is done."""
        for each in (self.gnb, self.dn, self.raw, self.sink):
            each.close()
        with netns.inside(self.t.upf):
            self.plane.leave()


def lives(t: Topology, bpf: Path, tmp_path: Path) -> tuple[PlaneSettings, Path]:
    return replace(SETTINGS, plane="ebpf", pins=bpf), tmp_path / "journal"


def test_counters_and_flows_go_on(row: Topology, bpf: Path, tmp_path: Path) -> None:
    settings, journal = lives(row, bpf, tmp_path)
    sessions = [OWN, rules(), OF_FLOWS]

    async def main() -> None:
        life = Life(row, settings, journal, [])
        life.install(rules())
        life.install(OF_FLOWS)
        life.install(rules(3, p.IPv4Address("10.45.0.3"), 0x1003, 0x2003))
        up, down = p.gpdu(0x1001, p.udp(p.UE, p.DN)), p.udp(p.DN, p.OTHER_UE, sport=5004)
        await life.uplink(up)
        await life.downlink(down)
        used, flows = life.usage(1), life.flow_usage(2)
        assert (used.uplink_packets, flows[1].packets) == (1, 1)
        life.die()
        life = Life(row, settings, journal, sessions)
        assert life.went_on == 3
        assert (life.usage(1), life.flow_usage(2)) == (used, flows)
        assert len(await life.uplink(up)) == 1
        assert len(await life.downlink(down, p.udp(p.DN, p.UE), p.udp(p.DN, BEHIND))) == 3
        assert await life.uplink(p.gpdu(0x1003, p.udp(p.IPv4Address("10.45.0.3"), p.DN))) == [], "nobody's"
        assert (life.usage(1).uplink_packets, life.flow_usage(2)[1].packets) == (2, 2)
        life.install(rules(4, p.IPv4Address("10.45.0.4"), 0x1004, 0x2004))
        assert life.usage(4).uplink_packets == 0, "its slot is nobody else's"
        life.remove(2)
        life.close()

    asyncio.run(main())
    assert not list((bpf / "cinq").glob("upf/*"))


def test_rules_that_changed_meanwhile_are_installed(row: Topology, bpf: Path, tmp_path: Path) -> None:
    """As is a session whose packets waited: they wait no more, and the next one is told of again."""
    settings, journal = lives(row, bpf, tmp_path)
    waits = structs.replace(rules(), encap=(EncapRule(p.UE, action=Action.BUFFER),))

    async def main() -> None:
        life = Life(row, settings, journal, [])
        life.install(waits)
        life.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        assert await life.downlink(*[p.udp(p.DN, p.UE)] * 20) == []
        life.die()
        life = Life(row, settings, journal, [OWN, waits, rules(2, p.OTHER_UE, 0x1002, 0x2009)])
        assert life.went_on == 2
        (got,) = await life.downlink(p.udp(p.DN, p.OTHER_UE))
        assert got[4:8] == (0x2009).to_bytes(4, "big")
        assert await life.downlink(p.udp(p.DN, p.UE, b"new")) == []
        assert life.events.waiting == [1]
        got = await life.after(lambda: life.install(rules()))
        assert [octets[-3:] for octets in got] == [b"new"]
        life.close()

    asyncio.run(main())


def test_tables_of_another_layout_are_filled_anew(
    row: Topology, bpf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade: the old program goes on with the old tables until the new ones are full."""
    settings, journal = lives(row, bpf, tmp_path)

    async def main() -> None:
        life = Life(row, settings, journal, [])
        life.install(rules())
        life.die()
        monkeypatch.setattr(layout, "FORMATS", ("another",))
        (old,) = (each for each in (bpf / "cinq" / "upf").iterdir() if each.is_dir())
        life = Life(row, settings, journal, [OWN, rules()])
        assert life.went_on == 0
        (new,) = (each for each in (bpf / "cinq" / "upf").iterdir() if each.is_dir())
        assert new != old
        assert len(await life.uplink(p.gpdu(0x1001, p.udp(p.UE, p.DN)))) == 1
        life.close()

    asyncio.run(main())


def test_settings_that_changed_are_those_of_now(row: Topology, bpf: Path, tmp_path: Path) -> None:
    """What is protected, and what another plane would leave on the host."""
    settings, journal = lives(row, bpf, tmp_path)
    port, network = Protected(p.DN, 17, 9998), IPv4Network("10.8.0.0/16")
    closed = replace(settings, protected=(*settings.protected, port), protected_networks=(network,), nat=True)
    to_port = p.gpdu(0x1001, p.udp(p.UE, p.DN, port=9998))
    to_network = p.gpdu(0x1001, p.udp(p.UE, p.IPv4Address("10.8.0.1")))

    async def main() -> None:
        life = Life(row, closed, journal, [])
        life.install(rules())
        await life.uplink(to_port, to_network)
        assert life.counts()[Reason.PROTECTED] == 2
        life.die()
        life = Life(row, settings, journal, [OWN, rules()])
        assert life.went_on == 2
        got = await life.uplink(to_port, to_network)
        assert len(got) == 1
        assert life.counts()[Reason.PROTECTED] == 2
        assert not [line for line in life.plane.changes() if "nftables" in line]
        life.die()
        life = Life(row, replace(settings, plane="tun"), journal, [OWN, rules()])
        assert not list((bpf / "cinq").glob("upf/*"))
        assert len(await life.uplink(p.gpdu(0x1001, p.udp(p.UE, p.DN)))) == 1
        life.close()

    asyncio.run(main())


def test_packets_pass_while_nobody_is_there(row: Topology, bpf: Path, tmp_path: Path) -> None:
    settings, journal = lives(row, bpf, tmp_path)

    async def main() -> None:
        life = Life(row, settings, journal, [])
        life.install(rules())
        life.die()
        with netns.inside(row.gnb), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gnb:
            gnb.bind((str(p.GNB_N3), 2152))
            with netns.inside(row.dn), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dn:
                dn.bind((str(p.DN), 9999))
                dn.settimeout(5)
                gnb.settimeout(5)
                for number in range(100):
                    gnb.sendto(p.gpdu(0x1001, p.udp(p.UE, p.DN, str(number).encode())), (str(p.UPF_N3), 2152))
                    octets, peer = dn.recvfrom(2000)
                    assert octets == str(number).encode()
                    dn.sendto(octets, peer)
                    assert gnb.recv(2000).endswith(octets)
        life = Life(row, settings, journal, [OWN, rules()])
        assert life.usage(1).uplink_packets == 100
        life.close()

    asyncio.run(main())


def test_where_no_bpf_file_system_is(tmp_path: Path) -> None:
    assert f"no BPF file system at {tmp_path}; as root: mount -t bpf bpf {tmp_path}" == pins.trouble(tmp_path)
