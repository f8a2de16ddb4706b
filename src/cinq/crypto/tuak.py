"""TUAK, the second example algorithm set f1 to f5* of TS 35.231, on Keccak-f[1600].

The module's functions are the set with one Keccak iteration, MAC and RES of 8 octets, CK and IK of 16.
`Tuak` gives the other choices an operator has. OPc here is TOPc, 32 octets; K is 16 or 32.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_ALGONAME = b"TUAK1.0"
_INPUT_LENGTH = 96
_RATE = 136
_M64 = (1 << 64) - 1

_ROUND_CONSTANTS = (
    *(0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000),
    *(0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009),
    *(0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A),
    *(0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003),
    *(0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A),
    *(0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008),
)


def _rotations() -> list[tuple[int, int, int]]:
    """Rho and pi together: (from lane, to lane, left turn), lanes are x + 5 y (FIPS 202 §3.2.2, §3.2.3)."""
    moves = [(0, 0, 0)]
    x, y = 1, 0
    for t in range(24):
        target_x, target_y = y, (2 * x + 3 * y) % 5
        moves.append((x + 5 * y, target_x + 5 * target_y, (t + 1) * (t + 2) // 2 % 64))
        x, y = target_x, target_y
    return moves


_MOVES = _rotations()


def keccak_f1600(state: bytes) -> bytes:
    """The permutation Keccak-f[1600] of 200 octets, FIPS 202 §3.3."""
    a = [int.from_bytes(state[i : i + 8], "little") for i in range(0, 200, 8)]
    b = [0] * 25
    for constant in _ROUND_CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ (c[(x + 1) % 5] << 1 & _M64 | c[(x + 1) % 5] >> 63) for x in range(5)]
        for source, target, turn in _MOVES:
            lane = a[source] ^ d[source % 5]
            b[target] = lane << turn & _M64 | lane >> 64 - turn
        for y in range(0, 25, 5):
            for x in range(5):
                a[y + x] = b[y + x] ^ ~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]
        a[0] ^= constant
    return b"".join(lane.to_bytes(8, "little") for lane in a)


def _permute(message: bytes, iterations: int) -> bytes:
    """The first 136 octets after the iterations of Keccak-f on the padded input, TS 35.231 §7.

    Padding and layout are those of one SHAKE256 block, so one iteration is SHAKE256.
    """
    if iterations == 1:
        return hashlib.shake_256(message).digest(_RATE)
    padding = b"\x1f" + bytes(_RATE - _INPUT_LENGTH - 2) + b"\x80"
    state = message + padding + bytes(200 - _RATE)
    for _ in range(iterations):
        state = keccak_f1600(state)
    return state[:_RATE]


@dataclass(frozen=True, slots=True)
class Tuak:
    """The set with an operator's choices. In octets: MAC 8, 16, 32; RES 4, 8, 16, 32; CK and IK 16, 32."""

    iterations: int = 1
    mac_length: int = 8
    res_length: int = 8
    ck_length: int = 16
    ik_length: int = 16

    def __post_init__(self) -> None:
        lengths = {self.ck_length, self.ik_length}
        fits = self.mac_length in (8, 16, 32) and self.res_length in (4, 8, 16, 32) and lengths <= {16, 32}
        if not fits or self.iterations < 1:
            raise ValueError(f"TUAK parameters: found {self}, wanted what TS 35.231 §6 allows")

    def _run(self, first: bytes, instance: int, k: bytes, rand: bytes, tail: bytes) -> bytes:
        """IN of TS 35.231 §7: every field is stored last octet first."""
        if len(first) != 32 or len(k) not in (16, 32) or len(rand) != 16 or len(tail) != 8:
            found = f"{len(first)}, {len(k)}, {len(rand)} and {len(tail)} octets"
            raise ValueError(
                f"TOP or TOPc, K, RAND, AMF and SQN: found {found}, wanted 32, 16 or 32, 16 and 8"
            )
        head = first[::-1] + bytes((instance | len(k) // 32,)) + _ALGONAME[::-1] + rand[::-1]
        return _permute(head + tail + k[::-1].ljust(32, b"\0"), self.iterations)

    def compute_opc(self, k: bytes, op: bytes) -> bytes:
        """TOPc of TOP, 32 octets."""
        return self._run(op, 0, k, bytes(16), bytes(8))[31::-1]

    def f1(self, k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """MAC-A."""
        out = self._run(opc, self.mac_length, k, rand, amf[::-1] + sqn[::-1])
        return out[self.mac_length - 1 :: -1]

    def f1_star(self, k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """MAC-S for resynchronisation."""
        out = self._run(opc, 0x80 | self.mac_length, k, rand, amf[::-1] + sqn[::-1])
        return out[self.mac_length - 1 :: -1]

    def f2345(self, k: bytes, opc: bytes, rand: bytes) -> tuple[bytes, bytes, bytes, bytes]:
        """RES, CK, IK, AK (6 octets)."""
        res, ck, ik = self.res_length, self.ck_length, self.ik_length
        lengths = (res if res > 4 else 0) | ck // 32 << 2 | ik // 32 << 1
        out = self._run(opc, 0x40 | lengths, k, rand, bytes(8))
        return (
            out[res - 1 :: -1],
            out[32 : 32 + ck][::-1],
            out[64 : 64 + ik][::-1],
            out[96:102][::-1],
        )

    def f5_star(self, k: bytes, opc: bytes, rand: bytes) -> bytes:
        """AK for resynchronisation, 6 octets."""
        return self._run(opc, 0xC0, k, rand, bytes(8))[96:102][::-1]


_DEFAULT = Tuak()
compute_opc = _DEFAULT.compute_opc
f1 = _DEFAULT.f1
f1_star = _DEFAULT.f1_star
f2345 = _DEFAULT.f2345
f5_star = _DEFAULT.f5_star
