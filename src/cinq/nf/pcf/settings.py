"""Settings of the PCF."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.sbi.services.nudr_policy import RulePolicy, SessionPolicy


@dataclass(frozen=True, slots=True)
class Limit:
    """What is decided while a policy counter has this status."""

    counter: str
    status: str
    element: SessionPolicy


@dataclass(frozen=True, slots=True)
class Settings:
    """rules: for every subscriber. ue_five_qis: those that a UE may ask for of its own. ue_max_gbr_bps: how much of a
    guaranteed bit rate it may ask for, each way. limits: by policy counters; of those that hold the first counts."""

    rules: tuple[RulePolicy, ...] = ()
    ue_five_qis: tuple[int, ...] = (5, 6, 7, 8, 9)
    ue_max_gbr_bps: int = 0
    limits: tuple[Limit, ...] = ()
