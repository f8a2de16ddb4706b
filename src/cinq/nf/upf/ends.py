"""The ends of tunnels that are ours, and those that can be a gNB's."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple, Self

from cinq.nf.upf.settings import Settings
from cinq.transport_address import Address, TransportAddress

Network = IPv4Network | IPv6Network
SHORTEST = {4: 8, 6: 16}
"""Bits of the widest network behind one UE: a wider one would be the way to half the world."""


class Ends(NamedTuple):
    """The ends that are ours: where N3 is, and (netmask, network) of the UE pools as numbers; none: any.

    prefixes: pools of IPv6; none: IPv6 is not served. n4: our N4 address. gnbs: networks that are one gNB each. links:
    network instances of Ethernet.
    """

    n3: TransportAddress
    pools: tuple[tuple[int, int], ...]
    prefixes: tuple[IPv6Network, ...] = ()
    n4: IPv4Address | None = None
    gnbs: tuple[Network, ...] = ()
    links: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        pools = tuple((int(pool.netmask), int(pool.network_address)) for pool in settings.ue_pools)
        prefixes = tuple(each.pool for each in settings.prefixes)
        return cls(settings.n3, pools, prefixes, settings.node_id, settings.gnb_networks, settings.links)

    def has(self, ue: IPv4Address) -> bool:
        return not self.pools or self._is_ue(ue)

    def _is_ue(self, address: Address) -> bool:
        if isinstance(address, IPv6Address):
            return any(address in pool for pool in self.prefixes)
        number = int(address)
        for mask, network in self.pools:  # noqa: SIM110 (asked for each session)
            if number & mask == network:
                return True
        return False

    def wrong(self, peer: Address) -> str:
        """Why it cannot be a gNB's end of N3; "" when it can. A tunnel that leads back to us has no end."""
        if peer in (*self.n3.all, self.n4):
            return f"{peer} is our own: packets would come back to us"
        if self._is_ue(peer):
            return f"{peer} is in a UE pool"
        ours = self.n3.beside(peer)
        if ours is None or peer.is_link_local or (peer.is_loopback and not ours.is_loopback):
            return f"{peer} is no address that N3 reaches"
        return ""

    def wrong_route(self, network: Network) -> str:
        """Why it cannot be behind a UE; "" when it can."""
        if network.prefixlen < SHORTEST[network.version]:
            return f"{network} is too wide a network to be behind a UE"
        if network.is_loopback or network.is_multicast or network.is_link_local or network.is_unspecified:
            return f"{network} is behind nobody"
        ours = [end for end in (*self.n3.all, self.n4) if end is not None]
        if any(end in network for end in ours):
            return f"{network} has an address of ours"
        return ""
