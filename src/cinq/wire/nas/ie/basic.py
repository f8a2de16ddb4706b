"""Octets, numbers, flags, causes, data network names, timers, time: elements without a shape of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from cinq import numbering
from cinq.wire.nas.causes import GmmCause, GsmCause
from cinq.wire.nas.row import Codec, Nibble


def octets(low: int = 0, high: int | None = None) -> Codec[bytes]:
    """Octets as they are."""
    return Codec(bytes, bytes, low, high)


def utf8(low: int, high: int | None = None) -> Codec[str]:
    """Text in UTF-8 of low to high octets."""
    return Codec(lambda b: b.decode("utf-8"), lambda text: text.encode("utf-8"), low, high)


def number(size: int) -> Codec[int]:
    """An unsigned integer of size octets."""
    if size == 1:
        return Codec(lambda b: b[0], lambda n: n.to_bytes(1, "big"), 1, 1)
    return Codec(lambda b: int.from_bytes(b, "big"), lambda n: n.to_bytes(size, "big"), size, size)


def named(names: type[IntEnum]) -> Codec[int]:
    """One octet; an IntEnum member where the value has a name, else the integer."""
    known: dict[int, int] = {int(member): member for member in names}
    return Codec(lambda b: known.get(b[0], b[0]), lambda n: n.to_bytes(1, "big"), 1, 1)


def named_half(names: type[IntEnum], mask: int = 15) -> Nibble[int]:
    """The bits of mask in half an octet; an IntEnum member where the value has a name, else the integer."""
    known: dict[int, int] = {int(member): member for member in names}
    return Nibble(lambda n: known.get(n & mask, n & mask), int)


octet = number(1)
gmm_cause = named(GmmCause)
gsm_cause = named(GsmCause)
half_octet: Nibble[int] = Nibble(int, int)
flag: Nibble[bool] = Nibble(lambda n: n & 1 == 1, int)
eap_message = octets(4, 1500)


class AccessType(IntEnum):
    """§9.11.2.1A; BOTH only in the de-registration type."""

    ACCESS_3GPP = 1
    NON_3GPP = 2
    BOTH = 3


access_type = named_half(AccessType, 3)


@lru_cache(256)
def _dnn_text(b: bytes) -> str:
    labels, position = [], 0
    while position < len(b):
        after = position + 1 + b[position]
        if after > len(b):
            raise ValueError("DNN label is longer than the element")
        labels.append(b[position + 1 : after].decode("ascii"))
        position = after
    return numbering.dnn(".".join(labels))


@lru_cache(256)
def dnn_octets(text: str) -> bytes:
    """A DNN as length-prefixed labels, TS 23.003 §9.1."""
    return b"".join(bytes((len(label),)) + label.encode("ascii") for label in text.split("."))


dnn = Codec(_dnn_text, dnn_octets, 1, 100)

DEACTIVATED: Final = -1
"""A GPRS timer that says 'timer is deactivated'. Other timers are seconds."""


def timer(units: dict[int, int], otherwise: int) -> Codec[int]:
    """One octet: unit in bits 6 to 8, value in bits 1 to 5. units: unit code to seconds.

    Encoding takes the finest unit that gives the time exactly, else the next longer time that has a coding.
    """

    def decode(b: bytes) -> int:
        unit = b[0] >> 5
        return DEACTIVATED if unit == 7 else units.get(unit, otherwise) * (b[0] & 31)

    finest = sorted(units.items(), key=lambda item: item[1])

    @lru_cache(64)
    def encode(seconds: int) -> bytes:
        if seconds == DEACTIVATED:
            return b"\xe0"
        fits = [(code, step) for code, step in finest if 0 <= seconds <= step * 31]
        if not fits:
            raise ValueError(f"timer of {seconds} s")
        code, step = min(fits, key=lambda unit: (-(-seconds // unit[1]) * unit[1], unit[1]))
        return bytes((code << 5 | -(-seconds // step),))

    return Codec(decode, encode, 1, 1)


gprs_timer = timer({0: 2, 1: 60, 2: 360}, 60)  # TS 24.008 §10.5.7.3, and 'GPRS timer 2' of §10.5.7.4
gprs_timer_2 = gprs_timer
gprs_timer_3 = timer({0: 600, 1: 3600, 2: 36000, 3: 2, 4: 30, 5: 60, 6: 1152000}, 60)  # §10.5.7.4a

duration: Codec[int] = number(3)  # TS 24.301 §9.9.3.68, seconds


def _bcd(value: int) -> int:
    return value % 10 << 4 | value // 10


def _from_bcd(value: int) -> int:
    if value & 15 > 9 or value >> 4 > 9:
        raise ValueError(f"{value:#04x} is not BCD")
    return (value & 15) * 10 + (value >> 4)


def _zone(value: int) -> timedelta:
    quarters = _from_bcd(value & 0xF7)  # bit 4 is the sign
    return timedelta(minutes=-15 * quarters if value & 8 else 15 * quarters)


def _zone_octet(offset: timedelta) -> int:
    quarters = round(offset / timedelta(minutes=15))
    return _bcd(abs(quarters)) | (8 if quarters < 0 else 0)


time_zone = Codec(lambda b: _zone(b[0]), lambda t: bytes((_zone_octet(t),)), 1, 1)


class UniversalTime(Struct, frozen=True):
    """Time zone and time, TS 24.008 §10.5.3.9. utc: of whole seconds. zone: offset of local time."""

    utc: datetime
    zone: timedelta


def _universal_time(b: bytes) -> UniversalTime:
    year, month, day, hour, minute, second = (_from_bcd(value) for value in b[:6])
    return UniversalTime(datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC), _zone(b[6]))


def _universal_time_octets(time: UniversalTime) -> bytes:
    t = time.utc.astimezone(UTC)
    fields = (t.year - 2000, t.month, t.day, t.hour, t.minute, t.second)
    return bytes([*(_bcd(value) for value in fields), _zone_octet(time.zone)])


universal_time = Codec(_universal_time, _universal_time_octets, 7, 7)

_SEVEN_BIT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

_IN_SEVEN_BITS = frozenset(_SEVEN_BIT) - {"\x1b"}


class NetworkName(Struct, frozen=True):
    """Network name, TS 24.008 §10.5.3.5a. ucs2: how it is coded (else the GSM alphabet)."""

    text: str
    ucs2: bool = True
    add_country_initials: bool = False

    @classmethod
    def of(cls, text: str) -> NetworkName:
        """In the GSM alphabet where it has every letter: it is shorter, and some UEs read no other."""
        return cls(text, ucs2=not _IN_SEVEN_BITS.issuperset(text))


def seven_bit_text(b: bytes, spare: int) -> str:
    """Septets of the GSM alphabet packed into octets, of which the last spare bits mean nothing."""
    bits = int.from_bytes(b, "little")
    return "".join(_SEVEN_BIT[bits >> 7 * i & 127] for i in range((len(b) * 8 - spare) // 7))


def seven_bit_octets(text: str) -> bytes:
    bits = sum(_SEVEN_BIT.index(letter) << 7 * i for i, letter in enumerate(text))
    return bits.to_bytes(-(-len(text) * 7 // 8), "little")


def _network_name(b: bytes) -> NetworkName:
    initials, scheme = b[0] & 8 == 8, b[0] >> 4 & 7
    if scheme == 1:
        return NetworkName(b[1:].decode("utf-16-be"), True, initials)
    if scheme != 0:
        raise ValueError(f"coding scheme {scheme}")
    return NetworkName(seven_bit_text(b[1:], b[0] & 7), False, initials)


def _network_name_octets(name: NetworkName) -> bytes:
    head = 0x80 | (8 if name.add_country_initials else 0)
    if name.ucs2:
        return bytes((head | 0x10,)) + name.text.encode("utf-16-be")
    octets = seven_bit_octets(name.text)
    return bytes((head | len(octets) * 8 - len(name.text) * 7,)) + octets


network_name = Codec(_network_name, _network_name_octets, 1)
