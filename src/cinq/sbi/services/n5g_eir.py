"""N5g-eir_EquipmentIdentityCheck, TS 29.511 §5.2 and §6.1."""

from __future__ import annotations

from typing import Literal, Protocol

from cinq.sbi.operation import Model, operation, service

EquipmentStatus = Literal["WHITELISTED", "BLACKLISTED", "GREYLISTED"]


class EirResponseData(Model):
    """why, mend: which entry or rule says so, for a person; others pass over these.

    mayStay: whether a UE that is registered already need not go for it.
    """

    status: EquipmentStatus
    why: str | None = None
    mend: str | None = None
    may_stay: bool = False


@service("n5g-eir-eic", "v1")
class N5gEirEquipmentIdentityCheck(Protocol):
    @operation("N5g-eir_EquipmentIdentityCheck_Get", "GET", "/equipment-status")
    async def get_equipment_status(self, pei: str, supi: str | None, gpsi: str | None) -> EirResponseData:
        """404 ERROR_EQUIPMENT_UNKNOWN where the equipment is not known."""
        ...
