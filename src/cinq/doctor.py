"""What this host can do for a 5G network: one finding for each capability, and the command that mends a lack."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cinq import contradictions
from cinq.crypto import native
from cinq.nf.udr import provisioning
from cinq.settings.network import NetworkSettings
from cinq.state import file_of, opened
from cinq.transport import privilege, sctp
from cinq.transport.error import TransportError
from cinq.transport.sctp.port_reservation import PortReservation
from cinq.transport.udp import holder
from cinq.transport.write_behind import StoreError
from cinq.userplane import tap
from cinq.userplane.ebpf.loader import Loaded
from cinq.userplane.ebpf.plane import OBJECT
from cinq.userplane.open import TCX_KERNEL, kernel

Verdict = Literal["ok", "degraded", "missing"]
VERDICTS: dict[contradictions.Severity, tuple[Verdict, str]] = {
    "error": ("missing", "it cannot work"),
    "warning": ("degraded", "it may not do what is meant"),
}
TOOLS = {"curl": "curl", "ping": "iputils-ping", "iperf3": "iperf3"}
"""Programs that the demo and the bench use where they are there, and their packages."""
FREE_OCTETS = 100 << 20
IPPROTO_SCTP = 132


@dataclass(frozen=True, slots=True)
class Finding:
    """looked_for: the capability. found: what is there. means: for the user. mend: a command, or empty."""

    looked_for: str
    verdict: Verdict
    found: str
    means: str
    mend: str = ""


def examine(settings: NetworkSettings) -> Iterator[Finding]:
    """Every finding, in the order in which a network needs them."""
    checks: tuple[Callable[[NetworkSettings], Iterator[Finding]], ...] = (
        _python,
        _ciphers,
        _privilege,
        _sctp,
        _bpf,
        _tun,
        _namespaces,
        _n2,
        _ports,
        _forwarding,
        _clock,
        _state,
        _tools,
        _settings,
        _subscribers,
    )
    for check in checks:
        yield from check(settings)


def _python(_: NetworkSettings) -> Iterator[Finding]:
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    yield Finding(
        "Python",
        "ok" if fits else "missing",
        f"{platform.python_implementation()} {version} on {platform.system()} {platform.release()}",
        "cinq runs" if fits else "cinq needs 3.11 or later",
        "" if fits else "install Python 3.11, then: make PYTHON=python3.11",
    )


def _ciphers(_: NetworkSettings) -> Iterator[Finding]:
    name = "SNOW 3G and ZUC"
    if native.WHY_PYTHON:
        means = "NEA1, NIA1, NEA3 and NIA3 run in Python: 80 to 180 µs a message in place of 5"
        yield Finding(name, "degraded", native.WHY_PYTHON, means, "apt-get install gcc; make clean set-up")
    else:
        yield Finding(name, "ok", "compiled at install", "NEA1, NIA1, NEA3 and NIA3 are fast")


def _privilege(_: NetworkSettings) -> Iterator[Finding]:
    held = privilege.held()
    needed = {"CAP_NET_ADMIN", "CAP_NET_RAW"}
    lacking = sorted(needed - held)
    if not lacking:
        yield Finding("privilege", "ok", ", ".join(sorted(held)), "interfaces, routes and N2 can be set up")
    else:
        yield Finding(
            "privilege",
            "degraded",
            f"lacking {', '.join(lacking)}",
            "the demo runs in a user namespace; `cinq up` needs these capabilities",
            "run as root: sudo cinq up",
        )


def _sctp(_: NetworkSettings) -> Iterator[Finding]:
    try:
        found = sctp.implementation()
    except TransportError as error:
        yield Finding("SCTP", "missing", error.what, "no gNB can connect", error.remedy)
        return
    if found == "kernel":
        yield Finding("SCTP", "ok", "kernel", "N2 uses the kernel's SCTP")
    else:
        yield Finding(
            "SCTP", "ok", "libusrsctp (the kernel has none)", "N2 runs in user space", "modprobe sctp"
        )


def _bpf(_: NetworkSettings) -> Iterator[Finding]:
    name, fallback = "eBPF data plane", "the TUN data plane serves: all works, more slowly"
    if not OBJECT.exists():
        yield Finding(
            name,
            "degraded",
            "gtpu.o was not built at install",
            fallback,
            "pip install ziglang; make clean demo",
        )
    elif kernel() < TCX_KERNEL:
        yield Finding(name, "degraded", f"kernel {platform.release()}", f"tcx needs 6.6 or later; {fallback}")
    else:
        try:
            Loaded(OBJECT, {}, ("decap",)).close()
        except OSError as error:
            wants = (
                " (it wants CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)"
                if isinstance(error, PermissionError)
                else ""
            )
            found = f"the kernel refuses it: {error.strerror or error}{wants}"
            yield Finding(name, "degraded", found[:200], fallback, "run as root: sudo cinq up")
        else:
            yield Finding(name, "ok", "the kernel loads it", "user traffic never touches Python")


def _tun(_: NetworkSettings) -> Iterator[Finding]:
    if trouble := tap.trouble():
        means = "veth pairs stand in: all works, more slowly"
        mend = f"chmod 0666 {tap.DEVICE}" if Path(tap.DEVICE).exists() else "modprobe tun"
        yield Finding("TUN", "degraded", trouble, means, mend)
    else:
        yield Finding("TUN", "ok", tap.DEVICE, "the fallback data plane and UE interfaces can be made")


def _namespaces(_: NetworkSettings) -> Iterator[Finding]:
    name = "network namespaces"
    if "CAP_SYS_ADMIN" in privilege.held():
        yield Finding(name, "ok", "may be made", "the demo and the bench can run")
    elif _may_unshare():
        yield Finding(name, "ok", "user namespaces are allowed", "the demo can run without root")
    else:
        mend = "sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"
        yield Finding(name, "missing", "neither root nor user namespaces", "the demo cannot run", mend)


def _may_unshare() -> bool:
    """Whether a child process may make a user and a network namespace."""
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(0 if libc.unshare(0x10000000 | 0x40000000) == 0 else 1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _n2(settings: NetworkSettings) -> Iterator[Finding]:
    address, port = str(settings.amf.n2_address), settings.amf.n2_port
    try:
        if sctp.implementation() == "kernel":
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SCTP) as probe:
                probe.bind((address, port))
        else:
            PortReservation(address, port).release()
    except OSError as error:
        found = getattr(error, "what", "") or f"{address}:{port}: {error.strerror}"
        mend = getattr(error, "remedy", "") or "stop it, or set another address"
        yield Finding("N2 of the AMF", "missing", found, "`cinq up` cannot start", mend)
        return
    yield Finding("N2 of the AMF", "ok", f"{address}:{port} is free", "`cinq up` can take it")


def _ports(settings: NetworkSettings) -> Iterator[Finding]:
    wanted = [("N4 of the SMF", str(settings.smf.n4_address), settings.smf.n4_port)]
    if settings.upf.start:
        wanted.append(("N4 of the UPF", str(settings.upf.n4_address), settings.upf.n4_port))
        wanted += [("N3 of the UPF", str(end), 2152) for end in settings.upf.n3.all]
    for name, address, port in wanted:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except OSError as error:
                who = holder(port)
                found = f"{address}:{port}: {error.strerror}{' by ' + who if who else ''}"
                yield Finding(
                    name, "missing", found, "`cinq up` cannot start", "stop it, or set another address"
                )
                continue
        yield Finding(name, "ok", f"{address}:{port} is free", "`cinq up` can take it")


def _forwarding(_: NetworkSettings) -> Iterator[Finding]:
    on = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "1"
    if on:
        yield Finding("IPv4 forwarding", "ok", "on", "UE traffic can leave by N6")
    elif "CAP_NET_ADMIN" in privilege.held():
        yield Finding("IPv4 forwarding", "ok", "off", "`cinq up` switches it on and back off when it stops")
    else:
        yield Finding(
            "IPv4 forwarding",
            "degraded",
            "off",
            "registered but no internet",
            "sysctl -w net.ipv4.ip_forward=1",
        )


class _Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("rest", ctypes.c_long * 40)]


def _clock(_: NetworkSettings) -> Iterator[Finding]:
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(_Timex()))
    if state == 5:
        found, mend = "the kernel says it is not synchronised", "timedatectl set-ntp true"
        yield Finding(
            "clock", "degraded", found, "times in traces may be off; nothing else depends on it", mend
        )
    else:
        yield Finding("clock", "ok", "synchronised", "times in traces are right")


def _state(settings: NetworkSettings) -> Iterator[Finding]:
    folder = settings.state.folder
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(existing, os.W_OK):
        mend = f"mkdir -p {folder} && chown $USER {folder}, or set [state] folder"
        yield Finding(
            "state folder", "missing", f"{existing} is not writable", "`cinq up` cannot start", mend
        )
        return
    free = shutil.disk_usage(existing).free
    if free < FREE_OCTETS:
        found = f"{free >> 20} MiB free under {existing}"
        yield Finding("state folder", "degraded", found, "the store may fill the disk", "free some space")
    else:
        found = f"{folder}, {free >> 30} GiB free"
        yield Finding("state folder", "ok", found, "subscribers and contexts can be kept")


def lacking_tools(wanted: Iterable[str] = TOOLS) -> list[str]:
    """Those of TOOLS that are not installed."""
    return [name for name in wanted if shutil.which(name) is None]


def install(tools: Iterable[str]) -> str:
    """The command that installs them."""
    return "apt-get install " + " ".join(TOOLS[name] for name in tools)


def _tools(_: NetworkSettings) -> Iterator[Finding]:
    lacking = lacking_tools()
    if lacking:
        mend = install(lacking)
        means = "the demo and the bench use their own traffic instead"
        yield Finding("test programs", "degraded", f"no {', '.join(lacking)}", means, mend)
    else:
        yield Finding("test programs", "ok", ", ".join(TOOLS), "the demo and the bench can use them")


def _settings(settings: NetworkSettings) -> Iterator[Finding]:
    found = [*contradictions.of_settings(settings), *contradictions.of_host(settings)]
    yield from _said("settings", found, "they fit each other and this host")


def _subscribers(settings: NetworkSettings) -> Iterator[Finding]:
    path = file_of(settings.state)
    if path is not None and not os.access(path, os.R_OK | os.W_OK):
        return
    all_of_them = contradictions.Subscribers(settings)
    try:
        store = opened(settings.state)
    except StoreError as error:
        yield Finding("subscribers", "degraded", str(error), "they were not looked at")
        return
    try:
        supis = list(provisioning.subscribers(store))
        for supi in supis:
            if (subscriber := provisioning.get(store, supi)) is not None:
                all_of_them.add(subscriber)
    finally:
        store.close()
    yield from _said("subscribers", list(all_of_them.found()), f"{len(supis)} fit the settings")


def _said(looked_for: str, found: list[contradictions.Contradiction], good: str) -> Iterator[Finding]:
    for each in found:
        verdict, means = VERDICTS[each.severity]
        yield Finding(looked_for, verdict, each.what, means, each.mend)
    if not found:
        yield Finding(looked_for, "ok", good, "nothing contradicts")
