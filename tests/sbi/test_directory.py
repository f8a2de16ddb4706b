"""Discovery at the consumer: which producer a call goes to, for how long, and what happens when one does not answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from cinq.nf.nrf import NRF, Settings
from cinq.sbi import Bus, Problem, producers
from cinq.sbi.directory import MOST, Discovery, Found, StatusListener
from cinq.sbi.http import OverHttp
from cinq.sbi.nf_profile import IpEndPoint, NFProfile, NFService, NFServiceVersion
from cinq.sbi.operation import Operation, operations
from cinq.sbi.peers import MOST as MOST_PEERS
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root
from cinq.sbi.services.nnrf import NnrfNFDiscovery, NotificationData, SearchQuery, SearchResult
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.whole import Whole
from tests.sbi.test_http import HOST, REQUEST, SUPI, Pcf

NRF_ID = "00000000-0000-4000-8000-0000000000ff"
CREATE, _, DELETE = operations(NpcfAMPolicyControl)


class Clock:
    time = 1000.0

    def now(self) -> float:
        return self.time


class Nrf:
    """An NRF that counts who asks, and can be away."""

    def __init__(self, nrf: NRF) -> None:
        self.nrf, self.asked, self.away = nrf, list[SearchQuery](), False

    async def search(self, query: SearchQuery) -> Whole[SearchResult]:
        self.asked.append(query)
        if self.away:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE")
        return await self.nrf.search(query)


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.nrf = NRF(Settings(validity_period=60), self.clock, NRF_ID)
        self.asked = Nrf(self.nrf)
        self.discovery = Discovery("http://nrf:1", NRF_ID, {"AMF": ident(0xA)}, self.clock)
        self.discovery.bus = Bus()
        self.discovery.bus.serve(NnrfNFDiscovery, self.asked, NRF_ID)

    async def register(self, number: int, root: str = "", **attributes: int) -> None:
        host, _, port = (root or f"http://192.0.2.{number}:80").removeprefix("http://").partition(":")
        service = NFService(
            service_instance_id="1",
            service_name="npcf-am-policy-control",
            versions=[NFServiceVersion(api_version_in_uri="v1", api_full_version="1.0.0")],
            scheme="http",
            nf_service_status="REGISTERED",
            ip_end_points=[IpEndPoint(ipv4_address=host, port=int(port))],
        )
        profile = NFProfile(
            nf_instance_id=ident(number),
            nf_type="PCF",
            nf_status="REGISTERED",
            nf_services=[service],
            **attributes,
        )
        await self.nrf.nf_register(ident(number), Whole.of(profile))

    async def find(self, op: Operation = CREATE, instance: str | None = None, root: str = "") -> str:
        return (await self.discovery.find(op, "AMF", instance, root)).root


def ident(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def run(body: Callable[[World], Awaitable[None]]) -> None:
    asyncio.run(body(World()))  # type: ignore[arg-type]


def test_priority_then_capacity() -> None:
    async def body(world: World) -> None:
        await world.register(1, priority=2)
        await world.register(2, priority=1, capacity=10)
        await world.register(3, priority=1, capacity=90)
        chosen = Counter([await world.find() for _ in range(2000)])
        assert set(chosen) == {"http://192.0.2.2:80", "http://192.0.2.3:80"}
        assert 50 < chosen["http://192.0.2.2:80"] < 400

    run(body)


def test_an_answer_is_kept_as_long_as_the_nrf_says() -> None:
    async def body(world: World) -> None:
        await world.register(1)
        await asyncio.gather(*(world.find() for _ in range(10)))
        assert len(world.asked.asked) == 1
        asked = world.asked.asked[0]
        assert (asked.target_nf_type, asked.requester_nf_type, asked.service_names) == (
            "PCF",
            "AMF",
            ["npcf-am-policy-control"],
        )
        assert asked.requester_nf_instance_id == ident(0xA)
        world.clock.time += 61
        await world.register(1)
        await world.find()
        assert len(world.asked.asked) == 2
        world.clock.time += 61
        world.asked.away = True  # what was found last goes on to hold
        assert await world.find() == "http://192.0.2.1:80"

    run(body)


def test_one_that_did_not_answer_is_passed_over_while_there_are_others() -> None:
    async def body(world: World) -> None:
        await world.register(1, priority=1)
        await world.register(2, priority=2)
        first = await world.discovery.find(CREATE, "AMF", None, "")
        assert first.root == "http://192.0.2.1:80"
        world.discovery.failed(first)
        assert await world.find() == "http://192.0.2.2:80"
        world.discovery.failed(await world.discovery.find(CREATE, "AMF", None, ""))
        assert await world.find() == "http://192.0.2.1:80"  # both: then the better one is tried
        world.clock.time += 11
        assert await world.find() == "http://192.0.2.1:80"

    run(body)


def test_nothing_grows_with_the_roots_that_others_name() -> None:
    async def body(world: World) -> None:
        for number in range(2 * MOST + 9):
            world.discovery.failed(Found(f"http://{number}.example"))
        assert len(world.discovery._rests) <= MOST
        peers = Peers()
        for number in range(3 * MOST_PEERS):
            peers._fell_silent(f"http://{number}.example", 0.0)
        assert len(peers._circuits) <= MOST_PEERS

    run(body)


def test_an_instance_a_root_and_nobody() -> None:
    async def body(world: World) -> None:
        with pytest.raises(Problem, match=r"504 .*the NRF knows no PCF that offers npcf-am-policy-control"):
            await world.find()
        await world.register(1)
        await world.register(2)
        world.clock.time += 2  # that nobody is there is not kept for long
        assert await world.find(instance=ident(2)) == "http://192.0.2.2:80"
        assert await world.find(root="http://else:1") == "http://else:1"
        found = await world.discovery.find(CREATE, "AMF", None, "http://192.0.2.2:80")
        assert found.instance == ident(2)
        with pytest.raises(Problem, match="504"):
            await world.find(instance=ident(7))

    run(body)


def test_the_nrf_tells_of_changes() -> None:
    """DEV-111: and nobody else does."""

    async def body(world: World) -> None:
        await world.register(1)
        await world.find()
        listener = StatusListener(world.discovery)
        listener.references.add("mine")
        told = NotificationData(
            event="NF_DEREGISTERED", nf_instance_uri=f"http://nrf/nnrf-nfm/v1/nf-instances/{ident(1)}"
        )
        with pytest.raises(Problem, match="404 SUBSCRIPTION_NOT_FOUND"):
            await listener.nf_status_notify("another", told)
        await world.find()
        assert len(world.asked.asked) == 1
        await world.register(1, "http://192.0.2.9:80")
        await listener.nf_status_notify("mine", told)
        assert await world.find() == "http://192.0.2.9:80"

    run(body)


def test_a_call_goes_on_to_another_producer_where_nothing_was_sent() -> None:
    async def body(world: World) -> None:
        bus, pcf = Bus(), Pcf()
        bus.serve(NpcfAMPolicyControl, pcf, "2")
        server = await producers.offer(bus, HOST, 0, None)
        alive = api_root(*server.local, tls=False)
        await world.register(1, "http://127.0.0.1:9", priority=1)
        await world.register(2, alive, priority=2)
        wire = OverHttp(world.discovery, Peers())
        client = Bus(wire=wire).client(NpcfAMPolicyControl, "AMF")
        made = await client.create(REQUEST)
        assert made.id == f"{alive}/{SUPI}"
        await client.delete(made.id)
        with pytest.raises(Problem, match="504"):  # a resource is where it is
            await client.delete(f"http://127.0.0.1:9/{SUPI}")
        await wire.peers.close()
        await server.close()

    run(body)
