"""EAP packets (RFC 3748 §4) as NAS carries them, and the attributes of EAP-AKA' (RFC 4187 §8, RFC 9048 §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cinq.wire.error import WireError

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, NAK, AKA, AKA_PRIME = 1, 3, 23, 50
CHALLENGE = 1
AT_RAND, AT_AUTN, AT_RES, AT_KDF_INPUT, AT_KDF = 1, 2, 3, 23, 24

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
    2: "authentication reject",
    4: "synchronization failure",
    5: "identity",
    12: "notification",
    13: "reauthentication",
    14: "client error",
}
ATTRIBUTES = {
    AT_RAND: "at_rand",
    AT_AUTN: "at_autn",
    AT_RES: "at_res",
    4: "at_auts",
    6: "at_padding",
    7: "at_nonce_mt",
    10: "at_permanent_id_req",
    11: "at_mac",
    12: "at_notification",
    13: "at_any_id_req",
    14: "at_identity",
    17: "at_fullauth_id_req",
    22: "at_client_error_code",
    AT_KDF_INPUT: "at_kdf_input",
    AT_KDF: "at_kdf",
    129: "at_iv",
    130: "at_encr_data",
    132: "at_next_pseudonym",
    133: "at_next_reauth_id",
    134: "at_checkcode",
    135: "at_result_ind",
    136: "at_bidding",
}
_HEADER, _AKA_HEADER, _UNIT, _RESERVED = 4, 8, 4, 2


class EapError(WireError):
    """Octets that are no EAP packet."""


@dataclass(frozen=True, slots=True)
class EapPacket:
    """code: REQUEST and so on. method: the type, 0 for success and failure. content: after the type.

    subtype and attributes: of EAP-AKA and EAP-AKA', else 0 and none. An attribute's octets are those after its
    length; the first of each type counts.
    """

    code: int
    identifier: int
    method: int = 0
    subtype: int = 0
    content: bytes = b""
    attributes: Mapping[int, bytes] = field(default_factory=dict)

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
        """AT_KDF, RFC 9048 §3.2: 1 for the key derivation function of §3.3."""
        found = self.attributes.get(AT_KDF)
        return None if found is None else int.from_bytes(found, "big")

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
    attributes = _attributes(octets, length)
    return EapPacket(code, identifier, method, octets[_HEADER + 1], content, attributes)


def _attributes(octets: bytes, length: int) -> dict[int, bytes]:
    """Attributes after type, subtype and two reserved octets; lengths count units of four octets."""
    found: dict[int, bytes] = {}
    place = _AKA_HEADER
    while place < length:
        size = octets[place + 1] * _UNIT if place + 1 < length else 0
        if not size or place + size > length:
            raise EapError(place, "EAP-AKA attribute runs over the end of its packet", "RFC 4187 §8.1")
        found.setdefault(octets[place], octets[place + 2 : place + size])
        place += size
    return found


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
