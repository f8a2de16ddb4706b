"""Chooses the data plane: eBPF where the kernel lets us, else TUN, with one line in the log that says why."""

from __future__ import annotations

import errno
import logging
import platform
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from pathlib import Path

from cinq.transport import privilege
from cinq.transport.error import TransportError
from cinq.userplane import n6
from cinq.userplane.ebpf import pins
from cinq.userplane.ebpf.plane import OBJECT, EbpfPlane
from cinq.userplane.host import Host
from cinq.userplane.rules import Plane, PlaneEvents, PlaneSettings, Protected, Role
from cinq.userplane.tun import TunPlane

log = logging.getLogger(__name__)

TCX_KERNEL = 6, 6
BPF_RIGHTS = dict.fromkeys(("CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"), "the eBPF data plane")
PASSES_BY = "IPsec is required on N3, and what eBPF sends passes policies of IPsec by"


def open_plane(settings: PlaneSettings, events: PlaneEvents, journal: Path) -> Plane:
    """A running plane of this end, with its N6 (role UPF). Call it with the event loop running.

    `journal` is the file that remembers what was changed on the host. OSError (host.Busy among them): nothing
    is left behind, and the text says what is missing.
    """
    settings = _with_pins(settings)
    host = Host(journal, adopt=settings.pins is not None and settings.plane != "tun")
    try:
        settings = _spelt(host, settings)
        n3 = settings.n3_interface or _n3_interface(host, settings)
        n6_interface = _set_up(host, settings, n3)
        plane = _choose(settings, events, host, n3, n6_interface)
    except BaseException:
        host.close()
        raise
    return plane


def _set_up(host: Host, settings: PlaneSettings, n3: str) -> str:
    """N6 of a UPF: its interface, where there is one."""
    if settings.role is not Role.UPF:
        return ""
    if settings.n9_interface and not host.links.has_link(settings.n9_interface):
        mend = "set n9_interface to an interface of this host (see: ip -br link), or leave it out"
        raise TransportError(f"no interface {settings.n9_interface}, where N9 is to be", mend)
    n6.set_up(host, settings, n3)
    return n6.n6_interface(host, settings)


def _with_pins(settings: PlaneSettings) -> PlaneSettings:
    """In a folder of this instance; without pins where there is no BPF file system, which the log says."""
    if settings.pins is None:
        return settings
    if found := pins.trouble(settings.pins):
        log.warning("user plane: packets stop with this process: %s", found)
        return replace(settings, pins=None)
    return replace(settings, pins=settings.pins / "cinq" / settings.instance)


def _spelt(host: Host, settings: PlaneSettings) -> PlaneSettings:
    """What is protected at 0.0.0.0 is so at each address of this host now; where UEs do not reach it, all are whole."""
    if settings.role is Role.UPF and not settings.reach_host:
        whole = (Protected(address) for address in _own_ipv4(host))
        networks = (*settings.protected_networks, *(_own_ipv6(host) if settings.ue_prefixes else ()))
        settings = replace(settings, protected=(*settings.protected, *whole), protected_networks=networks)
    everywhere = [endpoint for endpoint in settings.protected if not int(endpoint.address)]
    if not everywhere:
        return settings
    spelt = [replace(endpoint, address=address) for endpoint in everywhere for address in _own_ipv4(host)]
    return replace(settings, protected=(*settings.protected, *spelt))


def _own_ipv4(host: Host) -> list[IPv4Address]:
    return [IPv4Address(prefix.partition("/")[0]) for prefix in host.links.addresses()]


def _own_ipv6(host: Host) -> list[IPv6Network]:
    """The host's IPv6 addresses: no UE reaches what listens there."""
    found = [IPv6Address(prefix.partition("/")[0]) for prefix in host.links.addresses(ipv6=True)]
    return [IPv6Network(address) for address in found if not address.is_link_local]


def _n3_interface(host: Host, settings: PlaneSettings) -> str:
    """The interface that has the N3 addresses."""
    found = {end: host.links.device_of(str(end)) for end in settings.n3.all}
    for end, name in found.items():
        if not name:
            mend = "set n3_address to an address of this host (see: ip -br address)"
            raise TransportError(f"no interface has the N3 address {end}", mend)
    if len(set(found.values())) > 1:
        where = " and ".join(f"{end} on {name}" for end, name in found.items())
        raise TransportError(f"N3 is on two interfaces: {where}", "give one interface both addresses")
    return found[settings.n3_address]


def _choose(settings: PlaneSettings, events: PlaneEvents, host: Host, n3: str, n6_interface: str) -> Plane:
    if settings.plane == "tun":
        return TunPlane(settings, host, events, n3)
    try:
        if not OBJECT.exists():
            raise FileNotFoundError(f"{OBJECT.name} was not built (no clang and no ziglang at install)")
        if settings.n3_ipsec:
            raise TransportError(PASSES_BY, 'upf.data_plane = "tun"')
        if not host.links.link(n3).ethernet:
            raise OSError(f"N3 is on {n3}, which has no Ethernet header")
        plane = EbpfPlane(settings, host, events, n3, n6_interface)
    except OSError as error:
        reason = _reason(error)
        if settings.plane == "ebpf":
            raise reason from error
        log.warning("user plane: TUN instead of eBPF: %s", getattr(reason, "what", reason))
        return _tun(settings, events, host, n3)
    log.info("user plane: eBPF on %s", n3)
    return plane


def _tun(settings: PlaneSettings, events: PlaneEvents, host: Host, n3: str) -> TunPlane:
    """Nothing of an eBPF plane is left, a former process's neither."""
    host.restore()
    _set_up(host, settings, n3)
    if settings.pins is not None:
        log.warning("user plane: packets stop with this process: the TUN plane is in it")
    return TunPlane(settings, host, events, n3)


def kernel() -> tuple[int, ...]:
    """Version and patch level, such as 6, 1."""
    return tuple(int(number) for number in platform.release().split("-")[0].split(".")[:2])


def _reason(error: OSError) -> OSError:
    """A refusal by the kernel says nothing of what it wanted."""
    if error.errno == errno.EINVAL and kernel() < TCX_KERNEL:
        wanted = ".".join(map(str, TCX_KERNEL))
        return TransportError(f"kernel {platform.release()} has no tcx", f"Linux {wanted} or later has it")
    if error.errno not in (errno.EPERM, errno.EACCES) or isinstance(error, TransportError):
        return error
    try:
        privilege.require(BPF_RIGHTS)
    except privilege.PrivilegeError as missing:
        return missing
    return privilege.refused("CAP_BPF", "the eBPF data plane")
