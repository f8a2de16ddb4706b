"""The scenario library. Importing it fills `LIBRARY`; one file for each chapter."""

from cinq.ran.scenarios.library import (
    equipment,
    handover_keys,
    idle,
    interface,
    mobility,
    negative,
    negative_nas,
    orders,
    policy,
    raw_nas,
    registered,
    registration,
    requests,
    security,
    services,
    session,
    session_options,
)
from cinq.ran.scenarios.scenario import LIBRARY

CHAPTERS = (
    interface,
    requests,
    registration,
    registered,
    equipment,
    security,
    session,
    session_options,
    policy,
    idle,
    mobility,
    handover_keys,
    services,
    orders,
    negative,
    negative_nas,
    raw_nas,
)
__all__ = ["CHAPTERS", "LIBRARY"]
