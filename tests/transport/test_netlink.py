"""Links, addresses, routes, rules, neighbours, offloads and sysctl, in namespaces of their own."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
from collections.abc import Callable

import pytest

from cinq.transport import ethtool, netns
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink

pytestmark = [pytest.mark.root, pytest.mark.kernel]


def test_links(namespace: str) -> None:
    with Netlink() as net:
        net.create_veth("left", "right", mtu=1400)
        net.create_veth("stub", "stub-peer")
        net.set_up("left")
        net.set_up("stub", up=False, mtu=9000, mac="02:00:00:00:00:01", arp=False, queue=77)
        assert {each.name for each in net.links()} == {"lo", "left", "right", "stub", "stub-peer"}
        assert net.link("left").up
        assert not net.link("right").up
        assert net.link("right").mtu == 1400
        assert (net.link("stub").mtu, net.link("stub").mac) == (9000, "02:00:00:00:00:01")
        assert net.link("stub").ethernet
        assert not net.link("lo").ethernet
        assert net.index("left") == socket.if_nametoindex("left")
        net.delete_link("left")
        assert {each.name for each in net.links()} == {"lo", "stub", "stub-peer"}
        assert net.has_link("stub")
        assert not net.has_link("left")
        net.delete_link("left", missing_ok=True)
        with pytest.raises(TransportError, match="no link nobody"):
            net.set_up("nobody")
        with pytest.raises(TransportError, match="link stub: File exists"):
            net.create_veth("stub", "other")


def test_bridge_and_dummy(namespace: str) -> None:
    with Netlink() as net:
        try:
            net.create_bridge("switch")
            net.create_dummy("port")
        except TransportError as error:
            pytest.skip(f"this kernel has no bridge or dummy links: {error}")
        net.set_master("port", "switch")
        net.set_up("switch")
        assert net.link("switch").up


def test_move_link_and_reach_the_other_side(new_namespace: Callable[[str], str]) -> None:
    left, right = new_namespace("left"), new_namespace("right")
    with Netlink(left) as near, Netlink(right) as far:
        near.create_veth("veth", "peer")
        near.move_link("peer", right)
        for net, name, prefix in ((near, "veth", "10.7.0.1/24"), (far, "peer", "10.7.0.2/24")):
            net.add_address(name, prefix)
            net.set_up(name)
            assert net.addresses(name) == [prefix]

        def ping() -> bytes:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.sendto(b"to the far side", ("10.7.0.2", 700))
            return b""

        def server() -> socket.socket:
            answerer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            answerer.bind(("10.7.0.2", 700))
            answerer.settimeout(5)
            return answerer

        with netns.run(right, server) as answerer:
            netns.run(left, ping)
            assert answerer.recv(100) == b"to the far side"
        near.delete_address("veth", "10.7.0.1/24")
        assert near.addresses("veth") == []


def test_routes_rules_and_neighbours(namespace: str) -> None:
    with Netlink() as net:
        net.create_veth("n6", "n6-peer")
        net.set_up("n6-peer")
        net.add_address("n6", "192.0.2.1/24")
        net.set_up("n6")
        net.add_route("default", via="192.0.2.254")
        net.add_route("10.45.0.0/16", device="lo", kind="local", table=255)
        net.add_route("10.46.0.0/16", device="n6", table=77)
        net.add_route("10.47.0.0/16", kind="blackhole", table=77)
        main = {(each.destination, each.via, each.device) for each in net.routes()}
        assert ("0.0.0.0/0", "192.0.2.254", "n6") in main
        assert {(each.destination, each.kind) for each in net.routes(77)} == {
            ("10.46.0.0/16", "unicast"),
            ("10.47.0.0/16", "blackhole"),
        }
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_ip:
            any_ip.bind(("10.45.3.4", 0))
        net.delete_route("10.46.0.0/16", table=77)
        assert [each.kind for each in net.routes(77)] == ["blackhole"]
        net.add_rule(100, 77, source="10.45.0.0/16", in_device="n6", mark=5)
        rule = next(each for each in net.rules() if each.priority == 100)
        assert (rule.table, rule.source, rule.in_device, rule.mark) == (77, "10.45.0.0/16", "n6", 5)
        net.delete_rule(100, 77)
        assert all(each.priority != 100 for each in net.rules())
        net.add_neighbour("192.0.2.9", "02:00:00:00:00:09", "n6")
        assert [(each.address, each.mac) for each in net.neighbours()] == [("192.0.2.9", "02:00:00:00:00:09")]


def test_which_link_has_an_address_and_which_leads_to_one(namespace: str) -> None:
    with Netlink() as net:
        net.create_veth("n6", "n6-peer")
        net.add_address("n6", "192.0.2.1/24")
        net.add_address("n6", "192.0.2.1/24")
        net.set_up("n6-peer")
        net.set_up("n6")
        assert [net.device_of(each) for each in ("192.0.2.1", "192.0.2.2", "127.0.0.9")] == ["n6", "", "lo"]
        assert net.device_towards("192.0.2.77") == "n6"
        with pytest.raises(TransportError, match=r"route to 198\.51\.100\.1: Network is unreachable"):
            net.device_towards("198.51.100.1")
        net.add_route("198.51.100.0/24", device="n6", mtu=1400)
        with pytest.raises(TransportError, match="File exists") as refused:
            net.add_route("198.51.100.0/24", device="n6", replace=False)
        assert refused.value.errno == errno.EEXIST
        net.add_rule(100, 77, source="10.45.0.0/16")
        net.add_rule(100, 77, source="10.46.0.0/16")
        net.delete_rule(100, 77, source="10.46.0.0/16")
        assert [each.source for each in net.rules() if each.priority == 100] == ["10.45.0.0/16"]


def test_a_namespace_by_its_descriptor(new_namespace: Callable[[str], str]) -> None:
    name, other = new_namespace("named"), new_namespace("other")
    with netns.opened(name) as descriptor, Netlink(descriptor) as there, Netlink(other) as here:
        here.create_veth("left", "right")
        here.move_link("right", descriptor)
        assert there.has_link("right")
        with pytest.raises(TransportError, match="no link left in this network namespace"):
            there.index("left")
    os.close(netns.open_of(os.getpid()))
    os.close(netns.open_of(str(netns.path(name))))


def test_offloads_and_sysctl(namespace: str) -> None:
    with Netlink() as net:
        net.create_veth("left", "right")
        assert ethtool.feature("left", "tx")
        net.offload("left", tx=False, gso=False, tso=False, gro=False)
        assert not any(ethtool.feature("left", each) for each in ("tx", "gso", "tso", "gro"))
        net.offload("left", gro=True)
        assert ethtool.feature("left", "gro")
        net.set_sysctl("net.ipv4.ip_forward", 1)
        assert net.sysctl("net.ipv4.ip_forward") == "1"
        assert net.sysctl("net/ipv4/conf/left/forwarding") == "1"
        with pytest.raises(TransportError, match=r"sysctl net\.nothing: No such file"):
            net.sysctl("net.nothing")
        with pytest.raises(TransportError, match="ethtool nobody tx"):
            ethtool.feature("nobody", "tx")


def test_netlink_works_inside_a_running_event_loop(namespace: str) -> None:
    async def work() -> list[str]:
        with Netlink() as net:
            return net.addresses("lo")

    assert "127.0.0.1/8" in asyncio.run(work())


def test_namespaces(new_namespace: Callable[[str], str]) -> None:
    name = new_namespace("names")
    assert netns.exists(name)
    assert name in netns.names()
    with pytest.raises(TransportError, match="exists already"):
        netns.create(name)
    with pytest.raises(TransportError, match="no network namespace nowhere"):
        netns.enter("nowhere")
    with pytest.raises(TransportError, match="no usable name"):
        netns.path("../etc")
    process = netns.popen(name, ["cat", "/proc/self/net/dev"], stdout=subprocess.PIPE)
    listing, _ = process.communicate()
    assert [line.split()[0] for line in listing.decode().splitlines()[2:]] == ["lo:"]
    assert subprocess.run(netns.command(name, ["true"]), check=False).returncode == 0
    netns.delete(name)
    assert not netns.exists(name)
    netns.delete(name)


def test_run_hands_on_results_and_errors(namespace: str) -> None:
    assert netns.run(namespace, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        netns.run(namespace, lambda: 1 // 0)
