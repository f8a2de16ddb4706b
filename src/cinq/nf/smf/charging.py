"""What the SMF keeps of the charging of a session, and what it asks the CHF: TS 32.255 §5.2, TS 32.291. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from cinq.nf.smf.context import Asked, Charged, Quota, SmContext, Used
from cinq.nf.smf.flows import SessionQos
from cinq.nf.smf.sdf import sdf_filters
from cinq.sbi.models import PlmnId, Snssai
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    ChargingDataResponse,
    FinalUnitIndication,
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
from cinq.sbi.services.npcf_smpolicycontrol import FlowInformation
from cinq.wire import pfcp
from cinq.wire.pfcp import UsageReportTrigger

TRIGGERS: tuple[tuple[int, TriggerType], ...] = (
    (UsageReportTrigger.VOLQU | UsageReportTrigger.TIMQU, "QUOTA_EXHAUSTED"),
    (UsageReportTrigger.TIMTH, "VALIDITY_TIME"),
    (UsageReportTrigger.VOLTH, "QUOTA_THRESHOLD"),
    (UsageReportTrigger.QUHTI, "QHT"),
    (UsageReportTrigger.TERMR, "FINAL"),
)
"""What a usage report of the UPF means for the CHF, the weightiest first."""
WAITING = 32  # containers that are told in one request; what is used while so many wait is added to one more
MOST = 2**62  # octets that are taken from a UPF's or a CHF's word
RANGES = 16  # of UR-SEQN
FILTERS = 16  # of what may be used without quota
GROUPS = 16  # rating groups of a session; what is used of more is of the session's own
UNBOUNDED = Quota(volume=MOST)
"""Where the CHF says that no quota is needed."""
SUSPENDED = Quota(volume=MOST, validity_s=300)
"""While no CHF answers, where sessions go on without (TS 32.255)."""
CLOSED = Quota(volume=0)
"""Nothing (yet): what comes is reported, and does not pass."""
NEXT_PACKET = Quota(volume=1)
"""After the quota holding time: the next packet asks for another quota."""
_LONGEST_S = 2**32 - 1  # TS 29.244 §8.2.14 and §8.2.51
Report = pfcp.UsageReport | pfcp.UsageReportInDeletion | pfcp.UsageReportInModification


class Identity(Struct, frozen=True):
    """Who asks: the SMF's instance and its PLMN. home: the subscriber's, None for the same.

    notify_uri: where it hears of the CHF.
    """

    instance_id: str
    plmn: PlmnId
    home: PlmnId | None = None
    notify_uri: str = ""


def used(
    charged: Charged, reports: Iterable[Report], at: float, because: TriggerType | None = None
) -> Charged:
    """With what the UPF has counted, to be told to the CHF. An empty report says nothing, nor one that comes again.

    A UPF that was killed before it kept that it had reported reports under the same number again, and perhaps more:
    then the rest counts. because: why it was asked for.
    """
    for report in reports:
        up, down = _volumes(report.volume_measurement)
        seconds = report.duration_measurement or 0
        why = next((name for flags, name in TRIGGERS if report.usage_report_trigger.value & flags), because)
        said = (report.ur_seqn, up, down, seconds)
        before, numbers = charged.seen.get(report.urr_id), charged.numbers.get(report.urr_id, ())
        if before is not None and before[0] == report.ur_seqn:
            up, down, seconds = (max(0, now - then) for now, then in zip(said[1:], before[1:], strict=True))
            why = why if said != before else None
        elif any(first <= report.ur_seqn <= last for first, last in numbers):
            continue
        if not (up or down or seconds or why):
            continue
        group = charged.group(report.urr_id)
        is_managed = charged.quotas.get(group) not in (SUSPENDED, UNBOUNDED)
        one = Used(charged.container + 1, at, up, down, seconds, why, group, is_managed)
        charged = replace(
            _with(charged, one),
            seen={**charged.seen, report.urr_id: said},
            numbers={**charged.numbers, report.urr_id: _with_number(numbers, report.ur_seqn)},
        )
    return charged


def _with_number(numbers: tuple[tuple[int, int], ...], number: int) -> tuple[tuple[int, int], ...]:
    """Of many ranges the lowest goes: it comes no more."""
    first = last = number
    others = []
    for low, high in numbers:
        if low <= last + 1 and high >= first - 1:
            first, last = min(low, first), max(high, last)
        else:
            others.append((low, high))
    return tuple(sorted((*others, (first, last))))[-RANGES:]


def following(charged: Charged, qos: SessionQos) -> Charged:
    """With a URR for each rating group of the rules; of more than GROUPS the session's own stands in."""
    new = [g for g in qos.rating_groups if g != charged.rating_group and g not in charged.groups]
    room = max(0, GROUPS - len(charged.groups))
    return replace(charged, groups=(*charged.groups, *new[:room])) if new else charged


def lacking(charged: Charged, qos: SessionQos) -> Charged:
    """Groups of the rules that have no quota yet are to get one."""
    known = {*charged.quotas, *charged.lacking}
    new = tuple(g for g in qos.rating_groups if g in charged.groups and g not in known)
    return replace(charged, lacking=(*charged.lacking, *new)) if new else charged


def _volumes(measured: pfcp.VolumeMeasurement | None) -> tuple[int, int]:
    """Uplink and downlink. What is counted in total alone is told as downlink."""
    if measured is None:
        return 0, 0
    up, down = measured.uplink or 0, measured.downlink or 0
    if not (up or down):
        down = measured.total or 0
    return min(up, MOST), min(down, MOST)


def _with(charged: Charged, one: Used) -> Charged:
    """While the CHF is away, what is used is gathered by group: of containers from WAITING on it has never heard."""
    never_told = charged.waiting[WAITING:]
    same = next((u for u in never_told if (u.group, u.is_managed) == (one.group, one.is_managed)), None)
    if len(charged.waiting) < WAITING or same is None:
        return replace(charged, container=one.number, waiting=(*charged.waiting, one))
    made = replace(
        same,
        at=one.at,
        uplink=min(same.uplink + one.uplink, MOST),
        downlink=min(same.downlink + one.downlink, MOST),
        seconds=same.seconds + one.seconds,
        why=min(same.why, one.why, key=_weight),
    )
    return replace(charged, waiting=tuple(made if u is same else u for u in charged.waiting))


def _weight(why: TriggerType | None) -> int:
    """The weightiest trigger is the least."""
    return next((n for n, (_, name) in enumerate(TRIGGERS) if name == why), len(TRIGGERS))


def asking(charged: Charged, at: float) -> Charged:
    """The next request: with what the CHF has not been told, and for the groups that are to get more.

    A group whose last quota is used up gets no other one (TS 32.290 §5.4.5), nor one whose quota was held too long.
    """
    told_of = charged.waiting[:WAITING]
    wants = list(dict.fromkeys(charged.lacking))
    for group in dict.fromkeys(one.group for one in told_of):
        reasons = {one.why for one in told_of if one.group == group}
        quota = charged.quotas.get(group)
        over = quota is not None and quota.is_last and "QUOTA_EXHAUSTED" in reasons
        if group not in wants and not over and reasons != {"QHT"}:
            wants.append(group)
    asked = Asked(charged.sequence + 1, told_of[-1].number if told_of else 0, at, tuple(wants))
    return replace(charged, sequence=asked.sequence, asked=asked)


def request(
    context: SmContext,
    charged: Charged,
    who: Identity,
    at: float,
    wants: Iterable[int] = (),
    *,
    ends: bool = False,
) -> ChargingDataRequest:
    """That which is asked, the same each time; or the first; or, `ends`, the last, with all that is left.

    wants: groups that get quota by the first.
    """
    asked, waiting = charged.asked, charged.waiting
    if asked is not None:
        of_asked = tuple(one for one in waiting if one.number <= asked.upto)
        waiting = waiting[len(of_asked) :] if ends else of_asked
    if asked is not None and not ends:
        at, wants = asked.at, asked.wants
    final = Trigger(trigger_category="IMMEDIATE_REPORT", trigger_type="FINAL")
    return ChargingDataRequest(
        nf_consumer_identification=NFIdentification(
            node_functionality="SMF", nf_name=who.instance_id, nf_plmn_id=who.plmn
        ),
        invocation_time_stamp=_time(at),
        invocation_sequence_number=charged.sequence,
        retransmission_indicator=asked is not None and asked.tries > 0 and not ends,
        subscriber_identifier=context.supi,
        charging_id=charging_id(context),
        notify_uri=who.notify_uri or None,
        multiple_unit_usage=_usages(waiting, frozenset(wants)),
        triggers=[final] if ends else [],
        pdu_session_charging_information=_about(context, charged, who, at if ends else 0),
    )


def _usages(waiting: tuple[Used, ...], wants: frozenset[int]) -> list[MultipleUnitUsage]:
    groups = dict.fromkeys([*(one.group for one in waiting), *sorted(wants)])
    return [
        MultipleUnitUsage(
            rating_group=group,
            requested_unit=RequestedUnit() if group in wants else None,
            used_unit_container=[_container(one) for one in waiting if one.group == group],
        )
        for group in groups
    ]


def charging_id(context: SmContext) -> int:
    """Of the PDU session, TS 32.255 §5.1.4: of its name, which no restart gives again."""
    return crc32(context.ref.encode())


def quota_of(answer: ChargingDataResponse, rating_group: int) -> Quota | None:
    """What was granted; None: nothing (any more). A grant of no octets and no seconds is nothing, not all there is."""
    for one in answer.multiple_unit_information:
        given = one.granted_unit
        if one.rating_group != rating_group:
            continue
        if one.result_code == "QUOTA_MANAGEMENT_NOT_APPLICABLE":
            return UNBOUNDED
        if given is None:
            continue
        volume, seconds = _bounded(given.total_volume, MOST), _bounded(given.time, _LONGEST_S)
        left = _bounded(one.volume_quota_threshold, MOST)
        if not (volume or seconds):
            continue
        final = one.final_unit_indication
        return Quota(
            volume=volume,
            seconds=seconds,
            volume_left=left if left < volume else 0,
            validity_s=_bounded(one.validity_time, _LONGEST_S),
            is_last=final is not None,
            holding_s=_bounded(one.quota_holding_time, _LONGEST_S),
            action="TERMINATE" if final is None else final.final_unit_action,
            filters=() if final is None else _filters(final),
        )
    return None


def _filters(final: FinalUnitIndication) -> tuple[str, ...]:
    """What may be used after the last quota: the filters, and the server that a UE is redirected to by address.

    A filter that is none is left out: less may be used then, not more.
    """
    texts = [final.restriction_filter_rule, *final.restriction_filter_rule_list]
    server = final.redirect_server
    if server is not None and server.redirect_address_type in ("IPV4", "IPV6"):
        texts.append(f"permit out ip from {server.redirect_server_address} to assigned")
    if final.final_unit_action == "TERMINATE":
        return ()
    return tuple(text for text in texts[:FILTERS] if text and _is_filter(text))


def _is_filter(text: str) -> bool:
    try:
        return bool(sdf_filters(FlowInformation(flow_description=text)))
    except ValueError:
        return False


def _bounded(number: int | None, most: int) -> int:
    return max(0, min(number or 0, most))


def told(charged: Charged, quotas: Mapping[int, Quota | None]) -> Charged:
    """The CHF has answered what was asked: its containers need not be told again, others may have come meanwhile.

    quotas: what each group got that wanted some.
    """
    asked = charged.asked
    rest = tuple(one for one in charged.waiting if asked is None or one.number > asked.upto)
    given = {group: CLOSED if quota is None else quota for group, quota in quotas.items()}
    lacking = tuple(group for group in charged.lacking if group not in quotas)
    return replace(charged, waiting=rest, quotas={**charged.quotas, **given}, asked=None, lacking=lacking)


def refused(charged: Charged) -> Charged:
    """The CHF finds what was asked wrong, and would again: its containers are told by another request."""
    return replace(charged, asked=None)


def _container(one: Used) -> UsedUnitContainer:
    trigger = Trigger(trigger_category="IMMEDIATE_REPORT", trigger_type=one.why) if one.why else None
    return UsedUnitContainer(
        local_sequence_number=one.number,
        quota_management_indicator="ONLINE_CHARGING" if one.is_managed else "QUOTA_MANAGEMENT_SUSPENDED",
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
            h_plmn_id=who.home or who.plmn,
            serving_cn_plmn_id=who.plmn,
            rat_type="NR",
            start_time=_time(charged.begun),
            stop_time=_time(ended) if ended else None,
            pdu_address=address,
        ),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
