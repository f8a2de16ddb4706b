"""What the operator has decided: for one subscriber in the UDR, for all in the settings."""

from __future__ import annotations

from cinq.nf.pcf.settings import Settings
from cinq.sbi import Bus
from cinq.sbi.services.nudr_policy import NudrPolicyData, PolicyElement


class Elements:
    """Without an SBI: those of the settings."""

    def __init__(self, settings: Settings, sbi: Bus | None) -> None:
        self._settings = settings
        self._udr = None if sbi is None else sbi.client(NudrPolicyData, "PCF")

    async def of(self, supi: str) -> list[PolicyElement]:
        """Those of the subscriber, then those of the settings whose names it does not use otherwise."""
        own: dict[str, PolicyElement] = {}
        if self._udr is not None:
            found = await self._udr.query_operator_specific_data(supi)
            own = {name: container.value for name, container in found.items()}
        return [*own.values(), *(r for r in self._settings.rules if r.pcc_rule.pcc_rule_id not in own)]
