"""Ciphering algorithms NEA0 to NEA3, TS 33.501 annex D.2 and TS 33.401 annex B.1.

key 16 octets, count 32 bits, bearer 5 bits, direction 0 uplink or 1 downlink. Deciphering is the same call.
"""

from __future__ import annotations

import struct
from collections import OrderedDict

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from cinq.crypto.native import FUNCTIONS

_COUNTER = struct.Struct(">IB11x")
_CONTEXTS = 128  # of keys in use now: a UE in a procedure has a few messages one after the other
_contexts: OrderedDict[bytes, CipherContext] = OrderedDict()  # that used last stands last


def _nea2(key: bytes, count: int, bearer: int, direction: int, octets: bytes) -> bytes:
    """AES in CTR mode. A context is out of the table while it is used, so that no two uses can meet in one."""
    first_block = _COUNTER.pack(count, bearer << 3 | direction << 2)
    context = _contexts.pop(key, None)
    if context is None:
        context = Cipher(algorithms.AES(key), modes.CTR(first_block)).encryptor()
    else:
        context.reset_nonce(first_block)
    mixed = context.update(octets)
    _contexts[key] = context
    if len(_contexts) > _CONTEXTS:
        _contexts.popitem(last=False)
    return mixed


def cipher(algorithm: int, key: bytes, count: int, bearer: int, direction: int, octets: bytes) -> bytes:
    """The octets xor the key stream. ValueError on an unknown algorithm or a key that is not 16 octets."""
    if algorithm == 0:
        return octets
    if len(key) != 16:
        raise ValueError(f"ciphering key: found {len(key)} octets, wanted 16")
    if algorithm == 2:
        return _nea2(key, count, bearer, direction, octets)
    if algorithm == 1:
        return FUNCTIONS.f8(key, count, bearer, direction, octets, len(octets) * 8)
    if algorithm == 3:
        return FUNCTIONS.eea3(key, count, bearer, direction, octets, len(octets) * 8)
    raise ValueError(f"ciphering algorithm: found {algorithm}, wanted 0 to 3")
