"""Settings of the SEPP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cinq.numbering import PlmnId

Security = Literal["TLS", "PRINS"]
NO_IPX = "null"


@dataclass(frozen=True, slots=True)
class Ipx:
    """A provider between the SEPPs who may change messages of PRINS. name: FQDN. key: PEM of its public key (P-256).

    may_change: JSON pointers into the protected block, such as '/payload/0/value/pei'; * is one segment, and as the
    last all below.
    """

    name: str
    key: bytes
    may_change: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partner:
    """Another network. sepp: FQDN of its SEPP. security: how messages are protected on N32-f. ipxes: who may change
    messages on the way; ipx: ours, the next hop.

    services: API names that it may ask for here and we of it. requests_per_s: that it may send, twice as many at once.
    """

    name: str
    plmns: tuple[PlmnId, ...]
    sepp: str
    services: frozenset[str]
    requests_per_s: float = 100.0
    security: Security = "TLS"
    ipxes: tuple[Ipx, ...] = ()
    ipx: str = NO_IPX


@dataclass(frozen=True, slots=True)
class Settings:
    """fqdn: of this SEPP. plmns: of this network. nrf: API root of its NRF."""

    fqdn: str
    plmns: tuple[PlmnId, ...]
    partners: tuple[Partner, ...]
    nrf: str
