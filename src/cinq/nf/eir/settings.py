"""Settings of the 5G-EIR."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.sbi.services.n5g_eir import EquipmentStatus


@dataclass(frozen=True, slots=True)
class Settings:
    """unlisted: what is said of equipment that is on no list."""

    unlisted: EquipmentStatus = "WHITELISTED"
