"""The codec of XnAP: the one engine, with XnAP's tables."""

from __future__ import annotations

from cinq.wire.examined import Examined
from cinq.wire.per import examine as reader
from cinq.wire.per.base import Pdu
from cinq.wire.per.codec import Codec
from cinq.wire.per.tables import Tables
from cinq.wire.xnap.error import XnapError
from cinq.wire.xnap.generated import tables

CODEC = Codec(
    Tables(
        "TS 38.423",
        "XnAP-PDU",
        XnapError,
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


def examine(octets: bytes) -> Examined[Pdu]:
    """The message that the octets begin with."""
    return reader.examine(CODEC, octets)
