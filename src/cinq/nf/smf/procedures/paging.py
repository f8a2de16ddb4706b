"""Downlink data for an idle UE: TS 23.502 §4.2.3.3."""

from __future__ import annotations

from cinq.nf.smf import n2 as transfers
from cinq.nf.smf import user_plane
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import DownlinkData, SmContextCreated, UeNotReached
from cinq.procedure import ABORT, Verdict, collision, procedure
from cinq.sbi.problem import Problem


@procedure(opens=DownlinkData)
async def network_triggered_service_request(session: PduSession, data: DownlinkData) -> None:
    """TS 23.502 §4.2.3.3 steps 2 to 4: the AMF reaches the UE, or says that it cannot."""
    if session.paging or session.up_cnx_state != "DEACTIVATED" or session.context.state == "INACTIVE":
        return
    session.paging = True
    transfer = transfers.setup_request_transfer(session.context)
    try:
        answer = await session.transfer(b"", transfer, "PDU_RES_SETUP_REQ", may_page=True)
    except Problem as problem:
        session.runtime.report(session, "paging", data, str(problem))
        await given_up(session)
        return
    if answer.cause == "N1_N2_TRANSFER_INITIATED":
        session.up_cnx_state = "ACTIVATING"
        session.paging = False
    elif answer.cause not in ("ATTEMPTING_TO_REACH_UE", "WAITING_FOR_ASYNCHRONOUS_TRANSFER"):
        await given_up(session)


@procedure(opens=UeNotReached)
async def paging_failed(session: PduSession, _: UeNotReached) -> None:
    """TS 23.502 §4.2.3.3 step 5: what waits is discarded, the next packet tries again."""
    if session.paging:
        await given_up(session)


async def given_up(session: PduSession) -> None:
    session.paging = False
    try:
        await user_plane.buffer(session, drop_waiting=True)
    except N4Error as error:
        session.runtime.report(session, "paging", UeNotReached(), str(error))


@collision((network_triggered_service_request, paging_failed), SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
