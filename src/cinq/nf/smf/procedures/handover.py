"""N2 handover, the SMF's part: TS 23.502 §4.9.1.3, TS 29.502 §5.2.2.3.4."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import msgspec

from cinq.nf.smf import forwarding, mobility, path, rules, user_plane
from cinq.nf.smf import n2 as transfers
from cinq.nf.smf.context import AnTunnel
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.path_switch import (
    NO_USER_PLANE,
    carried,
    check_default_flow,
    check_session,
    lose_others,
    switch_downlink,
)
from cinq.nf.smf.procedures.security import secure_enough
from cinq.nf.smf.session import Handover, IndirectForwarding, PduSession
from cinq.nf.smf.signals import (
    ForwardingEnds,
    GnbRefused,
    HandoverCancelled,
    HandoverCompleted,
    HandoverFailed,
    HandoverNotPrepared,
    HandoverPreparation,
    HandoverPrepared,
    NetworkRelease,
    SmContextCreated,
)
from cinq.procedure import ABORT, Refused, Verdict, Why, collision, procedure
from cinq.wire import ngap, pfcp
from cinq.wire.nas import GsmCause

INACTIVE: ngap.Cause = ("radioNetwork", "unknown-PDU-session-ID")
NOT_IN_STATE: ngap.Cause = ("protocol", "message-not-compatible-with-receiver-state")


@procedure(opens=HandoverPreparation)
async def handover_preparation(session: PduSession, wanted: HandoverPreparation) -> bytes:
    """§4.9.1.3.2 steps 4 to 7. Returns the transfer for the target gNB. Another preparation begins anew."""
    check_session(session)
    if session.up_cnx_state == "DEACTIVATED":
        what = f"PDU session {session.label} has no active user plane to hand over"
        raise GnbRefused(INACTIVE, Why(what, "the source gNB lists only the sessions that it carries"))
    await abandon(session)
    session.handover = handover = await on_the_way(session, wanted)  # 6
    context = session.context
    if handover.moves:
        context = msgspec.structs.replace(context, branch=handover.branch)
    return transfers.setup_request_transfer(context, direct_forwarding=wanted.direct)  # 7


async def on_the_way(session: PduSession, wanted: HandoverPreparation) -> Handover:
    """§4.9.1.3.2 steps 5 and 6: the UPF that belongs between the anchor and the target is made ready."""
    upf = path.wanted(session, wanted.tac)
    if path.stays(session, upf, wanted.tac):
        return Handover(wanted.direct)
    if upf is None:
        return Handover(wanted.direct, moves=True)
    try:
        branch = await path.prepared(session, upf, rules.downlink_far(None, notify=False))
    except N4Error as error:
        session.runtime.report(session, "handover_preparation", wanted, f"the path stays as it is: {error}")
        return Handover(wanted.direct)
    return Handover(wanted.direct, moves=True, branch=branch)


@procedure(opens=HandoverPrepared)
async def handover_prepared(session: PduSession, prepared: HandoverPrepared) -> bytes:
    """§4.9.1.3.2 steps 11a to 11f. Returns the command transfer for the source gNB; the downlink stays where it is."""
    acknowledged, handover = prepared.acknowledged, session.handover
    if handover is None or handover.made is not None:
        raise GnbRefused(NOT_IN_STATE, Why(f"no handover of {session.label} is in preparation"))
    try:
        secure_enough(session, acknowledged.made)
        check_default_flow(session, acknowledged.made)
    except Refused:
        await abandon(session)
        raise
    ends = acknowledged.tunnels
    if ends and not handover.direct:
        ends = await indirectly(session, prepared)  # 11d, 11e
    session.handover = replace(handover, made=acknowledged.made)
    return mobility.handover_command(acknowledged.forwarded if ends else frozenset(), ends)  # 11f


async def indirectly(session: PduSession, prepared: HandoverPrepared) -> tuple[mobility.Forwarding, ...]:
    """Through the UPF; a UPF that cannot leaves the source without forwarding, which costs packets and no session."""
    try:
        ends = await forwarding.set_up(session, prepared.acknowledged.tunnels)
        session.forwarding = IndirectForwarding(len(ends))
        return ends
    except N4Error as error:
        why = f"handover without data forwarding: {error}"
        session.runtime.report(session, "handover_prepared", prepared, why)
        return ()


@procedure(opens=HandoverNotPrepared)
async def handover_not_prepared(session: PduSession, _: HandoverNotPrepared) -> None:
    """TS 29.502 §5.2.2.3.4.2 step 4b: the target has no resources for the session, which stays with the source."""
    await abandon(session)
    ended(session)


@procedure(opens=HandoverCompleted)
async def handover_completed(session: PduSession, _: HandoverCompleted) -> None:
    """§4.9.1.3.3 steps 7 to 11: the UE is at the target. The downlink follows, an end marker closes the old path."""
    handover = session.handover
    if handover is None or handover.made is None:
        raise GnbRefused(NOT_IN_STATE, Why(f"no handover of {session.label} is prepared"))
    try:
        await move(session, handover, handover.made.an)  # 9-10
    except Refused:
        session.handover = None
        session.want(NetworkRelease(GsmCause.NETWORK_FAILURE))
        raise
    if session.forwarding is not None:  # 11: what is still on its way arrives first
        session.runtime.spawn(partial(forwarding_timer, session, session.forwarding), "data forwarding")
    lose_others(session, handover.made.flows)
    ended(session)


async def move(session: PduSession, handover: Handover, an: AnTunnel) -> None:
    """The downlink goes to the target, by the UPF that was made ready. GnbRefused."""
    if not handover.moves:
        await switch_downlink(session, an)
        return
    branch = handover.branch
    try:
        if branch is not None:
            update = pfcp.SessionModificationRequest(update_fars=[rules.to_gnb(an)])
            await user_plane.modify_at(session, branch, update)
        await path.lead(session, branch, an)
    except N4Error as error:
        if branch is not None:
            await path.withdrawn(session, branch)
        raise GnbRefused(NO_USER_PLANE, Why(str(error), "see what the UPFs say: cinq trace live")) from None
    carried(session)


async def forwarding_timer(session: PduSession, ending: IndirectForwarding) -> None:
    await asyncio.sleep(session.ports.settings.forwarding_s)
    session.want(ForwardingEnds(ending))


@procedure(opens=ForwardingEnds)
async def forwarding_ends(session: PduSession, ends: ForwardingEnds) -> None:
    """§4.9.1.3.3 step 13a: the timer for indirect data forwarding has run out."""
    if session.forwarding is ends.forwarding:
        await no_more_forwarding(session)


@procedure(opens=HandoverCancelled)
async def handover_cancelled(session: PduSession, _: HandoverCancelled) -> None:
    """TS 29.502 §5.2.2.3.4.4: what was reserved is released, the session stays where it is. Idempotent."""
    await abandon(session)
    ended(session)


@procedure(opens=HandoverFailed)
async def handover_failed(session: PduSession, _: HandoverFailed) -> None:
    """TS 29.502 §5.2.2.3.4.3, HO_FAILURE: the UE is at the target, this session is not: it loses its user plane."""
    await abandon(session)
    session.up_cnx_state = "DEACTIVATED"
    if session.context.state == "ACTIVE" and user_plane.is_at_upf(session):
        try:
            await user_plane.buffer(session)
        except N4Error as error:
            raise Refused(None, str(error)) from None
    ended(session)


async def abandon(session: PduSession) -> None:
    """A handover in preparation is no more, and what was made ready for it."""
    handover, session.handover = session.handover, None
    if handover is not None and handover.branch is not None:
        await path.withdrawn(session, handover.branch)
    await no_more_forwarding(session)


async def no_more_forwarding(session: PduSession) -> None:
    forwarded, session.forwarding = session.forwarding, None
    if forwarded is None:
        return
    try:
        await forwarding.remove(session, forwarded.tunnels)
    except N4Error as error:
        session.runtime.report(session, "handover", forwarded, f"data forwarding stays at the UPF: {error}")


def ended(session: PduSession) -> None:
    session.handover = None
    session.resume()


@collision(
    (
        handover_preparation,
        handover_prepared,
        handover_not_prepared,
        handover_completed,
        handover_cancelled,
        handover_failed,
        forwarding_ends,
    ),
    SmContextCreated,
)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
