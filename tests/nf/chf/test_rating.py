"""Rating: blocks, rounding, time zones with daylight saving, a switch of tariff in a session, events, final units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.chf.quota import final_unit
from cinq.nf.chf.tariff import NANO, Last, Rate, Tariff
from cinq.sbi.services.nchf_convergedcharging import MultipleUnitUsage, RequestedUnit, UsedUnitContainer
from tests.nf.chf.test_charging import MB, Bench

ROUNDINGS = (ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, ROUND_DOWN)
steps = st.sampled_from([NANO, Decimal("0.01"), Decimal("1")])
rates = st.builds(
    Rate,
    price=st.decimals("0.000000001", "1000", places=9),
    per=st.integers(1, 10**9),
    block=st.integers(1, 10**6),
)
tariffs = st.builds(
    lambda rate, step, rounding: Tariff("t", "EUR", (rate,), step=step, rounding=rounding),
    rates,
    steps,
    st.sampled_from(ROUNDINGS),
)


@given(tariffs, st.lists(st.integers(0, 10**8), min_size=1, max_size=8))
def test_into_how_many_containers_use_is_cut_makes_no_difference(tariff: Tariff, uses: list[int]) -> None:
    """But for the ninth digit of each container, where nothing is sold in blocks and nothing is rounded."""
    (rate,) = tariff.rates
    before, parts = 0, Decimal(0)
    for one in uses:
        cost = tariff.cost(rate, one, before)
        assert cost >= 0
        parts, before = parts + cost, before + one
    whole = tariff.cost(rate, sum(uses))
    assert abs(parts - whole) <= (0 if tariff.is_running(rate) else NANO * len(uses))


@given(tariffs, st.decimals(0, 10**6, places=9), st.integers(1, 10**12), st.integers(0, 10**9))
def test_what_money_buys_is_never_dearer(tariff: Tariff, money: Decimal, most: int, before: int) -> None:
    (rate,) = tariff.rates
    if not tariff.is_running(rate):
        before = 0
    units = tariff.affordable(rate, money, most, before)
    assert 0 <= units <= most
    if tariff.is_running(rate):
        assert tariff.cost(rate, units, before) <= money
        assert units == most or tariff.cost(rate, units + 1, before) > money
    else:
        assert rate.price * units / rate.per <= money


@pytest.mark.parametrize(
    ("block", "step", "rounding", "units", "cost"),
    [
        (1, NANO, ROUND_HALF_EVEN, 1500, "0.015"),
        (1000, NANO, ROUND_HALF_EVEN, 1500, "0.02"),
        (1000, NANO, ROUND_HALF_EVEN, 0, "0"),
        (1000, NANO, ROUND_HALF_EVEN, 1, "0.01"),
        (1, Decimal("0.01"), ROUND_UP, 1, "0.01"),
        (1, Decimal("0.01"), ROUND_DOWN, 1999, "0.01"),
        (1, Decimal("0.01"), ROUND_HALF_UP, 1500, "0.02"),
        (1, Decimal("0.01"), ROUND_HALF_EVEN, 2500, "0.02"),
    ],
)
def test_blocks_and_rounding(block: int, step: Decimal, rounding: str, units: int, cost: str) -> None:
    rate = Rate(Decimal("0.01"), 1000, block=block)
    assert Tariff("t", "EUR", (rate,), step=step, rounding=rounding).cost(rate, units) == Decimal(cost)


BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Rate(Decimal("0.001"), MB, begins=0, ends=3 * 3600)
DAY = Rate(Decimal("0.010"), MB)
SWITCHING = Tariff("night", "EUR", (NIGHT, DAY), BERLIN, quota=10 * MB, validity_s=86_400)


@pytest.mark.parametrize(
    ("at", "rate", "holds_s"),
    [
        (datetime(2026, 7, 1, 0, 30, tzinfo=UTC), NIGHT, 1800),  # 02:30 in summer
        (datetime(2026, 1, 1, 1, 30, tzinfo=UTC), NIGHT, 1800),  # 02:30 in winter
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), NIGHT, 5400),  # 02:30, which comes again at 01:30 UTC
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), NIGHT, 1800),  # the second 02:30
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), NIGHT, 1800),  # 01:30; 02:00 is 03:00 that night
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), DAY, 75_600),
    ],
)
def test_daylight_saving(at: datetime, rate: Rate, holds_s: int) -> None:
    assert SWITCHING.rate(1, at) == rate
    assert SWITCHING.holds_s(1, at) == holds_s


def test_a_switch_of_tariff_in_a_session() -> None:
    """The grant says when the price changes, and each container is paid by the price that held when it began."""
    bench = Bench("5", SWITCHING)
    bench.clock.at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    name, granted = bench.begun()
    switch = datetime(2026, 10, 25, 2, 0, tzinfo=UTC)
    assert granted.granted_unit is not None
    assert granted.granted_unit.tariff_time_change == switch
    assert granted.validity_time == 1800
    bench.clock.at = switch
    bench.run(bench.chf.update(name, bench.body(bench.usage(10 * MB))))
    bench.clock.at = switch + timedelta(minutes=5)
    bench.run(bench.chf.update(name, bench.body(bench.usage(10 * MB))))
    assert bench.balance == 5 - Decimal("0.01") - Decimal("0.10")


def test_events() -> None:
    """Two an asking; a balance for three."""
    tariff = Tariff("sms", "EUR", (Rate(Decimal("0.10"), 1, events=True),), quota_events=2)
    bench = Bench("0.35", tariff)
    used = UsedUnitContainer(local_sequence_number=1, service_specific_units=2)
    created = bench.run(bench.chf.create(bench.body(asking())))
    assert units_of(created.body.multiple_unit_information[0].granted_unit) == 2
    answer = bench.run(bench.chf.update(created.id, bench.body(asking(used))))
    said = answer.multiple_unit_information[0]
    assert units_of(said.granted_unit) == 1
    assert said.final_unit_indication is not None
    assert bench.balance == Decimal("0.15")


def asking(*used: UsedUnitContainer) -> MultipleUnitUsage:
    return MultipleUnitUsage(
        rating_group=1,
        requested_unit=RequestedUnit(service_specific_units=5),
        used_unit_container=list(used),
    )


def units_of(granted: object) -> object:
    return getattr(granted, "service_specific_units", None)


@pytest.mark.parametrize(
    ("last", "action", "filters", "kind"),
    [
        (Last(), "TERMINATE", [], None),
        (Last("restrict", ("permit out ip from 192.0.2.1 to assigned",)), "RESTRICT_ACCESS", 1, None),
        (Last("redirect", redirect="192.0.2.9"), "REDIRECT", [], "IPV4"),
        (Last("redirect", redirect="2001:db8::9"), "REDIRECT", [], "IPV6"),
        (Last("redirect", redirect="https://pay.example"), "REDIRECT", [], "URL"),
    ],
)
def test_final_units(last: Last, action: str, filters: object, kind: str | None) -> None:
    made = final_unit(last)
    assert made.final_unit_action == action
    assert len(made.restriction_filter_rule_list) == (filters if isinstance(filters, int) else 0)
    assert (made.redirect_server and made.redirect_server.redirect_address_type) == kind
