"""What a consumer may report and ask that cannot be, sessions that nobody ends, and requests that cross."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cinq.nf.chf import Settings
from cinq.nf.chf.account import RANGES, Credit, Numbers, counts, with_number
from cinq.nf.chf.records import Record
from cinq.nf.chf.tariff import Rate, Tariff
from cinq.sbi import Problem
from cinq.sbi.services.nchf_convergedcharging import (
    MultipleUnitUsage,
    PDUSessionChargingInformation,
    RequestedUnit,
    UsedUnitContainer,
)
from tests.nf.chf.test_charging import CENT, FLAT, MB, SUPI, Bench, refusal


def used(*containers: UsedUnitContainer, group: int = 1) -> MultipleUnitUsage:
    return MultipleUnitUsage(rating_group=group, used_unit_container=list(containers))


@pytest.mark.parametrize(
    "usage",
    [
        MultipleUnitUsage(rating_group=1, requested_unit=RequestedUnit(total_volume=-(10**9))),
        MultipleUnitUsage(rating_group=1, requested_unit=RequestedUnit(time=2**63)),
        MultipleUnitUsage(rating_group=2**32, requested_unit=RequestedUnit()),
        used(UsedUnitContainer(local_sequence_number=-1)),
        used(UsedUnitContainer(local_sequence_number=1, trigger_timestamp=datetime(2026, 1, 1))),
    ],
)
def test_numbers_and_times_that_cannot_be(usage: MultipleUnitUsage) -> None:
    bench = Bench("0.01")
    asked = MultipleUnitUsage(rating_group=2, requested_unit=RequestedUnit())
    assert refusal(lambda: bench.run(bench.chf.create(bench.body(usage, asked)))) == (
        400,
        "MANDATORY_IE_INCORRECT",
    )
    assert bench.account.available == Decimal("0.01")


@pytest.mark.parametrize("supi", ["", "x/../y", "imsi-1", "imsi-001010000000001.ff", "nai-a b", "a" * 10_000])
def test_an_account_is_opened_for_subscribers_alone(supi: str) -> None:
    bench = Bench("")
    bench.chf._settings = Settings((FLAT,), "postpaid", FLAT.name)
    body = replace(bench.body(bench.usage()), subscriber_identifier=supi)
    assert refusal(lambda: bench.run(bench.chf.create(body)))[0] == 400
    assert not list(bench.chf.accounts)


@pytest.mark.parametrize("hours", [14, -14])
@pytest.mark.parametrize("year", [1, 9999])
def test_a_consumer_whose_clock_is_wrong(year: int, hours: int) -> None:
    """When the use ended is within the session: rates are looked up at no other time."""
    bench = Bench(tariff=Tariff("flat", "EUR", (CENT,), zone=ZoneInfo("America/New_York")))
    name, _ = bench.begun()
    at = datetime(year, 12, 31, 23, tzinfo=timezone(timedelta(hours=hours)))
    for n in (1, 2):
        one = UsedUnitContainer(local_sequence_number=n, total_volume=MB, trigger_timestamp=at)
        bench.run(bench.chf.update(name, bench.body(used(one))))
    assert bench.balance == Decimal("0.98")
    assert {one.closed for one in bench.account.sessions[name].containers} == {bench.clock.at}


def test_a_sum_that_is_larger_than_any_money() -> None:
    bench = Bench(
        "1000000000000000000000000", tariff=Tariff("dear", "EUR", (Rate(Decimal("99.999999999"), 1),))
    )
    name, _ = bench.begun()
    one = UsedUnitContainer(local_sequence_number=1, total_volume=2**63 - 1)
    bench.run(bench.chf.update(name, bench.body(used(one))))
    assert Fraction(bench.balance) == 10**24 - (2**63 - 1) * Fraction("99.999999999")


def test_a_container_twice_in_one_request() -> None:
    bench = Bench()
    name, _ = bench.begun()
    one = UsedUnitContainer(local_sequence_number=1, total_volume=MB)
    bench.run(bench.chf.update(name, bench.body(used(one, one), used(one))))
    assert bench.balance == Decimal("0.99")


def test_a_group_twice_in_one_request() -> None:
    """Of two UPFs: what is granted twice is set aside twice."""
    bench = Bench("0.15")
    body = bench.body(bench.usage(), bench.usage())
    made = bench.run(bench.chf.create(body)).body.multiple_unit_information
    assert [one.granted_unit and one.granted_unit.total_volume for one in made] == [10 * MB, 5 * MB]
    assert bench.account.available == 0


@given(st.lists(st.integers(0, 2 * RANGES)))
def test_numbers_that_were_there(given_numbers: list[int]) -> None:
    ranges: Numbers = ()
    for number in given_numbers:
        ranges = with_number(ranges, number)
    assert len(ranges) <= RANGES
    assert list(ranges) == sorted(ranges)
    assert all(counts(ranges, number) for number in given_numbers)
    if len(set(given_numbers)) <= RANGES:
        assert sum(last - first + 1 for first, last in ranges) == len(set(given_numbers))


def test_what_is_kept_of_a_session_does_not_grow_with_its_use() -> None:
    bench = Bench("100000")
    name, _ = bench.begun()
    sizes = []
    for _ in range(4):
        for _ in range(50):
            bench.used(name, MB)
        sizes.append(len(bench.store.get("charging-accounts", SUPI) or b""))
    assert max(sizes) < min(sizes) + 30


def test_sessions_that_nobody_ends_give_their_money_back() -> None:
    """A consumer that did not hear of the session that it made never comes again."""
    bench = Bench("1")
    for number in range(100):
        body = replace(bench.body(bench.usage()), charging_id=1000 + number)
        bench.run(bench.chf.create(body))
        bench.clock.at += timedelta(seconds=4 * FLAT.validity_s)
    assert (len(bench.account.sessions), bench.account.set_aside) == (1, Decimal("0.1"))
    assert {one.cause_for_rec_closing for one in bench.chf.records} == {"abnormalRelease"}


def test_a_charging_identifier_that_another_session_has_now() -> None:
    bench = Bench("1")
    about = [PDUSessionChargingInformation(charging_id=n) for n in (1, 2)]
    bodies = [replace(bench.body(bench.usage()), invocation_sequence_number=0) for _ in range(3)]
    bodies = [
        replace(body, pdu_session_charging_information=about[n])
        for body, n in zip(bodies, (0, 0, 1), strict=True)
    ]
    names = [bench.run(bench.chf.create(body)).id for body in bodies]
    assert names[0] == names[1] != names[2]


def test_an_update_that_crosses_the_release_is_refused() -> None:
    """Else it would be paid and stand in no record."""
    bench = Bench("1")
    name, _ = bench.begun()
    keep = bench.chf.records.keep
    refused: list[int] = []

    async def crossed(record: Record) -> None:
        await keep(record)
        with pytest.raises(Problem, match="404") as error:
            await bench.chf.update(name, bench.body(bench.usage(MB)))
        refused.append(error.value.status)

    bench.chf.records.keep = crossed  # type: ignore[method-assign]
    bench.ended(name, MB)
    assert refused == [404]
    assert bench.balance == Decimal("0.99")
    assert sum(one.amount for one in bench.chf.records) == Decimal("0.01")
    assert not bench.account.sessions


def test_two_updates_at_once() -> None:
    bench = Bench("1")
    name, _ = bench.begun()
    bodies = [bench.body(bench.usage(MB)) for _ in range(2)]

    async def both() -> None:
        await asyncio.gather(*(bench.chf.update(name, body) for body in (bodies[0], bodies[0], bodies[1])))

    asyncio.run(both())
    assert bench.balance == Decimal("0.98")


def test_a_payment_counts_once_for_ever() -> None:
    bench = Bench("0")
    for number in [*range(300), 0]:
        paid = Credit(SUPI, Decimal(1), "EUR", str(number), datetime(2026, 1, 1, tzinfo=UTC))
        bench.run(bench.chf.accounts.credit(paid))
    assert bench.balance == 300
