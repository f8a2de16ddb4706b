"""What strangers may try at the NRF: patterns without an end, subscribers that do not answer, and more."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.nrf import NRF, Settings
from cinq.nf.nrf.discovery import _pattern
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.caller import Caller, called_by
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnrf import NfStatusCallback, NotificationData, SearchQuery, SubscriptionData
from cinq.sbi.whole import Whole

ID = "00000000-0000-4000-8000-0000000000{:02x}"


class Clock:
    def now(self) -> float:
        return 1_750_000_000.0


@pytest.mark.parametrize(
    "pattern",
    [
        "(1|1)*x",
        "((1+))+x",
        "(a+)+$",
        r"\d*\d*\d*\d*x",
        "(1|1)" * 25 + "x",
        "(?:1|1)*x",
        "(1?){25}1{25}",
        "x" * 200,
        "(1|1){30}x",
        "(",
        r"(1+)\1+x",
        "[",
        "1{99999999999999999999}",
    ],
)
def test_patterns_that_are_not_looked_at(pattern: str) -> None:
    assert _pattern(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "^imsi-99970[0-9]{9}7$",
        "^imsi-99970.*7$",
        r"^nai-.+@a\.example$",
        "^imsi-(99970|00101)[0-9]+$",
        r"\+*",
        "[+*(]{3}",
    ],
)
def test_patterns_that_are(pattern: str) -> None:
    assert _pattern(pattern) is not None


def profile(number: int) -> Whole[NFProfile]:
    return Whole.of(NFProfile(nf_instance_id=ID.format(number), nf_type="UDM", nf_status="REGISTERED"))


class Consumer:
    """Takes what it is told when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.heard: list[str] = []

    async def nf_status_notify(self, reference: str, body: NotificationData) -> None:
        if reference == "slow":
            await self.let.wait()
        self.heard.append(f"{reference} {body.event} {body.nf_instance_uri[-2:]}")


def test_a_subscriber_that_does_not_answer_holds_nobody_up() -> None:
    async def run() -> None:
        bus, consumer = Bus(checked), Consumer()
        nrf = NRF(Settings(), Clock(), ID.format(0xFF), bus=bus)
        bus.serve(NfStatusCallback, consumer, ID.format(0xEE))
        for name in ("slow", "fast"):
            uri = f"/nf-status-callback/v1/{name}"
            await nrf.subscribe(SubscriptionData(nf_status_notification_uri=uri))
        await nrf.nf_register(ID.format(1), profile(1))
        await nrf.nf_deregister(ID.format(1))
        assert consumer.heard == ["fast NF_REGISTERED 01", "fast NF_DEREGISTERED 01"]
        consumer.let.set()
        await asyncio.wait(list(nrf._subscriptions._carriers.values()), timeout=10)
        assert consumer.heard[2:] == ["slow NF_REGISTERED 01", "slow NF_DEREGISTERED 01"]
        assert not nrf._subscriptions._letters

    asyncio.run(run())


def test_a_subscription_is_its_subscribers() -> None:
    async def run() -> None:
        nrf = NRF(Settings(), Clock(), ID.format(0xFF), store=MemoryStore())
        mine, other = (Caller(tls=True, instances=frozenset((ID.format(n),))) for n in (1, 2))
        called_by(mine)
        made = await nrf.subscribe(
            SubscriptionData(nf_status_notification_uri="http://a:1/x", req_nf_instance_id=ID.format(1))
        )
        called_by(other)
        longer = [PatchItem(op="replace", path="/validityTime", value="2025-06-15T15:07:40Z")]
        for attempt in (nrf.unsubscribe(made.id), nrf.update_subscription(made.id, longer)):
            with pytest.raises(Problem, match="403"):
                await attempt
        called_by(mine)
        await nrf.unsubscribe(made.id)

    asyncio.run(run())


def test_who_does_not_name_itself_is_who_its_certificate_names() -> None:
    """Else a service for AMFs alone is found by whoever calls itself one."""

    async def run() -> None:
        nrf = NRF(Settings(), Clock(), ID.format(0xFF), store=MemoryStore())
        await nrf.nf_register(ID.format(1), profile(1))
        called_by(Caller(tls=True, instances=frozenset((ID.format(1),))))
        found = await nrf.search(SearchQuery(target_nf_type="UDM", requester_nf_type="UDM"))
        assert [one.nf_instance_id for one in found.read.nf_instances] == [ID.format(1)]
        with pytest.raises(Problem, match="403"):
            await nrf.search(SearchQuery(target_nf_type="UDM", requester_nf_type="AMF"))

    asyncio.run(run())
