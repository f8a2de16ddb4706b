"""Nnssf_NSSelection (TS 29.531 §5.2): which slices a UE may use here; Nnssf_NSSAIAvailability (§5.3): which there are
in a tracking area."""

from __future__ import annotations

from functools import lru_cache

from cinq.nf.nssf.selection import MAX_ALLOWED, select
from cinq.nf.nssf.settings import Settings
from cinq.numbering import SNssai
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.models import NFType, Snssai, Tai
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnssf_nssaiavailability import (
    AuthorizedNssaiAvailabilityData,
    AuthorizedNssaiAvailabilityInfo,
    NnssfNSSAIAvailability,
    NssaiAvailabilityInfo,
)
from cinq.sbi.services.nnssf_nsselection import (
    AllowedNssai,
    AllowedSnssai,
    AuthorizedNetworkSliceInfo,
    ConfiguredSnssai,
    NnssfNSSelection,
    SliceInfoForRegistration,
    SubscribedSnssai,
)


class NSSF:
    def __init__(self, settings: Settings, instance_id: str) -> None:
        self._served = frozenset(settings.served)
        self._sets = settings.sets
        self._reported: dict[str, dict[Tai, frozenset[SNssai]]] = {}
        self.instance_id = instance_id
        self._selected = lru_cache(maxsize=1024)(self._select)  # many UEs have one subscription

    def services(self) -> list[tuple[type, object]]:
        return [(NnssfNSSelection, self), (NnssfNSSAIAvailability, self)]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="NSSF", nf_status="REGISTERED")

    async def get(
        self,
        nf_type: NFType,
        nf_id: str,
        slice_info_request_for_registration: SliceInfoForRegistration,
        tai: Tai | None,
    ) -> AuthorizedNetworkSliceInfo:
        info = slice_info_request_for_registration
        return self._selected(tuple(info.subscribed_nssai), tuple(info.requested_nssai), tai)

    def _select(
        self,
        subscribed_nssai: tuple[SubscribedSnssai, ...],
        requested_nssai: tuple[Snssai, ...],
        tai: Tai | None,
    ) -> AuthorizedNetworkSliceInfo:
        subscribed = {s.subscribed_snssai.numbering(): s.default_indication for s in subscribed_nssai}
        requested = [s.numbering() for s in requested_nssai]
        wanted = [s for s in requested if s in subscribed] or [s for s in subscribed if subscribed[s]]
        if (target := self._elsewhere(wanted)) is not None:
            return AuthorizedNetworkSliceInfo(
                allowed_nssai_list=[_allowed(tuple(wanted[:MAX_ALLOWED]))], target_amf_set=target
            )
        found = select(self._served, self._here(tai), subscribed, requested)
        if found.why is not None:
            raise Problem(403, "SNSSAI_NOT_SUPPORTED", found.why)
        return AuthorizedNetworkSliceInfo(
            allowed_nssai_list=[_allowed(found.allowed)],
            configured_nssai=[ConfiguredSnssai(configured_snssai=Snssai.of(s)) for s in found.configured],
            rejected_nssai_in_plmn=[Snssai.of(s) for s in found.rejected_in_plmn],
            rejected_nssai_in_ta=[Snssai.of(s) for s in found.rejected_in_ta],
        )

    def _elsewhere(self, wanted: list[SNssai]) -> str | None:
        """The AMF set that serves all that a UE wants, where this network's AMF serves none of it (TS 23.501
        §5.15.5.2.1)."""
        if not wanted or not self._served.isdisjoint(wanted):
            return None
        return next((name for name, slices in self._sets if set(wanted) <= set(slices)), None)

    def _here(self, tai: Tai | None) -> frozenset[SNssai]:
        """What the AMFs say of the tracking area; where none has said anything, all that is served."""
        said = [tais[tai] for tais in self._reported.values() if tai in tais] if tai is not None else []
        return self._served & frozenset().union(*said) if said else self._served

    async def update_nssai_availability(
        self, nf_id: str, body: NssaiAvailabilityInfo
    ) -> AuthorizedNssaiAvailabilityInfo:
        """TS 29.531 §5.3.2.2: what an AMF said before is replaced."""
        reported = {
            data.tai: frozenset(s.numbering() for s in data.supported_snssai_list)
            for data in body.supported_nssai_availability_data
        }
        if reported != self._reported.get(nf_id):
            self._reported[nf_id] = reported
            self._selected.cache_clear()
        return AuthorizedNssaiAvailabilityInfo(
            authorized_nssai_availability_data=[
                AuthorizedNssaiAvailabilityData(
                    tai=tai, supported_snssai_list=[Snssai.of(s) for s in sorted(slices & self._served)]
                )
                for tai, slices in reported.items()
            ]
        )

    async def delete_nssai_availability(self, nf_id: str) -> None:
        """TS 29.531 §5.3.2.6."""
        if self._reported.pop(nf_id, None) is None:
            why = Why(f"AMF {nf_id[:60]} has said nothing of tracking areas")
            raise Problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", why)
        self._selected.cache_clear()


def _allowed(snssais: tuple[SNssai, ...]) -> AllowedNssai:
    items = [AllowedSnssai(allowed_snssai=Snssai.of(s)) for s in snssais]
    return AllowedNssai(allowed_snssai_list=items, access_type="3GPP_ACCESS")
