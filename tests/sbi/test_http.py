"""The SBI over HTTP/2: the bus's calls on real sockets, those of others, and what neither may do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from cinq.procedure import Event, Journal
from cinq.sbi import Bus, Created, Problem, http, producers, tls
from cinq.sbi.directory import OneRoot
from cinq.sbi.message import Request, Response
from cinq.sbi.models import Ambr
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root, reachable
from cinq.sbi.services.namf_communication import NamfCommunication
from cinq.sbi.services.npcf_ampolicycontrol import (
    NamfPolicyCallback,
    NpcfAMPolicyControl,
    PolicyAssociation,
    PolicyAssociationRequest,
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
)
from cinq.transport.error import TransportError
from cinq.transport.http2 import Http2Peer, Http2Server

HOST = "127.0.0.1"
SUPI = "imsi-999700000000001"
REQUEST = PolicyAssociationRequest(
    notification_uri="http://amf/x",
    supi=SUPI,
    supp_feat="0",
    ue_ambr=Ambr(uplink="1 Gbps", downlink="1 Gbps"),
)


class Pcf:
    def __init__(self) -> None:
        self.there: set[str] = set()

    async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
        self.there.add(str(body.supi))
        return Created(f"/policies/{body.supi}", PolicyAssociation(supp_feat="0", ue_ambr=body.ue_ambr))

    async def update(self, pol_asso_id: str, body: PolicyAssociationUpdateRequest) -> PolicyUpdate:
        return PolicyUpdate(resource_uri=pol_asso_id)

    async def delete(self, pol_asso_id: str) -> None:
        if pol_asso_id not in self.there:
            raise Problem(404, "POLICY_ASSOCIATION_NOT_FOUND", pol_asso_id)
        self.there.discard(pol_asso_id)


class World:
    """A bus whose calls go over HTTP/2 to itself, and what it says."""

    def __init__(self, server: Http2Server, bus: Bus, pcf: Pcf, events: list[Event]) -> None:
        self.server, self.bus, self.pcf, self.events = server, bus, pcf, events
        self.foreign = Http2Peer(*server.local)

    async def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return await self.foreign.send(Request(method, target, named, body))


def run(body: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        journal, events = Journal(), list[Event]()
        journal.listen(events.append)
        place = OneRoot("")
        wire = http.OverHttp(place, Peers())
        bus, pcf = Bus(journal=journal, wire=wire), Pcf()
        bus.serve(NpcfAMPolicyControl, pcf, "i1")
        server = await producers.offer(bus, HOST, 0, None, wire.mark)
        place.root = wire.own = bus.api_root = api_root(*server.local, tls=False)
        world = World(server, bus, pcf, events)
        try:
            await body(world)
        finally:
            await world.foreign.close()
            await wire.peers.close()
            await server.close()

    asyncio.run(main())


def test_calls_and_problems_cross_and_are_told_once() -> None:
    async def body(world: World) -> None:
        client = world.bus.client(NpcfAMPolicyControl, "AMF")
        created = await client.create(REQUEST)
        assert (created.id, created.body.ue_ambr) == (SUPI, REQUEST.ue_ambr)
        await client.delete(SUPI)
        with pytest.raises(Problem, match="404 POLICY_ASSOCIATION_NOT_FOUND"):
            await client.delete(SUPI)
        assert [(e.nf, e.peer) for e in world.events] == [("AMF", "PCF"), ("PCF", "AMF")] * 3

    run(body)


def test_a_foreign_function_is_served_and_told() -> None:
    async def body(world: World) -> None:
        made = await world.ask(
            "POST",
            "/npcf-am-policy-control/v1/policies",
            msgspec.json.encode(REQUEST),
            content_type="application/json",
            user_agent="AMF-other.example",
        )
        assert made.status == 201
        place = made.header("location") or ""
        assert place.startswith(f"http://{HOST}:")
        assert place.endswith(f"/npcf-am-policy-control/v1/policies/{SUPI}")
        assert world.pcf.there == {SUPI}
        assert [(e.nf, e.peer, e.subject) for e in world.events] == [
            ("AMF", "PCF", SUPI),
            ("PCF", "AMF", SUPI),
        ]

    run(body)


@pytest.mark.parametrize(
    ("method", "target", "body", "content_type", "status", "cause"),
    [
        ("GET", "/", b"", "", 400, "INVALID_API"),
        ("GET", "/npcf-am-policy-control/v1/policies", b"", "", 405, None),
        ("POST", "/npcf-am-policy-control/v2/policies", b"{}", "application/json", 400, "INVALID_API"),
        (
            "POST",
            "/npcf-am-policy-control/v1/policies",
            b"{}",
            "application/json",
            400,
            "MANDATORY_IE_MISSING",
        ),
        ("POST", "/npcf-am-policy-control/v1/policies", b"{", "application/json", 400, "INVALID_MSG_FORMAT"),
        ("POST", "/npcf-am-policy-control/v1/policies", b"x", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            "POST",
            "/npcf-am-policy-control/v1/policies",
            b"[" * 900_000,
            "application/json",
            400,
            "INVALID_MSG_FORMAT",
        ),
        ("POST", "/npcf-am-policy-control/v1/policies", b"x" * 1_100_000, "application/json", 413, None),
        ("DELETE", "/npcf-am-policy-control/v1/policies/7", b"", "", 404, "POLICY_ASSOCIATION_NOT_FOUND"),
        (
            "DELETE",
            "/npcf-am-policy-control/v1/policies/%00%FF/../x",
            b"",
            "",
            404,
            "RESOURCE_URI_STRUCTURE_NOT_FOUND",
        ),
    ],
)
def test_wrong_requests_get_the_status_and_cause_of_ts_29500(
    method: str, target: str, body: bytes, content_type: str, status: int, cause: str | None
) -> None:
    async def work(world: World) -> None:
        response = await world.ask(method, target, body, content_type=content_type or "application/json")
        assert response.status == status
        if response.body:
            said = msgspec.json.decode(response.body)
            assert (said["status"], said.get("cause")) == (status, cause)
            assert response.header("content-type") == "application/problem+json"
        assert not world.pcf.there
        assert (await world.bus.client(NpcfAMPolicyControl, "AMF").create(REQUEST)).id == SUPI

    run(work)


def test_a_bug_shows_nothing_of_the_inside() -> None:
    async def body(world: World) -> None:
        class Broken(Pcf):
            async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
                raise RuntimeError("secret")

        world.bus.serve(NpcfAMPolicyControl, Broken(), "i2")
        world.bus.withdraw(NpcfAMPolicyControl, "i1")
        answer = await world.ask(
            "POST",
            "/npcf-am-policy-control/v1/policies",
            msgspec.json.encode(REQUEST),
            content_type="application/json",
        )
        assert (answer.status, answer.body) == (500, b"")

    run(body)


def test_a_producer_that_has_gone_is_a_504() -> None:
    async def main() -> None:
        bus = Bus(wire=http.OverHttp(OneRoot(f"http://{HOST}:9"), Peers()))
        bus.serve(NpcfAMPolicyControl, Pcf(), "i1")
        with pytest.raises(Problem, match="504 TARGET_NF_NOT_REACHABLE"):
            await bus.client(NpcfAMPolicyControl, "AMF").create(REQUEST)

    asyncio.run(main())


def test_tls_files_that_are_not_there_are_named() -> None:
    with pytest.raises(TransportError, match=r"TLS: /nowhere/ca\.pem"):
        tls.mutual("/nowhere/c.pem", "/nowhere/k.pem", "/nowhere/ca.pem", server=True)


def test_a_profile_says_where_its_services_are() -> None:
    profile = NFProfile(nf_instance_id="i", nf_type="AMF", nf_status="REGISTERED")
    found = reachable(profile, [NamfCommunication, NamfPolicyCallback], "192.0.2.1", 7777)
    (service,) = found.nf_services
    assert (service.service_name, service.versions[0].api_version_in_uri, service.scheme) == (
        "namf-comm",
        "v1",
        "http",
    )
    assert (service.ip_end_points[0].ipv4_address, service.ip_end_points[0].port) == ("192.0.2.1", 7777)
    assert found.ipv4_addresses == ["192.0.2.1"]
