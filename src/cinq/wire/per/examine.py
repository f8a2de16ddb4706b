"""A protocol for a reader: every IE that can be read, whatever stands around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cinq.wire.examined import Examined
from cinq.wire.per import careful, reading
from cinq.wire.per.base import CRITICALITIES, KINDS, Ie, Pdu, Sequence
from cinq.wire.per.careful import FAULTS
from cinq.wire.per.codec import Codec
from cinq.wire.per.error import PduError
from cinq.wire.per.tables import Tables

S = TypeVar("S", bound=Sequence)


def examine(codec: Codec, octets: bytes) -> Examined[Pdu]:
    """The message that the octets begin with."""
    tables, message = codec.tables, codec.straight(octets)
    if message is not None:
        return Examined(message)
    if len(octets) < 4 or octets[0] & 0x80 or octets[0] >> 5 >= len(KINDS):
        return Examined(None, (f"no {tables.pdu}: neither initiating message nor outcome",), whole=False)
    code, faults = octets[1], list[str]()
    key = (octets[0] >> 5) << 13 | code
    cls = tables.classes.get(key)
    if cls is None:
        name = tables.procedures.get(code)
        kind = KINDS[octets[0] >> 5]
        told = f"{name} has no {kind}" if name else f"procedure code {code} is not known"
        return Examined(None, (told,), whole=False)
    content = _content(octets, faults)
    if cls not in tables.ies:
        return _at_once(tables.decoders[key], content, faults)
    return _Walk(tables, faults).of(cls, content)


def examine_value(codec: Codec, cls: type[S], octets: bytes) -> Examined[S]:
    """A transfer or transparent container."""
    try:
        return Examined(codec.decode_value(cls, octets))
    except PduError as error:
        if cls in codec.tables.ies:
            return _Walk(codec.tables, []).of(cls, octets)
        return Examined(None, (error.what,), whole=False)


def _content(octets: bytes, faults: list[str]) -> bytes:
    """The value of the PDU, cut or followed by more as it may be."""
    try:
        content, end = reading.octets(octets, 3)
    except FAULTS:
        faults.append("the message is cut off in its length")
        return octets[4:]
    if end > len(octets):
        faults.append(f"cut off: {end} octets are announced, {len(octets)} are there")
    elif end < len(octets):
        padding = "" if any(octets[end:]) else ", all zero"
        faults.append(f"{len(octets) - end} octets behind the end of the message{padding}")
    return content


def _at_once(decoder: Callable[[bytes], S], content: bytes, faults: list[str]) -> Examined[S]:
    """A value without a table of IEs: it can be read as a whole or not at all."""
    try:
        return Examined(decoder(content), tuple(faults))
    except FAULTS as fault:
        return Examined(None, (*faults, careful.told(fault)), whole=False)
    finally:
        reading.NOTICES.clear()


class _Walk:
    """Through one container, IE by IE."""

    def __init__(self, tables: Tables, faults: list[str]) -> None:
        self._tables = tables
        self._faults = faults
        self._raw: dict[str, str] = {}

    def of(self, cls: type[S], content: bytes) -> Examined[S]:
        message = careful.blank(cls)
        try:
            self._ies(
                {row[0]: (place, row) for place, row in enumerate(self._tables.ies[cls])}, content, message
            )
        except FAULTS:
            self._faults.append("the IEs are cut off")
        gone = [row for row in self._tables.ies[cls] if row[3] and getattr(message, row[1]) is None]
        self._faults += [
            f"{self._tables.named(row[0])} is missing"
            for row in gone
            if self._tables.named(row[0]) not in self._raw
        ]
        return Examined(message, tuple(self._faults), self._raw, not gone)

    def _ies(self, rows: dict[int, tuple[int, Ie]], content: bytes, into: Sequence) -> None:
        last, i = -1, 3
        for _ in range(content[1] << 8 | content[2]):
            ie, criticality = content[i] << 8 | content[i + 1], content[i + 2] >> 6
            value, i = reading.octets(content, i + 3)
            place, row = rows.get(ie, (last, None))
            if i > len(content):
                self._faults.append(f"{self._tables.named(ie)} is cut off")
            if place <= last and row is not None:
                self._faults.append(f"{self._tables.named(ie)} comes twice or in the wrong order")
            last = max(last, place)
            if row is None:
                self._unknown(ie, criticality, value)
            elif getattr(into, row[1]) is None:
                self._ie(row, value, into)
        if i < len(content) and not content[0] & 0x80:
            self._faults.append(f"{len(content) - i} octets behind the last IE")

    def _unknown(self, ie: int, criticality: int, value: bytes) -> None:
        """What may be passed over is no fault; it is shown all the same."""
        self._raw[self._tables.named(ie)] = value.hex()
        if criticality != reading.IGNORE:
            level = CRITICALITIES[criticality] if criticality < len(CRITICALITIES) else "3"
            self._faults.append(f"{self._tables.named(ie)} of criticality {level} is not known")

    def _ie(self, row: Ie, value: bytes, into: Sequence) -> None:
        ie, attribute, _, _, decoder = row
        try:
            setattr(into, attribute, decoder(value))
        except FAULTS as fault:
            self._raw[self._tables.named(ie)] = value.hex()
            self._faults.append(f"{self._tables.named(ie)}: {careful.told(fault)}")
        reading.NOTICES.clear()
