"""The SCP between real ends: models C and D, tokens in a consumer's name, reselection, and what hostile peers send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.nrf import NRF
from cinq.nf.nrf import Settings as NrfSettings
from cinq.nf.scp import SCP, Settings
from cinq.procedure import RealClock
from cinq.sbi import Bus, Problem, http, producers, tls
from cinq.sbi.assertion import Asserter, Assertions
from cinq.sbi.caller import Caller
from cinq.sbi.certificates import Authority
from cinq.sbi.credentials import Credentials
from cinq.sbi.directory import Discovery
from cinq.sbi.guard import Guard, Producer
from cinq.sbi.indirect import Indirect
from cinq.sbi.message import Request, Response
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.peers import Peers
from cinq.sbi.problem import ProblemDetails
from cinq.sbi.reach import api_root, reachable
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.token import SigningKey, TrustedKeys
from cinq.sbi.whole import Whole
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Http2Server
from tests.sbi.test_http import HOST, REQUEST, SUPI, Pcf

AMF, PCF, PCF_2, NRF_ID, SCP_ID, OTHER = (
    f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3, 9, 7, 8)
)
FQDN = "one.scp.example"
PATH = "/npcf-am-policy-control/v1/policies"


@dataclass
class World:
    """An NRF, two PCFs, an SCP, and an AMF on the other side of it."""

    nrf: NRF
    scp: SCP
    scp_root: str
    pcfs: dict[str, Pcf]
    servers: dict[str, Http2Server]
    bus: Bus
    wire: http.OverHttp
    seen: list[Request]
    peers: Peers
    strangers: Peers

    def root(self, instance: str) -> str:
        return api_root(*self.servers[instance].local, tls=self.peers.tls is not None)

    async def ask(self, method: str, target: str, body: bytes = b"", *headers: tuple[str, str]) -> Response:
        request = Request(method, target, headers, body)
        return await self.peers.send(self.scp_root, request, 5.0)


def profile(
    instance: str, nf_type: str, port: int, *services: type, secure: bool, **more: object
) -> Whole[NFProfile]:
    made = NFProfile(nf_instance_id=instance, nf_type=nf_type, nf_status="REGISTERED", **more)  # type: ignore[arg-type]
    return Whole.of(reachable(made, services, HOST, port, tls=secure, tokens=True))


def run(
    body: Callable[[World], Awaitable[None]], folder: Path | None = None, *, delegated: bool = True
) -> None:
    async def main() -> None:
        secure = folder is not None
        files = {}
        if folder is not None:
            authority = Authority.kept(folder)
            for one in (AMF, PCF, PCF_2, NRF_ID, SCP_ID, OTHER):
                files[one] = authority.issue(folder, one, [f"urn:uuid:{one}"], [HOST])

        def peers_of(one: str) -> Peers:
            return Peers(tls.mutual(*map(str, files[one]), server=False) if secure else None)

        clock, key, seen = RealClock(), SigningKey.made(), list[Request]()
        nrf = NRF(NrfSettings(access_token_s=100), clock, NRF_ID, key)
        pcfs, servers, opened = {PCF: Pcf(), PCF_2: Pcf()}, dict[str, Http2Server](), list[Peers]()

        async def offered(one: str, bus: Bus, relay: SCP | None = None) -> Http2Server:
            guard = Guard(
                TrustedKeys.of(key), clock, lambda op: Producer(op.owner, frozenset(bus.providers(op)))
            )
            asserted = Assertions(files[one].authorities, clock, frozenset((SCP_ID,))) if secure else None
            shown = tls.mutual(*map(str, files[one]), server=True) if secure else None
            servers[one] = server = await producers.offer(bus, HOST, 0, shown, "", guard, asserted, relay)
            answer = server.answer

            async def noted(request: Request, peer: object) -> Response:
                if one in pcfs:
                    seen.append(request)
                return await answer(request, peer)  # type: ignore[arg-type]

            server.answer = noted
            return server

        local = Bus()
        for service, implementation in nrf.services():
            local.serve(service, implementation, NRF_ID)
        nrf_server = await offered(NRF_ID, local)
        await nrf.nf_register(AMF, profile(AMF, "AMF", 1, secure=secure))
        for priority, one in enumerate(pcfs):
            bus = Bus()
            bus.serve(NpcfAMPolicyControl, pcfs[one], one)
            port = (await offered(one, bus)).local[1]
            whole = profile(one, "PCF", port, NpcfAMPolicyControl, secure=secure, priority=priority)
            await nrf.nf_register(one, whole)
        nrf_root = api_root(*nrf_server.local, tls=secure)
        scp_peers, peers, strangers = peers_of(SCP_ID), peers_of(AMF), peers_of(OTHER)
        scp = SCP(Settings(nrf_root, NRF_ID, FQDN), scp_peers.send, clock, SCP_ID)
        scp_root = api_root(*(await offered(SCP_ID, Bus(), scp)).local, tls=secure)
        identities = {"AMF": AMF}
        discovery = Discovery(nrf_root, NRF_ID, identities, clock)
        wire = http.OverHttp(discovery, peers)
        bus = discovery.bus = Bus(wire=wire)
        wire.authority = Credentials(bus, identities, clock)
        wire.indirect = Indirect(scp_root, identities, delegated)
        if secure:
            wire.indirect.asserts = Asserter(files[AMF].certificate, files[AMF].key, AMF, clock)
        world = World(nrf, scp, scp_root, pcfs, servers, bus, wire, seen, peers, strangers)
        opened += [scp_peers, peers, strangers]
        try:
            await body(world)
        finally:
            for one in opened:
                await one.close()
            for server in servers.values():
                await server.close()

    asyncio.run(main())


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "TLS"])
@pytest.mark.parametrize("delegated", [False, True], ids=["C", "D"])
def test_a_resource_is_made_and_ends_through_the_scp(tmp_path: Path, delegated: bool, secure: bool) -> None:
    async def body(world: World) -> None:
        client = world.bus.client(NpcfAMPolicyControl, "AMF")
        made = await client.create(REQUEST)
        assert made.id == f"{world.root(PCF)}/{SUPI}"
        await client.delete(made.id)
        with pytest.raises(Problem, match="404 POLICY_ASSOCIATION_NOT_FOUND"):
            await client.delete(made.id)
        assert [request.method for request in world.seen] == ["POST", "DELETE", "DELETE"]
        for request in world.seen:
            assert request.header("via") == f"2.0 SCP-{FQDN}"
            assert (request.header("authorization") or "").startswith("Bearer ")
            assert request.header("3gpp-sbi-max-forward-hops") == "3; nodetype=scp"
            assert request.header("3gpp-sbi-correlation-info") in (SUPI, None)
            assert not [name for name, _ in request.headers if "discovery" in name or "apiroot" in name]

    run(body, tmp_path if secure else None, delegated=delegated)


@pytest.mark.parametrize("delegated", [False, True], ids=["C", "D"])
def test_another_producer_is_asked_where_the_first_is_gone(delegated: bool) -> None:
    async def body(world: World) -> None:
        await world.servers[PCF].close()
        client = world.bus.client(NpcfAMPolicyControl, "AMF")
        if delegated:  # it could not be sent, so that even a POST may go elsewhere
            assert (await client.create(REQUEST)).id == f"{world.root(PCF_2)}/{SUPI}"
            assert world.pcfs[PCF_2].there == {SUPI}
        else:  # the SCP goes where it was told; the consumer looks for another when it hears of it
            with pytest.raises(Problem, match="504 TARGET_NF_NOT_REACHABLE"):
                await client.create(REQUEST)
            assert (await client.create(REQUEST)).id == f"{world.root(PCF_2)}/{SUPI}"

    run(body, delegated=delegated)


def test_what_may_have_been_done_is_not_done_again() -> None:
    """A producer that takes a POST and says nothing: nobody else gets it (TS 29.500 §5.2.8)."""

    async def body(world: World) -> None:
        asked: list[str] = []

        async def silent(root: str, request: Request, within: float, instance: str = "") -> Response:
            if "/nnrf-disc" in request.target or "/oauth2" in request.target:
                return await world.peers.send(root, request, within, instance)
            asked.append(request.method)
            raise NoAnswerError(f"{root}: no answer within {within:g} s")

        scp = SCP(world.scp.settings, silent, RealClock(), SCP_ID)
        factors = (
            ("3gpp-sbi-discovery-target-nf-type", "PCF"),
            ("3gpp-sbi-discovery-requester-nf-type", "AMF"),
            ("3gpp-sbi-discovery-requester-nf-instance-id", AMF),
            ("3gpp-sbi-discovery-service-names", "npcf-am-policy-control"),
        )
        for method, times in (("POST", 1), ("GET", 2), ("PUT", 2), ("DELETE", 2)):
            asked.clear()
            response = await scp.forward(Request(method, PATH, factors), Caller())
            assert (response.status, cause(response), len(asked)) == (504, "TARGET_NF_NOT_REACHABLE", times)
            again = "request-retransmitted=true" if times > 1 else None
            assert response.header("3gpp-sbi-response-info") == again
            assert response.header("server") == f"SCP-{FQDN}"
        bound = ("3gpp-sbi-routing-binding", f"bl=nf-instance; nfinst={PCF_2}")
        asked.clear()
        assert (await scp.forward(Request("GET", PATH, (*factors, bound)), Caller())).status == 504
        assert len(asked) == 1
        fixed = ("3gpp-sbi-target-apiroot", world.root(PCF))
        stays = ("3gpp-sbi-selection-info", "reselection=false")
        asked.clear()
        assert (await scp.forward(Request("GET", PATH, (*factors, fixed, stays)), Caller())).status == 504
        assert len(asked) == 1

    run(body)


def test_a_token_of_one_consumer_is_shown_for_no_other(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.bus.client(NpcfAMPolicyControl, "AMF").create(REQUEST)
        theft = dict(world.wire.indirect._factors(operation(), "AMF", None))  # type: ignore[union-attr]
        request = Request("POST", PATH, tuple(theft.items()), msgspec.json.encode(REQUEST))
        response = await world.strangers.send(world.scp_root, request, 5.0)
        assert (response.status, cause(response)) == (403, "ACCESS_TOKEN_DENIED")
        assert len(world.seen) == 1

    run(body, tmp_path)


def test_who_is_no_scp_speaks_for_nobody_else(tmp_path: Path) -> None:
    """An assertion that a producer has seen is worth nothing in its hands."""

    async def body(world: World) -> None:
        await world.bus.client(NpcfAMPolicyControl, "AMF").create(REQUEST)
        stolen = tuple(
            each
            for each in world.seen[0].headers
            if each[0] in ("authorization", "3gpp-sbi-client-credentials")
        )
        assert len(stolen) == 2
        headers = (("content-type", "application/json"), *stolen)
        request = Request("POST", PATH, headers, msgspec.json.encode(REQUEST))
        response = await world.strangers.send(world.root(PCF), request, 5.0)
        assert response.status == 401

    run(body, tmp_path)


def cause(response: Response) -> str | None:
    return msgspec.json.decode(response.body, type=ProblemDetails).cause


def operation() -> object:
    from cinq.sbi.operation import operations

    return operations(NpcfAMPolicyControl)[0]


WANTED = (
    ("3gpp-sbi-discovery-target-nf-type", "PCF"),
    ("3gpp-sbi-discovery-requester-nf-type", "AMF"),
    ("3gpp-sbi-discovery-service-names", "npcf-am-policy-control"),
)


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ((("3gpp-sbi-target-apiroot", "ftp://x"),), 400, "MANDATORY_IE_INCORRECT"),
        ((("3gpp-sbi-target-apiroot", "http://user@host"),), 400, "MANDATORY_IE_INCORRECT"),
        ((("3gpp-sbi-target-apiroot", "http://a/../../b?c"),), 400, "MANDATORY_IE_INCORRECT"),
        (
            (("3gpp-sbi-target-apiroot", "http://a"), ("3gpp-sbi-target-apiroot", "http://b")),
            400,
            "MANDATORY_IE_INCORRECT",
        ),
        ((("3gpp-sbi-target-apiroot", "http://127.0.0.1:1"),), 504, "TARGET_NF_NOT_REACHABLE"),
        (
            (("3gpp-sbi-target-apiroot", "http://127.0.0.1:1"), ("via", f"2.0 SCP-other, 2.0 SCP-{FQDN}")),
            400,
            "MSG_LOOP_DETECTED",
        ),
        ((("3gpp-sbi-discovery-target-nf-type", "PCF"),), 400, "MANDATORY_IE_MISSING"),
        ((*WANTED, ("3gpp-sbi-discovery-moon-phase", "full")), 400, "INVALID_DISCOVERY_PARAM"),
        ((*WANTED, WANTED[0]), 400, "INVALID_DISCOVERY_PARAM"),
        ((*WANTED, ("3gpp-sbi-discovery-snssais", "[{")), 400, "MANDATORY_IE_INCORRECT"),
        ((*WANTED, ("3gpp-sbi-discovery-dnn", "x&target-nf-type=UDM")), 400, "MISSING_ACCESS_TOKEN_INFO"),
        ((*WANTED, ("3gpp-sbi-discovery-target-nf-instance-id", OTHER)), 400, "NF_DISCOVERY_FAILURE"),
        (WANTED, 400, "MISSING_ACCESS_TOKEN_INFO"),
        ((*WANTED, ("3gpp-sbi-discovery-requester-nf-instance-id", OTHER)), 403, "ACCESS_TOKEN_DENIED"),
        (
            (
                *WANTED,
                ("3gpp-sbi-discovery-requester-nf-instance-id", AMF),
                ("3gpp-sbi-access-scope", "nudm-sdm"),
            ),
            403,
            "ACCESS_TOKEN_DENIED",
        ),
        (
            (
                *WANTED,
                ("3gpp-sbi-sender-timestamp", "Sun, 04 Aug 2019 08:49:37.845 GMT"),
                ("3gpp-sbi-max-rsp-time", "100"),
            ),
            504,
            "TIMED_OUT_REQUEST",
        ),
    ],
)
def test_what_is_wrong_is_said_by_the_scp(
    headers: tuple[tuple[str, str], ...], status: int, said: str
) -> None:
    async def body(world: World) -> None:
        response = await world.ask("GET", PATH, b"", *headers)
        assert (response.status, cause(response)) == (status, said)
        assert response.header("server") == f"SCP-{FQDN}"
        assert not world.seen

    run(body)


def test_what_is_for_nobody_else_is_its_own() -> None:
    async def body(world: World) -> None:
        response = await world.ask("GET", PATH)
        assert (response.status, cause(response)) == (400, "INVALID_API")
        own = await world.ask("GET", PATH, b"", ("3gpp-sbi-target-apiroot", world.scp_root))
        assert own.status == 400
        assert not world.seen

    run(body)


def test_the_nrf_is_gone() -> None:
    async def body(world: World) -> None:
        await world.servers[NRF_ID].close()
        response = await world.ask("GET", PATH, b"", *WANTED)
        assert (response.status, cause(response)) == (504, "NRF_NOT_REACHABLE")

    run(body)


NAMES = st.sampled_from(
    [
        *("3gpp-sbi-target-apiroot", "3gpp-sbi-routing-binding", "3gpp-sbi-selection-info", "via"),
        *(
            "3gpp-sbi-max-forward-hops",
            "3gpp-sbi-access-scope",
            "3gpp-sbi-client-credentials",
            "authorization",
        ),
        *("3gpp-sbi-max-rsp-time", "3gpp-sbi-sender-timestamp", "3gpp-sbi-discovery-target-nf-type"),
        *("3gpp-sbi-discovery-requester-nf-type", "3gpp-sbi-discovery-snssais", "3gpp-sbi-discovery-tai"),
        *("3gpp-sbi-discovery-service-names", "3gpp-sbi-discovery-limit", "3gpp-sbi-callback"),
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["PCF", "AMF", "http://127.0.0.1:1", "5; nodetype=scp", "bl=nf-set; x"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_any_headers_get_an_answer(headers: list[tuple[str, str]]) -> None:
    async def nobody(root: str, request: Request, within: float, instance: str = "") -> Response:
        raise NoAnswerError(f"{root}: not sent")

    async def main() -> None:
        scp = SCP(Settings("http://nrf", NRF_ID, FQDN), nobody, RealClock(), SCP_ID)
        request = Request("GET", PATH, tuple(headers))
        if scp.takes(request, "http://own"):
            response = await scp.forward(request, Caller())
            assert 400 <= response.status < 600
            assert response.header("server") == f"SCP-{FQDN}"

    asyncio.run(main())
