"""One rule of what the PCF grants: which packets get which QoS. Out of [[policy]], or of `cinq policy add`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from cinq.numbering import NumberingError, SNssai
from cinq.operator_identifier import network_identifier
from cinq.settings import check
from cinq.settings.toml import BitRate, setting

GBR_FIVE_QIS = frozenset((1, 2, 3, 4, 65, 66, 67, 71, 72, 73, 74, 75, 76, *range(82, 91)))
"""Standardised 5QIs with a guaranteed bit rate, delay-critical or not: TS 23.501 table 5.7.4-1."""
STANDARD_FIVE_QIS = GBR_FIVE_QIS | {5, 6, 7, 8, 9, 10, 69, 70, 79, 80}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
FLOW = re.compile(
    r"permit (?P<sense>in|out) (?P<protocol>ip|\d{1,3})"
    r" from (?P<source>\S+)(?P<source_ports> [\d,-]+)? to (?P<target>\S+)(?P<target_ports> [\d,-]+)?",
    re.ASCII,
)

ANYTHING = re.compile(r"permit (out|in) ip from (any|assigned) to (any|assigned)")
"""A filter that matches every packet of a session."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the PCF."""

    name: str = setting("Name of the rule, unlike all others.")
    filters: tuple[str, ...] = setting(
        "Its packets, as IPFilterRules of TS 29.212: 'permit out 17 from 198.51.100.0/24 5004 to assigned'."
    )
    five_qi: int = setting("5QI of the QoS flow, 1 to 254.", 9)
    dnn: str = setting("The DNN where it holds; empty: every one.", "")
    slices: tuple[SNssai, ...] = setting("The slices where it holds; empty: every one.", ())
    direction: Literal["both", "uplink", "downlink"] = setting("Which way the packets go.", "both")
    precedence: int = setting("The lower, the earlier a packet is held against it, 1 to 254.", 100)
    gbr_uplink: BitRate = setting("Guaranteed bit rate, uplink.", BitRate(0))
    gbr_downlink: BitRate = setting("Guaranteed bit rate, downlink.", BitRate(0))
    mbr_uplink: BitRate = setting("Maximum bit rate, uplink; 0: the guaranteed one, or none.", BitRate(0))
    mbr_downlink: BitRate = setting("Maximum bit rate, downlink; 0: the guaranteed one, or none.", BitRate(0))
    arp: int = setting("ARP priority level, 1 to 15.", 8)
    may_preempt: bool = setting("Whether the flow may take resources from others.", False)
    preemptable: bool = setting("Whether others may take its resources.", True)
    reflective: bool = setting("Whether the UE may derive its uplink filters (reflective QoS).", False)
    notify: bool = setting("Whether the gNB tells when it cannot keep the guaranteed bit rate.", False)
    gate: Literal["open", "closed"] = setting("Closed: its packets are dropped.", "open")
    rating_group: int = setting("Rating group of what is used by it; 0: that of its [[dnn]].", 0)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name: found {self.name[:60]!r}, wanted 1 to 40 letters, digits, '.', '_', '-'")
        check.at_least_one("filters", self.filters)
        check.at_most("filters", self.filters, 15)
        for text in self.filters:
            flow("filters", text)
            if ANYTHING.fullmatch(text):
                what = "one that says more: the default QoS rule alone lets all pass (TS 23.501 §5.7.1.4)"
                raise ValueError(f"filters: found {text!r}, wanted {what}")
        check.within("five_qi", self.five_qi, 1, 254)
        check.within("precedence", self.precedence, 1, 254)
        check.within("arp", self.arp, 1, 15)
        check.within("rating_group", self.rating_group, 0, 2**32 - 1)
        if self.dnn:
            try:
                network_identifier(self.dnn)
            except NumberingError as error:
                raise ValueError(f"dnn: {error}") from None
        check.slices("slices", self.slices)
        self._check_rates()

    def _check_rates(self) -> None:
        """TS 23.501 §5.7.2: a GBR flow has guaranteed rates, another has none and may be reflective."""
        guaranteed = self.five_qi in GBR_FIVE_QIS
        if guaranteed and not (self.gbr_uplink or self.gbr_downlink):
            raise ValueError(f"gbr_downlink: found none, wanted a guaranteed bit rate for 5QI {self.five_qi}")
        if not guaranteed and (self.gbr_uplink or self.gbr_downlink) and self.five_qi in STANDARD_FIVE_QIS:
            gbr = ", ".join(map(str, sorted(GBR_FIVE_QIS)))
            raise ValueError(
                f"five_qi: found {self.five_qi}, which guarantees no bit rate; wanted one of {gbr}"
            )
        for way, gbr_, mbr in (
            ("uplink", self.gbr_uplink, self.mbr_uplink),
            ("downlink", self.gbr_downlink, self.mbr_downlink),
        ):
            if mbr and mbr < gbr_:
                raise ValueError(f"mbr_{way}: found less than gbr_{way}, wanted at least as much")
        if self.reflective and (guaranteed or self.gbr_uplink or self.gbr_downlink):
            raise ValueError(
                "reflective: found it for a GBR flow, wanted it for others only (TS 23.501 §5.7.5)"
            )


def flow(key: str, text: str) -> None:
    """ValueError unless it is an IPFilterRule as TS 29.212 §5.4.2 narrows it; 'assigned' is the UE's address."""
    wanted = "'permit out 17 from 198.51.100.0/24 5004 to assigned'"
    found = FLOW.fullmatch(text)
    if found is None:
        raise ValueError(f"{key}: found {text[:80]!r}, wanted for example {wanted}")
    protocol = found["protocol"]
    if protocol != "ip" and int(protocol) > 255:
        raise ValueError(f"{key}: found protocol {protocol}, wanted 'ip' or 0 to 255")
    for end in (found["source"], found["target"]):
        if end not in ("any", "assigned"):
            try:
                ipaddress.ip_network(end)
            except ValueError:
                what = "'any', 'assigned' or a network such as 198.51.100.0/24 or 2001:db8::/32"
                raise ValueError(f"{key}: found {end[:40]!r} in {text[:80]!r}, wanted {what}") from None
    for ports in (found["source_ports"], found["target_ports"]):
        if ports is not None:
            _ports(key, ports.strip(), protocol)


def _ports(key: str, text: str, protocol: str) -> None:
    if protocol not in ("6", "17", "132"):
        raise ValueError(f"{key}: found ports {text} of protocol {protocol}, wanted them with 6, 17 or 132")
    for part in text.split(","):
        low, _, high = part.partition("-")
        numbers = [n for n in (low, high or low) if n.isdigit() and int(n) < 65536]
        if len(numbers) < 2 or int(numbers[0]) > int(numbers[1]):
            raise ValueError(f"{key}: found ports {part[:20]!r}, wanted 0 to 65535, or from-to")
