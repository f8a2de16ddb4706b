"""Whom policies of eligibility keep out at N2 (cinq.eligibility.gate): at NG Setup, and on the day when a rule begins.

A gNB that is refused gets NG SETUP FAILURE. One that is drained is told to admit emergency sessions and mobile
terminated services alone (OVERLOAD START, TS 38.413 §8.7.7); UEs that come to it all the same are released without a
reject, so that they look for another cell and lose nothing by it, and no N2 handover to it is prepared. Who comes by Xn
is there already, and is let in: refused, it would lose what it is in the midst of. A gNB that serves when a rule begins
to refuse it is drained, and let go when it is empty or its time is over.

Who has a connection there is moved away. To begin a handover is the gNB's (TS 38.413 §8.4.1): it has a while to hand
its UEs over, to a gNB that is let in. Then the AMF releases those whose registration area another gNB serves, some each
second (TS 23.502 §4.2.6): the gNB bars whom OVERLOAD START bars, the UE finds another cell, and what comes for it
meanwhile waits in the UPF. Whom nobody else can serve stays, and so does who is back after MOVES times: there is no
other cell where it is. Emergency calls and priority services are never cut.
"""

from __future__ import annotations

import asyncio

from cinq.eligibility.gate import Ruling
from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import OPERATOR, Access, NgConnection, Ran
from cinq.nf.amf.ue import Ue, ue_of
from cinq.numbering import GnbId
from cinq.procedure import Refused, Why
from cinq.wire import ngap

AT_ONCE = 20  # of a gNB, each second
MOVES = 2
KEPT = frozenset(("emergency", "highPriorityAccess", "mps-PriorityAccess", "mcs-PriorityAccess"))
"""Causes of RRC establishment (TS 38.413 §9.3.1.111) whose connections are not ended for a policy."""
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
        if before is None:
            ran.empties_at = asyncio.get_running_loop().time() + ports.settings.move_after_s
        ran.tell(emergency_only())
    elif before is not None:
        ran.leaves_at = None
        ran.moved.clear()
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


def move(access: Access) -> None:
    """Some of the UEs of gNBs that are drained are released, so that they go to another."""
    now = asyncio.get_running_loop().time()
    for ran in access.rans:
        if ran.drained is None or now < ran.empties_at:
            continue
        left = AT_ONCE
        for connection in list(ran.connections.values()):
            ue = ue_of(connection)
            if left and may_move(ran, connection, ue):
                left -= 1
                key = ue.label
                ran.moved[key] = ran.moved.get(key, 0) + 1
                journal.note(ue, Why(f"moved away from {ran.label}: {ran.drained}", ran.drained.mend))
                ue.want(signals.ReleaseConnection(OPERATOR))


def may_move(ran: Ran, connection: NgConnection, ue: Ue) -> bool:
    """Whether another gNB serves where it may be, and nothing is cut that must not be."""
    if connection is not ue.connection or connection.releasing or ue.target is not None:
        return False
    if ue.context.rm_state != "RM-REGISTERED" or ue.running is not None or connection.cause in KEPT:
        return False
    return ran.moved.get(ue.label, 0) < MOVES and elsewhere(ran, ue)


def elsewhere(ran: Ran, ue: Ue) -> bool:
    """Whether a gNB that is let in serves the UE's registration area."""
    area = ue.context.registration_area
    return any(
        other is not ran and other.drained is None and any(tai in area for tai, _ in other.context.tais)
        for other in ran.access.rans
    )


def let_go(access: Access) -> None:
    """Of those that are refused by now: who is empty, or has had its time."""
    now = asyncio.get_running_loop().time()
    for ran in list(access.rans):
        if ran.leaves_at is not None and (not ran.connections or now >= ran.leaves_at):
            ran.leaves_at = None
            why = ran.drained or Why("it is kept out")
            journal.note(ran, Why(f"association ended: {why}", why.mend))
            ran.association.abort(f"kept out by a policy: {why}")
