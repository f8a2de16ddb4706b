"""RAN status transfers of an N2 handover, TS 38.413 §8.4.6, §8.4.7, §8.4.9 and §8.4.10; Handover Success, §8.4.8."""

from __future__ import annotations

from collections.abc import Container, Mapping

from cinq.ran.gnb.context import PdcpCounts
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.wire import ngap

_SN = 18
"""Bits of a PDCP sequence number; the 14 above them are the hyper frame number."""
_FROM_START = PdcpCounts()


def uplink(ue: UeContext, counts: Mapping[int, PdcpCounts], released: Container[int] = ()) -> None:
    """UPLINK RAN STATUS TRANSFER, §8.4.6: the counts of the DRB of each session that is handed over.

    A session has one DRB, which has its number.
    """
    assert ue.amf_ue_ngap_id is not None
    items = [
        ngap.DRBsSubjectToStatusTransferItem(
            drb_id=psi,
            drb_status_ul=_up(counts.get(psi, _FROM_START)),
            drb_status_dl=_down(counts.get(psi, _FROM_START)),
        )
        for psi in ue.sessions
        if psi not in released
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


def _up(counts: PdcpCounts) -> ngap.DRBStatusUL:
    return "dRBStatusUL18", ngap.DRBStatusUL18(ul_count_value=_value(counts.uplink))


def _down(counts: PdcpCounts) -> ngap.DRBStatusDL:
    return "dRBStatusDL18", ngap.DRBStatusDL18(dl_count_value=_value(counts.downlink))


def _value(count: int) -> ngap.COUNTValueForPDCPSN18:
    return ngap.COUNTValueForPDCPSN18(pdcp_sn18=count % (1 << _SN), hfn_pdcp_sn18=count >> _SN)


def _count(status: ngap.DRBStatusUL | ngap.DRBStatusDL) -> int:
    """Of either form, with sequence numbers of 12 or of 18 bits."""
    match status:
        case ("dRBStatusUL18", up):
            return _joined18(up.ul_count_value)
        case ("dRBStatusDL18", down):
            return _joined18(down.dl_count_value)
        case ("dRBStatusUL12", up):
            return _joined12(up.ul_count_value)
        case ("dRBStatusDL12", down):
            return _joined12(down.dl_count_value)


def _joined18(value: ngap.COUNTValueForPDCPSN18) -> int:
    return int(value.hfn_pdcp_sn18 << _SN | value.pdcp_sn18)


def _joined12(value: ngap.COUNTValueForPDCPSN12) -> int:
    return int(value.hfn_pdcp_sn12 << 12 | value.pdcp_sn12)


def uplink_early(ue: UeContext) -> None:
    """UPLINK RAN EARLY STATUS TRANSFER, §8.4.9: where the forwarding of a DAPS handover begins."""
    assert ue.amf_ue_ngap_id is not None
    counts = ue.link.counts(ue)
    items = [
        ngap.DRBsSubjectToEarlyStatusTransferItem(
            drb_id=psi, first_dlcount=_down(counts.get(psi, _FROM_START))
        )
        for psi in ue.sessions
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
        container = message.ran_status_transfer_transparent_container
        ue.commit(status=container)
        items = container.drbs_subject_to_status_transfer_list
        ue.counts_told(
            {
                item.drb_id: PdcpCounts(_count(item.drb_status_ul), _count(item.drb_status_dl))
                for item in items
                if item.drb_id in ue.sessions
            }
        )


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
