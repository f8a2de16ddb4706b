"""What `cinq order` wants of a UE at its gNB: that it is begun, follows the UE, is stopped, and said."""

from __future__ import annotations

import asyncio

import msgspec

from cinq.nf.amf.orders import Kind, Order, Orders
from cinq.wire import nas, ngap

from .gnb import Gnb
from .moves import acknowledge, arrive, notify, required, scene, switch_request
from .phone import Phone
from .test_connection import attached, idle
from .world import PLMN, World, run, supi_of

SUPI = str(supi_of(1))
TRACE = Order(
    SUPI, "trace", trace_id=bytes(range(8)), depth="minimum", interfaces=0x80, collector="192.0.2.9"
)
FOLLOW = Order(SUPI, "follow")


async def ordered(world: World, *orders: Order) -> None:
    """As the command does it, in a store that the core looks at."""
    for order in orders:
        world.store.put("amf-order", order.key, msgspec.json.encode(order))
    world.amf.look_at_warnings()
    await asyncio.sleep(0.1)


def stop(world: World, kind: Kind) -> Order:
    order = Orders(world.store).get(f"{SUPI}/{kind}")
    assert order is not None
    return msgspec.structs.replace(order, state="unwanted")


def said(world: World, kind: Kind) -> tuple[str, str]:
    order = Orders(world.store).get(f"{SUPI}/{kind}")
    assert order is not None
    return order.state, order.text


def locates(gnb: Gnb, phone: Phone, cell: int = 0x17) -> None:
    """The gNB reports when it is asked to."""
    before = gnb.react

    def react(message: ngap.Pdu) -> None:
        before(message)
        if isinstance(message, ngap.LocationReportingControl):
            report(gnb, phone, cell, message.location_reporting_request_type)

    gnb.react = react  # type: ignore[method-assign]


def report(gnb: Gnb, phone: Phone, cell: int, wanted: ngap.LocationReportingRequestType) -> None:
    cgi = ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=cell)
    tai = ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1")
    gnb.say(
        ngap.LocationReport(
            amf_ue_ngap_id=phone.amf_id or 0,
            ran_ue_ngap_id=phone.ran_id,
            user_location_information=(
                "userLocationInformationNR",
                ngap.UserLocationInformationNR(nr_cgi=cgi, tai=tai),
            ),
            location_reporting_request_type=wanted,
        )
    )


def test_a_trace_begins_and_ends() -> None:
    """§8.11.1, §8.11.3."""

    async def test(world: World) -> None:
        gnb, _, _ = await scene(world)
        await ordered(world, TRACE)
        activation = gnb.last(ngap.TraceStart).trace_activation
        assert (activation.ngran_trace_id, activation.trace_depth) == (bytes(range(8)), "minimum")
        assert activation.interfaces_to_trace == 0x80
        assert activation.trace_collection_entity_ip_address == (0xC0000209, 32)
        assert said(world, "trace") == ("running", "traced by gnb-1")
        await ordered(world, stop(world, "trace"))
        assert gnb.last(ngap.DeactivateTrace).ngran_trace_id == bytes(range(8))
        assert said(world, "trace") == ("ended", "stopped")

    run(test)


def test_what_stays_is_in_each_context() -> None:
    """§8.3.1.2, §8.4.2.2: of the next connection, after a restart of the AMF, of the target of a handover.

    Not in a PATH SWITCH REQUEST ACKNOWLEDGE, which has no place for it."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await ordered(world, TRACE, FOLLOW)
        assert said(world, "trace") == ("running", "begins with the next connection of the UE")
        assert said(world, "follow")[0] == "running"
        await world.restart()
        gnb, target = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
        phone.service_request(gnb)
        await asyncio.sleep(0.1)
        setup = gnb.last(ngap.InitialContextSetupRequest)
        assert setup.trace_activation is not None
        assert setup.location_reporting_request_type is not None
        assert setup.location_reporting_request_type.event_type == "change-of-serve-cell"
        report(gnb, phone, 0x123, setup.location_reporting_request_type)
        await asyncio.sleep(0.1)
        assert said(world, "follow") == ("running", "in tracking area 1, cell 000000123")
        gnb.say(required(phone))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        assert request.trace_activation == setup.trace_activation
        assert request.location_reporting_request_type == setup.location_reporting_request_type
        target.say(acknowledge(request))
        await asyncio.sleep(0.1)
        target.say(notify(request, target))
        await asyncio.sleep(0.1)
        arrive(phone, target, request.amf_ue_ngap_id)
        await ordered(world, stop(world, "trace"), stop(world, "follow"))
        assert target.count(ngap.DeactivateTrace) == 1
        control = target.last(ngap.LocationReportingControl)
        assert control.location_reporting_request_type.event_type == "stop-change-of-serve-cell"
        await idle(target, phone)
        phone.service_request(gnb)
        await asyncio.sleep(0.1)
        setup = gnb.last(ngap.InitialContextSetupRequest)
        assert (setup.trace_activation, setup.location_reporting_request_type) == (None, None)

    run(test)


def test_after_a_path_switch_the_trace_can_be_stopped() -> None:
    async def test(world: World) -> None:
        _, target, phone = await scene(world)
        await ordered(world, TRACE)
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.1)
        assert target.count(ngap.PathSwitchRequestAcknowledge) == 1
        assert target.count(ngap.TraceStart) == 0
        await ordered(world, stop(world, "trace"))
        assert target.count(ngap.DeactivateTrace) == 1

    run(test)


def test_a_trace_that_fails() -> None:
    """§8.11.2."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        await ordered(world, TRACE)
        gnb.say(
            ngap.TraceFailureIndication(
                amf_ue_ngap_id=phone.amf_id or 0,
                ran_ue_ngap_id=phone.ran_id,
                ngran_trace_id=bytes(range(8)),
                cause=("radioNetwork", "xn-handover-triggered"),
            )
        )
        await asyncio.sleep(0.1)
        assert said(world, "trace") == ("running", "failed at gnb-1: xn-handover-triggered")

    run(test)


def test_where_a_ue_is() -> None:
    """Connected: its gNB says. Idle: it is paged. Not registered, or silent: that is said."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        locates(gnb, phone)
        await ordered(world, FOLLOW)
        assert said(world, "follow") == ("running", "in tracking area 1, cell 000000017")
        await ordered(world, stop(world, "follow"), Order(SUPI, "location"))
        assert said(world, "location") == ("done", "in tracking area 1, cell 000000017")
        await idle(gnb, phone)
        await ordered(world, Order(SUPI, "location"))
        assert said(world, "location") == ("running", "asked")
        assert gnb.count(ngap.Paging) == 1
        phone.service_request(gnb)
        await asyncio.sleep(0.1)
        assert said(world, "location") == ("done", "in tracking area 1, cell 000000017")
        await idle(gnb, phone)
        await ordered(world, Order(SUPI, "location"))
        await asyncio.sleep(60)
        assert said(world, "location") == ("done", "the UE is not reached")
        other = str(supi_of(2))
        await ordered(world, Order(other, "location"))
        stored = Orders(world.store).get(f"{other}/location")
        assert stored is not None
        assert (stored.state, stored.text) == ("done", "not registered")
        await asyncio.sleep(4000)
        world.amf.look_at_warnings()
        assert list(Orders(world.store).all()) == []

    run(test)


def test_a_gnb_that_says_nothing() -> None:
    async def test(world: World) -> None:
        await attached(world)
        await ordered(world, Order(SUPI, "location"), Order(SUPI, "radio"))
        await asyncio.sleep(30)
        assert said(world, "location") == ("done", "gnb-1 does not answer")
        assert said(world, "radio") == ("done", "gnb-1 does not say")

    run(test)


def test_radio_check_and_binding() -> None:
    """§8.14.2, §8.13.1."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await ordered(world, Order(SUPI, "radio"), Order(SUPI, "unbind"))
        gnb.say(
            ngap.UERadioCapabilityCheckResponse(
                amf_ue_ngap_id=phone.amf_id or 0,
                ran_ue_ngap_id=phone.ran_id,
                ims_voice_support_indicator="supported",
            )
        )
        await asyncio.sleep(0.1)
        assert said(world, "radio") == ("done", "its radio suits IMS voice")
        assert said(world, "unbind") == ("done", "unbound at gnb-1")
        assert gnb.count(ngap.UETNLABindingReleaseRequest) == 1
        await idle(gnb, phone)
        await ordered(world, Order(SUPI, "radio"), Order(SUPI, "unbind"))
        assert said(world, "radio") == said(world, "unbind") == ("done", "not connected")

    run(test)


def test_what_somebody_else_has_written_into_the_store() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        world.store.put("amf-order", "broken", b"{")
        await ordered(world, Order("nobody", "location"), Order("nobody", "trace", collector="192.0.2.9"))
        phone = await Phone(world).registered(gnb)
        assert phone.last(nas.RegistrationAccept)

    run(test)
