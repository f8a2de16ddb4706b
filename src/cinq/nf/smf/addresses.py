"""UE IP address management, TS 23.501 §5.8.2.2: who has which IPv4 address of a data network."""

from __future__ import annotations

from collections import deque
from ipaddress import IPv4Address, IPv4Network


class AddressPool:
    """The dynamic addresses of one data network, and who else's are static.

    Network, broadcast and the first address (the gateway) are nobody's. An address that was freed is given again
    only when all others were given since: what is still on its way to the former UE finds nobody.
    """

    def __init__(self, network: IPv4Network) -> None:
        self._next = int(network.network_address) + 2
        self._end = int(network.broadcast_address)
        self._freed: deque[int] = deque()
        self._used: set[int] = set()

    def __len__(self) -> int:
        """How many addresses are in use."""
        return len(self._used)

    def allocate(self) -> IPv4Address | None:
        """The next free address, None when there is none."""
        while self._next < self._end:
            address = self._next
            self._next += 1
            if address not in self._used:
                self._used.add(address)
                return IPv4Address(address)
        while self._freed:
            address = self._freed.popleft()
            if address not in self._used:
                self._used.add(address)
                return IPv4Address(address)
        return None

    def reserve(self, address: IPv4Address) -> bool:
        """Take this one (static, or kept over a restart). False when somebody has it."""
        number = int(address)
        if number in self._used:
            return False
        self._used.add(number)
        return True

    def free(self, address: IPv4Address) -> None:
        """Idempotent."""
        number = int(address)
        if number in self._used:
            self._used.discard(number)
            if number < self._next:
                self._freed.append(number)
