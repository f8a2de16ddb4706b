"""N4 rules of a session from its QoS: PDRs, FARs and QERs, TS 29.244 §5.2, and what changes them (§7.5.4).

Each rule of the session has an uplink and a downlink PDR, numbered from its own number. All uplink PDRs share a FAR
and an F-TEID, all downlink PDRs a FAR. A PDR names the QER of the session AMBR (unless its flow is GBR), that of its
flow, which marks packets with the QFI, and one of its own where the rule limits or closes anything. Each interface is
named by its 3GPP type too: optional in table 7.5.2.2-2, and Open5GS's UPF drops uplink packets of a PDR without.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address
from typing import TypeVar

import msgspec

from cinq.nf.smf.context import AnTunnel, Ipv4, Ipv6, Quota, SmContext
from cinq.nf.smf.flows import QosFlow, Rates, SdfFilter, SdfRule, SessionQos
from cinq.nf.smf.sdf import flow_description, sdf_filters
from cinq.sbi.services.npcf_smpolicycontrol import FlowInformation
from cinq.transport_address import TransportAddress
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Interface

UPLINK_FAR, DOWNLINK_FAR = 1, 2
SESSION_AMBR, FLOW_QERS, RULE_QERS, LIMITS = 1, 1, 64, 256
"""QER 1; QER 1 + QFI; QER 64 + number of the rule, and 256 more where it has a bit rate: an Update QER cannot take one
away (§7.5.4.5: what is absent is not modified), so a rule that gets or loses its limit gets another QER."""
RESTRICTED = 32_000  # PDRs of what may be used without quota, from here on
_VOLUME_AND_TIME = pfcp.MeasurementMethod(pfcp.MeasurementMethod.VOLUM | pfcp.MeasurementMethod.DURAT)
FORWARD = ApplyAction(ApplyAction.FORW)
BUFFER = ApplyAction(ApplyAction.BUFF)
BUFFER_AND_NOTIFY = ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
SEND_END_MARKER = pfcp.SmReqFlags(pfcp.SmReqFlags.SNDEM)
SHARED_F_TEID = 1  # CHOOSE ID of all uplink PDRs
_ACCESS, _CORE = Interface.ACCESS, Interface.CORE
_N3, _N6 = pfcp.InterfaceType.N3_3GPP_ACCESS, pfcp.InterfaceType.N6
_OPEN = pfcp.GateStatus()
_REMOVE_IPV4, _REMOVE_IPV6, _REMOVE_EITHER = map(pfcp.OuterHeaderRemoval, (0, 1, 6))
I = TypeVar("I", pfcp.CreatePdr, pfcp.CreateQer)  # noqa: E741


def uplink_pdr(number: int) -> int:
    return 2 * number - 1


def downlink_pdr(number: int) -> int:
    return 2 * number


def rule_number(pdr_id: int) -> int:
    """Of the rule that a PDR belongs to."""
    return (pdr_id + 1) // 2


def rule_of_qer(qer_id: int) -> int | None:
    """The number of the rule whose own QER it is; None for the session's and those of flows."""
    return None if qer_id <= RULE_QERS else (qer_id - RULE_QERS) % LIMITS


# -- the whole ------------------------------------------------------------------------------------------


def pdrs(context: SmContext, qos: SessionQos, end: pfcp.FTeid) -> list[pfcp.CreatePdr]:
    """Of every rule. end: the N3 end, or `choose`."""
    made: list[pfcp.CreatePdr] = []
    for rule in qos.rules:
        qer_ids = _qer_ids(qos, rule)
        uplink = [f for f in rule.filters if f.direction != "DOWNLINK"]
        downlink = [f for f in rule.filters if f.direction != "UPLINK"]
        if uplink or not rule.filters:
            made.append(_uplink(context, rule, uplink, end, qer_ids))
        if downlink or not rule.filters:
            made.append(_downlink(context, rule, downlink, qer_ids))
    return made + restricted(context, qos, end)


def restricted(context: SmContext, qos: SessionQos, end: pfcp.FTeid) -> list[pfcp.CreatePdr]:
    """Of what may be used when the quota is not, before all other rules and measured by none (TS 32.255 §5.2.1.4)."""
    texts = () if context.charging is None else context.charging.restricted
    made: list[pfcp.CreatePdr] = []
    for number, text in enumerate(texts):
        filters = list(sdf_filters(FlowInformation(flow_description=text)))
        rule = SdfRule("", (RESTRICTED + 2 * number) // 2, qos.default_flow.qfi, precedence=0)
        ids = _qer_ids(qos, rule)
        made += [_uplink(context, rule, filters, end, ids), _downlink(context, rule, filters, ids)]
    return [msgspec.structs.replace(pdr, urr_ids=[]) for pdr in made]


@lru_cache(16)
def choose(*, ipv4: bool, ipv6: bool, shared: bool = False) -> pfcp.FTeid:
    """An N3 end of the UPF's choice, of these versions of IP. shared: the same for all PDRs."""
    return pfcp.FTeid.choose(SHARED_F_TEID if shared else None, ipv4=ipv4, ipv6=ipv6)


def choose_as(n3: TransportAddress) -> pfcp.FTeid:
    """Another N3 end of the UPF's choice, of the versions that it has already."""
    return choose(ipv4=n3.ipv4 is not None, ipv6=n3.ipv6 is not None)


def removal(end: pfcp.FTeid) -> pfcp.OuterHeaderRemoval:
    """Of what comes to this N3 end (§8.2.64)."""
    if end.ipv6 is None and not end.wants_ipv6:
        return _REMOVE_IPV4
    return _REMOVE_IPV6 if end.ipv4 is None and not end.wants_ipv4 else _REMOVE_EITHER


@lru_cache(256)
def qers(qos: SessionQos) -> list[pfcp.CreateQer]:
    """Most sessions have the same; nobody changes them."""
    made = [_session_ambr(qos.ambr)] + [_flow_qer(flow) for flow in qos.flows]
    return made + [_rule_qer(rule) for rule in qos.rules if _has_qer(rule)]


def urrs(context: SmContext, qos: SessionQos) -> list[pfcp.CreateUrr]:
    """One for what the session uses, and one for each rating group of its rules (TS 32.255 §5.2.1.4)."""
    charged = context.charging
    if charged is None or charged.rating_group not in charged.quotas:
        return []
    groups = [group for group in qos.rating_groups if group in charged.groups]
    return [
        _created_urr(charged.urr(group), charged.quotas.get(group, Quota()))
        for group in (charged.rating_group, *groups)
    ]


def _created_urr(number: int, quota: Quota) -> pfcp.CreateUrr:
    made = renewed_urr(number, quota)
    return pfcp.CreateUrr(
        urr_id=number,
        measurement_method=_VOLUME_AND_TIME,
        reporting_triggers=made.reporting_triggers or pfcp.ReportingTriggers(0),
        volume_threshold=made.volume_threshold,
        volume_quota=made.volume_quota,
        time_threshold=made.time_threshold,
        time_quota=made.time_quota,
        quota_holding_time=made.quota_holding_time,
    )


def renewed_urr(number: int, quota: Quota) -> pfcp.UpdateUrr:
    """Another quota. Time is up when the grant's validity is, or the time that it gives: more is asked for by then.

    A quota of nothing lets nothing pass, and says so.
    """
    flags = pfcp.ReportingTriggers
    triggers = 0
    threshold = quota.volume - quota.volume_left if quota.volume_left else 0
    renew_s = quota.validity_s if not quota.seconds else min(quota.validity_s or quota.seconds, quota.seconds)
    if quota.volume or not quota.seconds:
        triggers |= flags.VOLQU
    if threshold:
        triggers |= flags.VOLTH
    if quota.seconds:
        triggers |= flags.TIMQU
    if renew_s and not quota.is_last:
        triggers |= flags.TIMTH
    if quota.holding_s:
        triggers |= flags.QUHTI
    return pfcp.UpdateUrr(
        urr_id=number,
        reporting_triggers=flags(triggers),
        volume_threshold=pfcp.Volume(total=threshold) if threshold else None,
        volume_quota=pfcp.Volume(total=quota.volume) if triggers & flags.VOLQU else None,
        time_threshold=renew_s if triggers & flags.TIMTH else None,
        time_quota=quota.seconds or None,
        quota_holding_time=quota.holding_s or None,
    )


@lru_cache(256)
def instance(dnn: str) -> pfcp.NetworkInstance:
    return pfcp.NetworkInstance(dnn)


@lru_cache(256)
def uplink_far(dnn: str) -> pfcp.CreateFar:
    to_core = pfcp.ForwardingParameters(
        destination_interface=_CORE, network_instance=instance(dnn), interface_type=_N6
    )
    return pfcp.CreateFar(far_id=UPLINK_FAR, apply_action=FORWARD, forwarding_parameters=to_core)


def downlink_far(an: AnTunnel | None, *, notify: bool) -> pfcp.CreateFar:
    """Downlink packets go to the gNB where it is known, else wait (and the first of them is reported)."""
    if an is None:
        return pfcp.CreateFar(far_id=DOWNLINK_FAR, apply_action=BUFFER_AND_NOTIFY if notify else BUFFER)
    parameters = pfcp.ForwardingParameters(
        destination_interface=_ACCESS,
        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(an.teid, *an.ends.all),
        interface_type=_N3,
    )
    return pfcp.CreateFar(far_id=DOWNLINK_FAR, apply_action=FORWARD, forwarding_parameters=parameters)


def to_gnb(an: AnTunnel, *, end_marker: bool = False) -> pfcp.UpdateFar:
    """Downlink packets go to this gNB. end_marker: the last packet on the way that they went so far says so."""
    parameters = pfcp.UpdateForwardingParameters(
        destination_interface=_ACCESS,
        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(an.teid, *an.ends.all),
        sm_req_flags=SEND_END_MARKER if end_marker else None,
        interface_type=_N3,
    )
    return pfcp.UpdateFar(far_id=DOWNLINK_FAR, apply_action=FORWARD, forwarding_parameters=parameters)


def waiting() -> pfcp.UpdateFar:
    """Downlink packets wait, and the first is reported."""
    return pfcp.UpdateFar(far_id=DOWNLINK_FAR, apply_action=BUFFER_AND_NOTIFY)


# -- single rules ---------------------------------------------------------------------------------------


def _qer_ids(qos: SessionQos, rule: SdfRule) -> list[int]:
    """The flow's first: a UPF that takes one QER alone marks with its QFI (Open5GS)."""
    flow = qos.flow(rule.qfi)
    shared = [] if flow is not None and flow.profile.is_gbr else [SESSION_AMBR]
    own = [_rule_qer_id(rule)] if _has_qer(rule) else []
    return [FLOW_QERS + rule.qfi, *shared, *own]


def _uplink(
    context: SmContext, rule: SdfRule, filters: list[SdfFilter], end: pfcp.FTeid, qer_ids: list[int]
) -> pfcp.CreatePdr:
    """Packets from the N3 tunnel with the flow's QFI."""
    pdi = pfcp.Pdi(
        source_interface=_ACCESS,
        f_teid=end,
        network_instance=instance(context.dnn),
        ue_ip_addresses=_ue_addresses(context, destination=False),
        sdf_filters=[_sdf(f) for f in filters],
        framed_routes=_framed(context, 4),
        framed_ipv6_routes=_framed(context, 6),
        qfis=[rule.qfi],
        interface_type=_N3,
        ethernet_pdu_session_information=_frames(context),
    )
    return pfcp.CreatePdr(
        pdr_id=uplink_pdr(rule.number),
        precedence=rule.precedence,
        pdi=pdi,
        outer_header_removal=removal(end),
        far_id=UPLINK_FAR,
        qer_ids=qer_ids,
        urr_ids=_urr_ids(context, rule),
    )


def _downlink(
    context: SmContext, rule: SdfRule, filters: list[SdfFilter], qer_ids: list[int]
) -> pfcp.CreatePdr:
    """Packets for the UE's address."""
    pdi = pfcp.Pdi(
        source_interface=_CORE,
        network_instance=instance(context.dnn),
        ue_ip_addresses=_ue_addresses(context, destination=True),
        sdf_filters=[_sdf(f) for f in filters],
        framed_routes=_framed(context, 4),
        framed_ipv6_routes=_framed(context, 6),
        interface_type=_N6,
        ethernet_pdu_session_information=_frames(context),
    )
    return pfcp.CreatePdr(
        pdr_id=downlink_pdr(rule.number),
        precedence=rule.precedence,
        pdi=pdi,
        far_id=DOWNLINK_FAR,
        qer_ids=qer_ids,
        urr_ids=_urr_ids(context, rule),
    )


def _urr_ids(context: SmContext, rule: SdfRule) -> list[int]:
    charged = context.charging
    if charged is None or charged.rating_group not in charged.quotas:
        return []
    return [charged.urr(rule.rating_group if rule.rating_group in charged.groups else 0)]


def _ue_addresses(context: SmContext, *, destination: bool) -> list[pfcp.UeIpAddress]:
    address = context.address
    if address is None:
        return []
    if isinstance(address, Ipv4):
        return [pfcp.UeIpAddress(address.ipv4, destination=destination)]
    prefix = IPv6Address(address.prefix << 64)
    ipv4 = None if isinstance(address, Ipv6) else address.ipv4
    return [pfcp.UeIpAddress(ipv4, prefix, destination=destination)]


def _frames(context: SmContext) -> pfcp.PfcpFlags | None:
    """Ethernet PDU Session Information, §8.2.102: all frames of the session (ETHI)."""
    return pfcp.PfcpFlags(1) if context.session_type == "ETHERNET" else None


def _framed(context: SmContext, version: int) -> list[str]:
    """Routes by way of the UE itself: RFC 2865 §5.22, RFC 3162 §2.5."""
    gateway, is_ipv6 = ("::", True) if version == 6 else ("0.0.0.0", False)
    return [f"{route} {gateway} 1" for route in context.framed_routes if (":" in route) == is_ipv6]


def _sdf(sdf: SdfFilter) -> pfcp.SdfFilter:
    return pfcp.SdfFilter(
        flow_description(sdf),
        tos=None if sdf.tos is None else bytes(sdf.tos),
        security_parameter_index=sdf.spi,
        flow_label=None if sdf.flow_label is None else sdf.flow_label.to_bytes(3, "big"),
    )


@lru_cache(256)
def _session_ambr(ambr: Rates) -> pfcp.CreateQer:
    return pfcp.CreateQer(qer_id=SESSION_AMBR, gate_status=_OPEN, mbr=_kilobits(ambr))


@lru_cache(1024)
def _flow_qer(flow: QosFlow) -> pfcp.CreateQer:
    """The QFI that marks downlink packets; of a GBR flow its rates."""
    return pfcp.CreateQer(
        qer_id=FLOW_QERS + flow.qfi,
        gate_status=_OPEN,
        mbr=None if flow.mfbr is None else _kilobits(flow.mfbr),
        gbr=None if flow.gfbr is None else _kilobits(flow.gfbr),
        qfi=flow.qfi,
        averaging_window=flow.profile.averaging_window,
    )


def _has_qer(rule: SdfRule) -> bool:
    return rule.mbr is not None or rule.reflective or not (rule.uplink_open and rule.downlink_open)


def _rule_qer_id(rule: SdfRule) -> int:
    return RULE_QERS + rule.number + (0 if rule.mbr is None else LIMITS)


def _rule_qer(rule: SdfRule) -> pfcp.CreateQer:
    return pfcp.CreateQer(
        qer_id=_rule_qer_id(rule),
        gate_status=pfcp.GateStatus(int(not rule.uplink_open), int(not rule.downlink_open)),
        mbr=None if rule.mbr is None else _kilobits(rule.mbr),
        rqi=int(rule.reflective),
    )


def _kilobits(rates: Rates) -> pfcp.BitRate:
    """Rounded up."""
    return pfcp.BitRate(-(-rates.uplink_bps // 1000), -(-rates.downlink_bps // 1000))


# -- what changes ---------------------------------------------------------------------------------------


def growth(
    context: SmContext, before: SessionQos, after: SessionQos, end: pfcp.FTeid
) -> pfcp.SessionModificationRequest | None:
    """Creates and updates what `after` has; None when it has nothing that `before` has not. end: the N3 end."""
    new_pdrs, changed_pdrs = _beyond(_by_id(pdrs(context, before, end)), pdrs(context, after, end))
    new_qers, changed_qers = _beyond(_by_id(qers(before)), qers(after))
    if not (new_pdrs or changed_pdrs or new_qers or changed_qers):
        return None
    return pfcp.SessionModificationRequest(
        create_pdrs=new_pdrs,
        create_urrs=_other_urrs(context, before, after),
        create_qers=new_qers,
        update_pdrs=[_updated(pdr) for pdr in changed_pdrs],
        update_qers=[_qer_updated(qer) for qer in changed_qers],
    )


def rerouting(context: SmContext, qos: SessionQos, end: pfcp.FTeid) -> pfcp.SessionModificationRequest:
    """The networks behind the UE are those of the context from now on."""
    return pfcp.SessionModificationRequest(update_pdrs=[_updated(pdr) for pdr in pdrs(context, qos, end)])


def shrinkage(
    context: SmContext, before: SessionQos, after: SessionQos, end: pfcp.FTeid
) -> pfcp.SessionModificationRequest | None:
    """Removes what `after` has no more; None when that is nothing."""
    kept_pdrs, kept_qers = _by_id(pdrs(context, after, end)), _by_id(qers(after))
    gone_pdrs = [number for number in _by_id(pdrs(context, before, end)) if number not in kept_pdrs]
    gone_qers = [number for number in _by_id(qers(before)) if number not in kept_qers]
    gone_urrs = _other_urrs(context, after, before)
    if not (gone_pdrs or gone_qers or gone_urrs):
        return None
    return pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=number) for number in gone_pdrs],
        remove_urrs=[pfcp.RemoveUrr(urr_id=urr.urr_id) for urr in gone_urrs],
        remove_qers=[pfcp.RemoveQer(qer_id=number) for number in gone_qers],
    )


def _other_urrs(context: SmContext, before: SessionQos, after: SessionQos) -> list[pfcp.CreateUrr]:
    """Those that `after` has and `before` has not."""
    known = {urr.urr_id for urr in urrs(context, before)}
    return [urr for urr in urrs(context, after) if urr.urr_id not in known]


def restricting(
    context: SmContext, qos: SessionQos, end: pfcp.FTeid, before: int
) -> pfcp.SessionModificationRequest:
    """What may be used without quota is that of the context now. before: how many filters it was by then."""
    ids = [RESTRICTED + 2 * n + way for n in range(before) for way in (-1, 0)]
    return pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=number) for number in ids],
        create_pdrs=restricted(context, qos, end),
    )


def reversal(
    context: SmContext, before: SessionQos, after: SessionQos, end: pfcp.FTeid
) -> pfcp.SessionModificationRequest | None:
    """Undoes `growth`: what it created goes, what it updated is as before. What is gone from `after` is there still."""
    old_pdrs, old_qers = _by_id(pdrs(context, before, end)), _by_id(qers(before))
    new_pdrs, new_qers = _by_id(pdrs(context, after, end)), _by_id(qers(after))
    changed_pdrs = [old for number, old in old_pdrs.items() if new_pdrs.get(number, old) != old]
    changed_qers = [old for number, old in old_qers.items() if new_qers.get(number, old) != old]
    request = pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=number) for number in new_pdrs if number not in old_pdrs],
        remove_urrs=[pfcp.RemoveUrr(urr_id=urr.urr_id) for urr in _other_urrs(context, before, after)],
        remove_qers=[pfcp.RemoveQer(qer_id=number) for number in new_qers if number not in old_qers],
        update_pdrs=[_updated(pdr) for pdr in changed_pdrs],
        update_qers=[_qer_updated(qer) for qer in changed_qers],
    )
    return None if request == pfcp.SessionModificationRequest() else request


def _identity(rule: pfcp.CreatePdr | pfcp.CreateQer) -> int:
    return rule.pdr_id if isinstance(rule, pfcp.CreatePdr) else rule.qer_id


def _by_id(rules: list[I]) -> dict[int, I]:
    return {_identity(rule): rule for rule in rules}


def _beyond(before: dict[int, I], after: list[I]) -> tuple[list[I], list[I]]:
    """New, and changed."""
    new = [rule for rule in after if _identity(rule) not in before]
    return new, [r for r in after if _identity(r) in before and before[_identity(r)] != r]


def _updated(pdr: pfcp.CreatePdr) -> pfcp.UpdatePdr:
    return pfcp.UpdatePdr(
        pdr_id=pdr.pdr_id,
        precedence=pdr.precedence,
        pdi=pdr.pdi,
        far_id=pdr.far_id,
        qer_ids=pdr.qer_ids,
        urr_ids=pdr.urr_ids,
    )


def _qer_updated(qer: pfcp.CreateQer) -> pfcp.UpdateQer:
    return pfcp.UpdateQer(
        qer_id=qer.qer_id,
        gate_status=qer.gate_status,
        mbr=qer.mbr,
        gbr=qer.gbr,
        qfi=qer.qfi,
        rqi=qer.rqi,
        averaging_window=qer.averaging_window,
    )
