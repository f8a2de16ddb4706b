"""The NAS envelope, TS 24.501 §4.4.4.3. What passed the integrity check is `Checked`, else `Unprotected`."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from cinq.crypto.nas_security import UPLINK, NasSecurity, NasSecurityError, ReplayError
from cinq.wire import nas

M = TypeVar("M", bound=nas.NasMessage, covariant=True)
INTEGRITY_ONLY = (1, 3)


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


def permitted(message: nas.NasMessage, table: str) -> nas.NasMessage:
    if not getattr(message, table, False):
        raise Discarded(f"{message.NAME} is not processed without an integrity check")
    return message
