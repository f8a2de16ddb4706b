"""The network deregisters a UE, TS 24.501 §5.5.2.3: what it hears, what is given back, what it meets."""

from __future__ import annotations

import asyncio

import pytest

from cinq.numbering import STmsi
from cinq.sbi import Problem
from cinq.sbi.services.nudm_uecm import DeregistrationData, DeregistrationReason, NamfUecmCallback
from cinq.wire import nas, ngap
from cinq.wire.nas import RegistrationKind

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of


async def notify(world: World, reason: DeregistrationReason = "SUBSCRIPTION_WITHDRAWN", n: int = 1) -> None:
    amf = world.bus.client(NamfUecmCallback, "UDM")
    await amf.deregistration_notify(str(supi_of(n)), DeregistrationData(dereg_reason=reason))


def silent(phone: Phone) -> None:
    phone.on[nas.DeregistrationRequestUETerminated] = lambda _: None


def nothing_left(world: World) -> None:
    assert world.amf.registry.by_supi == {}
    assert world.amf.registry.by_tmsi == {}
    assert world.amf.access.connections == {}
    assert world.store.get("amf-ue", str(supi_of(1))) is None
    assert world.smf.contexts == {}


@pytest.mark.parametrize(
    ("reason", "cause", "again"),
    [("SUBSCRIPTION_WITHDRAWN", 7, False), ("REREGISTRATION_REQUIRED", None, True)],
)
def test_connected(reason: DeregistrationReason, cause: int | None, again: bool) -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await notify(world, reason)
        await asyncio.sleep(1)
        request = phone.last(nas.DeregistrationRequestUETerminated)
        assert request.cause == cause
        assert request.deregistration_type == nas.DeregistrationType(re_registration_required=again)
        assert gnb.last(ngap.UEContextReleaseCommand).cause == ("nas", "deregister")
        assert world.smf.released == ["sm-1"]
        nothing_left(world)
        if again:
            phone.guti, phone.security, phone.ksi = None, None, 7
            await phone.registered(gnb)

    run(test)


def test_withdrawn_while_it_registers() -> None:
    """The UDM tells the AMF that has registered, which is before the UE has its accept."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.on[nas.RegistrationAccept] = lambda _: None
        phone.register(gnb)
        await asyncio.sleep(0.1)
        await notify(world)
        phone.say(nas.RegistrationComplete())
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 1
        nothing_left(world)

    run(test)


def test_idle_is_paged_first() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await notify(world)
        await asyncio.sleep(1)
        assert gnb.count(ngap.Paging) == 1
        assert phone.count(nas.DeregistrationRequestUETerminated) == 0
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 1
        assert phone.count(nas.ServiceAccept) == 0
        nothing_left(world)

    run(test)


def test_nobody_answers_paging() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await notify(world)
        await world.quiet()
        assert gnb.count(ngap.Paging) == 4
        assert phone.count(nas.DeregistrationRequestUETerminated) == 0
        nothing_left(world)

    run(test)


def test_t3522_five_times_then_locally() -> None:
    """§5.5.2.3.5 a)."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        silent(phone)
        await notify(world)
        await asyncio.sleep(29)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 5
        assert world.smf.released == []
        await asyncio.sleep(2)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 5
        nothing_left(world)

    run(test)


@pytest.mark.parametrize("how", ["association", "release"])
def test_lower_layer_failure(how: str) -> None:
    """§5.5.2.3.5 b)."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        silent(phone)
        await notify(world)
        await asyncio.sleep(1)
        if how == "association":
            gnb.abort()
        else:
            await idle(gnb, phone)
        await asyncio.sleep(1)
        nothing_left(world)

    run(test)


@pytest.mark.parametrize("switch_off", [True, False])
def test_both_deregister(switch_off: bool) -> None:
    """§5.5.2.3.5 c)."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        silent(phone)
        await notify(world)
        await asyncio.sleep(1)
        phone.deregister(switch_off)
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationAcceptUEOriginating) == (not switch_off)
        nothing_left(world)

    run(test)


def test_initial_registration_meanwhile() -> None:
    """§5.5.2.3.5 d): it goes on when the sessions are gone."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        silent(phone)
        await notify(world)
        await asyncio.sleep(1)
        phone.register(gnb)
        await asyncio.sleep(1)
        assert world.smf.released == ["sm-1"]
        assert isinstance(phone.heard[-1], nas.RegistrationAccept)
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert (context.rm_state, context.sm_contexts, context.leaving) == ("RM-REGISTERED", (), None)

    run(test)


def test_update_meanwhile_is_ignored() -> None:
    """§5.5.2.3.5 e)."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        silent(phone)
        await notify(world)
        await asyncio.sleep(1)
        phone.register(gnb, phone.registration(RegistrationKind.MOBILITY))
        await asyncio.sleep(1)
        assert phone.count(nas.RegistrationAccept) == 1
        phone.on.clear()
        await asyncio.sleep(6)
        assert isinstance(phone.heard[-1], nas.DeregistrationRequestUETerminated)
        nothing_left(world)

    run(test)


def test_update_while_it_is_looked_for_goes_on() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await notify(world)
        await asyncio.sleep(1)
        phone.register(gnb, phone.registration(RegistrationKind.MOBILITY))
        await asyncio.sleep(1)
        assert phone.count(nas.RegistrationAccept) == 2
        assert phone.count(nas.DeregistrationRequestUETerminated) == 1
        nothing_left(world)

    run(test)


def test_service_request_meanwhile() -> None:
    """§5.5.2.3.5 f): the de-registration goes on, where the UE is now."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        silent(phone)
        await notify(world)
        await asyncio.sleep(1)
        phone.service_request(gnb)
        await asyncio.sleep(0.1)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 2
        phone.say(nas.DeregistrationAcceptUETerminated())
        await asyncio.sleep(1)
        nothing_left(world)

    run(test)


def test_a_ue_of_another_amf_hears_nothing() -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        await notify(world, "UE_INITIAL_REGISTRATION")
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 0
        nothing_left(world)
        with pytest.raises(Problem) as caught:
            await notify(world)
        assert caught.value.status == 404

    run(test)


def test_it_goes_on_after_a_kill() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await notify(world)
        await asyncio.sleep(1)
        await world.crash()
        world.amf.start()
        gnb = await Gnb(world).set_up()
        await asyncio.sleep(7)
        assert gnb.count(ngap.Paging) >= 1
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationRequestUETerminated) == 1
        nothing_left(world)

    run(test)


def test_a_silent_smf_delays_nobody() -> None:
    """The UE has its accept and loses its connection, whatever its SMF does."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        world.smf.delay = 30.0
        phone.deregister()
        await asyncio.sleep(0.5)
        assert isinstance(phone.heard[-1], nas.DeregistrationAcceptUEOriginating)
        assert gnb.last(ngap.UEContextReleaseCommand).cause == ("nas", "deregister")
        assert world.amf.access.connections == {}
        await asyncio.sleep(60)
        nothing_left(world)

    run(test)


def test_paging_begins_where_the_ue_was() -> None:
    """TS 38.413 §8.5.1, TS 23.502 §4.2.3.3: the last gNB first, then all of the registration area."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2).set_up()
        await idle(gnb, phone)
        await world.smf.transfer(str(supi_of(1)), 1, None, b"setup", "PDU_RES_SETUP_REQ", "sm-1")
        await asyncio.sleep(1)
        assert (gnb.count(ngap.Paging), other.count(ngap.Paging)) == (1, 0)
        first = gnb.last(ngap.Paging).assistance_data_for_paging
        assert first is not None
        information = first.paging_attempt_information
        assert information is not None
        assert (information.paging_attempt_count, information.intended_number_of_paging_attempts) == (1, 4)
        await asyncio.sleep(6)
        assert (gnb.count(ngap.Paging), other.count(ngap.Paging)) == (2, 1)
        identity = other.last(ngap.Paging).ue_paging_identity
        assert phone.guti is not None
        assert identity[0] == "fiveG-S-TMSI"
        assert identity[1].five_g_tmsi == phone.guti.tmsi.to_bytes(4, "big")
        assert isinstance(phone.guti.s_tmsi, STmsi)
        phone.service_request(other, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert phone.count(nas.ServiceAccept) == 1
        await idle(other, phone)
        assert world.amf.registry.by_supi[supi_of(1)].context.last_gnb == other.ran.context.node_id

    run(test)
