"""Transport Layer Address of NGAP, TS 38.414 §5.1: where a node receives user packets, by IPv4, by IPv6 or by both."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Self

from msgspec import Struct

IPV4_BITS, IPV6_BITS = 32, 128
Address = IPv4Address | IPv6Address


class TransportAddress(Struct, frozen=True, gc=False):
    """None where the node is not reached so; one of both is there."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None

    @classmethod
    def of(cls, *addresses: Address) -> Self:
        """The first of each version."""
        four = next((each for each in addresses if isinstance(each, IPv4Address)), None)
        return cls(four, next((each for each in addresses if isinstance(each, IPv6Address)), None))

    @classmethod
    def of_both(cls, first: Address, ipv6: IPv6Address | None) -> Self:
        """An address of either version, and perhaps one of IPv6 beside it."""
        return cls.of(first) if ipv6 is None else cls.of(first, ipv6)

    @classmethod
    def from_bits(cls, value: int, bits: int) -> Self:
        """A bit string of 32, 128, or 160 bits, of which the first 32 are of IPv4. ValueError: of no such length.

        One object for all tunnels of a node.
        """
        return cls._from_bits(value, bits)

    @classmethod
    @lru_cache(1024)
    def _from_bits(cls, value: int, bits: int) -> Self:
        if bits == IPV4_BITS:
            return cls(IPv4Address(value))
        if bits == IPV6_BITS:
            return cls(None, IPv6Address(value))
        if bits == IPV4_BITS + IPV6_BITS:
            return cls(IPv4Address(value >> IPV6_BITS), IPv6Address(value & (1 << IPV6_BITS) - 1))
        raise ValueError(f"transport layer address of {bits} bits, wanted 32, 128 or 160")

    @property
    def bits(self) -> tuple[int, int]:
        """Value and length of the bit string."""
        if self.ipv6 is None:
            return int(self.ipv4 or 0), IPV4_BITS
        if self.ipv4 is None:
            return int(self.ipv6), IPV6_BITS
        return int(self.ipv4) << IPV6_BITS | int(self.ipv6), IPV4_BITS + IPV6_BITS

    @property
    def all(self) -> tuple[Address, ...]:
        if self.ipv6 is None:
            return () if self.ipv4 is None else (self.ipv4,)
        return (self.ipv6,) if self.ipv4 is None else (self.ipv4, self.ipv6)

    def reached_from(self, own: TransportAddress) -> Address | None:
        """The one to send to, for a node with these addresses of its own: IPv4 where both have it."""
        if self.ipv4 is not None and own.ipv4 is not None:
            return self.ipv4
        return self.ipv6 if own.ipv6 is not None else None

    def beside(self, peer: Address | str) -> Address | None:
        """Our address of the version that the peer has."""
        is_ipv6 = ":" in peer if isinstance(peer, str) else peer.version == 6
        return self.ipv6 if is_ipv6 else self.ipv4


@lru_cache(1024)
def is_one_host(address: Address, *, loopback: bool = True) -> bool:
    """Whether packets can be sent to it from another node: neither this host's own nor of many.

    Link-local addresses need an interface beside them, and IPv4 addresses written as IPv6 would be sent to as IPv4.
    """
    if address.is_loopback:
        return loopback
    if isinstance(address, IPv4Address):
        return 0 < address.packed[0] < 224
    mapped = address.ipv4_mapped is not None or (not address.packed[0] and not any(address.packed[:12]))
    return not (mapped or address.is_unspecified or address.is_multicast or address.is_link_local)
