"""The UE's end of a gNB's user plane: an interface that ordinary programs bind to.

It stays in the gNB's namespace, with a policy rule that sends what comes from a UE address through it, or is
moved into another one, where it is the default route. A pool given beforehand makes thousands of addresses
ours at once (AnyIP); without one each address is added by itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from cinq.transport import netns
from cinq.transport.error import TransportError
from cinq.transport.netlink import LOCAL_TABLE, MAIN_TABLE, Netlink
from cinq.userplane.host import Host

PRIORITY = 5190
SHOWN = 16  # addresses put on the interface although the pool covers them, so that its name can be bound to


class UeSide:
    """One interface of UEs. `name` is what programs bind to; OSError when the kernel refuses a step."""

    def __init__(
        self, name: str, table: int, host: Host, namespace: str | int | None, pools: tuple[IPv4Network, ...]
    ) -> None:
        """`namespace`: a process id, a path, or None for ours; a name below /run/netns is made where it is not.

        `table`: a routing table that nobody else in there has.

        The interface exists already, in ours.
        """
        self.name, self._host, self._pools = name, host, pools
        self._table = table
        self._shown: set[IPv4Address | IPv6Address] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        self._has_ipv6 = False
        if isinstance(namespace, str) and Path(namespace).parent == netns.FOLDER:
            host.namespace(Path(namespace).name)
        self._namespace = None if namespace is None else netns.open_of(namespace)
        self._links = host.links if self._namespace is None else Netlink(self._namespace)
        self._by_rule = self._namespace is None
        self._route_mtu = 0

    @property
    def apart(self) -> bool:
        """Whether it is in another namespace."""
        return self._namespace is not None

    def set_up(self, mtu: int, route_mtu: int, mac: str = "") -> None:
        """Moves it, sets it up, and makes the ways that lead through it.

        `mtu` is what it takes in, `route_mtu` what UEs send.
        """
        name, links = self.name, self._links
        if self._namespace is not None:
            self._host.links.move_link(name, self._namespace)
        links.run(lambda: quieten(name))
        links.set_up(name, mtu=mtu, mac=mac, arp=False)
        self._route_mtu = route_mtu
        if self.apart:
            try:
                links.add_route("default", device=name, replace=False)
            except TransportError as refused:
                if refused.errno != errno.EEXIST:
                    raise
                self._by_rule = True
        self._lead()
        for pool in self._pools:
            self._add_rule(pool)

    def _lead(self) -> None:
        """The routes through it."""
        name, links = self.name, self._links
        table = self._table if self._by_rule else MAIN_TABLE
        links.add_route("default", device=name, table=table, mtu=self._route_mtu)
        for pool in self._pools:
            links.add_route(str(pool), device=name, table=LOCAL_TABLE, kind="local")

    def _open_ipv6(self) -> None:
        """IPv6 on the interface, without anything of the kernel's own, and its way out."""
        self._links.run(lambda: quieten(self.name, ipv6=True))
        table = self._table if self._by_rule else MAIN_TABLE
        self._links.add_route("::/0", device=self.name, table=table, mtu=self._route_mtu)
        self._has_ipv6 = True

    def add(self, address: IPv4Address | IPv6Address) -> None:
        """A UE got this address."""
        if isinstance(address, IPv6Address):
            self._add_ipv6(address)
            return
        covered = any(address in pool for pool in self._pools)
        if address in self._shown or (covered and len(self._shown) >= SHOWN):
            return
        self._links.add_address(self.name, f"{address}/32")
        self._shown.add(address)
        if not covered:
            self._add_rule(IPv4Network(address))

    def _add_ipv6(self, address: IPv6Address) -> None:
        if address in self._shown:
            return
        if not self._has_ipv6:
            self._open_ipv6()
        self._links.add_address(self.name, f"{address}/128")
        self._shown.add(address)
        self._add_rule(IPv6Network(address))

    def remove(self, address: IPv4Address | IPv6Address) -> None:
        """Idempotent; an interface or namespace that went before is well."""
        if address not in self._shown:
            return
        if isinstance(address, IPv6Address):
            self._shown.discard(address)
            with contextlib.suppress(OSError):
                self._links.delete_address(self.name, f"{address}/128")
            self._drop_rule(IPv6Network(address))
            return
        self._shown.discard(address)
        if not any(address in pool for pool in self._pools):
            self._drop_rule(IPv4Network(address))  # first: another interface may have the address by now
        with contextlib.suppress(OSError):
            self._links.delete_address(self.name, f"{address}/32")
            if not any(isinstance(each, IPv4Address) for each in self._shown):
                self._lead()  # Linux takes the routes of an interface with its last address

    def add_network(self, network: IPv4Network | IPv6Network) -> None:
        """Every address of it is one of the UE's."""
        if isinstance(network, IPv6Network) and not self._has_ipv6:
            self._open_ipv6()
        self._links.add_route(str(network), device=self.name, table=LOCAL_TABLE, kind="local")
        self._networks.append(network)
        self._add_rule(network)

    def remove_network(self, network: IPv4Network | IPv6Network) -> None:
        """Idempotent."""
        if network not in self._networks:
            return
        self._networks.remove(network)
        self._drop_rule(network)
        with contextlib.suppress(OSError):
            self._links.delete_route(str(network), device=self.name, table=LOCAL_TABLE, kind="local")

    def _add_rule(self, source: IPv4Network | IPv6Network) -> None:
        if not self._by_rule:
            return
        if self._namespace is None:
            self._host.rule(source, self._table, PRIORITY)
        else:
            self._links.add_rule(PRIORITY, self._table, source=str(source))

    def _drop_rule(self, source: IPv4Network | IPv6Network) -> None:
        if not self._by_rule:
            return
        with contextlib.suppress(OSError):
            if self._namespace is None:
                self._host.drop_rule(source, self._table, PRIORITY)
            else:
                self._links.delete_rule(PRIORITY, self._table, source=str(source))

    def close(self) -> None:
        for network in list(self._networks):
            self.remove_network(network)
        for address in list(self._shown):
            self.remove(address)
        for pool in self._pools:
            self._drop_rule(pool)
        if self._namespace is not None:
            self._links.close()
            os.close(self._namespace)
            self._namespace = None


def quieten(name: str, *, ipv6: bool = False) -> None:
    """Nothing of the kernel's own on an interface of ours, a loose reverse path check and no source routes.

    ipv6: IPv6 packets of UEs pass it, so it has IPv6, but no address, no router and no neighbours.
    """
    wanted = (
        ("ipv6/conf/{}/disable_ipv6", str(int(not ipv6))),
        ("ipv6/conf/{}/addr_gen_mode", "1"),
        ("ipv6/conf/{}/accept_ra", "0"),
        ("ipv6/conf/{}/accept_dad", "0"),
        ("ipv4/conf/{}/rp_filter", "2"),
        ("ipv4/conf/{}/accept_source_route", "0"),
    )
    for sysctl, value in wanted:
        with contextlib.suppress(OSError):
            Path("/proc/sys/net", sysctl.format(name)).write_text(value)
