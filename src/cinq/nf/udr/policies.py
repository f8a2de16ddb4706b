"""What an operator decided for one subscriber, in the UDR's policy data (TS 29.519)."""

from __future__ import annotations

from cinq.nf.udr import changes, records
from cinq.numbering import Supi
from cinq.operator_identifier import network_identifier
from cinq.procedure.store import Store
from cinq.sbi.models import Arp, Snssai, bit_rate
from cinq.sbi.services.npcf_smpolicycontrol import (
    ChargingData,
    FlowDirection,
    FlowInformation,
    PccRule,
    QosData,
    TrafficControlData,
)
from cinq.sbi.services.nudr_policy import OperatorSpecificDataContainer, PolicyElement, RulePolicy
from cinq.settings.policy import Rule

DIRECTIONS: dict[str, FlowDirection] = {"both": "BIDIRECTIONAL", "uplink": "UPLINK", "downlink": "DOWNLINK"}


def element(rule: Rule) -> RulePolicy:
    """The rule in the words of TS 29.512. Its PCC rule, QoS data and traffic control data have its name."""
    direction = DIRECTIONS[rule.direction]
    flows = [
        FlowInformation(
            flow_description=text,
            pack_filt_id=f"{rule.name}-{number}",
            packet_filter_usage=True,
            flow_direction=direction,
        )
        for number, text in enumerate(rule.filters, 1)
    ]
    closed = rule.gate == "closed"
    pcc = PccRule(
        pcc_rule_id=rule.name,
        flow_infos=flows,
        precedence=rule.precedence,
        ref_qos_data=[rule.name],
        ref_tc_data=[rule.name] if closed else None,
        ref_chg_data=[rule.name] if rule.rating_group else None,
    )
    return RulePolicy(
        pcc_rule=pcc,
        qos=_qos(rule),
        traffic=TrafficControlData(tc_id=rule.name, flow_status="DISABLED") if closed else None,
        charging=ChargingData(chg_id=rule.name, rating_group=rule.rating_group)
        if rule.rating_group
        else None,
        dnn=network_identifier(rule.dnn) if rule.dnn else None,
        single_nssais=[Snssai.of(s) for s in rule.slices],
    )


def _qos(rule: Rule) -> QosData:
    return QosData(
        qos_id=rule.name,
        five_qi=rule.five_qi,
        maxbr_ul=_rate(rule.mbr_uplink or rule.gbr_uplink),
        maxbr_dl=_rate(rule.mbr_downlink or rule.gbr_downlink),
        gbr_ul=_rate(rule.gbr_uplink),
        gbr_dl=_rate(rule.gbr_downlink),
        arp=Arp(
            priority_level=rule.arp,
            preempt_cap="MAY_PREEMPT" if rule.may_preempt else "NOT_PREEMPT",
            preempt_vuln="PREEMPTABLE" if rule.preemptable else "NOT_PREEMPTABLE",
        ),
        qnc=rule.notify,
        reflective_qos=rule.reflective,
    )


def _rate(bps: int) -> str | None:
    return bit_rate(bps) if bps else None


def get(store: Store, supi: Supi) -> dict[str, PolicyElement]:
    """By name, in the order of names."""
    found = records.POLICY_DATA.read(store, str(supi)) or {}
    return {name: found[name].value for name in sorted(found)}


def put(store: Store, supi: Supi, name: str, value: PolicyElement) -> None:
    """In place of what has that name. The PCF hears of it."""
    found = records.POLICY_DATA.read(store, str(supi)) or {}
    made = OperatorSpecificDataContainer(data_type="object", value=value)
    _write(store, supi, {**found, name: made})


def remove(store: Store, supi: Supi, name: str) -> bool:
    """False when there was none of that name. The PCF hears of it."""
    found = dict(records.POLICY_DATA.read(store, str(supi)) or {})
    if found.pop(name, None) is None:
        return False
    _write(store, supi, found)
    return True


def _write(store: Store, supi: Supi, after: dict[str, OperatorSpecificDataContainer]) -> None:
    changes.leave(store, str(supi), changes.Note(policy=True))
    if after:
        records.POLICY_DATA.write(store, str(supi), after)
    else:
        records.POLICY_DATA.remove(store, str(supi))
