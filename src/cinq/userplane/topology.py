"""Four namespaces in a row, for tests and for the bench: UE, gNB, UPF, data network (DN).

    ue                gnb                     upf                     dn
    (the UE's side)   g3 10.3.0.2 ---- n3 10.3.0.1   n6 10.6.0.1 ---- d6 10.6.0.2
    p0 10.44.0.2 ---- p1 10.44.0.1            (plain forwarding beside the tunnel, over the same links)

A plane is opened in its namespace with `transport.netns.inside`. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from cinq.transport import netns
from cinq.transport.netlink import Netlink
from cinq.userplane.rules import HEADERS, PlaneSettings, Role

GNB_N3, UPF_N3 = IPv4Address("10.3.0.2"), IPv4Address("10.3.0.1")
GNB_N3_IPV6, UPF_N3_IPV6 = IPv6Address("2001:db8:3::2"), IPv6Address("2001:db8:3::1")
UPF_N6, DN = IPv4Address("10.6.0.1"), IPv4Address("10.6.0.2")
PLAIN_UE = IPv4Address("10.44.0.2")
UE_POOL = IPv4Network("10.45.0.0/16")


@dataclass(frozen=True, slots=True)
class Topology:
    """Names of the namespaces."""

    ue: str
    gnb: str
    upf: str
    dn: str

    def names(self) -> tuple[str, str, str, str]:
        return self.ue, self.gnb, self.upf, self.dn

    def upf_settings(self) -> PlaneSettings:
        return PlaneSettings(
            Role.UPF,
            UPF_N3,
            "upf",
            n3_interface="n3",
            n6_interface="n6",
            ue_pools=(UE_POOL,),
            max_sessions=8192,
        )

    def gnb_settings(self) -> PlaneSettings:
        return PlaneSettings(Role.GNB, GNB_N3, "gnb", n3_interface="g3", max_sessions=8192)


def _pair(left: tuple[str, str, str], right: tuple[str, str, str], mtu: int) -> None:
    """A veth pair between (namespace, interface, prefix) and another."""
    with Netlink(left[0]) as here, Netlink(right[0]) as there:
        here.create_veth(left[1], right[1], mtu=mtu)
        here.move_link(right[1], right[0])
        for netlink, (_, name, prefix) in ((here, left), (there, right)):
            netlink.set_up(name)
            netlink.add_address(name, prefix)


def _ways(t: Topology) -> None:
    ways = {
        t.ue: (("default", "10.44.0.1"),),
        t.gnb: (("default", str(UPF_N3)),),
        t.upf: (("10.44.0.0/24", str(GNB_N3)),),
        t.dn: (("default", str(UPF_N6)),),
    }
    for name, routes in ways.items():
        with Netlink(name) as netlink:
            for destination, via in routes:
                netlink.add_route(destination, via=via)


def give_ipv6_to_n3(t: Topology) -> None:
    """N3 is of IPv6 as well from now on: GNB_N3_IPV6 and UPF_N3_IPV6."""
    for namespace, name, address in ((t.gnb, "g3", GNB_N3_IPV6), (t.upf, "n3", UPF_N3_IPV6)):
        with Netlink(namespace) as links:
            for key, value in (("accept_dad", 0), ("router_solicitations", 0), ("disable_ipv6", 0)):
                links.set_sysctl(f"net.ipv6.conf.{name}.{key}", value)
            links.add_address(name, f"{address}/64")


@contextmanager
def topology(prefix: str, n3_mtu: int = 1500) -> Iterator[Topology]:
    """The namespaces `<prefix>-ue` and so on, gone afterwards. TransportError without the rights."""
    t = Topology(f"{prefix}-ue", f"{prefix}-gnb", f"{prefix}-upf", f"{prefix}-dn")
    try:
        for name in t.names():
            netns.delete(name)
            netns.create(name)
            with Netlink(name) as netlink:
                netlink.set_sysctl("net.ipv6.conf.all.disable_ipv6", 1)
                netlink.set_sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        _pair((t.ue, "p0", "10.44.0.2/24"), (t.gnb, "p1", "10.44.0.1/24"), n3_mtu - HEADERS)
        _pair((t.gnb, "g3", f"{GNB_N3}/24"), (t.upf, "n3", f"{UPF_N3}/24"), n3_mtu)
        _pair((t.upf, "n6", f"{UPF_N6}/24"), (t.dn, "d6", f"{DN}/24"), n3_mtu)
        with Netlink(t.gnb) as netlink:
            netlink.set_sysctl("net.ipv4.ip_forward", 1)
        _ways(t)
        yield t
    finally:
        for name in t.names():
            netns.delete(name)
