"""The NAS envelope, TS 24.501 §4.4.4.3. What passed the integrity check is `Checked`, else `Unprotected`."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from cinq.crypto.nas_security import (
    INTEGRITY,
    INTEGRITY_CIPHERED,
    INTEGRITY_CIPHERED_NEW,
    INTEGRITY_NEW,
    UPLINK,
    NasSecurity,
    NasSecurityError,
    ReplayError,
)
from cinq.wire import nas

M = TypeVar("M", bound=nas.NasMessage, covariant=True)
INTEGRITY_ONLY = (INTEGRITY,)
FOR_THE_COMMAND, FOR_THE_COMPLETE = INTEGRITY_NEW, INTEGRITY_CIPHERED_NEW
ONLY_COMPLETE = "security header type 4 is for SECURITY MODE COMPLETE alone (TS 24.501 §9.3)"

TO_THE_UE = frozenset(
    (
        nas.RegistrationAccept,
        nas.RegistrationReject,
        nas.DeregistrationAcceptUEOriginating,
        nas.DeregistrationRequestUETerminated,
        nas.ServiceAccept,
        nas.ServiceReject,
        nas.ConfigurationUpdateCommand,
        nas.AuthenticationRequest,
        nas.AuthenticationReject,
        nas.AuthenticationResult,
        nas.IdentityRequest,
        nas.SecurityModeCommand,
        nas.NetworkSliceSpecificAuthenticationCommand,
        nas.NetworkSliceSpecificAuthenticationResult,
        nas.Notification,
        nas.DLNASTransport,
        nas.RelayKeyAccept,
        nas.RelayKeyReject,
        nas.RelayAuthenticationRequest,
    )
)
"""Messages that only a network sends (TS 24.501 §8.2)."""


class Checked(Struct, Generic[M], frozen=True, gc=False):
    """A message whose integrity was checked and whose COUNT is new. count: that uplink NAS COUNT."""

    message: M
    count: int = 0


class Unprotected(Struct, Generic[M], frozen=True, gc=False):
    """A message that anybody could have sent, of a type that may be looked at all the same."""

    message: M


class BrokenTransport(Struct, frozen=True, gc=False):
    """A checked UL NAS TRANSPORT whose DNN cannot be read."""

    message: nas.ULNASTransport


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
        permitted(octets, "UNPROTECTED")
        return Unprotected(nas.decode(octets))
    if len(octets) < 8 or header > 4:
        raise Discarded(f"malformed security header: {octets[:8].hex()}")
    if header == FOR_THE_COMMAND:
        raise Discarded("security header type 3 is for SECURITY MODE COMMAND alone (TS 24.501 §9.3)")
    if security is not None:
        try:
            payload = security.verify(octets, UPLINK)
        except ReplayError as replay:
            raise Discarded(str(replay)) from None
        except NasSecurityError as error:
            if secured:
                raise Discarded(str(error)) from None
        else:
            return Checked(checked(payload, header), security.last_ul_count)
    if header == FOR_THE_COMPLETE:
        raise Discarded(ONLY_COMPLETE)
    return Unprotected(unverified(octets))


def checked(payload: bytes, header: int) -> nas.NasMessage:
    """The message whose MAC held. One that only networks send counts as unknown (§7.4): NasError with #97."""
    if header == FOR_THE_COMPLETE and payload[2:3] != bytes((nas.SecurityModeComplete.TYPE,)):
        raise Discarded(ONLY_COMPLETE)
    kind = kind_of(payload)
    if kind in TO_THE_UE:
        raise wrong_direction(kind)
    return nas.decode(payload)


def wrong_direction(kind: type[nas.GmmMessage]) -> nas.NasError:
    error = nas.NasError(
        2,
        f"{kind.NAME} comes from networks alone",
        "TS 24.501 §7.4",
        cause=nas.GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED,
    )
    error.message_type = kind.TYPE
    return error


def kind_of(plain: bytes) -> type[nas.GmmMessage] | None:
    return nas.GMM_MESSAGES.get(plain[2]) if len(plain) > 2 and plain[0] == 0x7E else None


def unverified(octets: bytes) -> nas.NasMessage:
    """The message inside an envelope that nobody has checked. Discarded when it is ciphered, or may not be looked at
    (§4.4.4.3): then nothing is said of its contents either."""
    header = octets[1] & 0x0F
    if header not in INTEGRITY_ONLY:
        try:
            return nas.decode(permitted(octets[7:], "UNVERIFIED"))
        except nas.NasError:
            raise Discarded("its MAC could not be verified") from None
    return nas.decode(permitted(octets[7:], "UNVERIFIED"))


def peek(octets: bytes) -> nas.NasMessage:
    """The first message on a connection, before anybody has checked it: initial messages are never ciphered as a
    whole (TS 24.501 §4.4.6). Discarded, NasError: as for open_envelope."""
    if len(octets) < 3 or octets[0] != 0x7E or octets[1] & 0x0F > INTEGRITY_CIPHERED:
        raise Discarded(f"no initial 5GMM message: {octets[:4].hex()}")
    if octets[1] & 0x0F == 0:
        return nas.decode(octets)
    if len(octets) < 10:
        raise Discarded(f"too short for a protected message: {octets[:8].hex()}")
    return unverified(octets)


def first(
    message: nas.NasMessage, octets: bytes, security: NasSecurity | None
) -> Checked[nas.NasMessage] | Unprotected[nas.NasMessage]:
    """Whether the peeked message is from the UE that it names: checked by that UE's security context.

    One that deciphers to something else than what anybody can read is no initial message (TS 24.501 §4.4.6): it
    counts as unchecked.
    """
    if security is None or octets[1] & 0x0F == 0:
        return Unprotected(message)
    try:
        payload = security.verify(octets, UPLINK)
    except NasSecurityError:
        return Unprotected(message)
    if payload != octets[7:]:
        return Unprotected(message)
    return Checked(message, security.last_ul_count)


def permitted(plain: bytes, table: str) -> bytes:
    """§4.4.4.3: by its type alone, before anything is read of it."""
    kind = kind_of(plain)
    if kind is None:
        raise Discarded(f"{plain[:3].hex()} is not processed without an integrity check")
    if kind in TO_THE_UE or not getattr(kind, table):
        raise Discarded(f"{kind.NAME} is not processed without an integrity check (TS 24.501 §4.4.4.3)")
    return plain
