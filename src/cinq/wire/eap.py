"""EAP packets (RFC 3748 §4) as NAS carries them, and the attributes of EAP-AKA' (RFC 4187 §8, RFC 9048 §3).

Written by `aka_prime`, `success` and `failure`; the MAC is put in by `cinq.crypto.eap_aka.sealed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cinq.wire.error import WireError

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, NAK, AKA, AKA_PRIME = 1, 3, 23, 50
CHALLENGE, AUTHENTICATION_REJECT, SYNCHRONIZATION_FAILURE = 1, 2, 4
AKA_IDENTITY, NOTIFICATION, REAUTHENTICATION, CLIENT_ERROR = 5, 12, 13, 14
AT_RAND, AT_AUTN, AT_RES, AT_AUTS, AT_MAC, AT_NOTIFICATION = 1, 2, 3, 4, 11, 12
AT_CLIENT_ERROR_CODE, AT_KDF_INPUT, AT_KDF, AT_CHECKCODE, AT_RESULT_IND = 22, 23, 24, 134, 135
SKIPPABLE = 128
"""Attributes from here on may be passed over by who does not know them (RFC 4187 §8.1)."""

GENERAL_FAILURE, GENERAL_FAILURE_AFTER_AUTHENTICATION = 16384, 0
"""Values of AT_NOTIFICATION, RFC 4187 §10.19."""
UNABLE_TO_PROCESS_PACKET = 0
"""The value of AT_CLIENT_ERROR_CODE, RFC 4187 §10.20."""

CODES = {REQUEST: "request", RESPONSE: "response", SUCCESS: "success", FAILURE: "failure"}
METHODS = {
    IDENTITY: "identity",
    NAK: "nak",
    13: "EAP-TLS",
    21: "EAP-TTLS",
    AKA: "EAP-AKA",
    AKA_PRIME: "EAP-AKA'",
}
SUBTYPES = {
    CHALLENGE: "challenge",
    AUTHENTICATION_REJECT: "authentication reject",
    SYNCHRONIZATION_FAILURE: "synchronization failure",
    AKA_IDENTITY: "identity",
    NOTIFICATION: "notification",
    REAUTHENTICATION: "reauthentication",
    CLIENT_ERROR: "client error",
}
ATTRIBUTES = {
    AT_RAND: "at_rand",
    AT_AUTN: "at_autn",
    AT_RES: "at_res",
    AT_AUTS: "at_auts",
    6: "at_padding",
    7: "at_nonce_mt",
    10: "at_permanent_id_req",
    AT_MAC: "at_mac",
    AT_NOTIFICATION: "at_notification",
    13: "at_any_id_req",
    14: "at_identity",
    17: "at_fullauth_id_req",
    AT_CLIENT_ERROR_CODE: "at_client_error_code",
    AT_KDF_INPUT: "at_kdf_input",
    AT_KDF: "at_kdf",
    129: "at_iv",
    130: "at_encr_data",
    132: "at_next_pseudonym",
    133: "at_next_reauth_id",
    AT_CHECKCODE: "at_checkcode",
    AT_RESULT_IND: "at_result_ind",
    136: "at_bidding",
}
_HEADER, _AKA_HEADER, _UNIT, _RESERVED = 4, 8, 4, 2


class EapError(WireError):
    """Octets that are no EAP packet."""


@dataclass(frozen=True, slots=True)
class EapPacket:
    """code: REQUEST and so on. method: the type, 0 for success and failure. content: after the type.

    subtype and attributes: of EAP-AKA and EAP-AKA', else 0 and none. An attribute's octets are those after its
    length; the first of each type counts. kdfs: every AT_KDF, in its order. mac_at: where in the packet the 16
    octets of AT_MAC begin, 0 where there is none.
    """

    code: int
    identifier: int
    method: int = 0
    subtype: int = 0
    content: bytes = b""
    attributes: Mapping[int, bytes] = field(default_factory=dict)
    kdfs: tuple[int, ...] = ()
    mac_at: int = 0

    @property
    def rand(self) -> bytes | None:
        """AT_RAND, 16 octets."""
        return _fixed(self.attributes.get(AT_RAND))

    @property
    def autn(self) -> bytes | None:
        """AT_AUTN, 16 octets."""
        return _fixed(self.attributes.get(AT_AUTN))

    @property
    def network_name(self) -> str | None:
        """AT_KDF_INPUT, RFC 9048 §3.1: the serving network name. None where it is absent or no text."""
        found = self.attributes.get(AT_KDF_INPUT, b"")
        length = int.from_bytes(found[:2], "big")
        name = found[2 : 2 + length]
        return name.decode("ascii") if len(name) == length > 0 and name.isascii() else None

    @property
    def kdf(self) -> int | None:
        """The first AT_KDF, RFC 9048 §3.2: 1 for the key derivation function of §3.3."""
        return self.kdfs[0] if self.kdfs else None

    @property
    def auts(self) -> bytes | None:
        """AT_AUTS, RFC 4187 §10.9: 14 octets."""
        found = self.attributes.get(AT_AUTS)
        return found if found is not None and len(found) == 14 else None

    @property
    def mac(self) -> bytes | None:
        """AT_MAC, RFC 4187 §10.15: 16 octets."""
        return _fixed(self.attributes.get(AT_MAC))

    @property
    def notification(self) -> int | None:
        """AT_NOTIFICATION, RFC 4187 §10.19."""
        return _number(self.attributes.get(AT_NOTIFICATION))

    @property
    def client_error_code(self) -> int | None:
        """AT_CLIENT_ERROR_CODE, RFC 4187 §10.20."""
        return _number(self.attributes.get(AT_CLIENT_ERROR_CODE))

    @property
    def not_understood(self) -> tuple[int, ...]:
        """Attributes that nobody may pass over and that are not known here (RFC 4187 §8.1)."""
        return tuple(number for number in self.attributes if number < SKIPPABLE and number not in ATTRIBUTES)

    @property
    def res(self) -> bytes | None:
        """AT_RES, RFC 4187 §10.8: a whole number of octets."""
        found = self.attributes.get(AT_RES, b"")
        bits = int.from_bytes(found[:2], "big")
        octets = found[2 : 2 + bits // 8]
        return octets if bits and bits % 8 == 0 and len(octets) == bits // 8 else None

    @property
    def name(self) -> str:
        """'EAP-AKA' challenge', 'EAP success'."""
        method = METHODS.get(self.method, f"type {self.method}") if self.method else CODES[self.code]
        words = [method if method.startswith("EAP") else f"EAP {method}"]
        if self.subtype:
            words.append(SUBTYPES.get(self.subtype, f"subtype {self.subtype}"))
        return " ".join(words)


def _fixed(found: bytes | None) -> bytes | None:
    """Sixteen octets after two reserved ones."""
    return found[_RESERVED:] if found is not None and len(found) == _RESERVED + 16 else None


def _number(found: bytes | None) -> int | None:
    return int.from_bytes(found, "big") if found is not None and len(found) == 2 else None


def decode(octets: bytes) -> EapPacket:
    """The packet. EapError: it is none; octets behind its length are padding and passed over (RFC 3748 §4.1)."""
    if len(octets) < _HEADER:
        raise EapError(0, f"EAP packet: found {len(octets)} octets, wanted {_HEADER} or more", "RFC 3748 §4")
    code, identifier, length = octets[0], octets[1], int.from_bytes(octets[2:4], "big")
    if code not in CODES:
        raise EapError(0, f"EAP code: found {code}, wanted 1 to 4", "RFC 3748 §4")
    if not _HEADER <= length <= len(octets):
        raise EapError(2, f"EAP length: found {length}, wanted {_HEADER} to {len(octets)}", "RFC 3748 §4")
    if code in (SUCCESS, FAILURE):
        return EapPacket(code, identifier)
    if length == _HEADER:
        raise EapError(_HEADER, "EAP request or response without a type", "RFC 3748 §4.1")
    method, content = octets[_HEADER], octets[_HEADER + 1 : length]
    if method not in (AKA, AKA_PRIME):
        return EapPacket(code, identifier, method, content=content)
    if length < _AKA_HEADER:
        raise EapError(_HEADER, "EAP-AKA packet without a subtype", "RFC 4187 §8.1")
    attributes: dict[int, bytes] = {}
    kdfs: list[int] = []
    mac_at = 0
    for number, place, value in _attributes(octets, length):
        if number == AT_KDF:
            kdfs.append(int.from_bytes(value[:2], "big"))
        elif number == AT_MAC and number not in attributes and len(value) == _RESERVED + 16:
            mac_at = place + _RESERVED
        attributes.setdefault(number, value)
    subtype = octets[_HEADER + 1]
    return EapPacket(code, identifier, method, subtype, content, attributes, tuple(kdfs), mac_at)


def _attributes(octets: bytes, length: int) -> Iterator[tuple[int, int, bytes]]:
    """Number, place of the value, and value of each attribute after type, subtype and two reserved octets.

    Lengths count units of four octets.
    """
    place = _AKA_HEADER
    while place < length:
        size = octets[place + 1] * _UNIT if place + 1 < length else 0
        if not size or place + size > length:
            raise EapError(place, "EAP-AKA attribute runs over the end of its packet", "RFC 4187 §8.1")
        yield octets[place], place + 2, octets[place + 2 : place + size]
        place += size


def aka_prime(code: int, identifier: int, subtype: int, *attributes: tuple[int, bytes]) -> bytes:
    """A packet of EAP-AKA'. attributes: number and octets after the length, which are filled up with zeros."""
    content = bytes((AKA_PRIME, subtype, 0, 0))
    for number, value in attributes:
        units = -(-(2 + len(value)) // _UNIT)
        content += bytes((number, units)) + value.ljust(units * _UNIT - 2, b"\0")
    return bytes((code, identifier)) + (_HEADER + len(content)).to_bytes(2, "big") + content


def success(identifier: int) -> bytes:
    """EAP-Success; it has the identifier of the response that it answers (RFC 3748 §4.2)."""
    return bytes((SUCCESS, identifier, 0, _HEADER))


def failure(identifier: int) -> bytes:
    """EAP-Failure; it has the identifier of the response that it answers (RFC 3748 §4.2)."""
    return bytes((FAILURE, identifier, 0, _HEADER))


def at_sixteen(number: int, value: bytes) -> tuple[int, bytes]:
    """AT_RAND, AT_AUTN or AT_MAC: 16 octets after two reserved ones (RFC 4187 §10.6, §10.7, §10.15)."""
    return number, bytes(_RESERVED) + value


def at_no_mac() -> tuple[int, bytes]:
    """AT_MAC with zeros in the place of the MAC, over which it is computed."""
    return at_sixteen(AT_MAC, bytes(16))


def at_res(res: bytes) -> tuple[int, bytes]:
    """AT_RES, RFC 4187 §10.8: its length is written in bits."""
    return AT_RES, (len(res) * 8).to_bytes(2, "big") + res


def at_kdf(kdf: int) -> tuple[int, bytes]:
    """AT_KDF, RFC 9048 §3.2."""
    return AT_KDF, kdf.to_bytes(2, "big")


def at_kdf_input(network_name: str) -> tuple[int, bytes]:
    """AT_KDF_INPUT, RFC 9048 §3.1: in 5G the serving network name."""
    name = network_name.encode("ascii")
    return AT_KDF_INPUT, len(name).to_bytes(2, "big") + name


def at_number(number: int, value: int) -> tuple[int, bytes]:
    """AT_NOTIFICATION or AT_CLIENT_ERROR_CODE: two octets (RFC 4187 §10.19, §10.20)."""
    return number, value.to_bytes(2, "big")


def plain(packet: EapPacket) -> dict[str, object]:
    """For the trace: names, and octets as hexadecimal."""
    shown: dict[str, object] = {"code": CODES[packet.code], "identifier": packet.identifier}
    if packet.method:
        shown["method"] = METHODS.get(packet.method, packet.method)
        if packet.method not in (AKA, AKA_PRIME):
            shown["content"] = packet.content.hex()
            return shown
        shown["subtype"] = SUBTYPES.get(packet.subtype, packet.subtype)
        for number, octets in packet.attributes.items():
            shown[ATTRIBUTES.get(number, f"attribute_{number}")] = octets.hex()
        if packet.network_name is not None:
            shown["network_name"] = packet.network_name
    return shown
