"""What SMFs are asked while a UE moves between gNBs: TS 29.502 §5.2.2.3.3 (Xn) and §5.2.2.3.4 (N2)."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.context import SmContext
from cinq.nf.amf.ue import Ue
from cinq.numbering import GnbId
from cinq.numbering import Tai as TaiId
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.models import GlobalRanNodeId, GNbId, NgRanTargetId, PlmnId, RefToBinaryData, Tai, UserLocation
from cinq.sbi.services.nsmf_pdusession import (
    N2SmInfoType,
    SmContextUpdateData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)

INFO = RefToBinaryData(content_id="n2SmInfo")
GNB = "the gNB: its address on N3, and what it answered (cinq trace live)"


async def update(
    ue: Ue, sm: SmContext, data: SmContextUpdateData, transfer: bytes | None = None
) -> UpdateSmContextResponse | None:
    """Nsmf_PDUSession_UpdateSMContext. None when the SMF refuses, which is noted: that session does not move."""
    request = UpdateSmContextRequest(json_data=data, binary_data_n2_sm_information=transfer)
    try:
        return await ue.ports.nsmf.update_sm_context(sm.ref, request)
    except Problem as problem:
        text = f"not carried: PDU session {sm.pdu_session_id} does not move: its SMF answers {problem}"
        journal.note(ue, Why(text, problem.why.mend or GNB))
        return None


def transfer_of(answer: UpdateSmContextResponse | None, kind: N2SmInfoType) -> bytes | None:
    """The N2 SM information of this kind in an answer."""
    if answer is None or answer.json_data.n2_sm_info_type != kind:
        return None
    return answer.binary_data_n2_sm_information


def switch(transfer_kind: N2SmInfoType, where: UserLocation | None = None) -> SmContextUpdateData:
    """Xn: the session is at the target, or the target had no resources for it. where: the UE is."""
    failed = transfer_kind == "PATH_SWITCH_SETUP_FAIL"
    return SmContextUpdateData(
        ue_location=where,
        to_be_switched=None if failed else True,
        failed_to_be_switched=True if failed else None,
        n2_sm_info=INFO,
        n2_sm_info_type=transfer_kind,
    )


def preparing(target: GnbId, tai: TaiId, indirect: bool) -> SmContextUpdateData:
    """N2, step 4: the session is to move. indirect: the gNBs cannot forward data to each other."""
    node = GlobalRanNodeId(
        plmn_id=PlmnId.of(target.plmn),
        g_nb_id=GNbId(bit_length=target.bits, value=f"{target.value:0{(target.bits + 3) // 4}x}"),
    )
    return SmContextUpdateData(
        ho_state="PREPARING",
        target_id=NgRanTargetId(ran_node_id=node, tai=Tai.of(tai)),
        data_forwarding=True if indirect else None,
        n2_sm_info=INFO,
        n2_sm_info_type="HANDOVER_REQUIRED",
    )


def prepared(transfer_kind: N2SmInfoType) -> SmContextUpdateData:
    """N2, step 11: what the target made of it."""
    return SmContextUpdateData(ho_state="PREPARED", n2_sm_info=INFO, n2_sm_info_type=transfer_kind)


COMPLETED = SmContextUpdateData(ho_state="COMPLETED")
CANCELLED = SmContextUpdateData(ho_state="CANCELLED")
DEACTIVATED = SmContextUpdateData(up_cnx_state="DEACTIVATED")
