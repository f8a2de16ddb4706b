"""What a request of charging does to an account: use is paid, quota is set aside, a session ends. Pure functions."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address

from msgspec import Struct, structs

from cinq.nf.chf.account import Account, Container, Held, Session, counts, with_number
from cinq.nf.chf.tariff import NOTHING, Last, Rate, Tariff, Use
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    FinalUnitIndication,
    GrantedUnit,
    MultipleUnitInformation,
    MultipleUnitUsage,
    RedirectAddressType,
    RedirectServer,
    RequestedUnit,
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
        held, said = grant(account, session, usage, tariff, now)
        granted.append(said)
        held = _both(session.held.get(str(usage.rating_group)), held)
        session = structs.replace(
            session, held=_with(session.held, usage.rating_group, held), short=_short(session.short, said)
        )
        account = with_session(account, name, session)
    session = structs.replace(session, left=account.available or NOTHING)
    account = with_session(account, name, session)
    return Answered(account, session, granted)


def paid(
    account: Account, session: Session, usage: MultipleUnitUsage, tariff: Tariff, now: datetime
) -> tuple[Account, Session]:
    """The containers that did not count before. What was granted of the group is free again."""
    counted, containers, running = session.counted, list[Container](), session.running
    for one in usage.used_unit_container:
        if not counts(counted, one.local_sequence_number):
            counted = with_number(counted, one.local_sequence_number)
            made, running = _container(usage.rating_group, one, tariff, session, now, running)
            containers.append(made)
    held = session.held
    if usage.used_unit_container or usage.requested_unit is not None:
        held = _with(held, usage.rating_group, None)
    spent = sum((one.cost for one in containers), NOTHING)
    after = structs.replace(
        session,
        held=held,
        counted=counted,
        containers=(*session.containers, *containers),
        running=running,
    )
    spent_of = _counted(account.spent, account.month, spent, now, tariff)
    return structs.replace(account, balance=account.balance - spent, **spent_of), after


def _container(
    rating_group: int,
    one: UsedUnitContainer,
    tariff: Tariff,
    session: Session,
    now: datetime,
    running: dict[str, int],
) -> tuple[Container, dict[str, int]]:
    """By the rate at the time when the use began: a grant does not outlive its rate.

    The consumer says when the use ended; that is within the session, whatever its clock says. running: what was used by
    each rate before, and the same with this.
    """
    before = [each.closed for each in session.containers if each.rating_group == rating_group]
    rate = _rate(tariff, rating_group, max(before, default=session.since or session.opened))
    up, down = one.uplink_volume or 0, one.downlink_volume or 0
    total = one.total_volume if one.total_volume is not None else up + down
    seconds, events = one.time or 0, one.service_specific_units or 0
    units, known = rate.units(Use(total, seconds, events)), running.get(rate.key, 0)
    made = Container(
        rating_group,
        one.local_sequence_number,
        now if one.trigger_timestamp is None else max(session.opened, min(one.trigger_timestamp, now)),
        up,
        down,
        total,
        seconds,
        tariff.cost(rate, units, known),
        tuple(each.trigger_type for each in one.triggers if each.trigger_type is not None),
        events,
    )
    if not tariff.is_running(rate):
        return made, running
    return made, {**running, rate.key: known + units}


def grant(
    account: Account, session: Session, usage: MultipleUnitUsage, tariff: Tariff, now: datetime
) -> tuple[Held | None, MultipleUnitInformation]:
    """Quota for a rating group, as far as there is money for it (TS 32.290 §5.4.3)."""
    group, wanted = usage.rating_group, usage.requested_unit
    try:
        rate = _rate(tariff, group, now)
    except Unrated:
        return None, MultipleUnitInformation(rating_group=group, result_code="RATING_FAILED")
    most = min(tariff.quota_of(rate), _asked(rate, wanted) or tariff.quota_of(rate))
    available, before = account.available, session.running.get(rate.key, 0)
    units = most if available is None else tariff.affordable(rate, available, most, before)
    if not units:
        return None, MultipleUnitInformation(rating_group=group, result_code="QUOTA_LIMIT_REACHED")
    use, left = rate.use(units), units // MORE_BEFORE
    of_octets = not (rate.timed or rate.events)
    holds_s = tariff.holds_s(group, now)
    said = MultipleUnitInformation(
        rating_group=group,
        result_code="SUCCESS",
        granted_unit=GrantedUnit(
            time=units if rate.timed else None,
            total_volume=units if of_octets else None,
            service_specific_units=units if rate.events else None,
            tariff_time_change=now + timedelta(seconds=holds_s) if holds_s < tariff.validity_s else None,
        ),
        validity_time=holds_s,
        quota_holding_time=tariff.holds_idle_s or None,
        final_unit_indication=final_unit(tariff.last) if units < most else None,
        volume_quota_threshold=left if of_octets and units == most else None,
        time_quota_threshold=left if rate.timed and units == most else None,
        unit_quota_threshold=left if rate.events and units == most else None,
    )
    return Held(use, tariff.cost(rate, units, before)), said


def _short(known: tuple[int, ...], said: MultipleUnitInformation) -> tuple[int, ...]:
    """The groups that have not got what they asked for."""
    others = tuple(group for group in known if group != said.rating_group)
    is_short = said.final_unit_indication is not None or said.result_code == "QUOTA_LIMIT_REACHED"
    return (*others, said.rating_group) if is_short else others


def _asked(rate: Rate, wanted: RequestedUnit | None) -> int | None:
    if wanted is None:
        return None
    if rate.events:
        return wanted.service_specific_units
    return wanted.time if rate.timed else wanted.total_volume


def final_unit(last: Last) -> FinalUnitIndication:
    """TS 32.290 §5.4.5."""
    if last.action == "terminate":
        return FinalUnitIndication(final_unit_action="TERMINATE")
    if last.action == "restrict":
        return FinalUnitIndication(
            final_unit_action="RESTRICT_ACCESS", restriction_filter_rule_list=list(last.filters)
        )
    kind: RedirectAddressType = "URL"
    with suppress(ValueError):
        kind = "IPV6" if ip_address(last.redirect).version == 6 else "IPV4"
    return FinalUnitIndication(
        final_unit_action="REDIRECT",
        restriction_filter_rule_list=list(last.filters),
        redirect_server=RedirectServer(redirect_address_type=kind, redirect_server_address=last.redirect),
    )


def _counted(spent: Decimal, month: str, more: Decimal, now: datetime, tariff: Tariff) -> dict[str, object]:
    """What was spent in the month, as the tariff's home has it: the counters of TS 29.594."""
    current = f"{now.astimezone(tariff.zone):%Y-%m}"
    return {"spent": (spent if month == current else NOTHING) + more, "month": current}


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
    use = Use(
        before.use.volume + more.use.volume,
        before.use.seconds + more.use.seconds,
        before.use.events + more.use.events,
    )
    return Held(use, before.money + more.money)


def _with(held: dict[str, Held], group: int, one: Held | None) -> dict[str, Held]:
    others = {key: value for key, value in held.items() if key != str(group)}
    return others if one is None else {**others, str(group): one}
