"""What the UPF asks of its data plane. Both planes of `userplane` fit; tests bring a recorder."""

from __future__ import annotations

from typing import Protocol

from cinq.userplane.rules import Count, Reason, SessionRules, Usage


class DataPlane(Protocol):
    """Every method is quick and synchronous, from the event loop's thread."""

    @property
    def mtu(self) -> int:
        """Octets of the largest packet of a UE."""

    def take_up(self, sessions: list[SessionRules]) -> int:
        """Once, first of all: the sessions of a former process. How many went on without it."""

    def install(self, rules: SessionRules) -> None:
        """Replaces all rules of the session, or raises RuleError and changes nothing."""

    def remove(self, session: int) -> None:
        """Idempotent."""

    def discard(self, session: int) -> None:
        """Throws away what the session has buffered."""

    def usage(self, session: int) -> Usage:
        """What it has carried since it was first installed."""

    def flow_usage(self, session: int) -> dict[int, Count]:
        """The same of each flow that it has now, by number."""

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        """As if this G-PDU came now: one that was handed over, and whose tunnel is its sender's since."""

    def counted(self) -> dict[Reason, list[int]]:
        """Packets that did not take the plain way, by why: in user space, and then on each CPU."""

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        """A GTP-U message from UDP port 2152 of the N3 address."""
