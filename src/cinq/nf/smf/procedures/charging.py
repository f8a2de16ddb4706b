"""Beginning and end of the charging of a PDU session: TS 32.255 §5.2.2, TS 32.290 §5.3.

The CHF is asked before the user plane is there (step 1), each time the UPF reports use (2, usage.py), and at the end
(3). What it was not told yet stands in the SM context, or after the session's end in a record of its own, and is told
again until it is taken: containers have numbers, and a request that has no answer is repeated as it was, so nothing
counts twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cinq.nf.smf import charging
from cinq.nf.smf.context import Charged
from cinq.nf.smf.ports import Ports
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import SmContextCreated
from cinq.procedure import Undo, Why
from cinq.procedure.store import Store
from cinq.sbi.models import PlmnId
from cinq.sbi.operation import Created
from cinq.sbi.problem import Problem
from cinq.sbi.services.nchf_convergedcharging import ChargingDataRequest, ChargingDataResponse
from cinq.wire import pfcp
from cinq.wire.nas import GsmCause

R = TypeVar("R")
log = logging.getLogger("cinq.smf")
UNTOLD = "charging-untold"
REFUSED = ("USER_UNKNOWN", "QUOTA_LIMIT_REACHED", "END_USER_REQUEST_DENIED", "END_USER_REQUEST_REJECTED")
NOT_CHARGED = "CHARGING_NOT_APPLICABLE"
GONE = 404  # a charging session that the CHF has not (any more)
NOT_RATED = "CHARGING_FAILED"
FINAL = (400, GONE, 410)
AWAY = (503, 504)


class Untold(Struct, frozen=True):
    """The end of a charging session that the CHF has not heard of. before: what was asked and had no answer."""

    ref: str
    body: ChargingDataRequest
    before: ChargingDataRequest | None = None


async def begin(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """1: quota for the session. Problem: it may not be, or there is no CHF and the settings want one."""
    ports, context = session.ports, session.context
    network = ports.data_network(context.dnn)
    if not ports.settings.charging.on or network is None:
        return
    charged = Charged(rating_group=network.rating_group, begun=_now(ports))
    charged = charging.lacking(charging.following(charged, context.qos), context.qos)
    wants = (charged.rating_group, *charged.lacking)
    body = charging.request(context, charged, who(session), charged.begun, wants)

    async def end(made: Created[ChargingDataResponse]) -> None:
        if session.context.charging is None:
            session.note(charging=replace(charged, ref=made.id))
        untold = kept(session, [])
        if untold is not None:
            tell_soon(ports, untold.ref)

    try:
        made = await undo.hold(in_time(ports, ports.chf.create(body)), end)
    except Problem as problem:
        if not goes_on(problem, ports):
            raise
        session.runtime.report(session, "pdu_session_establishment", created, f"not charged: {problem}")
        return
    quotas = {group: charging.quota_of(made.body, group) for group in wants}
    if quotas[charged.rating_group] is None:
        why = Why(f"the CHF grants {context.supi} nothing")
        raise Problem(403, "QUOTA_LIMIT_REACHED", why)
    session.note(charging=_begun(charging.told(charged, quotas), made))


def _begun(charged: Charged, made: Created[ChargingDataResponse]) -> Charged:
    result, said = made.body.invocation_result, made.body.triggers
    return replace(
        charged,
        ref=made.id,
        handling=None if result is None else result.failure_handling,
        immediate=tuple(
            one.trigger_type
            for one in said
            if one.trigger_category == "IMMEDIATE_REPORT" and one.trigger_type is not None
        ),
    )


async def in_time(ports: Ports, call: Awaitable[R]) -> R:
    """A CHF that does not answer is one that is away: Problem 504."""
    try:
        async with asyncio.timeout(ports.settings.charging.answer_s):
            return await call
    except TimeoutError:
        what = f"no answer in {ports.settings.charging.answer_s:g} s"
        raise Problem(504, "TIMED_OUT_REQUEST", Why(f"CHF: {what}")) from None


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


def kept(session: PduSession, reports: list[pfcp.UsageReportInDeletion]) -> Untold | None:
    """3: what is left to tell when the user plane has ended, written before the SM context goes."""
    context, ports = session.context, session.ports
    charged = context.charging
    if charged is None:
        return None
    now = _now(ports)
    charged = charging.used(charged, reports, now)
    asked = charging.request(context, charged, who(session), now) if charged.asked is not None else None
    ending = replace(charged, sequence=charged.sequence + 1)
    body = charging.request(context, ending, who(session), now, ends=True)
    untold = Untold(charged.ref, body, asked)
    ports.store.put(UNTOLD, charged.ref, msgspec.json.encode(untold))
    session.note(charging=None)
    return untold


def was_answered(store: Store, ref: str) -> None:
    """What was asked when the session ended has its answer: only the end is to be told."""
    untold = _read(store, ref)
    if untold is not None and untold.before is not None:
        store.put(UNTOLD, ref, msgspec.json.encode(replace(untold, before=None)))


def _read(store: Store, ref: str) -> Untold | None:
    """None: there is none that can be read. Nobody can make anything of one that is not."""
    octets = store.get(UNTOLD, ref)
    if octets is None:
        return None
    try:
        return msgspec.json.decode(octets, type=Untold)
    except msgspec.MsgspecError as error:
        log.warning("what was to be told of %s cannot be read: %s", ref, error)
        store.delete(UNTOLD, ref)
        return None


def tell_soon(ports: Ports, ref: str) -> None:
    """Nobody waits for it."""

    async def told() -> None:
        try:
            await tell(ports, ref)
        except Problem as problem:
            log.info("the end of %s is told later: %s", ref, problem)

    ports.runtime.spawn(told, "charging")


async def tell(ports: Ports, ref: str) -> None:
    """The end of a charging session, after what was asked before it. One at a time.

    Problem: the CHF cannot take it now, or not before its tariffs are mended. One that has no such session has closed
    it; one that finds the request wrong finds it wrong again.
    """
    if ref in ports.telling:
        return
    ports.telling.add(ref)
    try:
        untold = _read(ports.store, ref)
        if untold is not None:
            await _tell(ports, untold)
    finally:
        ports.telling.discard(ref)


async def _tell(ports: Ports, untold: Untold) -> None:
    ref, body, before = untold.ref, untold.body, untold.before
    try:
        await ports.store.durable()  # what is told is the same after a kill
    except OSError as error:
        log.warning("what is told of %s is not on disk: %s", ref, error)
    try:
        if before is not None:
            await in_time(ports, ports.chf.update(ref, before))
            was_answered(ports.store, ref)
    except Problem as problem:
        if problem.status not in FINAL or problem.cause == NOT_RATED:
            raise
        known = [] if before is None else before.multiple_unit_usage
        usages = [replace(one, requested_unit=None) for one in known]
        body = replace(body, multiple_unit_usage=[*usages, *body.multiple_unit_usage])
    try:
        await in_time(ports, ports.chf.release(ref, body))
    except Problem as problem:
        if problem.status not in FINAL or problem.cause == NOT_RATED:
            raise
        log.warning("the CHF does not take the end of %s: %s", ref, problem)
    ports.store.delete(UNTOLD, ref)


async def tell_all(ports: Ports) -> None:
    """What the CHF has not heard of, again. One that it refuses holds no other up."""
    for ref, _ in list(ports.store.items(UNTOLD)):
        try:
            await tell(ports, ref)
        except Problem as problem:
            if problem.status in AWAY:
                return


def who(session: PduSession) -> charging.Identity:
    """Of a subscriber who roams here the home is the partner: by that the visit is settled."""
    ports = session.ports
    home = ports.home(session.context.supi)
    return charging.Identity(
        ports.instance_id,
        PlmnId.of(ports.settings.plmn),
        None if home is None else PlmnId.of(home),
        ports.sbi.uri(f"/nsmf-callback/v1/charging/{session.context.ref}"),
    )


def _now(ports: Ports) -> float:
    return ports.runtime.clock.now()
