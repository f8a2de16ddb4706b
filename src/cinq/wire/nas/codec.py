"""Octets to messages and back: the registry of all message types."""

from __future__ import annotations

from types import ModuleType

from cinq.wire.nas import gsm
from cinq.wire.nas.body import decode_body, encode_body
from cinq.wire.nas.causes import GmmCause
from cinq.wire.nas.engine import GMM, GSM, GmmMessage, GsmMessage, NasMessage
from cinq.wire.nas.error import NasError
from cinq.wire.nas.gmm import registration, security, service


def _classes(*modules: ModuleType) -> list[type[NasMessage]]:
    found: list[type[NasMessage]] = []
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, NasMessage) and kind.NAME:
                found.append(kind)
    return found


GMM_MESSAGES: dict[int, type[GmmMessage]] = {
    kind.TYPE: kind for kind in _classes(registration, security, service) if issubclass(kind, GmmMessage)
}
GSM_MESSAGES: dict[int, type[GsmMessage]] = {
    kind.TYPE: kind for kind in _classes(gsm) if issubclass(kind, GsmMessage)
}
_UNKNOWN = GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED  # 5GMM and 5GSM cause #97 alike


def decode(octets: bytes) -> NasMessage:
    """The message of a plain 5GMM or 5GSM PDU.

    NasError whatever the octets; its cause is None when the message is to be ignored (§7.2.1, §7.3.1).
    """
    if len(octets) < 3:
        raise NasError(len(octets), "too short for a message type", "TS 24.501 §7.2.1")
    if octets[0] == GMM:
        return _gmm(octets)
    if octets[0] == GSM:
        return _gsm(octets)
    raise NasError(0, f"extended protocol discriminator {octets[0]:#04x}", "TS 24.501 §9.2")


def _gmm(octets: bytes) -> GmmMessage:
    if octets[1] & 0x0F:
        raise NasError(1, "security protected, wanted a plain message", "TS 24.501 §9.3")
    number = octets[2]
    kind = GMM_MESSAGES.get(number)
    try:
        if kind is None:
            raise NasError(2, f"5GMM message type {number:#04x}", "TS 24.501 §7.4", cause=_UNKNOWN)
        return decode_body(kind, octets, 3, {})
    except NasError as error:
        error.message_type = number
        raise


def _gsm(octets: bytes) -> GsmMessage:
    if len(octets) < 4:
        raise NasError(len(octets), "too short for a message type", "TS 24.501 §7.2.1")
    session, pti, number = octets[1], octets[2], octets[3]
    kind = GSM_MESSAGES.get(number)
    try:
        if kind is None:
            raise NasError(3, f"5GSM message type {number:#04x}", "TS 24.501 §7.4", cause=_UNKNOWN)
        return decode_body(kind, octets, 4, {"pdu_session_id": session, "pti": pti})
    except NasError as error:
        error.message_type, error.pdu_session_id, error.pti = number, session, pti
        raise


def encode(message: NasMessage) -> bytes:
    """The plain octets of a message. NasError when a value has no encoding."""
    if isinstance(message, GsmMessage):
        session, pti = message.pdu_session_id, message.pti
        if not (0 <= session <= 255 and 0 <= pti <= 255):
            raise NasError(None, f"PDU session identity {session}, PTI {pti}", "TS 24.501 §9.4, §9.6")
        return bytes((GSM, session, pti, message.TYPE)) + encode_body(message)
    return bytes((GMM, 0, message.TYPE)) + encode_body(message)
