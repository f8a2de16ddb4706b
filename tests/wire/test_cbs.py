"""Pages of warning messages, TS 23.041 §9.4.2.2 and TS 23.038."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.wire import cbs

ALPHABET = "".join(cbs._SEPTETS)


@given(st.text(ALPHABET, min_size=1, max_size=600))
def test_default_alphabet(text: str) -> None:
    contents = cbs.encode(text)
    assert contents.coding == cbs.GSM7
    assert (len(contents.octets) - 1) % 83 == 0
    assert cbs.decode(contents) == text or text.endswith("\r")


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=280))
def test_any_text(text: str) -> None:
    contents = cbs.encode("Ж" + text)
    assert contents.coding == cbs.UCS2
    assert cbs.decode(contents) == "Ж" + text


def test_known_octets() -> None:
    """'hello' in the packing of TS 23.038 §6.1.2.1.1, and the seven characters that leave a septet over."""
    contents = cbs.encode("hello").octets
    assert contents[0] == 1
    assert contents[1:6] == bytes.fromhex("e8329bfd06")
    assert contents[83] == 5
    assert cbs.encode("abcdefg").octets[1:8] == bytes.fromhex("61f1985c369f1b")
    assert cbs.decode(cbs.encode("abcdefg")) == "abcdefg"


@pytest.mark.parametrize("text", ["", "x" * 1396, "Ж" * 616])
def test_what_no_message_holds(text: str) -> None:
    with pytest.raises(cbs.CbsError):
        cbs.encode(text)


def test_most_of_all() -> None:
    assert cbs.encode("x" * 1395).octets[0] == 15
    assert cbs.encode("Ж" * 615).octets[0] == 15


@given(st.binary(max_size=200), st.integers(0, 255))
def test_any_octets(octets: bytes, coding: int) -> None:
    try:
        cbs.decode(cbs.Contents(coding, octets))
    except cbs.CbsError:
        return


def test_serial_number() -> None:
    assert cbs.serial_number(cbs.PLMN_WIDE, 0x3FF, 1) == 0x7FF1
    assert cbs.serial_number(cbs.TRACKING_AREA_WIDE, 2) == 0x8020
