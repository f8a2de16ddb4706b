"""Integrity algorithms NIA0 to NIA3, TS 33.501 annex D.3 and TS 33.401 annex B.2.

key 16 octets, count 32 bits, bearer 5 bits, direction 0 uplink or 1 downlink.
"""

from __future__ import annotations

import hmac
import struct
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from cinq.crypto.native import FUNCTIONS

_HEADER = struct.Struct(">IB3x")
_CONTEXTS = 128  # of keys in use now: a UE in a procedure has a few messages one after the other


@lru_cache(_CONTEXTS)
def _cmac(key: bytes) -> CMAC:
    """A context that has seen nothing; it is copied, never used."""
    return CMAC(algorithms.AES(key))


def _nia2(key: bytes, count: int, bearer: int, direction: int, octets: bytes) -> bytes:
    context = _cmac(key).copy()
    context.update(_HEADER.pack(count, bearer << 3 | direction << 2) + octets)
    return context.finalize()[:4]


def mac(algorithm: int, key: bytes, count: int, bearer: int, direction: int, octets: bytes) -> bytes:
    """The MAC, 4 octets. ValueError on an unknown algorithm or a key that is not 16 octets."""
    if algorithm == 0:
        return bytes(4)
    if len(key) != 16:
        raise ValueError(f"integrity key: found {len(key)} octets, wanted 16")
    if algorithm == 2:
        return _nia2(key, count, bearer, direction, octets)
    if algorithm == 1:
        return FUNCTIONS.f9(key, count, bearer << 27, direction, octets, len(octets) * 8)
    if algorithm == 3:
        return FUNCTIONS.eia3(key, count, bearer, direction, octets, len(octets) * 8)
    raise ValueError(f"integrity algorithm: found {algorithm}, wanted 0 to 3")


def holds(
    found: bytes, algorithm: int, key: bytes, count: int, bearer: int, direction: int, octets: bytes
) -> bool:
    """Whether `found` is the MAC of the octets, compared in constant time. NIA0 is never checked (§D.1)."""
    return algorithm == 0 or hmac.compare_digest(found, mac(algorithm, key, count, bearer, direction, octets))
