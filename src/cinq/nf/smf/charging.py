"""What the SMF keeps of the charging of a session, and what it asks the CHF: TS 32.255 §5.2, TS 32.291. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from cinq.nf.smf.context import Charged, Quota, SmContext, Used
from cinq.sbi.models import PlmnId, Snssai
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    ChargingDataResponse,
    MultipleUnitUsage,
    NetworkSlicingInfo,
    NFIdentification,
    PDUAddress,
    PDUSessionChargingInformation,
    PDUSessionInformation,
    RequestedUnit,
    Trigger,
    TriggerType,
    UsedUnitContainer,
)
from cinq.wire import pfcp
from cinq.wire.pfcp import UsageReportTrigger

TRIGGERS: tuple[tuple[int, TriggerType], ...] = (
    (UsageReportTrigger.VOLQU | UsageReportTrigger.TIMQU, "QUOTA_EXHAUSTED"),
    (UsageReportTrigger.TIMTH, "VALIDITY_TIME"),
    (UsageReportTrigger.VOLTH, "QUOTA_THRESHOLD"),
    (UsageReportTrigger.TERMR, "FINAL"),
)
"""What a usage report of the UPF means for the CHF, the weightiest first."""
Report = pfcp.UsageReport | pfcp.UsageReportInDeletion | pfcp.UsageReportInModification


class Identity(Struct, frozen=True):
    """Who asks: the SMF's instance and its PLMN."""

    instance_id: str
    plmn: PlmnId


def used(charged: Charged, reports: Iterable[Report], at: float) -> Charged:
    """With what the UPF has counted, to be told to the CHF. An empty report says nothing."""
    for report in reports:
        volume, seconds = report.volume_measurement, report.duration_measurement or 0
        up, down = (0, 0) if volume is None else (volume.uplink or 0, volume.downlink or 0)
        why = next((name for flags, name in TRIGGERS if report.usage_report_trigger.value & flags), None)
        if not (up or down or seconds or why):
            continue
        number = charged.container + 1
        one = Used(number, at, up, down, seconds, why)
        charged = replace(charged, container=number, waiting=(*charged.waiting, one))
    return charged


def request(
    context: SmContext, charged: Charged, who: Identity, at: float, *, wants: bool, ends: bool = False
) -> ChargingDataRequest:
    """With all that the CHF has not been told. wants: another quota. ends: the session does."""
    containers = [_container(one) for one in charged.waiting]
    usage = MultipleUnitUsage(
        rating_group=charged.rating_group,
        requested_unit=RequestedUnit() if wants else None,
        used_unit_container=containers,
    )
    final = Trigger(trigger_category="IMMEDIATE_REPORT", trigger_type="FINAL")
    return ChargingDataRequest(
        nf_consumer_identification=NFIdentification(
            node_functionality="SMF", nf_name=who.instance_id, nf_plmn_id=who.plmn
        ),
        invocation_time_stamp=_time(at),
        invocation_sequence_number=charged.sequence,
        subscriber_identifier=context.supi,
        charging_id=charging_id(context),
        multiple_unit_usage=[usage] if wants or containers else [],
        triggers=[final] if ends else [],
        pdu_session_charging_information=_about(context, charged, who, at if ends else 0),
    )


def charging_id(context: SmContext) -> int:
    """Of the PDU session, TS 32.255 §5.1.4."""
    return context.seid & 0xFFFFFFFF


def quota_of(answer: ChargingDataResponse, rating_group: int) -> Quota | None:
    """What was granted; None: nothing (any more)."""
    for one in answer.multiple_unit_information:
        given = one.granted_unit
        if one.rating_group != rating_group or given is None:
            continue
        return Quota(
            volume=given.total_volume or 0,
            seconds=given.time or 0,
            volume_left=one.volume_quota_threshold or 0,
            validity_s=one.validity_time or 0,
            is_last=one.final_unit_indication is not None,
        )
    return None


def told(charged: Charged, told_of: ChargingDataRequest, quota: Quota | None) -> Charged:
    """The CHF has taken a request: its containers need not be told again, others may have come meanwhile."""
    numbers = {
        one.local_sequence_number
        for usage in told_of.multiple_unit_usage
        for one in usage.used_unit_container
    }
    rest = tuple(one for one in charged.waiting if one.number not in numbers)
    return replace(charged, waiting=rest, quota=quota)


def _container(one: Used) -> UsedUnitContainer:
    trigger = Trigger(trigger_category="IMMEDIATE_REPORT", trigger_type=one.why) if one.why else None
    return UsedUnitContainer(
        local_sequence_number=one.number,
        quota_management_indicator="ONLINE_CHARGING",
        triggers=[] if trigger is None else [trigger],
        trigger_timestamp=_time(one.at),
        time=one.seconds or None,
        total_volume=one.uplink + one.downlink,
        uplink_volume=one.uplink,
        downlink_volume=one.downlink,
    )


def _about(
    context: SmContext, charged: Charged, who: Identity, ended: float
) -> PDUSessionChargingInformation:
    prefix = context.prefix
    address = PDUAddress(
        pdu_ipv4_address=None
        if context.session_type == "IPV6" or context.address is None
        else str(context.ipv4),
        pdu_ipv6_address_with_prefix=None if prefix is None else str(prefix),
    )
    return PDUSessionChargingInformation(
        charging_id=charging_id(context),
        pdu_session_information=PDUSessionInformation(
            pdu_session_id=context.pdu_session_id,
            dnn_id=context.dnn,
            networking_slicing_info=NetworkSlicingInfo(s_nssai=Snssai.of(context.s_nssai)),
            pdu_type=context.session_type,
            h_plmn_id=who.plmn,
            serving_cn_plmn_id=who.plmn,
            rat_type="NR",
            start_time=_time(charged.begun),
            stop_time=_time(ended) if ended else None,
            pdu_address=address,
        ),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
