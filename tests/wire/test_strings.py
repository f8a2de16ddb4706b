"""Restricted strings of ASN.1: what they hold, and a name brought into their letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.wire.strings import is_printable, is_visible, printable


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("cinq", "cinq"), ("Zürich 1", "Zurich 1"), ("東京", "??"), ("a_b", "a?b"), ("", "?")],
)
def test_a_name_in_printable_letters(name: str, wanted: str) -> None:
    assert printable(name) == wanted


@given(st.text(max_size=300))
def test_any_name_becomes_printable(name: str) -> None:
    assert is_printable(printable(name))
    assert 1 <= len(printable(name)) <= 150


def test_visible_strings() -> None:
    assert is_visible("a_b ~")
    assert not is_visible("Zürich")
    assert not is_visible("a\tb")
