"""Nchf_ConvergedCharging, TS 32.291: quota for what a subscriber uses, and records of what was used."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import PduSessionType, PlmnId, RatType, Snssai, SscMode, Uri
from cinq.sbi.operation import Created, Model, operation, service

NodeFunctionality = Literal["AMF", "SMF", "SMSF", "NEF", "PGW_C_SMF", "V_SMF"]
TriggerType = Literal[
    "QUOTA_THRESHOLD",
    "QHT",
    "FINAL",
    "QUOTA_EXHAUSTED",
    "VALIDITY_TIME",
    "FORCED_REAUTHORISATION",
    "ABNORMAL_RELEASE",
    "VOLUME_LIMIT",
    "TIME_LIMIT",
    "TARIFF_TIME_CHANGE",
    "MANAGEMENT_INTERVENTION",
    "QOS_CHANGE",
    "USER_LOCATION_CHANGE",
    "RAT_CHANGE",
    "PLMN_CHANGE",
    "SESSION_AMBR_CHANGE",
    "EVENT_LIMIT",
]
TriggerCategory = Literal["IMMEDIATE_REPORT", "DEFERRED_REPORT"]
FinalUnitAction = Literal["TERMINATE", "REDIRECT", "RESTRICT_ACCESS"]
QuotaManagementIndicator = Literal["ONLINE_CHARGING", "OFFLINE_CHARGING", "QUOTA_MANAGEMENT_SUSPENDED"]
ResultCode = Literal[
    "SUCCESS",
    "END_USER_SERVICE_DENIED",
    "QUOTA_MANAGEMENT_NOT_APPLICABLE",
    "QUOTA_LIMIT_REACHED",
    "END_USER_SERVICE_REJECTED",
    "RATING_FAILED",
]
NotificationType = Literal["REAUTHORIZATION", "ABORT_CHARGING"]
FailureHandling = Literal["TERMINATE", "CONTINUE", "RETRY_AND_TERMINATE"]
RedirectAddressType = Literal["IPV4", "IPV6", "URL", "URI"]

if not TYPE_CHECKING:
    (
        NodeFunctionality,
        TriggerType,
        TriggerCategory,
        FinalUnitAction,
        QuotaManagementIndicator,
        ResultCode,
        NotificationType,
        FailureHandling,
        RedirectAddressType,
    ) = extensible(
        NodeFunctionality,
        TriggerType,
        TriggerCategory,
        FinalUnitAction,
        QuotaManagementIndicator,
        ResultCode,
        NotificationType,
        FailureHandling,
        RedirectAddressType,
    )


class NFIdentification(Model):
    """Who asks."""

    node_functionality: NodeFunctionality
    nf_name: str | None = field(name="nFName", default=None)
    nf_plmn_id: PlmnId | None = field(name="nFPLMNID", default=None)


class Trigger(Model):
    """Why it is reported, or when it is to be. timeLimit: seconds. volumeLimit64: octets. tariffTimeChange: when."""

    trigger_category: TriggerCategory
    trigger_type: TriggerType | None = None
    time_limit: int | None = None
    volume_limit64: int | None = field(name="volumeLimit64", default=None)
    tariff_time_change: datetime | None = None


class RequestedUnit(Model):
    """time: seconds. Volumes: octets. serviceSpecificUnits: events. Empty: as much as the CHF gives."""

    time: int | None = None
    total_volume: int | None = None
    uplink_volume: int | None = None
    downlink_volume: int | None = None
    service_specific_units: int | None = None


class UsedUnitContainer(Model):
    """What was used since the last one. localSequenceNumber: unlike all others of the charging session.

    triggerTimestamp: when it was closed.
    """

    local_sequence_number: int
    quota_management_indicator: QuotaManagementIndicator | None = None
    triggers: list[Trigger] = []
    trigger_timestamp: datetime | None = None
    time: int | None = None
    total_volume: int | None = None
    uplink_volume: int | None = None
    downlink_volume: int | None = None
    service_specific_units: int | None = None


class MultipleUnitUsage(Model):
    """Of one rating group. requestedUnit: None asks for no quota."""

    rating_group: int
    requested_unit: RequestedUnit | None = None
    used_unit_container: list[UsedUnitContainer] = []


class GrantedUnit(Model):
    """tariffTimeChange: when another price begins to hold."""

    tariff_time_change: datetime | None = None
    time: int | None = None
    total_volume: int | None = None
    service_specific_units: int | None = None


class RedirectServer(Model):
    redirect_address_type: RedirectAddressType
    redirect_server_address: str


class FinalUnitIndication(Model):
    """What is granted with it is the last. restrictionFilterRuleList: IPFilterRules of what may be used then."""

    final_unit_action: FinalUnitAction
    restriction_filter_rule: str | None = None
    restriction_filter_rule_list: list[str] = []
    redirect_server: RedirectServer | None = None


class MultipleUnitInformation(Model):
    """validityTime: seconds for which the grant holds. volumeQuotaThreshold: octets of it that are left when more is to
    be asked for. quotaHoldingTime: seconds without use after which the grant goes back."""

    rating_group: int
    result_code: ResultCode | None = None
    granted_unit: GrantedUnit | None = None
    triggers: list[Trigger] = []
    validity_time: int | None = None
    quota_holding_time: int | None = None
    final_unit_indication: FinalUnitIndication | None = None
    volume_quota_threshold: int | None = None
    time_quota_threshold: int | None = None
    unit_quota_threshold: int | None = None


class NetworkSlicingInfo(Model):
    s_nssai: Snssai = field(name="sNSSAI")


class PDUAddress(Model):
    pdu_ipv4_address: str | None = field(name="pduIPv4Address", default=None)
    pdu_ipv6_address_with_prefix: str | None = field(name="pduIPv6AddresswithPrefix", default=None)


class PDUSessionInformation(Model):
    """servingCNPlmnId: where the UE is; hPlmnId: where it belongs."""

    pdu_session_id: int = field(name="pduSessionID")
    dnn_id: str
    networking_slicing_info: NetworkSlicingInfo | None = field(name="networkSlicingInfo", default=None)
    pdu_type: PduSessionType | None = None
    ssc_mode: SscMode | None = None
    h_plmn_id: PlmnId | None = None
    serving_cn_plmn_id: PlmnId | None = field(name="servingCNPlmnId", default=None)
    rat_type: RatType | None = None
    start_time: datetime | None = None
    stop_time: datetime | None = None
    pdu_address: PDUAddress | None = None


class PDUSessionChargingInformation(Model):
    """homeProvidedChargingId: of the home network's SMF, of a home-routed session."""

    charging_id: int | None = None
    home_provided_charging_id: int | None = None
    pdu_session_information: PDUSessionInformation | None = None


class ChargingDataRequest(Model):
    """invocationSequenceNumber: counts in a charging session; one that comes again is the same request again."""

    nf_consumer_identification: NFIdentification
    invocation_time_stamp: datetime
    invocation_sequence_number: int
    subscriber_identifier: str | None = None
    charging_id: int | None = None
    retransmission_indicator: bool = False
    notify_uri: Uri | None = None
    multiple_unit_usage: list[MultipleUnitUsage] = []
    triggers: list[Trigger] = []
    pdu_session_charging_information: PDUSessionChargingInformation | None = field(
        name="pDUSessionChargingInformation", default=None
    )


class InvocationResult(Model):
    """failureHandling: what is to become of the session where the CHF does not answer (TS 32.290 §6.5)."""

    failure_handling: FailureHandling | None = None


class ChargingDataResponse(Model):
    """triggers: what is to be reported at once, and what with the next report."""

    invocation_time_stamp: datetime
    invocation_sequence_number: int
    invocation_result: InvocationResult | None = None
    multiple_unit_information: list[MultipleUnitInformation] = []
    triggers: list[Trigger] = []


class ReauthorizationDetails(Model):
    """None of both: the whole charging session."""

    rating_group: int | None = None


class ChargingNotifyRequest(Model):
    notification_type: NotificationType
    reauthorization_details: list[ReauthorizationDetails] = []


@service("nchf-convergedcharging", "v3")
class NchfConvergedCharging(Protocol):
    @operation("Nchf_ConvergedCharging_Create", "POST", "/chargingdata", 201)
    async def create(self, body: ChargingDataRequest) -> Created[ChargingDataResponse]:
        """404 USER_UNKNOWN, 403 QUOTA_LIMIT_REACHED."""
        ...

    @operation("Nchf_ConvergedCharging_Update", "POST", "/chargingdata/{ChargingDataRef}/update")
    async def update(self, charging_data_ref: str, body: ChargingDataRequest) -> ChargingDataResponse:
        """404 where there is no such charging session."""
        ...

    @operation("Nchf_ConvergedCharging_Release", "POST", "/chargingdata/{ChargingDataRef}/release", 204)
    async def release(self, charging_data_ref: str, body: ChargingDataRequest) -> None: ...


@service("nsmf-callback", "v1")
class NsmfChargingCallback(Protocol):
    """notifyUri is /nsmf-callback/v1/charging/ and the SM context's reference."""

    @operation("Nchf_ConvergedCharging_Notify", "POST", "/charging/{smContextRef}", 204)
    async def charging_notify(self, sm_context_ref: str, body: ChargingNotifyRequest) -> None:
        """TS 32.290 §5.2.2.4: quota is asked for anew, or the session ends. 404: it is not there."""
        ...
