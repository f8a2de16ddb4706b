"""De-registration by the network, TS 23.502 §4.2.2.3.3, TS 24.501 §5.5.2.3."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import Leaving
from cinq.nf.amf.n1.envelope import Checked
from cinq.nf.amf.procedures.gmm.deregistration import left
from cinq.nf.amf.procedures.gmm.paging import page
from cinq.nf.amf.ue import Ue
from cinq.procedure import ABORT, IGNORE, RESEND, Timer, TimerExpired, Verdict, Why, collision, procedure
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind

T3522 = Timer("T3522", 6.0)
ELSEWHERE = (
    GmmCause.PLMN_NOT_ALLOWED,
    GmmCause.TRACKING_AREA_NOT_ALLOWED,
    GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA,
    GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA,
    GmmCause.NO_NETWORK_SLICES_AVAILABLE,
)
"""Causes that may not hold where the UE is now (§5.5.2.3.5 e))."""
UPDATES = (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC)


@procedure(opens=signals.Deregister)
async def network_deregistration(ue: Ue, wanted: signals.Deregister) -> None:
    """TS 23.502 §4.2.2.3.3, from step 2. However it ends, the UE is RM-DEREGISTERED (§5.5.2.3.5 a) and b))."""
    leaving = wanted.leaving
    if ue.context.rm_state != "RM-REGISTERED":
        return
    ue.commit(leaving=leaving)  # a core that is killed begins this again
    ue.pending = ()
    ue.why = ("nas", "deregister")
    reached = ue.connection is not None or await found(ue)
    async with ue.undo() as undo:
        undo.owe(left, ue)  # 3-5: sessions, policy, subscription; then 7, when the UE is idle
        journal.note(ue, Why(f"the network deregisters the UE: {leaving.text}", leaving.mend))
        if reached:
            await tell(ue, leaving)  # 2, 6


async def found(ue: Ue) -> bool:
    """Step 2: a UE in CM-IDLE is paged, and its service request is the answer (§5.5.2.3.5 f))."""
    try:
        await page(ue, nas.ServiceRequest)
    except TimerExpired:
        return False
    return True


async def tell(ue: Ue, leaving: Leaving) -> None:
    """§5.5.2.3.1 to §5.5.2.3.3. A UE that wants to leave at the same moment has what it wants (§5.5.2.3.5 c))."""
    again = leaving.cause is None
    request = nas.DeregistrationRequestUETerminated(
        deregistration_type=nas.DeregistrationType(re_registration_required=again), cause=leaving.cause
    )
    try:
        answer = await ue.ask(
            request,
            nas.DeregistrationAcceptUETerminated,
            nas.DeregistrationRequestUEOriginating,
            timer=T3522,
        )
    except TimerExpired:
        return
    if isinstance(answer, nas.DeregistrationAcceptUETerminated) or answer.deregistration_type.switch_off:
        return
    ue.tell(nas.DeregistrationAcceptUEOriginating())


@collision(network_deregistration, nas.RegistrationRequest)
def _(ue: Ue, arrival: Checked[nas.RegistrationRequest]) -> Verdict:
    """§5.5.2.3.5 d): an initial registration goes on when all that was is given back. e): an update does not count.

    While the UE was still looked for it goes on, and the UE is deregistered then.
    """
    leaving = ue.context.leaving
    updating = arrival.message.registration_type.value in UPDATES
    if leaving is None or not updating or leaving.cause in ELSEWHERE:
        return ABORT
    if not ue.awaits(nas.DeregistrationAcceptUETerminated):
        ue.want(signals.Deregister(leaving))
        return ABORT
    return IGNORE(Why(f"the network deregisters the UE: {leaving.text}", leaving.mend))


@collision(network_deregistration, nas.ServiceRequest)
def _(ue: Ue, message: object) -> Verdict:
    """§5.5.2.3.5 f): the UE hears again that it is to go, on the connection that it has now."""
    return RESEND


@collision(network_deregistration, nas.DeregistrationRequestUEOriginating)
def _(ue: Ue, message: object) -> Verdict:
    """It answers paging by leaving."""
    return ABORT


@collision(network_deregistration, ngap.UEContextReleaseRequest, ngap.InitialContextSetupFailure)
def _(ue: Ue, message: object) -> Verdict:
    """§5.5.2.3.5 b)."""
    return ABORT


@collision(
    network_deregistration,
    nas.ULNASTransport,
    nas.RegistrationComplete,
    nas.ConfigurationUpdateComplete,
)
def _(ue: Ue, message: object) -> Verdict:
    return IGNORE("the network deregisters the UE")
