"""Another path through UPFs where the UE stays: TS 23.502 §4.3.5.4 to §4.3.5.7, because a rule came or went."""

from __future__ import annotations

from cinq.nf.smf import n2 as transfers
from cinq.nf.smf import path
from cinq.nf.smf.context import AnTunnel, Branch
from cinq.nf.smf.n2 import Modified
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.modification import Failed, ask_gnb
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import PathWanted, SmContextCreated, SmContextResumed
from cinq.procedure import ABORT, BESIDE, Verdict, collision, procedure


@procedure(opens=PathWanted)
async def path_change(session: PduSession, wanted: PathWanted) -> None:
    """§4.3.5.4 steps 2 to 7. The gNB hears last where its uplink goes; one that does not follow keeps the path before.

    In a handover, and while the gNB is setting the session up, it is left to what they bring.
    """
    context, an = session.context, session.an
    if context.state == "INACTIVE" or session.handover is not None:
        return
    if session.up_cnx_state == "ACTIVATING" or (session.up_cnx_state == "ACTIVATED") != (an is not None):
        return
    try:
        moved = await path.follow(session, an, session.tac)
    except N4Error as error:
        session.runtime.report(session, "path_change", wanted, f"the path stays as it is: {error}")
        return
    if not moved or an is None:
        return
    try:
        await at_gnb(session, context.branch, an)
    except Failed as failed:
        session.runtime.report(session, "path_change", wanted, f"the path stays as it is: {failed}")


async def at_gnb(session: PduSession, before: Branch | None, an: AnTunnel) -> None:
    """Steps 6 and 7: its uplink goes to another UPF. Failed, or given up for something else: all is as it was."""

    async def back(_: None) -> None:
        try:
            await path.back(session, before, an)
        except N4Error as error:
            session.runtime.report(session, "path_change", before, f"the path is not as before: {error}")

    async with session.undo() as undo:
        undo.owe(back, None)
        await ask_gnb(session, transfers.uplink_moved_transfer(session.context, an))
        undo.keep()


@collision(path_change, SmContextCreated, SmContextResumed)
def _(session: PduSession, created: object) -> Verdict:
    """The UE begins anew."""
    return ABORT


@collision(path_change, Modified)
def _(session: PduSession, modified: Modified) -> Verdict:
    """Of a modification before."""
    return BESIDE
