"""Interfaces, addresses, routes and rules of one namespace, through pyroute2.

What transport.netlink does not have: namespaces by process id or path, links without ARP, routes with an MTU.
pyroute2 brings its own event loop, so its socket lives in a thread, which is also what enters the namespace.
Errors are OSError with the kernel's errno; a missing right is a PrivilegeError.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, TypeVar

from cinq.transport import netns, privilege
from cinq.transport.error import TransportError

if TYPE_CHECKING:
    from pyroute2 import IPRoute

T = TypeVar("T")
SIOCGIFMTU, SIOCGIFHWADDR, ARPHRD_ETHER = 0x8921, 0x8927, 1
TABLE_MAIN, TABLE_LOCAL = 254, 255
SCOPE_LINK, SCOPE_HOST = 253, 254
TYPE_LOCAL = 2


def open_namespace(where: str | int) -> int:
    """A descriptor of the network namespace of a process id, or at a path."""
    return os.open(f"/proc/{where}/ns/net" if isinstance(where, int) else where, os.O_RDONLY | os.O_CLOEXEC)


def exists(name: str) -> bool:
    """Whether the calling thread's namespace has an interface of this name."""
    return any(found == name for _, found in socket.if_nameindex())


def mtu_of(name: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket.fileno(), SIOCGIFMTU, struct.pack("16sI20x", name.encode(), 0))
    mtu: int = struct.unpack_from("I", answer, 16)[0]
    return mtu


def is_ethernet(name: str) -> bool:
    """Whether frames of the interface have an Ethernet header."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket.fileno(), SIOCGIFHWADDR, struct.pack("16s24x", name.encode()))
    return int.from_bytes(answer[16:18], sys.byteorder) == ARPHRD_ETHER


def mac_of(name: str) -> bytes:
    """The six octets of an interface's Ethernet address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket.fileno(), SIOCGIFHWADDR, struct.pack("16s24x", name.encode()))
    return answer[18:24]


class Links:
    """An open netlink socket in a namespace: that of the descriptor, or the calling thread's."""

    def __init__(self, namespace: int | None = None) -> None:
        self._namespace = namespace
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="links")
        try:
            self._socket = self._worker.submit(self._open).result()
        except BaseException:
            self._worker.shutdown()
            raise

    def _open(self) -> IPRoute:
        from pyroute2 import IPRoute  # 0.15 s of import, which most commands do not need

        if self._namespace is not None:
            netns.enter_descriptor(self._namespace)
        return IPRoute()

    def close(self) -> None:
        self._worker.submit(self._socket.close).result()
        self._worker.shutdown()

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done in the namespace."""
        return self._worker.submit(work).result()

    def _do(self, work: Callable[[IPRoute], T]) -> T:
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            return self._worker.submit(work, self._socket).result()
        except NetlinkError as error:
            if error.code == errno.EPERM:
                raise privilege.refused("CAP_NET_ADMIN", "an interface or a route of UEs") from None
            raise OSError(error.code, os.strerror(error.code)) from None

    # -- links

    def create_veth(self, name: str, peer: str) -> None:
        self._do(lambda route: route.link("add", ifname=name, kind="veth", peer={"ifname": peer}))

    def delete(self, name: str) -> None:
        """Deletes an interface of ours (both ends of a veth pair). Absent is well."""
        if self.run(lambda: exists(name)):
            self._do(lambda route: route.link("del", index=_index(name)))

    def move(self, name: str, namespace: int) -> None:
        self._do(lambda route: route.link("set", index=_index(name), net_ns_fd=namespace))

    def configure(self, name: str, *, mtu: int, mac: str = "", arp: bool = True, queue: int = 0) -> None:
        """Sets the interface up with this MTU. `queue` is the transmit queue in packets."""
        options: dict[str, str | int] = {"mtu": mtu}
        if mac:
            options["address"] = mac
        if queue:
            options["txqlen"] = queue
        self._do(lambda route: route.link("set", index=_index(name), arp=arp, state="up", **options))

    # -- addresses

    def add_address(self, name: str, address: IPv4Address) -> None:
        which = {"address": str(address), "prefixlen": 32}
        self._do(lambda route: route.addr("replace", index=_index(name), **which))

    def remove_address(self, name: str, address: IPv4Address) -> None:
        which = {"address": str(address), "prefixlen": 32}
        self._do(lambda route: route.addr("del", index=_index(name), **which))

    def add_any_address(self, network: IPv4Network, name: str) -> None:
        """Makes every address of the network one of ours (AnyIP), without an address per interface."""
        where = {"table": TABLE_LOCAL, "scope": SCOPE_HOST, "type": TYPE_LOCAL}
        self._do(lambda route: route.route("replace", dst=str(network), oif=_index(name), **where))

    # -- routes and rules

    def add_route(
        self,
        network: IPv4Network,
        name: str,
        *,
        table: int = TABLE_MAIN,
        mtu: int = 0,
        replace: bool = True,
    ) -> None:
        """A route to the network by the interface. Without `replace`, FileExistsError when there is one."""
        verb = "replace" if replace else "add"
        options: dict[str, int | dict[str, int]] = {"table": table, "scope": SCOPE_LINK}
        if mtu:
            options["metrics"] = {"mtu": mtu}
        self._do(lambda route: route.route(verb, dst=str(network), oif=_index(name), **options))

    def add_rule(self, source: IPv4Network, table: int, priority: int) -> None:
        """Policy rule: packets from the network look in the table."""
        which = {"src": str(source), "table": table, "priority": priority}
        self._do(lambda route: route.rule("add", **which))

    def remove_rule(self, source: IPv4Network, table: int, priority: int) -> None:
        which = {"src": str(source), "table": table, "priority": priority}
        self._do(lambda route: route.rule("del", **which))

    # -- questions

    def interface_of(self, address: IPv4Address) -> str:
        """The interface that has the address; OSError when none has it."""

        def work(route: IPRoute) -> str:
            for found in route.get_addr(address=str(address)):
                return socket.if_indextoname(found["index"])
            if address.is_loopback:
                return "lo"
            mend = "set n3_address to an address of this host (see: ip -br address)"
            raise TransportError(f"no interface has the N3 address {address}", mend)

        return self._do(work)

    def interface_towards(self, address: IPv4Address) -> str:
        """The interface by which the address is routed; OSError without a route."""

        def work(route: IPRoute) -> str:
            for found in route.route("get", dst=str(address)):
                return socket.if_indextoname(dict(found["attrs"])["RTA_OIF"])
            raise OSError(f"no route to {address}")

        return self._do(work)


def _index(name: str) -> int:
    """In the namespace of the calling thread: the worker's."""
    return socket.if_nametoindex(name)
