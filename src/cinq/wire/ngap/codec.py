"""Octets <-> messages. The generated functions take the straight way; what they refuse is read again with care."""

from __future__ import annotations

from typing import TypeVar

from cinq.wire.ngap import careful
from cinq.wire.ngap.base import Pdu, Sequence
from cinq.wire.ngap.careful import FAULTS
from cinq.wire.ngap.error import NgapError
from cinq.wire.ngap.generated.tables import DECODERS, ENCODERS, VALUES
from cinq.wire.per import reading, writing

S = TypeVar("S", bound=Sequence)


def decode(octets: bytes) -> Pdu:
    """The message in an NGAP-PDU (TS 38.413 §9.4), or NgapError."""
    message = straight(octets)
    return careful.decode(bytes(octets)) if message is None else message


def straight(octets: bytes) -> Pdu | None:
    """The message where it is exactly as the specification writes it, else None."""
    try:
        n = octets[3]
        content = octets[4:] if n < 128 else octets[5:]
        # Fragments, from 16K on, are left to the slow path.
        if len(content) == (n if n < 128 else n << 8 & 0x3F00 | octets[4]) and n < 192:
            message = DECODERS[octets[0] << 8 | octets[1]](content)
            if not reading.NOTICES:
                return message
    except FAULTS:
        pass
    reading.NOTICES.clear()
    return None


def encode(message: Pdu) -> bytes:
    """The NGAP-PDU of a message; NgapError when a value has no encoding."""
    try:
        header, write = ENCODERS[type(message)]
        o = bytearray(header)
        write(o, message)
        n = len(o) - 4
        if n < 128:
            o[3] = n
        else:
            writing.close(o, 3)
    except FAULTS as fault:
        raise _unencodable(message, fault) from fault
    return bytes(o)


def decode_value(cls: type[S], octets: bytes) -> S:
    """A transfer or transparent container, the content of an OCTET STRING; NgapError as for a message."""
    decoder, _ = VALUES[cls]
    try:
        return decoder(octets)  # type: ignore[return-value]  # the table pairs a class with its own decoder
    except FAULTS:
        return careful.decode_value(cls, decoder, bytes(octets))  # type: ignore[return-value]  # the same
    finally:
        reading.NOTICES.clear()


def encode_value(value: Sequence) -> bytes:
    """The octets of a transfer or transparent container."""
    o = bytearray()
    try:
        VALUES[type(value)][1](o, value)
    except FAULTS as fault:
        raise _unencodable(value, fault) from fault
    return bytes(o) or b"\0"


def _unencodable(value: Sequence, fault: Exception) -> NgapError:
    """Names what is wrong with a value, as well as the fault tells."""
    name = type(value).__name__
    if not isinstance(value, Sequence) or (type(value) not in ENCODERS and type(value) not in VALUES):
        return NgapError(None, f"{name} is neither a message nor a type that stands alone", "TS 38.413 §9.4")
    if isinstance(fault, writing.Unencodable):
        return NgapError(None, f"{name}: {fault}", "TS 38.413 §9.4")
    return NgapError(None, f"{name}: {type(fault).__name__}: {fault}", "TS 38.413 §9.4")
