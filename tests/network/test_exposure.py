"""Applications ask the NEF, and a UE's packets get it: TS 29.522, TS 29.122, CAMARA Quality on Demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from cinq.nf.nef import NEF, Application, Profile, Settings
from cinq.nf.pcf import PCF, QosReference
from cinq.nf.pcf import Settings as PcfSettings
from cinq.procedure import run_virtual
from cinq.ran.ue.session import Session
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.caller import Caller, called_by
from cinq.sbi.services import quality_on_demand as qod
from cinq.sbi.services.nef_northbound import (
    AfCallback,
    AsSessionWithQoSSubscription,
    AsSessionWithQoSSubscriptionPatch,
    ClientCredentialsReq,
    FlowInfo,
    NefAccessToken,
    NefAsSessionWithQoS,
    NefTrafficInfluence,
    TrafficInfluSub,
    UserPlaneNotificationData,
)
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims, TokenRefused
from cinq.sbi.services.npcf_smpolicycontrol import RouteToLocation
from cinq.sbi.token import SigningKey, TrustedKeys
from tests.network.world import Network

APIS = ("3gpp-as-session-with-qos", "3gpp-traffic-influence", "quality-on-demand")
SECRET = "correct horse battery"
VIDEO = Application(
    "video", SECRET, APIS, ("/af-callback/v1/as-session-with-qos", "/sink-callback/v1/events")
)
OTHER = Application("other", "another secret here", ("quality-on-demand",))
FLOWS = [FlowInfo(flow_id=1, flow_descriptions=["permit out 17 from 198.51.100.7 5004 to assigned"])]
SERVER = qod.ApplicationServer(ipv4_address="198.51.100.7")


class Af:
    """The application's own end."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def user_plane_notify(self, body: UserPlaneNotificationData) -> None:
        self.told += [each.event for each in body.event_reports]

    async def event(self, body: qod.CloudEvent) -> None:
        assert (body.specversion, body.type.rpartition(".")[2]) == ("1.0", "qos-status-changed")
        info = f" {body.data.status_info}" if body.data.status_info else ""
        self.told.append(f"{body.data.qos_status}{info}")


@dataclass
class World:
    network: Network
    session: Session
    nef: NEF
    north: Bus
    key: SigningKey
    af: Af

    @property
    def address(self) -> str:
        return str(self.session.context.address)

    def flows(self) -> dict[int, int]:
        """GFBR downlink by 5QI."""
        return {flow.five_qi or 0: flow.gfbr_downlink or 0 for flow in self.session.context.flows}

    async def settled(self, seconds: float = 1.0) -> None:
        """What goes by itself has gone."""
        await asyncio.sleep(seconds)
        await self.network.pcf.tell_application_functions()
        await self.nef.look()

    def subscription(self, **changes: object) -> AsSessionWithQoSSubscription:
        made = AsSessionWithQoSSubscription(
            notification_destination=VIDEO.notify[0],
            ue_ipv4_addr=self.address,
            flow_info=FLOWS,
            qos_reference="QOS_L",
        )
        return replace(made, **changes)

    def wanted(self, **changes: object) -> qod.CreateSession:
        device = qod.Device(ipv4_address=qod.DeviceIpv4Address(public_address=self.address))
        made = qod.CreateSession(
            application_server=SERVER, qos_profile="QOS_L", duration=60, device=device, sink=VIDEO.notify[1]
        )
        return replace(made, **changes)


def by(application: str) -> None:
    """From now on this is who asks."""
    claims = AccessTokenClaims(iss="nef", sub=application, aud="NEF", scope=" ".join(APIS), exp=2**40)
    called_by(Caller(claims=claims))


def play(scene: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        network = Network()
        network.provision()
        qos = {name: QosReference(4, rate, rate, rate, rate) for name, rate in (("QOS_L", "20 Mbps"),)}
        network.functions = tuple(one for one in network.functions if one is not network.pcf)
        pcf = PCF(network.pcf.instance_id, network.bus, network.store, PcfSettings(qos_references=qos))
        network.pcf = pcf
        network.functions = (pcf, *network.functions)
        await network.start()
        north, key, af = Bus(checked), SigningKey.made(), Af()
        settings = Settings((VIDEO, OTHER), (Profile("QOS_L", 3600),))
        nef = NEF(settings, network.bus, north, network.store, network.clock, network.entropy, "nef", key)
        for service, implementation in nef.services():
            network.bus.serve(service, implementation, "nef")
        for service, implementation in (*nef.apis(), (AfCallback, af), (qod.SinkCallback, af)):
            north.serve(service, implementation, "nef")
        ue = network.ue(await network.gnb())
        await ue.register()
        by("video")
        await scene(World(network, await ue.establish_session(), nef, north, key, af))
        await network.stop()

    run_virtual(main())


def test_quality_for_a_minute() -> None:
    async def scene(world: World) -> None:
        client = world.north.client(qod.QualityOnDemand, "AF")
        made = await client.create_session(world.wanted())
        assert made.body.qos_status == "REQUESTED"
        await world.settled()
        assert world.flows()[4] == 20_000_000
        there = await client.get_session(made.id)
        assert (there.qos_status, there.duration) == ("AVAILABLE", 60)
        assert world.af.told == ["AVAILABLE"]
        longer = await client.extend(made.id, qod.ExtendSessionDuration(requested_additional_duration=30))
        assert longer.duration == 90
        await world.settled(80)
        assert 4 in world.flows()
        await world.settled(15)
        await asyncio.sleep(1)
        assert set(world.flows()) == {9}
        assert (await client.get_session(made.id)).status_info == "DURATION_EXPIRED"
        assert world.af.told == ["AVAILABLE", "UNAVAILABLE DURATION_EXPIRED"]
        with pytest.raises(Problem, match="409"):
            await client.extend(made.id, qod.ExtendSessionDuration(requested_additional_duration=30))
        await world.settled(400)
        with pytest.raises(Problem, match="404 NOT_FOUND"):
            await client.get_session(made.id)

    play(scene)


def test_it_ends_when_asked_and_with_the_session() -> None:
    async def scene(world: World) -> None:
        client = world.north.client(qod.QualityOnDemand, "AF")
        made = await client.create_session(world.wanted())
        await world.settled()
        with pytest.raises(Problem, match="409 CONFLICT"):
            await client.create_session(world.wanted())
        await client.delete_session(made.id)
        await world.settled()
        assert set(world.flows()) == {9}
        ports = qod.PortsSpec(ports=[5060], ranges=[qod.PortRange(from_=6000, to=6010)])
        again = await client.create_session(world.wanted(application_server_ports=ports))
        await world.settled()
        assert 4 in world.flows()
        device = qod.RetrieveSessionsInput(device=world.wanted().device)
        assert [one.session_id for one in await client.retrieve(device)] == [again.id]
        await world.session.ue.release_session(world.session.context.pdu_session_id)  # type: ignore[attr-defined]
        await world.settled()
        assert (await client.get_session(again.id)).status_info == "NETWORK_TERMINATED"
        assert world.af.told == [
            "AVAILABLE",
            "UNAVAILABLE DELETE_REQUESTED",
            "AVAILABLE",
            "UNAVAILABLE NETWORK_TERMINATED",
        ]

    play(scene)


def test_an_application_server_asks_for_quality() -> None:
    async def scene(world: World) -> None:
        client = world.north.client(NefAsSessionWithQoS, "AF")
        made = await client.create("video", world.subscription())
        await world.settled()
        assert world.flows()[4] == 20_000_000
        assert world.af.told == ["SUCCESSFUL_RESOURCES_ALLOCATION"]
        listed = await client.list_all("video")
        assert [one.self_ for one in listed] == [f"/3gpp-as-session-with-qos/v1{made.location}"]
        flows = [FlowInfo(flow_id=1, flow_descriptions=["permit out 6 from 198.51.100.9 443 to assigned"])]
        patch = AsSessionWithQoSSubscriptionPatch(flow_info=flows)
        assert (await client.modify("video", made.id, patch)).flow_info == flows
        assert (await client.update("video", made.id, world.subscription())).flow_info == FLOWS
        assert (await client.read("video", made.id)).flow_info == FLOWS
        with pytest.raises(Problem, match="400"):
            await client.update("video", made.id, world.subscription(ue_ipv4_addr="10.45.0.99"))
        await client.delete("video", made.id)
        await world.settled()
        assert set(world.flows()) == {9}
        with pytest.raises(Problem, match="404"):
            await client.read("video", made.id)

    play(scene)


def test_where_packets_leave() -> None:
    """The rule that the SMF gets has the DNAI."""

    async def scene(world: World) -> None:
        client = world.north.client(NefTrafficInfluence, "AF")
        body = TrafficInfluSub(
            ipv4_addr=world.address, traffic_filters=FLOWS, traffic_routes=[RouteToLocation(dnai="edge")]
        )
        made = await client.create("video", body)
        decisions = [octets for _, octets in world.network.store.items("sm-policies")]
        assert any(b'"routeToLocs":[{"dnai":"edge"}]' in octets for octets in decisions)
        assert [one.traffic_routes for one in await client.list_all("video")] == [body.traffic_routes]
        assert (await client.read("video", made.id)).ipv4_addr == world.address
        await client.delete("video", made.id)
        decisions = [octets for _, octets in world.network.store.items("sm-policies")]
        assert not any(b"edge" in octets for octets in decisions)
        with pytest.raises(Problem, match="400"):
            await client.create("video", replace(body, traffic_routes=[]))

    play(scene)


def test_what_is_anothers_is_not_there() -> None:
    async def scene(world: World) -> None:
        sessions, quality = (
            world.north.client(qod.QualityOnDemand, "AF"),
            world.north.client(NefAsSessionWithQoS, "AF"),
        )
        one = await sessions.create_session(world.wanted())
        two = await quality.create("video", world.subscription())
        by("other")
        for call in (sessions.get_session(one.id), sessions.delete_session(one.id)):
            with pytest.raises(Problem, match="404"):
                await call
        with pytest.raises(Problem, match="403 REQUEST_NOT_AUTHORIZED"):
            await quality.read("video", two.id)
        with pytest.raises(Problem, match="404"):
            await quality.read("other", two.id)
        assert await sessions.retrieve(qod.RetrieveSessionsInput(device=world.wanted().device)) == []
        by("nobody")
        with pytest.raises(Problem, match="403"):
            await sessions.create_session(world.wanted())

    play(scene)


def test_what_cannot_be_had_says_why_and_leaves_nothing() -> None:
    async def scene(world: World) -> None:
        client = world.north.client(qod.QualityOnDemand, "AF")
        elsewhere = qod.Device(ipv4_address=qod.DeviceIpv4Address(public_address="10.45.9.9"))
        for body, said in (
            (world.wanted(qos_profile="QOS_XXL"), "400 INVALID_ARGUMENT"),
            (world.wanted(duration=0), "400 QUALITY_ON_DEMAND.DURATION_OUT_OF_RANGE"),
            (world.wanted(duration=3601), "400 QUALITY_ON_DEMAND.DURATION_OUT_OF_RANGE"),
            (world.wanted(sink="http://127.0.0.8:7777/nnrf-nfm/v1"), "400 INVALID_SINK"),
            (world.wanted(sink=f"{VIDEO.notify[1]}/../../x"), "400 INVALID_SINK"),
            (world.wanted(device=None), "422 MISSING_IDENTIFIER"),
            (world.wanted(device=qod.Device(phone_number="+4912345")), "422 UNSUPPORTED_IDENTIFIER"),
            (world.wanted(device=elsewhere), "404 IDENTIFIER_NOT_FOUND"),
            (world.wanted(device=qod.Device(ipv6_address="x")), "400 INVALID_ARGUMENT"),
            (world.wanted(application_server=qod.ApplicationServer()), "400 INVALID_ARGUMENT"),
            (world.wanted(application_server=qod.ApplicationServer(ipv4_address="::1")), "400 INVALID_ARG"),
            (world.wanted(application_server=qod.ApplicationServer(ipv4_address="a b")), "400 INVALID_ARG"),
            (world.wanted(device_ports=qod.PortsSpec(ports=[0])), "400 INVALID_ARGUMENT"),
            (world.wanted(device_ports=qod.PortsSpec(ports=list(range(1, 50)))), "400 INVALID_ARGUMENT"),
        ):
            with pytest.raises(Problem, match=said):
                await client.create_session(body)
        quality = world.north.client(NefAsSessionWithQoS, "AF")
        for subscription, said in (
            (world.subscription(notification_destination="http://127.0.0.1/"), "403"),
            (world.subscription(qos_reference=None), "400 MANDATORY_IE_INCORRECT"),
            (world.subscription(flow_info=[]), "400 MANDATORY_IE_INCORRECT"),
            (world.subscription(flow_info=FLOWS * 2), "400 MANDATORY_IE_INCORRECT"),
            (world.subscription(ue_ipv4_addr=None), "400 MANDATORY_IE_INCORRECT"),
            (world.subscription(ue_ipv4_addr="10.45.9.9"), "500 PDU_SESSION_NOT_AVAILABLE"),
        ):
            with pytest.raises(Problem, match=said):
                await quality.create("video", subscription)
        await world.settled()
        assert set(world.flows()) == {9}
        assert not list(world.network.store.items("nef-demands"))
        assert not list(world.network.store.items("app-sessions"))

    play(scene)


def test_tokens_of_applications() -> None:
    async def scene(world: World) -> None:
        client = world.north.client(NefAccessToken, "AF")
        body = ClientCredentialsReq(
            grant_type="client_credentials",
            client_id="video",
            client_secret=SECRET,
            scope="quality-on-demand",
        )
        granted = await client.token(body)
        claims = TrustedKeys.of(world.key).claims(granted.access_token)
        assert (claims.sub, claims.scope, claims.aud) == ("video", "quality-on-demand", "NEF")
        for wrong, error in (
            (replace(body, client_secret="guess"), "invalid_client"),
            (replace(body, client_secret="\x00é"), "invalid_client"),
            (replace(body, client_id="nobody"), "invalid_client"),
            (replace(body, grant_type="password"), "unsupported_grant_type"),
            (replace(body, scope="nudm-sdm"), "invalid_scope"),
            (replace(body, scope="quality-on-demand  x"), "invalid_scope"),
        ):
            with pytest.raises(TokenRefused, match=error):
                await client.token(wrong)

    play(scene)


def test_what_was_asked_for_outlives_a_restart() -> None:
    async def scene(world: World) -> None:
        client = world.north.client(qod.QualityOnDemand, "AF")
        made = await client.create_session(world.wanted())
        await world.settled()
        network = world.network
        settings = Settings((VIDEO,), (Profile("QOS_L", 3600),))
        again = NEF(
            settings,
            network.bus,
            world.north,
            network.store,
            network.clock,
            network.entropy,
            "nef",
            world.key,
        )
        for service, implementation in again.apis():
            world.north.withdraw(service, "nef")
            world.north.serve(service, implementation, "nef")
        assert (await client.get_session(made.id)).qos_status == "AVAILABLE"
        world.nef = again
        await world.settled(70)
        await asyncio.sleep(1)
        assert set(world.flows()) == {9}

    play(scene)
