"""Nnssf_NSSelection, TS 29.531 §5.2 and §6.1."""

from __future__ import annotations

from typing import Protocol

from cinq.sbi.models import AccessType, NFType, Snssai, Tai
from cinq.sbi.operation import Model, operation, service


class SubscribedSnssai(Model):
    subscribed_snssai: Snssai
    default_indication: bool = False


class SliceInfoForRegistration(Model):
    subscribed_nssai: list[SubscribedSnssai] = []
    requested_nssai: list[Snssai] = []


class AllowedSnssai(Model):
    allowed_snssai: Snssai


class AllowedNssai(Model):
    allowed_snssai_list: list[AllowedSnssai]
    access_type: AccessType


class ConfiguredSnssai(Model):
    configured_snssai: Snssai


class AuthorizedNetworkSliceInfo(Model):
    """Slices that need an authentication of their own are allowed here: the AMF, which has the subscription, makes them
    pending (TS 23.501 §5.15.10). targetAmfSet: MCC-MNC-region-set, where another AMF set serves the UE."""

    allowed_nssai_list: list[AllowedNssai] = []
    configured_nssai: list[ConfiguredSnssai] = []
    rejected_nssai_in_plmn: list[Snssai] = []
    rejected_nssai_in_ta: list[Snssai] = []
    target_amf_set: str | None = None


@service("nnssf-nsselection", "v2")
class NnssfNSSelection(Protocol):
    @operation("Nnssf_NSSelection_Get", "GET", "/network-slice-information")
    async def get(
        self,
        nf_type: NFType,
        nf_id: str,
        slice_info_request_for_registration: SliceInfoForRegistration,
        tai: Tai | None,
    ) -> AuthorizedNetworkSliceInfo:
        """403 SNSSAI_NOT_SUPPORTED when nothing of what is subscribed and requested is served here."""
        ...
