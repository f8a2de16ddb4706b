"""Links, addresses, routes, rules and neighbours of one network namespace, by rtnetlink through pyroute2.

pyroute2 drives its own event loop, so its calls fail inside a running one. Each `Netlink` therefore owns a
worker thread with one netlink socket, and every method blocks for about 1 ms. The thread is also what enters
a namespace: the caller stays where it is.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeVar

from cinq.transport import ethtool, netns, privilege, sysctl
from cinq.transport.error import TransportError

if TYPE_CHECKING:
    from pyroute2 import IPRoute

T = TypeVar("T")

Kind = Literal["unicast", "local", "broadcast", "blackhole", "unreachable", "prohibit", "throw"]

MAIN_TABLE, LOCAL_TABLE = 254, 255
IFF_UP = 0x1
ARPHRD_ETHER = 1
NUD_PERMANENT = 0x80

_REMEDIES = {
    95: "a kernel (or: modprobe) with that kind of link",
}


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    name: str
    mac: str
    """Empty for links without one (TUN)."""
    mtu: int
    up: bool
    ethernet: bool
    """Whether its frames have an Ethernet header."""


@dataclass(frozen=True, slots=True)
class Route:
    destination: str
    """Prefix with length, '0.0.0.0/0' for the default."""
    via: str
    device: str
    table: int
    kind: str


@dataclass(frozen=True, slots=True)
class Rule:
    priority: int
    table: int
    source: str
    destination: str
    in_device: str
    mark: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    address: str
    mac: str
    device: str


LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def _family(address: str) -> int:
    """AF_INET or AF_INET6 of an address or prefix."""
    return 10 if ":" in address else 2


class Netlink:
    """An open netlink socket in a namespace. Use as a context manager, or `close` it.

    Methods raise TransportError with what was asked and what the kernel said, its number in `errno`.
    """

    def __init__(self, namespace: str | int = "") -> None:
        """`namespace`: its name, or an open descriptor of it; '' for the caller's."""
        self.namespace = namespace
        self._has_name = isinstance(namespace, str) and bool(namespace)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="netlink")
        try:
            self._socket = self._worker.submit(self._open).result()
        except BaseException:
            self._worker.shutdown()
            raise

    def _open(self) -> IPRoute:
        from pyroute2 import IPRoute  # 0.14 s of import, which most commands do not need

        if isinstance(self.namespace, int):
            netns.enter_descriptor(self.namespace)
        elif self.namespace:
            netns.enter(self.namespace)
        return IPRoute()

    def close(self) -> None:
        self._worker.submit(self._socket.close).result()
        self._worker.shutdown()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, what: str, call: Callable[[IPRoute], T]) -> T:
        from pyroute2 import NetlinkError

        try:
            return self._worker.submit(call, self._socket).result()
        except NetlinkError as error:
            where = f" in network namespace {self.namespace}" if self._has_name else ""
            code = int(error.code)
            if code in (errno.EPERM, errno.EACCES):
                raise privilege.refused("CAP_NET_ADMIN", f"'{what}'{where}") from None
            refusal = TransportError(f"{what}{where}: {os.strerror(code)}", _REMEDIES.get(code, ""))
            refusal.errno = code
            raise refusal from None

    def run(self, function: Callable[[], T]) -> T:
        """The result of `function`, called in this network namespace."""
        return self._worker.submit(function).result()

    # -- links

    def links(self) -> list[Link]:
        found = self._do("links", lambda socket: list(socket.get_links()))
        return [
            Link(
                index=int(each["index"]),
                name=str(each.get_attr("IFLA_IFNAME")),
                mac=str(each.get_attr("IFLA_ADDRESS") or ""),
                mtu=int(each.get_attr("IFLA_MTU") or 0),
                up=bool(each["flags"] & IFF_UP),
                ethernet=each["ifi_type"] == ARPHRD_ETHER,
            )
            for each in found
        ]

    def link(self, name: str) -> Link:
        for each in self.links():
            if each.name == name:
                return each
        raise self._absent(name)

    def _absent(self, name: str) -> TransportError:
        where = f"network namespace {self.namespace}" if self._has_name else "this network namespace"
        return TransportError(f"there is no link {name} in {where}", "see: ip -br link")

    def has_link(self, name: str) -> bool:
        return self.run(lambda: any(found == name for _, found in socket.if_nameindex()))

    def index(self, name: str) -> int:
        try:
            return self.run(lambda: socket.if_nametoindex(name))
        except OSError:
            raise self._absent(name) from None

    def create_veth(self, name: str, peer: str, *, mtu: int = 1500) -> None:
        self._do(
            f"link {name}",
            lambda socket: socket.link(
                "add", ifname=name, kind="veth", mtu=mtu, peer={"ifname": peer, "mtu": mtu}
            ),
        )

    def create_dummy(self, name: str, *, mtu: int = 1500) -> None:
        self._do(f"link {name}", lambda socket: socket.link("add", ifname=name, kind="dummy", mtu=mtu))

    def create_bridge(self, name: str) -> None:
        self._do(f"link {name}", lambda socket: socket.link("add", ifname=name, kind="bridge"))

    def delete_link(self, name: str, *, missing_ok: bool = False) -> None:
        """Of a veth pair, both ends."""
        if missing_ok and not self.has_link(name):
            return
        index = self.index(name)
        self._do(f"link {name}", lambda socket: socket.link("del", index=index))

    def set_up(
        self,
        name: str,
        *,
        up: bool = True,
        mtu: int = 0,
        mac: str = "",
        arp: bool | None = None,
        queue: int = 0,
    ) -> None:
        """Up or down, and what else is given with it, in one step. `queue`: the transmit queue in packets."""
        index = self.index(name)
        given: dict[str, str | int] = {"mtu": mtu, "address": mac, "txqlen": queue}
        options = {option: value for option, value in given.items() if value}
        if arp is not None:
            options["arp"] = arp
        state = "up" if up else "down"
        self._do(
            f"link {name} {state}", lambda socket: socket.link("set", index=index, state=state, **options)
        )

    def set_master(self, name: str, bridge: str) -> None:
        index, master = self.index(name), self.index(bridge)
        self._do(
            f"link {name} master {bridge}", lambda socket: socket.link("set", index=index, master=master)
        )

    def move_link(self, name: str, namespace: str | int) -> None:
        """Moves the link to another namespace, named or open as a descriptor; it loses its addresses."""
        index = self.index(name)
        with netns.opened(namespace) as descriptor:
            self._do(
                f"link {name} to {namespace}",
                lambda socket: socket.link("set", index=index, net_ns_fd=descriptor),
            )

    # -- addresses

    def addresses(self, device: str = "", *, ipv6: bool = False) -> list[str]:
        """Prefixes like '10.0.0.1/24', of one link or of all: IPv4, or IPv6 instead."""
        index = self.index(device) if device else 0
        found = self._do("addresses", lambda socket: list(socket.get_addr(family=10 if ipv6 else 2)))
        return [
            f"{each.get_attr('IFA_LOCAL') or each.get_attr('IFA_ADDRESS')}/{each['prefixlen']}"
            for each in found
            if index in (0, each["index"])
        ]

    def add_address(self, device: str, prefix: str) -> None:
        """`prefix`: address with length, for example '10.45.0.1/16'. One that is there already is well."""
        self._address("replace", device, prefix)

    def delete_address(self, device: str, prefix: str) -> None:
        self._address("del", device, prefix)

    def _address(self, verb: Literal["replace", "del"], device: str, prefix: str) -> None:
        interface = ipaddress.ip_interface(prefix)
        index = self.index(device)
        self._do(
            f"address {prefix} on {device}",
            lambda socket: socket.addr(
                verb, index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen
            ),
        )

    def device_of(self, address: str) -> str:
        """The link that has the address, '' when none has it."""
        if ipaddress.ip_address(address) in LOOPBACK:
            return "lo"
        what, family = f"address {address}", _family(address)

        def found(socket: IPRoute) -> list[int]:
            return [int(each["index"]) for each in socket.get_addr(family=family, address=address)]

        return next(map(self._name, self._do(what, found)), "")

    def _name(self, index: int) -> str:
        return self.run(lambda: socket.if_indextoname(index))

    # -- routes

    def device_towards(self, address: str) -> str:
        """The link by which the address is routed. TransportError without a route."""

        def found(socket: IPRoute) -> list[int]:
            return [int(each.get_attr("RTA_OIF")) for each in socket.route("get", dst=address)]

        return self._name(self._do(f"route to {address}", found)[0])

    def add_route(
        self,
        destination: str,
        *,
        via: str = "",
        device: str = "",
        table: int = MAIN_TABLE,
        kind: Kind = "unicast",
        source: str = "",
        metric: int = 0,
        mtu: int = 0,
        replace: bool = True,
    ) -> None:
        """`destination`: a prefix or 'default'. `mtu`: of the packets that take it, 0 for the link's.

        `kind='local'` makes every address of the prefix one of this host (AnyIP).
        An existing route to the same destination in the same table is replaced, or else an error (EEXIST).
        """
        verb: Literal["add", "replace"] = "replace" if replace else "add"
        self._route(verb, destination, via, device, table, kind, source, metric, mtu)

    def delete_route(
        self, destination: str, *, device: str = "", table: int = MAIN_TABLE, kind: Kind = "unicast"
    ) -> None:
        self._route("del", destination, "", device, table, kind)

    def _route(
        self,
        verb: Literal["add", "replace", "del"],
        destination: str,
        via: str,
        device: str,
        table: int,
        kind: Kind,
        source: str = "",
        metric: int = 0,
        mtu: int = 0,
    ) -> None:
        dst = "0.0.0.0/0" if destination == "default" else destination
        arguments: dict[str, str | int | dict[str, int]] = {
            "dst": dst,
            "family": _family(dst),
            "table": table,
            "type": kind,
        }
        if via:
            arguments["gateway"] = via
        if device:
            arguments["oif"] = self.index(device)
        if source:
            arguments["prefsrc"] = source
        if metric:
            arguments["priority"] = metric
        if mtu:
            arguments["metrics"] = {"mtu": mtu}
        if kind == "local":
            arguments["scope"] = "host"
        elif not via and kind == "unicast":
            arguments["scope"] = "link"
        self._do(f"route to {destination}", lambda socket: socket.route(verb, **arguments))

    def routes(self, table: int = MAIN_TABLE) -> list[Route]:
        names = {each.index: each.name for each in self.links()}
        found = self._do("routes", lambda socket: list(socket.get_routes(table=table)))
        return [
            Route(
                destination=f"{each.get_attr('RTA_DST') or '0.0.0.0'}/{each['dst_len']}",
                via=str(each.get_attr("RTA_GATEWAY") or ""),
                device=names.get(each.get_attr("RTA_OIF"), ""),
                table=int(each.get_attr("RTA_TABLE") or each["table"]),
                kind=_KINDS.get(int(each["type"]), str(each["type"])),
            )
            for each in found
            if each["family"] == 2
        ]

    # -- rules

    def add_rule(
        self,
        priority: int,
        table: int,
        *,
        source: str = "",
        destination: str = "",
        in_device: str = "",
        mark: int = 0,
    ) -> None:
        """A policy routing rule; `source` and `destination` are prefixes."""
        self._rule("add", priority, table, source, destination, in_device, mark)

    def delete_rule(self, priority: int, table: int, *, source: str = "") -> None:
        """One with these; without `source`, whatever its source."""
        self._rule("del", priority, table, source, "", "", 0)

    def _rule(
        self,
        verb: Literal["add", "del"],
        priority: int,
        table: int,
        source: str,
        destination: str,
        in_device: str,
        mark: int,
    ) -> None:
        arguments: dict[str, str | int] = {
            "priority": priority,
            "table": table,
            "family": _family(source or destination),
        }
        if source:
            arguments["src"] = source
        if destination:
            arguments["dst"] = destination
        if in_device:
            arguments["iifname"] = in_device
        if mark:
            arguments["fwmark"] = mark
        self._do(f"rule {priority}", lambda socket: socket.rule(verb, **arguments))

    def rules(self) -> list[Rule]:
        found = self._do("rules", lambda socket: list(socket.get_rules(family=2)))

        def prefix(address: str | None, length: int) -> str:
            return f"{address}/{length}" if address else ""

        return [
            Rule(
                priority=int(each.get_attr("FRA_PRIORITY") or 0),
                table=int(each.get_attr("FRA_TABLE") or each["table"]),
                source=prefix(each.get_attr("FRA_SRC"), each["src_len"]),
                destination=prefix(each.get_attr("FRA_DST"), each["dst_len"]),
                in_device=str(each.get_attr("FRA_IIFNAME") or ""),
                mark=int(each.get_attr("FRA_FWMARK") or 0),
            )
            for each in found
        ]

    # -- neighbours

    def add_neighbour(self, address: str, mac: str, device: str) -> None:
        """A permanent entry; replaces what is there."""
        index = self.index(device)
        self._do(
            f"neighbour {address}",
            lambda socket: socket.neigh(
                "replace", dst=address, lladdr=mac, ifindex=index, state=NUD_PERMANENT
            ),
        )

    def neighbours(self) -> list[Neighbour]:
        names = {each.index: each.name for each in self.links()}
        found = self._do("neighbours", lambda socket: list(socket.get_neighbours(family=2)))
        return [
            Neighbour(str(each.get_attr("NDA_DST")), str(each.get_attr("NDA_LLADDR")), names[each["ifindex"]])
            for each in found
            if each.get_attr("NDA_LLADDR")
        ]

    # -- what is not netlink but belongs to the same namespace

    def offload(self, device: str, **features: bool) -> None:
        """Turns features of `ethtool.FEATURES` on or off: offload('veth0', tx=False, tso=False)."""

        def work() -> None:
            for name, on in features.items():
                ethtool.set_feature(device, name, on)

        self.run(work)

    def sysctl(self, key: str) -> str:
        return self.run(lambda: sysctl.read(key))

    def set_sysctl(self, key: str, value: str | int) -> None:
        self.run(lambda: sysctl.write(key, value))


_KINDS = {
    1: "unicast",
    2: "local",
    3: "broadcast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
}
