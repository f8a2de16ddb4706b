"""Another PDU session anchor by SSC mode: TS 23.502 §4.3.5, TS 24.501 §6.3.2.2 and §6.3.3.2."""

from __future__ import annotations

import asyncio
from functools import partial

from cinq.nf.smf.n2 import Modified
from cinq.nf.smf.pco import address_lifetime
from cinq.nf.smf.procedures.modification import Failed, Told, modify
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import NetworkRelease, Relocation, SmContextCreated, SmContextResumed
from cinq.procedure import ABORT, BESIDE, Refused, Verdict, Why, collision, procedure
from cinq.wire.nas import GsmCause, SscMode


@procedure(opens=Relocation)
async def anchor_relocation(session: PduSession, _: Relocation) -> None:
    """Mode 2 (§4.3.5.1): released with #39, the UE asks anew. Mode 3 (§4.3.5.2): the UE makes another session first.

    Refused: the session has SSC mode 1 and keeps its anchor, or the UE did not take the command.
    """
    context, mode = session.context, session.context.ssc_mode
    if context.state == "INACTIVE" or mode == SscMode.SSC_MODE_1:
        why = Why(
            f"PDU session {session.label} has SSC mode {mode} and keeps its anchor", "release it instead"
        )
        raise Refused(None, why)
    if mode == SscMode.SSC_MODE_2:
        session.want(NetworkRelease(GsmCause.REACTIVATION_REQUESTED))
        return
    seconds = session.ports.settings.address_lifetime_s
    told = Told(cause=GsmCause.REACTIVATION_REQUESTED, extended_pco=address_lifetime(seconds))
    try:
        await modify(session, told)
    except Failed as failed:
        raise Refused(None, str(failed)) from None
    session.commit(expires=session.runtime.clock.now() + seconds)
    lives_on(session)


def lives_on(session: PduSession) -> None:
    """T3593 runs, of a session that has another anchor beside it; it outlives the core."""
    seconds = max(0.0, session.context.expires - session.runtime.clock.now())
    session.runtime.spawn(partial(lifetime, session, session.ref, seconds), "T3593")


async def lifetime(session: PduSession, ref: str, seconds: float) -> None:
    """T3593, TS 24.501 §6.3.2.3: then the former session is released, unless the UE did so, or began anew."""
    await asyncio.sleep(seconds)
    if session.ref == ref and session.context.state == "ACTIVE":
        session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))


@collision(anchor_relocation, SmContextCreated, SmContextResumed)
def _(session: PduSession, created: object) -> Verdict:
    """TS 24.501 §6.4.1.7 c): the UE begins anew."""
    return ABORT


@collision(anchor_relocation, Modified)
def _(session: PduSession, modified: Modified) -> Verdict:
    """The gNB answers before the UE does."""
    return BESIDE
