"""What a trace knows of one message on one interface, and whom the message concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cinq.numbering import Supi
from cinq.trace.names import supis

Interface = Literal["n1", "n2", "n3", "n4"]
# not-protected: no security header. verified: the MAC holds. unchecked: no key to check it with. null: NIA0.
Integrity = Literal["not-protected", "verified", "failed", "replayed", "unchecked", "null", ""]


@dataclass(eq=False, slots=True)
class Subject:
    """A UE as far as the trace knows it. What is learnt later shows on earlier messages too.

    other: what to call it while no SUPI is known. given: by whoever made the capture, so it stays.
    """

    other: str
    supi: Supi | None = None
    same_as: Subject | None = None
    given: bool = False

    def root(self) -> Subject:
        """The subject that this one turned out to be."""
        found = self
        while found.same_as is not None:
            found = found.same_as
        return found

    def becomes(self, other: Subject) -> None:
        """This one is the same UE as another, which stays."""
        mine, root = self.root(), other.root()
        if mine is not root:
            root.supi = root.supi or mine.supi
            mine.same_as = root

    def call(self, name: str) -> None:
        """A better name, where there is no SUPI and none was given."""
        root = self.root()
        if not root.given:
            root.other = name

    @property
    def label(self) -> str:
        """The SUPI, or the best other name."""
        root = self.root()
        return str(root.supi) if root.supi else root.other


def ue_label(subject: str) -> str:
    """The UE that an event's subject speaks of: its SUPI where there is one; empty for a gNB and the like."""
    if found := supis(subject):
        return found[0]
    return subject if subject.startswith("UE") else ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where and when octets were seen. source, destination: address and port."""

    time_ns: int
    frame: int
    source: tuple[str, int]
    destination: tuple[str, int]


@dataclass(eq=False, slots=True)
class TracedMessage:
    """One message on one interface.

    time: seconds since 1970 UTC. frame: number in the capture. source, destination: 'address:port'.
    sender, receiver: UE, gNB, AMF, SMF or UPF. message: the 3GPP name as a class name of the codec.
    octets: as captured, NAS deciphered. decoded: None where that was not possible; `fault` says why.
    cause: the 3GPP cause it carries. integrity: of NAS only.
    """

    time: float
    frame: int
    interface: Interface
    source: str
    destination: str
    sender: str
    receiver: str
    message: str
    octets: bytes
    decoded: Mapping[str, object] | None = None
    cause: str = ""
    integrity: Integrity = ""
    fault: str = ""
    subject: Subject | None = field(default=None, repr=False)

    @property
    def ue(self) -> str:
        """The UE's label, empty where the message concerns no single UE."""
        return self.subject.label if self.subject else ""


def end(address: tuple[str, int]) -> str:
    """'address:port', IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def traced(
    at: Arrival, interface: Interface, sender: str, receiver: str, message: str, octets: bytes
) -> TracedMessage:
    """A message as it arrived, before anything is known of its content."""
    return TracedMessage(
        at.time_ns / 1e9,
        at.frame,
        interface,
        end(at.source),
        end(at.destination),
        sender,
        receiver,
        message,
        octets,
    )
