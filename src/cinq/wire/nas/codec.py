"""Octets to messages and back: the registry of all message types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType

from cinq.wire.nas import careful, gsm
from cinq.wire.nas.causes import GmmCause
from cinq.wire.nas.engine import (
    GMM,
    GSM,
    GmmMessage,
    GsmMessage,
    NasMessage,
    build,
    layout_of,
    make_constructor,
)
from cinq.wire.nas.error import NasError
from cinq.wire.nas.gmm import registration, security, service
from cinq.wire.nas.straight import Reader, Writer, reader, writer


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


class _Readers(dict[int, tuple[type[NasMessage], Reader]]):
    """By message type; each made when it is wanted for the first time."""

    def __init__(self, kinds: Mapping[int, type[NasMessage]]) -> None:
        self._kinds = kinds

    def __missing__(self, number: int) -> tuple[type[NasMessage], Reader]:
        kind = self._kinds[number]
        found = self[number] = kind, reader(layout_of(kind))
        return found


class _Writers(dict[type[NasMessage], Writer]):
    """Made likewise."""

    def __missing__(self, kind: type[NasMessage]) -> Writer:
        found = self[kind] = writer(layout_of(kind))
        return found


_gmm_readers, _gsm_readers, _writers = _Readers(GMM_MESSAGES), _Readers(GSM_MESSAGES), _Writers()


def prepare() -> Iterator[None]:
    """Makes the code of all messages, one class (1 to 2 ms) a step: then no first message has to wait for it."""
    for readers, kinds in ((_gmm_readers, GMM_MESSAGES), (_gsm_readers, GSM_MESSAGES)):
        for number, kind in kinds.items():
            _ = readers[number], _writers[kind]
            make_constructor(kind)
            yield


def decode(octets: bytes) -> NasMessage:
    """The message of a plain 5GMM or 5GSM PDU.

    NasError whatever the octets; its cause is None when the message is to be ignored (§7.2.1, §7.3.1).
    """
    try:
        if octets[0] == GMM and not octets[1] & 0x0F:
            kind, read = _gmm_readers[octets[2]]
            return build(kind, read(octets))
        if octets[0] == GSM:
            kind, read = _gsm_readers[octets[3]]
            return build(kind, read(octets))
    except (ValueError, LookupError):
        pass
    return _decode_carefully(octets)


def _decode_carefully(octets: bytes) -> NasMessage:
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
        return careful.decode(kind, octets, 3, {})
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
        return careful.decode(kind, octets, 4, {"pdu_session_id": session, "pti": pti})
    except NasError as error:
        error.message_type, error.pdu_session_id, error.pti = number, session, pti
        raise


def encode(message: NasMessage) -> bytes:
    """The plain octets of a message. NasError when a value has no encoding."""
    try:
        return _writers[type(message)](message.__dict__)
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError):
        return _encode_carefully(message)


def _encode_carefully(message: NasMessage) -> bytes:
    if not isinstance(message, GsmMessage):
        return bytes((GMM, 0, message.TYPE)) + careful.encode(message)
    session, pti = message.pdu_session_id, message.pti
    if not (0 <= session <= 255 and 0 <= pti <= 255):
        raise NasError(None, f"PDU session identity {session}, PTI {pti}", "TS 24.501 §9.4, §9.6")
    return bytes((GSM, session, pti, message.TYPE)) + careful.encode(message)
