"""Nchf_SpendingLimitControl over the checked bus: subscribe, modify, notify, terminate, unsubscribe."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from cinq.nf.chf import CHF, Counter, Settings
from cinq.nf.chf.account import Account
from cinq.nf.pcf import PCF, Limit
from cinq.nf.pcf import Settings as PcfSettings
from cinq.procedure import Journal
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    MultipleUnitUsage,
    NchfConvergedCharging,
    RequestedUnit,
    UsedUnitContainer,
)
from cinq.sbi.services.nchf_spendinglimitcontrol import (
    NchfSpendingLimitControl,
    SpendingLimitContext,
    SpendingLimitStatus,
    SubscriptionTerminationInfo,
)
from cinq.sbi.services.nudr_policy import SessionPolicy
from tests.nf.chf.test_charging import FLAT, MB, NOON, SMF, SUPI, Clock

COUNTERS = (
    Counter("spent", above=((Decimal("0.05"), "slow"), (Decimal("0.50"), "stopped"))),
    Counter("other"),
)
URI = f"/npcf-callback/v1/spending-limits/{SUPI}"


class Heard:
    """The PCF's callback."""

    def __init__(self) -> None:
        self.statuses: list[SpendingLimitStatus] = []
        self.ended: list[SubscriptionTerminationInfo] = []
        self.refuses: Problem | None = None

    async def spending_limit_notify(self, supi: str, body: SpendingLimitStatus) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.statuses.append(body)

    async def spending_limit_terminate(self, supi: str, body: SubscriptionTerminationInfo) -> None:
        self.ended.append(body)


class Scene:
    def __init__(self) -> None:
        self.store, self.clock, self.heard = MemoryStore(), Clock(), Heard()
        self.bus = Bus(checked, Journal())
        numbers = itertools.count(1)
        self.entropy: Callable[[int], bytes] = lambda n: next(numbers).to_bytes(n, "big")
        self.start()
        from cinq.sbi.services.nchf_spendinglimitcontrol import NpcfSpendingLimitCallback

        self.bus.serve(NpcfSpendingLimitCallback, self.heard, "pcf")
        self.limits = self.bus.client(NchfSpendingLimitControl, "PCF")
        self.charging = self.bus.client(NchfConvergedCharging, "SMF")
        self.ref = ""

    def start(self) -> None:
        settings = Settings((FLAT,), counters=COUNTERS)
        self.chf = CHF(settings, self.store, self.clock, self.entropy, "chf", self.bus)  # type: ignore[arg-type]
        for service, implementation in self.chf.services():
            self.bus.serve(service, implementation, "chf")

    async def opened(self) -> None:
        await self.chf.accounts.open(Account(SUPI, "flat", "EUR", balance=Decimal(5)))

    async def subscribed(self, *names: str) -> str:
        body = SpendingLimitContext(supi=SUPI, policy_counter_ids=list(names), notif_uri=URI, notif_id="n1")
        made = await self.limits.subscribe(body)
        self.status = made.body
        return made.id

    async def used(self, octets: int, number: int) -> None:
        usage = MultipleUnitUsage(
            rating_group=1,
            requested_unit=RequestedUnit(),
            used_unit_container=[UsedUnitContainer(local_sequence_number=number, total_volume=octets)]
            if number
            else [],
        )
        body = ChargingDataRequest(
            nf_consumer_identification=SMF,
            invocation_time_stamp=NOON,
            invocation_sequence_number=number,
            subscriber_identifier=SUPI,
            charging_id=1,
            multiple_unit_usage=[usage],
        )
        if not number:
            self.ref = (await self.charging.create(body)).id
        else:
            await self.charging.update(self.ref, body)
        await self.chf.spending.changed(SUPI)


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        made = Scene()
        await made.opened()
        await scene(made)
        await made.chf.stop()

    asyncio.run(main())


def test_a_status_changes_and_changes_back_with_the_month() -> None:
    async def scene(one: Scene) -> None:
        name = await one.subscribed("spent")
        assert {n: i.current_status for n, i in one.status.status_infos.items()} == {"spent": "normal"}
        assert one.status.notif_id == "n1"
        await one.used(0, 0)
        await one.used(4 * MB, 1)
        assert not one.heard.statuses
        await one.used(4 * MB, 2)
        (told,) = {s.status_infos["spent"].current_status for s in one.heard.statuses}
        assert told == "slow"
        (pending,) = one.heard.statuses[0].status_infos["spent"].pen_pol_counter_statuses
        assert (pending.policy_counter_status, str(pending.activation_time)) == (
            "normal",
            "2026-12-01 00:00:00+00:00",
        )
        before = len(one.heard.statuses)
        one.clock.at = pending.activation_time
        await one.chf.look()
        assert [s.status_infos["spent"].current_status for s in one.heard.statuses[before:]] == ["normal"]
        await one.limits.unsubscribe(name)
        with pytest.raises(Problem) as problem:
            await one.limits.unsubscribe(name)
        assert problem.value.status == 404

    play(scene)


def test_what_was_not_heard_is_told_again_also_by_the_next_process() -> None:
    async def scene(one: Scene) -> None:
        await one.subscribed("spent")
        one.heard.refuses = Problem(504, "TARGET_NF_NOT_REACHABLE")
        await one.used(0, 0)
        await one.used(8 * MB, 1)
        await one.chf.stop()
        one.heard.refuses = None
        one.start()
        await one.chf.look()
        assert [s.status_infos["spent"].current_status for s in one.heard.statuses] == ["slow"]
        await one.chf.look()
        assert len(one.heard.statuses) == 1

    play(scene)


def test_a_subscription_is_modified() -> None:
    async def scene(one: Scene) -> None:
        name = await one.subscribed("spent")
        status = await one.limits.modify(name, SpendingLimitContext(policy_counter_ids=["other"]))
        assert list(status.status_infos) == ["other"]
        await one.used(0, 0)
        await one.used(8 * MB, 1)
        assert not one.heard.statuses

    play(scene)


def test_a_subscriber_who_is_gone_ends_the_subscription() -> None:
    async def scene(one: Scene) -> None:
        await one.subscribed()
        one.store.delete("charging-accounts", SUPI)
        await one.chf.look()
        assert [each.term_cause for each in one.heard.ended] == ["REMOVED_SUBSCRIBER"]
        assert not list(one.store.items("spending-limits"))

    play(scene)


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        (
            SpendingLimitContext(supi=SUPI, policy_counter_ids=["x"], notif_uri=URI),
            400,
            "UNKNOWN_POLICY_COUNTERS",
        ),
        (SpendingLimitContext(supi="imsi-001010000000002", notif_uri=URI), 400, "USER_UNKNOWN"),
        (SpendingLimitContext(notif_uri=URI), 400, "USER_UNKNOWN"),
        (SpendingLimitContext(supi=SUPI), 400, "MANDATORY_IE_MISSING"),
    ],
)
def test_what_is_refused(body: SpendingLimitContext, status: int, cause: str) -> None:
    async def scene(one: Scene) -> None:
        with pytest.raises(Problem) as problem:
            await one.limits.subscribe(body)
        assert (problem.value.status, problem.value.cause) == (status, cause)
        assert not list(one.store.items("spending-limits"))

    play(scene)


def test_nobody_has_subscriptions_without_end() -> None:
    async def scene(one: Scene) -> None:
        for _ in range(8):
            await one.subscribed()
        with pytest.raises(Problem) as problem:
            await one.subscribed()
        assert problem.value.status == 403

    play(scene)


def test_a_pcf_whose_chf_is_gone_for_a_subscriber_forgets_its_counters() -> None:
    async def main() -> None:
        store, bus = MemoryStore(), Bus(checked, Journal())
        limits = PcfSettings(limits=(Limit("spent", "slow", SessionPolicy(denied=True)),))
        pcf = PCF("pcf", bus, store, limits)
        for service, implementation in pcf.services():
            bus.serve(service, implementation, "pcf")
        store.put("policy-counters", SUPI, b'{"ref":"1","statuses":{"spent":"slow"}}')
        from cinq.sbi.callback import notify

        body = SubscriptionTerminationInfo(supi=SUPI, term_cause="REMOVED_SUBSCRIBER")
        await notify(bus, "CHF", f"{URI}/terminate", body)
        assert store.get("policy-counters", SUPI) is None
        with pytest.raises(Problem) as problem:
            await notify(bus, "CHF", f"{URI}/terminate", body)
        assert problem.value.status == 404

    asyncio.run(main())
