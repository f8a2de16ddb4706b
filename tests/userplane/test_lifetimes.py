"""What stays on the host: nothing after a stop, and after SIGKILL nothing that the next start does not undo."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from cinq.transport import ethtool, netns, sysctl
from cinq.transport.netlink import Netlink
from cinq.transport.privilege import PrivilegeError
from cinq.userplane import nft, pair, tap
from cinq.userplane.ebpf import plane as ebpf_plane
from cinq.userplane.ebpf.syscall import Map
from cinq.userplane.host import Busy, Host
from cinq.userplane.open import open_plane
from cinq.userplane.rules import Action, Ambr, EncapRule, Plane, PlaneSettings, Protected, SessionRules
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import Events, rules

pytestmark = [pytest.mark.root, pytest.mark.kernel]
CHILD = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from cinq.userplane.open import open_plane
from cinq.userplane.topology import Topology
class Deaf:
    def gtpu_received(self, octets, peer): ...
    def buffered(self, session): ...
async def main():
    settings = replace(Topology("", "", "", "").upf_settings(), plane=sys.argv[1], nat=True)
    plane = open_plane(settings, Deaf(), Path(sys.argv[2]))
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def state(t: Topology) -> dict[str, object]:
    """All of the UPF's namespace that a plane may touch."""
    names = ("net/ipv4/ip_forward", "net/ipv4/conf/n3/rp_filter", "net/ipv4/conf/all/rp_filter")

    def tables() -> str:
        """Without a way to ask: it cannot be made twice."""
        try:
            nft.commit([nft.new_table("cinq_upf")])
        except FileExistsError:
            return "there"
        nft.delete_table("cinq_upf")
        return "none"

    with Netlink(t.upf) as netlink:
        return {
            "links": [link.name for link in netlink.links()],
            "routes": netlink.routes(),
            "rules": netlink.rules(),
            "sysctl": netlink.run(lambda: [sysctl.read(name) for name in names]),
            "offload": netlink.run(lambda: ethtool.feature("n3", "tx")),
            "table": netlink.run(tables),
        }


def in_upf(t: Topology, work: Callable[[], None]) -> None:
    async def main() -> None:
        with netns.inside(t.upf):
            work()

    asyncio.run(main())


def settings_of(t: Topology, kind: str) -> PlaneSettings:
    if missing(kind):
        pytest.skip(missing(kind))
    return replace(t.upf_settings(), plane=kind, nat=True)


@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_close_restores_the_host(row: Topology, kind: str, tmp_path: Path) -> None:
    before = state(row)

    def work() -> None:
        plane = open_plane(settings_of(row, kind), Events(), tmp_path / "journal")
        assert any("ip_forward 0 -> 1" in line for line in plane.changes())
        plane.install(rules())
        plane.close()
        plane.close()

    in_upf(row, work)
    assert state(row) == before
    assert before["table"] == "none"
    assert not (tmp_path / "journal").exists()


def test_a_host_without_tuns_is_left_as_it_was(
    row: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = state(row)
    monkeypatch.setattr(tap, "DEVICE", "/nowhere/tun")

    def work() -> None:
        settings = replace(row.upf_settings(), plane="tun")
        plane = open_plane(settings, Events(), tmp_path / "journal")
        names = [name for _, name in socket.if_nameindex()]
        assert {"upf-tun", "upf-tun-r"} <= set(names)
        plane.close()

    in_upf(row, work)
    assert state(row) == before
    assert "veth pairs in place of TUN devices: /nowhere/tun: no such file or directory" in caplog.text


def test_no_right_to_packet_sockets_says_so(
    row: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(row)
    monkeypatch.setattr(tap, "DEVICE", "/nowhere/tun")

    def refuse(*_arguments: int) -> socket.socket:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(pair, "_new_socket", refuse)
    settings = replace(row.upf_settings(), plane="tun")
    with pytest.raises(PrivilegeError, match="CAP_NET_RAW"):
        in_upf(row, lambda: open_plane(settings, Events(), tmp_path / "journal").close())
    assert state(row) == before


@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_sigkill_detaches_and_the_next_start_cleans_up(row: Topology, kind: str, tmp_path: Path) -> None:
    settings, journal, before = settings_of(row, kind), tmp_path / "journal", state(row)
    child = netns.popen(row.upf, [sys.executable, "-c", CHILD, kind, str(journal)], stdout=-1)
    assert child.stdout is not None
    assert select.select([child.stdout], [], [], 10)[0]
    assert child.stdout.readline() == b"ready\n"
    with pytest.raises(Busy):
        in_upf(row, lambda: open_plane(settings, Events(), journal).close())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with netns.inside(row.upf):
        plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        plain.bind((str(p.UPF_N3), 2152))
        plain.settimeout(2)
    with plain, netns.inside(row.gnb), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gnb:
        gnb.sendto(p.gpdu(1, p.udp(p.UE, p.DN)), (str(p.UPF_N3), 2152))
        assert plain.recv(100) == p.gpdu(1, p.udp(p.UE, p.DN))  # no program takes it any more
    assert state(row) != before
    in_upf(row, lambda: open_plane(settings, Events(), journal).close())
    assert state(row) == before


def test_a_setting_that_another_changed_meanwhile_is_left_alone(row: Topology, tmp_path: Path) -> None:
    def work() -> None:
        host = Host(tmp_path / "journal")
        host.sysctl("net/ipv4/conf/n3/rp_filter", "2")
        sysctl.write("net/ipv4/conf/n3/rp_filter", "1")
        host.close()
        assert sysctl.read("net/ipv4/conf/n3/rp_filter") == "1"

    in_upf(row, work)


FORWARD = "net/ipv4/conf/n3/rp_filter"


def test_the_first_of_two_to_leave_switches_nothing_off(row: Topology, tmp_path: Path) -> None:
    def work() -> None:
        sysctl.write(FORWARD, "0")
        first, second = Host(tmp_path / "first"), Host(tmp_path / "second")
        for host in (first, second):
            host.sysctl(FORWARD, "1")
        first.close()
        assert sysctl.read(FORWARD) == "1"
        second.close()
        assert sysctl.read(FORWARD) == "0"

    in_upf(row, work)


def test_the_first_of_two_to_leave_leaves_checksums_as_they_are(row: Topology, tmp_path: Path) -> None:
    """Two data planes at two addresses of one interface: what the one switched off the other needs."""

    def work() -> None:
        assert ethtool.feature("n3", "tx")
        first, second = Host(tmp_path / "first"), Host(tmp_path / "second")
        for host in (first, second):
            host.offload_off("n3", "tx")
            host.offload_off("n3", "tx")
        first.close()
        assert not ethtool.feature("n3", "tx")
        second.close()
        assert ethtool.feature("n3", "tx")

    in_upf(row, work)


def test_what_another_needs_stays_when_a_killed_one_starts_again(row: Topology, tmp_path: Path) -> None:
    """The second came after the kill and found the setting made: it stays while the second lives."""
    script = f"""
import os, signal
from pathlib import Path
from cinq.userplane.host import Host
Host(Path({str(tmp_path / "first")!r})).sysctl({FORWARD!r}, "1")
os.kill(os.getpid(), signal.SIGKILL)
"""

    def work() -> None:
        sysctl.write(FORWARD, "0")
        subprocess.run([sys.executable, "-c", script], check=False)
        assert sysctl.read(FORWARD) == "1"
        second = Host(tmp_path / "second")
        second.sysctl(FORWARD, "1")
        again = Host(tmp_path / "first")
        assert sysctl.read(FORWARD) == "1"
        again.sysctl(FORWARD, "1")
        second.close()
        assert sysctl.read(FORWARD) == "1"
        again.close()
        assert sysctl.read(FORWARD) == "0"

    in_upf(row, work)


@pytest.mark.parametrize(
    ("code", "release", "says"),
    [
        (errno.EPERM, "6.12.1", "CAP_BPF"),
        (errno.EINVAL, "6.1.0-18-amd64", "kernel 6.1.0-18-amd64 has no tcx"),
    ],
    ids=["rights", "old kernel"],
)
def test_tun_when_bpf_is_refused_and_the_log_says_so(
    row: Topology,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
    release: str,
    says: str,
) -> None:
    def refused(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("cinq.userplane.ebpf.syscall.bpf", refused)
    monkeypatch.setattr("platform.release", lambda: release)

    def work() -> None:
        plane = open_plane(replace(row.upf_settings(), plane="auto"), Events(), tmp_path / "journal")
        assert plane.kind == "tun"
        assert "TUN instead of eBPF" in caplog.text
        plane.close()
        with pytest.raises(OSError, match=rf"{says}|was not built"):
            open_plane(replace(row.upf_settings(), plane="ebpf"), Events(), tmp_path / "journal")

    before = state(row)
    in_upf(row, work)
    assert state(row) == before


def test_n3_on_the_loopback_is_for_tun(
    row: Topology, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """127.0.0.7 is the default of the settings: an address that no interface has as such."""
    settings = replace(
        row.upf_settings(), n3_address=p.IPv4Address("127.0.0.7"), n3_interface="", n6_interface="", nat=True
    )

    def work() -> None:
        plane = open_plane(settings, Events(), tmp_path / "journal")
        assert plane.kind == "tun"
        assert any("out of any interface" in line for line in plane.changes())
        assert any("interface upf-tun made" in line for line in plane.changes())
        plane.close()

    before = state(row)
    in_upf(row, work)
    assert state(row) == before


def test_a_port_in_use_leaves_nothing(row: Topology, tmp_path: Path) -> None:
    before = state(row)

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((str(p.UPF_N3), 2152))
            with pytest.raises(OSError, match="in use"):
                open_plane(row.upf_settings(), Events(), tmp_path / "journal")

    in_upf(row, work)
    assert state(row) == before


def test_an_address_that_is_not_ours_says_so(row: Topology, tmp_path: Path) -> None:
    settings = replace(row.upf_settings(), n3_address=p.IPv4Address("10.99.0.1"), n3_interface="")

    def work() -> None:
        with pytest.raises(OSError, match=r"no interface has the N3 address 10\.99\.0\.1"):
            open_plane(settings, Events(), tmp_path / "journal")

    in_upf(row, work)


def test_only_what_changed_is_written(row: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    written: list[str] = []
    write = Map.__setitem__

    def recorded(self: Map, key: bytes, value: bytes) -> None:
        written.append(self.name)
        write(self, key, value)

    def writes(act: Callable[[], None]) -> list[str]:
        written.clear()
        act()
        return sorted(written)

    def work() -> None:
        plane = open_plane(replace(row.upf_settings(), plane="ebpf"), Events(), tmp_path / "journal")
        ready = structs.replace(rules(), ambr=Ambr(1000, 2000))
        waiting = structs.replace(ready, encap=(EncapRule(p.UE, action=Action.BUFFER),))
        moved = structs.replace(ready, encap=rules(1, p.UE, 0x1001, 0x2009).encap)
        monkeypatch.setattr(Map, "__setitem__", recorded)
        assert writes(lambda: plane.install(waiting)) == ["decaps", "encaps", "policers"]
        assert writes(lambda: plane.install(ready)) == [
            "encaps",
            "protected",
            "protected",
        ]  # a gNB that is new
        assert writes(lambda: plane.install(ready)) == []
        assert writes(lambda: plane.install(moved)) == ["encaps"]
        assert writes(lambda: plane.install(structs.replace(moved, ambr=Ambr(1000)))) == ["policers"]
        plane.remove(1)
        assert writes(lambda: plane.install(rules(2))) == ["decaps", "encaps", "policers", "usages"]
        plane.close()

    in_upf(row, work)


def test_full_tables_leave_the_old_rules(row: Topology, tmp_path: Path) -> None:
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    from cinq.userplane.rules import DecapRule, NoRoom

    def work() -> None:
        settings = replace(row.upf_settings(), plane="ebpf", max_sessions=4)
        plane: Plane = open_plane(settings, Events(), tmp_path / "journal")
        assert isinstance(plane, ebpf_plane.EbpfPlane)
        plane.install(rules())
        many = tuple(DecapRule(0x5000 + n, p.OTHER_UE) for n in range(20))
        with pytest.raises(NoRoom):
            plane.install(SessionRules(2, many))
        plane.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        with pytest.raises(NoRoom):
            plane.install(SessionRules(1, many))
        assert plane._maps["decaps"][bytes.fromhex("00001001")]
        for number in (3, 4):
            plane.install(SessionRules(number))
        with pytest.raises(NoRoom):
            plane.install(SessionRules(5))
        plane.remove(4)
        plane.install(SessionRules(5))
        plane.close()

    in_upf(row, work)
    assert Protected(p.UPF_N3, 17, 2152) in row.upf_settings().infrastructure()
