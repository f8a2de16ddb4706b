"""What the AMF tells its journal: messages of N1 and N2, and what became of some."""

from __future__ import annotations

from typing import Literal, Protocol

from cinq.procedure import Event, Runtime, outcome
from cinq.wire import nas, ngap

Direction = Literal["in", "out", "none"]


# What listeners to trouble hear of: refusals and releases, and that a gNB is there.
TROUBLE_ON_N1: frozenset[type] = frozenset(
    (
        nas.AuthenticationReject,
        nas.DeregistrationRequestUETerminated,
        nas.FiveGMMStatus,
        nas.RegistrationReject,
        nas.ServiceReject,
    )
)
MAY_TROUBLE = TROUBLE_ON_N1 | {nas.DLNASTransport, nas.ULNASTransport}
"""Those that carry others are looked into."""
TROUBLE_ON_N2: frozenset[type] = frozenset(
    (
        ngap.ErrorIndication,
        ngap.HandoverFailure,
        ngap.HandoverPreparationFailure,
        ngap.InitialContextSetupFailure,
        ngap.NGSetupFailure,
        ngap.NGSetupResponse,
        ngap.PathSwitchRequestFailure,
        ngap.RANConfigurationUpdateFailure,
        ngap.UEContextModificationFailure,
        ngap.UEContextReleaseCommand,
        ngap.UEContextReleaseRequest,
    )
)
_REFUSALS_OF_5GSM = (0xC3, 0xCA, 0xCD, 0xD2, 0xD6)


def is_trouble(message: nas.NasMessage) -> bool:
    """Whether a NAS message refuses something, or carries what does."""
    if isinstance(message, (nas.DLNASTransport, nas.ULNASTransport)):
        container = message.payload_container
        refuses = len(container) > 3 and container[3] in _REFUSALS_OF_5GSM
        return refuses or (isinstance(message, nas.DLNASTransport) and message.cause is not None)
    return type(message) in TROUBLE_ON_N1


class Acting(Protocol):
    """A UE, a connection or a gNB, as an event names it."""

    runtime: Runtime

    @property
    def label(self) -> str: ...

    @property
    def procedure_name(self) -> str: ...

    @property
    def whereabouts(self) -> str: ...


class Peer(Acting, Protocol):
    """A gNB. remote: its address."""

    @property
    def remote(self) -> tuple[str, int]: ...


def note(about: Acting, cause: str) -> None:
    """Something that is neither a message nor a bug."""
    if about.runtime.journal.heeding:
        _emit(about, "none", "", "", cause=cause)


def n1_message(ue: Acting, direction: Direction, message: nas.NasMessage, octets: bytes) -> None:
    """octets: deciphered."""
    journal = ue.runtime.journal
    if journal.listening or (journal.heeding and is_trouble(message)):
        _emit(ue, direction, "N1", message.NAME, octets=octets, content=message, peer="UE")


def n1_ignored(ue: Acting, octets: bytes, reason: str) -> None:
    """A NAS PDU that was not looked at."""
    if ue.runtime.journal.heeding:
        _emit(ue, "none", "N1", "", cause=f"ignored: {reason}", octets=octets)


def n2_message(about: Acting, direction: Direction, message: ngap.Pdu, octets: bytes, gnb: Peer) -> None:
    """about: the UE that the message concerns, or the gNB."""
    journal = gnb.runtime.journal
    if journal.listening or (journal.heeding and type(message) in TROUBLE_ON_N2):
        name, (host, port) = type(message).__name__, gnb.remote
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        _emit(about, direction, "N2", name, octets=octets, content=message, peer=gnb.label, address=address)


def n2_broken(about: Acting, octets: bytes, reason: str, gnb: str) -> None:
    """Octets of a gNB that are no message."""
    if about.runtime.journal.heeding:
        _emit(about, "in", "N2", "", cause=outcome("broken", reason), octets=octets, peer=gnb)


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
            whereabouts=about.whereabouts,
        )
    )
