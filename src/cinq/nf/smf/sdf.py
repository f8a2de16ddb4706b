"""Service data flow filters as PCF and UPF write them: the IPFilterRule of TS 29.212 §5.4.2 and TS 29.244 §8.2.5."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network

from cinq.nf.smf.flows import FlowDirection, SdfFilter
from cinq.sbi.services.npcf_smpolicycontrol import FlowInformation

LONGEST = 255  # characters of a filter that are read
_ANY = ("any", "assigned")


def sdf_filter(info: FlowInformation) -> SdfFilter:
    """ValueError with what is wrong: not an IPFilterRule, IPv6, a list of ports, ..."""
    text = info.flow_description
    if text is None:
        raise ValueError("a flow without flowDescription: Ethernet and application filters are not served")
    direction: FlowDirection = "BIDIRECTIONAL"
    if info.flow_direction in ("DOWNLINK", "UPLINK"):
        direction = info.flow_direction
    elif info.flow_direction == "UNSPECIFIED":
        raise ValueError("flowDirection UNSPECIFIED tells nobody which packets are meant")
    if info.flow_label is not None:
        raise ValueError(f"flow label {info.flow_label[:20]}: it is of IPv6")
    protocol, source, source_ports, destination, ports = _parts(text)
    return SdfFilter(
        direction=direction,
        protocol=protocol,
        remote=source,
        remote_ports=source_ports,
        local=destination,
        local_ports=ports,
        tos=None if info.tos_traffic_class is None else _tos(info.tos_traffic_class),
        spi=None if info.spi is None else _hexadecimal(info.spi, 8, "SPI"),
        for_ue=info.packet_filter_usage,
    )


_Side = tuple[tuple[int, int] | None, tuple[int, int] | None]


def _parts(
    text: str,
) -> tuple[
    int | None, tuple[int, int] | None, tuple[int, int] | None, tuple[int, int] | None, tuple[int, int] | None
]:
    words = text[: LONGEST + 1].split()
    shown = text[:80]
    if len(text) > LONGEST or words[:2] != ["permit", "out"] or len(words) < 7:
        raise ValueError(f"'{shown}' is no IPFilterRule 'permit out PROTOCOL from SOURCE to DESTINATION'")
    if words[3] != "from" or "to" not in words[5:]:
        raise ValueError(f"'{shown}' lacks 'from' or 'to'")
    to = words.index("to", 5)
    source, destination = _side(words[4:to], shown), _side(words[to + 1 :], shown)
    protocol = None if words[2] == "ip" else _number(words[2], 255, "protocol")
    if (source[1] or destination[1]) and protocol not in (6, 17, 132):
        raise ValueError(f"'{shown}' has ports, but its protocol has none")
    return protocol, *source, *destination


def _side(words: list[str], shown: str) -> _Side:
    if not 1 <= len(words) <= 2:
        raise ValueError(f"'{shown}': an address and at most one range of ports are read")
    return _address(words[0]), _ports(words[1]) if len(words) == 2 else None


def _address(word: str) -> tuple[int, int] | None:
    if word in _ANY:
        return None
    if ":" in word:
        IPv6Network(word, strict=False)  # ValueError of its own when it is none
        raise ValueError(f"{word} is of IPv6, the session is of IPv4")
    network = IPv4Network(word, strict=False)
    return int(network.network_address), network.prefixlen


def _ports(word: str) -> tuple[int, int]:
    first, _, last = word.partition("-")
    low = _number(first, 65535, "port")
    high = _number(last, 65535, "port") if last else low
    if high < low:
        raise ValueError(f"ports {word}: the last is before the first")
    return low, high


def _number(word: str, most: int, what: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 5 and int(word) <= most):
        raise ValueError(f"{what} {word[:20]!r}, wanted a number up to {most}")
    return int(word)


def _hexadecimal(word: str, digits: int, what: str) -> int:
    if len(word) != digits or any(c not in "0123456789abcdefABCDEF" for c in word):
        raise ValueError(f"{what} {word[:20]!r}, wanted {digits} hexadecimal digits")
    return int(word, 16)


def _tos(word: str) -> tuple[int, int]:
    number = _hexadecimal(word, 4, "tosTrafficClass")
    return number >> 8, number & 0xFF


def flow_description(sdf: SdfFilter) -> str:
    """Written for the downlink; a UPF turns it round for uplink packets (TS 29.244 §8.2.5)."""
    protocol = "ip" if sdf.protocol is None else str(sdf.protocol)
    remote = _written(sdf.remote, sdf.remote_ports, "any")
    return f"permit out {protocol} from {remote} to {_written(sdf.local, sdf.local_ports, 'assigned')}"


def _written(network: tuple[int, int] | None, ports: tuple[int, int] | None, absent: str) -> str:
    if network is None:
        text = absent
    else:
        address, length = network
        text = str(IPv4Address(address)) if length == 32 else f"{IPv4Address(address)}/{length}"
    if ports is None:
        return text
    return f"{text} {ports[0]}" if ports[0] == ports[1] else f"{text} {ports[0]}-{ports[1]}"
