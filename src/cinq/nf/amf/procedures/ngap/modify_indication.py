"""PDU Session Resource Modify Indication, TS 38.413 §8.2.5: the gNB moves the tunnels of sessions."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.ngap.context_release import context_release
from cinq.nf.amf.procedures.ngap.handover import handover
from cinq.nf.amf.procedures.ngap.path_switch import path_switch
from cinq.nf.amf.ue import Ue, ue_of
from cinq.procedure import BESIDE, DEFER, IGNORE, Verdict, Why, collision, procedure
from cinq.sbi import Problem
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.services.nsmf_pdusession import (
    SmContextUpdateData,
    SmContextUpdateRefused,
    UpdateSmContextRequest,
)
from cinq.wire import ngap

Confirmed = ngap.PDUSessionResourceModifyItemModCfm
Failed = ngap.PDUSessionResourceFailedToModifyItemModCfm

WANTED = SmContextUpdateData(
    n2_sm_info=RefToBinaryData(content_id="n2SmInfo"), n2_sm_info_type="PDU_RES_MOD_IND"
)


@procedure(opens=ngap.PDUSessionResourceModifyIndication)
async def modify_indication(
    connection: NgConnection, indication: ngap.PDUSessionResourceModifyIndication
) -> None:
    """§8.2.5.2: each session's SMF decides; the confirm has the result of every one."""
    ue = ue_of(connection)
    connection.moved(indication.user_location_information)
    results = [
        await decide(ue, item.pdu_session_id, item.pdu_session_resource_modify_indication_transfer)
        for item in indication.pdu_session_resource_modify_list_mod_ind
    ]
    connection.send(
        ngap.PDUSessionResourceModifyConfirm(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            pdu_session_resource_modify_list_mod_cfm=[r for r in results if isinstance(r, Confirmed)] or None,
            pdu_session_resource_failed_to_modify_list_mod_cfm=[r for r in results if isinstance(r, Failed)]
            or None,
        )
    )


async def decide(ue: Ue, number: int, transfer: bytes) -> Confirmed | Failed:
    """Nsmf_PDUSession_UpdateSMContext, TS 29.502 §5.2.2.3.7."""
    sm = ue.context.sm_context(number)
    if sm is None:
        return failed(ue, number, unsuccessful("unknown-PDU-session-ID"), "the UE does not have it")
    request = UpdateSmContextRequest(json_data=WANTED, binary_data_n2_sm_information=transfer)
    try:
        answer = await ue.ports.nsmf.update_sm_context(sm.ref, request)
    except SmContextUpdateRefused as refused:
        return failed(ue, number, refused.n2_sm_information, str(refused))
    except Problem as problem:
        return failed(ue, number, unsuccessful("unspecified"), f"its SMF answers {problem}")
    confirm = answer.binary_data_n2_sm_information
    if answer.json_data.n2_sm_info_type != "PDU_RES_MOD_CFM" or confirm is None:
        return failed(ue, number, unsuccessful("unspecified"), "its SMF does not confirm it")
    return Confirmed(pdu_session_id=number, pdu_session_resource_modify_confirm_transfer=confirm)


def unsuccessful(cause: ngap.CauseRadioNetwork) -> bytes:
    """§9.3.4.22."""
    return ngap.encode_value(
        ngap.PDUSessionResourceModifyIndicationUnsuccessfulTransfer(cause=("radioNetwork", cause))
    )


def failed(ue: Ue, number: int, transfer: bytes, why: str) -> Failed:
    journal.note(ue, Why(f"the tunnel of PDU session {number} stays as it was: {why}"))
    return Failed(
        pdu_session_id=number, pdu_session_resource_modify_indication_unsuccessful_transfer=transfer
    )


@collision((modify_indication, handover), ngap.PDUSessionResourceModifyIndication)
def _(connection: NgConnection, indication: ngap.PDUSessionResourceModifyIndication) -> Verdict:
    return BESIDE


@collision(path_switch, ngap.PDUSessionResourceModifyIndication)
def _(connection: NgConnection, indication: ngap.PDUSessionResourceModifyIndication) -> Verdict:
    """The UE has left this gNB, or has just come: the SMFs are asked in order."""
    return DEFER


@collision(modify_indication, ngap.HandoverRequired, ngap.HandoverCancel)
def _(connection: NgConnection, message: object) -> Verdict:
    return DEFER


@collision(context_release, ngap.PDUSessionResourceModifyIndication)
def _(connection: NgConnection, indication: ngap.PDUSessionResourceModifyIndication) -> Verdict:
    return IGNORE("the connection is being released")
