"""Whom policies of eligibility keep out at N2 (cinq.eligibility.gate): at NG Setup, and on the day when a rule begins.

A gNB that is refused gets NG SETUP FAILURE. One that is drained is told to admit emergency sessions and mobile
terminated services alone (OVERLOAD START, TS 38.413 §8.7.7); UEs that come to it all the same are released without a
reject, so that they look for another cell and lose nothing by it, and no N2 handover to it is prepared. Who comes by Xn
is there already, and is let in: refused, it would lose what it is in the midst of. Who has a connection there keeps it
until it is idle. One that serves when a rule begins to refuse it is drained, and let go when it is empty or its time is
over.
"""

from __future__ import annotations

import asyncio

from cinq.eligibility.gate import Ruling
from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import OPERATOR, Access, Ran
from cinq.numbering import GnbId
from cinq.procedure import Refused, Why
from cinq.wire import ngap

EMERGENCY_ONLY: ngap.OverloadAction = "permit-emergency-sessions-and-mobile-terminated-services-only"


def let_in(ran: Ran, gnb: GnbId) -> Ruling:
    """Before NG Setup is answered. Refused: with the rule."""
    ruling = ran.ports.gate.gnb(gnb)
    if ruling.refuses:
        raise Refused(ngap.NGSetupFailure(cause=OPERATOR, time_to_wait="v60s"), ruling.reason)
    return ruling


def heed(ran: Ran, ruling: Ruling) -> None:
    """Of a gNB that is set up: it begins to be drained, or goes on as others do. What the policy says is told."""
    ports = ran.ports
    ports.gate.tell(ruling.of_one_there, "AMF", ran.label, ports.journal, ports.clock)
    before = ran.drained
    ran.drained = ruling.reason if ruling.action != "admit" else None
    if ran.drained is not None:
        ran.tell(emergency_only())
    elif before is not None:
        ran.leaves_at = None
        ran.tell(ngap.OverloadStop())


def emergency_only() -> ngap.OverloadStart:
    return ngap.OverloadStart(amf_overload_response=("overloadAction", EMERGENCY_ONLY))


def day_has_come(access: Access) -> None:
    """Every gNB that is there is asked about anew: a rule may begin to hold, or end, and so may an exception."""
    now = asyncio.get_running_loop().time()
    for ran in access.rans:
        if not ran.context.is_set_up:
            continue
        ruling = ran.ports.gate.gnb(GnbId.parse(ran.context.node_id))
        heed(ran, ruling)
        if ruling.refuses and ran.leaves_at is None:
            ran.leaves_at = now + ran.ports.settings.drain_s


def let_go(access: Access) -> None:
    """Of those that are refused by now: who is empty, or has had its time."""
    now = asyncio.get_running_loop().time()
    for ran in list(access.rans):
        if ran.leaves_at is not None and (not ran.connections or now >= ran.leaves_at):
            ran.leaves_at = None
            why = ran.drained or Why("it is kept out")
            journal.note(ran, Why(f"association ended: {why}", why.mend))
            ran.association.abort(f"kept out by a policy: {why}")
