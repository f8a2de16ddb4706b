"""Xn handover, TS 38.423 §8.2.1 to §8.2.3 and §8.2.7, TS 38.300 §9.2.3.2: the source, and what the target answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

import msgspec

from cinq.procedure import Declined, Refused, Timer, TimerExpired, Why, procedure
from cinq.ran.gnb.context import CellId, PdcpCounts, PduSession, Tunnel, TunnelEnd, UeState
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import UNREACHABLE, Unsuccessful, algorithms
from cinq.ran.gnb.n2.reasons import why
from cinq.ran.gnb.n2.ue import OnXn
from cinq.ran.gnb.procedures import trace, ue_context_release
from cinq.ran.gnb.procedures.handover_preparation import history, overall_expired
from cinq.ran.gnb.procedures.session_resources import admit_flows, secured
from cinq.ran.gnb.signals import HandOverByN2, HandOverByXn, SwitchPath
from cinq.ran.gnb.xn import diagnosis, elements, ue_information
from cinq.ran.gnb.xn.association import Xn
from cinq.ran.gnb.xn.elements import Unreadable, cause, cause_of, said
from cinq.ran.radio import rrc
from cinq.transport_address import TransportAddress
from cinq.wire import ngap, xnap

MOST_PREPARED = 256
"""UEs that one neighbour may have prepared here at a time."""
_CANCELLED: xnap.Cause = ("radioNetwork", "procedure-cancelled")
_NOT_ITS_AMF: xnap.Cause = ("radioNetwork", "unknown-GUAMI-ID")
log = logging.getLogger("cinq.ran.gnb")

# the source


async def handed_over(
    ue: UeContext, target: CellId, via: Literal["xn", "n2"] | None, cause: ngap.Cause
) -> None:
    """By Xn where there is one; by N2 where there is none, or where Xn itself fails (TS 23.502 §4.9.1.3.1).

    A target that has no room for the UE is not asked twice. via: this way alone. Raises what the last way raises.
    """
    xn = ue.n2.xn(target.gnb)
    if via == "xn" or (via is None and xn is not None):
        try:
            await ue.demand(HandOverByXn(target, cause))
            return
        except (Refused, TimerExpired) as failed:
            if via == "xn" or not _n2_may_do(failed):
                raise
            log.info("%s: by Xn: %s; by N2 then", ue.label, failed)
    await ue.demand(HandOverByN2(target, cause, xn is not None))


def _n2_may_do(failed: Refused | TimerExpired) -> bool:
    """The target is silent on Xn, has no way to the UE's AMF or UPF, or did not understand."""
    if isinstance(failed, TimerExpired | Declined):
        return True
    if not isinstance(failed.answer, xnap.HandoverPreparationFailure):
        return False
    cause = failed.answer.cause
    return cause[0] in ("transport", "protocol") or cause == _NOT_ITS_AMF


@procedure(opens=HandOverByXn)
async def xn_handover(ue: UeContext, wanted: HandOverByXn) -> None:
    """TS 23.502 §4.9.1.2.2 as the source has it. Refused: the UE stays. TimerExpired: TXnRELOCprep, likewise."""
    ue.require()
    xn = ue.n2.xn(wanted.target.gnb)
    if xn is None:
        raise Refused(None, _no_xn(wanted.target))
    answer = await prepare(ue, xn, wanted)  # TS 38.300 §9.2.3.2.1, steps 2 to 5
    settings, target_ue = ue.n2.ports.settings, answer.target_ng_ran_node_ue_xnap_id

    def left(counts: Mapping[int, PdcpCounts]) -> None:  # step 7
        told = {psi: count for psi, count in counts.items() if psi in ue.sessions}
        if told:
            ue.tell_neighbour(
                xnap.SNStatusTransfer(
                    source_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
                    target_ng_ran_node_ue_xnap_id=target_ue,
                    drbs_subject_to_status_transfer_list=ue_information.counts(told),
                )
            )

    ue.relocates(settings.t_ng_reloc_overall_s, lambda: overall_expired(ue, "txnrelocoverall-expiry"))
    container = answer.target2_source_ng_ran_node_transp_container
    try:
        arrived = await ue.link.hand_over(wanted.target, container, left, forwarding_of(answer))  # step 6
    finally:
        gone = ue_context_release.owed(ue)
    if gone:
        return
    if not arrived:
        ue.stays()
        cancel(ue, _CANCELLED)
        raise Refused(None, f"the UE did not arrive in {wanted.target}")
    if ue.neighbour_id is None:  # UE CONTEXT RELEASE came while the UE was still leaving
        ue.n2.forget(ue, "successful handover")


async def prepare(ue: UeContext, xn: Xn, wanted: HandOverByXn) -> xnap.HandoverRequestAcknowledge:
    """Handover Preparation, §8.2.1."""
    settings = ue.n2.ports.settings
    timer = Timer("TXnRELOCprep", settings.t_xn_reloc_prep_s, 0)
    message = OnXn(xn, request(ue, wanted))
    ue.commit(leaving="xn-handover-triggered")
    ue.goes_by(xn)
    try:
        answer = await ue.ask(
            message,
            xnap.HandoverRequestAcknowledge,
            xnap.HandoverPreparationFailure,
            timer=timer,
        )
    except TimerExpired:
        cancel(ue, ("radioNetwork", "tXnRELOCprep-expiry"))
        raise
    except Declined:
        cancel(ue, _CANCELLED)
        raise
    except BaseException:  # aborted: the UE is gone, or somebody cancels
        cancel(ue, _CANCELLED)
        raise
    if isinstance(answer, xnap.HandoverPreparationFailure):
        _stays(ue)
        reason = why("Xn Handover Preparation Failure", cause_of(answer.cause), settings, wanted.target)
        raise Refused(answer, reason if cause_of(answer.cause)[1] != "unspecified" else _as_told(answer))
    ue.goes_by(xn, answer.target_ng_ran_node_ue_xnap_id)
    return answer


def _as_told(answer: xnap.HandoverPreparationFailure) -> Why:
    return Why(f"Xn Handover Preparation Failure: {said(answer.cause)}")


def _no_xn(target: CellId) -> Why:
    return Why(
        f"there is no Xn to gNB {target.gnb}",
        "start both gNBs in one cinq gnb, name its address in xn_neighbours, or hand over by N2",
    )


def cancel(ue: UeContext, why: xnap.Cause) -> None:
    """HANDOVER CANCEL, §8.2.3: the target gives up what it has prepared, the UE stays."""
    ue.tell_neighbour(
        xnap.HandoverCancel(
            source_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
            target_ng_ran_node_ue_xnap_id=ue.neighbour_id,
            cause=why,
        )
    )
    _stays(ue)


def _stays(ue: UeContext) -> None:
    ue.commit(leaving=None)
    ue.neighbour = ue.neighbour_id = None


def request(ue: UeContext, wanted: HandOverByXn) -> xnap.HandoverRequest:
    """HANDOVER REQUEST, §9.1.1.1; the key is that of the target's cell (TS 33.501 §6.9.2.3.2). Refused: the AMF has not
    told enough of the UE."""
    known, target = ue.context, wanted.target
    if known.guami is None or known.capabilities is None or ue.amf_ue_ngap_id is None:
        raise Refused(None, f"{ue.label} has no context that a neighbour could take over")
    if not ue.sessions:  # TS 38.413 §9.2.3.8: a PATH SWITCH REQUEST has one session at least
        raise Refused(None, f"{ue.label} has no PDU session, without which no path can be switched")
    container = ue_information.restriction(known.mobility_restriction)
    return xnap.HandoverRequest(
        source_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
        cause=cause(wanted.cause),
        target_cell_global_id=("nr", elements.nr_cgi(target)),
        guami=ue_information.guami(known.guami),
        ue_context_info_ho_request=xnap.UEContextInfoHORequest(
            ng_c_ue_reference=ue.amf_ue_ngap_id,
            cp_tnl_info_source=amf_of(ue),
            ue_security_capabilities=ue_information.capabilities(known.capabilities),
            security_information=ue_information.security(known.keys.for_target(target.pci, target.arfcn)),
            ue_ambr=ue_information.ambr(known.ambr),
            pdu_session_resources_to_be_setup_list=ue_information.sessions(ue.sessions),
            rrc_context=rrc.HANDOVER_PREPARATION_INFORMATION,
            location_reporting_information=ue_information.location_reporting(known.location_reports),
            five_gc_mobility_restriction_list_container=container,
        ),
        ue_history_information=ue_information.history(history(ue)),
        trace_activation=ue_information.trace(known.traces),
    )


def amf_of(ue: UeContext) -> xnap.CPTransportLayerInformation:
    """Where the source reaches the AMF, §9.2.3.31."""
    return "endpointIPAddress", TransportAddress.of(ue.n2.ports.settings.amf_address).bits


def forwarding_of(answer: xnap.HandoverRequestAcknowledge) -> dict[int, TunnelEnd]:
    """Where downlink packets of each session go on to (§9.2.1.16); a session without such a tunnel loses them."""
    found: dict[int, TunnelEnd] = {}
    for item in answer.pdu_session_resources_admitted_list:
        told = item.pdu_session_resource_admitted_info.data_forwarding_info_from_target
        if told is not None and told.pdu_session_level_dl_data_forwarding_info is not None:
            try:
                end = elements.tunnel_end(told.pdu_session_level_dl_data_forwarding_info)
            except Unreadable:
                continue
            found[item.pdu_session_id] = end
    return found


def released(n2: N2, xn: Xn, message: xnap.UEContextRelease) -> None:
    """UE CONTEXT RELEASE, §8.2.7: nothing is said on N2, the AMF knows. Only of a UE that went there."""
    ue = of_source(n2, xn, message.source_ng_ran_node_ue_xnap_id, message.target_ng_ran_node_ue_xnap_id)
    if ue is None:
        xn.send(diagnosis.about(message, ("radioNetwork", "unknown-local-NG-RAN-node-UE-XnAP-ID")))
    elif ue.link.is_leaving(ue):
        ue.neighbour_id = None  # it is told twice to the UE otherwise; its handover ends with its leaving
    else:
        n2.forget(ue, "successful handover")


def of_source(n2: N2, xn: Xn, ours: int, theirs: int) -> UeContext | None:
    """The UE that went to this neighbour, and is known there as this."""
    ue = n2.ues.get(ours)
    mine = ue is not None and not ue.came and ue.neighbour is xn and ue.neighbour_id == theirs
    return ue if mine else None


# the target


def requested(n2: N2, xn: Xn, message: xnap.HandoverRequest) -> None:
    """HANDOVER REQUEST, §8.2.1: session by session, flow by flow, as an N2 handover is."""
    source_ue = message.source_ng_ran_node_ue_xnap_id
    try:
        answer: xnap.Pdu = _prepared(n2, xn, message)
    except Unsuccessful as refused:
        answer = _refused(source_ue, cause(refused.cause))
    except Unreadable:
        answer = _refused(source_ue, ("protocol", "semantic-error"))
    except _UnknownGuami:
        answer = _refused(source_ue, _NOT_ITS_AMF)
    xn.send(answer)


class _UnknownGuami(Exception):
    """The UE's AMF is not that of this gNB: the handover has to go by N2."""


def _refused(source_ue: int, cause: xnap.Cause) -> xnap.HandoverPreparationFailure:
    return xnap.HandoverPreparationFailure(source_ng_ran_node_ue_xnap_id=source_ue, cause=cause)


def _prepared(n2: N2, xn: Xn, message: xnap.HandoverRequest) -> xnap.HandoverRequestAcknowledge:
    source_ue, cell = message.source_ng_ran_node_ue_xnap_id, _cell(n2, xn, message)
    told = _told(n2, message)
    for known in [one for one in n2.ues.values() if one.neighbour is xn and one.neighbour_id == source_ue]:
        if n2.connections.awaits(known):  # asked again: the later request counts
            n2.forget(known, "prepared anew")
    failed: dict[int, ngap.Cause] = {}

    def arrived(ue: UeContext) -> None:
        ue.stays()
        ue.want(SwitchPath(told.amf_ue_ngap_id, failed=tuple(failed.items())))

    ue, c_rnti = n2.connections.expect(cell, arrived)
    ue.comes_by(xn, source_ue)
    ue.commit(**msgspec.structs.asdict(told.state))
    failed |= take_sessions(n2, ue, told.sessions, told.forwarded)
    if not ue.sessions:
        n2.forget(ue, "no session admitted")
        raise Unsuccessful(next(iter(failed.values()), ("radioNetwork", "unspecified")))
    if message.trace_activation is not None:
        trace.activate(ue, ue_information.trace_of(message.trace_activation))
    ue.relocates(n2.settings.t_ng_reloc_overall_s, lambda: n2.forget(ue, "the UE did not come"))
    return _acknowledge(n2, ue, message, told, failed, c_rnti)


def _cell(n2: N2, xn: Xn, message: xnap.HandoverRequest) -> CellId:
    """The cell that is meant. Unsuccessful: it is none of ours, or takes nobody like this (§8.2.1.3)."""
    wanted = message.target_cell_global_id
    cell = next((one for one in n2.cells if wanted == ("nr", elements.nr_cgi(one))), None)
    if cell is None or n2.context.state != "up":
        raise Unsuccessful(("radioNetwork", "cell-not-available"))
    denied = n2.ports.admission.handover(cell)
    if denied is not None:
        raise Unsuccessful(denied)
    prepared = sum(ue.neighbour is xn and n2.connections.awaits(ue) for ue in n2.ues.values())
    if prepared >= MOST_PREPARED:
        raise Unsuccessful(("radioNetwork", "no-radio-resources-available-in-target-cell"))
    return cell


def _told(n2: N2, message: xnap.HandoverRequest) -> ue_information.Told:
    """What the request says of the UE. Unreadable, Unsuccessful, _UnknownGuami."""
    told = message.ue_context_info_ho_request
    guami = ue_information.guami_of(message.guami)
    if n2.context.guamis and guami not in n2.context.guamis:
        raise _UnknownGuami
    capabilities = ue_information.capabilities_of(told.ue_security_capabilities)
    integrity, ciphering = algorithms(capabilities)
    state = UeState(
        has_context=True,
        guami=guami,
        keys=ue_information.keys_of(told.security_information),
        capabilities=capabilities,
        nr_integrity=integrity,
        nr_ciphering=ciphering,
        ambr=ue_information.ambr_of(told.ue_ambr),
        mobility_restriction=ue_information.restriction_of(
            told.five_gc_mobility_restriction_list_container, told.mrl
        ),
        location_reports=ue_information.location_reporting_of(told.location_reporting_information),
        history=ue_information.history_of(message.ue_history_information),
    )
    items = [] if message.no_pdu_session_indication else told.pdu_session_resources_to_be_setup_list
    sessions = ue_information.sessions_of(items, n2.ports.bearers.ends)
    return ue_information.Told(told.ng_c_ue_reference, state, sessions, ue_information.forwarded(items))


def _acknowledge(
    n2: N2,
    ue: UeContext,
    message: xnap.HandoverRequest,
    told: ue_information.Told,
    failed: dict[int, ngap.Cause],
    c_rnti: int,
) -> xnap.HandoverRequestAcknowledge:
    """HANDOVER REQUEST ACKNOWLEDGE, §9.1.1.2."""
    not_admitted = [
        xnap.PDUSessionResourcesNotAdmittedItem(pdu_session_id=psi, cause=cause(reason))
        for psi, reason in failed.items()
    ]
    return xnap.HandoverRequestAcknowledge(
        source_ng_ran_node_ue_xnap_id=message.source_ng_ran_node_ue_xnap_id,
        target_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
        pdu_session_resources_admitted_list=[
            xnap.PDUSessionResourcesAdmittedItem(
                pdu_session_id=psi,
                pdu_session_resource_admitted_info=_admitted(n2, session, told.sessions[psi]),
            )
            for psi, session in ue.sessions.items()
        ],
        pdu_session_resources_not_admitted_list=not_admitted or None,
        target2_source_ng_ran_node_transp_container=rrc.encode(
            rrc.HandoverCommand(c_rnti, told.state.keys.used_ncc)
        ),
    )


def _admitted(n2: N2, session: PduSession, asked: PduSession) -> xnap.PDUSessionResourceAdmittedInfo:
    """§9.2.1.2. asked: the session as the source has it."""
    forwarding = None
    if session.tunnel.forwarding:
        forwarding = xnap.DataForwardingInfoFromTargetNGRANnode(
            qos_flows_accepted_for_data_forwarding_list=[
                xnap.QoSFLowsAcceptedToBeForwardedItem(qos_flow_identifier=qfi) for qfi in session.qfis
            ],
            pdu_session_level_dl_data_forwarding_info=elements.tunnel(
                n2.ports.bearers.ends, session.tunnel.forwarding
            ),
        )
    refused = [
        xnap.QoSFlowwithCauseItem(qfi=qfi, cause=("radioNetwork", "no-radio-resources-available"))
        for qfi in asked.qfis
        if qfi not in session.qfis
    ]
    return xnap.PDUSessionResourceAdmittedInfo(
        qos_flows_admitted_list=[xnap.QoSFlowsAdmittedItem(qfi=qfi) for qfi in session.qfis],
        qos_flows_not_admitted_list=refused or None,
        data_forwarding_info_from_target=forwarding,
    )


def take_sessions(
    n2: N2, ue: UeContext, sessions: Mapping[int, PduSession], forwarded: frozenset[int]
) -> dict[int, ngap.Cause]:
    """The sessions of another gNB, with tunnels of our own. Returns those that are not admitted, and why."""
    failed: dict[int, ngap.Cause] = {}
    for psi, session in sessions.items():
        try:
            ue.put(psi, _taken(n2, psi, session, psi in forwarded))
        except Unsuccessful as refused:
            failed[psi] = refused.cause
    return failed


def _taken(n2: N2, psi: int, session: PduSession, forwarded: bool) -> PduSession:
    if session.s_nssai is not None and session.s_nssai not in n2.ports.settings.slices:
        raise Unsuccessful(("radioNetwork", "slice-not-supported"))
    denied = n2.ports.admission.session(psi, session)
    if denied is not None:
        raise Unsuccessful(denied)
    security = None if session.security is None else secured(n2.ports.settings, session.security.wanted)
    flows, refused = admit_flows(n2, psi, session.flows)
    if not flows:
        raise Unsuccessful(next(iter(refused.values())))
    qfis = tuple(flow.qfi for flow in flows)
    bearers, known = n2.ports.bearers, session.tunnel
    if bearers.ends.beside(known.upf) is None:
        raise Unsuccessful(UNREACHABLE)
    forwarding = bearers.allocate_teid() if forwarded else 0
    tunnel = Tunnel(known.upf, known.ul_teid, bearers.allocate_teid(), qfis, forwarding)
    return msgspec.structs.replace(session, flows=flows, tunnel=tunnel, security=security)


def status(n2: N2, xn: Xn, message: xnap.SNStatusTransfer) -> None:
    """SN STATUS TRANSFER, §8.2.2, of a UE that comes from this neighbour."""
    ue = _coming(n2, xn, message.source_ng_ran_node_ue_xnap_id, message.target_ng_ran_node_ue_xnap_id)
    if ue is None:
        xn.send(diagnosis.about(message, ("radioNetwork", "unknown-local-NG-RAN-node-UE-XnAP-ID")))
        return
    counts = ue_information.counts_of(message.drbs_subject_to_status_transfer_list)
    ue.counts_told({psi: count for psi, count in counts.items() if psi in ue.sessions})


def cancelled(n2: N2, xn: Xn, message: xnap.HandoverCancel) -> None:
    """HANDOVER CANCEL, §8.2.3: what was made ready is given up. Of a UE that is not awaited: ignored (§8.2.3.3)."""
    ue = _coming(n2, xn, message.source_ng_ran_node_ue_xnap_id, message.target_ng_ran_node_ue_xnap_id)
    if ue is not None and n2.connections.awaits(ue):
        n2.forget(ue, said(message.cause))


def _coming(n2: N2, xn: Xn, theirs: int, ours: int | None) -> UeContext | None:
    """The UE that comes from this neighbour, where it is known as `theirs`; ours: None where it was not told yet."""
    known = n2.ues.values() if ours is None else [ue for ue in (n2.ues.get(ours),) if ue is not None]
    return next((ue for ue in known if ue.came and ue.neighbour is xn and ue.neighbour_id == theirs), None)
