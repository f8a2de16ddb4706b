"""Settings of the SCP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """nrf: the API root of the NRF, and its instance. fqdn: by which it is known in Via and Server. port: of the SBI.

    tokens: whether producers ask for access tokens, so that it asks for them.
    """

    nrf: str
    nrf_instance: str
    fqdn: str
    scheme: str = "http"
    port: int = 7777
    tokens: bool = True
