"""What the operator has decided: for one subscriber in the UDR, for all in the settings."""

from __future__ import annotations

from cinq.nf.pcf.settings import Settings
from cinq.nf.pcf.spending import SpendingLimits
from cinq.sbi import Bus
from cinq.sbi.services.nudr_policy import NudrPolicyData, PolicyElement


class Elements:
    """Without an SBI: those of the settings."""

    def __init__(self, settings: Settings, sbi: Bus | None, limits: SpendingLimits) -> None:
        self._settings = settings
        self.limits = limits
        self._udr = None if sbi is None else sbi.client(NudrPolicyData, "PCF")

    async def of(self, supi: str) -> list[PolicyElement]:
        """Those of spending limits, then of the subscriber, then of the settings whose names it does not use
        otherwise: of those that say the same the first counts."""
        own: dict[str, PolicyElement] = {}
        if self._udr is not None:
            found = await self._udr.query_operator_specific_data(supi)
            own = {name: container.value for name, container in found.items()}
        return [
            *self.limits.elements(supi),
            *own.values(),
            *(r for r in self._settings.rules if r.pcc_rule.pcc_rule_id not in own),
        ]
