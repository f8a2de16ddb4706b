"""Settings of the PCF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cinq.sbi.services.nudr_policy import RulePolicy, SessionPolicy


@dataclass(frozen=True, slots=True)
class Limit:
    """What is decided while a policy counter has this status."""

    counter: str
    status: str
    element: SessionPolicy


@dataclass(frozen=True, slots=True)
class QosReference:
    """QoS that application functions ask for by its name. Rates as in TS 29.571 §5.5.2; None: none."""

    five_qi: int
    maxbr_ul: str | None = None
    maxbr_dl: str | None = None
    gbr_ul: str | None = None
    gbr_dl: str | None = None
    arp: int = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """rules: for every subscriber. ue_five_qis: those that a UE may ask for of its own. ue_max_gbr_bps: how much of a
    guaranteed bit rate it may ask for, each way. limits: by policy counters; of those that hold the first counts."""

    rules: tuple[RulePolicy, ...] = ()
    ue_five_qis: tuple[int, ...] = (5, 6, 7, 8, 9)
    ue_max_gbr_bps: int = 0
    limits: tuple[Limit, ...] = ()
    qos_references: Mapping[str, QosReference] = field(default_factory=dict)
