"""Three namespaces: radio side, core, data network. What was made is taken away, whatever happens."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import TracebackType
from typing import IO

from cinq.transport import netns
from cinq.transport.netlink import Netlink

PREFIX = "cinq-"
STOP_S = 5.0  # what a process gets between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True)
class Addresses:
    """The two links: N2 and N3 between radio and core, N6 between core and data network. Of length 24, IPv6 of 64."""

    gnb: IPv4Address = IPv4Address("10.77.0.2")
    core: IPv4Address = IPv4Address("10.77.0.1")
    upf_n6: IPv4Address = IPv4Address("10.78.0.1")
    data_network: IPv4Address = IPv4Address("10.78.0.2")
    gnb_ipv6: IPv6Address = IPv6Address("fd77::2")
    core_ipv6: IPv6Address = IPv6Address("fd77::1")
    upf_n6_ipv6: IPv6Address = IPv6Address("fd78::1")
    data_network_ipv6: IPv6Address = IPv6Address("fd78::2")


@dataclass
class Topology:
    """Use as a context manager. mtu: of the N3 link, octets. route_pool: a UE pool the data network routes back.

    name: where there are several at once.
    """

    mtu: int = 1500
    route_pool: str = ""
    addresses: Addresses = field(default_factory=Addresses)
    name: str = ""

    def __post_init__(self) -> None:
        tag = os.getpid()
        self.radio, self.core, self.dn = (
            f"{PREFIX}{self.name}{name}-{tag}" for name in ("radio", "core", "dn")
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Topology:
        sweep()
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make(self) -> None:
        for name in (self.radio, self.core, self.dn):
            netns.create(name)
        a = self.addresses
        self._join(self.core, "n2", f"{a.core}/24", self.radio, "gnb0", f"{a.gnb}/24", self.mtu)
        self._join(self.core, "n6", f"{a.upf_n6}/24", self.dn, "eth0", f"{a.data_network}/24", 1500)
        with Netlink(self.core) as core:
            core.add_route("default", via=str(a.data_network))
        if has_ipv6():
            self._join_ipv6()
        if self.route_pool:
            with Netlink(self.dn) as dn:
                dn.add_route(self.route_pool, via=str(a.upf_n6))

    def _join_ipv6(self) -> None:
        """N3 and N6 of IPv6 beside those of IPv4, with addresses that can be used at once."""
        a = self.addresses
        for namespace, name, address in (
            (self.core, "n2", a.core_ipv6),
            (self.radio, "gnb0", a.gnb_ipv6),
            (self.core, "n6", a.upf_n6_ipv6),
            (self.dn, "eth0", a.data_network_ipv6),
        ):
            with Netlink(namespace) as link:
                link.set_sysctl(f"net.ipv6.conf.{name}.accept_dad", 0)
                link.set_sysctl(f"net.ipv6.conf.{name}.disable_ipv6", 0)
                link.add_address(name, f"{address}/64")
        with Netlink(self.core) as core:
            core.add_route("::/0", via=str(a.data_network_ipv6))

    def _join(
        self, one: str, name: str, prefix: str, other: str, peer: str, peer_prefix: str, mtu: int
    ) -> None:
        with Netlink(one) as near:
            near.create_veth(name, peer, mtu=mtu)
            near.move_link(peer, other)
            near.add_address(name, prefix)
            near.set_up(name)
        with Netlink(other) as far:
            far.add_address(peer, peer_prefix)
            far.set_up(peer)

    def start(
        self,
        namespace: str,
        arguments: Sequence[str],
        *,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = subprocess.DEVNULL,
        stderr: int | IO[bytes] | None = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """A process in one of the namespaces; it is stopped with the topology at the latest."""
        process = netns.popen(namespace, arguments, stdin=stdin, stdout=stdout, stderr=stderr)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """Stops every process, the last started first, and takes the namespaces away."""
        while self._processes:
            stop(self._processes.pop())
        for name in (self.radio, self.core, self.dn):
            netns.delete(name)


def stop(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM, and SIGKILL to what does not heed it; its output is closed. The exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    code = process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return code


def has_ipv6() -> bool:
    """Whether this kernel does IPv6."""
    return Path("/proc/net/if_inet6").exists()


def work_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for one run: it holds keys."""
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")


def sweep() -> None:
    """What labs have left whose process is gone (killed, power cut): their programs, namespaces and folders."""
    for name in netns.names():
        if name.startswith(PREFIX) and _is_gone(name.rpartition("-")[2]):
            _end_programs(name)
            netns.delete(name)
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid() and _is_gone(folder.name.split("-")[1]):
                shutil.rmtree(folder)


def _is_gone(owner: str) -> bool:
    if not owner.isdigit():
        return False
    try:
        os.kill(int(owner), signal.SIG_DFL)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


def _end_programs(namespace: str) -> None:
    """Programs of ours that a lab has started there; others may be somebody's shell."""
    there = netns.path(namespace).stat().st_ino
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_ours = b"\0-m\0cinq" in (process / "cmdline").read_bytes()
            if is_ours and (process / "ns/net").stat().st_ino == there:
                os.kill(int(process.name), signal.SIGKILL)
