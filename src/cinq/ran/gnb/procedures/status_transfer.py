"""RAN status transfers of an N2 handover, TS 38.413 §8.4.6, §8.4.7, §8.4.9 and §8.4.10; Handover Success, §8.4.8."""

from __future__ import annotations

from collections.abc import Container

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.wire import ngap

_MOST_DRBS = 32


def uplink(ue: UeContext, released: Container[int] = ()) -> None:
    """UPLINK RAN STATUS TRANSFER, §8.4.6: the counts of the one DRB of each session that is handed over."""
    assert ue.amf_ue_ngap_id is not None
    items = [
        ngap.DRBsSubjectToStatusTransferItem(drb_id=drb, drb_status_ul=_up(), drb_status_dl=_down())
        for drb, psi in enumerate(ue.sessions, 1)
        if psi not in released and drb <= _MOST_DRBS
    ]
    if items:
        container = ngap.RANStatusTransferTransparentContainer(drbs_subject_to_status_transfer_list=items)
        ue.tell(
            ngap.UplinkRANStatusTransfer(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                ran_status_transfer_transparent_container=container,
            )
        )


def _up() -> ngap.DRBStatusUL:
    count = ngap.COUNTValueForPDCPSN18(pdcp_sn18=0, hfn_pdcp_sn18=0)
    return "dRBStatusUL18", ngap.DRBStatusUL18(ul_count_value=count)


def _down() -> ngap.DRBStatusDL:
    count = ngap.COUNTValueForPDCPSN18(pdcp_sn18=0, hfn_pdcp_sn18=0)
    return "dRBStatusDL18", ngap.DRBStatusDL18(dl_count_value=count)


def uplink_early(ue: UeContext) -> None:
    """UPLINK RAN EARLY STATUS TRANSFER, §8.4.9: where the forwarding of a DAPS handover begins."""
    assert ue.amf_ue_ngap_id is not None
    items = [
        ngap.DRBsSubjectToEarlyStatusTransferItem(drb_id=drb, first_dlcount=_down())
        for drb in range(1, min(len(ue.sessions), _MOST_DRBS) + 1)
    ]
    stage: ngap.ProcedureStageChoice = (
        "first-dl-count",
        ngap.FirstDLCount(drbs_subject_to_early_status_transfer=items),
    )
    ue.tell(
        ngap.UplinkRANEarlyStatusTransfer(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            early_status_transfer_transparent_container=ngap.EarlyStatusTransferTransparentContainer(
                procedure_stage=stage
            ),
        )
    )


def downlink(n2: N2, message: ngap.DownlinkRANStatusTransfer) -> None:
    """DOWNLINK RAN STATUS TRANSFER, §8.4.7. For a UE without a prepared handover it is ignored (§8.4.7.3)."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None and _handed_over(n2, ue):
        ue.commit(status=message.ran_status_transfer_transparent_container)


def downlink_early(n2: N2, message: ngap.DownlinkRANEarlyStatusTransfer) -> None:
    """DOWNLINK RAN EARLY STATUS TRANSFER, §8.4.10, likewise."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None and _handed_over(n2, ue):
        ue.commit(early_status=message.early_status_transfer_transparent_container)


def _handed_over(n2: N2, ue: UeContext) -> bool:
    """A handover is prepared for it here, or it has just come by one."""
    return n2.connections.awaits(ue) or bool(ue.context.history)


def success(n2: N2, message: ngap.HandoverSuccess) -> None:
    """HANDOVER SUCCESS, §8.4.8, to the source of a DAPS handover. For a context that is not there it is ignored."""
    ue = n2.ues.get(message.ran_ue_ngap_id)
    if ue is not None and ue.amf_ue_ngap_id == message.amf_ue_ngap_id:
        ue.commit(succeeded=True)
