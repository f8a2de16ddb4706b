"""The way of a session through UPFs: the UPF between its anchor and the gNB comes, goes, or is another one.

TS 23.502 §4.3.5.4 (insertion), §4.3.5.5 (removal), §4.3.5.7 (another one), and as part of handovers and service
requests §4.9.1.2.3, §4.9.1.2.4, §4.2.3.2. The order is that of §4.3.5.4: first the new UPF, which nobody sends to; then
the anchor's downlink, with an end marker on the path before; the gNB's uplink last. What fails leaves the path as it
was, and nothing at the new UPF.
"""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from cinq.nf.smf import branch_rules, rules, selection, user_plane
from cinq.nf.smf.context import AnTunnel, Branch
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.settings import UserPlane
from cinq.nf.smf.signals import PathEnds
from cinq.wire import pfcp


def wanted(session: PduSession, tac: int | None) -> UserPlane | None:
    """The UPF that belongs between anchor and gNB where the UE is (or will be)."""
    return selection.branch(session.ports, session.context, tac)


def stays(session: PduSession, upf: UserPlane | None, tac: int | None) -> bool:
    """Whether the path is what it should be; where nobody knows where the UE is, it is."""
    branch = session.context.branch
    if tac is None:
        return True
    if branch is None or upf is None:
        return branch is None and upf is None
    return branch.upf == str(upf.address) and user_plane.is_at_branch(session)


async def follow(session: PduSession, an: AnTunnel | None, tac: int | None, *, notify: bool = True) -> bool:
    """The path is the one for this tracking area, with its downlink to the gNB (None: what comes waits, and the first
    is reported where `notify`). False: it was already, and nothing is done. N4Error: it is as it was."""
    upf = wanted(session, tac)
    if stays(session, upf, tac):
        return False
    if upf is None:
        await lead(session, None, an)
        return True
    far = rules.downlink_far(an, notify=notify)
    async with session.undo() as undo:
        branch = await undo.hold(prepared(session, upf, far), partial(withdrawn, session))
        await lead(session, branch, an)
        undo.keep()
    return True


async def prepared(session: PduSession, upf: UserPlane, far: pfcp.CreateFar) -> Branch:
    """A UPF that could stand between anchor and gNB: it has the session, and the anchor does not send to it yet.
    N4Error when it has not."""
    seid = session.sessions.next_seid()
    blank = Branch(str(upf.address), seid, dnais=upf.dnais)
    session.sessions.by_seid[seid] = session
    try:
        branch, _ = await _established(session, blank, far)
    except BaseException:
        session.sessions.by_seid.pop(seid, None)
        raise
    return branch


async def restored(session: PduSession, far: pfcp.CreateFar) -> None:
    """The UPF began anew, and gets the session again with the ends that gNB and anchor use. N4Error."""
    branch = session.context.branch
    if branch is not None:
        again, epoch = await _established(session, branch, far, restoring=True)
        session.note(branch=again)
        session.branch_epoch = epoch


async def _established(
    session: PduSession, blank: Branch, far: pfcp.CreateFar, *, restoring: bool = False
) -> tuple[Branch, int]:
    context, n4 = session.context, session.ports.n4
    known = user_plane.user_plane_of(session, blank.upf)
    ends = branch_rules.chosen(ipv4=known.n3_ipv4, ipv6=known.n3_ipv6)
    ends = branch_rules.given(blank) if restoring else ends
    made = branch_rules.made(context, context.qos, blank, ends)
    request = pfcp.SessionEstablishmentRequest(
        node_id=n4.node_id,
        cp_f_seid=n4.f_seid(blank.seid),
        create_pdrs=made.pdrs,
        create_fars=branch_rules.fars(context, far),
        create_qers=made.qers,
        pdn_type=pfcp.PdnType.__members__[context.session_type],
        dnn=context.dnn,
        s_nssai=context.s_nssai,
        sereq_flags=user_plane.RESTORATION if restoring else None,
    )
    response, seid, epoch = await user_plane.accepted(session, blank.upf, request)
    n3, n9 = ends
    if not restoring:
        first = user_plane.created(response, branch_rules.UP)
        second = user_plane.created(response, branch_rules.DOWN)
        n3, n9 = first or n3, second or n9
    wrong = [user_plane.unusable(session, blank.upf, seid, end) for end in (n3, n9)]
    if any(wrong) or n3.teid == n9.teid or n3.ends != n9.ends:
        await user_plane.withdraw(session, blank.upf, seid)
        what = wrong[0] or wrong[1] or "one F-TEID for both sides, or at other addresses"
        raise N4Error(f"UPF {blank.upf}: session establishment: {what}")
    four, six = n3.ends.ipv4, n3.ends.ipv6
    branch = msgspec.structs.replace(
        blank,
        up_seid=seid,
        teid=n3.teid or 0,
        n9_teid=n9.teid or 0,
        n3_address=int(four or 0),
        n3_ipv6=b"" if six is None else six.packed,
    )
    session.sessions.claim(session, branch)
    return branch, epoch


async def withdrawn(session: PduSession, branch: Branch) -> None:
    """It is not on the way, and has the session no more."""
    session.sessions.release(session, branch)
    await user_plane.withdraw(session, branch.upf, branch.up_seid)


async def lead(session: PduSession, branch: Branch | None, an: AnTunnel | None) -> None:
    """The anchor's downlink goes this way from now on: by a UPF that is prepared, or straight to the gNB (None there:
    it waits). The UPF before stays for a time, for what is on its way. N4Error: all is as it was."""
    before = session.context.branch
    old = session.an if before is None else branch_rules.end_of(before)
    to = an if branch is None else branch_rules.end_of(branch)
    request = branch_rules.leads(to, old, to_upf=branch is not None, late=session.late)
    await user_plane.modify(session, request, anchor=True)
    session.late = session.late or old is not None
    association = None if branch is None else session.ports.associations.get(branch.upf)
    session.branch_epoch = 0 if association is None else association.epoch
    session.an = an
    if session.context.state == "ACTIVE":
        session.commit(branch=branch)
    else:
        session.note(branch=branch)
    if before is not None:
        session.leaving = (*session.leaving, before)
    if before is not None or session.late:
        session.runtime.spawn(partial(_timer, session, before), "path before")


async def back(session: PduSession, before: Branch | None, an: AnTunnel) -> None:
    """The path is the one that it was a moment ago. N4Error: it is not."""
    left = session.leaving
    if before is not None and before not in left:
        raise N4Error(f"{before.upf} has the session no more")
    session.leaving = tuple(each for each in left if each != before)
    try:
        await lead(session, before, an)
    except N4Error:
        session.leaving = left
        raise


async def _timer(session: PduSession, branch: Branch | None) -> None:
    await asyncio.sleep(session.ports.settings.forwarding_s)
    session.want(PathEnds(branch))


async def ended(session: PduSession, branch: Branch | None) -> None:
    """Nothing is on its way any more on the path that this UPF (None: the gNB alone) was on."""
    if branch is not None and branch in session.leaving:
        session.leaving = tuple(each for each in session.leaving if each != branch)
        await withdrawn(session, branch)
    if session.late and not session.leaving and user_plane.is_at_anchor(session):
        session.late = False
        try:
            await user_plane.modify(session, branch_rules.late_ends(), anchor=True)
        except N4Error as error:
            session.runtime.report(session, "path_ends", branch, str(error))


async def let_out(session: PduSession, an: AnTunnel) -> None:
    """What waits at UPFs that have left goes to the gNB from there (TS 23.502 §4.2.3.2 step 8)."""
    for each in session.leaving:
        request = pfcp.SessionModificationRequest(update_fars=[rules.to_gnb(an)])
        try:
            await user_plane.modify_at(session, each, request)
        except N4Error as error:
            session.runtime.report(session, "path", each, f"what waits at {each.upf} is lost: {error}")
