"""By which link another tunnel end is reached, where N9 has a link of its own: as the host's routes have it."""

from __future__ import annotations

from cinq.transport.netlink import Netlink
from cinq.transport_address import Address

MOST = 4096  # far ends that are remembered


class Towards:
    """n9: the interface, "" where there is none of its own. A route is looked up once, when its end is new."""

    def __init__(self, links: Netlink, n9: str) -> None:
        self._links, self._n9 = links, n9
        self._known: dict[Address, bool] = {}

    def __call__(self, peer: Address) -> bool:
        """Whether it is N9's. An end without a route is taken for a gNB's."""
        if not self._n9:
            return False
        known = self._known.get(peer)
        if known is None:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[peer] = self._look(peer)
        return known

    def _look(self, peer: Address) -> bool:
        try:
            return self._links.device_towards(str(peer)) == self._n9
        except OSError:
            return False
