"""NEA2 takes short and long messages by different ways: both are AES in counter mode, whatever the size."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cinq.crypto import nea

KEY = bytes(range(16))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 1023, 1024, 1025, 4096])
def test_every_size(size: int) -> None:
    octets = bytes(i * 7 & 0xFF for i in range(size))
    first_block = struct.pack(">IB11x", 0x00FFFFFF, 1 << 3 | 1 << 2)
    wanted = Cipher(algorithms.AES(KEY), modes.CTR(first_block)).encryptor().update(octets)
    assert nea.cipher(2, KEY, 0x00FFFFFF, 1, 1, octets) == wanted
    assert nea.cipher(2, KEY, 0x00FFFFFF, 1, 1, wanted) == octets


def test_keys_do_not_mix() -> None:
    other = KEY[::-1]
    first, second = (nea.cipher(2, key, 7, 1, 0, bytes(20)) for key in (KEY, other))
    assert first != second
    assert nea.cipher(2, KEY, 7, 1, 0, bytes(20)) == first


def test_more_keys_than_are_kept() -> None:
    keys = [number.to_bytes(16, "big") for number in range(300)]
    fresh = [Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(40)) for key in keys]
    for _ in range(2):
        assert [nea.cipher(2, key, 0, 0, 0, bytes(40)) for key in keys] == fresh
    assert len(nea._contexts) <= 128
