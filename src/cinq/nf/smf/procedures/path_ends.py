"""The path before the one that a session has now: TS 23.502 §4.3.5.5 step 4, §4.2.3.2 step 22, §4.9.1.3.3 step 13."""

from __future__ import annotations

from cinq.nf.smf import path
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import PathEnds, SmContextCreated
from cinq.procedure import ABORT, Verdict, collision, procedure


@procedure(opens=PathEnds)
async def path_ends(session: PduSession, ends: PathEnds) -> None:
    """Its UPF has the session no more; the anchor takes nothing from there."""
    await path.ended(session, ends.branch)


@collision(path_ends, SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
