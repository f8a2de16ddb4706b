"""Secondary RAT Data Usage Report, TS 38.413 §8.15.1."""

from __future__ import annotations

from collections.abc import Mapping

from cinq.ran.gnb.n2 import UeContext
from cinq.wire import ngap

_RAT: ngap.PDUSessionUsageReportRATType = "nr"


def send(
    ue: UeContext, octets: Mapping[int, tuple[int, int]], begun: bytes, ended: bytes, handover: bool = False
) -> None:
    """SECONDARY RAT DATA USAGE REPORT. octets: uplink and downlink by PDU session. begun, ended: NTP time, 4 octets.

    handover: it goes with the preparation of a handover.
    """
    assert ue.amf_ue_ngap_id is not None
    items = []
    for psi, (up, down) in octets.items():
        volume = ngap.VolumeTimedReportItem(
            start_time_stamp=begun, end_time_stamp=ended, usage_count_ul=up, usage_count_dl=down
        )
        usage = ngap.SecondaryRATUsageInformation(
            pdu_session_usage_report=ngap.PDUSessionUsageReport(
                rat_type=_RAT, pdu_session_timed_report_list=[volume]
            )
        )
        transfer = ngap.SecondaryRATDataUsageReportTransfer(secondary_rat_usage_information=usage)
        items.append(
            ngap.PDUSessionResourceSecondaryRATUsageItem(
                pdu_session_id=psi, secondary_rat_data_usage_report_transfer=ngap.encode_value(transfer)
            )
        )
    ue.tell(
        ngap.SecondaryRATDataUsageReport(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_secondary_rat_usage_list=items,
            handover_flag="handover-preparation" if handover else None,
            user_location_information=ue.location,
        )
    )
