"""Header lists on the wire by HPACK (RFC 7541), at a price that a call between functions can bear.

What is the same in each request stands in the table and costs an octet; its encoding is remembered until the table
changes. What differs each time, such as a path with a SUPI, stays out, where it would only push the rest out. Nothing
is Huffman-coded: the few octets that it saves cost more time than all else of a request.

Access tokens are in the table, too. Whoever writes headers into the same connection could only guess one whole (§7.1).
"""

from __future__ import annotations

from collections.abc import Iterable

from hpack import Encoder
from hpack.hpack import encode_integer

VOLATILE = {b":path": 4, b"content-length": 28, b"location": 46}
"""Names whose values differ each time, by their index in the static table (RFC 7541 annex A)."""
VOLATILE_NAMES = frozenset((b"3gpp-sbi-sender-timestamp", b"3gpp-sbi-correlation-info"))
LONGEST = 1024  # octets of a value that goes into the table


class Compact(Encoder):
    """In place of hpack's own, for header lists of pairs, their names in lower case."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[bytes, bytes], bytes] = {}

    def encode(self, headers: Iterable[tuple[bytes, bytes]], huffman: bool = False) -> bytes:  # type: ignore[override]
        made = bytearray()
        if self.header_table.resized:
            made += self._encode_table_size_change()
            self.header_table.resized = False
            self._known.clear()
        for header in headers:
            known = self._known.get(header)
            made += self._added(header) if known is None else known
        return bytes(made)

    def _added(self, header: tuple[bytes, bytes]) -> bytes:
        name, value = header
        index = VOLATILE.get(name)
        if index is not None:
            return bytes(encode_integer(index, 4)) + _text(value)
        if name in VOLATILE_NAMES or len(value) > LONGEST:
            return b"\0" + _text(name) + _text(value)
        match = self.header_table.search(name, value)
        if match is not None and match[2] is not None:  # what it is called until the table changes
            found = self._known[header] = bytes(self._encode_indexed(match[0]))
            return found
        self._known.clear()
        return bytes(self.add((name, value), sensitive=False, huffman=False))


def _text(octets: bytes) -> bytes:
    """A string literal, §5.2, not Huffman-coded."""
    return bytes(encode_integer(len(octets), 7)) + octets
