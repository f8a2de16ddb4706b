"""A session at its UPF: TS 23.502 §4.4.1, TS 29.244 §6.3. The rules themselves are those of rules.py."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

import msgspec

from cinq.nf.smf import rules
from cinq.nf.smf.charging import Report, used
from cinq.nf.smf.context import AnTunnel, SmContext
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
    """PFCP session establishment on the session's UPF. N4Error when there is no such session afterwards.

    far: of the downlink. f_teid: the N3 end to be restored, None for one of the UPF's choice. Returns the N3 end;
    the UPF's SEID is in the context.
    """
    context, ports = session.context, session.ports
    association = ports.associations.get(context.upf)
    if association is None or not association.is_usable:
        raise N4Error(f"no PFCP association with {context.upf}")
    request = _establishment_request(session, far, f_teid)
    response = await ports.n4.request(
        request, pfcp.SessionEstablishmentResponse, association.peer, 0, session.label
    )
    association.loaded(response.load_control_information)
    if response.cause != _ACCEPTED or response.up_f_seid is None:
        cause = pfcp.cause_name(response.cause)
        raise N4Error(
            f"UPF {context.upf}: session establishment: {cause}", response.cause, response.failed_rule_id
        )
    seid = response.up_f_seid.seid
    given = f_teid or _created(response)
    wrong = unusable(session, seid, given)
    if wrong or given is None or given.teid is None:
        await _withdraw(session, seid)
        raise N4Error(f"UPF {context.upf}: session establishment: {wrong}")
    session.epoch = association.epoch
    session.sessions.release_ends(session)
    six = b"" if given.ipv6 is None else given.ipv6.packed
    if context.charging is not None:  # its URRs count anew
        session.note(charging=msgspec.structs.replace(context.charging, seen={}))
    session.note(up_seid=seid, teid=given.teid, n3_address=int(given.ipv4 or 0), n3_ipv6=six)
    session.sessions.claim_ends(session)
    return given


def _created(response: pfcp.SessionEstablishmentResponse) -> pfcp.FTeid | None:
    first = rules.uplink_pdr(1)
    return next((pdr.f_teid for pdr in response.created_pdrs if pdr.pdr_id == first), None)


def unusable(session: PduSession, seid: int, given: pfcp.FTeid | None) -> str:
    """What is wrong with the ends that a UPF gave; "" for nothing. A UPF is not believed to be right."""
    upf = session.context.upf
    if not seid:
        return "a SEID of 0"
    if session.sessions.owner((upf, seid)) not in (None, session):
        return f"SEID {seid:#x} is that of another session"
    known = user_plane_of(session)
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


def user_plane_of(session: PduSession) -> UserPlane:
    """What the settings say of the session's UPF."""
    upf = session.context.upf
    found = [each for each in session.ports.settings.user_planes if str(each.address) == upf]
    return found[0] if found else UserPlane(IPv4Address(upf))


async def _withdraw(session: PduSession, seid: int) -> list[pfcp.UsageReportInDeletion]:
    """What a UPF gave and we do not use ends there; not where another session would. What it counted."""
    context, ports = session.context, session.ports
    association = ports.associations.get(context.upf)
    if not seid or association is None or session.sessions.owner((context.upf, seid)) not in (None, session):
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
    context, n4, known = session.context, session.ports.n4, user_plane_of(session)
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
    request = rules.growth(session.context, before, after, n3_end(session.context))
    if request is not None and is_at_upf(session):
        await modify(session, request)


async def shrink(session: PduSession, before: SessionQos, after: SessionQos) -> None:
    """What `after` has no more is gone. N4Error when the UPF does not say so."""
    request = rules.shrinkage(session.context, before, after, n3_end(session.context))
    if request is not None and is_at_upf(session):
        await modify(session, request)


async def revert(session: PduSession, before: SessionQos, after: SessionQos) -> None:
    """What `grow` did is undone. N4Error when the UPF does not say so."""
    request = rules.reversal(session.context, before, after, n3_end(session.context))
    if request is not None and is_at_upf(session):
        await modify(session, request)


async def reroute(session: PduSession, routes: tuple[str, ...]) -> None:
    """Other networks are behind the UE. N4Error when the UPF does not say so."""
    context = msgspec.structs.replace(session.context, framed_routes=routes)
    if is_at_upf(session):
        await modify(session, rules.rerouting(context, context.qos, n3_end(context)))
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
    session: PduSession, request: pfcp.SessionModificationRequest, because: TriggerType | None = None
) -> pfcp.SessionModificationResponse:
    """N4Error when the UPF does not have the session, or does not do it. because: why its URRs are asked."""
    context, ports = session.context, session.ports
    association = ports.associations.get(context.upf)
    if association is None or not is_at_upf(session):
        raise N4Error(f"{context.upf} does not have the session")
    response = await ports.n4.request(
        request, pfcp.SessionModificationResponse, association.peer, context.up_seid, session.label
    )
    association.loaded(response.load_control_information)
    if response.cause == _ACCEPTED:
        measured(session, response.usage_reports, because)
        return response
    if response.cause == pfcp.Cause.SESSION_CONTEXT_NOT_FOUND:
        session.epoch = 0
    cause = pfcp.cause_name(response.cause)
    raise N4Error(
        f"UPF {context.upf}: session modification: {cause}", response.cause, response.failed_rule_id
    )


def is_at_upf(session: PduSession) -> bool:
    """Whether the UPF has the session, as far as we know."""
    association = session.ports.associations.get(session.context.upf)
    return association is not None and session.epoch != 0 and session.epoch == association.epoch


async def delete(session: PduSession) -> list[pfcp.UsageReportInDeletion]:
    """The session at the UPF ends. Whatever the UPF answers, it is not used again. What it counted, to the end."""
    if not is_at_upf(session):
        return []
    session.epoch = 0
    session.an = None
    reports = await _withdraw(session, session.context.up_seid)
    session.sessions.release_ends(session)
    return reports


def n3_end(context: SmContext) -> pfcp.FTeid:
    return pfcp.FTeid.at(context.teid, *context.n3.all)
