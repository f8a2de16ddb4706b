"""Settings of the SEPP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cinq.numbering import PlmnId

Security = Literal["TLS", "PRINS"]


@dataclass(frozen=True, slots=True)
class Partner:
    """Another network. sepp: FQDN of its SEPP. security: how messages are protected on N32-f.

    services: API names that it may ask for here and we of it. requests_per_s: that it may send, twice as many at once.
    """

    name: str
    plmns: tuple[PlmnId, ...]
    sepp: str
    services: frozenset[str]
    requests_per_s: float = 100.0
    security: Security = "TLS"


@dataclass(frozen=True, slots=True)
class Settings:
    """fqdn: of this SEPP. plmns: of this network. nrf: API root of its NRF."""

    fqdn: str
    plmns: tuple[PlmnId, ...]
    partners: tuple[Partner, ...]
    nrf: str
