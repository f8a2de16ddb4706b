"""What a PCF decides, and what UE and gNB answer to it."""

from __future__ import annotations

from cinq.nf.smf.session import PduSession
from cinq.sbi.models import Ambr
from cinq.sbi.services.npcf_smpolicycontrol import (
    FlowInformation,
    PccRule,
    QosData,
    SessionRule,
    SmPolicyDecision,
    TrafficControlData,
)
from cinq.wire import nas, ngap

from .world import World

MOMENT = 0.01
VOICE = "permit out 17 from 198.51.100.1 5004 to assigned"
VIDEO = "permit out 17 from 198.51.100.2 5006 to assigned"


def session_of(w: World) -> PduSession:
    """The one session of the scene."""
    (session,) = w.smf.sessions.by_identity.values()
    return session


def in_force(w: World) -> list[str]:
    """The PCC rules of it."""
    return [rule.name for rule in session_of(w).context.qos.rules if rule.name]


def rule(name: str, flow: str = VOICE, precedence: int = 10, *, for_ue: bool = True) -> PccRule:
    info = FlowInformation(flow_description=flow, packet_filter_usage=for_ue)
    return PccRule(
        pcc_rule_id=name, flow_infos=[info], precedence=precedence, ref_qos_data=[name], ref_tc_data=[name]
    )


def guaranteed(name: str, rate: str = "100 Kbps", five_qi: int = 1) -> QosData:
    return QosData(
        qos_id=name, five_qi=five_qi, gbr_ul=rate, gbr_dl=rate, maxbr_ul=rate, maxbr_dl=rate, qnc=True
    )


def gate(name: str, *, is_open: bool = True) -> TrafficControlData:
    return TrafficControlData(tc_id=name, flow_status="ENABLED" if is_open else "DISABLED")


def with_rule(name: str = "voice", rate: str = "100 Kbps", flow: str = VOICE) -> SmPolicyDecision:
    """One rule on a GBR flow of its own."""
    return SmPolicyDecision(
        pcc_rules={name: rule(name, flow)},
        qos_decs={name: guaranteed(name, rate)},
        traff_cont_decs={name: gate(name)},
        policy_ctrl_req_triggers=["QOS_NOTIF", "RES_MO_RE"],
    )


def without_rule(name: str = "voice") -> SmPolicyDecision:
    return SmPolicyDecision(pcc_rules={name: None})


def with_ambr(uplink: str, downlink: str) -> SmPolicyDecision:
    session = SessionRule(sess_rule_id="s", auth_sess_ambr=Ambr(uplink=uplink, downlink=downlink))
    return SmPolicyDecision(sess_rules={"s": session})


def commands(w: World) -> list[nas.PDUSessionModificationCommand]:
    return [m for m in w.amf.n1() if isinstance(m, nas.PDUSessionModificationCommand)]


def modify_requests(w: World) -> list[ngap.PDUSessionResourceModifyRequestTransfer]:
    found = []
    for transfer in w.amf.transfers:
        info = transfer.json_data.n2_info_container
        content = None if info is None or info.sm_info is None else info.sm_info.n2_info_content
        if content is not None and content.ngap_ie_type == "PDU_RES_MOD_REQ":
            assert transfer.binary_data_n2_information is not None
            found.append(
                ngap.decode_value(
                    ngap.PDUSessionResourceModifyRequestTransfer, transfer.binary_data_n2_information
                )
            )
    return found


def complete(pti: int = 0, psi: int = 1) -> bytes:
    return nas.encode(nas.PDUSessionModificationComplete(pdu_session_id=psi, pti=pti))


def command_reject(cause: int, pti: int = 0) -> bytes:
    return nas.encode(nas.PDUSessionModificationCommandReject(pdu_session_id=1, pti=pti, cause=cause))


def modify_response(done: tuple[int, ...] = (), failed: tuple[int, ...] = ()) -> bytes:
    return ngap.encode_value(
        ngap.PDUSessionResourceModifyResponseTransfer(
            qos_flow_add_or_modify_response_list=[
                ngap.QosFlowAddOrModifyResponseItem(qos_flow_identifier=qfi) for qfi in done
            ]
            or None,
            qos_flow_failed_to_add_or_modify_list=[
                ngap.QosFlowWithCauseItem(
                    qos_flow_identifier=qfi, cause=("radioNetwork", "radio-resources-not-available")
                )
                for qfi in failed
            ]
            or None,
        )
    )


def modify_unsuccessful(why: str) -> bytes:
    return ngap.encode_value(ngap.PDUSessionResourceModifyUnsuccessfulTransfer(cause=("radioNetwork", why)))
