"""What a gNB grants of the PDU session resources that it is asked for: setup, initial context and handover alike.

TS 38.413 §8.2.1.2 and §8.2.1.4: session by session, flow by flow, each with its cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cinq.ran.gnb.context import Flow, PduSession, Tunnel, UpSecurity
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, far_end, gtp_tunnel, s_nssai_of
from cinq.ran.gnb.settings import GnbSettings
from cinq.userplane.rules import RuleError
from cinq.wire import ngap

_GBR = frozenset((*range(1, 5), *range(65, 68), *range(71, 77), *range(82, 91)))
"""Standardised 5QI values of resource type GBR and delay-critical GBR, TS 23.501 table 5.7.4-1."""
Refused = dict[int, ngap.Cause]


@dataclass(slots=True)
class Granted:
    """What became of the sessions of one request.

    admitted: with the flows that were refused. failed: sessions that get nothing, and why.
    """

    admitted: dict[int, tuple[PduSession, Refused]] = field(default_factory=dict)
    failed: Refused = field(default_factory=dict)


def grant(
    n2: N2, ue: UeContext, items: Iterable[tuple[int, ngap.SNSSAI | None, bytes]], awaited: bool = False
) -> Granted:
    """Resources for the sessions of one request: identity, slice, and the SMF's transfer (§9.3.4.1).

    awaited: the UE is to arrive by a handover, so that it need not be reached.
    """
    wanted, granted = list(items), Granted()
    count = Counter(psi for psi, _, _ in wanted)
    for psi, slice_, transfer in wanted:
        try:
            if count[psi] > 1 or psi in ue.sessions:
                raise Unsuccessful(("radioNetwork", "multiple-PDU-session-ID-instances"))
            if not awaited:
                _reached(ue)
            session, refused = _session(n2, psi, slice_, transfer)
            _take(n2, ue, psi, session)
        except Unsuccessful as unsuccessful:
            granted.failed[psi] = unsuccessful.cause
        else:
            granted.admitted[psi] = session, refused
    return granted


def _reached(ue: UeContext) -> None:
    if ue.context.leaving is not None:
        raise Unsuccessful(("radioNetwork", ue.context.leaving))
    if not ue.reached:
        raise Unsuccessful(("radioNetwork", "radio-connection-with-ue-lost"))


def _take(n2: N2, ue: UeContext, psi: int, session: PduSession) -> None:
    try:
        ue.put(psi, session)
    except RuleError:
        n2.ports.bearers.free(session.tunnel)
        raise Unsuccessful(("radioNetwork", "radio-resources-not-available")) from None


def _session(
    n2: N2, psi: int, slice_: ngap.SNSSAI | None, transfer: bytes
) -> tuple[PduSession, dict[int, ngap.Cause]]:
    try:
        request = ngap.decode_value(ngap.PDUSessionResourceSetupRequestTransfer, transfer)
    except ngap.NgapError as error:
        raise Unsuccessful(("protocol", error.cause)) from None
    if request.pdu_session_type not in ("ipv4", "ipv6", "ipv4v6", "ethernet"):
        raise Unsuccessful(("radioNetwork", "unspecified"))
    s_nssai = None if slice_ is None else s_nssai_of(slice_)
    if s_nssai is not None and s_nssai not in n2.ports.settings.slices:
        raise Unsuccessful(("radioNetwork", "slice-not-supported"))
    upf, ul_teid = far_end(request.ul_ngu_up_tnl_information, n2.ports.bearers.ends)
    security = secured(n2.ports.settings, request.security_indication)
    flows, refused = _flows(n2, psi, request)
    rates = request.pdu_session_aggregate_maximum_bit_rate
    session = PduSession(
        Tunnel(upf, ul_teid, n2.ports.bearers.allocate_teid(), tuple(flow.qfi for flow in flows)),
        flows,
        s_nssai,
        request.pdu_session_type,
        (0, 0)
        if rates is None
        else (
            rates.pdu_session_aggregate_maximum_bit_rate_dl,
            rates.pdu_session_aggregate_maximum_bit_rate_ul,
        ),
        security,
    )
    denied = n2.ports.admission.session(psi, session)
    if denied is not None:
        n2.ports.bearers.free(session.tunnel)
        raise Unsuccessful(denied)
    return session, refused


def _flows(
    n2: N2, psi: int, request: ngap.PDUSessionResourceSetupRequestTransfer
) -> tuple[tuple[Flow, ...], dict[int, ngap.Cause]]:
    wanted = [
        Flow(item.qos_flow_identifier, item.qos_flow_level_qos_parameters)
        for item in request.qos_flow_setup_request_list
    ]
    if len({flow.qfi for flow in wanted}) != len(wanted):
        raise Unsuccessful(("radioNetwork", "multiple-qos-flow-ID-instances"))
    if request.pdu_session_aggregate_maximum_bit_rate is None and not all(is_gbr(flow) for flow in wanted):
        raise Unsuccessful(("protocol", "semantic-error"))  # §8.2.1.4
    flows, refused = admit_flows(n2, psi, wanted)
    if not flows:
        raise Unsuccessful(next(iter(refused.values())))
    return flows, refused


def admit_flows(
    n2: N2, psi: int, wanted: Iterable[Flow], before: Iterable[Flow] = ()
) -> tuple[tuple[Flow, ...], dict[int, ngap.Cause]]:
    """Those that are taken, and the cause for each other. before: flows whose guaranteed rates are given back."""
    flows: list[Flow] = []
    refused: dict[int, ngap.Cause] = {}
    free = _free(n2, before)
    for flow in wanted:
        cause = _faulty(flow) or n2.ports.admission.flow(psi, flow)
        rates = flow.guaranteed
        if cause is None and free is not None and (rates[0] > free[0] or rates[1] > free[1]):
            cause = ("radioNetwork", "radio-resources-not-available")
        if cause is not None:
            refused[flow.qfi] = cause
            continue
        flows.append(flow)
        if free is not None:
            free = free[0] - rates[0], free[1] - rates[1]
    return tuple(flows), refused


def is_gbr(flow: Flow) -> bool:
    """By its GBR QoS Flow Information, or by its 5QI."""
    if flow.qos is None:
        return False
    characteristics = flow.qos.qos_characteristics
    return flow.qos.gbr_qos_information is not None or (
        characteristics[0] == "nonDynamic5QI" and characteristics[1].five_qi in _GBR
    )


def _faulty(flow: Flow) -> ngap.Cause | None:
    """§8.2.1.4: a GBR flow without its rates, a delay-critical one without its burst volume."""
    if flow.qos is None:
        return None
    if is_gbr(flow) and flow.qos.gbr_qos_information is None:
        return "radioNetwork", "invalid-qos-combination"
    characteristics = flow.qos.qos_characteristics
    if characteristics[0] == "dynamic5QI":
        dynamic = characteristics[1]
        if dynamic.delay_critical == "delay-critical" and dynamic.maximum_data_burst_volume is None:
            return "radioNetwork", "invalid-qos-combination"
    return None


def _free(n2: N2, before: Iterable[Flow]) -> tuple[int, int] | None:
    """Guaranteed rates that can still be promised, downlink and uplink. None: without end."""
    capacity = n2.ports.settings.gbr_capacity_mbps * 1_000_000
    if not capacity:
        return None
    down = up = capacity
    for ue in n2.ues.values():
        for session in ue.sessions.values():
            for flow in session.flows:
                down, up = down - flow.guaranteed[0], up - flow.guaranteed[1]
    for flow in before:
        down, up = down + flow.guaranteed[0], up + flow.guaranteed[1]
    return down, up


def secured(settings: GnbSettings, wanted: ngap.SecurityIndication | None) -> UpSecurity | None:
    """§8.2.1.2: what is required is done or the session fails; what is preferred is done where it can be."""
    if wanted is None:
        return None
    if wanted.integrity_protection_indication == "required" and not settings.up_integrity:
        raise Unsuccessful(("radioNetwork", "up-integrity-protection-not-possible"))
    if wanted.confidentiality_protection_indication == "required" and not settings.up_ciphering:
        raise Unsuccessful(("radioNetwork", "up-confidentiality-protection-not-possible"))
    return UpSecurity(
        wanted,
        settings.up_integrity and wanted.integrity_protection_indication != "not-needed",
        settings.up_ciphering and wanted.confidentiality_protection_indication != "not-needed",
    )


def result(security: UpSecurity | None) -> ngap.SecurityResult | None:
    """Security Result is told where something was only preferred."""
    if security is None:
        return None
    wanted = security.wanted
    preferred = "preferred" in (
        wanted.integrity_protection_indication,
        wanted.confidentiality_protection_indication,
    )
    return security.result if preferred else None


def with_cause(refused: dict[int, ngap.Cause]) -> list[ngap.QosFlowWithCauseItem] | None:
    """A list of QoS flows with their causes; None for none."""
    items = [ngap.QosFlowWithCauseItem(qos_flow_identifier=qfi, cause=why) for qfi, why in refused.items()]
    return items or None


def response_transfer(n2: N2, session: PduSession, refused: dict[int, ngap.Cause]) -> bytes:
    """PDU Session Resource Setup Response Transfer, §9.3.4.2."""
    downlink = ngap.QosFlowPerTNLInformation(
        up_transport_layer_information=gtp_tunnel(n2.ports.bearers.ends, session.tunnel.dl_teid),
        associated_qos_flow_list=[
            ngap.AssociatedQosFlowItem(qos_flow_identifier=flow.qfi) for flow in session.flows
        ],
    )
    return ngap.encode_value(
        ngap.PDUSessionResourceSetupResponseTransfer(
            dl_qos_flow_per_tnl_information=downlink,
            security_result=result(session.security),
            qos_flow_failed_to_setup_list=with_cause(refused),
        )
    )


def unsuccessful_transfer(cause: ngap.Cause) -> bytes:
    """PDU Session Resource Setup Unsuccessful Transfer, §9.3.4.16."""
    return ngap.encode_value(ngap.PDUSessionResourceSetupUnsuccessfulTransfer(cause=cause))
