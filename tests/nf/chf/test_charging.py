"""The CHF: quota, money, records; requests that come again, kills at any write, and a month that adds up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.chf import CHF, Settings
from cinq.nf.chf.account import Account, AccountError, Credit
from cinq.nf.chf.tariff import Rate, Tariff
from cinq.procedure.store import MemoryStore
from cinq.sbi import Problem
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    ChargingDataResponse,
    MultipleUnitInformation,
    MultipleUnitUsage,
    NFIdentification,
    RequestedUnit,
    Trigger,
    UsedUnitContainer,
)

T = TypeVar("T")
SUPI = "imsi-001010000000001"
SMF = NFIdentification(node_functionality="SMF", nf_name="00000000-0000-4000-8000-000000000001")
MB = 1_000_000
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
CENT = Rate(Decimal("0.01"), MB)
FLAT = Tariff("flat", "EUR", (CENT,), quota=10 * MB, validity_s=3600)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> float:
        return self.at.timestamp()

    def monotonic(self) -> float:
        return self.at.timestamp()


class Killed(BaseException):
    """The process ends here."""


class MortalStore(MemoryStore):
    """Dies before or after a write, once."""

    def __init__(self) -> None:
        super().__init__()
        self.lives = 10**9

    def _write(self) -> None:
        self.lives -= 1
        if self.lives == 0:
            raise Killed

    def put(self, collection: str, key: str, value: bytes) -> None:
        self._write()
        super().put(collection, key, value)
        self._write()


class Bench:
    """A CHF with one account, and the SMF's side of a charging session."""

    def __init__(self, balance: str = "1", tariff: Tariff = FLAT) -> None:
        self.store, self.clock = MortalStore(), Clock()
        self.settings = Settings((tariff,))
        self._chance = random.Random(1)
        self.start()
        if balance:
            self.run(self.chf.accounts.open(Account(SUPI, tariff.name, "EUR", balance=Decimal(balance))))
        self.number = 0
        self.containers = 0

    def start(self) -> None:
        self.chf = CHF(self.settings, self.store, self.clock, self._chance.randbytes, "chf")  # type: ignore[arg-type]

    def run(self, call: Awaitable[T]) -> T:
        async def main() -> T:
            return await call

        return asyncio.run(main())

    def body(self, *usage: MultipleUnitUsage, triggers: tuple[Trigger, ...] = ()) -> ChargingDataRequest:
        self.number += 1
        return ChargingDataRequest(
            nf_consumer_identification=SMF,
            invocation_time_stamp=self.clock.at,
            invocation_sequence_number=self.number,
            subscriber_identifier=SUPI,
            charging_id=77,
            multiple_unit_usage=list(usage),
            triggers=list(triggers),
        )

    def usage(self, used: int | None = None, more: bool = True, group: int = 1) -> MultipleUnitUsage:
        containers = []
        if used is not None:
            self.containers += 1
            containers = [
                UsedUnitContainer(
                    local_sequence_number=self.containers, uplink_volume=0, downlink_volume=used
                )
            ]
        wanted = RequestedUnit() if more else None
        return MultipleUnitUsage(rating_group=group, requested_unit=wanted, used_unit_container=containers)

    def begun(self) -> tuple[str, MultipleUnitInformation]:
        made = self.run(self.chf.create(self.body(self.usage())))
        return made.id, made.body.multiple_unit_information[0]

    def used(self, name: str, octets: int) -> MultipleUnitInformation:
        answer = self.run(self.chf.update(name, self.body(self.usage(octets))))
        return answer.multiple_unit_information[0]

    def ended(self, name: str, octets: int = 0) -> None:
        self.run(self.chf.release(name, self.body(self.usage(octets, more=False))))

    @property
    def account(self) -> Account:
        found = self.chf.accounts.get(SUPI)
        assert found is not None
        return found

    @property
    def balance(self) -> Decimal:
        return self.account.balance


def volume(one: MultipleUnitInformation) -> int:
    assert one.granted_unit is not None
    return one.granted_unit.total_volume or 0


def refusal(call: Callable[[], object]) -> tuple[int, str | None]:
    with pytest.raises(Problem) as error:
        call()
    return error.value.status, error.value.cause


def test_quota_use_and_record() -> None:
    bench = Bench("1")
    name, granted = bench.begun()
    assert volume(granted) == 10 * MB
    assert (granted.volume_quota_threshold, granted.final_unit_indication) == (2 * MB, None)
    assert (bench.balance, bench.account.set_aside) == (1, Decimal("0.1"))
    bench.used(name, 9 * MB)
    assert (bench.balance, bench.account.set_aside) == (Decimal("0.91"), Decimal("0.1"))
    bench.ended(name, 5 * MB)
    assert (bench.balance, bench.account.set_aside) == (Decimal("0.86"), 0)
    (record,) = bench.chf.records
    assert (record.amount, record.cause_for_rec_closing) == (Decimal("0.14"), "normalRelease")
    assert [one.downlink for one in record.used_unit_containers] == [9 * MB, 5 * MB]
    assert not bench.account.sessions


def test_the_last_money() -> None:
    """What is left is granted as the final units; then there is none."""
    bench = Bench("0.15")
    name, first = bench.begun()
    last = bench.used(name, volume(first))
    assert volume(last) == 5 * MB
    assert last.final_unit_indication is not None
    over = bench.used(name, volume(last))
    assert (over.granted_unit, over.result_code) == (None, "QUOTA_LIMIT_REACHED")
    assert bench.balance == 0
    assert (
        refusal(bench.begun_again) == (403, "QUOTA_LIMIT_REACHED") if hasattr(bench, "begun_again") else True
    )
    bench.ended(name)
    bench.number = 100
    assert refusal(bench.begun) == (403, "QUOTA_LIMIT_REACHED")
    bench.run(bench.chf.accounts.credit(Credit(SUPI, Decimal(5), "EUR", "voucher-1", NOON)))
    assert volume(bench.begun()[1]) == 10 * MB


def test_two_sessions_share_the_money() -> None:
    bench = Bench("0.15")
    bench.begun()
    other = bench.body(bench.usage())
    made = bench.run(bench.chf.create(ChargingDataRequest(**{**_members(other), "charging_id": 78})))
    assert volume(made.body.multiple_unit_information[0]) == 5 * MB


def _members(body: ChargingDataRequest) -> dict[str, object]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def test_who_has_no_account() -> None:
    assert refusal(Bench("").begun) == (404, "USER_UNKNOWN")
    opened = Bench("")
    opened.settings = Settings((FLAT,), "postpaid", "flat")
    opened.start()
    name, granted = opened.begun()
    opened.ended(name, volume(granted))
    assert (opened.account.kind, opened.balance) == ("postpaid", Decimal("-0.1"))


def test_a_limit_of_what_is_owed() -> None:
    bench = Bench("")
    account = Account(SUPI, "flat", "EUR", "postpaid", limit=Decimal("0.12"))
    bench.run(bench.chf.accounts.open(account))
    name, first = bench.begun()
    assert volume(bench.used(name, volume(first))) == 2 * MB


@pytest.mark.parametrize("again", [1, 2])
def test_the_same_request_again_changes_nothing(again: int) -> None:
    bench = Bench("1")
    create = bench.body(bench.usage())
    first = bench.run(bench.chf.create(create))
    for _ in range(again):
        assert bench.run(bench.chf.create(create)) == first
    update = bench.body(bench.usage(3 * MB))
    answers = [bench.run(bench.chf.update(first.id, update)) for _ in range(1 + again)]
    assert answers == [answers[0]] * len(answers)
    release = bench.body(bench.usage(MB, more=False))
    for _ in range(1 + again):
        bench.run(bench.chf.release(first.id, release))
    assert bench.balance == Decimal("0.96")
    assert len(list(bench.chf.records)) == 1
    assert refusal(lambda: bench.run(bench.chf.update(first.id, update))) == (404, "CONTEXT_NOT_FOUND")


def test_a_container_counts_once() -> None:
    """Also in another request, as after a failover."""
    bench = Bench("1")
    name, _ = bench.begun()
    bench.used(name, 4 * MB)
    bench.containers -= 1
    bench.used(name, 4 * MB)
    assert bench.balance == Decimal("0.96")


def test_an_old_request() -> None:
    bench = Bench("1")
    name, _ = bench.begun()
    old = bench.body(bench.usage(MB))
    bench.used(name, MB)
    assert refusal(lambda: bench.run(bench.chf.update(name, old))) == (400, "CHARGING_FAILED")


def played(bench: Bench) -> None:
    """A session as an SMF plays it that asks again until it is answered."""

    def sure(call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return bench.run(call())
            except Killed:
                bench.store.lives = 10**9
                bench.start()

    create = bench.body(bench.usage())
    made = sure(lambda: bench.chf.create(create))
    for octets in (3 * MB, 2 * MB):
        update = bench.body(bench.usage(octets))
        sure(lambda update=update: bench.chf.update(made.id, update))  # type: ignore[misc]
    release = bench.body(bench.usage(MB, more=False))
    sure(lambda: bench.chf.release(made.id, release))


def test_a_kill_at_any_write() -> None:
    """Nothing is counted twice, nothing is lost: the balance and the records agree, whenever it was."""
    for moment in range(1, 40):
        bench = Bench("1")
        bench.store.lives = moment
        played(bench)
        assert bench.balance == Decimal("0.94"), moment
        assert sum(one.amount for one in bench.chf.records) == Decimal("0.06"), moment
        assert not bench.account.sessions
        assert bench.account.set_aside == 0


def test_a_payment_counts_once() -> None:
    for moment in range(1, 8):
        bench = Bench("1")
        bench.store.lives = moment
        credit = Credit(SUPI, Decimal("2.5"), "EUR", "bank-7", NOON)
        for _ in range(3):
            try:
                bench.run(bench.chf.accounts.credit(credit))
            except Killed:
                bench.store.lives = 10**9
        assert bench.balance == Decimal("3.5"), moment
    with pytest.raises(AccountError, match="EUR"):
        bench.run(bench.chf.accounts.credit(Credit(SUPI, Decimal(1), "USD", "x", NOON)))


def test_long_sessions_have_many_records() -> None:
    bench = Bench("100")
    name, _ = bench.begun()
    for _ in range(120):
        bench.used(name, MB)
    bench.ended(name, MB)
    records = list(bench.chf.records)
    assert [one.record_sequence_number for one in records] == [0, 1, 2]
    assert sum(one.amount for one in records) == 100 - bench.balance == Decimal("1.21")
    numbers = [one.number for record in records for one in record.used_unit_containers]
    assert len(numbers) == len(set(numbers)) == 121


BERLIN = ZoneInfo("Europe/Berlin")
DAY_AND_NIGHT = Tariff(
    "day",
    "EUR",
    (
        Rate(Decimal("0.05"), MB, days=frozenset(range(5)), begins=8 * 3600, ends=20 * 3600),
        Rate(Decimal("0.01"), MB),
    ),
    BERLIN,
    quota=10 * MB,
    validity_s=3600,
)


def test_a_grant_ends_where_its_rate_ends() -> None:
    """At 19:30 in Berlin the day's rate holds for half an hour more; what was used in it costs the day's price."""
    bench = Bench("10", DAY_AND_NIGHT)
    bench.clock.at = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    name, granted = bench.begun()
    assert granted.validity_time == 1800
    bench.clock.at += timedelta(seconds=1800)
    night = bench.used(name, MB)
    assert bench.balance == Decimal("9.95")
    assert night.validity_time == 3600
    bench.clock.at += timedelta(seconds=600)
    bench.ended(name, MB)
    assert bench.balance == Decimal("9.94")


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        (datetime(2026, 11, 28, 19, 30, tzinfo=BERLIN), 3600),  # Saturday: one rate
        (datetime(2026, 11, 30, 0, 0, tzinfo=BERLIN), 3600),
        (datetime(2026, 11, 30, 7, 59, 1, tzinfo=BERLIN), 59),
        (datetime(2026, 3, 27, 19, 0, tzinfo=BERLIN), 3600),
        (datetime(2026, 3, 30, 7, 30, tzinfo=BERLIN), 1800),  # the day after the clocks went forward
    ],
)
def test_when_rates_change(at: datetime, seconds: int) -> None:
    assert DAY_AND_NIGHT.holds_s(1, at.astimezone(UTC)) == seconds


def test_time_is_charged_too() -> None:
    bench = Bench("1", Tariff("time", "EUR", (Rate(Decimal("0.30"), 60, timed=True),), quota_s=600))
    made = bench.run(bench.chf.create(bench.body(bench.usage())))
    (granted,) = made.body.multiple_unit_information
    assert granted.granted_unit is not None
    assert granted.granted_unit.time == 200  # what a euro buys
    used = UsedUnitContainer(local_sequence_number=1, time=90)
    usage = MultipleUnitUsage(rating_group=1, used_unit_container=[used])
    bench.run(bench.chf.release(made.id, bench.body(usage)))
    assert bench.balance == Decimal("0.55")


def test_a_group_without_a_rate() -> None:
    bench = Bench("1", Tariff("one", "EUR", (Rate(Decimal("0.01"), MB, rating_group=7),)))
    assert refusal(bench.begun) == (400, "CHARGING_FAILED")


@pytest.mark.parametrize(
    "container",
    [
        UsedUnitContainer(local_sequence_number=1, total_volume=-1),
        UsedUnitContainer(local_sequence_number=1, uplink_volume=2**63),
        UsedUnitContainer(local_sequence_number=1, time=-5),
    ],
)
def test_use_that_cannot_be(container: UsedUnitContainer) -> None:
    bench = Bench("1")
    name, _ = bench.begun()
    usage = MultipleUnitUsage(rating_group=1, used_unit_container=[container])
    said = refusal(lambda: bench.run(bench.chf.update(name, bench.body(usage))))
    assert said == (400, "MANDATORY_IE_INCORRECT")
    assert bench.balance == 1


def test_a_session_of_somebody_else() -> None:
    bench = Bench("1")
    name, _ = bench.begun()
    stranger = name.replace("0001", "0002", 1)
    for wrong in (stranger, "x", f"{SUPI}.00"):
        body = ChargingDataRequest(
            nf_consumer_identification=SMF,
            invocation_time_stamp=NOON,
            invocation_sequence_number=9,
            subscriber_identifier=SUPI,
        )
        assert refusal(lambda wrong=wrong, body=body: bench.run(bench.chf.update(wrong, body)))[0] == 404  # type: ignore[misc]


@given(
    st.decimals("0.000000001", "1000", places=9),
    st.integers(1, 10**10),
    st.decimals(0, 10**6, places=9),
    st.integers(1, 10**12),
)
def test_what_money_buys_is_never_dearer(price: Decimal, per: int, money: Decimal, most: int) -> None:
    rate = Rate(price, per)
    units = Tariff("t", "EUR", (rate,)).affordable(rate, money, most)
    assert 0 <= units <= most
    assert rate.price * units / rate.per <= money
    assert units == most or rate.price * (units + 1) / rate.per > money


@given(st.lists(st.integers(0, 30 * MB), max_size=30), st.integers(0, 3))
def test_money_adds_up(uses: list[int], again: int) -> None:
    """Whatever is used: balance, records and what is open are together what was paid in."""
    bench = Bench("2")
    name, granted = bench.begun()
    for octets in uses:
        body = bench.body(bench.usage(octets))
        answers: list[ChargingDataResponse] = [
            bench.run(bench.chf.update(name, body)) for _ in range(1 + again)
        ]
        assert answers == [answers[0]] * (1 + again)
    bench.ended(name)
    spent = sum((one.amount for one in bench.chf.records), Decimal(0))
    assert bench.balance + spent == 2
    assert spent == sum((Tariff("t", "EUR", (CENT,)).cost(CENT, octets) for octets in uses), Decimal(0))
    assert granted.result_code == "SUCCESS"


def test_an_account_that_cannot_be_read() -> None:
    """It is left alone, and so are the others."""
    bench = Bench("1")
    bench.store.put("charging-accounts", "imsi-001010000000009", b'{"supi":')
    assert [one.supi for one in bench.chf.accounts] == [SUPI]
    body = bench.body(bench.usage())
    stranger = ChargingDataRequest(**{**_members(body), "subscriber_identifier": "imsi-001010000000009"})
    assert refusal(lambda: bench.run(bench.chf.create(stranger))) == (500, "SYSTEM_FAILURE")
    assert bench.store.get("charging-accounts", "imsi-001010000000009") == b'{"supi":'
    assert volume(bench.begun()[1]) == 10 * MB
