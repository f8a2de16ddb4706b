"""NAS for a reader: every element that can be read, whatever stands around it."""

from __future__ import annotations

from cinq.wire.examined import Examined
from cinq.wire.nas.codec import GMM_MESSAGES, GSM_MESSAGES, decode
from cinq.wire.nas.engine import GMM, GSM, NasMessage, build
from cinq.wire.nas.error import NasError
from cinq.wire.nas.row import Format, Nibble, Row

_ONE_OCTET_LENGTH, _TWO_OCTET_LENGTH = (Format.LV, Format.TLV), (Format.LVE, Format.TLVE)


def examine(octets: bytes) -> Examined[NasMessage]:
    """The message of a plain 5GMM or 5GSM PDU."""
    try:
        message = decode(octets)
    except NasError as error:
        return _in_part(octets, error)
    return Examined(message, tuple(f"{name}: {what}" for name, what in message.faults))


def _in_part(octets: bytes, error: NasError) -> Examined[NasMessage]:
    kind: type[NasMessage] | None = None
    fields: dict[str, object] = {}
    start = 3
    if len(octets) > 3 and octets[0] == GSM:
        kind, start = GSM_MESSAGES.get(octets[3]), 4
        fields |= {"pdu_session_id": octets[1], "pti": octets[2]}
    elif len(octets) > 2 and octets[0] == GMM and not octets[1] & 0x0F:
        kind = GMM_MESSAGES.get(octets[2])
    if kind is None:
        return Examined(None, (error.what,), whole=False)
    return _Walk(octets, start, fields).of(kind)


class _Walk:
    """Through the elements of one message. An element that is wrong stays octets, and the walk goes on behind it."""

    def __init__(self, octets: bytes, start: int, fields: dict[str, object]) -> None:
        self._octets, self._at, self._fields = octets, start, fields
        self._faults: list[str] = []
        self._raw: dict[str, str] = {}

    def of(self, kind: type[NasMessage]) -> Examined[NasMessage]:
        for row in kind.ROWS:
            if row.mandatory:
                self._take(row, self._at)
        tags = {row.iei: row for row in kind.ROWS if row.iei is not None}
        while self._at < len(self._octets):
            tag = self._octets[self._at]
            found = tags.get(tag >> 4 if tag >= 0x80 else tag)
            if found is not None and (found.format is Format.TV1) == (tag >= 0x80):
                self._take(found, self._at + (found.format is not Format.TV1))
            else:
                self._unknown(tag)
        return Examined(build(kind, self._fields), tuple(self._faults), self._raw, whole=False)

    def _take(self, row: Row, at: int) -> None:
        """The value of one element, whose length or content is at `at`."""
        octets, codec = self._octets, row.codec
        end = len(octets)
        high = row.format is Format.HALF_HIGH
        try:
            if at - high >= end:
                raise ValueError("missing")
            if isinstance(codec, Nibble):
                value = codec.decode(octets[at - high] >> 4 if high else octets[at] & 15)
                self._at = at + (not high)
            else:
                width = 1 if row.format in _ONE_OCTET_LENGTH else 2 if row.format in _TWO_OCTET_LENGTH else 0
                size = int.from_bytes(octets[at : at + width], "big") if width else codec.low
                begin = at + width
                end = self._at = min(begin + size, len(octets))
                if begin + size > len(octets):
                    raise ValueError(f"cut off: {size} octets, {max(0, len(octets) - begin)} there")
                if not codec.low <= size <= codec.high:
                    raise ValueError(f"{size} octets, wanted {codec.low} to {codec.high}")
                value = codec.decode(octets[begin:end])
            self._fields.setdefault(row.name, value)
        except (ValueError, IndexError) as error:
            self._at = max(self._at, min(end, at + 1))
            if row.name not in self._fields and at < end:
                self._raw[row.name] = octets[at:end].hex()
            self._faults.append(f"{row.name}: {'too short' if isinstance(error, IndexError) else error}")

    def _unknown(self, tag: int) -> None:
        """TS 24.007 §11.2.4. One that wants comprehension is a fault; the others are shown only."""
        at, octets = self._at, self._octets
        if tag >= 0x80:
            self._raw[f"{tag >> 4:X}-"] = f"{tag & 15:x}"
            self._at = at + 1
            return
        begin = at + (3 if 0x70 <= tag < 0x80 else 2)
        self._at = begin + int.from_bytes(octets[at + 1 : begin], "big")
        self._raw[f"{tag:02x}"] = octets[begin : self._at].hex()
        if tag < 0x10:
            self._faults.append(f"unknown element {tag:#04x} wants comprehension")
