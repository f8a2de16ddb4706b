"""Milenage, the example algorithm set f1 to f5* of TS 35.206 on AES-128.

K, OPc and RAND are 16 octets, SQN 6, AMF 2. A wrong length raises ValueError.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_MASK = (1 << 128) - 1
_ECB = modes.ECB()


# An ECB context fed whole blocks has no state between calls, so sharing it is sound. Both caches are small so that
# keys do not linger.
@lru_cache(maxsize=4)
def _block_cipher(k: bytes) -> Callable[[bytes], bytes]:
    if len(k) != 16:
        raise ValueError(f"K: found {len(k)} octets, wanted 16")
    return Cipher(algorithms.AES(k), _ECB).encryptor().update


# One vector asks for f1 and then f2345 of the same challenge.
@lru_cache(maxsize=4)
def _start(k: bytes, opc: bytes, rand: bytes) -> tuple[Callable[[bytes], bytes], int, int]:
    """The cipher, OPc and TEMP = E[RAND xor OPc]_K, TS 35.206 §4.1."""
    if len(opc) != 16 or len(rand) != 16:
        raise ValueError(f"OPc and RAND: found {len(opc)} and {len(rand)} octets, wanted 16 and 16")
    encrypt = _block_cipher(k)
    op = int.from_bytes(opc, "big")
    temp = encrypt((int.from_bytes(rand, "big") ^ op).to_bytes(16, "big"))
    return encrypt, op, int.from_bytes(temp, "big")


def compute_opc(k: bytes, op: bytes) -> bytes:
    """OPc = OP xor E[OP]_K, TS 35.206 §4.1."""
    if len(op) != 16:
        raise ValueError(f"OP: found {len(op)} octets, wanted 16")
    plain, encrypted = int.from_bytes(op, "big"), int.from_bytes(_block_cipher(k)(op), "big")
    return (plain ^ encrypted).to_bytes(16, "big")


def _out1(k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
    """OUT1: MAC-A and then MAC-S. Rotation r1 is 64 bits and c1 is zero."""
    encrypt, op, temp = _start(k, opc, rand)
    if len(sqn) != 6 or len(amf) != 2:
        raise ValueError(f"SQN and AMF: found {len(sqn)} and {len(amf)} octets, wanted 6 and 2")
    half = sqn + amf
    x = int.from_bytes(half + half, "big") ^ op
    rotated = (x << 64 | x >> 64) & _MASK
    out = int.from_bytes(encrypt((temp ^ rotated).to_bytes(16, "big")), "big") ^ op
    return out.to_bytes(16, "big")


def f1(k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
    """MAC-A, 8 octets."""
    return _out1(k, opc, rand, sqn, amf)[:8]


def f1_star(k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
    """MAC-S for resynchronisation, 8 octets."""
    return _out1(k, opc, rand, sqn, amf)[8:]


def f2345(k: bytes, opc: bytes, rand: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """RES (8 octets), CK (16), IK (16), AK (6)."""
    encrypt, op, temp = _start(k, opc, rand)
    x = temp ^ op
    # Rotations r2 0, r3 32, r4 64; constants c2 1, c3 2, c4 4. The three blocks go through AES in one call.
    in3 = (x << 32 | x >> 96) & _MASK ^ 2
    in4 = (x << 64 | x >> 64) & _MASK ^ 4
    blocks = int.from_bytes(encrypt(((x ^ 1) << 256 | in3 << 128 | in4).to_bytes(48, "big")), "big")
    out = (blocks ^ (op << 256 | op << 128 | op)).to_bytes(48, "big")
    return out[8:16], out[16:32], out[32:], out[:6]


def f5_star(k: bytes, opc: bytes, rand: bytes) -> bytes:
    """AK for resynchronisation, 6 octets."""
    encrypt, op, temp = _start(k, opc, rand)
    x = temp ^ op
    in5 = (x << 96 | x >> 32) & _MASK ^ 8
    out = int.from_bytes(encrypt(in5.to_bytes(16, "big")), "big") ^ op
    return (out >> 80).to_bytes(6, "big")
