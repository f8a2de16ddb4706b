"""Forms of IEs whose value is a plain int, str or bytes. TS 29.244 §8.2."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cinq.numbering import NO_SD, SNssai
from cinq.wire.pfcp.error import Truncated
from cinq.wire.pfcp.row import Form


def _uint(octets: int, mask: int | None = None) -> Form:
    """A number of so many octets, later octets ignored (extendable IEs), spare bits masked."""

    def decode(data: bytes) -> object:
        if len(data) < octets:
            raise Truncated(f"{len(data)} octets, wanted {octets}")
        value = int.from_bytes(data[:octets], "big")
        return value if mask is None else value & mask

    def encode(value: object) -> bytes:
        if not isinstance(value, int):
            raise ValueError("wanted a number")
        return value.to_bytes(octets, "big")

    return Form(decode, encode, octets, mask)


def _uint8(data: bytes) -> object:
    if not data:
        raise Truncated("no octets, wanted 1")
    return data[0]


def _text(decode: Callable[[bytes], str], encode: Callable[[str], bytes], *, common: bool = False) -> Form:
    def encode_text(value: object) -> bytes:
        if not isinstance(value, str):
            raise ValueError("wanted text")
        return encode(value)

    return Form(decode, encode_text, common=common)


@lru_cache(256)
def labels_to_text(data: bytes) -> str:
    """Length-prefixed labels (TS 23.003 §9.1) as dotted text. ValueError when they do not fill the octets."""
    labels = []
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data) or end == at + 1:
            raise ValueError("labels do not fill the IE")
        label = data[at + 1 : end].decode("ascii")
        if "." in label:
            raise ValueError("a dot inside a label")
        labels.append(label)
        at = end
    if not labels:
        raise ValueError("no labels")
    return ".".join(labels)


@lru_cache(256)
def text_to_labels(text: str) -> bytes:
    parts = [label.encode("ascii") for label in text.split(".")]
    if not all(0 < len(part) < 64 for part in parts):
        raise ValueError("labels of 1 to 63 octets are wanted")
    return b"".join(bytes((len(part),)) + part for part in parts)


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("wanted octets")
    return value


def _s_nssai(data: bytes) -> object:
    if len(data) < 4:
        raise Truncated(f"{len(data)} octets, wanted 4")
    return SNssai(data[0], int.from_bytes(data[1:4], "big"))


def _s_nssai_octets(value: object) -> bytes:
    if not isinstance(value, SNssai):
        raise ValueError("wanted an S-NSSAI")
    return bytes((value.sst,)) + (NO_SD if value.sd is None else value.sd).to_bytes(3, "big")


UINT8 = Form(_uint8, _uint(1).encode, 1)
UINT16 = _uint(2)
UINT32 = _uint(4)
UINT64 = _uint(8)
NIBBLE = _uint(1, 0x0F)
"""Source and Destination Interface: 4 bits, the rest spare."""
BITS3 = _uint(1, 0x07)
BITS6 = _uint(1, 0x3F)
OCTETS = Form(lambda data: data, _octets)
TEXT = _text(lambda data: data.decode("latin-1"), lambda text: text.encode("latin-1"))
DNN = _text(labels_to_text, text_to_labels, common=True)
S_NSSAI = Form(_s_nssai, _s_nssai_octets, common=True)
