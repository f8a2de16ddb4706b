"""Usage reporting rules from their IEs: what of them is taken. TS 29.244 §5.2.2, table 7.5.2.4-1."""

from __future__ import annotations

from msgspec.structs import replace

from cinq.nf.upf.context import URR, Urr, failed
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, MeasurementMethod, ReportingTriggers

MEASUREMENT_METHOD, REPORTING_TRIGGERS, MONITORING_TIME, INACTIVITY = 62, 37, 33, 36
PERIO, VOLTH, TIMTH = ReportingTriggers.PERIO, ReportingTriggers.VOLTH, ReportingTriggers.TIMTH
START, VOLQU, TIMQU = ReportingTriggers.START, ReportingTriggers.VOLQU, ReportingTriggers.TIMQU
STOPT, QUHTI = ReportingTriggers.STOPT, ReportingTriggers.QUHTI
OFFERED = PERIO | VOLTH | TIMTH | START | STOPT | VOLQU | TIMQU | QUHTI
_NEEDS = (
    (VOLTH, "volume_threshold", 31),
    (TIMTH, "time_threshold", 32),
    (VOLQU, "volume_quota", 73),
    (TIMQU, "time_quota", 74),
    (PERIO, "period", 64),
    (QUHTI, "holding", 71),
)
"""What a trigger needs besides itself, and the IE that has it (conditional IEs of table 7.5.2.4-1)."""


def urr_of(known: Urr, ie: pfcp.CreateUrr | pfcp.UpdateUrr) -> Urr:
    """The rule with what the IE says. Rejected for what is not offered: events, other triggers."""
    urr, number = known, known.urr_id
    method, triggers = ie.measurement_method, ie.reporting_triggers
    if method is not None:
        if method.has(MeasurementMethod.EVENT) or not method.value:
            what = "only volume and duration are measured"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, URR, number, MEASUREMENT_METHOD)
        volume, time = method.has(MeasurementMethod.VOLUM), method.has(MeasurementMethod.DURAT)
        urr = replace(urr, counts_volume=volume, counts_time=time)
    if triggers is not None:
        if triggers.value & ~OFFERED:
            what = f"reporting triggers {', '.join(triggers.names())}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, URR, number, REPORTING_TRIGGERS)
        urr = replace(urr, triggers=triggers.value)
    for value, what, kind in (
        (ie.monitoring_time, "monitoring time", MONITORING_TIME),
        (ie.inactivity_detection_time, "inactivity detection", INACTIVITY),
    ):
        if value is not None:
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, URR, number, kind)
    urr = _with_amounts(urr, ie)
    for trigger, member, kind in _NEEDS:
        if urr.triggers & trigger and getattr(urr, member) is None:
            what = f"trigger {trigger:#x} without its amount"
            raise failed(Cause.CONDITIONAL_IE_MISSING, what, URR, number, kind)
    return urr


def _with_amounts(urr: Urr, ie: pfcp.CreateUrr | pfcp.UpdateUrr) -> Urr:
    threshold, quota = ie.volume_threshold, ie.volume_quota
    return replace(
        urr,
        volume_threshold=urr.volume_threshold if threshold is None else _amounts(threshold),
        volume_quota=urr.volume_quota if quota is None else _amounts(quota),
        time_threshold=urr.time_threshold if ie.time_threshold is None else ie.time_threshold,
        time_quota=urr.time_quota if ie.time_quota is None else ie.time_quota,
        holding=urr.holding if ie.quota_holding_time is None else ie.quota_holding_time,
        period=urr.period if ie.measurement_period is None else max(ie.measurement_period, 1),
    )


def _amounts(volume: pfcp.Volume) -> tuple[int | None, int | None, int | None]:
    return volume.total, volume.uplink, volume.downlink
