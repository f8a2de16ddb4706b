"""Flow descriptions: the IPFilterRule of RFC 6733 §4.3.1 as TS 29.212 §5.4.2 and TS 29.244 §8.2.5 restrict it.

    permit out 17 from 198.51.100.0/24 5004-5010 to assigned 4000

Written for the downlink: the source is the far end, the destination the UE's. Nothing but "permit out", no options.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

LONGEST = 255  # characters that are read
MOST_RANGES = 8  # of ports in one list
_ANY = ("any", "assigned")
_BY_NAME = {"icmp": 1, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "icmpv6": 58, "sctp": 132}
_WITH_PORTS = (6, 17, 132)

Network = IPv4Network | IPv6Network
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FlowDescription:
    """protocol: None for any. source, destination: None for any, and for the UE's own address.

    Ports: ranges (first, last); () is any.
    """

    protocol: int | None = None
    source: Network | None = None
    source_ports: tuple[Range, ...] = ()
    destination: Network | None = None
    destination_ports: tuple[Range, ...] = ()


@lru_cache(1024)
def read(text: str) -> FlowDescription:
    """ValueError with what is wrong."""
    words, shown = text[: LONGEST + 1].split(), text[:80]
    if len(text) > LONGEST or words[:2] != ["permit", "out"] or len(words) < 7:
        raise ValueError(f"'{shown}' is no IPFilterRule 'permit out PROTOCOL from SOURCE to DESTINATION'")
    if words[3] != "from" or "to" not in words[5:]:
        raise ValueError(f"'{shown}' lacks 'from' or 'to'")
    to = words.index("to", 5)
    source, source_ports = _side(words[4:to], shown)
    destination, ports = _side(words[to + 1 :], shown)
    protocol = _protocol(words[2])
    if (source_ports or ports) and protocol not in _WITH_PORTS:
        raise ValueError(f"'{shown}' has ports, but its protocol has none")
    versions = {network.version for network in (source, destination) if network is not None}
    if len(versions) > 1:
        raise ValueError(f"'{shown}' has addresses of IPv4 and of IPv6")
    return FlowDescription(protocol, source, source_ports, destination, ports)


def _protocol(word: str) -> int | None:
    if word == "ip":
        return None
    return _BY_NAME.get(word) or _number(word, 255, "protocol")


def _side(words: list[str], shown: str) -> tuple[Network | None, tuple[Range, ...]]:
    if not 1 <= len(words) <= 2:
        raise ValueError(f"'{shown}': an address and at most one list of ports are read")
    return _address(words[0]), _ports(words[1]) if len(words) == 2 else ()


def _address(word: str) -> Network | None:
    if word in _ANY:
        return None
    return ip_network(word, strict=False)


def _ports(word: str) -> tuple[Range, ...]:
    parts = word.split(",")
    if len(parts) > MOST_RANGES:
        raise ValueError(f"{len(parts)} ranges of ports, at most {MOST_RANGES}")
    return tuple(_range(part) for part in parts)


def _range(word: str) -> Range:
    first, dash, last = word.partition("-")
    low = _number(first, 65535, "port")
    high = _number(last, 65535, "port") if dash else low
    if high < low:
        raise ValueError(f"ports {word}: the last is before the first")
    return low, high


def _number(word: str, most: int, what: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 5 and int(word) <= most):
        raise ValueError(f"{what} {word[:20]!r}, wanted a number up to {most}")
    return int(word)


def written(flow: FlowDescription) -> str:
    """The text that `read` takes back."""
    protocol = "ip" if flow.protocol is None else str(flow.protocol)
    source = _written(flow.source, flow.source_ports, "any")
    return f"permit out {protocol} from {source} to " + _written(
        flow.destination, flow.destination_ports, "assigned"
    )


def _written(network: Network | None, ports: tuple[Range, ...], absent: str) -> str:
    text = absent
    if network is not None:
        whole = network.prefixlen == network.max_prefixlen
        text = str(network.network_address) if whole else str(network)
    if not ports:
        return text
    return f"{text} " + ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ports)
