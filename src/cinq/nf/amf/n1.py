"""N1: the NAS envelope, TS 24.501 §4.4.4.3. What passed the integrity check is `Checked`, else `Unprotected`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from cinq.crypto.nas_security import (
    INTEGRITY_CIPHERED,
    INTEGRITY_NEW,
    UPLINK,
    NasSecurity,
    NasSecurityError,
    ReplayError,
)
from cinq.nf.amf.context import DL_COUNT_MARGIN
from cinq.procedure import Event
from cinq.wire import nas

if TYPE_CHECKING:
    from cinq.nf.amf.ue import Ue

M = TypeVar("M", bound=nas.NasMessage, covariant=True)
DOWNLINK = 1
STORED_EVERY = DL_COUNT_MARGIN // 2
INTEGRITY_ONLY = (1, 3)


class Checked(Struct, Generic[M], frozen=True, gc=False):
    """A message whose integrity was checked and whose COUNT is new. count: that uplink NAS COUNT."""

    message: M
    count: int = 0


class Unprotected(Struct, Generic[M], frozen=True, gc=False):
    """A message that anybody could have sent, of a type that may be looked at all the same."""

    message: M


class Discarded(Exception):
    """Why a NAS PDU is not looked at."""


def open_envelope(
    octets: bytes, security: NasSecurity | None, secured: bool
) -> Checked[nas.NasMessage] | Unprotected[nas.NasMessage]:
    """The message of a NAS PDU.

    secured: the secure exchange is established on this connection: then nothing unchecked is looked at.
    Discarded: with the reason. NasError: the message is broken; its cause says what the answer carries.
    """
    if len(octets) < 3 or octets[0] != 0x7E:
        raise Discarded(f"no 5GMM message: {octets[:4].hex()}")
    header = octets[1] & 0x0F
    if header == 0:
        if secured:
            raise Discarded("not protected, though the secure exchange is established")
        return Unprotected(permitted(nas.decode(octets), "UNPROTECTED"))
    if len(octets) < 8 or header > 4:
        raise Discarded(f"malformed security header: {octets[:8].hex()}")
    if security is not None:
        try:
            payload = security.verify(octets, UPLINK)
        except ReplayError as replay:
            raise Discarded(str(replay)) from None
        except NasSecurityError as error:
            if secured:
                raise Discarded(str(error)) from None
        else:
            return Checked(nas.decode(payload), security.last_ul_count)
    return Unprotected(permitted(unverified(octets), "UNVERIFIED"))


def unverified(octets: bytes) -> nas.NasMessage:
    """The message inside an envelope that nobody has checked. Discarded when it is ciphered."""
    try:
        return nas.decode(octets[7:])
    except nas.NasError as error:
        if octets[1] & 0x0F in INTEGRITY_ONLY and error.cause is not None:
            raise
        raise Discarded("its MAC could not be verified") from None


def peek(octets: bytes) -> nas.NasMessage:
    """The first message on a connection, before anybody has checked it: initial messages are never ciphered as a
    whole (TS 24.501 §4.4.6). Discarded, NasError: as for open_envelope."""
    if len(octets) < 3 or octets[0] != 0x7E or octets[1] & 0x0F > 4:
        raise Discarded(f"no 5GMM message: {octets[:4].hex()}")
    if octets[1] & 0x0F == 0:
        return nas.decode(octets)
    if len(octets) < 10:
        raise Discarded(f"too short for a protected message: {octets[:8].hex()}")
    return unverified(octets)


def first(
    message: nas.NasMessage, octets: bytes, known: Ue | None
) -> Checked[nas.NasMessage] | Unprotected[nas.NasMessage]:
    """Whether the peeked message is from the UE that it names: checked by that UE's security context.

    One that deciphers to something else than what anybody can read is no initial message (TS 24.501 §4.4.6): it
    counts as unchecked.
    """
    security = None if known is None else known.security
    if security is None or octets[1] & 0x0F == 0:
        return Unprotected(message)
    try:
        payload = security.verify(octets, UPLINK)
    except NasSecurityError:
        return Unprotected(message)
    if payload != octets[7:]:
        return Unprotected(message)
    return Checked(message, security.last_ul_count)


def permitted(message: nas.NasMessage, table: str) -> nas.NasMessage:
    if not getattr(message, table, False):
        raise Discarded(f"{message.NAME} is not processed without an integrity check")
    return message


def protect(ue: Ue, message: nas.GmmMessage) -> bytes:
    """The NAS PDU of a downlink message: protected as soon as the exchange on this connection is secure."""
    octets = nas.encode(message)
    if ue.amf.journal.listening:
        emit(ue, "out", message, octets)
    security = ue.security
    if security is not None and isinstance(message, nas.SecurityModeCommand):
        return security.protect(octets, INTEGRITY_NEW, DOWNLINK)
    if security is None or not ue.secured:
        return octets
    if security.dl_count % STORED_EVERY == 0:
        ue.commit()  # so that a restored context never uses a downlink COUNT twice
    return security.protect(octets, INTEGRITY_CIPHERED, DOWNLINK)


def receive(ue: Ue, octets: bytes) -> None:
    """An uplink NAS PDU of a UE that has a connection."""
    try:
        arrival = open_envelope(octets, ue.security, ue.secured)
    except Discarded as discarded:
        report(ue, octets, str(discarded))
    except nas.NasError as error:
        answer_broken(ue, octets, error)
    else:
        arrived(ue, arrival, octets)


def arrived(ue: Ue, arrival: Checked[nas.NasMessage] | Unprotected[nas.NasMessage], octets: bytes) -> None:
    """Hand a message to its UE."""
    if ue.amf.journal.listening:
        emit(ue, "in", arrival.message, nas.encode(arrival.message))
    if isinstance(arrival, Checked) and not isinstance(arrival.message, nas.SecurityModeComplete):
        ue.secured = True
    ue.receive(arrival)


def answer_broken(ue: Ue, octets: bytes, error: nas.NasError) -> None:
    """TS 24.501 clause 7: a request is rejected, anything else gets 5GMM STATUS; too short or unknown is ignored."""
    report(ue, octets, str(error))
    if error.cause is None:
        return
    if isinstance(error.partial, nas.ULNASTransport):
        ue.receive(BrokenTransport(error.partial))
    elif not ue.is_idle:  # what is under way goes on
        ue.tell(nas.FiveGMMStatus(cause=error.cause))
    elif error.message_type == nas.RegistrationRequest.TYPE:
        ue.reject(nas.RegistrationReject(cause=error.cause))
    elif error.message_type == nas.ServiceRequest.TYPE:
        ue.reject(nas.ServiceReject(cause=error.cause))
    else:
        ue.tell(nas.FiveGMMStatus(cause=error.cause))


class BrokenTransport(Struct, frozen=True, gc=False):
    """A checked UL NAS TRANSPORT whose DNN cannot be read."""

    message: nas.ULNASTransport


def emit(ue: Ue, direction: str, message: nas.NasMessage, octets: bytes) -> None:
    ue.amf.journal.emit(
        Event(
            time=ue.amf.clock.now(),
            nf="AMF",
            subject=ue.label,
            procedure=ue.procedure_name,
            direction="in" if direction == "in" else "out",
            interface="N1",
            message=message.NAME,
            octets=octets,
            content=message,
            peer="UE",
        )
    )


def report(ue: Ue, octets: bytes, reason: str) -> None:
    """A NAS PDU that was not looked at, into the journal."""
    journal = ue.amf.journal
    if journal.listening:
        journal.emit(
            Event(
                ue.amf.clock.now(),
                "AMF",
                ue.label,
                ue.procedure_name,
                "none",
                "N1",
                "",
                f"ignored: {reason}",
                octets,
            )
        )
