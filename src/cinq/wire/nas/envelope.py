"""The security protected 5GS NAS message, TS 24.501 §8.2.28 and §9.1.1: an envelope, without the keys."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.wire.nas.engine import GMM, GSM
from cinq.wire.nas.error import NasError


class SecurityHeader(IntEnum):
    """Security header type, §9.3."""

    PLAIN = 0
    INTEGRITY = 1
    INTEGRITY_CIPHERED = 2
    INTEGRITY_NEW = 3
    INTEGRITY_CIPHERED_NEW = 4


class Protected(Struct, frozen=True):
    """header_type: never PLAIN. mac: 4 octets. sequence_number: 0 to 255.

    payload: the inner message, ciphered or not.
    """

    header_type: SecurityHeader
    mac: bytes
    sequence_number: int
    payload: bytes


_HEADERS = {int(header): header for header in SecurityHeader}


def decode_envelope(octets: bytes) -> Protected | bytes:
    """The envelope of a NAS PDU; a PDU without one (plain 5GMM or 5GSM) comes back as it is.

    NasError with cause None, to be ignored (§7.2.1, §7.3), when the octets are neither.
    """
    if len(octets) < 3:
        raise NasError(
            len(octets), f"{len(octets)} octets are too short for a message type", "TS 24.501 §7.2.1"
        )
    if octets[0] == GSM:
        return octets
    if octets[0] != GMM:
        raise NasError(0, f"extended protocol discriminator {octets[0]:#04x}", "TS 24.501 §9.2")
    header = _HEADERS.get(octets[1] & 0x0F)
    if header is None:
        raise NasError(1, f"security header type {octets[1] & 0x0F} is reserved", "TS 24.501 §9.3")
    if header is SecurityHeader.PLAIN:
        return octets
    if len(octets) < 8:
        raise NasError(len(octets), "too short for a security protected message", "TS 24.501 §9.1.1")
    return Protected(header, octets[2:6], octets[6], octets[7:])


def security_header_of(octets: bytes) -> int:
    """The security header type of a 5GMM PDU, whatever else it is (§9.3); 0 where there is none."""
    return octets[1] & 0x0F if len(octets) > 1 and octets[0] == GMM else 0


def encode_envelope(protected: Protected) -> bytes:
    """The octets of the envelope. NasError when MAC or sequence number have no encoding."""
    number = protected.sequence_number
    if len(protected.mac) != 4 or not 0 <= number <= 255 or protected.header_type is SecurityHeader.PLAIN:
        raise NasError(None, f"{protected!r} has no encoding", "TS 24.501 §9.1.1")
    return bytes((GMM, protected.header_type)) + protected.mac + bytes((number,)) + protected.payload
