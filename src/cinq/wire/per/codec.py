"""Octets <-> messages. The generated functions take the straight way; what they refuse is read again with care."""

from __future__ import annotations

from typing import TypeVar

from cinq.wire.per import careful, reading, writing
from cinq.wire.per.base import Pdu, Sequence
from cinq.wire.per.careful import FAULTS
from cinq.wire.per.error import PduError
from cinq.wire.per.tables import Tables

S = TypeVar("S", bound=Sequence)


class Codec:
    """Of one protocol. Errors are those of its tables."""

    __slots__ = ("_decoders", "_encoders", "_values", "tables")

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._decoders = tables.decoders
        self._encoders = tables.encoders
        self._values = tables.values

    def decode(self, octets: bytes) -> Pdu:
        """The message in a PDU (TS 38.413 §9.4, TS 38.423 §9.3), or the protocol's error."""
        message = self.straight(octets)
        return careful.decode(self.tables, bytes(octets)) if message is None else message

    def straight(self, octets: bytes) -> Pdu | None:
        """The message where it is exactly as the specification writes it, else None."""
        try:
            n = octets[3]
            content = octets[4:] if n < 128 else octets[5:]
            # Fragments, from 16K on, are left to the slow path.
            if len(content) == (n if n < 128 else n << 8 & 0x3F00 | octets[4]) and n < 192:
                message = self._decoders[octets[0] << 8 | octets[1]](content)
                if not reading.NOTICES:
                    return message
        except FAULTS:
            pass
        reading.NOTICES.clear()
        return None

    def encode(self, message: Pdu) -> bytes:
        """The PDU of a message; the protocol's error when a value has no encoding."""
        try:
            header, write = self._encoders[type(message)]
            o = bytearray(header)
            write(o, message)
            n = len(o) - 4
            if n < 128:
                o[3] = n
            else:
                writing.close(o, 3)
        except FAULTS as fault:
            raise self._unencodable(message, fault) from fault
        return bytes(o)

    def decode_value(self, cls: type[S], octets: bytes) -> S:
        """A transfer or transparent container, the content of an OCTET STRING; errors as for a message."""
        decoder, _ = self._values[cls]
        try:
            return decoder(octets)  # type: ignore[return-value]  # the table pairs a class with its own decoder
        except FAULTS:
            return careful.decode_value(self.tables, cls, decoder, bytes(octets))  # type: ignore[return-value]  # the same
        finally:
            reading.NOTICES.clear()

    def encode_value(self, value: Sequence) -> bytes:
        """The octets of a transfer or transparent container."""
        o = bytearray()
        try:
            self._values[type(value)][1](o, value)
        except FAULTS as fault:
            raise self._unencodable(value, fault) from fault
        return bytes(o) or b"\0"

    def _unencodable(self, value: Sequence, fault: Exception) -> PduError:
        """Names what is wrong with a value, as well as the fault tells."""
        name, tables = type(value).__name__, self.tables
        clause = f"{tables.specification} §9"
        if not isinstance(value, Sequence) or (
            type(value) not in self._encoders and type(value) not in self._values
        ):
            return tables.error(None, f"{name} is neither a message nor a type that stands alone", clause)
        if isinstance(fault, writing.Unencodable):
            return tables.error(None, f"{name}: {fault}", clause)
        return tables.error(None, f"{name}: {type(fault).__name__}: {fault}", clause)
