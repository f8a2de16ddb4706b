"""Path Switch Request, TS 38.413 §8.4.4: the target of an Xn handover tells the AMF where the UE is."""

from __future__ import annotations

import msgspec

from cinq.procedure import Declined, Refused, Timer, TimerExpired, procedure
from cinq.ran.gnb.context import PduSession
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, far_end, gtp_tunnel, s_nssai_of
from cinq.ran.gnb.procedures import location_reporting, rrc_inactive
from cinq.ran.gnb.procedures.session_resources import secured
from cinq.ran.gnb.procedures.ue_context_suspend import next_hop
from cinq.ran.gnb.signals import SwitchPath
from cinq.wire import ngap, xnap

PATH_SWITCH = Timer("Path Switch Request", 10, 0)


@procedure(opens=SwitchPath)
async def path_switch(ue: UeContext, wanted: SwitchPath) -> None:
    """TS 23.502 §4.9.1.2.2. Afterwards the source is told by Xn to forget the UE.

    Refused: PATH SWITCH REQUEST FAILURE. Then, and when the AMF is silent, the UE is released here too.
    """
    request = _request(ue, wanted)
    try:
        answer = await ue.ask(
            request, ngap.PathSwitchRequestAcknowledge, ngap.PathSwitchRequestFailure, timer=PATH_SWITCH
        )
    except TimerExpired:
        _give_up(ue, "the path switch was not answered")
        raise
    except Declined as declined:
        _give_up(ue, declined.reason)
        raise
    if isinstance(answer, ngap.PathSwitchRequestFailure):
        reason = f"Path Switch Request Failure{_causes(answer)}"
        _give_up(ue, reason)
        raise Refused(None, reason)
    _switched(ue, answer)
    _release_source(ue)
    rrc_inactive.requested(ue, answer.rrc_inactive_transition_report_request)
    if answer.rrc_inactive_transition_report_request not in (None, "cancel-report"):
        rrc_inactive.report(ue)
    location_reporting.arrived(ue)


def _request(ue: UeContext, wanted: SwitchPath) -> ngap.PathSwitchRequest:
    capabilities = ue.context.capabilities
    assert capabilities is not None
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemPSReq(
            pdu_session_id=psi,
            path_switch_request_setup_failed_transfer=ngap.encode_value(
                ngap.PathSwitchRequestSetupFailedTransfer(cause=cause)
            ),
        )
        for psi, cause in wanted.failed
    ]
    return ngap.PathSwitchRequest(
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        source_amf_ue_ngap_id=wanted.source_amf_ue_ngap_id,
        user_location_information=ue.location,
        ue_security_capabilities=capabilities,
        pdu_session_resource_to_be_switched_dl_list=[
            ngap.PDUSessionResourceToBeSwitchedDLItem(
                pdu_session_id=psi, path_switch_request_transfer=_transfer(ue, session)
            )
            for psi, session in ue.sessions.items()
        ],
        pdu_session_resource_failed_to_setup_list_ps_req=failed or None,
        rrc_resume_cause=wanted.resume,
    )


def _transfer(ue: UeContext, session: PduSession) -> bytes:
    """Path Switch Request Transfer, §9.3.4.8."""
    security = session.security
    told = None
    if security is not None:
        told = ngap.UserPlaneSecurityInformation(
            security_result=security.result, security_indication=security.wanted
        )
    return ngap.encode_value(
        ngap.PathSwitchRequestTransfer(
            dl_ngu_up_tnl_information=gtp_tunnel(ue.n2.ports.bearers.ends, session.tunnel.dl_teid),
            user_plane_security_information=told,
            qos_flow_accepted_list=[
                ngap.QosFlowAcceptedItem(qos_flow_identifier=qfi) for qfi in session.qfis
            ],
        )
    )


def _switched(ue: UeContext, answer: ngap.PathSwitchRequestAcknowledge) -> None:
    """§8.4.4.2: the next pair {NH, NCC} is for the next handover."""
    allowed: list[ngap.AllowedNSSAIItem] | None = answer.allowed_nssai
    new_key = answer.new_security_context_ind is not None
    keys = ue.context.keys.with_next(*next_hop(answer.security_context), new_key)
    changes: dict[str, object] = {"keys": keys}
    if allowed is not None:
        changes["allowed_nssai"] = tuple(s_nssai_of(item.s_nssai) for item in allowed)
    if answer.ue_security_capabilities is not None:
        changes["capabilities"] = answer.ue_security_capabilities
    if answer.core_network_assistance_information_for_inactive is not None:
        changes["inactive_assistance"] = answer.core_network_assistance_information_for_inactive
    ue.commit(**changes)
    if new_key:  # §6.9.2.3.2: taken into use at once
        ue.commit(keys=keys.for_target(ue.cell.pci, ue.cell.arfcn))
        ue.link.rekey(ue)
    for released in answer.pdu_session_resource_released_list_ps_ack or ():
        ue.drop(released.pdu_session_id)
    for item in answer.pdu_session_resource_switched_list:
        session = ue.sessions.get(item.pdu_session_id)
        if session is not None:
            changed = _changed(ue, session, item.path_switch_request_acknowledge_transfer)
            ue.put(item.pdu_session_id, changed)


def _changed(ue: UeContext, session: PduSession, octets: bytes) -> PduSession:
    """A transfer that cannot be read changes nothing."""
    changes: dict[str, object] = {}
    try:
        transfer = ngap.decode_value(ngap.PathSwitchRequestAcknowledgeTransfer, octets)
        if transfer.ul_ngu_up_tnl_information is not None:
            upf, ul_teid = far_end(transfer.ul_ngu_up_tnl_information, ue.n2.ports.bearers.ends)
            changes["tunnel"] = msgspec.structs.replace(session.tunnel, upf=upf, ul_teid=ul_teid)
        if transfer.security_indication is not None:
            changes["security"] = secured(ue.n2.ports.settings, transfer.security_indication)
    except (ngap.NgapError, Unsuccessful):
        return session
    return msgspec.structs.replace(session, **changes)


def _release_source(ue: UeContext) -> None:
    """UE CONTEXT RELEASE, TS 38.423 §8.2.7. The source's counts may still be to come."""
    if ue.came and ue.neighbour_id is not None:
        ue.tell_neighbour(
            xnap.UEContextRelease(
                source_ng_ran_node_ue_xnap_id=ue.neighbour_id,
                target_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
            )
        )


def _give_up(ue: UeContext, reason: str) -> None:
    """No session could be switched (§8.4.4.3): the UE is released, and goes idle."""
    ue.n2.forget(ue, reason)
    _release_source(ue)


def _causes(answer: ngap.PathSwitchRequestFailure) -> str:
    causes = []
    for item in answer.pdu_session_resource_released_list_ps_fail:
        try:
            transfer = ngap.decode_value(
                ngap.PathSwitchRequestUnsuccessfulTransfer, item.path_switch_request_unsuccessful_transfer
            )
        except ngap.NgapError:
            continue
        causes.append(f"session {item.pdu_session_id} {'/'.join(map(str, transfer.cause))}")
    return f": {', '.join(causes)}" if causes else ""
