"""NGAP messages taken apart into their IEs (TS 38.413 §9.4), and put together wrongly."""

from __future__ import annotations

from cinq.wire import ngap
from cinq.wire.per.base import Criticality

Ie = tuple[int, int, bytes]
UNKNOWN_IE = 65535
LEVELS: dict[Criticality, int] = {"reject": 0, "ignore": 1, "notify": 2}
_NUMBERS = {name: number for number, name in ngap.IE_NAMES.items()}


def without(message: ngap.Pdu, *names: str) -> bytes:
    """Without these IEs, by their names in the specification: 'AMF-UE-NGAP-ID'."""
    header, ies = _parts(message)
    gone = {_NUMBERS[name] for name in names}
    return _pdu(header, [ie for ie in ies if ie[0] not in gone])


def with_unknown(message: ngap.Pdu, level: Criticality) -> bytes:
    """With an IE of this criticality that no version of the protocol has."""
    header, ies = _parts(message)
    return _pdu(header, [*ies, (UNKNOWN_IE, LEVELS[level], b"\0")])


def doubled(message: ngap.Pdu) -> bytes:
    """With its last IE twice."""
    header, ies = _parts(message)
    return _pdu(header, [*ies, ies[-1]])


def backwards(message: ngap.Pdu) -> bytes:
    """With its IEs in the wrong order."""
    header, ies = _parts(message)
    return _pdu(header, ies[::-1])


def identities(octets: bytes) -> tuple[int, ...]:
    """Of the IEs of an encoded message, in their order. IndexError: it is none."""
    return tuple(number for number, _, _ in _taken_apart(octets)[1])


def _parts(message: ngap.Pdu) -> tuple[bytes, list[Ie]]:
    """The first three octets, and the IEs."""
    return _taken_apart(ngap.encode(message))


def _taken_apart(octets: bytes) -> tuple[bytes, list[Ie]]:
    _, start = _length(octets, 3)
    found: list[Ie] = []
    at = start + 3
    for _ in range(int.from_bytes(octets[start + 1 : start + 3], "big")):
        size, begin = _length(octets, at + 3)
        number = int.from_bytes(octets[at : at + 2], "big")
        found.append((number, octets[at + 2] >> 6, octets[begin : begin + size]))
        at = begin + size
    return octets[:3], found


def _pdu(header: bytes, ies: list[Ie]) -> bytes:
    content = b"\0" + len(ies).to_bytes(2, "big")
    for number, level, value in ies:
        content += number.to_bytes(2, "big") + bytes((level << 6,)) + _determinant(len(value)) + value
    return header + _determinant(len(content)) + content


def _length(octets: bytes, at: int) -> tuple[int, int]:
    """A length determinant below 16K (X.691 §11.9), and where what it counts begins."""
    if octets[at] < 0x80:
        return octets[at], at + 1
    return (octets[at] & 0x3F) << 8 | octets[at + 1], at + 2


def _determinant(length: int) -> bytes:
    return bytes((length,)) if length < 0x80 else (0x8000 | length).to_bytes(2, "big")
