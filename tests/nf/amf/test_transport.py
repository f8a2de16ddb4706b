"""NAS transport of every payload type (TS 24.501 §5.4.5.2), and service requests of every type (§5.6.1)."""

from __future__ import annotations

import asyncio

import pytest

from cinq.wire import nas
from cinq.wire.nas import GmmCause, PayloadContainerType, RequestType, ServiceType

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of

SILENT = (
    PayloadContainerType.SMS,
    PayloadContainerType.LPP_MESSAGE_CONTAINER,
    PayloadContainerType.UE_POLICY_CONTAINER,
    PayloadContainerType.LOCATION_SERVICES_MESSAGE_CONTAINER,
    PayloadContainerType.SOR_TRANSPARENT_CONTAINER,
    PayloadContainerType.EVENT_NOTIFICATION,
    14,
)


@pytest.mark.parametrize("kind", SILENT)
def test_without_a_server_the_procedure_ends(kind: int) -> None:
    """§5.4.5.2.5 b) to k): the UE hears nothing, the operator why."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        before = len(phone.heard)
        phone.say(nas.ULNASTransport(payload_container_type=kind, payload_container=b"\1\2\3"))
        await asyncio.sleep(1)
        assert len(phone.heard) == before
        assert any("this network has no" in cause for cause in world.causes())

    run(test)


def test_ciot_user_data_go_back() -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        kind = PayloadContainerType.CIOT_USER_DATA_CONTAINER
        phone.say(nas.ULNASTransport(payload_container_type=kind, payload_container=b"\1", pdu_session_id=1))
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == GmmCause.PAYLOAD_WAS_NOT_FORWARDED

    run(test)


def test_each_of_several_payloads_by_its_type() -> None:
    """§5.4.5.2.3 k)."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        before = phone.count(nas.DLNASTransport)
        entries = [
            nas.Payload(PayloadContainerType.SMS, b"sms"),
            nas.Payload(1, b"\x2e\x01\x02\xc9update", pdu_session_id=1),
            nas.Payload(1, b"\x2e\x05\x02\xc9lost", pdu_session_id=5),
        ]
        phone.say(
            nas.ULNASTransport(
                payload_container_type=PayloadContainerType.MULTIPLE_PAYLOADS,
                payload_container=nas.payloads_octets(entries),
            )
        )
        await asyncio.sleep(1)
        assert world.smf.updates[-1][1].binary_data_n1_sm_message == b"\x2e\x01\x02\xc9update"
        assert phone.count(nas.DLNASTransport) == before + 1
        back = phone.last(nas.DLNASTransport)
        assert (back.pdu_session_id, back.cause) == (5, GmmCause.PAYLOAD_WAS_NOT_FORWARDED)

    run(test)


@pytest.mark.parametrize("octets", [b"\5\0", b"\1\0\xffx"])
def test_payloads_that_cannot_be_told_apart(octets: bytes) -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        before = len(phone.heard)
        phone.say(nas.ULNASTransport(payload_container_type=15, payload_container=octets))
        await asyncio.sleep(1)
        assert len(phone.heard) == before
        phone.establish(2)
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(1)].context.pdu_session_status == {1, 2}

    run(test)


@pytest.mark.parametrize(
    ("kind", "number", "forwarded"),
    [
        (RequestType.EXISTING_PDU_SESSION, 1, True),
        (RequestType.EXISTING_PDU_SESSION, 2, False),
        (RequestType.MODIFICATION_REQUEST, 1, True),
        (RequestType.MODIFICATION_REQUEST, 2, False),
        (RequestType.INITIAL_EMERGENCY_REQUEST, 2, False),
        (RequestType.EXISTING_EMERGENCY_PDU_SESSION, 1, False),
        (RequestType.MA_PDU_REQUEST, 2, False),
    ],
)
def test_request_types(kind: RequestType, number: int, forwarded: bool) -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        before = len(world.smf.updates)
        phone.say_sm(number, b"\x2e\x01\x02\xc1", request_type=kind)
        await asyncio.sleep(1)
        assert (len(world.smf.updates) > before) == forwarded
        if not forwarded:
            assert phone.last(nas.DLNASTransport).cause == GmmCause.PAYLOAD_WAS_NOT_FORWARDED
        assert list(world.smf.contexts) == ["sm-1"]

    run(test)


def test_before_registration_complete_it_is_served_at_once() -> None:
    """The phone evidently has the accept; a REGISTRATION COMPLETE that comes later is nothing new."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.on[nas.RegistrationAccept] = lambda _: None
        phone.register(gnb)
        await asyncio.sleep(0.1)
        phone.establish()
        await asyncio.sleep(0.5)
        assert phone.count(nas.DLNASTransport) == 1
        phone.say(nas.RegistrationComplete())
        await asyncio.sleep(1)
        assert phone.count(nas.FiveGMMStatus) == 0
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert (context.rm_state, context.former_guti) == ("RM-REGISTERED", None)
        phone.say(nas.RegistrationComplete())
        await asyncio.sleep(1)
        assert phone.count(nas.FiveGMMStatus) == 1

    run(test)


@pytest.mark.parametrize("kind", list(ServiceType))
@pytest.mark.parametrize("connected", [True, False])
def test_service_types(kind: ServiceType, connected: bool) -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        request = nas.ServiceRequest(
            ng_ksi=nas.NgKsi(phone.ksi),
            service_type=kind,
            s_tmsi=phone.s_tmsi,
            uplink_data_status=frozenset({1}),
        )
        if connected:
            phone.say(request)
        else:
            await idle(gnb, phone)
            phone.secured = False
            gnb.initial(phone, phone.initial(request))
        await asyncio.sleep(1)
        if kind in (ServiceType.EMERGENCY_SERVICES, ServiceType.EMERGENCY_SERVICES_FALLBACK):
            assert phone.last(nas.ServiceReject).cause == GmmCause.PROTOCOL_ERROR_UNSPECIFIED
        else:
            assert phone.last(nas.ServiceAccept).pdu_session_reactivation_result == frozenset()
        assert world.amf.registry.by_supi[supi_of(1)].context.rm_state == "RM-REGISTERED"

    run(test)
