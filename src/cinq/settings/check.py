"""What more than one table of settings checks. Each raises ValueError 'key: found ..., wanted ...'."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Hashable, Sequence, Sized
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from cinq.numbering import SNssai
from cinq.transport_address import Address, is_one_host

RESERVED_TACS = (0, 0xFFFFFE)
"""TS 23.003 §19.4.2.3: they stand for 'no valid TAI'."""
MAX_SLICES, MAX_TACS = 8, 1024


def within(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{key}: found {value}, wanted {low} to {high}")


def port(key: str, value: int) -> None:
    within(key, value, 1, 65535)


def host(key: str, address: Address) -> None:
    """An address that packets can be sent to: neither unspecified nor multicast, reserved, broadcast or link-local."""
    if not is_one_host(address):
        raise ValueError(f"{key}: found {address}, wanted the address of one host")


def n3_addresses(first: Address, ipv6: IPv6Address | None) -> None:
    """Where N3 is: the keys n3_address and n3_ipv6_address."""
    host("n3_address", first)
    if ipv6 is None:
        return
    host("n3_ipv6_address", ipv6)
    if first.version == 6:
        raise ValueError(
            f"n3_ipv6_address: found {ipv6} beside {first}, wanted it beside an n3_address of IPv4"
        )


def database(key: str, uri: str) -> None:
    """A URI of PostgreSQL with a host and a database, or nothing. What is wrong is told without the password."""
    if not uri:
        return
    wanted = "wanted postgresql://user@host:port/name"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise ValueError(f"{key}: found no URI, {wanted}") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"{key}: found scheme {parts.scheme[:20]!r}, {wanted}")
    if not parts.path.strip("/") or not uri.isprintable():
        raise ValueError(f"{key}: found no database in it, {wanted}")


def interface(key: str, name: str) -> None:
    """Of an interface that is made, or nothing."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,15}", name, re.ASCII):
        raise ValueError(f"{key}: found {name[:40]!r}, wanted at most 15 letters, digits, '.', '_' and '-'")


def at_least_one(key: str, values: Sized) -> None:
    if not len(values):
        raise ValueError(f"{key}: found none, wanted at least one")


def at_most(key: str, values: Sized, limit: int) -> None:
    if len(values) > limit:
        raise ValueError(f"{key}: found {len(values)}, wanted at most {limit}")


def each_once(key: str, values: Sequence[Hashable]) -> None:
    if len(set(values)) != len(values):
        twice = next(v for i, v in enumerate(values) if v in values[:i])
        raise ValueError(f"{key}: found {twice} twice, wanted each once")


def tacs(key: str, values: Sequence[int]) -> None:
    at_most(key, values, MAX_TACS)
    wrong = next((tac for tac in values if not 0 < tac < 1 << 24 or tac in RESERVED_TACS), None)
    if wrong is not None:
        raise ValueError(
            f"{key}: found {wrong}, wanted codes of 1 to 16777215 but 16777214 (TS 23.003 §19.4.2.3)"
        )
    each_once(key, values)


def slices(key: str, values: Sequence[SNssai]) -> None:
    at_most(key, values, MAX_SLICES)
    each_once(key, values)


def dnais(key: str, values: Sequence[str]) -> None:
    """Data network access identifiers (TS 29.571 §5.2.2): texts that an operator chooses."""
    wrong = next((each for each in values if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", each, re.ASCII)), None)
    if wrong is not None:
        raise ValueError(f"{key}: found {wrong[:60]!r}, wanted 1 to 40 letters, digits, '.', '_' and '-'")
    each_once(key, values)


def name(key: str, text: str, limit: int) -> None:
    if len(text) > limit or not text.isprintable():
        raise ValueError(f"{key}: found {text[:40]!r}, wanted at most {limit} printable characters")


def time_zone(key: str, text: str) -> None:
    if not text:
        return
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        wanted = "a time zone that this host knows (ls /usr/share/zoneinfo; apt-get install tzdata)"
        raise ValueError(f"{key}: found {text[:60]!r}, wanted {wanted}") from None
