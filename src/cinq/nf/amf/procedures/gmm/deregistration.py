"""De-registration by the UE (TS 23.502 §4.2.2.3.2, TS 24.501 §5.5.2.2), and implicit (TS 24.501 §5.3.7)."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n1.envelope import Checked, Unprotected
from cinq.nf.amf.procedures.gmm import subscription
from cinq.nf.amf.procedures.sm.resources import STATUS_MISMATCH, drop_sessions, release_sessions
from cinq.nf.amf.ue import Ue
from cinq.numbering import Supi
from cinq.procedure import ABORT, DEFER, IGNORE, Aborted, Refused, Verdict, Why, collision, procedure
from cinq.sbi import Problem
from cinq.wire import nas, ngap
from cinq.wire.nas import AccessType

Arrival = (
    Checked[nas.DeregistrationRequestUEOriginating] | Unprotected[nas.DeregistrationRequestUEOriginating]
)


@procedure(opens=nas.DeregistrationRequestUEOriginating)
async def deregistration(ue: Ue, arrival: Arrival) -> None:
    """TS 23.502 §4.2.2.3.2. Without an integrity check nothing happens to any UE (TS 24.501 §4.4.4.3).

    The UE waits for nobody: it has its accept (7) and loses its connection (8) before the sessions and the policy are
    given back (2 to 6).
    """
    if isinstance(arrival, Unprotected):
        raise Refused(None, Why("nobody has checked who wants to be de-registered"))
    kind = arrival.message.deregistration_type
    if not kind.switch_off:
        ue.tell(nas.DeregistrationAcceptUEOriginating())  # 7
    if kind.access == AccessType.NON_3GPP:
        return  # it is not registered there
    ue.abort("the UE is de-registered")
    ue.pending = ()
    ue.why = ("nas", "deregister")
    if ue.connection is not None:
        ue.connection.want(signals.ReleaseContext(ue.why))  # 8
    await leave(ue)  # 2-6


@procedure(opens=signals.GoneSilent)
async def implicit_deregistration(ue: Ue, _: signals.GoneSilent) -> None:
    """The UE has not been heard of for longer than its timers allow."""
    await leave(ue)


@procedure(opens=signals.Superseded)
async def superseded(ue: Ue, _: signals.Superseded) -> None:
    """The subscriber has proved who it is elsewhere: this context of it ends (TS 23.502 §4.2.2.2.2 step 14)."""
    ue.why = ("radioNetwork", "release-due-to-5gc-generated-reason")
    await leave(ue)
    ue.registry.forget(ue)


async def take_over(ue: Ue, supi: Supi) -> None:
    """From now on this Ue is the subscriber. What another Ue of it holds is given back first, in full."""
    registry = ue.registry
    while (before := registry.by_supi.get(supi)) not in (None, ue):
        assert before is not None
        before.abort("the subscriber registers anew")
        with suppress(Aborted):
            await before.demand(signals.Superseded())
        registry.forget(before)
    registry.by_supi[supi] = ue


async def leave(ue: Ue) -> None:
    """RM-DEREGISTERED, in one piece: what has begun ends, though the connection goes meanwhile.

    TS 24.501 §5.5.2.2.6; a UE that stayed registered would have sessions that their SMFs do not know.
    """
    async with ue.undo() as undo:
        await undo.hold(left(ue), _nothing)


async def left(ue: Ue) -> None:
    await sign_off(ue)
    ue.commit(rm_state="RM-DEREGISTERED", sm_contexts=(), am_policy=None, sdm_subscription=None, leaving=None)


async def _nothing(_: None) -> None:
    """Nobody registers again what has left."""


async def sign_off(ue: Ue) -> None:
    """Sessions, policy and what the UDM has of a registered UE. What a peer will not give back is noted."""
    context = ue.context
    if context.rm_state != "RM-REGISTERED":
        return
    await release_sessions(ue, context.sm_contexts)
    await give_back(ue)
    await noted(ue, subscription.uecm_deregistration(ue))


async def renew(ue: Ue) -> None:
    """The UE registers anew: what its former registration holds at the peers is given back, in one piece, before it is
    had again (TS 23.502 §4.2.2.2.2 steps 14e, 15 and 17). The UDM replaces its registration of the AMF by itself (14a).

    TS 24.501 §5.5.1.2.4: its sessions are gone in the UE.
    """

    async def renewed() -> None:
        await drop_sessions(ue, ue.context.sm_contexts, STATUS_MISMATCH)
        await give_back(ue)
        ue.commit(rm_state="RM-DEREGISTERED", sm_contexts=(), am_policy=None, sdm_subscription=None)

    if ue.context.rm_state == "RM-REGISTERED":
        async with ue.undo() as undo:
            await undo.hold(renewed(), _nothing)


async def give_back(ue: Ue) -> None:
    """The AM policy association, and the subscription to changes of the UE's data."""
    if ue.context.am_policy is not None:
        await noted(ue, subscription.delete_policy(ue, ue.context.am_policy))
    await noted(ue, subscription.sdm_unsubscribe(ue))


async def noted(ue: Ue, giving: Coroutine[object, None, None]) -> None:
    """A peer that will not take back what it gave keeps nobody from the rest."""
    try:
        await giving
    except Problem as problem:
        journal.note(ue, f"not signed off everywhere: {problem}")


@collision(
    (deregistration, implicit_deregistration, superseded),
    nas.DeregistrationRequestUEOriginating,
    nas.ULNASTransport,
    nas.RegistrationComplete,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    return IGNORE("the UE is being de-registered")


@collision((deregistration, implicit_deregistration, superseded), nas.RegistrationRequest)
def _(ue: Ue, message: object) -> Verdict:
    """TS 24.501 §5.5.2.2.6 b): the UE is back; it is registered when this has ended."""
    return DEFER


@collision(implicit_deregistration, nas.ServiceRequest)
def _(ue: Ue, message: object) -> Verdict:
    return ABORT
