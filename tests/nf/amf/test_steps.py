"""The steps of TS 23.502 §4.2.2.2.2 that this network skips or takes elsewhere: registration.register names each."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.nssf import NSSF
from cinq.nf.nssf import Settings as NssfSettings
from cinq.nf.udr.access import Access
from cinq.numbering import AmfId, Guti, SNssai, Tai
from cinq.sbi.services.nnssf_nssaiavailability import NnssfNSSAIAvailability
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    DeregistrationData,
    NamfUecmCallback,
    NudmUEContextManagement,
)
from cinq.wire import nas
from cinq.wire.nas import GmmCause, PayloadContainerType, RegistrationKind

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached
from .world import PLMN, World, run, supi_of

TWO = (SNssai(1), SNssai(2))


@pytest.mark.parametrize("kind", [RegistrationKind.INITIAL, RegistrationKind.MOBILITY])
@pytest.mark.parametrize("amf", [AmfId(1, 1, 5), AmfId(1, 2, 0), AmfId(9, 9, 9)])
def test_4_5_10_a_guti_of_another_amf(amf: AmfId, kind: int) -> None:
    """Of this set, of this region, of another: no context is had from there, the UE says who it is (6, 7), and proves
    it (8, 9); it then is this AMF's alone."""

    async def test(world: World) -> None:
        gnb, known = await attached(world)
        assert known.guti is not None
        phone = Phone(world, 2)
        phone.register(gnb, phone.registration(kind, mobile_identity=Guti(PLMN, amf, known.guti.tmsi)))
        await asyncio.sleep(1)
        assert phone.count(nas.IdentityRequest) == 1
        assert phone.count(nas.AuthenticationRequest) == 1
        accept = phone.last(nas.RegistrationAccept)
        assert accept.guti is not None
        assert accept.guti.amf == world.settings.amf_id
        assert world.amf.registry.by_tmsi[known.guti.tmsi].context.supi == supi_of(1)
        assert not [m for m in world.messages("Namf_Communication") if "UEContextTransfer" in m]

    run(test)


def test_11_12_the_pei_comes_with_the_security_mode_and_nobody_checks_it() -> None:
    async def test(world: World) -> None:
        await attached(world)
        assert world.amf.registry.by_supi[supi_of(1)].context.pei == "imeisv-3569380356438091"
        assert not [e for e in world.journal.kept() if "EquipmentIdentity" in e.interface]

    run(test)


def test_14d_the_udm_tells_the_amf_that_served_the_ue_before() -> None:
    """And that one forgets the UE without a word to it."""

    class Other:
        def __init__(self) -> None:
            self.heard: list[tuple[str, DeregistrationData]] = []

        async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
            self.heard.append((supi, body))

    async def test(world: World) -> None:
        other = Other()
        serving = world.amf.ports.serving(PLMN)
        uecm = world.bus.client(NudmUEContextManagement, "AMF")
        await uecm.registration(
            str(supi_of(1)),
            Amf3GppAccessRegistration(
                amf_instance_id="another",
                dereg_callback_uri=f"/namf-callback/v1/dereg/{supi_of(1)}",
                guami=serving.guami,
                rat_type="NR",
                initial_registration_ind=True,
            ),
        )
        world.bus.serve(NamfUecmCallback, other, "another")
        await attached(world)
        await asyncio.sleep(1)
        assert [(supi, data.dereg_reason) for supi, data in other.heard] == [
            (str(supi_of(1)), "UE_INITIAL_REGISTRATION")
        ]

    run(test)


def test_21b_no_ue_policy() -> None:
    """No Npcf_UEPolicyControl_Create; a UE policy container has no receiver (TS 24.501 §5.4.5.2.5)."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        before = len(phone.heard)
        phone.say(
            nas.ULNASTransport(
                payload_container_type=PayloadContainerType.UE_POLICY_CONTAINER, payload_container=b"\x01"
            )
        )
        await asyncio.sleep(1)
        assert len(phone.heard) == before
        assert any("PCF with UE policies" in cause for cause in world.causes())
        assert not [e for e in world.journal.kept() if "UEPolicy" in e.interface]

    run(test)


def test_notification_response_answers_nothing() -> None:
    """§5.6.3.1: without non-3GPP access NOTIFICATION is never sent; §7.4 for what answers it."""

    async def test(world: World) -> None:
        _, phone = await attached(world)
        phone.say(nas.NotificationResponse())
        await asyncio.sleep(0.1)
        cause = GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE
        assert phone.last(nas.FiveGMMStatus).cause == cause

    run(test)


@pytest.mark.parametrize(
    ("defaults", "chosen"),
    [((TWO[1],), TWO[1]), ((TWO[0],), TWO[0]), (TWO, TWO[0]), ((SNssai(3),), TWO[0])],
)
def test_the_slice_of_a_session_for_which_the_ue_names_none(
    defaults: tuple[SNssai, ...], chosen: SNssai
) -> None:
    """TS 24.501 §5.4.5.2.3 a) 1) iii): the default of the subscription that is allowed; else by policy the first."""

    async def test(world: World) -> None:
        world.subscribe(1, slices=(*TWO, SNssai(3)), access=Access(default_slices=defaults))
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, requested_nssai=list(TWO))
        assert phone.last(nas.RegistrationAccept).allowed_nssai == list(TWO)
        phone.say(nas.RegistrationComplete())
        phone.establish(1)
        phone.establish(2, s_nssai=TWO[0])
        await asyncio.sleep(1)
        asked = [body.json_data.s_nssai for body in world.smf.contexts.values()]
        assert [s.numbering() for s in asked if s is not None] == [chosen, TWO[0]]

    run(test, slices=(*TWO, SNssai(3)))


@pytest.mark.parametrize(
    ("access", "cause"),
    [
        (Access(rat_restrictions=("NR",)), GmmCause.N1_MODE_NOT_ALLOWED),
        (Access(no_5gc=True), GmmCause.SERVICES_5GS_NOT_ALLOWED),
        (Access(barred=True), GmmCause.SERVICES_5GS_NOT_ALLOWED),
    ],
)
def test_who_may_not_register_at_all(access: Access, cause: GmmCause) -> None:
    """TS 29.524 §4, TS 24.501 annex A: #27 where another radio is left to the UE, else #7."""

    async def test(world: World) -> None:
        world.subscribe(1, access=access)
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == cause

    run(test)


def test_the_nssf_hears_which_slices_there_are() -> None:
    """TS 29.531 §5.3.2.2, TS 23.501 §5.15.8: with each setup, update and loss of a gNB; once for what is the same."""
    tais = (Tai(PLMN, 1), Tai(PLMN, 2))

    async def test(world: World) -> None:
        nssf = NSSF(NssfSettings(world.settings.slices), "nssf")
        world.bus.withdraw(NnssfNSSAIAvailability, "nssf")
        world.bus.serve(NnssfNSSAIAvailability, nssf, "nssf")

        def said() -> dict[int, list[int]]:
            reported = nssf._reported.get("amf", {})
            return {int(tai.tac, 16): sorted(s.sst for s in slices) for tai, slices in reported.items()}

        def times() -> int:
            return sum("Update" in m or "Delete" in m for m in world.messages("Nnssf_NSSAIAvailability")) // 2

        first = await Gnb(world, 1, 1, (TWO[0],)).set_up()
        assert said() == {1: [1]}
        second = await Gnb(world, 2, 1, (TWO[1],)).set_up()
        third = await Gnb(world, 3, 2, TWO).set_up()
        assert said() == {1: [1, 2], 2: [1, 2]}
        count = times()
        await Gnb(world, 4, 2, (TWO[0],)).set_up()
        assert times() == count
        second.abort()
        await asyncio.sleep(0.1)
        assert said() == {1: [1], 2: [1, 2]}
        for gnb in (first, third):
            gnb.abort()
        await asyncio.sleep(0.1)
        assert said() == {2: [1]}

    run(test, tais=tais, slices=TWO)


def test_a_slice_that_no_gnb_here_supports() -> None:
    """TS 23.501 §5.15.8: it is rejected for the registration area."""

    async def test(world: World) -> None:
        world.subscribe(1, slices=TWO)
        here = await Gnb(world, 1, 1, (TWO[0],)).set_up()
        await Gnb(world, 2, 2, TWO).set_up()
        phone = await Phone(world).registered(here, requested_nssai=list(TWO))
        accept = phone.last(nas.RegistrationAccept)
        assert accept.allowed_nssai == [TWO[0]]
        assert accept.rejected_nssai == [
            nas.RejectedSNssai(TWO[1], nas.RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA)
        ]

    run(test, tais=(Tai(PLMN, 1), Tai(PLMN, 2)), slices=TWO)
