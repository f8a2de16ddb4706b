"""What applications may ask of the network: who they are, and which quality they may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from cinq.settings import check
from cinq.settings.policy import GBR_FIVE_QIS
from cinq.settings.toml import BitRate, setting

Api = Literal[
    "3gpp-as-session-with-qos", "3gpp-monitoring-event", "3gpp-traffic-influence", "quality-on-demand"
]
QUALITY: tuple[Api, ...] = ("3gpp-as-session-with-qos", "quality-on-demand")
SHORTEST_SECRET = 16
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PROFILE = re.compile(r"[a-zA-Z0-9_.-]{3,40}")
_SECRET = re.compile(r"[!-~]{1,256}")
_ROOT = re.compile(r"https?://[^/?#\s@]{1,255}(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True)
class Nef:
    """Network exposure: APIs for applications, over HTTP/2."""

    start: bool = setting("Whether the core has an NEF.", False)
    address: IPv4Address = setting("Address of the APIs.", IPv4Address("127.0.0.9"))
    port: int = setting("Port of the APIs.", 7780)
    certificate: str = setting("PEM file of the certificate that applications see; empty: no TLS.", "")
    key: str = setting("PEM file of its private key.", "")
    access_token_s: int = setting("Seconds for which an application's access token holds, 10 to 86400.", 3600)

    def __post_init__(self) -> None:
        check.host("address", self.address)
        check.port("port", self.port)
        check.within("access_token_s", self.access_token_s, 10, 86_400)
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate: found one of certificate and key, wanted both or none")


@dataclass(frozen=True, slots=True)
class Application:
    """An application that may ask the NEF."""

    id: str = setting("Its name, the client_id of its access tokens.")
    secret: str = setting("Its client_secret, 16 characters at least.")
    apis: tuple[Api, ...] = setting("The APIs that it may use.", QUALITY)
    notify: tuple[str, ...] = setting("API roots that it may be notified at.", ())

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"id: found {self.id[:60]!r}, wanted 1 to 64 letters, digits, '.', '_', '-'")
        if len(self.secret) < SHORTEST_SECRET or not _SECRET.fullmatch(self.secret):
            raise ValueError(f"secret: wanted {SHORTEST_SECRET} to 256 printable characters without blanks")
        check.at_least_one("apis", self.apis)
        check.at_most("notify", self.notify, 16)
        for root in self.notify:
            if not _ROOT.fullmatch(root):
                raise ValueError(
                    f"notify: found {root[:60]!r}, wanted an API root such as 'http://127.0.0.1:9000'"
                )


@dataclass(frozen=True, slots=True)
class QosProfile:
    """A quality that applications ask for by its name."""

    name: str = setting("Its name: qosProfile, or qosReference.")
    five_qi: int = setting("5QI of the QoS flow, 1 to 254.", 9)
    gbr_uplink: BitRate = setting("Guaranteed bit rate, uplink.", BitRate(0))
    gbr_downlink: BitRate = setting("Guaranteed bit rate, downlink.", BitRate(0))
    mbr_uplink: BitRate = setting("Maximum bit rate, uplink; 0: the guaranteed one, or none.", BitRate(0))
    mbr_downlink: BitRate = setting("Maximum bit rate, downlink; 0: the guaranteed one, or none.", BitRate(0))
    arp: int = setting("ARP priority level, 1 to 15.", 8)
    longest_s: int = setting("Seconds that a session of it lasts at the most, 1 to 2147483647.", 86_400)

    def __post_init__(self) -> None:
        if not _PROFILE.fullmatch(self.name):
            raise ValueError(f"name: found {self.name[:60]!r}, wanted 3 to 40 letters, digits, '_', '.', '-'")
        check.within("five_qi", self.five_qi, 1, 254)
        check.within("arp", self.arp, 1, 15)
        check.within("longest_s", self.longest_s, 1, 2**31 - 1)
        guaranteed = self.gbr_uplink or self.gbr_downlink
        if bool(guaranteed) != (self.five_qi in GBR_FIVE_QIS):
            wanted = "a guaranteed bit rate" if not guaranteed else "a 5QI of the kind with one, such as 4"
            raise ValueError(f"five_qi: found {self.five_qi}, wanted with it {wanted}")
        for way, gbr, mbr in (
            ("uplink", self.gbr_uplink, self.mbr_uplink),
            ("downlink", self.gbr_downlink, self.mbr_downlink),
        ):
            if mbr and mbr < gbr:
                raise ValueError(f"mbr_{way}: found less than gbr_{way}, wanted at least as much")


def _guaranteed(name: str, mbps: int) -> QosProfile:
    rate = BitRate(mbps * 1_000_000)
    return QosProfile(name, 4, rate, rate)


PROFILES = (_guaranteed("QOS_S", 1), _guaranteed("QOS_M", 5), _guaranteed("QOS_L", 20))
"""Those of a network that says nothing of it."""
