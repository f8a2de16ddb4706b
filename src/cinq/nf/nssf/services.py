"""Nnssf_NSSelection, TS 29.531 §5.2.2.2: which slices a UE may use here."""

from __future__ import annotations

from functools import lru_cache

from cinq.nf.nssf.settings import Settings
from cinq.numbering import SNssai
from cinq.sbi import Problem
from cinq.sbi.models import NFType, Snssai, Tai
from cinq.sbi.services.nnrf import NFProfile
from cinq.sbi.services.nnssf_nsselection import (
    AllowedNssai,
    AllowedSnssai,
    AuthorizedNetworkSliceInfo,
    ConfiguredSnssai,
    NnssfNSSelection,
    SliceInfoForRegistration,
    SubscribedSnssai,
)

MAX_ALLOWED = 8  # TS 24.501 §9.11.3.37: an allowed NSSAI has at most eight S-NSSAIs


class NSSF:
    def __init__(self, settings: Settings, instance_id: str) -> None:
        self._served = frozenset(settings.served)
        self.instance_id = instance_id
        self._selected = lru_cache(maxsize=1024)(self._select)  # many UEs have one subscription

    def services(self) -> list[tuple[type, object]]:
        return [(NnssfNSSelection, self)]

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
        return self._selected(tuple(info.subscribed_nssai), tuple(info.requested_nssai))

    def _select(
        self, subscribed_nssai: tuple[SubscribedSnssai, ...], requested_nssai: tuple[Snssai, ...]
    ) -> AuthorizedNetworkSliceInfo:
        """TS 23.501 §5.15.5.2.1: what was requested, is subscribed and is served; else the defaults."""
        subscribed = {s.subscribed_snssai.numbering(): s.default_indication for s in subscribed_nssai}
        requested = [s.numbering() for s in requested_nssai]
        usable = [s for s in subscribed if s in self._served]
        allowed = [s for s in requested if s in usable] or [s for s in usable if subscribed[s]]
        if not allowed:
            wanted = ", ".join(map(str, requested)) or "no slice in particular"
            here = ", ".join(map(str, sorted(self._served, key=str)))
            detail = f"UE asked for {wanted}; subscribed {_names(subscribed)}; served here {here}"
            raise Problem(403, "SNSSAI_NOT_SUPPORTED", detail)
        return AuthorizedNetworkSliceInfo(
            allowed_nssai_list=[_allowed(allowed[:MAX_ALLOWED])],
            configured_nssai=[ConfiguredSnssai(configured_snssai=Snssai.of(s)) for s in usable],
            rejected_nssai_in_plmn=[Snssai.of(s) for s in requested if s not in usable],
        )


def _allowed(snssais: list[SNssai]) -> AllowedNssai:
    items = [AllowedSnssai(allowed_snssai=Snssai.of(s)) for s in dict.fromkeys(snssais)]
    return AllowedNssai(allowed_snssai_list=items, access_type="3GPP_ACCESS")


def _names(subscribed: dict[SNssai, bool]) -> str:
    return ", ".join(map(str, subscribed)) or "none"
