"""What the AMF tells its journal: messages of N1 and N2, and what became of some."""

from __future__ import annotations

from typing import Literal, Protocol

from cinq.procedure import Event, Runtime
from cinq.wire import nas, ngap

Direction = Literal["in", "out", "none"]


class Acting(Protocol):
    """A UE, a connection or a gNB, as an event names it."""

    runtime: Runtime

    @property
    def label(self) -> str: ...

    @property
    def procedure_name(self) -> str: ...


def note(about: Acting, cause: str) -> None:
    """Something that is neither a message nor a bug."""
    if about.runtime.journal.listening:
        _emit(about, "none", "", "", cause=cause)


def n1_message(ue: Acting, direction: Direction, message: nas.NasMessage, octets: bytes) -> None:
    """octets: deciphered."""
    if ue.runtime.journal.listening:
        _emit(ue, direction, "N1", message.NAME, octets=octets, content=message, peer="UE")


def n1_ignored(ue: Acting, octets: bytes, reason: str) -> None:
    """A NAS PDU that was not looked at."""
    if ue.runtime.journal.listening:
        _emit(ue, "none", "N1", "", cause=f"ignored: {reason}", octets=octets)


def n2_message(
    about: Acting, direction: Direction, message: ngap.Pdu, octets: bytes, gnb: str, remote: tuple[str, int]
) -> None:
    """about: the UE that the message concerns, or the gNB. remote: the gNB's address."""
    if about.runtime.journal.listening:
        name, (host, port) = type(message).__name__, remote
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        _emit(about, direction, "N2", name, octets=octets, content=message, peer=gnb, address=address)


def n2_broken(ran: Acting, octets: bytes, reason: str) -> None:
    """Octets of a gNB that are no message."""
    if ran.runtime.journal.listening:
        _emit(ran, "in", "N2", "", cause=f"broken: {reason}", octets=octets, peer=ran.label)


def _emit(
    about: Acting,
    direction: Direction,
    interface: str,
    message: str,
    *,
    cause: str = "",
    octets: bytes = b"",
    content: object | None = None,
    peer: str = "",
    address: str = "",
) -> None:
    runtime = about.runtime
    runtime.journal.emit(
        Event(
            time=runtime.clock.now(),
            nf="AMF",
            subject=about.label,
            procedure=about.procedure_name,
            direction=direction,
            interface=interface,
            message=message,
            cause=cause,
            octets=octets,
            content=content,
            peer=peer,
            address=address,
        )
    )
