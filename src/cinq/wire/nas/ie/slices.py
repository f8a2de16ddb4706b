"""Network slices: S-NSSAI (§9.11.2.8), NSSAI (§9.11.3.37), rejected NSSAI (§9.11.3.46)."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from msgspec import Struct

from cinq.numbering import SNssai
from cinq.wire.nas.row import Codec


class MappedSNssai(SNssai, frozen=True, kw_only=True, gc=False):
    """An S-NSSAI that names the one of the HPLMN it stands for. Equal to the SNssai it is."""

    mapped: SNssai = SNssai(0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SNssai) and (self.sst, self.sd) == (other.sst, other.sd)

    def __hash__(self) -> int:
        return hash(SNssai(self.sst, self.sd))


class RejectedCause(IntEnum):
    """Why an S-NSSAI was rejected, §9.11.3.46."""

    NOT_AVAILABLE_IN_PLMN = 0
    NOT_AVAILABLE_IN_REGISTRATION_AREA = 1
    AUTHENTICATION_FAILED_OR_REVOKED = 2


class RejectedSNssai(Struct, frozen=True):
    """cause: a RejectedCause where it has a name."""

    s_nssai: SNssai
    cause: int


_FIRST = tuple(bytes((octet,)) for octet in range(256))


@lru_cache(256)
def s_nssai_value(b: bytes) -> SNssai:
    """An S-NSSAI of 1, 2, 4, 5 or 8 octets."""
    size = len(b)
    if size == 1:
        return SNssai(b[0])
    if size == 4:
        return SNssai(b[0], int.from_bytes(b[1:4], "big"))
    if size == 2:
        return MappedSNssai(b[0], mapped=SNssai(b[1]))
    if size == 5:
        return MappedSNssai(b[0], int.from_bytes(b[1:4], "big"), mapped=SNssai(b[4]))
    if size == 8:
        home = SNssai(b[4], int.from_bytes(b[5:8], "big"))
        return MappedSNssai(b[0], int.from_bytes(b[1:4], "big"), mapped=home)
    raise ValueError(f"S-NSSAI of {size} octets")


def s_nssai_octets(value: SNssai) -> bytes:
    if value.__class__ is SNssai:
        return _FIRST[value.sst] if value.sd is None else _FIRST[value.sst] + value.sd.to_bytes(3, "big")
    own = _octets(value)
    if not isinstance(value, MappedSNssai):
        return own
    if value.mapped.sd is not None and value.sd is None:
        return bytes((value.sst,)) + b"\xff\xff\xff" + _octets(value.mapped)
    return own + _octets(value.mapped)


def _octets(value: SNssai) -> bytes:
    return _FIRST[value.sst] if value.sd is None else _FIRST[value.sst] + value.sd.to_bytes(3, "big")


def _nssai(b: bytes) -> list[SNssai]:
    return list(_slices(b))


@lru_cache(256)
def _slices(b: bytes) -> tuple[SNssai, ...]:
    found, position = [], 0
    while position < len(b):
        after = position + 1 + b[position]
        found.append(s_nssai_value(b[position + 1 : after]))
        position = after
    if position > len(b):
        raise ValueError("the last S-NSSAI is cut")
    return tuple(found)


def _nssai_octets(values: list[SNssai]) -> bytes:
    out = b""
    for value in values:
        content = s_nssai_octets(value)
        out += _FIRST[len(content)] + content
    return out


_CAUSES: dict[int, int] = {int(cause): cause for cause in RejectedCause}


def _rejected(b: bytes) -> list[RejectedSNssai]:
    found, position = [], 0
    while position < len(b):
        size, cause = b[position] >> 4, b[position] & 15
        after = position + 1 + size
        found.append(RejectedSNssai(s_nssai_value(b[position + 1 : after]), _CAUSES.get(cause, cause)))
        position = after
    if position > len(b):
        raise ValueError("the last rejected S-NSSAI is cut")
    return found


def _rejected_octets(values: list[RejectedSNssai]) -> bytes:
    out = bytearray()
    for value in values:
        content = s_nssai_octets(value.s_nssai)
        out.append(len(content) << 4 | value.cause)
        out += content
    return bytes(out)


s_nssai: Codec[SNssai] = Codec(s_nssai_value, s_nssai_octets, 1, 8)
nssai: Codec[list[SNssai]] = Codec(_nssai, _nssai_octets, 2, 144)  # of at most 8 or 16 elements
rejected_nssai: Codec[list[RejectedSNssai]] = Codec(_rejected, _rejected_octets, 2, 40)
