"""UE IP address management, TS 23.501 §5.8.2.2: whose an IPv4 address or IPv6 prefix of a data network is."""

from __future__ import annotations

from collections import deque
from ipaddress import IPv4Address, IPv4Network, IPv6Network


class _Numbers:
    """Numbers from the first up to the end, each of one session. A number that was freed is given again only when all
    others were given since: what is still on its way to the former UE finds nobody."""

    def __init__(self, first: int, end: int) -> None:
        self._next, self._end = first, end
        self._freed: deque[int] = deque()
        self._used: set[int] = set()

    def __len__(self) -> int:
        """How many are in use."""
        return len(self._used)

    def take(self) -> int | None:
        """The next free one, None when there is none."""
        while self._next < self._end:
            number = self._next
            self._next += 1
            if number not in self._used:
                self._used.add(number)
                return number
        while self._freed:
            number = self._freed.popleft()
            if number not in self._used:
                self._used.add(number)
                return number
        return None

    def hold(self, number: int) -> bool:
        """Take this one (static, or kept over a restart). False when somebody has it."""
        if number in self._used:
            return False
        self._used.add(number)
        return True

    def give_back(self, number: int) -> None:
        """Idempotent."""
        if number in self._used:
            self._used.discard(number)
            if number < self._next:
                self._freed.append(number)


class AddressPool(_Numbers):
    """The dynamic IPv4 addresses of one data network, and who else's are static.

    Network, broadcast and the first address (the gateway) are nobody's.
    """

    def __init__(self, network: IPv4Network) -> None:
        super().__init__(int(network.network_address) + 2, int(network.broadcast_address))

    def allocate(self) -> IPv4Address | None:
        number = self.take()
        return None if number is None else IPv4Address(number)

    def reserve(self, address: IPv4Address) -> bool:
        return self.hold(int(address))

    def free(self, address: IPv4Address) -> None:
        self.give_back(int(address))


class PrefixPool(_Numbers):
    """The IPv6 prefixes of 64 bits of one data network, by their 64 bits as a number; the first is nobody's.

    None: there are none.
    """

    def __init__(self, network: IPv6Network | None) -> None:
        first = 0 if network is None else int(network.network_address) >> 64
        last = 0 if network is None else int(network.broadcast_address) >> 64
        super().__init__(first + 1, last + 1 if network is not None else 0)
