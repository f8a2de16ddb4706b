"""Values that stand behind their length, one after the other."""

from __future__ import annotations


def pieces(b: bytes, width: int = 1) -> list[bytes]:
    """The values of a list, each behind a length of width octets. ValueError when the last one is cut."""
    found: list[bytes] = []
    position = 0
    while position < len(b):
        begin = position + width
        after = begin + int.from_bytes(b[position:begin], "big")
        if after > len(b) or begin > len(b):
            raise ValueError(f"the {len(found) + 1}. value is cut")
        found.append(b[begin:after])
        position = after
    return found


def piece(octets: bytes, width: int = 1) -> bytes:
    """A value behind its length."""
    return len(octets).to_bytes(width, "big") + octets


def first(b: bytes, width: int = 1) -> tuple[bytes, bytes]:
    """The value at the beginning, and what follows it."""
    after = width + int.from_bytes(b[:width], "big")
    if after > len(b):
        raise ValueError(f"{after} octets wanted, {len(b)} there")
    return b[width:after], b[after:]
