"""The NAS envelope: COUNT, replay, wrap, and every algorithm pair."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import nas_security
from cinq.crypto.nas_security import DOWNLINK, UPLINK, IntegrityError, NasSecurity, ReplayError

KAMF = bytes(range(32))
PAIRS = [(integrity, ciphering) for integrity in range(4) for ciphering in range(4)]


def pair(integrity: int = 2, ciphering: int = 2) -> tuple[NasSecurity, NasSecurity]:
    make = NasSecurity.from_kamf
    return make(KAMF, integrity, ciphering), make(KAMF, integrity, ciphering)


@pytest.mark.parametrize(("integrity", "ciphering"), PAIRS)
@pytest.mark.parametrize("direction", [UPLINK, DOWNLINK])
def test_what_one_protects_the_other_takes(integrity: int, ciphering: int, direction: int) -> None:
    ue, amf = pair(integrity, ciphering)
    for n in range(3):
        for header_type in (1, 2, 3, 4):
            envelope = ue.protect(b"\x7e\0payload", header_type, direction)
            assert envelope[:2] == bytes((0x7E, header_type))
            assert (ciphering and header_type in (2, 4)) == (
                envelope[7:] != b"\x7e\0payload"
            ) or not ciphering
            assert amf.verify(envelope, direction) == b"\x7e\0payload"
        assert amf.count(direction) == ue.count(direction) == 4 * n + 4
        assert amf.count(1 - direction) == 0


def test_a_count_is_accepted_once() -> None:
    ue, amf = pair()
    first, second = ue.protect(b"one", 2, UPLINK), ue.protect(b"two", 2, UPLINK)
    assert amf.verify(first, UPLINK) == b"one"
    with pytest.raises(ReplayError):
        amf.verify(first, UPLINK)
    assert amf.verify(second, UPLINK) == b"two"
    assert amf.last_ul_count == 1
    with pytest.raises(IntegrityError):
        amf.verify(second, DOWNLINK)


def test_a_replay_is_told_from_a_forgery() -> None:
    ue, amf = pair()
    old = b""
    for n in range(300):
        envelope = ue.protect(bytes((n % 256,)), 1, UPLINK)
        amf.verify(envelope, UPLINK)
        old = envelope if n == 280 else old
    with pytest.raises(ReplayError, match="280"):
        amf.verify(old, UPLINK)
    with pytest.raises(IntegrityError, match="does not hold"):
        amf.verify(old[:-1] + b"x", UPLINK)
    assert amf.ul_count == 300


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 2**24 - 400), st.integers(0, 255))
def test_the_count_is_estimated_across_lost_messages(start: int, lost: int) -> None:
    ue, amf = pair(2, 0)
    amf.ul_count, ue.ul_count = start, start + lost
    assert amf.verify(ue.protect(b"x", 1, UPLINK), UPLINK) == b"x"
    assert amf.ul_count == start + lost + 1


def test_a_used_up_count_is_refused() -> None:
    ue, amf = pair()
    ue.ul_count = amf.ul_count = 2**24 - 1
    assert amf.verify(ue.protect(b"last", 2, UPLINK), UPLINK) == b"last"
    with pytest.raises(nas_security.NasSecurityError, match="used up"):
        ue.protect(b"more", 2, UPLINK)
    with pytest.raises(IntegrityError):
        amf.verify(b"\x7e\x02" + bytes(10), UPLINK)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.binary(max_size=30))
def test_arbitrary_octets_change_nothing(octets: bytes) -> None:
    _, amf = pair()
    with pytest.raises(IntegrityError):
        amf.verify(octets, UPLINK)
    assert amf == pair()[1]


def test_a_container_is_ciphered_under_the_count_of_its_message() -> None:
    ue, amf = pair()
    ue.ul_count = amf.ul_count = 77
    container = ue.cipher(b"whole registration request", UPLINK, ue.ul_count)
    received = amf.verify(ue.protect(b"head" + container, 1, UPLINK), UPLINK)
    assert amf.cipher(received[4:], UPLINK, amf.last_ul_count) == b"whole registration request"


def test_non_3gpp_access_has_its_own_macs() -> None:
    ue, amf = pair()
    ue.access = 2
    with pytest.raises(IntegrityError):
        amf.verify(ue.protect(b"x", 1, UPLINK), UPLINK)
