"""How network functions meet: the service-based interface, and the NRF that knows who is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from cinq.settings import check
from cinq.settings.toml import setting

OWN = {"nrf": None, "scp": "own"}
"""What stands in the place of an API root for a function of our own."""


@dataclass(frozen=True, slots=True)
class Nrf:
    """Registration of network functions."""

    heart_beat_timer_s: int = setting("Seconds between heartbeats of a network function, 1 to 3600.", 10)
    access_token_s: int = setting("Seconds for which an access token holds, 10 to 86400.", 900)
    token_key: str = setting(
        "PEM file of the private key (P-256) that signs access tokens; empty: one is kept with the state.", ""
    )

    def __post_init__(self) -> None:
        check.within("heart_beat_timer_s", self.heart_beat_timer_s, 1, 3600)
        check.within("access_token_s", self.access_token_s, 10, 86_400)


@dataclass(frozen=True, slots=True)
class Sbi:
    """How network functions meet. TLS is mutual, and there with all three files."""

    transport: Literal["direct", "checked", "http2"] = setting(
        "direct passes objects; checked makes HTTP messages of them; http2 sends these to the address.",
        "direct",
    )
    offered: bool = setting("Offer the services to others over HTTP/2; with transport http2 they are.", False)
    address: IPv4Address = setting("Address of the services over HTTP/2.", IPv4Address("127.0.0.8"))
    port: int = setting("Port of the services over HTTP/2.", 7777)
    certificate: str = setting("PEM file of the certificate that is shown; empty: no TLS.", "")
    key: str = setting("PEM file of its private key.", "")
    authorities: str = setting("PEM file of those that sign the certificates of others.", "")
    nrf: str = setting(
        "API root of the NRF, such as 'http://127.0.0.8:7777'; empty: it is in this process.", ""
    )
    scp: str = setting(
        "API root of the SCP that requests go through; empty: they go to who serves them. 'own': with --apart.",
        "",
    )
    delegated_discovery: bool = setting(
        "Whether the SCP finds producers and asks for tokens (model D), or each function does (model C).",
        False,
    )
    scp_instance: str = setting(
        "NF instance of the SCP, which may forward what others assert; empty: that of this network.", ""
    )
    access_tokens: bool = setting("Whether services over HTTP/2 ask for access tokens of the NRF.", True)
    operation_scopes: bool = setting(
        "Whether tokens must name the operation too, where its API gives it a scope of its own.", False
    )
    token_authority: str = setting(
        "PEM file of the NRF's public key for access tokens; empty: the one kept with the state.", ""
    )

    def __post_init__(self) -> None:
        check.host("address", self.address)
        check.port("port", self.port)
        for name, root in (("nrf", self.nrf), ("scp", self.scp)):
            if root and root != OWN[name] and not re.fullmatch(r"https?://[^/\s@]+(/[^\s]*)?", root):
                raise ValueError(
                    f"{name}: found {root[:60]!r}, wanted an API root such as 'http://127.0.0.8:7777'"
                )
        if self.scp_instance and not re.fullmatch(
            r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", self.scp_instance
        ):
            raise ValueError(f"scp_instance: found {self.scp_instance[:60]!r}, wanted a UUID")
        if self.delegated_discovery and not self.scp:
            raise ValueError("delegated_discovery: found true, and scp names no SCP to delegate to")
        files = {"certificate": self.certificate, "key": self.key, "authorities": self.authorities}
        if any(files.values()) and not all(files.values()):
            missing = ", ".join(name for name, value in files.items() if not value)
            raise ValueError(
                f"{missing}: found nothing, wanted all of certificate, key and authorities, or none"
            )

    @property
    def on_the_wire(self) -> bool:
        return self.offered or self.transport == "http2"
