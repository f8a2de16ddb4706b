"""Network slices: S-NSSAI (§9.11.2.8), NSSAI (§9.11.3.37), mapped and rejected NSSAI (§9.11.3.31B, 46, 75)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache

from msgspec import Struct

from cinq.numbering import SNssai
from cinq.wire.nas.ie.basic import gprs_timer_3
from cinq.wire.nas.row import Codec


class MappedSNssai(SNssai, frozen=True, kw_only=True, gc=False):
    """An S-NSSAI that names the one of the HPLMN it stands for. Equal to the SNssai it is."""

    mapped: SNssai = SNssai(0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SNssai) and (self.sst, self.sd) == (other.sst, other.sd)

    def __hash__(self) -> int:
        return hash(SNssai(self.sst, self.sd))


class RejectedCause(IntEnum):
    """Why an S-NSSAI was rejected, §9.11.3.46 and, the last one, §9.11.3.75."""

    NOT_AVAILABLE_IN_PLMN = 0
    NOT_AVAILABLE_IN_REGISTRATION_AREA = 1
    AUTHENTICATION_FAILED_OR_REVOKED = 2
    MAXIMUM_NUMBER_OF_UES_REACHED = 3


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
        value, position = _one_rejected(b, position)
        found.append(value)
    return found


def _one_rejected(b: bytes, position: int) -> tuple[RejectedSNssai, int]:
    size, cause = b[position] >> 4, b[position] & 15
    after = position + 1 + size
    if after > len(b):
        raise ValueError("the last rejected S-NSSAI is cut")
    return RejectedSNssai(s_nssai_value(b[position + 1 : after]), _CAUSES.get(cause, cause)), after


def _rejected_octets(values: Iterable[RejectedSNssai]) -> bytes:
    out = bytearray()
    for value in values:
        content = s_nssai_octets(value.s_nssai)
        if not 0 <= value.cause <= 15:
            raise ValueError(f"cause {value.cause}")
        out.append(len(content) << 4 | value.cause)
        out += content
    return bytes(out)


class RejectedGroup(Struct, frozen=True):
    """Partial extended rejected NSSAI list, §9.11.3.75. back_off: seconds for all its slices, None without timer."""

    rejected: tuple[RejectedSNssai, ...]
    back_off: int | None = None


_WITH_TIMER = 1


def _groups(b: bytes) -> list[RejectedGroup]:
    found, position = [], 0
    while position < len(b):
        form, count = b[position] >> 4 & 7, min((b[position] & 15) + 1, 8)
        position += 1
        back_off = None
        if form == _WITH_TIMER:
            back_off = gprs_timer_3.decode(b[position : position + 1])
            position += 1
        elif form:
            raise ValueError(f"partial extended rejected NSSAI list of form {form}")
        rejected = []
        for _ in range(count):
            value, position = _one_rejected(b, position)
            rejected.append(value)
        found.append(RejectedGroup(tuple(rejected), back_off))
    return found


def _groups_octets(groups: list[RejectedGroup]) -> bytes:
    out = b""
    for group in groups:
        if not 1 <= len(group.rejected) <= 8:
            raise ValueError("a partial extended rejected NSSAI list has 1 to 8 elements")
        form = 0 if group.back_off is None else _WITH_TIMER
        out += bytes((form << 4 | len(group.rejected) - 1,))
        out += b"" if group.back_off is None else gprs_timer_3.encode(group.back_off)
        out += _rejected_octets(group.rejected)
    return out


s_nssai: Codec[SNssai] = Codec(s_nssai_value, s_nssai_octets, 1, 8)
own_s_nssai: Codec[SNssai] = Codec(s_nssai_value, s_nssai_octets, 1, 4)  # without one of the HPLMN
nssai: Codec[list[SNssai]] = Codec(_nssai, _nssai_octets, 2, 144)  # of at most 16 elements
nssai_of_8: Codec[list[SNssai]] = Codec(_nssai, _nssai_octets, 2, 72)
mapped_nssai: Codec[list[SNssai]] = Codec(_nssai, _nssai_octets, 1, 40)  # §9.11.3.31B: those of the HPLMN
extended_rejected_nssai: Codec[list[RejectedGroup]] = Codec(_groups, _groups_octets, 3, 88)
rejected_nssai: Codec[list[RejectedSNssai]] = Codec(_rejected, _rejected_octets, 2, 40)
