"""Nudm_SubscriberDataManagement, TS 29.503 §5.2 and §6.1."""

from __future__ import annotations

from typing import Protocol

from msgspec import field

from cinq.sbi.models import (
    Ambr,
    IpAddress,
    PduSessionType,
    Snssai,
    SscMode,
    SubscribedDefaultQos,
    UpSecurity,
)
from cinq.sbi.operation import Model, operation, service


class Nssai(Model):
    default_single_nssais: list[Snssai]
    single_nssais: list[Snssai] = []


class AccessAndMobilitySubscriptionData(Model):
    """subsRegTimer: seconds, the subscribed periodic registration timer."""

    gpsis: list[str] = []
    subscribed_ue_ambr: Ambr | None = None
    nssai: Nssai | None = None
    rfsp_index: int | None = None
    subs_reg_timer: int | None = None


class DnnInfo(Model):
    dnn: str
    default_dnn_indicator: bool = False
    dnn_barred: bool = False


class SnssaiInfo(Model):
    dnn_infos: list[DnnInfo]


class SmfSelectionSubscriptionData(Model):
    """subscribedSnssaiInfos: keyed by S-NSSAI written as sst or sst-sd (TS 29.571 §5.4.4.2)."""

    subscribed_snssai_infos: dict[str, SnssaiInfo] = {}


class PduSessionTypes(Model):
    default_session_type: PduSessionType = "IPV4"
    allowed_session_types: list[PduSessionType] = []


class SscModes(Model, omit_defaults=False):
    default_ssc_mode: SscMode = "SSC_MODE_1"
    allowed_ssc_modes: list[SscMode] | None = None


class DnnConfiguration(Model):
    pdu_session_types: PduSessionTypes
    ssc_modes: SscModes
    qos_profile_5g: SubscribedDefaultQos | None = field(name="5gQosProfile", default=None)
    session_ambr: Ambr | None = None
    static_ip_address: list[IpAddress] = []
    up_security: UpSecurity | None = None


class SessionManagementSubscriptionData(Model):
    single_nssai: Snssai
    dnn_configurations: dict[str, DnnConfiguration] = {}


class SubscriptionDataSets(Model):
    am_data: AccessAndMobilitySubscriptionData | None = None
    smf_sel_data: SmfSelectionSubscriptionData | None = None


@service("nudm-sdm", "v2")
class NudmSubscriberDataManagement(Protocol):
    """Every operation answers 404 USER_NOT_FOUND or DATA_NOT_FOUND."""

    @operation("Nudm_SDM_Get", "GET", "/{supi}")
    async def get_data_sets(self, supi: str, dataset_names: list[str]) -> SubscriptionDataSets:
        """dataset_names: of AM and SMF_SEL, in one request (TS 29.503 §5.2.2.2.8)."""
        ...

    @operation("Nudm_SDM_Get", "GET", "/{supi}/am-data")
    async def get_am_data(self, supi: str) -> AccessAndMobilitySubscriptionData: ...

    @operation("Nudm_SDM_Get", "GET", "/{supi}/smf-select-data")
    async def get_smf_select_data(self, supi: str) -> SmfSelectionSubscriptionData: ...

    @operation("Nudm_SDM_Get", "GET", "/{supi}/sm-data")
    async def get_sm_data(
        self, supi: str, single_nssai: Snssai | None, dnn: str | None
    ) -> list[SessionManagementSubscriptionData]: ...
