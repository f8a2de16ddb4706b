"""What a UE may ask for in REGISTRATION REQUEST, and how it is answered and used (TS 24.501 §5.5.1.2.4)."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.amf.n2 import elements
from cinq.nf.udr.access import Access
from cinq.numbering import SNssai
from cinq.sbi import Problem
from cinq.sbi.services.nausf_ueauthentication import NausfUEAuthentication
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, GmmFeature, RegistrationKind, RejectedCause

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of

MOBILITY = nas.RegistrationType(RegistrationKind.MOBILITY, follow_on=True)


async def accepted(world: World, **asked: object) -> nas.RegistrationAccept:
    gnb = await Gnb(world).set_up()
    phone = await Phone(world).registered(gnb, **asked)
    return phone.last(nas.RegistrationAccept)


def test_drx_is_negotiated_and_used() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, requested_drx_parameters=nas.Drx.T_64)
        assert phone.last(nas.RegistrationAccept).negotiated_drx_parameters == nas.Drx.T_64
        phone.establish()
        await asyncio.sleep(1)
        await idle(gnb, phone)
        await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
        await asyncio.sleep(1)
        assert gnb.last(ngap.Paging).paging_drx == "v64"

    run(test)


def test_edrx_is_given_where_the_network_has_it() -> None:
    drx = nas.ExtendedDrx(2, 3)

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, requested_extended_drx_parameters=drx)
        assert phone.last(nas.RegistrationAccept).negotiated_extended_drx_parameters == drx
        phone.establish()
        await asyncio.sleep(1)
        await idle(gnb, phone)
        await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
        await asyncio.sleep(20)
        assert gnb.count(ngap.Paging) == 1
        information = gnb.last(ngap.Paging).nr_paginge_drx_information
        assert information is not None
        assert (information.nr_paging_e_drx_cycle, information.nr_paging_time_window) == ("hf2", "s4")
        await asyncio.sleep(10)
        assert gnb.count(ngap.Paging) == 2

    run(test, edrx=True)


def test_neither_edrx_nor_mico_without_the_setting() -> None:
    async def test(world: World) -> None:
        accept = await accepted(
            world,
            requested_extended_drx_parameters=nas.ExtendedDrx(2, 3),
            mico_indication=nas.MicoIndication(),
            t3324=60,
        )
        assert accept.negotiated_extended_drx_parameters is None
        assert (accept.mico_indication, accept.t3324) == (None, None)

    run(test)


def test_mico() -> None:
    async def test(world: World) -> None:
        accept = await accepted(world, mico_indication=nas.MicoIndication(), t3324=60, requested_t3512=7200)
        assert accept.mico_indication is not None
        assert (accept.t3324, accept.t3512) == (60, 7200)
        assert world.amf.registry.by_supi[supi_of(1)].context.mico

    run(test, mico=True)


def test_timers_of_subscription_and_settings() -> None:
    async def test(world: World) -> None:
        world.subscribe(1, access=Access(t3512_s=1800))
        accept = await accepted(world)
        assert (accept.t3512, accept.t3502) == (1800, 600)

    run(test, t3502_s=600)


def test_congestion_comes_with_t3346() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        for service in list(world.pcf.services()):
            world.bus.withdraw(service[0], "pcf")
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        reject = phone.last(nas.RegistrationReject)
        assert reject.cause == GmmCause.CONGESTION
        assert reject.t3346 is not None
        assert 60 <= reject.t3346 <= 92

    run(test)


def test_no_t3346_that_a_ue_would_not_believe() -> None:
    """Unprotected, it makes a UE wait for 15 to 30 minutes (TS 24.501 §5.5.1.2.5); without, for T3511."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        world.bus.withdraw(NausfUEAuthentication, "ausf")
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        reject = phone.last(nas.RegistrationReject)
        assert reject.cause == GmmCause.CONGESTION
        assert reject.t3346 is None

    run(test)


def test_features_of_the_settings() -> None:
    features = nas.NetworkFeatureSupport.of(ims_vops_3gpp=True)

    async def test(world: World) -> None:
        assert (await accepted(world)).network_feature_support == features

    run(test, features=features)


def test_a_changed_radio_capability_is_asked_for_anew() -> None:
    """§5.5.1.3.4: 5GS update type, NG-RAN radio capability update."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert phone.amf_id is not None
        gnb.say(
            ngap.UERadioCapabilityInfoIndication(
                amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id, ue_radio_capability=b"caps"
            )
        )
        await asyncio.sleep(1)
        assert ue.context.radio_capability == b"caps"
        await idle(gnb, phone)
        await phone.registered(
            gnb, registration_type=MOBILITY, update_type=nas.UpdateType(radio_capability_update=True)
        )
        assert ue.context.radio_capability == b""
        assert gnb.last(ngap.InitialContextSetupRequest).ue_radio_capability is None

    run(test)


def test_a_radio_capability_for_paging_comes_back_when_the_ue_is_paged() -> None:
    """TS 38.413 §8.14.1, §8.5.1.2."""
    capability = ngap.UERadioCapabilityForPaging(ue_radio_capability_for_paging_of_nr=b"bands")

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        assert phone.amf_id is not None
        gnb.say(
            ngap.UERadioCapabilityInfoIndication(
                amf_ue_ngap_id=phone.amf_id,
                ran_ue_ngap_id=phone.ran_id,
                ue_radio_capability=b"caps",
                ue_radio_capability_for_paging=capability,
            )
        )
        await asyncio.sleep(1)
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert ue.context.radio_capability == b"caps"
        assert elements.radio_capability_for_paging(ue.context.paging_capability) == capability

    run(test)


def test_configured_nssai_for_a_ue_that_asks_by_the_default_configured_one() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        assert phone.last(nas.RegistrationAccept).configured_nssai is None
        other = await Phone(world, 2).registered(
            gnb, network_slicing_indication=nas.NetworkSlicingIndication(from_default_configured=True)
        )
        assert other.last(nas.RegistrationAccept).configured_nssai == [SNssai(1)]

    run(test)


@pytest.mark.parametrize("knows", [True, False])
def test_a_slice_with_its_own_authentication(knows: bool) -> None:
    """There is no NSSAAF: it is rejected, and the default slice is allowed (§5.5.1.2.4)."""
    two = (SNssai(1), SNssai(2))
    bits = 1 << GmmFeature.NSSAA if knows else 0
    capability = nas.Capability5gmm(bits.to_bytes(3, "little"))

    async def test(world: World) -> None:
        world.subscribe(1, slices=two, access=Access(nssaa_slices=(SNssai(2),)))
        accept = await accepted(world, requested_nssai=[SNssai(2)], capability_5gmm=capability)
        cause = (
            RejectedCause.AUTHENTICATION_FAILED_OR_REVOKED if knows else RejectedCause.NOT_AVAILABLE_IN_PLMN
        )
        assert accept.allowed_nssai == [SNssai(1)]
        assert accept.rejected_nssai == [nas.RejectedSNssai(SNssai(2), cause)]

    run(test, slices=two)


def test_only_slices_with_their_own_authentication() -> None:
    async def test(world: World) -> None:
        world.subscribe(1, access=Access(nssaa_slices=(SNssai(1),)))
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        reject = phone.last(nas.RegistrationReject)
        assert reject.cause == GmmCause.NO_NETWORK_SLICES_AVAILABLE
        assert reject.rejected_nssai == [nas.RejectedSNssai(SNssai(1), RejectedCause.NOT_AVAILABLE_IN_PLMN)]
        assert world.amf.registry.by_supi == {}

    run(test)


def test_rejections_in_the_element_that_the_ue_knows() -> None:
    capability = nas.Capability5gmm((1 << GmmFeature.EXTENDED_REJECTED_NSSAI).to_bytes(3, "little"))

    async def test(world: World) -> None:
        accept = await accepted(world, requested_nssai=[SNssai(1), SNssai(9)], capability_5gmm=capability)
        gone = nas.RejectedSNssai(SNssai(9), RejectedCause.NOT_AVAILABLE_IN_PLMN)
        assert accept.rejected_nssai is None
        assert accept.extended_rejected_nssai == [nas.RejectedGroup((gone,))]

    run(test)


def test_the_pcf_hears_of_other_slices() -> None:
    """TS 23.502 §4.2.2.2.2 step 16, TS 29.507 §4.2.3."""
    two = (SNssai(1), SNssai(2))

    async def test(world: World) -> None:
        world.subscribe(1, slices=two)
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await phone.registered(gnb, registration_type=MOBILITY, requested_nssai=[SNssai(2)])
        sent = [e.message for e in world.journal.kept() if "AMPolicyControl_Update" in e.message]
        assert sent

    run(test, slices=two)


@pytest.mark.parametrize(
    ("kind", "cause", "word"),
    [(4, GmmCause.PEI_NOT_ACCEPTED, "emergency"), (5, GmmCause.SERVICES_5GS_NOT_ALLOWED, "snpn onboarding")],
)
def test_types_that_this_network_has_not(kind: int, cause: GmmCause, word: str) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb, phone.registration(kind))
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == cause
        assert any(word in text for text in world.causes())

    run(test)


def test_a_ue_in_mico_mode_is_not_paged() -> None:
    """TS 23.501 §5.4.1.3: it is reached within its active time, and when it comes by itself."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, mico_indication=nas.MicoIndication(), t3324=60)
        phone.establish()
        await asyncio.sleep(1)
        await idle(gnb, phone)
        await asyncio.sleep(70)
        with pytest.raises(Problem) as caught:
            await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
        assert caught.value.status == 504
        assert gnb.count(ngap.Paging) == 0

    run(test, mico=True)


def test_a_dnn_with_this_operators_identifier() -> None:
    async def test(world: World) -> None:
        _, phone = await attached(world)
        phone.establish(2, dnn="internet.mnc070.mcc999.gprs")
        phone.establish(3, dnn="internet.mnc001.mcc001.gprs")
        await asyncio.sleep(1)
        asked = [body.json_data.dnn for body in world.smf.contexts.values()]
        assert asked == ["internet", "internet"]
        causes = [m.cause for m in phone.heard if isinstance(m, nas.DLNASTransport)]
        assert GmmCause.DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE in causes

    run(test)
