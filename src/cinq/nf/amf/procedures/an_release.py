"""AN release, TS 23.502 §4.2.6, TS 38.413 §8.3.2 and §8.3.3."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from cinq.nf.amf import n2, outcomes
from cinq.nf.amf.connection import NgConnection
from cinq.nf.amf.ue import Ue
from cinq.procedure import DEFER, IGNORE, Timer, TimerExpired, Verdict, collision, procedure
from cinq.sbi import Problem
from cinq.sbi.services.nsmf_pdusession import SmContextUpdateData, UpdateSmContextRequest
from cinq.wire import nas, ngap

RELEASE_GUARD = Timer("UE Context Release guard", 5.0, retransmissions=0)

Wanted = ngap.UEContextReleaseRequest | ngap.InitialContextSetupFailure


@procedure(opens=(ngap.UEContextReleaseRequest, ngap.InitialContextSetupFailure))
async def an_release(ue: Ue, wanted: Wanted) -> None:
    """The gNB wants the connection released, or could not set the UE's context up."""
    if isinstance(wanted, ngap.InitialContextSetupFailure):
        await outcomes.relay(ue, outcomes.of_sessions(wanted))
    await release(ue, given(wanted.cause))


def given(cause: ngap.Cause | None) -> ngap.Cause:
    """A gNB may have left the cause out: its criticality is ignore (TS 38.413 §10.3.5)."""
    return ("misc", "unspecified") if cause is None else cause


@procedure()
async def release_by_amf(ue: Ue, cause: ngap.Cause) -> None:
    """The AMF wants the connection released."""
    await release(ue, cause)


async def release(ue: Ue, cause: ngap.Cause) -> None:
    """TS 23.502 §4.2.6 steps 2 to 7. Without an answer of the gNB the connection counts as released."""
    connection = ue.connection
    if connection is None or connection.releasing:
        return
    connection.releasing = True
    with suppress(TimerExpired):
        command = n2.release_command(connection, cause)
        await ue.ask(command, ngap.UEContextReleaseComplete, timer=RELEASE_GUARD)
    idle(ue, connection)
    await deactivate(ue)


def idle(ue: Ue, connection: NgConnection) -> None:
    """This connection is no more; the UE is CM-IDLE unless it has a newer one."""
    ue.amf.release_ids(connection)
    if ue.connection is connection:
        ue.disconnect()
        if ue.context.rm_state == "RM-REGISTERED":
            ue.commit()
            if ue.pending:
                reach_soon(ue)


def reach_soon(ue: Ue) -> None:
    """What came while the connection was on its way out is still to be delivered."""
    from cinq.nf.amf.procedures.paging import reach

    ue.runtime.spawn(partial(reach, ue), "paging")


async def deactivate(ue: Ue) -> None:
    """Step 6: the SMFs let the user plane of each session go idle."""
    for sm in ue.context.sm_contexts:
        if ue.connection is not None:
            return  # it is back already
        update = UpdateSmContextRequest(json_data=SmContextUpdateData(up_cnx_state="DEACTIVATED"))
        try:
            await ue.amf.nsmf.update_sm_context(sm.ref, update)
        except Problem as problem:
            ue.amf.note(ue, f"PDU session {sm.pdu_session_id} not deactivated: {problem}")


def lost(ue: Ue, connection: NgConnection, reason: str) -> None:
    """The connection went away without a release: whatever the UE was doing ends, and its SMFs are told."""
    if ue.connection is not connection:
        ue.amf.release_ids(connection)
        return
    ue.abort(reason)
    idle(ue, connection)
    if ue.context.rm_state == "RM-REGISTERED":
        if ue.context.sm_contexts:
            ue.beside(partial(deactivate, ue), "an_release")
    elif ue.is_idle:
        ue.idle()


@collision((an_release, release_by_amf), ngap.UEContextReleaseRequest, ngap.InitialContextSetupFailure)
def _(ue: Ue, again: Wanted) -> Verdict:
    return IGNORE("the connection is being released")


@collision(
    (an_release, release_by_amf),
    nas.RegistrationRequest,
    nas.ServiceRequest,
    nas.DeregistrationRequestUEOriginating,
)
def _(ue: Ue, message: object) -> Verdict:
    """On a new connection: nothing is heard any more on the old one."""
    return DEFER


@collision((an_release, release_by_amf), nas.ULNASTransport, nas.RegistrationComplete)
def _(ue: Ue, message: object) -> Verdict:
    return IGNORE("the connection is being released")
