"""A session at its UPF: TS 23.502 §4.4.1, TS 29.244 §6.3. The rules themselves are those of rules.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address

import msgspec

from cinq.nf.smf import branch_rules, rules
from cinq.nf.smf.charging import Report, used
from cinq.nf.smf.context import AnTunnel, Branch, SmContext
from cinq.nf.smf.flows import SessionQos
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.settings import UserPlane
from cinq.sbi.services.nchf_convergedcharging import TriggerType
from cinq.transport_address import is_one_host
from cinq.wire import pfcp

RESTORATION = pfcp.PfcpFlags(1)
"""RESTI of PFCPSEReq-Flags: the F-TEID is one that the UPF gave before it failed (TS 23.527 §4.3.2)."""
_ACCEPTED = pfcp.Cause.REQUEST_ACCEPTED
_PDN_TYPES = pfcp.PdnType.__members__
_PDR, _QER = 0, 2  # rule types, TS 29.244 §8.2.80


async def establish(session: PduSession, far: pfcp.CreateFar, f_teid: pfcp.FTeid | None = None) -> pfcp.FTeid:
    """PFCP session establishment on the session's anchor. N4Error when there is no such session afterwards.

    far: of the downlink. f_teid: the N3 end to be restored, None for one of the UPF's choice. Returns the N3 end;
    the UPF's SEID is in the context.
    """
    context = session.context
    response, seid, epoch = await accepted(session, context.upf, _establishment_request(session, far, f_teid))
    given = f_teid or created(response, rules.uplink_pdr(1))
    wrong = unusable(session, context.upf, seid, given)
    if wrong or given is None or given.teid is None:
        await withdraw(session, context.upf, seid)
        raise N4Error(f"UPF {context.upf}: session establishment: {wrong}")
    session.epoch, session.late = epoch, False
    session.sessions.release_ends(session)
    six = b"" if given.ipv6 is None else given.ipv6.packed
    if context.charging is not None:  # its URRs count anew
        session.note(charging=msgspec.structs.replace(context.charging, seen={}, numbers={}))
    session.note(up_seid=seid, teid=given.teid, n3_address=int(given.ipv4 or 0), n3_ipv6=six)
    session.sessions.claim_ends(session)
    return given


async def accepted(
    session: PduSession, upf: str, request: pfcp.SessionEstablishmentRequest
) -> tuple[pfcp.SessionEstablishmentResponse, int, int]:
    """What the UPF answers, its SEID, and the epoch of the association. N4Error when it has no such session."""
    association = session.ports.associations.get(upf)
    if association is None or not association.is_usable:
        raise N4Error(f"no PFCP association with {upf}")
    response = await session.ports.n4.request(
        request, pfcp.SessionEstablishmentResponse, association.peer, 0, session.label
    )
    association.loaded(response.load_control_information)
    if response.cause != _ACCEPTED or response.up_f_seid is None:
        cause = pfcp.cause_name(response.cause)
        raise N4Error(f"UPF {upf}: session establishment: {cause}", response.cause, response.failed_rule_id)
    return response, response.up_f_seid.seid, association.epoch


def created(response: pfcp.SessionEstablishmentResponse, number: int) -> pfcp.FTeid | None:
    """The end that the UPF chose for a PDR."""
    return next((pdr.f_teid for pdr in response.created_pdrs if pdr.pdr_id == number), None)


def unusable(session: PduSession, upf: str, seid: int, given: pfcp.FTeid | None) -> str:
    """What is wrong with the ends that a UPF gave; "" for nothing. A UPF is not believed to be right."""
    if not seid:
        return "a SEID of 0"
    if session.sessions.owner((upf, seid)) not in (None, session):
        return f"SEID {seid:#x} is that of another session"
    known = user_plane_of(session, upf)
    asked = [name for name, wants in (("IPv4", known.n3_ipv4), ("IPv6", known.n3_ipv6)) if wants]
    if given is None or given.teid is None or not given.ends.all:
        return f"no F-TEID of {' or '.join(asked)} for N3"
    if not given.teid:
        return "an F-TEID of 0"
    for end in given.ends.all:
        if f"IPv{end.version}" not in asked:
            return f"an F-TEID at {end}, asked was {' and '.join(asked)}"
        if not is_one_host(end, loopback=known.loopback):
            return f"{end} is no address that a gNB can send to"
        if session.sessions.owner((str(end), given.teid)) not in (None, session):
            return f"F-TEID {given.teid:#010x} at {end} is that of another session"
    return ""


def user_plane_of(session: PduSession, upf: str) -> UserPlane:
    """What the settings say of a UPF, by its N4 address."""
    found = [each for each in session.ports.settings.user_planes if str(each.address) == upf]
    return found[0] if found else UserPlane(IPv4Address(upf))


async def withdraw(session: PduSession, upf: str, seid: int) -> list[pfcp.UsageReportInDeletion]:
    """What a UPF gave and we do not use ends there; not where another session would. What it counted."""
    ports = session.ports
    association = ports.associations.get(upf)
    if not seid or association is None or session.sessions.owner((upf, seid)) not in (None, session):
        return []
    try:
        response = await ports.n4.request(
            pfcp.SessionDeletionRequest(),
            pfcp.SessionDeletionResponse,
            association.peer,
            seid,
            session.label,
        )
    except N4Error as error:
        session.runtime.report(session, "", error, f"session deletion: {error}")
        return []
    return response.usage_reports


def _establishment_request(
    session: PduSession, far: pfcp.CreateFar, f_teid: pfcp.FTeid | None
) -> pfcp.SessionEstablishmentRequest:
    context, n4, known = session.context, session.ports.n4, user_plane_of(session, session.context.upf)
    end = f_teid or rules.choose(ipv4=known.n3_ipv4, ipv6=known.n3_ipv6, shared=len(context.qos.rules) > 1)
    return pfcp.SessionEstablishmentRequest(
        node_id=n4.node_id,
        cp_f_seid=n4.f_seid(context.seid),
        create_pdrs=rules.pdrs(context, context.qos, end),
        create_fars=[rules.uplink_far(context.dnn), far],
        create_qers=rules.qers(context.qos),
        create_urrs=rules.urrs(context, context.qos),
        pdn_type=_PDN_TYPES[context.session_type],
        dnn=context.dnn,
        sereq_flags=RESTORATION if f_teid is not None else None,
        s_nssai=context.s_nssai,
    )


def refused_rules(qos: SessionQos, error: N4Error) -> frozenset[str]:
    """The PCC rules that a UPF could not take: the one that it names, else all; none where it said nothing."""
    names = frozenset(rule.name for rule in qos.rules if rule.name)
    failed = error.failed
    if error.cause is None or not names:
        return frozenset()
    if failed is None:
        return names
    number = 0
    if failed.kind == _PDR:
        number = rules.rule_number(failed.identity)
    elif failed.kind == _QER and (owner := rules.rule_of_qer(failed.identity)) is not None:
        number = owner
    elif failed.kind == _QER:
        return qos.names_on(frozenset((failed.identity - rules.FLOW_QERS,)))
    named = frozenset(rule.name for rule in qos.rules if rule.number == number and rule.name)
    return named or frozenset()


async def grow(session: PduSession, before: SessionQos, after: SessionQos) -> None:
    """What `after` has more, or otherwise, is in force. N4Error when the UPF does not say so."""
    await _changed(session, rules.grown, before, after)


async def shrink(session: PduSession, before: SessionQos, after: SessionQos) -> None:
    """What `after` has no more is gone. N4Error when the UPF does not say so."""
    await _changed(session, rules.shrunk, before, after)


async def revert(session: PduSession, before: SessionQos, after: SessionQos) -> None:
    """What `grow` did is undone. N4Error when the UPF does not say so."""
    await _changed(session, rules.reverted, before, after)


async def _changed(
    session: PduSession,
    change: Callable[[rules.Made, rules.Made], pfcp.SessionModificationRequest | None],
    before: SessionQos,
    after: SessionQos,
) -> None:
    """At each UPF that has the session: the anchor first."""
    context, end = session.context, n3_end(session.context)
    request = change(rules.made(context, before, end), rules.made(context, after, end))
    if request is not None and is_at_anchor(session):
        await modify(session, request, anchor=True)
    branch = context.branch
    if branch is None or not is_at_branch(session):
        return
    ends = branch_rules.given(branch)
    old, new = (branch_rules.made(context, qos, branch, ends) for qos in (before, after))
    request = change(old, new)
    if request is not None:
        await modify(session, request)


async def reroute(session: PduSession, routes: tuple[str, ...]) -> None:
    """Other networks are behind the UE. N4Error when the UPF does not say so."""
    context = msgspec.structs.replace(session.context, framed_routes=routes)
    if is_at_anchor(session):
        request = rules.rerouting(context, context.qos, n3_end(context))
        await modify(session, request, anchor=True)
    if context.branch is not None and is_at_branch(session):
        ends = branch_rules.given(context.branch)
        now = branch_rules.made(context, context.qos, context.branch, ends)
        await modify(session, rules.rerouted(now))
    session.commit(framed_routes=routes)


async def forward(session: PduSession, an: AnTunnel) -> None:
    """Downlink packets, waiting ones first, go to the gNB. N4Error when the UPF does not say so.

    Where they went to another gNB so far, that one gets an end marker (TS 23.501 §5.8.2.9).
    """
    moved = session.an is not None and session.an != an
    update = rules.to_gnb(an, end_marker=moved)
    await modify(session, pfcp.SessionModificationRequest(update_fars=[update]))
    session.an = an


async def buffer(session: PduSession, *, drop_waiting: bool = False) -> None:
    """Downlink packets wait, and the first is reported. N4Error when the UPF does not say so."""
    flags = pfcp.SmReqFlags(pfcp.SmReqFlags.DROBU) if drop_waiting else None
    session.an = None
    request = pfcp.SessionModificationRequest(update_fars=[rules.waiting()], smreq_flags=flags)
    await modify(session, request)


def measured(session: PduSession, reports: Iterable[Report], because: TriggerType | None = None) -> None:
    """What a UPF has counted is to be told to the CHF."""
    charged = session.context.charging
    if charged is None:
        return
    after = used(charged, reports, session.ports.runtime.clock.now(), because)
    if after is not charged and session.context.state == "ACTIVE":
        session.commit(charging=after)
    elif after is not charged:
        session.note(charging=after)


async def modify(
    session: PduSession,
    request: pfcp.SessionModificationRequest,
    because: TriggerType | None = None,
    *,
    anchor: bool = False,
) -> pfcp.SessionModificationResponse:
    """At the UPF that the gNB sends to, or at the anchor. N4Error when the UPF does not have the session, or does not
    do it. because: why its URRs are asked."""
    context = session.context
    at = context if anchor else context.access
    if not (is_at_anchor(session) if at is context else is_at_branch(session)):
        raise N4Error(f"{at.upf} does not have the session")
    try:
        return await modify_at(session, at, request, because)
    except N4Error as error:
        if error.cause == pfcp.Cause.SESSION_CONTEXT_NOT_FOUND and at is context:
            session.epoch = 0
        elif error.cause == pfcp.Cause.SESSION_CONTEXT_NOT_FOUND:
            session.branch_epoch = 0
        raise


async def modify_at(
    session: PduSession,
    at: SmContext | Branch,
    request: pfcp.SessionModificationRequest,
    because: TriggerType | None = None,
) -> pfcp.SessionModificationResponse:
    """At any UPF. N4Error when it does not do it."""
    association = session.ports.associations.get(at.upf)
    if association is None:
        raise N4Error(f"no PFCP association with {at.upf}")
    response = await session.ports.n4.request(
        request, pfcp.SessionModificationResponse, association.peer, at.up_seid, session.label
    )
    association.loaded(response.load_control_information)
    if response.cause == _ACCEPTED:
        measured(session, response.usage_reports, because)
        return response
    cause = pfcp.cause_name(response.cause)
    raise N4Error(f"UPF {at.upf}: session modification: {cause}", response.cause, response.failed_rule_id)


def is_at_upf(session: PduSession) -> bool:
    """Whether each UPF of its path has the session, as far as we know."""
    return is_at_anchor(session) and (session.context.branch is None or is_at_branch(session))


def is_at_anchor(session: PduSession) -> bool:
    return _is_there(session, session.context.upf, session.epoch)


def is_at_branch(session: PduSession) -> bool:
    branch = session.context.branch
    return branch is not None and _is_there(session, branch.upf, session.branch_epoch)


def _is_there(session: PduSession, upf: str, epoch: int) -> bool:
    association = session.ports.associations.get(upf)
    return association is not None and epoch != 0 and epoch == association.epoch


async def delete(session: PduSession) -> list[pfcp.UsageReportInDeletion]:
    """The session ends at each UPF. Whatever they answer, it is not used again. What the anchor counted, to the end."""
    session.an = None
    at_anchor, at_branch, branch = is_at_anchor(session), is_at_branch(session), session.context.branch
    gone, session.leaving = session.leaving, ()
    session.epoch = session.branch_epoch = 0
    reports = []
    if at_anchor:
        reports = await withdraw(session, session.context.upf, session.context.up_seid)
        session.sessions.release_ends(session)
    if branch is not None:
        session.note(branch=None)
        gone = (*gone, branch) if at_branch else gone
    for each in gone:
        await withdraw(session, each.upf, each.up_seid)
        session.sessions.release(session, each)
    if branch is not None and not at_branch:
        session.sessions.release(session, branch)
    return reports


def n3_end(context: SmContext) -> pfcp.FTeid:
    """That of the anchor."""
    return pfcp.FTeid.at(context.teid, *context.anchor_ends.all)
