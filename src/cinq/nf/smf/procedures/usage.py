"""Use of a PDU session, told to the CHF: TS 32.255 §5.2.2, TS 32.290 §5.3 and §5.4.

It goes on beside the session's procedures, which never wait for a CHF: one request at a time, in order, each under a
guard timer. What is measured meanwhile waits in the SM context. The UPF closes what has no quota left.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from msgspec.structs import replace

from cinq.nf.smf import charging, rules, user_plane
from cinq.nf.smf.context import Charged, Quota
from cinq.nf.smf.flows import SessionQos
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.charging import (
    FINAL,
    GONE,
    NOT_RATED,
    REFUSED,
    UNTOLD,
    in_time,
    tell_soon,
    was_answered,
    who,
)
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import NetworkRelease
from cinq.procedure import Why
from cinq.sbi.problem import Problem
from cinq.sbi.services.nchf_convergedcharging import TriggerType
from cinq.wire import pfcp
from cinq.wire.nas import GsmCause


def report_soon(session: PduSession) -> None:
    """The CHF hears of what waits, unless it is being asked already: then it hears afterwards."""
    charged = session.context.charging
    if charged is None or session.runtime.stopping or charged.ref in session.ports.telling:
        return
    session.ports.telling.add(charged.ref)
    session.runtime.spawn(partial(_report, session, charged.ref), "charging")


def report_again(session: PduSession) -> None:
    """After a failure, and after a restart."""
    charged = session.context.charging
    if charged is not None and (charged.asked is not None or charged.waiting or charged.lacking):
        report_soon(session)


def measure_soon(session: PduSession, why: TriggerType) -> None:
    """What is used up to now is one container, and told: conditions change (TS 32.255 table 5.2.1.4.1)."""
    charged = session.context.charging
    if charged is not None and (why in charged.immediate or why == "FORCED_REAUTHORISATION"):
        session.runtime.spawn(partial(_measure, session, why), "charging")


def conditions_changed(session: PduSession, before: SessionQos) -> None:
    """Flows and rules, or the session AMBR, are others by now."""
    after = session.context.qos
    if (before.flows, before.rules) != (after.flows, after.rules):
        measure_soon(session, "QOS_CHANGE")
    elif before.ambr != after.ambr:
        measure_soon(session, "SESSION_AMBR_CHANGE")


def reauthorise(session: PduSession, groups: Iterable[int]) -> None:
    """The CHF wants these rating groups to ask anew; none: all that the session has."""
    charged = session.context.charging
    if charged is None or session.context.state != "ACTIVE":
        return
    known = (charged.rating_group, *charged.groups)
    wanted = tuple(group for group in dict.fromkeys(groups) if group in known) or known
    more = tuple(group for group in wanted if group not in charged.lacking)
    session.commit(charging=replace(charged, lacking=(*charged.lacking, *more)))
    measure_soon(session, "FORCED_REAUTHORISATION")


async def _measure(session: PduSession, why: TriggerType) -> None:
    context = session.context
    urrs = [pfcp.QueryUrr(urr_id=urr.urr_id) for urr in rules.urrs(context, context.qos)]
    try:
        if urrs:
            request = pfcp.SessionModificationRequest(query_urrs=urrs)
            await user_plane.modify(session, request, why)
    except N4Error as error:
        session.runtime.report(session, "charging_update", None, str(error))
    report_soon(session)


def prepare(session: PduSession, qos: SessionQos) -> None:
    """Each rating group of these rules has a URR of its own."""
    charged = session.context.charging
    after = None if charged is None else charging.following(charged, qos)
    if after is not charged:
        session.commit(charging=after)


def follow(session: PduSession) -> None:
    """Rules are in force: rating groups that are new get quota."""
    charged = session.context.charging
    if charged is None:
        return
    after = charging.lacking(charged, session.context.qos)
    if after is not charged:
        session.commit(charging=after)
        report_soon(session)


async def _report(session: PduSession, ref: str) -> None:
    try:
        while await _told_once(session, ref):
            pass
    finally:
        session.ports.telling.discard(ref)
    if session.ports.store.get(UNTOLD, ref) is not None:  # the session ended meanwhile
        tell_soon(session.ports, ref)


def _live(session: PduSession, ref: str) -> Charged | None:
    """As long as it is that charging session."""
    charged = session.context.charging
    return charged if session.context.state == "ACTIVE" and charged and charged.ref == ref else None


async def _told_once(session: PduSession, ref: str) -> bool:
    """One request and its answer; whether there may be more to tell."""
    ports, charged = session.ports, _live(session, ref)
    if charged is None or not (charged.asked or charged.waiting or charged.lacking):
        return False
    if charged.asked is None:
        charged = charging.asking(charged, ports.runtime.clock.now())
        session.commit(charging=charged)
    asked = charged.asked
    assert asked is not None
    body = charging.request(session.context, charged, who(session), asked.at)
    try:
        await ports.store.durable()  # after a kill the same is asked again
    except OSError as error:
        session.runtime.report(session, "charging_update", None, str(error))
    try:
        answer = await in_time(ports, ports.chf.update(ref, body))
    except Problem as problem:
        return await _failed(session, ref, problem)
    charged = _live(session, ref)
    if charged is None:
        was_answered(ports.store, ref)
        return False
    quotas = {group: charging.quota_of(answer, group) for group in asked.wants}
    over = _exhausted(charged).difference(asked.wants)
    finals = {group: charged.quotas.get(group, charging.CLOSED) for group in over}
    idle = dict.fromkeys(_groups(charged).difference(asked.wants, over), charging.NEXT_PACKET)
    session.commit(charging=charging.told(charged, {**quotas, **idle, **dict.fromkeys(over)}))
    await _given(session, ref, {**quotas, **idle}, finals)
    return True


def _groups(charged: Charged) -> set[int]:
    """Of the containers in what was asked."""
    upto = charged.asked.upto if charged.asked is not None else 0
    return {one.group for one in charged.waiting if one.number <= upto}


def _exhausted(charged: Charged) -> set[int]:
    """Those whose quota is used up."""
    upto = charged.asked.upto if charged.asked is not None else 0
    return {one.group for one in charged.waiting if one.number <= upto and one.why == "QUOTA_EXHAUSTED"}


async def _given(
    session: PduSession, ref: str, quotas: dict[int, Quota | None], finals: dict[int, Quota]
) -> None:
    """What was granted is in force at the UPF; where there is no more, the final-unit action is taken."""
    charged = _live(session, ref)
    if charged is None:
        return
    given = {group: quota for group, quota in quotas.items() if quota is not None}
    if given and charged.restricted:
        await restrict(session, ())
    await _to_upf(session, given)
    denied = [group for group in quotas if group not in given]
    for group, quota in {**dict.fromkeys(denied, charging.CLOSED), **finals}.items():
        await _over(session, group, quota)


async def _to_upf(session: PduSession, quotas: dict[int, Quota]) -> None:
    charged = session.context.charging
    if charged is None or not quotas:
        return
    known = {urr.urr_id for urr in rules.urrs(session.context, session.context.qos)}
    updates = [rules.renewed_urr(charged.urr(group), quota) for group, quota in quotas.items()]
    updates = [one for one in updates if one.urr_id in known]
    try:
        if updates:
            await user_plane.modify(session, pfcp.SessionModificationRequest(update_urrs=updates))
    except N4Error as error:
        session.runtime.report(session, "charging_update", None, str(error))


async def _over(session: PduSession, group: int, quota: Quota) -> None:
    """TS 32.290 §5.4.5: the service ends, or goes on restricted. Of the session's own group the session does.

    Another group stays closed at the UPF, which has no quota for it.
    """
    charged, label = session.context.charging, session.label
    if charged is None:
        return
    why = Why(
        f"{label} has no quota left for rating group {group}",
        f"cinq account credit {session.context.supi} AMOUNT",
    )
    session.runtime.report(session, "charging_update", None, why)
    if quota.action != "TERMINATE" and quota.filters:
        await restrict(session, quota.filters)
    elif group == charged.rating_group and quota.action == "TERMINATE":
        session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))


async def restrict(session: PduSession, filters: tuple[str, ...]) -> None:
    """These may be used without quota, and no others any more."""
    charged = session.context.charging
    if charged is None or charged.restricted == filters:
        return
    before = len(charged.restricted)
    session.commit(charging=replace(charged, restricted=filters))
    context = session.context
    request = rules.restricting(context, context.qos, user_plane.n3_end(context), before)
    try:
        await user_plane.modify(session, request)
    except N4Error as error:
        session.runtime.report(session, "charging_update", None, str(error))


async def _failed(session: PduSession, ref: str, problem: Problem) -> bool:
    """The CHF took nothing of it, or did not say so. What was asked is asked again; what is used waits.

    TS 32.290 §6.5: the session ends at once, or after some attempts, or goes on, as the CHF said or the settings say.
    """
    session.runtime.report(session, "charging_update", problem, f"CHF: {problem}")
    charged, limits = _live(session, ref), session.ports.settings.charging
    if charged is None or charged.asked is None:
        return False
    tries = charged.asked.tries + 1
    charged = replace(charged, asked=replace(charged.asked, tries=tries))
    exhausted = _exhausted(charged)
    if problem.status in FINAL and problem.cause != NOT_RATED:
        charged = charging.refused(charged)
    session.commit(charging=charged)
    default = "CONTINUE" if limits.goes_on_without else "RETRY_AND_TERMINATE"
    handling = charged.handling or default
    if (
        problem.status == GONE
        or problem.cause in REFUSED
        or handling == "TERMINATE"
        or (handling == "RETRY_AND_TERMINATE" and tries >= limits.tries)
    ):
        session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))
    elif handling == "CONTINUE":
        await _suspend(session, exhausted)
    return False


async def _suspend(session: PduSession, groups: Iterable[int]) -> None:
    """Use goes on without quota until a CHF answers."""
    charged = session.context.charging
    if charged is None:
        return
    without = dict.fromkeys(groups, charging.SUSPENDED)
    if without:
        session.commit(charging=replace(charged, quotas={**charged.quotas, **without}))
        await _to_upf(session, without)
