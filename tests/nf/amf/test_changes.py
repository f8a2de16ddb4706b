"""What changes under a registered UE, and how it hears of it: generic UE configuration update (TS 24.501 §5.4.4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from cinq.nf.udr.access import Access
from cinq.numbering import SNssai, Tai
from cinq.sbi.models import Ambr, Area, ServiceAreaRestriction
from cinq.sbi.services.npcf_ampolicycontrol import NamfPolicyCallback, PolicyUpdate, TerminationNotification
from cinq.sbi.services.nudm_sdm import ModificationNotification, NamfSdmCallback
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import PLMN, World, run, supi_of

TWO = (SNssai(1), SNssai(2))
TAIS = (Tai(PLMN, 1), Tai(PLMN, 2))


async def changed(world: World, **subscription: object) -> None:
    """The operator changes what is subscribed; the UDM tells the AMF."""
    world.subscribe(1, **subscription)
    amf = world.bus.client(NamfSdmCallback, "UDM")
    await amf.sdm_notify(str(supi_of(1)), ModificationNotification(notify_items=[]))
    await asyncio.sleep(1)


async def policy(world: World, **update: object) -> None:
    amf = world.bus.client(NamfPolicyCallback, "PCF")
    body = PolicyUpdate(resource_uri="/policies/am", **update)  # type: ignore[arg-type]
    await amf.am_policy_update_notify(str(supi_of(1)), body)
    await asyncio.sleep(1)


def test_a_slice_more() -> None:
    """TS 23.501 §5.15.5.2.2: the configured NSSAI changes, what the UE has stays."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        await changed(world, slices=TWO)
        command = phone.last(nas.ConfigurationUpdateCommand)
        assert command.configured_nssai == list(TWO)
        assert command.allowed_nssai == [SNssai(1)]
        assert command.network_slicing_indication == nas.NetworkSlicingIndication(subscription_changed=True)
        assert command.configuration_update_indication == nas.ConfigurationUpdateIndication(
            acknowledgement_requested=True
        )
        assert world.amf.registry.by_supi[supi_of(1)].context.due == ()

    run(test, slices=TWO)


def test_a_slice_less() -> None:
    """§5.4.4.4: the UE is to register, and its connection is released."""

    async def test(world: World) -> None:
        world.subscribe(1, slices=TWO)
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, requested_nssai=list(TWO))
        await changed(world, slices=(SNssai(1),))
        command = phone.last(nas.ConfigurationUpdateCommand)
        indication = command.configuration_update_indication
        assert indication is not None
        assert indication.registration_requested
        assert command.allowed_nssai == [SNssai(1)]
        assert world.amf.access.connections == {}
        kind = nas.RegistrationType(RegistrationKind.MOBILITY, follow_on=True)
        await phone.registered(gnb, registration_type=kind)
        assert world.amf.registry.by_supi[supi_of(1)].context.due == ()

    run(test, slices=TWO)


def test_no_slice_left_ends_the_registration() -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        await changed(world, slices=(SNssai(9),))
        assert phone.last(nas.DeregistrationRequestUETerminated).cause == GmmCause.NO_NETWORK_SLICES_AVAILABLE
        assert world.amf.registry.by_supi == {}

    run(test)


def test_a_forbidden_area_ends_the_registration() -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        await changed(world, access=Access(forbidden_tacs=(1,)))
        assert phone.last(nas.DeregistrationRequestUETerminated).cause == GmmCause.TRACKING_AREA_NOT_ALLOWED

    run(test)


def test_ambr_goes_to_the_pcf_and_the_gnb() -> None:
    """TS 38.413 §8.3.4, TS 29.507 §4.2.3."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await changed(world, ambr_uplink="7 Mbps", ambr_downlink="8 Mbps")
        rates = gnb.last(ngap.UEContextModificationRequest).ue_aggregate_maximum_bit_rate
        assert rates is not None
        assert rates.ue_aggregate_maximum_bit_rate_ul == 7_000_000
        assert any("AMPolicyControl_Update" in e.message for e in world.journal.kept())
        assert phone.count(nas.ConfigurationUpdateCommand) == 0

    run(test)


def test_an_idle_ue_is_paged_for_it() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await changed(world, slices=TWO)
        assert gnb.count(ngap.Paging) == 1
        phone.service_request(gnb)
        await asyncio.sleep(1)
        command = phone.last(nas.ConfigurationUpdateCommand)
        assert command.configured_nssai == list(TWO)
        assert command.guti is not None
        assert world.amf.registry.by_supi[supi_of(1)].context.due == ()

    run(test, slices=TWO)


def test_what_is_not_confirmed_is_told_again() -> None:
    """§5.4.4.6 a): T3555 five times; also after a kill."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        phone.on[nas.ConfigurationUpdateCommand] = lambda _: None
        await changed(world, slices=TWO)
        await asyncio.sleep(40)
        assert phone.count(nas.ConfigurationUpdateCommand) == 5
        await world.crash()
        gnb = await Gnb(world).set_up()
        phone.on.clear()
        phone.request = None
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.ConfigurationUpdateCommand) == 6
        assert world.amf.registry.by_supi[supi_of(1)].context.due == ()

    run(test, slices=TWO)


def test_policy_of_areas_and_rates() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        limits = ServiceAreaRestriction(restriction_type="NOT_ALLOWED_AREAS", areas=[Area(tacs=["000001"])])
        await policy(world, serv_area_res=limits, rfsp=5, ue_ambr=Ambr(uplink="1 Mbps", downlink="2 Mbps"))
        assert phone.last(nas.ConfigurationUpdateCommand).service_area_list == nas.ServiceArea(
            (TAIS[0],), allowed=False
        )
        request = gnb.last(ngap.UEContextModificationRequest)
        assert request.index_to_rfsp == 5
        phone.establish(2)
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == GmmCause.RESTRICTED_SERVICE_AREA
        await policy(world, serv_area_res=ServiceAreaRestriction())
        assert phone.last(nas.ConfigurationUpdateCommand).service_area_list == nas.ServiceArea(
            whole_plmn=PLMN
        )

    run(test, tais=TAIS)


def test_the_pcf_ends_the_association() -> None:
    async def test(world: World) -> None:
        await attached(world)
        amf = world.bus.client(NamfPolicyCallback, "PCF")
        body = TerminationNotification(resource_uri="/policies/am", cause="UNSPECIFIED")
        await amf.am_policy_terminate_notify(str(supi_of(1)), body)
        await asyncio.sleep(1)
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert (context.rm_state, context.am_policy) == ("RM-REGISTERED", None)

    run(test)


def test_names_and_time_after_registration() -> None:
    """§8.2.19: not acknowledged, since nothing else is told."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.on[nas.ConfigurationUpdateCommand] = lambda _: None
        phone.register(gnb)
        await asyncio.sleep(1)
        command = phone.last(nas.ConfigurationUpdateCommand)
        assert command.full_network_name == nas.NetworkName("Example", ucs2=False)
        assert command.short_network_name == nas.NetworkName("Ex", ucs2=False)
        assert command.local_time_zone in (timedelta(hours=1), timedelta(hours=2))
        assert command.universal_time is not None
        assert command.configuration_update_indication is None

    run(test, full_name="Example", short_name="Ex", time_zone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("connected", [True, False])
def test_mico_mode_is_taken_back(connected: bool) -> None:
    """TS 24.501 §5.4.4.2, §5.4.4.3: MICO indication with "registration requested"; the UE registers on the connection
    that it has and is not given it any more. One that sleeps is not paged: it hears of it when it comes."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, mico_indication=nas.MicoIndication())
        phone.say(nas.RegistrationComplete())
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert context.mico
        if not connected:
            await idle(gnb, phone)
            await asyncio.sleep(10)
        world.amf.reconfigure(replace(world.settings, mico=False))
        await asyncio.sleep(1)
        if not connected:
            assert gnb.count(ngap.Paging) == 0
            phone.service_request(gnb)
            await asyncio.sleep(1)
        command = phone.last(nas.ConfigurationUpdateCommand)
        assert command.mico_indication is not None
        assert command.configuration_update_indication == nas.ConfigurationUpdateIndication(
            acknowledgement_requested=True, registration_requested=True
        )
        assert len(world.amf.access.connections) == 1  # §5.4.4.4: not released for this
        phone.say(phone.registration(RegistrationKind.MOBILITY, mico_indication=nas.MicoIndication()))
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationAccept).mico_indication is None
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert (context.mico, context.due) == (False, ())

    run(test, mico=True)


def test_a_service_request_on_the_same_connection() -> None:
    """§5.4.4.6 e): both are progressed."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        phone.on[nas.ConfigurationUpdateCommand] = lambda _: None
        await changed(world, slices=TWO)
        assert phone.guti is not None
        phone.say(nas.ServiceRequest(ng_ksi=nas.NgKsi(phone.ksi), service_type=0, s_tmsi=phone.guti.s_tmsi))
        await asyncio.sleep(1)
        assert phone.count(nas.ServiceAccept) == 1
        assert phone.count(nas.ConfigurationUpdateCommand) == 1
        phone.say(nas.ConfigurationUpdateComplete())
        await asyncio.sleep(30)
        assert phone.count(nas.ConfigurationUpdateCommand) == 1
        assert world.amf.registry.by_supi[supi_of(1)].context.due == ()

    run(test, slices=TWO)


@pytest.mark.parametrize("how", ["registration", "deregistration", "service request"])
def test_collisions(how: str) -> None:
    """§5.4.4.6 c) to e): what the UE wants goes on."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        phone.on[nas.ConfigurationUpdateCommand] = lambda _: None
        await changed(world, slices=TWO)
        if how == "registration":
            phone.register(gnb, phone.registration(RegistrationKind.MOBILITY))
        elif how == "deregistration":
            phone.deregister()
        else:
            phone.service_request(gnb)
        await asyncio.sleep(1)
        wanted = {
            "registration": nas.RegistrationAccept,
            "deregistration": nas.DeregistrationAcceptUEOriginating,
            "service request": nas.ConfigurationUpdateCommand,
        }
        assert isinstance(phone.heard[-1], wanted[how])
        if how == "registration":
            assert phone.last(nas.RegistrationAccept).configured_nssai == list(TWO)
            assert world.amf.registry.by_supi[supi_of(1)].context.due == ()

    run(test, slices=TWO)
