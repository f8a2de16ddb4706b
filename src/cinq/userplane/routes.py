"""Framed routes: networks behind UEs, which packets reach through the tunnel. TS 23.501 §5.6.14.

A route names the UE's address or prefix, whose rule then decides as for the UE itself; the longest that fits counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink
from cinq.userplane.rules import AddressInUse, Network, RuleError, SessionRules

_Key = tuple[int, int, int]


def routes_of(rules: SessionRules | None) -> dict[Network, int]:
    """The networks behind a session's UE, and the key of the rule that serves each."""
    found: dict[Network, int] = {}
    for encap in () if rules is None else rules.encap:
        for route in encap.routes:
            found[route] = encap.key
    return found


class Behind:
    """Of all sessions: whose UE a network is behind."""

    def __init__(self) -> None:
        self._owners: dict[_Key, tuple[int, int]] = {}
        self._lengths: dict[int, Counter[int]] = {4: Counter(), 6: Counter()}

    def __len__(self) -> int:
        return len(self._owners)

    def admit(self, rules: SessionRules) -> None:
        """RuleError when another session has one of its routes, or a rule has one of the other version of IP."""
        for encap in rules.encap:
            for route in encap.routes:
                if route.version != encap.ue.version:
                    raise RuleError(f"{route} cannot be behind {encap.ue}")
                owner, _ = self._owners.get(_key(route), (rules.session, 0))
                if owner != rules.session:
                    raise AddressInUse(f"{route} is behind the UE of another session")

    def add(self, rules: SessionRules) -> None:
        for route, ue in routes_of(rules).items():
            self._owners[_key(route)] = rules.session, ue
            self._lengths[route.version][route.prefixlen] += 1

    def remove(self, rules: SessionRules) -> None:
        for route in routes_of(rules):
            if self._owners.pop(_key(route), None) is not None:
                self._lengths[route.version][route.prefixlen] -= 1

    def find(self, address: bytes) -> int | None:
        """The key of the UE that the address is behind (rules.address_key)."""
        if not self._owners:
            return None
        version, bits = (4, 32) if len(address) == 4 else (6, 128)
        number = int.from_bytes(address, "big")
        for length in sorted(+self._lengths[version], reverse=True):
            found = self._owners.get((version, length, number >> bits - length))
            if found is not None:
                return found[1]
        return None


def _key(route: Network) -> _Key:
    shift = route.max_prefixlen - route.prefixlen
    return route.version, route.prefixlen, int(route.network_address) >> shift


class HostRoutes:
    """The way of this host to networks behind UEs: `device`, as for the pools. They go with it."""

    def __init__(self, links: Netlink, device: str, mtu: int) -> None:
        self._links, self._device, self._mtu = links, device, mtu

    def add(self, wanted: Iterable[Network]) -> None:
        """All or none. RuleError: the host has such a route already, or refuses it."""
        done: list[Network] = []
        for route in wanted:
            try:
                self._links.add_route(str(route), device=self._device, mtu=self._mtu, replace=False)
            except TransportError as error:
                self.remove(done)
                raise RuleError(f"this host takes no route to {route}: {error.what}") from error
            done.append(route)

    def take_up(self, wanted: Iterable[Network]) -> None:
        """Those of a former process, which are there as long as the device is."""
        for route in wanted:
            self._links.add_route(str(route), device=self._device, mtu=self._mtu)

    def remove(self, gone: Iterable[Network]) -> None:
        """One that is not there any more is well."""
        for route in gone:
            try:
                self._links.delete_route(str(route), device=self._device)
            except OSError:
                continue
