"""What one gNB tells another of a UE (TS 38.423 §9.1.1.1, §9.1.1.9), and what is made of it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cinq.numbering import AmfId, NumberingError, PlmnId
from cinq.ran.gnb.context import AsKeys, Flow, Guami, PdcpCounts, PduSession, Tunnel, UeState, UpSecurity
from cinq.ran.gnb.xn import elements
from cinq.ran.gnb.xn.elements import Unreadable
from cinq.transport_address import TransportAddress, is_one_host
from cinq.wire import ngap, xnap

_SN = 18
"""Bits of a PDCP sequence number; the 14 above them are the hyper frame number."""
_ORDINARY = ngap.QosFlowLevelQosParameters(  # for a flow of which nothing was told
    qos_characteristics=("nonDynamic5QI", ngap.NonDynamic5QIDescriptor(five_qi=9)),
    allocation_and_retention_priority=ngap.AllocationAndRetentionPriority(
        priority_level_arp=8,
        pre_emption_capability="shall-not-trigger-pre-emption",
        pre_emption_vulnerability="not-pre-emptable",
    ),
)


class Told(msgspec.Struct, frozen=True):
    """A UE as a neighbour tells of it. state: with K_NG-RAN* and its NCC as keys. sessions: with the source's flows."""

    amf_ue_ngap_id: int
    state: UeState
    sessions: dict[int, PduSession]
    forwarded: frozenset[int] = frozenset()


# the security context


def security(keys: AsKeys) -> xnap.ASSecurityInformation:
    """§9.2.3.50."""
    return xnap.ASSecurityInformation(key_ng_ran_star=int.from_bytes(keys.kgnb, "big"), ncc=keys.used_ncc)


def keys_of(told: xnap.ASSecurityInformation) -> AsKeys:
    return AsKeys(told.key_ng_ran_star.to_bytes(32, "big"), told.ncc)


def capabilities(of: ngap.UESecurityCapabilities) -> xnap.UESecurityCapabilities:
    return xnap.UESecurityCapabilities(
        nr_encyption_algorithms=of.nr_encryption_algorithms,
        nr_integrity_protection_algorithms=of.nr_integrity_protection_algorithms,
        e_utra_encyption_algorithms=of.eutra_encryption_algorithms,
        e_utra_integrity_protection_algorithms=of.eutra_integrity_protection_algorithms,
    )


def capabilities_of(of: xnap.UESecurityCapabilities) -> ngap.UESecurityCapabilities:
    return ngap.UESecurityCapabilities(
        nr_encryption_algorithms=of.nr_encyption_algorithms,
        nr_integrity_protection_algorithms=of.nr_integrity_protection_algorithms,
        eutra_encryption_algorithms=of.e_utra_encyption_algorithms,
        eutra_integrity_protection_algorithms=of.e_utra_integrity_protection_algorithms,
    )


# the UE


def guami(value: Guami) -> xnap.GUAMI:
    plmn, amf = value
    return xnap.GUAMI(
        plmn_id=plmn.octets, amf_region_id=amf.region, amf_set_id=amf.set, amf_pointer=amf.pointer
    )


def guami_of(value: xnap.GUAMI) -> Guami:
    try:
        return PlmnId.from_octets(value.plmn_id), AmfId(
            value.amf_region_id, value.amf_set_id, value.amf_pointer
        )
    except NumberingError as error:
        raise Unreadable(str(error)) from None


def ambr(of: ngap.UEAggregateMaximumBitRate | None) -> xnap.UEAggregateMaximumBitRate:
    """0 where the AMF told none: mandatory here (§9.2.3.17)."""
    if of is None:
        return xnap.UEAggregateMaximumBitRate(dl_ue_ambr=0, ul_ue_ambr=0)
    return xnap.UEAggregateMaximumBitRate(
        dl_ue_ambr=of.ue_aggregate_maximum_bit_rate_dl, ul_ue_ambr=of.ue_aggregate_maximum_bit_rate_ul
    )


def ambr_of(of: xnap.UEAggregateMaximumBitRate) -> ngap.UEAggregateMaximumBitRate | None:
    if not of.dl_ue_ambr and not of.ul_ue_ambr:
        return None
    return ngap.UEAggregateMaximumBitRate(
        ue_aggregate_maximum_bit_rate_dl=of.dl_ue_ambr, ue_aggregate_maximum_bit_rate_ul=of.ul_ue_ambr
    )


def restriction(of: ngap.MobilityRestrictionList | None) -> bytes | None:
    """5GC Mobility Restriction List Container, §9.2.3.100: as the AMF gave it."""
    return None if of is None else ngap.encode_value(of)


def restriction_of(
    container: bytes | None, told: xnap.MobilityRestrictionList | None
) -> ngap.MobilityRestrictionList | None:
    """The container, which says it as the AMF did; else what a neighbour that has none tells of it (§9.2.3.53)."""
    if container is not None:
        try:
            return ngap.decode_value(ngap.MobilityRestrictionList, container)
        except ngap.NgapError as error:
            raise Unreadable(str(error)) from None
    if told is None:
        return None
    return ngap.MobilityRestrictionList(
        serving_plmn=told.serving_plmn,
        equivalent_plmns=told.equivalent_plmns,
        forbidden_area_information=[
            ngap.ForbiddenAreaInformationItem(
                plmn_identity=one.plmn_identity, forbidden_tacs=one.forbidden_tacs
            )
            for one in told.forbidden_area_information or ()
        ]
        or None,
        service_area_information=[
            ngap.ServiceAreaInformationItem(
                plmn_identity=one.plmn_identity,
                allowed_tacs=one.allowed_tacs_service_area,
                not_allowed_tacs=one.not_allowed_tacs_service_area,
            )
            for one in told.service_area_information or ()
        ]
        or None,
    )


def history(of: Sequence[ngap.LastVisitedCellItem]) -> list[xnap.LastVisitedCellItem]:
    """UE History Information, §9.2.3.64: what NGAP says of each NR cell, in octets."""
    found: list[xnap.LastVisitedCellItem] = []
    for item in of:
        cell = item.last_visited_cell_information
        if cell[0] == "nGRANCell":
            found.append(("nG-RAN-Cell", ngap.encode_value(cell[1])))
    return found


def history_of(told: Sequence[xnap.LastVisitedCellItem]) -> tuple[ngap.LastVisitedCellItem, ...]:
    """Cells that cannot be read are passed over."""
    found: list[ngap.LastVisitedCellItem] = []
    for item in told:
        if item[0] != "nG-RAN-Cell":
            continue
        try:
            cell = ngap.decode_value(ngap.LastVisitedNGRANCellInformation, item[1])
        except ngap.NgapError:
            continue
        found.append(ngap.LastVisitedCellItem(last_visited_cell_information=("nGRANCell", cell)))
    return tuple(found)


# its sessions


def sessions(of: Mapping[int, PduSession]) -> list[xnap.PDUSessionResourcesToBeSetupItem]:
    """PDU Session Resources To Be Setup List, §9.2.1.1: downlink forwarding is proposed for every flow."""
    return [_session(psi, session) for psi, session in of.items()]


def _session(psi: int, session: PduSession) -> xnap.PDUSessionResourcesToBeSetupItem:
    known, rates = session.tunnel, None
    if session.ambr != (0, 0):
        rates = xnap.PDUSessionAggregateMaximumBitRate(
            downlink_session_ambr=session.ambr[0], uplink_session_ambr=session.ambr[1]
        )
    forwarding = xnap.DataforwardingandOffloadingInfofromSource(
        qos_flows_to_be_forwarded=[
            xnap.QoSFLowsToBeForwardedItem(
                qos_flow_identifier=qfi,
                dl_dataforwarding="dl-forwarding-proposed",
                ul_dataforwarding="ul-forwarding-proposed",
            )
            for qfi in session.qfis
        ]
    )
    return xnap.PDUSessionResourcesToBeSetupItem(
        pdu_session_id=psi,
        s_nssai=xnap.SNSSAI(sst=b"\1") if session.s_nssai is None else elements.s_nssai(session.s_nssai),
        ul_ng_u_tn_lat_upf=elements.tunnel(TransportAddress.of(known.upf), known.ul_teid),
        pdu_session_type=_KINDS[session.kind],
        qos_flows_to_be_setup_list=[
            xnap.QoSFlowsToBeSetupItem(
                qfi=flow.qfi, qos_flow_level_qos_parameters=_qos(flow.qos or _ORDINARY)
            )
            for flow in session.flows
        ],
        pdu_session_ambr=rates,
        security_indication=None if session.security is None else _indication(session.security.wanted),
        dataforwardinginfofrom_source=forwarding,
    )


_KINDS: dict[str, xnap.PDUSessionType] = {
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "ipv4v6": "ipv4v6",
    "ethernet": "ethernet",
}


def sessions_of(
    told: Sequence[xnap.PDUSessionResourcesToBeSetupItem], own: TransportAddress
) -> dict[int, PduSession]:
    """With the tunnels of the source, and own: our ends, which say how the UPF is reached. Unreadable."""
    found: dict[int, PduSession] = {}
    for item in told:
        if item.pdu_session_id in found:
            raise Unreadable(f"PDU session {item.pdu_session_id} is there twice")
        found[item.pdu_session_id] = _session_of(item, own)
    return found


def _session_of(item: xnap.PDUSessionResourcesToBeSetupItem, own: TransportAddress) -> PduSession:
    end = elements.tunnel_end(item.ul_ng_u_tn_lat_upf)
    upf = end.ends.reached_from(own) or end.ends.all[0]
    if not is_one_host(upf):
        raise Unreadable(f"found UPF {upf}, wanted the address of one host")
    if item.pdu_session_type not in _KINDS:
        raise Unreadable(f"found a session of type {item.pdu_session_type}")
    flows = tuple(
        Flow(one.qfi, _qos_of(one.qos_flow_level_qos_parameters)) for one in item.qos_flows_to_be_setup_list
    )
    if len({flow.qfi for flow in flows}) != len(flows):
        raise Unreadable(f"PDU session {item.pdu_session_id} has one QoS flow twice")
    rates, wanted = item.pdu_session_ambr, item.security_indication
    return PduSession(
        Tunnel(upf, end.teid, 0, tuple(flow.qfi for flow in flows)),
        flows,
        elements.s_nssai_of(item.s_nssai),
        item.pdu_session_type,
        (0, 0) if rates is None else (rates.downlink_session_ambr, rates.uplink_session_ambr),
        None if wanted is None else UpSecurity(_indication_of(wanted), False, False),
    )


def forwarded(told: Sequence[xnap.PDUSessionResourcesToBeSetupItem]) -> frozenset[int]:
    """The sessions for which the source proposes to forward downlink packets."""
    return frozenset(i.pdu_session_id for i in told if i.dataforwardinginfofrom_source is not None)


def _indication(of: ngap.SecurityIndication) -> xnap.SecurityIndication:
    up, down = of.maximum_integrity_protected_data_rate_ul, of.maximum_integrity_protected_data_rate_dl
    rates = None
    if up is not None:
        rates = xnap.MaximumIPdatarate(
            max_i_prate_ul=_rate(up), max_i_prate_dl=None if down is None else _rate(down)
        )
    return xnap.SecurityIndication(
        integrity_protection_indication=of.integrity_protection_indication,
        confidentiality_protection_indication=of.confidentiality_protection_indication,
        maximum_i_pdatarate=rates,
    )


def _rate(of: ngap.MaximumIntegrityProtectedDataRate) -> xnap.MaxIPrate:
    return "bitrate64kbs" if of == "bitrate64kbs" else "max-UErate"


def _indication_of(of: xnap.SecurityIndication) -> ngap.SecurityIndication:
    rates = of.maximum_i_pdatarate
    return ngap.SecurityIndication(
        integrity_protection_indication=of.integrity_protection_indication,
        confidentiality_protection_indication=of.confidentiality_protection_indication,
        maximum_integrity_protected_data_rate_ul=None if rates is None else _rate_of(rates.max_i_prate_ul),
        maximum_integrity_protected_data_rate_dl=(
            None if rates is None or rates.max_i_prate_dl is None else _rate_of(rates.max_i_prate_dl)
        ),
    )


def _rate_of(of: xnap.MaxIPrate) -> ngap.MaximumIntegrityProtectedDataRate:
    return "bitrate64kbs" if of == "bitrate64kbs" else "maximum-UE-rate"


# QoS of a flow, §9.2.3.5


def _qos(of: ngap.QosFlowLevelQosParameters) -> xnap.QoSFlowLevelQoSParameters:
    arp, gbr = of.allocation_and_retention_priority, of.gbr_qos_information
    triggers = arp.pre_emption_capability == "may-trigger-pre-emption"
    suffers = arp.pre_emption_vulnerability == "pre-emptable"
    return xnap.QoSFlowLevelQoSParameters(
        qos_characteristics=_characteristics(of.qos_characteristics),
        allocation_and_retention_prio=xnap.AllocationandRetentionPriority(
            priority_level=arp.priority_level_arp,
            pre_emption_capability="may-trigger-preemption" if triggers else "shall-not-trigger-preemption",
            pre_emption_vulnerability="preemptable" if suffers else "not-preemptable",
        ),
        gbr_qos_flow_info=None
        if gbr is None
        else xnap.GBRQoSFlowInfo(
            max_flow_bit_rate_dl=gbr.maximum_flow_bit_rate_dl,
            max_flow_bit_rate_ul=gbr.maximum_flow_bit_rate_ul,
            guaranteed_flow_bit_rate_dl=gbr.guaranteed_flow_bit_rate_dl,
            guaranteed_flow_bit_rate_ul=gbr.guaranteed_flow_bit_rate_ul,
            notification_control=gbr.notification_control,
            max_packet_loss_rate_dl=gbr.maximum_packet_loss_rate_dl,
            max_packet_loss_rate_ul=gbr.maximum_packet_loss_rate_ul,
        ),
        reflective_qos=None if of.reflective_qos_attribute is None else "subject-to-reflective-QoS",
        additional_qos_flow_info=of.additional_qos_flow_information,
    )


def _qos_of(of: xnap.QoSFlowLevelQoSParameters) -> ngap.QosFlowLevelQosParameters:
    arp, gbr = of.allocation_and_retention_prio, of.gbr_qos_flow_info
    triggers = arp.pre_emption_capability == "may-trigger-preemption"
    suffers = arp.pre_emption_vulnerability == "preemptable"
    return ngap.QosFlowLevelQosParameters(
        qos_characteristics=_characteristics_of(of.qos_characteristics),
        allocation_and_retention_priority=ngap.AllocationAndRetentionPriority(
            priority_level_arp=arp.priority_level or 15,  # 0 to 15 here, 1 to 15 there
            pre_emption_capability="may-trigger-pre-emption" if triggers else "shall-not-trigger-pre-emption",
            pre_emption_vulnerability="pre-emptable" if suffers else "not-pre-emptable",
        ),
        gbr_qos_information=None
        if gbr is None
        else ngap.GBRQosInformation(
            maximum_flow_bit_rate_dl=gbr.max_flow_bit_rate_dl,
            maximum_flow_bit_rate_ul=gbr.max_flow_bit_rate_ul,
            guaranteed_flow_bit_rate_dl=gbr.guaranteed_flow_bit_rate_dl,
            guaranteed_flow_bit_rate_ul=gbr.guaranteed_flow_bit_rate_ul,
            notification_control=gbr.notification_control,
            maximum_packet_loss_rate_dl=gbr.max_packet_loss_rate_dl,
            maximum_packet_loss_rate_ul=gbr.max_packet_loss_rate_ul,
        ),
        reflective_qos_attribute=None if of.reflective_qos is None else "subject-to",
        additional_qos_flow_information=of.additional_qos_flow_info,
    )


def _characteristics(of: ngap.QosCharacteristics) -> xnap.QoSCharacteristics:
    told = of[1]
    budgets = {
        "averaging_window": told.averaging_window,
        "maximum_data_burst_volume": told.maximum_data_burst_volume,
        "cn_packet_delay_budget_downlink": told.cn_packet_delay_budget_dl,
        "cn_packet_delay_budget_uplink": told.cn_packet_delay_budget_ul,
    }
    if of[0] == "nonDynamic5QI":
        return "non-dynamic", xnap.NonDynamic5QIDescriptor(
            five_qi=of[1].five_qi, priority_level_qos=of[1].priority_level_qos, **budgets
        )
    dynamic = of[1]
    rate = dynamic.packet_error_rate
    return "dynamic", xnap.Dynamic5QIDescriptor(
        priority_level_qos=dynamic.priority_level_qos,
        packet_delay_budget=dynamic.packet_delay_budget,
        packet_error_rate=xnap.PacketErrorRate(per_scalar=rate.per_scalar, per_exponent=rate.per_exponent),
        five_qi=dynamic.five_qi,
        delay_critical=dynamic.delay_critical,
        extended_packet_delay_budget=dynamic.extended_packet_delay_budget,
        **budgets,
    )


def _characteristics_of(of: xnap.QoSCharacteristics) -> ngap.QosCharacteristics:
    told = of[1]
    budgets = {
        "averaging_window": told.averaging_window,
        "maximum_data_burst_volume": told.maximum_data_burst_volume,
        "cn_packet_delay_budget_dl": told.cn_packet_delay_budget_downlink,
        "cn_packet_delay_budget_ul": told.cn_packet_delay_budget_uplink,
    }
    if of[0] == "non-dynamic":
        return "nonDynamic5QI", ngap.NonDynamic5QIDescriptor(
            five_qi=of[1].five_qi, priority_level_qos=of[1].priority_level_qos, **budgets
        )
    dynamic = of[1]
    rate = dynamic.packet_error_rate
    return "dynamic5QI", ngap.Dynamic5QIDescriptor(
        priority_level_qos=dynamic.priority_level_qos,
        packet_delay_budget=dynamic.packet_delay_budget,
        packet_error_rate=ngap.PacketErrorRate(per_scalar=rate.per_scalar, per_exponent=rate.per_exponent),
        five_qi=dynamic.five_qi,
        delay_critical=dynamic.delay_critical,
        extended_packet_delay_budget=dynamic.extended_packet_delay_budget,
        **budgets,
    )


# PDCP counts, §9.2.1.14


def counts(of: Mapping[int, PdcpCounts]) -> list[xnap.DRBsSubjectToStatusTransferItem]:
    """A session has one DRB, which has its number."""
    return [
        xnap.DRBsSubjectToStatusTransferItem(
            drb_id=psi,
            pdcp_status_transfer_ul=_status(count.uplink),
            pdcp_status_transfer_dl=_status(count.downlink),
        )
        for psi, count in of.items()
    ]


def _status(count: int) -> xnap.DRBBStatusTransferChoice:
    value = xnap.COUNTPDCPSN18(pdcp_sn18=count % (1 << _SN), hfn_pdcp_sn18=count >> _SN)
    return "pdcp-sn-18bits", xnap.DRBBStatusTransfer18bitsSN(count_value=value)


def counts_of(told: Sequence[xnap.DRBsSubjectToStatusTransferItem]) -> dict[int, PdcpCounts]:
    return {
        item.drb_id: PdcpCounts(_count(item.pdcp_status_transfer_ul), _count(item.pdcp_status_transfer_dl))
        for item in told
    }


def _count(status: xnap.DRBBStatusTransferChoice) -> int:
    """Of either form, with sequence numbers of 12 or of 18 bits."""
    if status[0] == "pdcp-sn-18bits":
        long = status[1].count_value
        return long.hfn_pdcp_sn18 << _SN | long.pdcp_sn18
    short = status[1].count_value
    return short.hfn_pdcp_sn12 << 12 | short.pdcp_sn12


# what the AMF ordered about the UE


def location_reporting(
    of: Sequence[ngap.LocationReportingRequestType],
) -> xnap.LocationReportingInformation | None:
    """§9.2.3.47: reports at each change of cell. Areas of interest the AMF asks for anew where it wants them."""
    if all(one.event_type != "change-of-serve-cell" for one in of):
        return None
    return xnap.LocationReportingInformation(
        event_type="report-upon-change-of-serving-cell", report_area="cell"
    )


def location_reporting_of(
    told: xnap.LocationReportingInformation | None,
) -> tuple[ngap.LocationReportingRequestType, ...]:
    if told is None or told.event_type != "report-upon-change-of-serving-cell":
        return ()
    return (ngap.LocationReportingRequestType(event_type="change-of-serve-cell", report_area="cell"),)


def trace(of: Sequence[ngap.TraceActivation]) -> xnap.TraceActivation | None:
    """§9.2.3.55; XnAP has room for one."""
    if not of:
        return None
    first = of[0]
    return xnap.TraceActivation(
        ng_ran_trace_id=first.ngran_trace_id,
        interfaces_to_trace=first.interfaces_to_trace,
        trace_depth=first.trace_depth,
        trace_coll_address=first.trace_collection_entity_ip_address,
        trace_collection_entity_uri=first.trace_collection_entity_uri,
    )


def trace_of(told: xnap.TraceActivation) -> ngap.TraceActivation:
    return ngap.TraceActivation(
        ngran_trace_id=told.ng_ran_trace_id,
        interfaces_to_trace=told.interfaces_to_trace,
        trace_depth=told.trace_depth,
        trace_collection_entity_ip_address=told.trace_coll_address,
        trace_collection_entity_uri=told.trace_collection_entity_uri,
    )
