"""AN release, TS 23.502 §4.2.6, TS 38.413 §8.3.2 and §8.3.3."""

from __future__ import annotations

from contextlib import suppress

from cinq.nf.amf import journal, signals
from cinq.nf.amf.procedures.sm import outcomes
from cinq.nf.amf.ue import Ue
from cinq.procedure import DEFER, IGNORE, Aborted, Verdict, collision, procedure
from cinq.sbi import Problem
from cinq.sbi.services.nsmf_pdusession import SmContextUpdateData, UpdateSmContextRequest
from cinq.wire import nas, ngap

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


@procedure(opens=signals.ReleaseConnection)
async def release_by_amf(ue: Ue, wanted: signals.ReleaseConnection) -> None:
    """The AMF wants the connection released."""
    await release(ue, wanted.cause)


async def release(ue: Ue, cause: ngap.Cause) -> None:
    """TS 23.502 §4.2.6 steps 2 to 7. Without an answer of the gNB the connection counts as released."""
    connection = ue.connection
    if connection is None or connection.releasing:
        return
    with suppress(Aborted):  # it is gone already
        await connection.demand(signals.ReleaseContext(cause))
    await deactivate(ue)


@procedure(opens=signals.DeactivateSessions)
async def connection_lost(ue: Ue, _: signals.DeactivateSessions) -> None:
    """The connection went away without a release."""
    await deactivate(ue)


async def deactivate(ue: Ue) -> None:
    """Step 6: the SMFs let the user plane of each session go idle."""
    for sm in ue.context.sm_contexts:
        if ue.connection is not None:
            return  # it is back already
        update = UpdateSmContextRequest(json_data=SmContextUpdateData(up_cnx_state="DEACTIVATED"))
        try:
            await ue.ports.nsmf.update_sm_context(sm.ref, update)
        except Problem as problem:
            journal.note(ue, f"PDU session {sm.pdu_session_id} not deactivated: {problem}")


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
