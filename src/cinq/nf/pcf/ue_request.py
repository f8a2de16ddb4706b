"""Resources that a UE asks for by PDU SESSION MODIFICATION REQUEST: TS 29.512 §4.2.4.17, TS 23.503 §6.1.3.6."""

from __future__ import annotations

from msgspec.structs import replace

from cinq.nf.pcf.context import UeRule
from cinq.nf.pcf.settings import Settings
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.models import Arp, bits_per_second
from cinq.sbi.services.npcf_smpolicycontrol import (
    FlowInformation,
    PacketFilterInfo,
    PccRule,
    QosData,
    RequestedQos,
    UeInitiatedResourceRequest,
)

UeRules = dict[str, UeRule]
PREFIX = "ue-"
MAX_RULES, MAX_FILTERS = 16, 15
UE_PRECEDENCE = 200


def asked(supi: str, rules: UeRules, request: UeInitiatedResourceRequest, settings: Settings) -> UeRules:
    """The UE's rules as they are after the request. Problem 403: it is not authorised."""
    match request.rule_op:
        case "CREATE_PCC_RULE":
            return _created(supi, rules, request, settings)
        case "DELETE_PCC_RULE":
            name, _ = _own(supi, rules, request)
            return {other: rule for other, rule in rules.items() if other != name}
    name, rule = _own(supi, rules, request)
    changed = _modified(supi, rule, request, settings)
    if not changed.pcc_rule.flow_infos:  # without a packet filter it has no packets
        return {other: rule for other, rule in rules.items() if other != name}
    return {**rules, name: changed}


def _created(supi: str, rules: UeRules, request: UeInitiatedResourceRequest, settings: Settings) -> UeRules:
    if len(rules) >= MAX_RULES:
        raise _refused(f"{supi} has {MAX_RULES} rules of its own in this session, which is all it may have")
    if not request.pack_filt_info:
        raise _refused(f"{supi} asks for a QoS flow without saying for which packets")
    name = next(n for i in range(1, MAX_RULES + 1) if (n := f"{PREFIX}{i}") not in rules)
    rule = PccRule(
        pcc_rule_id=name,
        flow_infos=_flows(supi, name, request.pack_filt_info, ()),
        precedence=request.precedence or UE_PRECEDENCE,
    )
    return {**rules, name: _with_qos(supi, UeRule(rule), request.req_qos, settings)}


def _own(supi: str, rules: UeRules, request: UeInitiatedResourceRequest) -> tuple[str, UeRule]:
    name = request.pcc_rule_id or ""
    if name not in rules:
        raise _refused(f"rule {name!r} is none of those that {supi} asked for: the network alone changes it")
    return name, rules[name]


def _modified(supi: str, rule: UeRule, request: UeInitiatedResourceRequest, settings: Settings) -> UeRule:
    old, name = tuple(rule.pcc_rule.flow_infos or ()), rule.pcc_rule.pcc_rule_id
    named = {info.pack_filt_id for info in request.pack_filt_info}
    match request.rule_op:
        case "MODIFY_PCC_RULE_AND_ADD_PACKET_FILTERS":
            flows = [*old, *_flows(supi, name, request.pack_filt_info, old)]
        case "MODIFY_ PCC_RULE_AND_REPLACE_PACKET_FILTERS":
            flows = _flows(supi, name, request.pack_filt_info, ())
        case "MODIFY_ PCC_RULE_AND_DELETE_PACKET_FILTERS":
            flows = [flow for flow in old if flow.pack_filt_id not in named]
        case _:
            flows = list(old)
    if len(flows) > MAX_FILTERS:
        raise _refused(f"{supi} asks for {len(flows)} packet filters in a rule; it may have {MAX_FILTERS}")
    pcc = replace(rule.pcc_rule, flow_infos=flows, precedence=request.precedence or rule.pcc_rule.precedence)
    return _with_qos(supi, replace(rule, pcc_rule=pcc), request.req_qos, settings)


def _flows(
    supi: str, rule: str, infos: list[PacketFilterInfo], before: tuple[FlowInformation, ...]
) -> list[FlowInformation]:
    if len(infos) > MAX_FILTERS:
        raise _refused(f"{supi} asks for {len(infos)} packet filters in a rule; it may have {MAX_FILTERS}")
    taken = {flow.pack_filt_id for flow in before}
    free = (name for i in range(1, 100) if (name := f"{rule}-{i}") not in taken)
    return [
        FlowInformation(
            flow_description=info.pack_filt_cont,
            pack_filt_id=info.pack_filt_id if info.pack_filt_id not in (None, *taken) else next(free),
            packet_filter_usage=True,
            tos_traffic_class=info.tos_traffic_class,
            spi=info.spi,
            flow_label=info.flow_label,
            flow_direction=info.flow_direction,
        )
        for info in infos
    ]


def _with_qos(supi: str, rule: UeRule, wanted: RequestedQos | None, settings: Settings) -> UeRule:
    """Without a wish: as before, and at first bound to the default QoS flow."""
    name = rule.pcc_rule.pcc_rule_id
    if wanted is None:
        return rule if rule.qos else _bound(rule, QosData(qos_id=name, def_qos_flow_indication=True))
    if wanted.five_qi not in settings.ue_five_qis:
        allowed = ", ".join(map(str, settings.ue_five_qis)) or "none"
        mend = f"[pcf] ue_five_qis = [..., {wanted.five_qi}]"
        raise _refused(f"{supi} asks for 5QI {wanted.five_qi}; a UE may ask for {allowed}", mend)
    for way, rate in (("uplink", wanted.gbr_ul), ("downlink", wanted.gbr_dl)):
        if rate is not None and bits_per_second(rate) > settings.ue_max_gbr_bps:
            mend = f'[pcf] ue_max_gbr = "{rate}"'
            raise _refused(f"{supi} asks for {rate} guaranteed {way}, which is more than a UE may have", mend)
    qos = QosData(
        qos_id=name,
        five_qi=wanted.five_qi,
        gbr_ul=wanted.gbr_ul,
        gbr_dl=wanted.gbr_dl,
        maxbr_ul=wanted.gbr_ul,
        maxbr_dl=wanted.gbr_dl,
        arp=Arp(priority_level=15),
    )
    return _bound(rule, qos)


def _bound(rule: UeRule, qos: QosData) -> UeRule:
    return replace(rule, pcc_rule=replace(rule.pcc_rule, ref_qos_data=[qos.qos_id]), qos=qos)


def _refused(text: str, mend: str = "") -> Problem:
    return Problem(403, "ERROR_TRAFFIC_MAPPING_INFO_REJECTED", Why(text, mend))
