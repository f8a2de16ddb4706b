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
WAITING = 32  # containers that are told in one request; what is used while so many wait is added to one more
MOST = 2**62  # octets that are taken from a UPF's or a CHF's word
_LONGEST_S = 2**32 - 1  # TS 29.244 §8.2.14 and §8.2.51
Report = pfcp.UsageReport | pfcp.UsageReportInDeletion | pfcp.UsageReportInModification


class Identity(Struct, frozen=True):
    """Who asks: the SMF's instance and its PLMN."""

    instance_id: str
    plmn: PlmnId


def used(charged: Charged, reports: Iterable[Report], at: float) -> Charged:
    """With what the UPF has counted, to be told to the CHF. An empty report says nothing, nor one that comes again."""
    for report in reports:
        up, down = _volumes(report.volume_measurement)
        seconds = report.duration_measurement or 0
        why = next((name for flags, name in TRIGGERS if report.usage_report_trigger.value & flags), None)
        last = (report.ur_seqn, up, down, seconds)
        if not (up or down or seconds or why) or last == charged.last:
            continue
        one = Used(charged.container + 1, at, up, down, seconds, why)
        charged = replace(_with(charged, one), last=last)
    return charged


def _volumes(measured: pfcp.VolumeMeasurement | None) -> tuple[int, int]:
    """Uplink and downlink. What is counted in total alone is told as downlink."""
    if measured is None:
        return 0, 0
    up, down = measured.uplink or 0, measured.downlink or 0
    if not (up or down):
        down = measured.total or 0
    return min(up, MOST), min(down, MOST)


def _with(charged: Charged, one: Used) -> Charged:
    """While the CHF is away, what is used is gathered: the CHF has never heard of the newest where so many wait."""
    if len(charged.waiting) <= WAITING:
        return replace(charged, container=one.number, waiting=(*charged.waiting, one))
    *before, newest = charged.waiting
    made = replace(
        newest,
        at=one.at,
        uplink=min(newest.uplink + one.uplink, MOST),
        downlink=min(newest.downlink + one.downlink, MOST),
        seconds=newest.seconds + one.seconds,
        why=min(newest.why, one.why, key=_weight),
    )
    return replace(charged, waiting=(*before, made))


def _weight(why: TriggerType | None) -> int:
    """The weightiest trigger is the least."""
    return next((n for n, (_, name) in enumerate(TRIGGERS) if name == why), len(TRIGGERS))


def request(
    context: SmContext, charged: Charged, who: Identity, at: float, *, wants: bool, ends: bool = False
) -> ChargingDataRequest:
    """With what the CHF has not been told, at the end with all of it. wants: another quota. ends: the session does."""
    containers = [_container(one) for one in (charged.waiting if ends else charged.waiting[:WAITING])]
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
    """What was granted; None: nothing (any more). A grant of no octets and no seconds is nothing, not all there is."""
    for one in answer.multiple_unit_information:
        given = one.granted_unit
        if one.rating_group != rating_group or given is None:
            continue
        volume, seconds = _bounded(given.total_volume, MOST), _bounded(given.time, _LONGEST_S)
        left = _bounded(one.volume_quota_threshold, MOST)
        if not (volume or seconds):
            continue
        return Quota(
            volume=volume,
            seconds=seconds,
            volume_left=left if left < volume else 0,
            validity_s=_bounded(one.validity_time, _LONGEST_S),
            is_last=one.final_unit_indication is not None,
        )
    return None


def is_unmanaged(answer: ChargingDataResponse, rating_group: int) -> bool:
    """Whether the service may be used without quota: ResultCode of TS 32.291."""
    return any(
        one.rating_group == rating_group and one.result_code == "QUOTA_MANAGEMENT_NOT_APPLICABLE"
        for one in answer.multiple_unit_information
    )


def _bounded(number: int | None, most: int) -> int:
    return max(0, min(number or 0, most))


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
