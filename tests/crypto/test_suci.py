"""SUCI: the implementers' test data of TS 33.501 annex C.4.3 and C.4.4, a capture, and refusals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import suci

PLAIN = bytes.fromhex("00012080f6")
HOME = {
    1: (
        "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d",
        "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
    ),
    2: (
        "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda",
        "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1",
    ),
}
EPHEMERAL = {
    1: "c80949f13ebe61af4ebdbd293ea4f942696b9e815d7e8f0096bbf6ed7de62256",
    2: "99798858a1dc6a2c68637149a4b1dbfd1fdff5addd62a2142f06699ed7602529",
}
OUTPUT = {
    1: "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87",
    2: "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a33fc2716ac7dae96aa30a4d",
}


@pytest.mark.parametrize("scheme", [1, 2])
def test_the_implementers_test_data(scheme: int) -> None:
    private, public = (bytes.fromhex(text) for text in HOME[scheme])
    assert suci.public_key(scheme, private) == public
    output = suci.conceal(scheme, public, PLAIN, bytes.fromhex(EPHEMERAL[scheme]))
    assert output.hex() == OUTPUT[scheme]
    assert suci.deconceal(scheme, private, output) == PLAIN


def test_profile_b_takes_an_uncompressed_home_key() -> None:
    point = bytes.fromhex(
        "0472da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1"
        "5a7ded52fcbb097a4ed250e036c7b9c8c7004c4eedc4f068cd7bf8d3f900e3b4"
    )
    assert suci.conceal(2, point, PLAIN, bytes.fromhex(EPHEMERAL[2])).hex() == OUTPUT[2]


def test_the_null_scheme() -> None:
    assert suci.conceal(0, b"", PLAIN, b"") == PLAIN
    assert suci.deconceal(0, b"", PLAIN) == PLAIN


@pytest.mark.parametrize("scheme", [1, 2])
@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.data())
def test_one_changed_bit_is_refused(scheme: int, data: st.DataObject) -> None:
    output = bytes.fromhex(OUTPUT[scheme])
    private = bytes.fromhex(HOME[scheme][0])
    # The top bit of an X25519 public key is ignored (RFC 7748 §5) but enters the KDF as shared information.
    bit = data.draw(st.integers(0, len(output) * 8 - 1))
    changed = (int.from_bytes(output, "big") ^ 1 << bit).to_bytes(len(output), "big")
    with pytest.raises(suci.SuciError):
        suci.deconceal(scheme, private, changed)


@pytest.mark.parametrize("scheme", [1, 2])
@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_octets_are_refused(scheme: int, output: bytes) -> None:
    with pytest.raises(suci.SuciError):
        suci.deconceal(scheme, bytes.fromhex(HOME[scheme][0]), output)


def test_points_off_the_curve_and_of_small_order_are_refused() -> None:
    tail = bytes(13)
    private = {scheme: bytes.fromhex(HOME[scheme][0]) for scheme in HOME}
    for head in (b"\x02" + b"\xff" * 32, b"\x04" + bytes(32), b"\x00" * 33, b"\x02" + bytes(31) + b"\x07"):
        with pytest.raises(suci.SuciError, match="key"):
            suci.deconceal(2, private[2], head + tail)
    for point in (bytes(32), b"\1" + bytes(31)):
        with pytest.raises(suci.SuciError, match="key"):
            suci.deconceal(1, private[1], point + tail)


def test_wrong_schemes_and_keys_are_refused() -> None:
    with pytest.raises(suci.SuciError, match="scheme: found 3"):
        suci.deconceal(3, bytes(32), bytes(60))
    with pytest.raises(suci.SuciError, match="found 31 octets"):
        suci.deconceal(1, bytes(31), bytes(60))
    with pytest.raises(suci.SuciError, match="private key"):
        suci.public_key(2, bytes(32))
    with pytest.raises(suci.SuciError, match="key"):
        suci.conceal(1, bytes(31), PLAIN, bytes(32))
