"""Emergency numbers: TS 24.008 §10.5.3.13 and, with the names of services, TS 24.301 §9.9.3.37A."""

from __future__ import annotations

from msgspec import Struct

from cinq.numbering import SWAPPED
from cinq.wire.nas.ie.basic import seven_bit_octets, seven_bit_text
from cinq.wire.nas.ie.lists import piece, pieces
from cinq.wire.nas.row import Codec

_LETTERS = str.maketrans("abcde", "*#abc")  # TS 24.008 table 10.5.118
_NIBBLES = str.maketrans("*#abc", "abcde")


def _number(b: bytes) -> str:
    return b.translate(SWAPPED).hex().rstrip("f").translate(_LETTERS)


def _number_octets(text: str) -> bytes:
    digits = text.translate(_NIBBLES)
    return bytes.fromhex(digits + "f" * (len(digits) % 2)).translate(SWAPPED)


class EmergencyNumber(Struct, frozen=True):
    """categories: bits of the emergency service category: 1 police, 2 ambulance, 4 fire, 8 marine, 16 mountain."""

    number: str
    categories: int = 0


emergency_number_list: Codec[list[EmergencyNumber]] = Codec(
    lambda b: [EmergencyNumber(_number(each[1:]), each[0] & 31) for each in pieces(b)],
    lambda numbers: b"".join(piece(bytes((n.categories,)) + _number_octets(n.number)) for n in numbers),
    3,
    48,
)


class NamedEmergencyNumber(Struct, frozen=True):
    """services: the sub-services of its URN, such as 'police.municipal'; empty for 'urn:service:sos'."""

    number: str
    services: str = ""


class ExtendedEmergencyNumbers(Struct, frozen=True):
    """in_plmn_only: else they hold in the whole country."""

    numbers: tuple[NamedEmergencyNumber, ...]
    in_plmn_only: bool = False


def _services(b: bytes) -> str:
    text = seven_bit_text(b, 0)
    return text.removesuffix("\r") if len(text) % 8 == 0 else text


def _services_octets(text: str) -> bytes:
    return seven_bit_octets(text + "\r" if len(text) % 8 == 7 else text)


def _extended(b: bytes) -> ExtendedEmergencyNumbers:
    found = pieces(b[1:])
    pairs = zip(found[::2], found[1::2], strict=True)
    numbers = tuple(NamedEmergencyNumber(_number(number), _services(services)) for number, services in pairs)
    return ExtendedEmergencyNumbers(numbers, b[0] & 1 == 1)


def _extended_octets(value: ExtendedEmergencyNumbers) -> bytes:
    numbers = b"".join(
        piece(_number_octets(n.number)) + piece(_services_octets(n.services)) for n in value.numbers
    )
    return bytes((value.in_plmn_only,)) + numbers


extended_emergency_number_list: Codec[ExtendedEmergencyNumbers] = Codec(_extended, _extended_octets, 4)
