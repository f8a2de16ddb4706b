"""SNOW 3G, ZUC and AES: the vectors of TS 35.217, 35.218, 35.223 and TS 33.401 annex C."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import nea, nia, snow3g, zuc

VECTORS = Path(__file__).parent / "vectors"
SNOW3G = json.loads((VECTORS / "snow3g.json").read_text())
ZUC = json.loads((VECTORS / "zuc.json").read_text())
AES = json.loads((VECTORS / "aes.json").read_text())

octets16 = st.binary(min_size=16, max_size=16)


def words(octets: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(octets[i : i + 4], "big") for i in range(0, len(octets), 4))


def arguments(t: dict) -> tuple:
    key, data = bytes.fromhex(t["key"]), bytes.fromhex(t["data"])
    return key, t["count"], t.get("bearer", t.get("fresh")), t["direction"], data, t["bits"]


def first_bits(octets: bytes, bits: int) -> int:
    return int.from_bytes(octets[: (bits + 7) // 8], "big") >> -bits % 8


def gf(a: int, b: int, polynomial: int) -> int:
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= polynomial << bit - 8
    return product


def gf_power(a: int, exponent: int, polynomial: int) -> int:
    product = 1
    for _ in range(exponent):
        product = gf(product, a, polynomial)
    return product


def test_snow3g_boxes_are_what_the_specification_defines() -> None:
    for x in range(0, 256, 5):
        inverse = gf_power(x, 254, 0x11B)
        turned = [(inverse << n | inverse >> 8 - n) & 0xFF for n in range(5)]
        assert snow3g.SR[x] == turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63
        dickson = 0x25
        for exponent in (1, 9, 13, 15, 33, 41, 45, 47, 49):
            dickson ^= gf_power(x, exponent, 0x169)
        assert snow3g.SQ[x] == dickson
    assert len(set(snow3g.SR)) == len(set(snow3g.SQ)) == len(set(zuc.S0)) == len(set(zuc.S1)) == 256


@pytest.mark.parametrize("t", SNOW3G["keystream"])
def test_snow3g_keystream(t: dict) -> None:
    outputs = t["output"] if isinstance(t["output"], list) else [t["output"]]
    stream = snow3g.keystream(words(bytes.fromhex(t["key"])), words(bytes.fromhex(t["iv"])), 2500)
    octets = b"".join(word.to_bytes(4, "big") for word in stream)
    assert octets.startswith(bytes.fromhex(outputs[0]))
    assert len(outputs) == 1 or octets.endswith(bytes.fromhex(outputs[1]))


@pytest.mark.parametrize("t", SNOW3G["f8"])
def test_uea2(t: dict) -> None:
    assert snow3g.f8(*arguments(t)).hex() == t["output"]


@pytest.mark.parametrize("t", SNOW3G["f9"])
def test_uia2(t: dict) -> None:
    assert snow3g.f9(*arguments(t)).hex() == t["output"]


@pytest.mark.parametrize("t", SNOW3G["eia1"])
def test_eia1(t: dict) -> None:
    key, count, bearer, direction, data, bits = arguments(t)
    assert snow3g.f9(key, count, bearer << 27, direction, data, bits).hex() == t["output"]
    if bits % 8 == 0:
        assert nia.mac(1, key, count, bearer, direction, data[: bits // 8]).hex() == t["output"]


@pytest.mark.parametrize("t", ZUC["keystream"])
def test_zuc_keystream(t: dict) -> None:
    outputs = t["output"] if isinstance(t["output"], list) else [t["output"]]
    stream = zuc.keystream(bytes.fromhex(t["key"]), bytes.fromhex(t["iv"]), 2000)
    assert b"".join(w.to_bytes(4, "big") for w in stream[:2]).hex() == outputs[0]
    assert len(outputs) == 1 or f"{stream[1999]:08x}" == outputs[1]


@pytest.mark.parametrize("t", ZUC["eea3"])
def test_eea3(t: dict) -> None:
    assert zuc.eea3(*arguments(t)).hex() == t["output"]


@pytest.mark.parametrize("t", ZUC["eia3"])
def test_eia3(t: dict) -> None:
    assert zuc.eia3(*arguments(t)).hex() == t["output"]


@pytest.mark.parametrize("t", AES["eea2"])
def test_eea2(t: dict) -> None:
    key, count, bearer, direction, data, bits = arguments(t)
    found = nea.cipher(2, key, count, bearer, direction, data)
    assert first_bits(found, bits) == first_bits(bytes.fromhex(t["output"]), bits)


@pytest.mark.parametrize("t", [t for t in AES["eia2"] if t["bits"] % 8 == 0])
def test_eia2(t: dict) -> None:
    key, count, bearer, direction, data, bits = arguments(t)
    assert nia.mac(2, key, count, bearer, direction, data[: bits // 8]).hex() == t["output"]


@pytest.mark.parametrize("algorithm", [0, 1, 2, 3])
@settings(max_examples=15, derandomize=True, deadline=None)
@given(octets16, st.integers(0, 2**32 - 1), st.integers(0, 31), st.integers(0, 1), st.binary(max_size=70))
def test_deciphering_is_the_same_call(
    algorithm: int, key: bytes, count: int, bearer: int, direction: int, octets: bytes
) -> None:
    ciphered = nea.cipher(algorithm, key, count, bearer, direction, octets)
    assert len(ciphered) == len(octets)
    assert nea.cipher(algorithm, key, count, bearer, direction, ciphered) == octets


@pytest.mark.parametrize("algorithm", [1, 2, 3])
@settings(max_examples=15, derandomize=True, deadline=None)
@given(octets16, st.integers(0, 2**24 - 1), st.binary(min_size=1, max_size=40), st.data())
def test_a_mac_depends_on_every_input(
    algorithm: int, key: bytes, count: int, octets: bytes, data: st.DataObject
) -> None:
    mac = nia.mac(algorithm, key, count, 1, 0, octets)
    assert nia.holds(mac, algorithm, key, count, 1, 0, octets)
    place = data.draw(st.integers(0, len(octets) - 1))
    other = octets[:place] + bytes((octets[place] ^ 1,)) + octets[place + 1 :]
    for changed in (
        (key, count ^ 1, 1, 0, octets),
        (key, count, 2, 0, octets),
        (key, count, 1, 1, octets),
        (key, count, 1, 0, other),
        (bytes((key[0] ^ 1,)) + key[1:], count, 1, 0, octets),
    ):
        assert not nia.holds(mac, algorithm, *changed)


def test_the_null_algorithms() -> None:
    assert nea.cipher(0, b"", 1, 1, 0, b"plain") == b"plain"
    assert nia.mac(0, b"", 1, 1, 0, b"plain") == bytes(4)
    assert nia.holds(b"\1\2\3\4", 0, b"", 1, 1, 0, b"plain")


@pytest.mark.parametrize("call", [nea.cipher, nia.mac])
def test_unknown_algorithms_and_wrong_keys_are_refused(call) -> None:
    with pytest.raises(ValueError, match="found 4, wanted 0 to 3"):
        call(4, bytes(16), 0, 1, 0, b"x")
    for algorithm in (1, 2, 3):
        with pytest.raises(ValueError, match="found 15 octets, wanted 16"):
            call(algorithm, bytes(15), 0, 1, 0, b"x")
