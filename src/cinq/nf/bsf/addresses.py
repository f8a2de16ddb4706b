"""By which addresses of a UE a binding is found: pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from cinq.procedure import Why
from cinq.sbi import InvalidParam, Problem
from cinq.sbi.nf_profile import IpEndPoint
from cinq.sbi.services.nbsf_management import PcfBinding

MAC = re.compile(r"[0-9a-fA-F]{2}(-[0-9a-fA-F]{2}){5}", re.ASCII)

Address = IPv4Address | IPv6Network | str
"""str: a MAC address, in small letters (TS 29.571 §5.4.2)."""


def ipv4(text: str, where: str) -> IPv4Address:
    """Problem 400 names where."""
    try:
        return IPv4Address(text)
    except ValueError:
        raise _wrong(text, where, "an IPv4 address") from None


def ipv6(text: str, where: str) -> IPv6Network:
    """A prefix with its length; bits behind it do not count. Problem 400."""
    try:
        if "/" not in text or "%" in text:
            raise ValueError
        return IPv6Network(text, strict=False)
    except ValueError:
        raise _wrong(text, where, "an IPv6 prefix with its length") from None


def mac(text: str, where: str) -> str:
    if MAC.fullmatch(text) is None:
        raise _wrong(text, where, "six octets like 00-11-22-aa-bb-cc")
    return text.lower()


def end_point(end: IpEndPoint, where: str) -> None:
    """Problem 400: one that nobody can reach. Without a port it is that of the scheme."""
    try:
        told = [
            IPv4Address(end.ipv4_address) if end.ipv4_address is not None else None,
            IPv6Address(end.ipv6_address) if end.ipv6_address is not None else None,
        ]
    except ValueError:
        told = []
    if not any(told) or not 0 < (1 if end.port is None else end.port) < 65_536:
        invalid = InvalidParam(param=where, reason="wanted an IP address and a port of 1 to 65535")
        raise Problem(400, "OPTIONAL_IE_INCORRECT", Why(f"{where}: nobody can reach it"), invalid)


def of_binding(binding: PcfBinding) -> tuple[Address, ...]:
    """Each once. Problem 400: one of them is none."""
    return tuple(dict.fromkeys(_addresses(binding)))


def _addresses(binding: PcfBinding) -> Iterator[Address]:
    if binding.ipv4_addr is not None:
        yield ipv4(binding.ipv4_addr, "/ipv4Addr")
    if binding.ipv6_prefix is not None:
        yield ipv6(binding.ipv6_prefix, "/ipv6Prefix")
    for i, text in enumerate(binding.add_ipv6_prefixes):
        yield ipv6(text, f"/addIpv6Prefixes/{i}")
    if binding.mac_addr48 is not None:
        yield mac(binding.mac_addr48, "/macAddr48")
    for i, text in enumerate(binding.add_mac_addrs):
        yield mac(text, f"/addMacAddrs/{i}")


def _wrong(text: str, where: str, wanted: str) -> Problem:
    query = not where.startswith("/")
    cause = "OPTIONAL_QUERY_PARAM_INCORRECT" if query else "OPTIONAL_IE_INCORRECT"
    why = Why(f"{where}: found {text[:60]!r}, wanted {wanted}")
    return Problem(400, cause, why, InvalidParam(param=where, reason=f"wanted {wanted}"))
