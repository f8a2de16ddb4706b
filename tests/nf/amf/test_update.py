"""What a registered UE may change by a registration update: its slices and its security capability."""

from __future__ import annotations

import asyncio

import msgspec

from cinq.numbering import SNssai
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of

TWO = (SNssai(1), SNssai(2))
UPDATE = nas.RegistrationType(nas.RegistrationKind.MOBILITY, follow_on=True)


def selections(world: World) -> int:
    return sum("NSSelection" in event.message for event in world.journal.kept())


def test_other_slices_are_selected_anew() -> None:
    """§5.5.1.3.4: the allowed NSSAI follows the requested one; a session in a slice that is left is released."""

    async def test(world: World) -> None:
        world.subscribe(1, slices=TWO)
        gnb, phone = await attached(world)
        assert phone.last(nas.RegistrationAccept).allowed_nssai == [SNssai(1)]
        ue = world.amf.registry.by_supi[supi_of(1)]
        await idle(gnb, phone)
        await phone.registered(gnb, registration_type=UPDATE, requested_nssai=list(TWO))
        assert phone.last(nas.RegistrationAccept).allowed_nssai == list(TWO)
        assert [sm.s_nssai for sm in ue.context.sm_contexts] == [SNssai(1)]
        assert world.smf.released == []
        await idle(gnb, phone)
        await phone.registered(
            gnb,
            registration_type=UPDATE,
            requested_nssai=[SNssai(2), SNssai(9)],
            pdu_session_status=frozenset({1}),
        )
        accept = phone.last(nas.RegistrationAccept)
        assert accept.allowed_nssai == [SNssai(2)]
        assert [item.s_nssai for item in accept.rejected_nssai or ()] == [SNssai(9)]
        assert accept.pdu_session_status == frozenset()
        assert world.smf.released == ["sm-1"]
        assert ue.context.allowed_nssai == (SNssai(2),)
        phone.establish(2, s_nssai=SNssai(2))
        await asyncio.sleep(1)
        assert [sm.s_nssai for sm in ue.context.sm_contexts] == [SNssai(2)]

    run(test, slices=TWO)


def test_the_same_slices_are_not_asked_for_again() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        world.journal._kept.clear()
        await phone.registered(gnb, registration_type=UPDATE, requested_nssai=[SNssai(1)])
        assert selections(world) == 0
        await idle(gnb, phone)
        await phone.registered(gnb, registration_type=UPDATE, requested_nssai=[SNssai(1), SNssai(9)])
        assert selections(world) > 0

    run(test)


def test_a_changed_security_capability_brings_a_new_security_mode() -> None:
    """What was chosen may not be there any more; and the UE is told what the AMF has heard (TS 33.501 §6.7.2)."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        before = phone.count(nas.SecurityModeCommand)
        assert phone.last(nas.SecurityModeCommand).algorithms == nas.NasAlgorithms(ciphering=2, integrity=2)
        await idle(gnb, phone)
        phone.capability = nas.UeSecurityCapability.of((0, 1, 2), (1, 2))
        await phone.registered(gnb, registration_type=UPDATE)
        assert phone.count(nas.SecurityModeCommand) == before + 1
        assert phone.last(nas.SecurityModeCommand).replayed_ue_security_capability == phone.capability
        capabilities = gnb.last(ngap.InitialContextSetupRequest).ue_security_capabilities
        assert capabilities.nr_encryption_algorithms == (0b11 << 14, 16)
        assert world.smf.released == []
        await idle(gnb, phone)
        await phone.registered(gnb, registration_type=UPDATE)
        assert phone.count(nas.SecurityModeCommand) == before + 1

    run(test)


def test_a_setup_with_sessions_has_an_ambr_whatever_is_subscribed() -> None:
    """TS 38.413 §9.2.2.1: UE Aggregate Maximum Bit Rate is there whenever PDU sessions are (condition)."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        phone.establish(1)
        await asyncio.sleep(1)
        await idle(gnb, phone)
        ue = world.amf.registry.by_supi[supi_of(1)]
        ue.context = msgspec.structs.replace(ue.context, ue_ambr=None)
        phone.service_request(gnb, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        setup = gnb.last(ngap.InitialContextSetupRequest)
        assert setup.pdu_session_resource_setup_list_cxt_req
        assert setup.ue_aggregate_maximum_bit_rate is not None
        assert setup.ue_aggregate_maximum_bit_rate.ue_aggregate_maximum_bit_rate_dl == 4_000_000_000_000

    run(test)
