"""The codec of NGAP: the one engine, with NGAP's tables."""

from __future__ import annotations

from typing import TypeVar

from cinq.wire.examined import Examined
from cinq.wire.ngap.error import NgapError
from cinq.wire.ngap.generated import tables
from cinq.wire.per import examine as reader
from cinq.wire.per.base import Pdu, Sequence
from cinq.wire.per.codec import Codec
from cinq.wire.per.tables import Tables

S = TypeVar("S", bound=Sequence)

CODEC = Codec(
    Tables(
        "TS 38.413",
        "NGAP-PDU",
        NgapError,
        tables.DECODERS,
        tables.CLASSES,
        tables.ENCODERS,
        tables.VALUES,
        tables.IES,
        tables.IE_NAMES,
        tables.PROCEDURES,
    )
)
decode, encode = CODEC.decode, CODEC.encode
decode_value, encode_value = CODEC.decode_value, CODEC.encode_value


def examine(octets: bytes) -> Examined[Pdu]:
    """The message that the octets begin with."""
    return reader.examine(CODEC, octets)


def examine_value(cls: type[S], octets: bytes) -> Examined[S]:
    """A transfer or transparent container."""
    return reader.examine_value(CODEC, cls, octets)
