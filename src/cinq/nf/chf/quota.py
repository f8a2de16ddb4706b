"""What a request of charging does to an account: use is paid, quota is set aside, a session ends. Pure functions."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, structs

from cinq.nf.chf.account import Account, Container, Held, Session, counts, with_number
from cinq.nf.chf.tariff import NOTHING, Rate, Tariff, Use, affordable, cost
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    FinalUnitIndication,
    GrantedUnit,
    MultipleUnitInformation,
    MultipleUnitUsage,
    UsedUnitContainer,
)

MORE_BEFORE = 5  # with a fifth of a grant left it is time to ask for more
ENDED = 64


class Unrated(ValueError):
    """The tariff has no rate for it."""


class Answered(Struct, frozen=True):
    """An account and a session after a request, and what is granted in it."""

    account: Account
    session: Session
    granted: list[MultipleUnitInformation]


def served(
    account: Account, name: str, session: Session, body: ChargingDataRequest, tariff: Tariff, now: datetime
) -> Answered:
    """Use is paid before quota is given: the grant of a rating group that reports is returned with it."""
    for usage in body.multiple_unit_usage:
        account, session = paid(account, session, usage, tariff, now)
    account = with_session(account, name, session)
    granted = []
    for usage in body.multiple_unit_usage:
        if usage.requested_unit is None:
            continue
        held, said = grant(account, usage, tariff, now)
        granted.append(said)
        held = _both(session.held.get(str(usage.rating_group)), held)
        session = structs.replace(session, held=_with(session.held, usage.rating_group, held))
        account = with_session(account, name, session)
    return Answered(account, session, granted)


def paid(
    account: Account, session: Session, usage: MultipleUnitUsage, tariff: Tariff, now: datetime
) -> tuple[Account, Session]:
    """The containers that did not count before. What was granted of the group is free again."""
    counted, containers = session.counted, list[Container]()
    for one in usage.used_unit_container:
        if not counts(counted, one.local_sequence_number):
            counted = with_number(counted, one.local_sequence_number)
            containers.append(_container(usage.rating_group, one, tariff, session, now))
    held = session.held
    if usage.used_unit_container or usage.requested_unit is not None:
        held = _with(held, usage.rating_group, None)
    spent = sum((one.cost for one in containers), NOTHING)
    made = structs.replace(
        session,
        held=held,
        counted=counted,
        containers=(*session.containers, *containers),
    )
    return structs.replace(account, balance=account.balance - spent), made


def _container(
    rating_group: int, one: UsedUnitContainer, tariff: Tariff, session: Session, now: datetime
) -> Container:
    """By the rate at the time when the use began: a grant does not outlive its rate.

    The consumer says when the use ended; that is within the session, whatever its clock says.
    """
    before = [each.closed for each in session.containers if each.rating_group == rating_group]
    rate = _rate(tariff, rating_group, max(before, default=session.since or session.opened))
    up, down = one.uplink_volume or 0, one.downlink_volume or 0
    total = one.total_volume if one.total_volume is not None else up + down
    seconds = one.time or 0
    return Container(
        rating_group,
        one.local_sequence_number,
        now if one.trigger_timestamp is None else max(session.opened, min(one.trigger_timestamp, now)),
        up,
        down,
        total,
        seconds,
        cost(rate, Use(total, seconds)),
        tuple(each.trigger_type for each in one.triggers if each.trigger_type is not None),
    )


def grant(
    account: Account, usage: MultipleUnitUsage, tariff: Tariff, now: datetime
) -> tuple[Held | None, MultipleUnitInformation]:
    """Quota for a rating group, as far as there is money for it (TS 32.290 §5.4.3)."""
    group, wanted = usage.rating_group, usage.requested_unit
    try:
        rate = _rate(tariff, group, now)
    except Unrated:
        return None, MultipleUnitInformation(rating_group=group, result_code="RATING_FAILED")
    asked = None if wanted is None else wanted.time if rate.timed else wanted.total_volume
    quota = tariff.quota_s if rate.timed else tariff.quota
    most = min(quota, asked) if asked else quota
    available = account.available
    units = most if available is None else affordable(rate, available, most)
    if not units:
        return None, MultipleUnitInformation(rating_group=group, result_code="QUOTA_LIMIT_REACHED")
    use = Use(seconds=units) if rate.timed else Use(volume=units)
    left = units // MORE_BEFORE
    said = MultipleUnitInformation(
        rating_group=group,
        result_code="SUCCESS",
        granted_unit=GrantedUnit(time=units) if rate.timed else GrantedUnit(total_volume=units),
        validity_time=tariff.holds_s(group, now),
        final_unit_indication=FinalUnitIndication(final_unit_action="TERMINATE") if units < most else None,
        volume_quota_threshold=None if rate.timed or units < most else left,
        time_quota_threshold=left if rate.timed and units == most else None,
    )
    return Held(use, cost(rate, use)), said


def with_session(account: Account, name: str, session: Session) -> Account:
    return structs.replace(account, sessions={**account.sessions, name: session})


def without_session(account: Account, name: str) -> Account:
    sessions = {key: one for key, one in account.sessions.items() if key != name}
    return structs.replace(ending(account, name), sessions=sessions)


def ending(account: Account, name: str) -> Account:
    """The session takes no more requests."""
    if name in account.ended:
        return account
    return structs.replace(account, ended=(*account.ended, name)[-ENDED:])


def _rate(tariff: Tariff, rating_group: int, at: datetime) -> Rate:
    found = tariff.rate(rating_group, at)
    if found is None:
        raise Unrated(f"tariff {tariff.name} has no rate for rating group {rating_group} at {at:%a %H:%M}")
    return found


def _both(before: Held | None, more: Held | None) -> Held | None:
    """A group may be asked for twice in one request, for two UPFs."""
    if before is None or more is None:
        return before or more
    use = Use(before.use.volume + more.use.volume, before.use.seconds + more.use.seconds)
    return Held(use, before.money + more.money)


def _with(held: dict[str, Held], group: int, one: Held | None) -> dict[str, Held]:
    others = {key: value for key, value in held.items() if key != str(group)}
    return others if one is None else {**others, str(group): one}
