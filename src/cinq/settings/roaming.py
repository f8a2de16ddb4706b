"""Networks that let each other's subscribers roam: our SEPP, and a table for each partner."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from cinq.home_domain import function_name
from cinq.numbering import PlmnId
from cinq.settings import check
from cinq.settings.service_based import Sbi
from cinq.settings.toml import setting

_FQDN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_SERVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?")
SERVICES = (
    "nnrf-disc",
    "oauth2",
    "nausf-auth",
    "nudm-sdm",
    "nudm-uecm",
    "namf-callback",
    "nsmf-callback",
)


def _fqdn(key: str, name: str) -> None:
    if name and not _FQDN.fullmatch(name):
        raise ValueError(
            f"{key}: found {name[:80]!r}, wanted a name such as 'sepp.example.org' in small letters"
        )


@dataclass(frozen=True, slots=True)
class Sepp:
    """SEPP: where other networks meet this one (N32). It runs where there is a [[roaming_partner]]."""

    fqdn: str = setting("Its name in its certificate; empty: sepp in the domain of the network's PLMN.", "")
    n32_address: IPv4Address = setting(
        "Address on which SEPPs of others are heard.", IPv4Address("127.0.0.9")
    )
    n32_port: int = setting("Port on which SEPPs of others are heard.", 7443)
    sbi_port: int = setting(
        "Port, at the address of [sbi], on which functions of this network are heard.", 7790
    )
    certificate: str = setting("PEM file of the certificate that is shown to SEPPs of others.", "")
    key: str = setting("PEM file of its private key.", "")

    def __post_init__(self) -> None:
        _fqdn("fqdn", self.fqdn)
        check.host("n32_address", self.n32_address)
        check.port("n32_port", self.n32_port)
        check.port("sbi_port", self.sbi_port)


@dataclass(frozen=True, slots=True)
class IpxProvider:
    """A provider between the SEPPs (IPX) that may change messages of PRINS, and signs what it changes."""

    name: str = setting("Its name, as it signs.")
    key: str = setting("PEM file of its public key, on P-256.")
    may_change: tuple[str, ...] = setting(
        "What of a message it may change: JSON pointers such as '/headers/-'; * is one segment, last all below.",
        (),
    )

    def __post_init__(self) -> None:
        _fqdn("name", self.name)
        check.at_most("may_change", self.may_change, 64)
        for pointer in self.may_change:
            if not re.fullmatch(r"(/[^/\s]{1,100}){1,16}", pointer):
                raise ValueError(
                    f"may_change: found {pointer[:60]!r}, wanted a JSON pointer such as '/headers/-'"
                )


@dataclass(frozen=True, slots=True)
class RoamingPartner:
    """A network with which there is a roaming agreement, and what the agreement allows."""

    name: str = setting("Its name, for logs and traces.")
    plmns: tuple[PlmnId, ...] = setting("Its PLMNs.")
    address: str = setting("Address or name at which its SEPP is reached.")
    authorities: str = setting("PEM file of those that sign its SEPP's certificate, and nobody else's.")
    port: int = setting("Port of its SEPP.", 7443)
    sepp: str = setting(
        "Name of its SEPP in its certificate; empty: sepp in the domain of its first PLMN.", ""
    )
    security: Literal["tls", "prins"] = setting(
        "tls: by the connection between the SEPPs; prins: each message by itself, whoever is between.", "tls"
    )
    ipx: tuple[IpxProvider, ...] = setting("Providers on the way, with PRINS: ours and the partner's.", ())
    next_hop: str = setting("With PRINS: 'host:port' of our provider; empty: the partner's SEPP itself.", "")
    next_hop_name: str = setting("Name of our provider in its certificate.", "")
    next_hop_authorities: str = setting("PEM file of those that sign our provider's certificate.", "")
    services: tuple[str, ...] = setting("API names that either network may ask for of the other.", SERVICES)
    requests_per_s: int = setting(
        "Requests a second that it may send, 1 to 100000; twice as many at once.", 200
    )
    inbound: bool = setting("Whether its subscribers may register here.", True)
    outbound: bool = setting("Whether subscribers of this network may register there.", True)

    def __post_init__(self) -> None:
        check.name("name", self.name, 60)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", self.name):
            raise ValueError(
                f"name: found {self.name[:60]!r}, wanted letters, digits, blanks, '.', '_' and '-'"
            )
        check.at_least_one("plmns", self.plmns)
        check.at_most("plmns", self.plmns, 16)
        check.each_once("plmns", self.plmns)
        if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", self.address):
            raise ValueError(f"address: found {self.address[:60]!r}, wanted an address or a name")
        check.port("port", self.port)
        _fqdn("sepp", self.sepp)
        if not self.authorities:
            raise ValueError("authorities: found nothing, wanted a PEM file")
        check.at_most("services", self.services, 64)
        for service in self.services:
            if not _SERVICE.fullmatch(service):
                raise ValueError(f"services: found {service[:60]!r}, wanted an API name such as 'nudm-sdm'")
        check.within("requests_per_s", self.requests_per_s, 1, 100_000)
        self._check_providers()

    def _check_providers(self) -> None:
        check.at_most("ipx", self.ipx, 2)
        check.each_once("ipx", [one.name for one in self.ipx])
        if self.security != "prins" and (self.ipx or self.next_hop):
            raise ValueError("security: found tls, wanted prins: with TLS there is nobody between the SEPPs")
        if not self.next_hop:
            return
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}", self.next_hop):
            raise ValueError(f"next_hop: found {self.next_hop[:60]!r}, wanted 'host:port'")
        check.port("next_hop", int(self.next_hop.rpartition(":")[2]))
        _fqdn("next_hop_name", self.next_hop_name)
        if not self.next_hop_name or not self.next_hop_authorities:
            raise ValueError("next_hop_name, next_hop_authorities: found nothing, wanted both with next_hop")

    @property
    def fqdn(self) -> str:
        return self.sepp or function_name("sepp", self.plmns[0])


def check_partners(
    partners: tuple[RoamingPartner, ...], own: tuple[PlmnId, ...], sepp: Sepp, sbi: Sbi
) -> None:
    """ValueError: networks that are not apart, or whom the SEPP could not speak to."""
    if not partners:
        return
    check.at_most("roaming_partner", partners, 64)
    check.each_once("roaming_partner", [one.name for one in partners])
    check.each_once("roaming_partner", [one.fqdn for one in partners])
    check.each_once("roaming_partner", [*own, *(plmn for one in partners for plmn in one.plmns)])
    if not sbi.on_the_wire:
        raise ValueError("sbi: offered: found false, wanted true: roaming partners ask over HTTP/2")
    for key in ("certificate", "key"):
        if not getattr(sepp, key):
            raise ValueError(f"sepp: {key}: found nothing, wanted a PEM file: N32 is protected by TLS")
