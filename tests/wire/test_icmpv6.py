"""Router solicitation and advertisement: octets by hand, both ways, and any octets."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire.icmpv6 import (
    ALL_ROUTERS,
    Icmpv6Error,
    RouterAdvertisement,
    RouterSolicitation,
    decode,
    encode,
    link_local,
)

UE, ROUTER = link_local(0x17), link_local(1)
PREFIX = IPv6Network("2001:db8:45:1::/64")


def test_a_solicitation_octet_by_octet() -> None:
    octets = encode(RouterSolicitation(UE))
    head = bytes.fromhex("6000000000083aff") + UE.packed + ALL_ROUTERS.packed
    assert octets == head + bytes.fromhex("85007d2000000000")
    assert decode(octets) == RouterSolicitation(UE)


@pytest.mark.parametrize(
    "dns", [(), (IPv6Address("2001:4860:4860::8888"), IPv6Address("2001:4860:4860::8844"))]
)
@pytest.mark.parametrize("mtu", [0, 1400])
def test_an_advertisement_is_read_as_it_is_written(dns: tuple[IPv6Address, ...], mtu: int) -> None:
    message = RouterAdvertisement(ROUTER, UE, PREFIX, mtu, dns)
    assert decode(encode(message)) == message


def test_what_no_node_takes() -> None:
    """RFC 4861 §6.1: hop limit, checksum, source, options."""
    good = encode(RouterAdvertisement(ROUTER, UE, PREFIX, 1400))
    wrong = [
        good[:7] + b"\x40" + good[8:],
        good[:42] + b"\0\0" + good[44:],
        encode(RouterAdvertisement(IPv6Address("2001:db8::1"), UE, PREFIX)),
        good[:-1],
        b"",
    ]
    for octets in wrong:
        with pytest.raises(Icmpv6Error):
            decode(octets)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 200), st.integers(0, 255), st.binary(max_size=60))
def test_any_octets(at: int, value: int, tail: bytes) -> None:
    octets = bytearray(encode(RouterAdvertisement(ROUTER, UE, PREFIX, 1400, (ROUTER,))) + tail)
    octets[at % len(octets)] = value
    try:
        decode(bytes(octets))
    except Icmpv6Error:
        return
