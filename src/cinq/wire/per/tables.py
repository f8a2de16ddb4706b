"""What a codec looks things up in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cinq.wire.per.base import Ie, Pdu, Sequence
from cinq.wire.per.error import PduError


@dataclass(frozen=True, slots=True)
class Tables:
    """The generated tables of one protocol. specification: as errors cite it. pdu: the name of what is encoded.

    error: what is raised.
    decoders, classes: by kind and procedure code. encoders: the header and the writer of a message. values: both
    directions of types that stand alone in octet strings. ies: of what is a SEQUENCE of one container.
    """

    specification: str
    pdu: str
    error: type[PduError]
    decoders: Mapping[int, Callable[[bytes], Pdu]]
    classes: Mapping[int, type[Pdu]]
    encoders: Mapping[type[Sequence], tuple[bytes, Callable[[bytearray, Sequence], None]]]
    values: Mapping[type[Sequence], tuple[Callable[[bytes], Sequence], Callable[[bytearray, Sequence], None]]]
    ies: Mapping[type[Sequence], tuple[Ie, ...]]
    ie_names: Mapping[int, str]
    procedures: Mapping[int, str]

    def named(self, ie: int) -> str:
        """An IE by its name and number."""
        return f"{self.ie_names.get(ie, 'IE')} ({ie})"
