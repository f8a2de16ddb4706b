"""Settings of the NRF."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.numbering import PlmnId


@dataclass(frozen=True, slots=True)
class Settings:
    """heart_beat_timer: seconds between heartbeats. validity_period: seconds an answer may be cached.

    access_token_s: seconds for which an access token holds. plmns: of this network. partners: of those whose
    functions and ours ask each other. sepp: the NF instance that brings what they ask.
    """

    heart_beat_timer: int = 10
    validity_period: int = 60
    max_instances: int = 1000
    access_token_s: int = 900
    plmns: tuple[PlmnId, ...] = ()
    partners: tuple[PlmnId, ...] = ()
    sepp: str = ""
