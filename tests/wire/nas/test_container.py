"""The Intra N1 mode NAS transparent container, TS 24.501 §9.11.2.6, with pycrate as judge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire import nas


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.binary(min_size=4, max_size=4),
    st.integers(0, 7),
    st.integers(0, 7),
    st.booleans(),
    st.booleans(),
    st.integers(0, 7),
    st.integers(0, 255),
)
def test_as_pycrate_writes_it(
    mac: bytes, ciphering: int, integrity: int, new: bool, mapped: bool, ksi: int, number: int
) -> None:
    foreign = pytest.importorskip("pycrate_mobile.TS24501_IE").IntraN1ModeNASTransContainer()
    foreign.set_val([mac, ciphering, integrity, 0, int(new), [int(mapped), ksi], number])
    container = nas.IntraN1Container(ciphering, integrity, nas.NgKsi(ksi, mapped), number, new, mac)
    assert container.octets == foreign.to_bytes()
    assert nas.IntraN1Container.from_octets(container.octets) == container


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.binary(max_size=12))
def test_any_octets(octets: bytes) -> None:
    if len(octets) == 7:
        again = nas.IntraN1Container.from_octets(octets).octets
        assert again[:5] + again[6:] == octets[:5] + octets[6:]
        assert again[5] == octets[5] & 0x1F
    else:
        with pytest.raises(ValueError, match="wanted 7"):
            nas.IntraN1Container.from_octets(octets)
