"""Settings of the NRF."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """heart_beat_timer: seconds between heartbeats. validity_period: seconds an answer may be cached.

    access_token_s: seconds for which an access token holds.
    """

    heart_beat_timer: int = 10
    validity_period: int = 60
    max_instances: int = 1000
    access_token_s: int = 900
