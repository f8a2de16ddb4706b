"""From what an application function asks for to PCC rules: TS 29.514 §4.2.2, TS 29.513 §7.3."""

from __future__ import annotations

from collections.abc import Iterator

from cinq.nf.pcf.context import AppSession, UeRule
from cinq.nf.pcf.settings import QosReference, Settings
from cinq.procedure import Why
from cinq.sbi import InvalidParam, Problem
from cinq.sbi.models import Arp, bits_per_second
from cinq.sbi.services.npcf_policyauthorization import Flows, MediaComponent, MediaSubComponent
from cinq.sbi.services.npcf_smpolicycontrol import (
    FlowDirection,
    FlowInformation,
    PccRule,
    QosData,
    TrafficControlData,
)
from cinq.wire import flow_description

PREFIX = "af-"
MOST_COMPONENTS, MOST_SUB_COMPONENTS, MOST_FLOWS = 8, 8, 2
MOST_BPS = 10**12
PRECEDENCE = 50
FIVE_QIS = {"AUDIO": (1, 7), "VIDEO": (2, 6), "CONTROL": (5, 5), "MESSAGE": (9, 9), "TEXT": (9, 9)}
"""With a guaranteed bit rate, and without one: TS 29.513 §7.3.3. Of other media: 4 and 9."""
OTHER = (4, 9)


def name_of(session: str, component: MediaComponent, sub: MediaSubComponent) -> str:
    return f"{PREFIX}{session}-{component.med_comp_n}-{sub.f_num}"


def session_of(rule: str) -> tuple[str, Flows] | None:
    """Whose rule it is, and which flows of it; None: not an application function's."""
    parts = rule.removeprefix(PREFIX).split("-") if rule.startswith(PREFIX) else []
    if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        return None
    return parts[0], Flows(med_comp_n=int(parts[1]), f_nums=[int(parts[2])])


def rules_of(name: str, session: AppSession, address: str, settings: Settings) -> dict[str, UeRule]:
    """By rule name. Problem 400 INVALID_SERVICE_INFORMATION, 403 REQUESTED_SERVICE_NOT_AUTHORIZED."""
    components = session.request.med_components
    if not components:
        raise _invalid("medComponents", "nothing is asked for")
    if len(components) > MOST_COMPONENTS:
        raise _invalid("medComponents", f"found {len(components)}, at most {MOST_COMPONENTS} are taken")
    made: dict[str, UeRule] = {}
    for key, component in components.items():
        where = f"medComponents/{key[:20]}"
        if str(component.med_comp_n) != key or component.med_comp_n < 0:
            raise _invalid(where, "its key is not its medCompN")
        if not 1 <= len(component.med_sub_comps) <= MOST_SUB_COMPONENTS:
            raise _invalid(f"{where}/medSubComps", f"wanted 1 to {MOST_SUB_COMPONENTS}")
        for sub_key, sub in component.med_sub_comps.items():
            if str(sub.f_num) != sub_key or sub.f_num < 0:
                raise _invalid(f"{where}/medSubComps/{sub_key[:20]}", "its key is not its fNum")
            rule = name_of(name, component, sub)
            made[rule] = _rule(rule, where, component, sub, address, session, settings)
    return made


def _rule(
    name: str,
    where: str,
    component: MediaComponent,
    sub: MediaSubComponent,
    address: str,
    session: AppSession,
    settings: Settings,
) -> UeRule:
    flows = list(_flows(name, f"{where}/medSubComps/{sub.f_num}/fDescs", sub.f_descs, address))
    routing = component.af_rout_req or session.request.af_rout_req
    traffic = None
    if routing is not None and routing.route_to_locs:
        traffic = TrafficControlData(tc_id=name, route_to_locs=routing.route_to_locs)
    qos = _qos(name, where, component, sub, settings)
    pcc = PccRule(
        pcc_rule_id=name,
        flow_infos=flows,
        precedence=PRECEDENCE,
        ref_qos_data=[name],
        ref_tc_data=None if traffic is None else [name],
        dis_ue_notif=component.dis_ue_notif,
    )
    return UeRule(pcc, qos, traffic)


def _flows(name: str, where: str, texts: list[str], address: str) -> Iterator[FlowInformation]:
    """One filter for each way that is named; one for both where the two are of the same packets."""
    if not 1 <= len(texts) <= MOST_FLOWS:
        raise _invalid(where, f"wanted 1 or {MOST_FLOWS} flow descriptions")
    read = [_flow(where, text, address) for text in texts]
    both: FlowDirection = "BIDIRECTIONAL"
    if len(read) == 2 and read[0][0] == read[1][0] and read[0][1] != read[1][1]:
        read = [(read[0][0], both)]
    for number, (description, direction) in enumerate(read, 1):
        yield FlowInformation(
            flow_description=description,
            pack_filt_id=f"{name}-{number}",
            packet_filter_usage=True,
            flow_direction=direction,
        )


def _flow(where: str, text: str, address: str) -> tuple[str, FlowDirection]:
    """Written for the downlink, with 'assigned' for the UE's address, and which way it was meant."""
    words = text[:300].split()
    if len(words) < 7 or words[0] != "permit" or words[1] not in ("in", "out") or "to" not in words[5:]:
        raise _invalid(where, f"{text[:80]!r} is no IPFilterRule")
    to = words.index("to", 5)
    near, far = words[4:to], words[to + 1 :]
    way: FlowDirection = "DOWNLINK"
    if words[1] == "in":
        near, far, way = far, near, "UPLINK"
    if not near or not far:
        raise _invalid(where, f"{text[:80]!r} is no IPFilterRule")
    if far[0].partition("/")[0] not in ("any", "assigned", address):
        raise _invalid(where, f"{far[0][:50]} is not the UE's address {address}")
    made = " ".join(("permit out", words[2], "from", *near, "to assigned", *far[1:]))
    try:
        flow_description.read(made)
    except ValueError as error:
        raise _invalid(where, str(error)) from None
    return made, way


def _qos(
    name: str, where: str, component: MediaComponent, sub: MediaSubComponent, settings: Settings
) -> QosData:
    if component.qos_reference is not None:
        known = settings.qos_references.get(component.qos_reference)
        if known is None:
            named = ", ".join(settings.qos_references) or "none"
            what = f"qosReference: found {component.qos_reference[:40]!r}, known are {named}"
            raise Problem(403, "REQUESTED_SERVICE_NOT_AUTHORIZED", Why(what, "add a [[qos_profile]]"))
        return _referred(name, known)
    max_dl = _rate(where, "marBwDl", sub.mar_bw_dl or component.mar_bw_dl)
    max_ul = _rate(where, "marBwUl", sub.mar_bw_ul or component.mar_bw_ul)
    gbr_dl, gbr_ul = (
        _rate(where, "mirBwDl", component.mir_bw_dl),
        _rate(where, "mirBwUl", component.mir_bw_ul),
    )
    guaranteed = gbr_dl is not None or gbr_ul is not None
    with_gbr, without = FIVE_QIS.get(component.med_type or "", OTHER)
    if not guaranteed:
        return QosData(
            qos_id=name, five_qi=without, maxbr_dl=max_dl, maxbr_ul=max_ul, arp=Arp(priority_level=8)
        )
    return QosData(
        qos_id=name,
        five_qi=with_gbr,
        maxbr_dl=_larger(max_dl, gbr_dl),
        maxbr_ul=_larger(max_ul, gbr_ul),
        gbr_dl=gbr_dl or "0 bps",
        gbr_ul=gbr_ul or "0 bps",
        arp=Arp(priority_level=8),
    )


def _referred(name: str, known: QosReference) -> QosData:
    return QosData(
        qos_id=name,
        five_qi=known.five_qi,
        maxbr_ul=known.maxbr_ul,
        maxbr_dl=known.maxbr_dl,
        gbr_ul=known.gbr_ul,
        gbr_dl=known.gbr_dl,
        arp=Arp(priority_level=known.arp),
    )


def _larger(one: str | None, other: str | None) -> str:
    """The maximum of a flow with a guaranteed rate: no less than that."""
    found = [each for each in (one, other) if each is not None]
    return max(found, key=bits_per_second, default="0 bps")


def _rate(where: str, name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        bps = bits_per_second(text)
    except ValueError as error:
        raise _invalid(f"{where}/{name}", str(error)) from None
    if not 0 < bps <= MOST_BPS:
        raise _invalid(f"{where}/{name}", f"found {text[:30]}, wanted more than nothing and at most 1 Tbps")
    return text


def _invalid(where: str, why: str) -> Problem:
    path = f"/ascReqData/{where}"
    return Problem(
        400, "INVALID_SERVICE_INFORMATION", Why(f"{path}: {why}"), InvalidParam(param=path, reason=why[:200])
    )
