"""The elements of a message, to and from octets: the short way, and where it does not lead the careful one."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from cinq.wire.nas import careful
from cinq.wire.nas.engine import NasMessage, build, shape_of
from cinq.wire.nas.straight import Reader, mandatory_readers, optional_readers

M = TypeVar("M", bound=NasMessage)


class _Readers(NamedTuple):
    mandatory: tuple[Reader, ...]
    optional: dict[int, Reader]


_READERS: dict[type[NasMessage], _Readers] = {}


def _readers(kind: type[NasMessage]) -> _Readers:
    """Made when a message of the kind is read for the first time."""
    readers = _READERS[kind] = _Readers(mandatory_readers(kind.ROWS), optional_readers(kind.ROWS))
    return readers


def decode_body(kind: type[M], octets: bytes, position: int, fields: dict[str, object]) -> M:
    """The message of a kind whose elements begin at a position; fields: what stands before it, by name."""
    start, end = position, len(octets)
    mandatory, optional = _READERS.get(kind) or _readers(kind)
    try:
        for read in mandatory:
            position = read(octets, position, fields)
        while position < end:
            position = optional[octets[position]](octets, position, fields)
        if position == end:
            return build(kind, fields)
    except (ValueError, LookupError):
        pass
    before = {name: fields[name] for name in kind.HEADER}
    return careful.decode(kind, octets, start, before)


def encode_body(message: NasMessage) -> bytes:
    """The octets of the elements. NasError when a value has no encoding."""
    present = message.__dict__
    try:
        shape = message.SHAPES.get(tuple(present)) or shape_of(type(message), message.fields)
        return b"".join([write(present) for write in shape.writers])
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError):
        return careful.encode(message)
