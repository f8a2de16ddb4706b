"""Who may register at all, TS 29.503 §5.3.2.2.2 and its application errors (§6.2.7.3)."""

from __future__ import annotations

from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.models import RatType
from cinq.sbi.services.nudm_sdm import AccessAndMobilitySubscriptionData


def may_register(supi: str, rat: RatType, data: AccessAndMobilitySubscriptionData | None) -> None:
    """Problem 403 where the subscription forbids it."""
    if data is None:
        return
    if data.odb_packet_services == "ALL_PACKET_SERVICES":
        mend = f"cinq subscriber set {supi} --barred no"
        raise Problem(403, "ACCESS_NOT_ALLOWED", Why(f"all packet services are barred for {supi}", mend))
    if "5GC" in data.core_network_type_restrictions:
        mend = f"cinq subscriber set {supi} --no-5gc no"
        raise Problem(403, "UNKNOWN_5GS_SUBSCRIPTION", Why(f"{supi} may not use a 5G core network", mend))
    if rat in data.rat_restrictions:
        mend = f"cinq subscriber set {supi} --rat-restrictions none"
        raise Problem(403, "RAT_NOT_ALLOWED", Why(f"{supi} may not use {rat}", mend))
