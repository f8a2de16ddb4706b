"""A tunnel that a gNB does not know, a UPF that began anew: TS 23.527 §4.3 and §5.3.3.1."""

from __future__ import annotations

from cinq.nf.smf import branch_rules, path, rules, user_plane
from cinq.nf.smf import n2 as transfers
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import NetworkRelease, Restoration, SmContextCreated, TunnelGone
from cinq.procedure import ABORT, Refused, Verdict, collision, procedure
from cinq.sbi.problem import Problem
from cinq.wire.nas import GsmCause


@procedure(opens=TunnelGone)
async def error_indication(session: PduSession, gone: TunnelGone) -> None:
    """TS 23.527 §5.3.3.1: the user plane is deactivated at the UPF and, for what is left of it, at the gNB."""
    if await n9_gone(session, gone):
        return
    if session.an is None or (session.an.teid, session.an.address) not in gone.ends:
        return  # another tunnel, or one of this TEID elsewhere
    session.up_cnx_state = "DEACTIVATED"
    try:
        await user_plane.buffer(session)
        await session.transfer(b"", transfers.release_command_transfer(), "PDU_RES_REL_CMD")
    except (N4Error, Problem) as error:
        session.runtime.report(session, "error_indication", gone, str(error))


async def n9_gone(session: PduSession, gone: TunnelGone) -> bool:
    """Whether it was a tunnel between two UPFs: the one that does not know it gets the session again."""
    context, branch = session.context, session.context.branch
    if branch is None:
        return False
    if (branch.n9_teid, branch.n3.ipv4) in gone.ends:
        session.branch_epoch = 0
    elif (context.teid, context.anchor_ends.ipv4) in gone.ends:
        session.epoch = 0
    else:
        return False
    await restored(session)
    return True


@procedure(opens=Restoration)
async def restoration(session: PduSession, _: Restoration) -> None:
    """TS 23.527 §4.3: the UPF began anew (or we did), and gets the session again."""
    if session.context.state == "ACTIVE" and not user_plane.is_at_upf(session):
        await restored(session)
        session.resume()  # what was decided before the core was killed


async def restored(session: PduSession) -> None:
    """With the N3 end that the gNB uses, where it uses one; another one only while the gNB has none.

    Of a path of two UPFs the one that began anew; the other one knows its ends, so these are given again as well.
    """
    an, active, branch = session.an, session.up_cnx_state != "DEACTIVATED", session.context.branch
    far = rules.downlink_far(an if active else None, notify=not active)
    try:
        if branch is not None and not user_plane.is_at_branch(session):
            await path.restored(session, far)
        if user_plane.is_at_anchor(session):
            return
        far = far if branch is None else branch_rules.downlink(branch)
        if active or branch is not None:
            try:
                await user_plane.establish(session, far, user_plane.n3_end(session.context))
                return
            except N4Error as error:
                if error.cause is None:
                    raise
            session.want(NetworkRelease(GsmCause.REACTIVATION_REQUESTED))
            return
        await user_plane.establish(session, far)
    except N4Error as error:
        raise Refused(None, str(error)) from None


@collision((error_indication, restoration), SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
