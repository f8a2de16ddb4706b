"""What a trace knows of one message on one interface, and whom the message concerns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from cinq.numbering import Supi
from cinq.trace.names import supis

Interface = Literal["n1", "n2", "n3", "n4", "xn", "sbi", "note"]
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
        while (other := found.same_as) is not None:
            found = other
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
    return subject if subject.startswith("UE ") else ""


@dataclass(eq=False, slots=True)
class Role:
    """What an address is: a function's name. What is learnt later shows on earlier messages too."""

    name: str


class Arrival(Struct, frozen=True, gc=False):
    """Where and when octets were seen. source, destination: address and port; a port of 0 is not known."""

    time_ns: int
    frame: int
    source: tuple[str, int]
    destination: tuple[str, int]


class TracedMessage(Struct, eq=False):
    """One message on one interface.

    by, to: UE, gNB, AMF, SMF or UPF, or the role of an address. message: the 3GPP name as a class name of the codec.
    octets: as captured, NAS deciphered. content: the message as its codec has it, where it is whole.
    facts: makes `decoded`. cause: the 3GPP cause it carries. integrity: of NAS only. fault: what is wrong with it.
    A note, in a capture of our own, says what became of a message: the cause why, and what mends it.
    """

    at: Arrival
    interface: Interface
    by: str | Role
    to: str | Role
    message: str
    octets: bytes
    facts: Callable[[], Mapping[str, object]] | None = None
    content: object | None = None
    cause: str = ""
    integrity: Integrity = ""
    fault: str = ""
    subject: Subject | None = None
    mend: str = ""

    @property
    def time(self) -> float:
        """Seconds since 1970 UTC."""
        return self.at.time_ns / 1e9

    @property
    def frame(self) -> int:
        """The number in the capture."""
        return self.at.frame

    @property
    def source(self) -> str:
        """'address:port'."""
        return end(self.at.source)

    @property
    def destination(self) -> str:
        """'address:port'."""
        return end(self.at.destination)

    @property
    def sender(self) -> str:
        """UE, gNB, AMF, SMF or UPF."""
        return self.by if isinstance(self.by, str) else self.by.name

    @property
    def receiver(self) -> str:
        """UE, gNB, AMF, SMF or UPF."""
        return self.to if isinstance(self.to, str) else self.to.name

    @property
    def decoded(self) -> Mapping[str, object] | None:
        """The content for programs, as far as it could be read; None where nothing could. Made anew each time."""
        return None if self.facts is None else self.facts()

    @property
    def ue(self) -> str:
        """The UE's label, empty where the message concerns no single UE."""
        return self.subject.label if self.subject else ""


def end(address: tuple[str, int]) -> str:
    """'address:port', IPv6 in brackets; empty where the capture has no addresses."""
    host, port = address
    if not host:
        return ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
