"""Flow descriptions as PCFs, SMFs and UPFs of several makers write them, and texts that are none."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire.flow_description import FlowDescription, read, written

GOOD = {
    "permit out ip from any to assigned": FlowDescription(),
    "permit out ip from 0.0.0.0/0 to any": FlowDescription(source=IPv4Network("0.0.0.0/0")),
    "permit out 17 from 198.51.100.0/24 5004-5010 to assigned 4000": FlowDescription(
        17, IPv4Network("198.51.100.0/24"), ((5004, 5010),), None, ((4000, 4000),)
    ),
    "permit out udp from 10.1.1.1 to 10.45.0.2 50021,50023-50024": FlowDescription(
        17, IPv4Network("10.1.1.1"), (), IPv4Network("10.45.0.2"), ((50021, 50021), (50023, 50024))
    ),
    "permit out 58 from ff02::2/128 to assigned": FlowDescription(58, IPv6Network("ff02::2")),
    "permit  out ip from 2001:db8::/32 to any": FlowDescription(None, IPv6Network("2001:db8::/32")),
}
BAD = (
    "",
    "permit out ip from any",
    "deny out ip from any to any",
    "permit in ip from any to any",
    "permit out ip any to any any",
    "permit out 256 from any to any",
    "permit out -1 from any to any",
    "permit out 1 from any 80 to any",
    "permit out ip from 10.0.0.1 to 2001:db8::1",
    "permit out ip from !10.0.0.1 to any",
    "permit out 17 from any 80-70 to any",
    "permit out ip from any 80 to any",
    "permit out 17 from any 1,2,3,4,5,6,7,8,9 to any",
    "permit out 17 from any 65536 to any",
    "permit out 17 from any ٣ to any",
    "permit out ip from any to any established frag",
    "permit out ip from " + "any " * 100,
)


@pytest.mark.parametrize("text", GOOD)
def test_texts_that_are_read(text: str) -> None:
    assert read(text) == GOOD[text]
    assert read(written(GOOD[text])) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_texts_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(("permit", "out", "ip", "17", "from", "any", "to", "10.0.0.0/8", "80")), max_size=9
    )
)
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        found = read(" ".join(words))
    except ValueError:
        return
    assert read(written(found)) == found
