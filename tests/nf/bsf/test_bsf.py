"""BSF: bindings come, change, go and are found, as octets of HTTP; what is wrong changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.bsf import BSF
from cinq.nf.bsf.bindings import COLLECTION
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.message import Request
from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import IpEndPoint
from cinq.sbi.operation import operations
from cinq.sbi.request import arguments_of, request_of
from cinq.sbi.route import Routes
from cinq.sbi.services.nbsf_management import BindingQuery, NbsfManagement, PcfBinding, PcfBindingPatch

SLICE = Snssai(sst=1)
END = IpEndPoint(ipv4_address="127.0.0.8", transport="TCP", port=7777)


class World:
    def __init__(self, store: MemoryStore | None = None, most: int = 10) -> None:
        numbers = count(1)
        self.store = store or MemoryStore()
        self.bsf = BSF(self.store, lambda n: next(numbers).to_bytes(n, "big"), "bsf", ("internet",), most)
        bus = Bus(checked)
        for service, implementation in self.bsf.services():
            bus.serve(service, implementation, "bsf")
        self.client = bus.client(NbsfManagement, "PCF")

    async def made(self, pcf: str = "pcf-1", dnn: str = "internet", **more: object) -> str:
        body = PcfBinding(dnn=dnn, snssai=SLICE, pcf_id=pcf, pcf_ip_end_points=[END], **more)  # type: ignore[arg-type]
        return (await self.client.register(body)).id

    async def found(self, **asked: object) -> str | None:
        """The PCF."""
        binding = await self.client.discover(BindingQuery(**asked))  # type: ignore[arg-type]
        return None if binding is None else binding.pcf_id

    def kept(self) -> dict[str, bytes]:
        return dict(self.store.items(COLLECTION))


def scene(run: Callable[[World], Coroutine[None, None, None]], world: World | None = None) -> None:
    asyncio.run(run(world or World()))


def test_a_pcf_is_found_by_each_address_of_its_session_until_it_takes_the_binding_away() -> None:
    async def run(world: World) -> None:
        name = await world.made(
            ipv4_addr="10.45.0.2",
            ipv6_prefix="2001:db8:1:2::/64",
            add_ipv6_prefixes=["2001:db8:9::/48"],
            mac_addr48="00-11-22-AA-bb-cc",
            supi="imsi-999700000000001",
            gpsi="msisdn-4670000001",
        )
        assert await world.found(ipv4_addr="10.45.0.2") == "pcf-1"
        assert await world.found(ipv6_prefix="2001:db8:1:2::8a2e:370:7334/128") == "pcf-1"
        assert await world.found(ipv6_prefix="2001:db8:9:77::1/128") == "pcf-1"
        assert await world.found(mac_addr48="00-11-22-aa-BB-cc") == "pcf-1"
        whole = {
            "ipv4_addr": "10.45.0.2",
            "dnn": "Internet",
            "supi": "imsi-999700000000001",
            "gpsi": "msisdn-4670000001",
        }
        assert await world.found(**whole, snssai=SLICE) == "pcf-1"
        for other in (
            {"ipv4_addr": "10.45.0.3"},
            {"ipv6_prefix": "2001:db8:1:3::1/128"},
            {"mac_addr48": "00-11-22-aa-bb-cd"},
            {**whole, "dnn": "ims"},
            {**whole, "supi": "imsi-999700000000002"},
            {**whole, "gpsi": "msisdn-1"},
            {**whole, "snssai": Snssai(sst=1, sd="000001")},
            {**whole, "ip_domain": "elsewhere"},
        ):
            assert await world.found(**other) is None
        await world.client.deregister(name)
        assert await world.found(ipv4_addr="10.45.0.2") is None
        assert await world.found(ipv6_prefix="2001:db8:1:2::1/128") is None
        assert world.kept() == {}
        with pytest.raises(Problem, match="404"):
            await world.client.deregister(name)

    scene(run)


def test_the_longest_prefix_counts() -> None:
    async def run(world: World) -> None:
        await world.made("wide", ipv6_prefix="2001:db8::/32")
        await world.made("narrow", ipv6_prefix="2001:db8:1::/64")
        assert await world.found(ipv6_prefix="2001:db8:1::5/128") == "narrow"
        assert await world.found(ipv6_prefix="2001:db8:2::5/128") == "wide"

    scene(run)


def test_an_address_that_several_data_networks_give_is_one_with_the_dnn() -> None:
    async def run(world: World) -> None:
        await world.made("pcf-1", "internet", ipv4_addr="10.45.0.2")
        await world.made("pcf-2", "ims", ipv4_addr="10.45.0.2")
        with pytest.raises(Problem, match="400 MULTIPLE_BINDING_INFO_FOUND"):
            await world.found(ipv4_addr="10.45.0.2")
        assert await world.found(ipv4_addr="10.45.0.2", dnn="ims") == "pcf-2"

    scene(run)


def test_an_address_given_to_a_new_session_is_no_more_that_of_a_pcf_that_is_gone() -> None:
    async def run(world: World) -> None:
        await world.made("gone", ipv4_addr="10.45.0.2", ipv6_prefix="2001:db8:1::/64")
        await world.made("here", ipv4_addr="10.45.0.2")
        assert await world.found(ipv4_addr="10.45.0.2") == "here"
        assert await world.found(ipv6_prefix="2001:db8:1::1/128") is None
        assert len(world.kept()) == 1

    scene(run)


def test_a_binding_changes_by_a_merge_patch() -> None:
    async def run(world: World) -> None:
        name = await world.made(ipv4_addr="10.45.0.2", add_mac_addrs=["00-11-22-aa-bb-cc"])
        patch = PcfBindingPatch(ipv4_addr=None, ipv6_prefix="2001:db8:1::/64", add_mac_addrs=None)
        made = await world.client.update(name, patch)
        assert (made.ipv4_addr, made.ipv6_prefix, made.add_mac_addrs) == (None, "2001:db8:1::/64", [])
        assert made.pcf_id == "pcf-1"
        assert await world.found(ipv4_addr="10.45.0.2") is None
        assert await world.found(mac_addr48="00-11-22-aa-bb-cc") is None
        assert await world.found(ipv6_prefix="2001:db8:1::1/128") == "pcf-1"
        before = world.kept()
        for wrong in (PcfBindingPatch(ipv6_prefix=None), PcfBindingPatch(ipv4_addr="10.45.0")):
            with pytest.raises(Problem, match="400"):
                await world.client.update(name, wrong)
        with pytest.raises(Problem, match="404"):
            await world.client.update("none", patch)
        assert world.kept() == before

    scene(run)


def test_bindings_outlive_a_restart() -> None:
    first = World()

    async def run(world: World) -> None:
        await world.made(ipv4_addr="10.45.0.2", ipv6_prefix="2001:db8:1::/64")

    async def after(world: World) -> None:
        assert await world.found(ipv4_addr="10.45.0.2") == "pcf-1"
        assert await world.found(ipv6_prefix="2001:db8:1::1/128") == "pcf-1"

    scene(run, first)
    scene(after, World(first.store))


def test_there_are_so_many_and_no_more() -> None:
    async def run(world: World) -> None:
        await world.made(ipv4_addr="10.45.0.2")
        await world.made(ipv4_addr="10.45.0.3")
        with pytest.raises(Problem, match="500 INSUFFICIENT_RESOURCES"):
            await world.made(ipv4_addr="10.45.0.4")
        await world.made("pcf-2", ipv4_addr="10.45.0.3")  # in place of another
        assert await world.found(ipv4_addr="10.45.0.3") == "pcf-2"

    scene(run, World(most=2))


GOOD = {"dnn": "internet", "snssai": {"sst": 1}, "ipv4Addr": "10.45.0.2", "pcfId": "pcf"}
WRONG = [
    {"dnn": None},
    {"snssai": None},
    {"snssai": {"sst": 256}},
    {"snssai": {"sst": 1, "sd": "0" * 5000}},
    {"ipv4Addr": None},
    {"ipv4Addr": "10.45.0.2/32"},
    {"ipv4Addr": 7},
    {"ipv6Prefix": "2001:db8::1"},
    {"ipv6Prefix": "fe80::1%eth0/64"},
    {"addIpv6Prefixes": ["2001:db8::/64"] * 17},
    {"macAddr48": "00:11:22:33:44:55"},
    {"pcfId": None},
    {"pcfIpEndPoints": [{"port": 80}]},
    {"pcfIpEndPoints": [{"ipv4Address": "127.0.0.1", "port": 0}]},
    {"pcfIpEndPoints": [{"ipv4Address": "pcf", "port": 80}]},
    {"supi": "x" * 257},
]


async def told(world: World, method: str, target: str, body: bytes = b"") -> object:
    routes = Routes(operations(NbsfManagement))
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    request = Request(method, target, (("content-type", kind),), body)
    op, values = routes.find(method, target)
    return await getattr(world.bsf, op.attribute)(*arguments_of(op, values, request))


ROOT = "/nbsf-management/v1/pcfBindings"


@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: f"{w}"[:40])
def test_a_binding_that_is_wrong_is_refused_and_not_kept(wrong: dict[str, object]) -> None:
    async def run(world: World) -> None:
        await told(world, "POST", ROOT, json.dumps(GOOD).encode())
        before = world.kept()
        body = {name: value for name, value in (GOOD | wrong).items() if value is not None}
        with pytest.raises(Problem) as refused:
            await told(world, "POST", ROOT, json.dumps(body).encode())
        assert refused.value.status == 400
        assert world.kept() == before

    scene(run)


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("", "MANDATORY_QUERY_PARAM_MISSING"),
        ("?supi=imsi-999700000000001", "MANDATORY_QUERY_PARAM_MISSING"),
        ("?ipv4Addr=10.45", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ("?ipv6Prefix=2001:db8::1", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ("?macAddr48=x", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ("?ipv4Addr=10.45.0.2&ipv6Prefix=2001:db8::1/128", "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ("?ipv4Addr=10.45.0.2&snssai=1", "OPTIONAL_QUERY_PARAM_INCORRECT"),
    ],
)
def test_a_question_that_is_wrong_is_refused(query: str, cause: str) -> None:
    async def run(world: World) -> None:
        with pytest.raises(Problem, match=f"400 {cause}"):
            await told(world, "GET", f"{ROOT}{query}")

    scene(run)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["10.45.0.2", "::/0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*PcfBinding.__struct_encode_fields__, "paraCom", "bindLevel", "ipv4FrameRouteList"])


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.sampled_from(["POST", "PATCH"]))
def test_no_body_does_more_than_be_refused(body: dict[str, object], method: str) -> None:
    async def run(world: World) -> None:
        name = await world.made(ipv4_addr="10.45.0.9")
        before = world.kept()
        target = ROOT if method == "POST" else f"{ROOT}/{name}"
        refused = 0
        try:
            await told(world, method, target, json.dumps(body).encode())
        except Problem as problem:
            refused = problem.status
        assert refused in (0, 400)
        assert not refused or world.kept() == before

    scene(run)


def test_query_names_are_those_of_the_api() -> None:
    op = next(o for o in operations(NbsfManagement) if o.attribute == "discover")
    asked = BindingQuery(ipv4_addr="10.45.0.2", ip_domain="a", supp_feat="0", snssai=SLICE)
    target = request_of(op, [asked]).target
    assert target.partition("?")[2] == ("ipv4Addr=10.45.0.2&snssai=%7B%22sst%22:1%7D&ipDomain=a&supp-feat=0")


def test_its_profile_says_whose_sessions_it_knows() -> None:
    profile = World().bsf.profile()
    assert profile.nf_type == "BSF"
    assert profile.bsf_info is not None
    assert profile.bsf_info.dnn_list == ["internet"]
