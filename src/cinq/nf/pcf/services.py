"""The PCF as a whole: two services, and what it hears of policy data."""

from __future__ import annotations

import os
from collections.abc import Callable

from cinq.nf.pcf.access import AMPolicies
from cinq.nf.pcf.app_sessions import AppSessions
from cinq.nf.pcf.bindings import Registrations
from cinq.nf.pcf.elements import Elements
from cinq.nf.pcf.sessions import SMPolicies
from cinq.nf.pcf.settings import Settings
from cinq.nf.pcf.spending import SpendingLimits
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi import Bus
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nchf_spendinglimitcontrol import NpcfSpendingLimitCallback
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.services.npcf_policyauthorization import NpcfPolicyAuthorization
from cinq.sbi.services.npcf_smpolicycontrol import NpcfSMPolicyControl
from cinq.sbi.services.nudr_policy import (
    NpcfPolicyDataCallback,
    NudrPolicyData,
    PolicyDataChangeNotification,
    PolicyDataSubscription,
)

CALLBACK = "/npcf-callback/v1/policy-data-change"


class PCF:
    """sbi: for policies of one subscriber, and to tell of changes. store: where associations outlive a restart."""

    def __init__(
        self,
        instance_id: str,
        sbi: Bus | None = None,
        store: Store | None = None,
        settings: Settings | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.instance_id = instance_id
        self._sbi = sbi
        settings, kept = settings or Settings(), store or MemoryStore()
        self._limits = SpendingLimits(settings, kept, sbi)
        elements = Elements(settings, sbi, self._limits)
        self._am = AMPolicies(kept, elements, sbi)
        self._sm = SMPolicies(settings, kept, elements, sbi)
        self._af = AppSessions(settings, kept, self._sm, sbi, entropy)
        self._registrations = Registrations(kept, self._sm, sbi, instance_id)
        self._limits.changed = self._sm.policy_changed

    def services(self) -> list[tuple[type, object]]:
        return [
            (NpcfAMPolicyControl, self._am),
            (NpcfSMPolicyControl, self._sm),
            (NpcfPolicyAuthorization, self._af),
            (NpcfPolicyDataCallback, self),
            (NpcfSpendingLimitCallback, self._limits),
        ]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="PCF", nf_status="REGISTERED")

    async def tell_application_functions(self) -> None:
        """What has become of what they asked for."""
        await self._af.tell()

    async def look(self) -> None:
        """To be called often: the BSF hears which sessions are served here, applications what has become of theirs."""
        await self._registrations.look()
        await self.tell_application_functions()

    async def start(self) -> None:
        """Once the UDR serves: Nudr_DM_Subscribe for policy data."""
        if self._sbi is not None:
            body = PolicyDataSubscription(
                notification_uri=self._sbi.uri(CALLBACK), monitored_resource_uris=["/policy-data/ues"]
            )
            await self._sbi.client(NudrPolicyData, "PCF").subscribe_to_policy_data(body)

    async def policy_data_change_notify(self, body: list[PolicyDataChangeNotification]) -> None:
        """TS 29.504 §5.2.2.8: `cinq policy` has changed something; who serves the UE hears of it."""
        for change in body:
            await self._am.policy_changed(change.ue_id)
            await self._sm.policy_changed(change.ue_id)
