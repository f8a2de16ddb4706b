"""Framed routes of a PDI: networks behind a UE. TS 29.244 §5.16, §8.2.109, §8.2.111; RFC 2865 §5.22, RFC 3162 §2.5."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from cinq.nf.upf.context import PDR, failed
from cinq.nf.upf.ends import Ends, Network
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

FRAMED_ROUTE, FRAMED_IPV6_ROUTE = 153, 155
MOST = 32  # of one PDR
CLASSES = ((0x80, 8), (0xC0, 16), (0x100, 24))
"""First octets below, and the length of a route of IPv4 that names none (RFC 2865 §5.22)."""


def behind(pdr_id: int, pdi: pfcp.Pdi, ends: Ends) -> tuple[Network, ...]:
    """Rejected, with the IE at fault: no route, one that others need, or too many."""
    given = [(FRAMED_ROUTE, text) for text in pdi.framed_routes]
    given += [(FRAMED_IPV6_ROUTE, text) for text in pdi.framed_ipv6_routes]
    if len(given) > MOST:
        what = f"{len(given)} framed routes, at most {MOST}"
        raise failed(Cause.NO_RESOURCES_AVAILABLE, what, PDR, pdr_id, given[-1][0])
    found: list[Network] = []
    for kind, text in given:
        try:
            network = _ipv4(text) if kind == FRAMED_ROUTE else IPv6Network(_first(text))
        except ValueError as error:
            what = f"framed route {text[:60]!r}: {error}"
            raise failed(Cause.MANDATORY_IE_INCORRECT, what, PDR, pdr_id, kind) from None
        if wrong := ends.wrong_route(network):
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, wrong, PDR, pdr_id, kind)
        found.append(network)
    return tuple(dict.fromkeys(found))


def _first(text: str) -> str:
    """The network; gateway and metrics behind it say nothing that a tunnel could choose by."""
    words = text.split()
    if not words or "/" not in words[0]:
        raise ValueError("wanted a network with its length")
    return words[0]


def _ipv4(text: str) -> IPv4Network:
    words = text.split()
    if not words or "/" in words[0]:
        return IPv4Network(_first(text))
    first = int(IPv4Network(words[0]).network_address) >> 24
    length = next(length for below, length in CLASSES if first < below)
    return IPv4Network(f"{words[0]}/{length}")
