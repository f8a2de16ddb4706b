"""What a gNB asks of its data plane, and what it remembers of one PDU session there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

from cinq.ran.gnb.context import PdcpCounts, Tunnel
from cinq.ran.gnb.forwarding import Gate
from cinq.ran.gnb.slaac import Autoconfiguration
from cinq.ran.gnb.uplink import Matching
from cinq.userplane.rules import Network, SessionRules, Side, Usage


class RanPlane(Protocol):
    """What a gNB asks of its data plane: userplane.rules.Plane, or a recorder in a test."""

    def install(self, rules: SessionRules) -> None: ...

    def remove(self, session: int) -> None: ...

    def usage(self, session: int) -> Usage: ...

    def send(self, octets: bytes, peer: tuple[str, int]) -> None: ...

    def settle(self) -> None: ...

    def catch_up(self) -> None: ...

    def add_link(self, link: str, name: str, namespace: str | int | None = None) -> None: ...

    def remove_link(self, link: str) -> None: ...

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None: ...

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> Side: ...


@dataclass(slots=True)
class Bearer:
    """One PDU session of one UE.

    session: its number in the plane. side: the interface with its address, None before there is one, in netns. rules:
    what puts uplink packets on flows. behind: networks that are reached by the UE. link: of an Ethernet session, with
    its own interface. six: of a session of IPv6, with address6 from the prefix heard; addressed: it has come. notify:
    a program sends while there is no tunnel. failed: the UPF does not know the tunnel. late: TEIDs that it had before,
    on which packets may still come. gate: fresh packets wait. origin: what the plane had counted when the DRB was set
    up, less the counts that it began with. is_untold: the DRB goes on from counts that are still to come.
    has_ended: its tunnel's END MARKER has come, while the UE is still here.
    """

    session: int
    notify: Callable[[], None]
    failed: Callable[[], None]
    tunnel: Tunnel | None = None
    ue: IPv4Address | None = None
    six: Autoconfiguration | None = None
    address6: IPv6Address | None = None
    addressed: Callable[[], None] = lambda: None
    side: Side | None = None
    netns: str | None = None
    rules: Matching = ()
    behind: tuple[Network, ...] = ()
    link: str = ""
    late: tuple[int, ...] = ()
    gate: Gate | None = None
    origin: PdcpCounts = PdcpCounts()
    is_untold: bool = False
    has_ended: bool = False

    @property
    def has_interface(self) -> bool:
        """Whether programs can send."""
        return self.side is not None or bool(self.link)

    @property
    def ends(self) -> list[IPv4Address | IPv6Network]:
        """The UE's address and prefix."""
        prefix = None if self.address6 is None else IPv6Network((self.address6, 64), strict=False)
        return [end for end in (self.ue, prefix) if end is not None]

    def behind_of(self, end: IPv4Address | IPv6Network) -> tuple[Network, ...]:
        """The networks behind the UE of the version of IP of one of its ends."""
        return tuple(network for network in self.behind if network.version == end.version)

    @property
    def addresses(self) -> list[IPv4Address | IPv6Address]:
        """Those that programs use."""
        return [address for address in (self.ue, self.address6) if address is not None]


def namespace(netns: str) -> str | int | None:
    """A process id, a path, a name under /run/netns; '' is our own."""
    if not netns:
        return None
    if netns.isdecimal():
        return int(netns)
    return netns if netns.startswith("/") else f"/run/netns/{netns}"
