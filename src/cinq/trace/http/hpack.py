"""Header blocks (HPACK, RFC 7541) for one who may have come late: a field that was sent before is unknown, no more.

A dynamic table is counted from its newest entry, so what is added while one listens is found at its right place, and
an index beyond it is what was added before.
"""

from __future__ import annotations

from collections import deque

from hpack.exceptions import HPACKDecodingError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

UNKNOWN = "?"
_STATIC = tuple((name.decode(), value.decode()) for name, value in HeaderTable.STATIC_TABLE)
_TABLE = 1 << 16  # of the dynamic table, as §4.1 counts: 16 times what all have
_OVERHEAD = 32
_FIELDS = 512  # of one block
_SHIFT = 28  # of an integer: nothing here is as large


class HpackError(ValueError):
    """What no header block has."""


class Decoder:
    """The state of one end's header blocks. late: its beginning was not seen."""

    def __init__(self, late: bool) -> None:
        self.late = late
        self._dynamic: deque[tuple[str, str]] = deque()
        self.octets = 0
        """The size of the dynamic table, §4.1."""

    def block(self, octets: bytes) -> list[tuple[str, str]]:
        """Names and values, in order. HpackError: it is none, or refers to what cannot be there."""
        fields: list[tuple[str, str]] = []
        place = 0
        while place < len(octets):
            if len(fields) >= _FIELDS:
                raise HpackError(f"more than {_FIELDS} fields")
            first = octets[place]
            if first & 0x80:  # §6.1
                index, place = _integer(octets, place, 7)
                fields.append(self._entry(index))
            elif first & 0xC0 == 0x40:  # §6.2.1
                field, place = self._literal(octets, place, 6)
                self._add(field)
                fields.append(field)
            elif first & 0xE0 == 0x20:  # §6.3
                size, place = _integer(octets, place, 5)
                if not size:
                    self._clear()
                    self.late = False
            else:  # §6.2.2, §6.2.3
                field, place = self._literal(octets, place, 4)
                fields.append(field)
        return fields

    def missed(self) -> None:
        """A block was not seen: what it added is unknown, and so is the place of what came before."""
        self._clear()
        self.late = True

    def _add(self, field: tuple[str, str]) -> None:
        """What no longer fits is forgotten, the oldest first; a larger table than this has fields that are unknown."""
        self._dynamic.appendleft(field)
        self.octets += _size(field)
        while self.octets > _TABLE:
            self.octets -= _size(self._dynamic.pop())
            self.late = True

    def _clear(self) -> None:
        self._dynamic.clear()
        self.octets = 0

    def _literal(self, octets: bytes, place: int, prefix: int) -> tuple[tuple[str, str], int]:
        index, place = _integer(octets, place, prefix)
        if index:
            name = self._entry(index)[0]
        else:
            name, place = _string(octets, place)
        value, place = _string(octets, place)
        return (name, value), place

    def _entry(self, index: int) -> tuple[str, str]:
        if not index:
            raise HpackError("an index of 0")
        if index <= len(_STATIC):
            return _STATIC[index - 1]
        behind = index - len(_STATIC) - 1
        if behind < len(self._dynamic):
            return self._dynamic[behind]
        if not self.late:
            raise HpackError(f"the index {index} of an entry that is not there")
        return UNKNOWN, UNKNOWN


def _size(field: tuple[str, str]) -> int:
    return len(field[0]) + len(field[1]) + _OVERHEAD


def _integer(octets: bytes, place: int, prefix: int) -> tuple[int, int]:
    """§5.1."""
    most = (1 << prefix) - 1
    value = octets[place] & most
    place += 1
    if value < most:
        return value, place
    for shift in range(0, _SHIFT, 7):
        if place >= len(octets):
            break
        value += (octets[place] & 0x7F) << shift
        place += 1
        if not octets[place - 1] & 0x80:
            return value, place
    raise HpackError("an integer without an end")


def _string(octets: bytes, place: int) -> tuple[str, int]:
    """§5.2."""
    if place >= len(octets):
        raise HpackError("cut off before a string")
    huffman = octets[place] & 0x80
    length, place = _integer(octets, place, 7)
    if place + length > len(octets):
        raise HpackError("cut off within a string")
    text = octets[place : place + length]
    if huffman:
        try:
            text = decode_huffman(text)
        except HPACKDecodingError as error:
            raise HpackError(f"Huffman: {error}") from None
    return text.decode("utf-8", "replace"), place + length
