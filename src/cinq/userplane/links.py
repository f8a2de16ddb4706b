"""Interfaces, addresses, routes and rules, through pyroute2.

Each call runs in a short-lived thread of its own: pyroute2 brings its own event loop, and a thread can enter
another network namespace without moving the process. Errors are OSError with the kernel's errno.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
SIOCGIFMTU = 0x8921
TABLE_MAIN = 254
TABLE_LOCAL = 255
SCOPE_LINK, SCOPE_HOST = 253, 254
TYPE_UNICAST, TYPE_LOCAL = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def open_namespace(where: str | int) -> int:
    """A descriptor of the network namespace of a process id, or at a path."""
    return os.open(f"/proc/{where}/ns/net" if isinstance(where, int) else where, os.O_RDONLY | os.O_CLOEXEC)


def within(namespace: int | None, work: Callable[[], T]) -> T:
    """Runs `work` in a thread, inside the namespace (a descriptor; None: ours)."""
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            if namespace is not None and _libc.setns(namespace, CLONE_NEWNET):
                code = ctypes.get_errno()
                raise OSError(code, f"network namespace: {os.strerror(code)}")
            results.append(work())
        except NetlinkError as error:
            errors.append(OSError(error.code, str(error)))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body, name="netlink")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _index(name: str) -> int:
    return socket.if_nametoindex(name)


def create_veth(name: str, peer: str) -> None:
    def work() -> None:
        with IPRoute() as route:
            route.link("add", ifname=name, kind="veth", peer={"ifname": peer})

    within(None, work)


def exists(name: str) -> bool:
    return any(found == name for _, found in socket.if_nameindex())


def delete(name: str) -> None:
    """Deletes an interface of ours (both ends of a veth pair). Absent is well."""

    def work() -> None:
        try:
            index = _index(name)
        except OSError:
            return
        with IPRoute() as route:
            route.link("del", index=index)

    within(None, work)


def move(name: str, namespace: int) -> None:
    def work() -> None:
        with IPRoute() as route:
            route.link("set", index=_index(name), net_ns_fd=namespace)

    within(None, work)


def configure(
    name: str, *, mtu: int, mac: str = "", arp: bool = True, queue: int = 0, namespace: int | None = None
) -> None:
    """Sets the interface up with this MTU. `queue` is the transmit queue in packets."""

    def work() -> None:
        options: dict[str, str | int] = {"mtu": mtu}
        if mac:
            options["address"] = mac
        if queue:
            options["txqlen"] = queue
        with IPRoute() as route:
            route.link("set", index=_index(name), arp=arp, state="up", **options)

    within(namespace, work)


def add_address(name: str, address: IPv4Address, namespace: int | None = None) -> None:
    def work() -> None:
        with IPRoute() as route:
            route.addr("replace", index=_index(name), address=str(address), prefixlen=32)

    within(namespace, work)


def remove_address(name: str, address: IPv4Address, namespace: int | None = None) -> None:
    def work() -> None:
        with IPRoute() as route:
            route.addr("del", index=_index(name), address=str(address), prefixlen=32)

    within(namespace, work)


def add_route(
    network: IPv4Network,
    name: str,
    table: int = TABLE_MAIN,
    namespace: int | None = None,
    *,
    replace: bool = True,
    mtu: int = 0,
) -> None:
    """A route to the network by the interface. Without `replace`, FileExistsError when there is one."""
    limits = {"metrics": {"mtu": mtu}} if mtu else {}

    def work() -> None:
        with IPRoute() as route:
            verb = "replace" if replace else "add"
            route.route(verb, dst=str(network), oif=_index(name), table=table, scope=SCOPE_LINK, **limits)

    within(namespace, work)


def add_any_address(network: IPv4Network, name: str, namespace: int | None = None) -> None:
    """Makes every address of the network one of ours (AnyIP), without an address per interface."""

    def work() -> None:
        with IPRoute() as route:
            where = {"table": TABLE_LOCAL, "scope": SCOPE_HOST, "type": TYPE_LOCAL}
            route.route("replace", dst=str(network), oif=_index(name), **where)

    within(namespace, work)


def add_rule(source: IPv4Network, table: int, priority: int, namespace: int | None = None) -> None:
    """Policy rule: packets from the network look in the table."""

    def work() -> None:
        with IPRoute() as route:
            route.rule("add", src=str(source), table=table, priority=priority)

    within(namespace, work)


def remove_rule(source: IPv4Network, table: int, priority: int, namespace: int | None = None) -> None:
    def work() -> None:
        with IPRoute() as route:
            route.rule("del", src=str(source), table=table, priority=priority)

    within(namespace, work)


def interface_of(address: IPv4Address) -> str:
    """The interface that has the address; OSError when none has it."""

    def work() -> str:
        with IPRoute() as route:
            for found in route.get_addr(address=str(address)):
                return socket.if_indextoname(found["index"])
        if address.is_loopback:
            return "lo"
        raise OSError(f"no interface has the address {address}")

    return within(None, work)


def interface_towards(address: IPv4Address) -> str:
    """The interface by which the address is routed; OSError without a route."""

    def work() -> str:
        with IPRoute() as route:
            for found in route.route("get", dst=str(address)):
                return socket.if_indextoname(dict(found["attrs"])["RTA_OIF"])
        raise OSError(f"no route to {address}")

    return within(None, work)


def mtu_of(name: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket.fileno(), SIOCGIFMTU, struct.pack("16sI20x", name.encode(), 0))
    mtu: int = struct.unpack_from("I", answer, 16)[0]
    return mtu
