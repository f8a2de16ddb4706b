"""Ciphering algorithms NEA0 to NEA3, TS 33.501 annex D.2 and TS 33.401 annex B.1.

key 16 octets, count 32 bits, bearer 5 bits, direction 0 uplink or 1 downlink. Deciphering is the same call.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from cinq.crypto import snow3g, zuc

_COUNTER = struct.Struct(">IB11x")
_BLOCK_NUMBERS = tuple(number.to_bytes(8, "big") for number in range(64))
_CONTEXTS = 128  # of keys in use now: a UE in a procedure has a few messages one after the other


@lru_cache(_CONTEXTS)
def _aes(key: bytes) -> CipherContext:
    """AES without a mode, which keeps no state between calls."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()


def _nea2(key: bytes, count: int, bearer: int, direction: int, octets: bytes) -> bytes:
    """AES in CTR mode. What NAS sends is short: its counter blocks are ciphered in one call of a known context."""
    first_block, size = _COUNTER.pack(count, bearer << 3 | direction << 2), len(octets)
    blocks = size + 15 >> 4
    if blocks > len(_BLOCK_NUMBERS):
        return Cipher(algorithms.AES(key), modes.CTR(first_block)).encryptor().update(octets)
    half = first_block[:8]
    stream = _aes(key).update(b"".join([half + number for number in _BLOCK_NUMBERS[:blocks]]))
    mixed = int.from_bytes(stream[:size], "big") ^ int.from_bytes(octets, "big")
    return mixed.to_bytes(size, "big")


def cipher(algorithm: int, key: bytes, count: int, bearer: int, direction: int, octets: bytes) -> bytes:
    """The octets xor the key stream. ValueError on an unknown algorithm or a key that is not 16 octets."""
    if algorithm == 0:
        return octets
    if len(key) != 16:
        raise ValueError(f"ciphering key: found {len(key)} octets, wanted 16")
    if algorithm == 2:
        return _nea2(key, count, bearer, direction, octets)
    if algorithm == 1:
        return snow3g.f8(key, count, bearer, direction, octets, len(octets) * 8)
    if algorithm == 3:
        return zuc.eea3(key, count, bearer, direction, octets, len(octets) * 8)
    raise ValueError(f"ciphering algorithm: found {algorithm}, wanted 0 to 3")
