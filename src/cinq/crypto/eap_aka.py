"""Keys of EAP-AKA', RFC 9048 §3.3 and §3.4, and what 5G takes of them (TS 33.501 §6.1.3.1, annex F).

CK' and IK' (16 octets each) are those of `kdf.ck_ik_prime`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

_ROUND = 32
_MAC = 16
_LENGTHS = (16, 32, 32, 64, 64)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """K_encr of 16 octets, K_aut and K_re of 32, MSK and EMSK of 64."""

    k_encr: bytes = field(repr=False)
    k_aut: bytes = field(repr=False)
    k_re: bytes = field(repr=False)
    msk: bytes = field(repr=False)
    emsk: bytes = field(repr=False)

    @property
    def kausf(self) -> bytes:
        """KAUSF, 32 octets: the first half of EMSK, TS 33.501 §6.1.3.1."""
        return self.emsk[:32]


def prf_prime(key: bytes, octets: bytes, length: int) -> bytes:
    """PRF', RFC 9048 §3.4.1: the first `length` octets of T1 || T2 || ..., at most 255 rounds of 32."""
    made, last = b"", b""
    for number in range(1, -(-length // _ROUND) + 1):
        last = hmac.digest(key, last + octets + bytes((number,)), "sha256")
        made += last
    return made[:length]


def session_keys(ck_prime: bytes, ik_prime: bytes, identity: str) -> SessionKeys:
    """MK = PRF'(IK' || CK', "EAP-AKA'" || identity), cut into its keys, RFC 9048 §3.3.

    identity: in 5G the digits of the IMSI, whatever the UE sent (TS 33.501 §F.3).
    """
    mk = prf_prime(ik_prime + ck_prime, b"EAP-AKA'" + identity.encode(), sum(_LENGTHS))
    keys, place = [], 0
    for length in _LENGTHS:
        keys.append(mk[place : place + length])
        place += length
    return SessionKeys(*keys)


def mac(k_aut: bytes, packet: bytes, mac_at: int) -> bytes:
    """AT_MAC, 16 octets: HMAC-SHA-256-128 over the whole packet with zeros in its place (RFC 9048 §3.4.1)."""
    return hmac.digest(k_aut, packet[:mac_at] + bytes(_MAC) + packet[mac_at + _MAC :], "sha256")[:_MAC]


def sealed(k_aut: bytes, packet: bytes, mac_at: int) -> bytes:
    """The packet with its MAC at that place."""
    return packet[:mac_at] + mac(k_aut, packet, mac_at) + packet[mac_at + _MAC :]


def mac_holds(k_aut: bytes, packet: bytes, mac_at: int) -> bool:
    """Whether the 16 octets at that place are the MAC of the packet."""
    return hmac.compare_digest(packet[mac_at : mac_at + _MAC], mac(k_aut, packet, mac_at))
