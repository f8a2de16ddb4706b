"""What contradicts what: the settings themselves, the host that they name, the subscribers that they are for.

An error is where it cannot work, a warning where it may; each comes with its mend. `cinq up`, `cinq doctor` and
`cinq subscriber` say them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from itertools import combinations
from pathlib import Path
from typing import Literal

from cinq.crypto import suci
from cinq.functions import PROFILES, slices_of
from cinq.nf.udr import provisioning
from cinq.nf.udr.provisioning import Subscriber
from cinq.numbering import Supi
from cinq.procedure.store import Store
from cinq.settings.network import DataNetwork, NetworkSettings
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink
from cinq.transport_address import Address
from cinq.userplane.rules import GTPU_PORT, headers_on

log = logging.getLogger("cinq.network")

Severity = Literal["error", "warning"]
OWN = "cinq"
IPV6_ADDRESSES = Path("/proc/net/if_inet6")
"""Interfaces of a data plane begin so: what a running or a killed network has there is no contradiction."""
SHOWN = 3
LOOKED_AT_ONCE, PAUSE_S = 10, 0.005  # subscribers, between pauses that leave the loop to others


@dataclass(frozen=True, slots=True)
class Contradiction:
    """what: both sides of it, with their values. mend: a setting or a command."""

    severity: Severity
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} · {self.mend}"


Found = Iterator[Contradiction]


def _error(what: str, mend: str) -> Contradiction:
    return Contradiction("error", what, mend)


def _warning(what: str, mend: str) -> Contradiction:
    return Contradiction("warning", what, mend)


# -- the settings themselves


def of_settings(s: NetworkSettings) -> Found:
    """What needs neither host nor subscribers to be seen."""
    checks = (_ports, _user_planes, _slices, _tracking_areas, _pools, _ims, _mtu, _keys, _eligibility)
    for check in checks:
        yield from check(s)


def _ports(s: NetworkSettings) -> Found:
    if not s.upf.start:
        return
    wanted = (
        ("smf.n4_port", s.smf.n4_address, s.smf.n4_port),
        ("upf.n4_port", s.upf.n4_address, s.upf.n4_port),
        *((f"GTP-U of {key}", address, GTPU_PORT) for key, address in _n3(s).items()),
    )
    for (one, address, port), (other, its_address, its_port) in combinations(wanted, 2):
        if port == its_port and (address == its_address or not int(address) or not int(its_address)):
            yield _error(
                f"{one} and {other} are both UDP port {port} of {address}", "give one another address"
            )


def _user_planes(s: NetworkSettings) -> Found:
    for upf in s.user_plane:
        if s.upf.start and upf.n4_address == s.upf.n4_address:
            yield _error(
                f"user_plane {upf.n4_address} is this core's own UPF",
                "take the [[user_plane]] away, or start = false",
            )
        elif s.smf.n4_address.is_loopback and not upf.n4_address.is_loopback:
            what = f"smf.n4_address {s.smf.n4_address} is for this host alone, and UPF {upf.n4_address} is elsewhere"
            yield _error(what, "[smf] n4_address = an address that the UPF reaches")


def _slices(s: NetworkSettings) -> Found:
    served = slices_of(s)
    for d in s.dnn:
        strange = [str(x) for x in d.slices if x not in served]
        if strange:
            what = (
                f"DNN {d.name} is offered in slice {', '.join(strange)}; the network serves {_list(served)}"
            )
            mend = "add it to [network] slices, or take it from [[dnn]] slices"
            yield (_error if len(strange) == len(d.slices) else _warning)(what, mend)
    for x in served:
        if not any(not d.slices or x in d.slices for d in s.dnn):
            yield _warning(f"no DNN is offered in slice {x}", f'add "{x}" to the slices of a [[dnn]]')


def _tracking_areas(s: NetworkSettings) -> Found:
    served = {*s.network.tacs, *(tac for one in s.network.shared for tac in one.tacs)}
    named = {
        "amf.allowed_tacs": s.amf.allowed_tacs,
        "amf.non_allowed_tacs": s.amf.non_allowed_tacs,
        "amf.forbidden_tacs": s.amf.forbidden_tacs,
        "amf.tracking_area_group": [tac for group in s.amf.tracking_area_group for tac in group.tacs],
        **{f"ladn_tacs of DNN {d.name}": d.ladn_tacs for d in s.dnn},
    }
    for key, tacs in named.items():
        strange = sorted(set(tacs) - served)
        if strange:
            yield _warning(
                f"{key} names {_list(strange)}, which [network] tacs has not", "add it to [network] tacs"
            )
    if served <= set(s.amf.forbidden_tacs):
        yield _error("every tracking area is in amf.forbidden_tacs: no UE can register", "leave one out")
    if s.amf.allowed_tacs and not served & set(s.amf.allowed_tacs):
        yield _error(
            "amf.allowed_tacs has no tracking area of this network: no UE gets service", "add one of them"
        )


def _n3(s: NetworkSettings) -> dict[str, Address]:
    """The addresses of N3 by their keys."""
    keys = "upf.n3_address", "upf.n3_ipv6_address"
    return dict(zip(keys, (s.upf.n3_address, *s.upf.n3.all[1:]), strict=False))


def _pools(s: NetworkSettings) -> Found:
    ours: dict[str, Address] = {
        "amf.n2_address": s.amf.n2_address,
        "smf.n4_address": s.smf.n4_address,
        "upf.n4_address": s.upf.n4_address,
        **_n3(s),
    }
    for d in s.dnn:
        for key, address in ours.items():
            for pool in [d.pool] if isinstance(address, IPv4Address) else d.ipv6_pool:
                if address in pool:
                    what = f"{key} {address} is in the pool {pool} of DNN {d.name}"
                    yield _error(what, "choose another pool")
        for server in (*d.dns, *d.p_cscf):
            if any(server in other.pool for other in s.dnn):
                yield _warning(
                    f"the server {server} of DNN {d.name} is an address of a UE pool", "check dns and p_cscf"
                )
            if any(server in network for network in s.upf.protect):
                yield _warning(
                    f"the server {server} of DNN {d.name} is behind upf.protect",
                    "UEs cannot reach it: move it",
                )


def _ims(s: NetworkSettings) -> Found:
    with_cscf = [d.name for d in s.dnn if d.p_cscf]
    if s.amf.ims_voice and not with_cscf:
        yield _warning(
            "amf.ims_voice tells UEs of an IMS; no [[dnn]] has a p_cscf", 'p_cscf = ["..."] in the DNN ims'
        )
    if with_cscf and not s.amf.ims_voice:
        yield _warning(
            f"DNN {with_cscf[0]} has a p_cscf; UEs are told that there is no IMS voice",
            "[amf] ims_voice = true",
        )


def _mtu(s: NetworkSettings) -> Found:
    room = s.upf.n3_mtu - headers_on(s.upf.n3)
    for d in s.dnn:
        if s.upf.n3_mtu and d.mtu > room:
            yield _warning(
                f"mtu {d.mtu} of DNN {d.name} does not fit upf.n3_mtu: UEs are told {room}", f"mtu = {room}"
            )


def _keys(s: NetworkSettings) -> Found:
    for key in s.home_network_key:
        try:
            suci.public_key(PROFILES[key.profile], key.private_key)
        except suci.SuciError as error:
            yield _error(
                f"home_network_key {key.id}: no private key of profile {key.profile}: {error}", "another key"
            )


def _eligibility(s: NetworkSettings) -> Found:
    chosen = s.eligibility
    if chosen.policy and chosen.inventory is None:
        yield _warning(
            "eligibility.policy is there and no eligibility.inventory: nobody's maker is known",
            '[eligibility] inventory = "inventory.toml" (cinq policy example inventory)',
        )
    if chosen.policy and chosen.terminal != "audit" and s.eir.check == "off":
        yield _warning(
            f"eligibility.terminal is {chosen.terminal}, and the AMF asks the 5G-EIR about no terminal",
            '[eir] check = "fail-open"',
        )


# -- the host


def of_host(s: NetworkSettings) -> Found:
    """What this host lacks or has already. Nothing where it does not let us look."""
    try:
        with Netlink() as links:
            names = [link.name for link in links.links()]
            addresses = [(name, prefix) for name in names for prefix in links.addresses(name)]
            six = [ip_address(prefix.partition("/")[0]) for prefix in links.addresses(ipv6=True)]
            routes = [(r.destination, r.device) for r in links.routes()]
    except (TransportError, OSError):
        return
    defaults = [device for destination, device in routes if destination == "0.0.0.0/0"]
    if s.upf.start:
        yield from _n6(s, names, defaults)
    way_out = s.upf.n6_interface or next(iter(defaults), "")
    own = [ip_address(prefix.partition("/")[0]) for _, prefix in addresses]
    yield from _addresses(s, [*own, *six])
    networks = {IPv4Network(prefix, strict=False): name for name, prefix in addresses}
    for destination, device in routes:
        networks.setdefault(IPv4Network(destination, strict=False), device)
    if s.upf.start:
        yield from _overlaps(s, networks, way_out)
        yield from _ipv6(s)


def _ipv6(s: NetworkSettings) -> Found:
    """What the IPv6 pools want of the host."""
    pools = [(d.name, pool) for d in s.dnn for pool in d.ipv6_pool]
    if pools and not IPV6_ADDRESSES.exists():
        yield _error(
            "this kernel has no IPv6, which ipv6_pool wants", "modprobe ipv6, or take ipv6_pool away"
        )
        return
    try:
        with Netlink() as links:
            own = [IPv6Network(prefix, strict=False) for prefix in links.addresses(ipv6=True)]
    except (TransportError, OSError):
        return
    for name, pool in pools:
        for network in own:
            if network.overlaps(pool):
                what = f"ipv6_pool {pool} of DNN {name} overlaps {network}, which this host has"
                yield _error(what, "[[dnn]] ipv6_pool = a network that ip -6 route does not show")


def _n6(s: NetworkSettings, names: list[str], defaults: list[str]) -> Found:
    for d in s.dnn:
        if d.n6_interface and d.n6_interface not in names:
            what = f"n6_interface {d.n6_interface} of DNN {d.name} is not there; this host has {_list(names)}"
            yield _error(what, "ip -br link")
    named = s.upf.n6_interface
    if named and named not in names:
        yield _error(f"upf.n6_interface {named} is not there; this host has {_list(names)}", "ip -br link")
    elif not named and not defaults:
        what = (
            "this host has no default route and upf.n6_interface is empty: UEs reach nothing beyond this host"
        )
        yield _warning(what, '[upf] n6_interface = "..." (ip -br link)')


def _addresses(s: NetworkSettings, own: list[Address]) -> Found:
    wanted: dict[str, Address] = {"amf.n2_address": s.amf.n2_address, "smf.n4_address": s.smf.n4_address}
    if s.upf.start:
        wanted |= {"upf.n4_address": s.upf.n4_address, **_n3(s)}
    for key, address in wanted.items():
        if not address.is_loopback and int(address) and address not in own:
            like = [each for each in own if each.version == address.version]
            mend = (
                f"one of {_list(like)} (ip -br address)" if like else f"this host has no IPv{address.version}"
            )
            yield _error(f"{key} {address} is no address of this host", mend)
    if s.upf.start and s.amf.n2_address.is_loopback != s.upf.n3_address.is_loopback:
        what = f"of amf.n2_address {s.amf.n2_address} and upf.n3_address {s.upf.n3_address} one is for this host alone"
        yield _warning(what, "a gNB elsewhere needs both to be addresses that it reaches")


def _overlaps(s: NetworkSettings, networks: dict[IPv4Network, str], way_out: str) -> Found:
    """The longer prefix wins: a pool within a wider route works, and cuts a piece out of it."""
    for d in s.dnn:
        for network, device in networks.items():
            if device.startswith(OWN) or not network.prefixlen or not network.overlaps(d.pool):
                continue
            what = f"pool {d.pool} of DNN {d.name} overlaps {network}, which this host has on {device or 'a route'}"
            within = network.prefixlen < d.pool.prefixlen and device != way_out
            yield (_warning if within else _error)(
                what, "[[dnn]] pool = a network that ip route does not show"
            )


# -- the subscribers


def of_subscriber(s: NetworkSettings, subscriber: Subscriber) -> Found:
    """What keeps one subscriber from this network or from a part of it."""
    if not any(subscriber.supi.imsi.startswith(plmn.mcc + plmn.mnc) for plmn in s.plmns):
        what = f"the IMSI begins with no PLMN of this network ({_list(s.plmns)})"
        yield _error(what, "give the settings of its network with --config, or set [network] plmn or shared")
    served = (*slices_of(s), *(x for one in s.amf_set for x in one.slices))
    strange_slices = [x for x in subscriber.slices if x not in served]
    if strange_slices:
        what = f"subscribed to slice {_list(strange_slices)}; this network serves {_list(served)}"
        nothing = len(strange_slices) == len(subscriber.slices)
        yield (_error if nothing else _warning)(
            what, "add it to [network] slices, or change the subscription"
        )
    here = {d.identifier: d for d in s.dnn}
    strange_dnns = [name for name in subscriber.dnns if name not in here]
    if strange_dnns:
        what = f"subscribed to DNN {_list(strange_dnns)}; this network has {_list(here)}"
        nothing = len(strange_dnns) == len(subscriber.dnns)
        yield (_error if nothing else _warning)(
            what, "add a [[dnn]] of that name, or change the subscription"
        )
    offered = [here[name] for name in subscriber.dnns if name in here]
    for d in offered:
        if d.slices and not set(d.slices) & set(subscriber.slices):
            what = f"DNN {d.name} is offered in slice {_list(d.slices)}; subscribed is {_list(subscriber.slices)}"
            yield _warning(what, "change the slices of the subscription or of the [[dnn]]")
    if subscriber.static_ip is not None:
        yield from _static(subscriber.static_ip, offered)
    prefix = subscriber.static_prefix
    pools = [pool for d in offered for pool in d.ipv6_pool]
    if prefix is not None and not any(prefix.subnet_of(pool) for pool in pools):
        what = f"static prefix {prefix} is in no IPv6 pool of its DNNs ({_list(pools) or 'none'})"
        yield _error(what, "--static-prefix of that pool, or a [[dnn]] ipv6_pool that has it")


def _static(address: IPv4Address, offered: list[DataNetwork]) -> Found:
    pools = [d.pool for d in offered]
    holder = next((pool for pool in pools if address in pool), None)
    if holder is None:
        yield _error(
            f"static address {address} is in no pool of its DNNs ({_list(pools) or 'none'})",
            "one of the pool",
        )
        return
    gateway = holder.network_address + 1
    reserved = {
        holder.network_address: "the network's",
        gateway: "the gateway's",
        holder.broadcast_address: "broadcast",
    }
    if address in reserved:
        yield _error(
            f"static address {address} of pool {holder} is {reserved[address]}", f"from {gateway + 1} on"
        )


class Subscribers:
    """All of them, looked at one by one: each kind of contradiction once, with whom it meets."""

    def __init__(self, s: NetworkSettings) -> None:
        self._settings = s
        self._kinds: dict[Contradiction, list[Supi]] = defaultdict(list)
        self._static: dict[IPv4Address, list[Supi]] = defaultdict(list)

    def add(self, subscriber: Subscriber) -> None:
        for found in of_subscriber(self._settings, subscriber):
            self._kinds[found].append(subscriber.supi)
        if subscriber.static_ip is not None:
            self.has_static(subscriber.static_ip, subscriber.supi)

    def has_static(self, address: IPv4Address, supi: Supi) -> None:
        """One who is beside those that are looked at."""
        self._static[address].append(supi)

    def found(self, addresses: Container[IPv4Address | None] | None = None) -> Found:
        """addresses: which static addresses are looked at; None: all."""
        for found, whom in self._kinds.items():
            yield Contradiction(found.severity, f"{_some(whom)}: {found.what}", found.mend)
        for address, whom in self._static.items():
            if len(whom) > 1 and (addresses is None or address in addresses):
                what = f"{_some(whom)} have one static address, {address}"
                yield _error(what, f"cinq subscriber set {whom[-1]} --static-ip another")


def of_new_subscribers(s: NetworkSettings, store: Store, new: list[Subscriber]) -> Found:
    """What is wrong with those who are to be stored; whose address they have, of those who are there already."""
    looked_at = Subscribers(s)
    ours = {subscriber.supi for subscriber in new}
    if any(subscriber.static_ip for subscriber in new):
        for supi in provisioning.subscribers(store):
            other = provisioning.get(store, supi) if supi not in ours else None
            if other is not None and other.static_ip is not None:
                looked_at.has_static(other.static_ip, supi)
    wanted = {subscriber.static_ip for subscriber in new}
    for subscriber in new:
        looked_at.add(subscriber)
    yield from looked_at.found(wanted)


def _some(whom: list[Supi]) -> str:
    more = f" and {len(whom) - SHOWN} more" if len(whom) > SHOWN else ""
    return _list(whom[:SHOWN]) + more


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


async def tell_of_subscribers(settings: NetworkSettings, store: Store) -> None:
    """Into the log: those who cannot be served here, in pauses of the other work."""
    all_of_them = Subscribers(settings)
    for number, supi in enumerate(list(provisioning.subscribers(store)), 1):
        if (subscriber := provisioning.get(store, supi)) is not None:
            all_of_them.add(subscriber)
        if number % LOOKED_AT_ONCE == 0:
            await asyncio.sleep(PAUSE_S)
    for each in all_of_them.found():
        log.warning("%s", each)
