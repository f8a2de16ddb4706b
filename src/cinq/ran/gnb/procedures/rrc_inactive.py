"""RRC_INACTIVE: RRC Inactive Transition Report (TS 38.413 §8.3.5) and RAN Paging Request (§8.3.14)."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.xn.association import Xn
from cinq.wire import ngap, xnap


def requested(ue: UeContext, request: ngap.RRCInactiveTransitionReportRequest | None) -> None:
    """RRC Inactive Transition Report Request, as §8.3.1, §8.3.4, §8.4.2 and §8.4.4 give it."""
    if request is not None:
        ue.commit(report_rrc=None if request == "cancel-report" else request)


def suspend(ue: UeContext) -> None:
    """The UE goes to RRC_INACTIVE; the NG connection and the sessions stay."""
    if not ue.context.inactive:
        ue.commit(inactive=True)
        if ue.context.report_rrc == "subsequent-state-transition-report":
            report(ue)


def resume(ue: UeContext) -> None:
    """The UE is back in RRC_CONNECTED: of itself, or because it was paged."""
    if ue.context.inactive:
        ue.commit(inactive=False)
        if ue.context.report_rrc is not None:
            report(ue)
        if ue.context.report_rrc == "single-rrc-connected-state-report":
            ue.commit(report_rrc=None)


def report(ue: UeContext) -> None:
    """RRC INACTIVE TRANSITION REPORT, §8.3.5."""
    if ue.amf_ue_ngap_id is not None:
        ue.tell(
            ngap.RRCInactiveTransitionReport(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                rrc_state=state(ue),
                user_location_information=ue.location,
            )
        )


def state(ue: UeContext) -> ngap.RRCState:
    return "inactive" if ue.context.inactive else "connected"


def paged(ue: UeContext) -> None:
    """Something comes for the UE: in RRC_INACTIVE it is paged by the RAN, and resumes."""
    resume(ue)


def ran_paging_request(n2: N2, message: ngap.RANPagingRequest) -> None:
    """RAN PAGING REQUEST, §8.3.14."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None:
        paged(ue)


def ran_paging(n2: N2, xn: Xn, message: xnap.RANPaging) -> None:
    """RAN PAGING of a neighbour, TS 38.423 §8.2.5. No UE of another gNB waits in a cell here in RRC_INACTIVE: whoever
    changes its cell does so idle, or by a handover. So nobody answers, and the neighbour's own timer ends it."""
