"""N6 of a UPF: forwarding, reverse path filter and NAT, so that a session with an address has its internet.

Everything goes through Host, which lists and restores it.
"""

from __future__ import annotations

import zlib
from ipaddress import IPv4Network, IPv6Network

from cinq.userplane.host import Host, Route
from cinq.userplane.rules import PlaneSettings, Way

ANYWHERE = "192.0.2.1"  # TEST-NET-1: stands for 'the default route'
LOOSE = "2"
FIRST_TABLE, MOST_WAYS, PRIORITY = 5300, 256, 5180
"""Of routing: the tables of data networks with an interface of their own, and the rules that lead there."""


def set_up(host: Host, settings: PlaneSettings, n3_interface: str) -> None:
    """Forwarding on, loose reverse path check on N3 (a UE's source is routed elsewhere), NAT where wanted.

    OSError: the kernel refuses; the caller restores the host.
    """
    host.sysctl("net/ipv4/ip_forward", "1")
    host.sysctl(f"net/ipv4/conf/{n3_interface}/rp_filter", LOOSE)
    if settings.n9_interface:
        host.sysctl(f"net/ipv4/conf/{settings.n9_interface}/rp_filter", LOOSE)
    if (
        host.reads("net/ipv4/conf/all/accept_source_route") == "1"
    ):  # a UE would choose the way past our checks
        host.sysctl(f"net/ipv4/conf/{n3_interface}/accept_source_route", "0")
    if settings.ue_prefixes:
        _forward_ipv6(host, settings, n3_interface)
    for number, way in enumerate(settings.ways):
        _set_up_way(host, settings, way, number)
    pools = settings.nat_pools or settings.ue_pools
    if not settings.nat or not pools:
        return
    out = settings.n6_interface  # a default route may change, so without a name NAT is for every way out
    _masquerade(host, table_of(settings.instance), pools, out)


def _set_up_way(host: Host, settings: PlaneSettings, way: Way, number: int) -> None:
    """A routing table for the pools of one data network. Other UEs' pools are left to the main table."""
    table = FIRST_TABLE + MOST_WAYS * (zlib.crc32(settings.instance.encode()) % 64) + number
    everybody = (*settings.ue_pools, *settings.ue_prefixes)
    routes = [Route(str(pool), table, kind="throw") for pool in everybody]
    for version, anywhere, gateway in ((4, "0.0.0.0/0", way.gateway), (6, "::/0", way.ipv6_gateway)):
        if any(pool.version == version for pool in way.pools):
            routes.append(Route(anywhere, table, way.interface, "" if gateway is None else str(gateway)))
    host.way(table, PRIORITY, way.pools, tuple(routes))
    host.sysctl(f"net/ipv4/conf/{way.interface}/rp_filter", LOOSE)
    if way.nat:
        _masquerade(host, f"{table_of(settings.instance)}_{number + 1}", way.pools, way.interface)


def _masquerade(host: Host, table: str, pools: tuple[IPv4Network | IPv6Network, ...], out: str) -> None:
    try:
        host.masquerade(table, pools, out)
    except OSError as error:
        wants = "nf_tables with nft_chain_nat and nft_masq in the kernel, and CAP_NET_ADMIN"
        raise OSError(error.errno, f"NAT of the UE pools needs {wants}: {error.strerror}") from error


def _forward_ipv6(host: Host, settings: PlaneSettings, n3_interface: str) -> None:
    """Forwarding on, and IPv6 on the links that UEs' packets pass. OSError: the kernel has no IPv6."""
    out = n6_interface(host, settings)
    for name in filter(None, dict.fromkeys((n3_interface, out, *(way.interface for way in settings.ways)))):
        if host.reads(f"net/ipv6/conf/{name}/accept_ra") == "1":
            host.sysctl(f"net/ipv6/conf/{name}/accept_ra", "2")  # a router else loses its own default route
        if host.reads(f"net/ipv6/conf/{name}/disable_ipv6") == "1":
            host.sysctl(f"net/ipv6/conf/{name}/disable_ipv6", "0")
    host.sysctl("net/ipv6/conf/all/forwarding", "1")


def table_of(instance: str) -> str:
    return f"cinq_{instance.replace('-', '_')}"


def n6_interface(host: Host, settings: PlaneSettings) -> str:
    """The interface the settings name, else that of the default route, else '' (no N6)."""
    if settings.n6_interface:
        return settings.n6_interface
    try:
        return host.links.device_towards(ANYWHERE)
    except OSError:
        return ""
