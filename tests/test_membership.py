"""Functions at an NRF and beside others that foreign makers wrote: what they refuse or leave out stops nobody."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import msgspec
import pytest

from cinq.membership import Membership
from cinq.procedure import Journal, RealClock, Runtime
from cinq.sbi import Created, Problem
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnrf import SubscriptionData
from cinq.sbi.whole import Whole
from cinq.service_interface import PRODUCERS, ServiceInterface
from cinq.settings.network import NetworkSettings
from cinq.settings.toml import loads

OWN = "00000000-0000-4000-8000-000000000001"


class Nrf:
    """One that wants heartbeats each `timer` seconds, and a condition in each subscription, as Open5GS does."""

    def __init__(self, timer: int | None) -> None:
        self.timer = timer
        self.subscribed: list[str | None] = []

    async def nf_register(self, nf_instance_id: str, body: Whole[NFProfile]) -> Created[Whole[NFProfile]]:
        profile = msgspec.structs.replace(body.read, heart_beat_timer=self.timer)
        return Created(f"/nf-instances/{nf_instance_id}", Whole.of(profile))

    async def subscribe(self, body: SubscriptionData) -> Created[SubscriptionData]:
        if body.subscr_cond is None:
            raise Problem(400, None, "No SubscrCond")
        self.subscribed.append(body.subscr_cond.nf_type)
        return Created("/subscriptions/1", body)


class Periods:
    """Of a Runtime, what is done again and again, and how often."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def every(self, seconds: float, action: object, name: str) -> None:
        self.seconds[name] = seconds


def made(nrf: Nrf, interval: float = 30.0) -> tuple[Membership, ServiceInterface, Periods]:
    settings = loads(NetworkSettings, '[sbi]\ntransport = "http2"\naccess_tokens = false', "c.toml")
    interface = ServiceInterface(settings, Journal(), RealClock(), {"AUSF": OWN}, "nrf")
    setattr(interface.bus, "client", lambda *_: nrf)  # noqa: B010  # it is elsewhere, and no wire leads there
    periods = Periods()
    runtime = cast(Runtime, periods)
    return Membership(interface, runtime, interval, alone=False), interface, periods


PROFILE = NFProfile(nf_instance_id=OWN, nf_type="AUSF", nf_status="REGISTERED")


@pytest.mark.parametrize(("timer", "seconds"), [(10, 10.0), (None, 30.0), (60, 30.0)])
def test_heartbeats_come_as_often_as_the_nrf_wants(timer: int | None, seconds: float) -> None:
    """TS 29.510 §5.2.2.2.2: the timer of the answer counts; they begin before the process is ready."""
    membership, _, periods = made(Nrf(timer))
    asyncio.run(membership.serve([], PROFILE))
    assert periods.seconds == {"heartbeats": seconds}


def test_a_function_whose_subscription_is_refused_serves_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Open5GS' UDR knows no subscription to policy data."""

    async def start() -> None:
        raise Problem(400)

    membership, _, periods = made(Nrf(None))
    with caplog.at_level(logging.WARNING):
        asyncio.run(membership.subscribes(start, "PCF"))
    assert "the PCF hears of no changes, its subscription is refused: 400" in caplog.text
    assert list(periods.seconds) == ["subscriptions of the PCF"]


def test_an_nrf_that_wants_a_condition_is_asked_for_each_type() -> None:
    async def body() -> None:
        nrf = Nrf(None)
        membership, interface, _ = made(nrf)
        await membership.serve([], PROFILE)
        await interface.hear_of_others()
        assert tuple(nrf.subscribed) == PRODUCERS

    asyncio.run(body())


@pytest.mark.parametrize("answers", [True, False])
def test_who_ends_is_registered_no_more(answers: bool) -> None:
    """TS 29.510 §5.2.2.4, the last to come first; an NRF that is gone is asked once."""
    left = list[str]()

    class Leaving(Nrf):
        async def nf_deregister(self, nf_instance_id: str) -> None:
            left.append(nf_instance_id)
            if not answers:
                raise Problem(504, "TARGET_NF_NOT_REACHABLE")

    membership, _, _ = made(Leaving(None))
    other = msgspec.structs.replace(PROFILE, nf_instance_id="00000000-0000-4000-8000-000000000002")

    async def ended() -> None:
        await membership.serve([], PROFILE)
        await membership.serve([], other)
        await membership.leave()
        await membership.leave()

    asyncio.run(ended())
    assert left == [other.nf_instance_id, OWN][: 2 if answers else 1]
