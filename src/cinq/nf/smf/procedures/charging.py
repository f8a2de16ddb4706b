"""Charging of a PDU session: TS 32.255 §5.2.2, TS 32.290 §5.3.

The CHF is asked before the user plane is there (step 1), each time the UPF reports use (step 2), and at the end (3).
What it was not told yet stands in the SM context, or after the session's end in a record of its own, and is told again
until it is taken: containers have numbers, so nothing counts twice.
"""

from __future__ import annotations

import logging

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cinq.nf.smf import charging, rules, user_plane
from cinq.nf.smf.context import Charged
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.ports import Ports
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import NetworkRelease, SmContextCreated, UsageReported
from cinq.procedure import ABORT, Undo, Verdict, Why, collision, procedure
from cinq.sbi.models import PlmnId
from cinq.sbi.operation import Created
from cinq.sbi.problem import Problem
from cinq.sbi.services.nchf_convergedcharging import ChargingDataRequest, ChargingDataResponse
from cinq.wire import pfcp
from cinq.wire.nas import GsmCause

log = logging.getLogger("cinq.smf")
UNTOLD = "charging-untold"
REFUSED = ("USER_UNKNOWN", "QUOTA_LIMIT_REACHED", "END_USER_REQUEST_DENIED", "END_USER_REQUEST_REJECTED")
NOT_CHARGED = "CHARGING_NOT_APPLICABLE"
GONE = 404  # a charging session that the CHF has not (any more)
NOT_RATED = "CHARGING_FAILED"
FINAL = (400, GONE, 410)
AWAY = (503, 504)


class Untold(Struct, frozen=True):
    """The end of a charging session that the CHF has not heard of."""

    ref: str
    body: ChargingDataRequest


async def begin(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """1: quota for the session. Problem: it may not be, or there is no CHF and the settings want one."""
    ports, context = session.ports, session.context
    network = ports.data_network(context.dnn)
    if not ports.settings.charging.on or network is None:
        return
    charged = Charged(rating_group=network.rating_group, begun=_now(ports))
    body = charging.request(context, charged, who(ports), charged.begun, wants=True)

    async def end(made: Created[ChargingDataResponse]) -> None:
        await ports.chf.release(made.id, replace(body, invocation_sequence_number=1, multiple_unit_usage=[]))

    try:
        made = await undo.hold(ports.chf.create(body), end)
    except Problem as problem:
        if not goes_on(problem, ports):
            raise
        session.runtime.report(session, "pdu_session_establishment", created, f"not charged: {problem}")
        return
    quota = charging.quota_of(made.body, charged.rating_group)
    if quota is None and not charging.is_unmanaged(made.body, charged.rating_group):
        why = Why(f"the CHF grants {context.supi} nothing")
        raise Problem(403, "QUOTA_LIMIT_REACHED", why)
    session.note(charging=replace(charged, ref=made.id, quota=quota))


def goes_on(problem: Problem, ports: Ports) -> bool:
    """Whether a session is served that nobody charges: the CHF says so, or is not there and need not be."""
    if problem.cause == NOT_CHARGED:
        return True
    return problem.cause not in REFUSED and ports.settings.charging.goes_on_without


def gsm_cause(problem: Problem) -> GsmCause:
    """TS 24.501 §6.4.1.4.1: #29 where the CHF does not authorise the subscriber."""
    if problem.cause in REFUSED:
        return GsmCause.USER_AUTHENTICATION_OR_AUTHORIZATION_FAILED
    return GsmCause.REQUEST_REJECTED_UNSPECIFIED


@procedure(opens=UsageReported)
async def charging_update(session: PduSession, _: UsageReported) -> None:
    """2: use is told, and another quota is asked for; without one the session ends (TS 32.290 §5.4.5)."""
    charged = session.context.charging
    if session.context.state == "INACTIVE" or charged is None:
        return
    last = charged.quota is not None and charged.quota.is_last
    over = any(one.why == "QUOTA_EXHAUSTED" for one in charged.waiting)
    charged = replace(charged, sequence=charged.sequence + 1)
    session.commit(charging=charged)
    wants = not (last and over)
    body = charging.request(session.context, charged, who(session.ports), _now(session.ports), wants=wants)
    try:
        answer = await session.ports.chf.update(charged.ref, body)
    except Problem as problem:
        lost(session, problem)
        return
    quota = charging.quota_of(answer, charged.rating_group)
    current = session.context.charging
    if current is None:
        return
    session.commit(charging=charging.told(current, body, quota))
    if quota is None:
        why = Why(f"{session.label} has no quota left", f"cinq account credit {session.context.supi} AMOUNT")
        session.runtime.report(session, "charging_update", None, why)
        session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))
        return
    try:
        request = pfcp.SessionModificationRequest(update_urrs=[rules.renewed_urr(quota)])
        await user_plane.modify(session, request, anchor=True)
    except N4Error as error:
        session.runtime.report(session, "charging_update", None, str(error))


def lost(session: PduSession, problem: Problem) -> None:
    """The CHF took nothing of it. What was used is told with the next report, or at the end."""
    session.runtime.report(session, "charging_update", problem, f"CHF: {problem}")
    if (
        problem.status == GONE
        or problem.cause in REFUSED
        or not session.ports.settings.charging.goes_on_without
    ):
        session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))


def kept(session: PduSession, reports: list[pfcp.UsageReportInDeletion]) -> Untold | None:
    """3: what is left to tell when the user plane has ended, written before the SM context goes."""
    context, ports = session.context, session.ports
    charged = context.charging
    if charged is None:
        return None
    now = _now(ports)
    charged = charging.used(replace(charged, sequence=charged.sequence + 1), reports, now)
    body = charging.request(context, charged, who(ports), now, wants=False, ends=True)
    untold = Untold(charged.ref, body)
    ports.store.put(UNTOLD, charged.ref, msgspec.json.encode(untold))
    session.note(charging=None)
    return untold


async def tell(ports: Ports, untold: Untold) -> None:
    """Problem: the CHF cannot take it now, or not before its tariffs are mended. One that has no such session has
    closed it; one that finds the request wrong finds it wrong again."""
    try:
        await ports.chf.release(untold.ref, untold.body)
    except Problem as problem:
        if problem.status not in FINAL or problem.cause == NOT_RATED:
            raise
        log.warning("the CHF does not take the end of %s: %s", untold.ref, problem)
    ports.store.delete(UNTOLD, untold.ref)


async def tell_all(ports: Ports) -> None:
    """What the CHF has not heard of, again. One that it refuses holds no other up."""
    for ref, octets in list(ports.store.items(UNTOLD)):
        try:
            await tell(ports, msgspec.json.decode(octets, type=Untold))
        except msgspec.MsgspecError as error:
            log.warning("what was to be told of %s cannot be read: %s", ref, error)
            ports.store.delete(UNTOLD, ref)
        except Problem as problem:
            if problem.status in AWAY:
                return


def who(ports: Ports) -> charging.Identity:
    plmn = ports.settings.plmn
    return charging.Identity(ports.instance_id, PlmnId(mcc=plmn.mcc, mnc=plmn.mnc))


def _now(ports: Ports) -> float:
    return ports.runtime.clock.now()


@collision(charging_update, SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew; what was used stands in the SM context."""
    return ABORT
