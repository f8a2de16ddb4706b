"""What becomes of a packet at a tunnel end."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.userplane.rules import Reason


@dataclass(frozen=True, slots=True)
class Inner:
    """To the stack (UPF) or to the UE's interface `side` (gNB)."""

    packet: bytes
    side: str = ""


@dataclass(frozen=True, slots=True)
class Outer:
    """A GTP-U message to send from UDP port 2152 of our N3 address."""

    octets: bytes
    peer: tuple[str, int]
    tos: int = 0  # of the IP header


@dataclass(frozen=True, slots=True)
class SlowPath:
    """For the owner of the plane: Echo, Error Indication, End Marker, unknown TEID."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Dropped:
    reason: Reason


@dataclass(frozen=True, slots=True)
class Buffered:
    """`notify`: the first one since the rule was installed."""

    session: int
    notify: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet frame from a tunnel. link: to whose interface it goes, "" for none. others: what becomes of it at
    other sessions of the link."""

    link: str
    octets: bytes
    others: tuple[Outer | Buffered | Dropped, ...] = ()
