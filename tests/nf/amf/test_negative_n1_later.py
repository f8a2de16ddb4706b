"""N1 cases DEV-022 to DEV-034: NAS transport, races, slices, downgrades."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cinq.crypto.nas_security import INTEGRITY_CIPHERED, UPLINK
from cinq.numbering import Guti, NoIdentity, SNssai
from cinq.sbi.services.nsmf_pdusession import SmContextRefused
from cinq.wire import nas

from .gnb import Gnb, initial_ue_message
from .phone import Phone
from .test_negative_n1 import control, farewell_of
from .world import CAPABILITY, PLMN, World, run, supi_of


@pytest.mark.parametrize("number", [0, 16, 255])
def test_dev_022_pdu_session_identity_out_of_range(number: int) -> None:
    """TS 24.501 §7.3.2 c): an UL NAS TRANSPORT message with a reserved or unassigned identity is answered by a DL NAS
    TRANSPORT message with 5GMM cause #90 (the list's "5GSM reject" is the SMF's, should an AMF let it pass)."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        phone.establish(number)
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == nas.GmmCause.PAYLOAD_WAS_NOT_FORWARDED
        assert world.smf.contexts == {}
        await control(world, gnb)

    run(test)


def test_dev_023_no_request_type() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        phone.say_sm(1, b"\x2e\x01\x01\xc1")
        await asyncio.sleep(1)
        answer = phone.last(nas.DLNASTransport)
        assert (answer.cause, answer.payload_container) == (90, b"\x2e\x01\x01\xc1")
        assert world.smf.contexts == {}
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize("dnn", [b"", b"\x64" + b"a" * 100, b"\x05ab"])
def test_dev_027_dnn_that_cannot_be(dnn: bytes) -> None:
    """5GMM cause #91, where the list of cases has 5GSM cause #27: that is an SMF's, and TS 24.501 §5.4.5.3.2 case e)
    gives such a request to none: #91 "if the 5GSM message could not be forwarded since SMF selection fails because
    ... neither the DNN provided by the UE nor the wildcard DNN are in the subscribed DNN list of the UE". (To read
    such an element as absent, §7.7.1, would give the UE a session with a data network that it did not ask for.)"""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        assert phone.security is not None
        plain = bytes.fromhex("7e006701000401020304") + b"\x12\x01\x81" + bytes((0x25, len(dnn))) + dnn
        phone.say_octets(phone.security.protect(plain, INTEGRITY_CIPHERED, UPLINK))
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == 91
        assert world.smf.contexts == {}
        await control(world, gnb)

    run(test)


def test_5gsm_message_that_is_to_be_ignored() -> None:
    """TS 24.501 §7.3.1 d): an SMF that refuses without a word wants the UE to hear nothing."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        world.smf.refuse = SmContextRefused(403, "N1_SM_ERROR", "PTI 255 is reserved", None)
        before = len(phone.heard)
        phone.establish(1)
        await asyncio.sleep(1)
        assert len(phone.heard) == before
        assert world.amf.registry.by_supi[supi_of(2)].context.sm_contexts == ()
        world.smf.refuse = None
        await control(world, gnb)

    run(test)


def test_session_identity_again() -> None:
    """TS 24.501 §5.4.5.2.5 a) 12: "the AMF shall perform a local release of the PDU session identified by the PDU
    session ID and shall request the SMF to perform a local release of the PDU session"."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        for count in (1, 2, 3):
            phone.establish(1)
            await asyncio.sleep(1)
            assert list(world.smf.contexts) == [f"sm-{count}"]
        causes = [u.json_data.cause for _, u in world.smf.updates if u.json_data.release]
        assert causes == ["REL_DUE_TO_DUPLICATE_SESSION_ID"] * 2
        assert phone.count(nas.PDUSessionReleaseCommand) == 0
        await control(world, gnb)

    run(test)


def test_dnn_and_slice_that_are_not_subscribed() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        phone.establish(1, dnn="elsewhere")
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == 91
        phone.establish(1, s_nssai=SNssai(9))
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == 90
        await control(world, gnb)

    run(test)


def test_dev_028_two_establishments_of_one_session_before_the_accept() -> None:
    """TS 24.501 §5.4.5.2.5 a) 12: the later request counts, and nothing is left of the former."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        world.smf.delay = 0.5
        phone = await Phone(world, 2).registered(gnb)
        phone.establish(1)
        phone.establish(1)
        await asyncio.sleep(5)
        assert list(world.smf.contexts) == ["sm-2"]  # the second replaced the first
        assert world.smf.released == ["sm-1"]
        world.smf.delay = 0
        await control(world, gnb)

    run(test)


def test_dev_029_two_registrations_of_one_suci_at_once() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        first, second = Phone(world), Phone(world)
        first.register(gnb)
        second.register(gnb)
        await asyncio.sleep(20)
        assert isinstance(second.heard[-1], nas.RegistrationAccept)
        assert not first.count(
            nas.AuthenticationReject
        )  # each challenge stands by itself; the first is superseded
        assert len(world.amf.access.connections) == 1
        await control(world, gnb)

    run(test)


def test_dev_030_unknown_guti_and_registration_type_zero() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.guti = Guti(PLMN, world.settings.amf_id, 0xDEADBEEF)
        phone.register(gnb, phone.registration(0))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[0], nas.IdentityRequest)
        assert isinstance(phone.heard[-1], nas.RegistrationAccept)
        await control(world, gnb)

    run(test)


def test_dev_031_slice_not_subscribed() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        world.subscribe(7, slices=(SNssai(7),))  # nothing that is served here
        phone = Phone(world, 7)
        phone.register(gnb, phone.registration(requested_nssai=[SNssai(5)]))
        await asyncio.sleep(1)
        answer = phone.last(nas.RegistrationReject)
        assert answer.cause == nas.GmmCause.NO_NETWORK_SLICES_AVAILABLE
        assert answer.rejected_nssai == [
            nas.RejectedSNssai(SNssai(5), nas.RejectedCause.NOT_AVAILABLE_IN_PLMN)
        ]
        assert world.amf.registry.by_supi == {}
        await control(world, gnb)

    run(test)


def test_dev_031_one_slice_of_two_is_rejected() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb, requested_nssai=[SNssai(5), SNssai(1)])
        accept = phone.last(nas.RegistrationAccept)
        assert accept.allowed_nssai == [SNssai(1)]
        assert accept.rejected_nssai == [
            nas.RejectedSNssai(SNssai(5), nas.RejectedCause.NOT_AVAILABLE_IN_PLMN)
        ]

    run(test)


def test_dev_032_emergency_cause_opens_no_door() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        victim = await Phone(world, 2).registered(gnb)
        message = initial_ue_message(gnb, 900, farewell_of(victim))
        message.rrc_establishment_cause = "emergency"
        gnb.say(message)
        await asyncio.sleep(20)
        assert world.amf.registry.by_supi[supi_of(2)].context.rm_state == "RM-REGISTERED"
        phone = Phone(world)
        phone.register(gnb, phone.registration(nas.RegistrationKind.EMERGENCY))
        await asyncio.sleep(1)
        assert phone.count(nas.RegistrationReject) == 1
        await control(world, gnb)

    run(test)


def test_dev_033_only_the_protected_container_counts() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        world.settings = replace(world.settings)
        phone = Phone(world, 2)
        honest = phone.registration(requested_nssai=[SNssai(1)])
        forged = honest.replace(requested_nssai=[SNssai(5)])  # in clear, beyond the list of §4.4.6
        phone.request = honest
        gnb.initial(phone, nas.encode(forged))
        await asyncio.sleep(1)
        accept = phone.last(nas.RegistrationAccept)
        assert accept.allowed_nssai == [SNssai(1)]
        assert accept.rejected_nssai is None

    run(test)


def test_dev_033_changed_capability_is_noticed() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world, 2)
        phone.request = phone.registration()
        weaker = phone.request.replace(ue_security_capability=nas.UeSecurityCapability.of((0, 1, 2), (1, 2)))
        gnb.initial(phone, nas.encode(weaker.cleartext()))
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == nas.GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH
        command = phone.last(nas.SecurityModeCommand)
        assert command.replayed_ue_security_capability == weaker.ue_security_capability
        assert world.amf.registry.by_supi == {}
        await control(world, gnb)

    run(test)


def test_dev_034_null_algorithms_only() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.capability = nas.UeSecurityCapability.of((0,), (0,))
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == nas.GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH
        assert phone.count(nas.SecurityModeCommand) == 0
        with pytest.raises(ValueError, match="NIA0"):
            replace(world.settings, integrity=(2, 0))
        await control(world, gnb)

    run(test)


def test_algorithms_follow_the_networks_priority() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        assert phone.last(nas.SecurityModeCommand).algorithms == nas.NasAlgorithms(ciphering=3, integrity=1)
        assert phone.last(nas.SecurityModeCommand).replayed_ue_security_capability == CAPABILITY

    run(test, integrity=(1, 2, 3), ciphering=(3, 2, 1))


def test_no_identity_after_identity_request() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.guti = Guti(PLMN, world.settings.amf_id, 1)
        phone.on[nas.IdentityRequest] = lambda m: (
            phone.say(nas.IdentityResponse(mobile_identity=NoIdentity())) and None
        )
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.RegistrationReject) == 1
        await control(world, gnb)

    run(test)


def test_dev_032_plain_messages_for_a_secured_ue_are_discarded() -> None:
    """On the UE's own connection, whatever the message: TS 24.501 §4.4.4.3, last paragraph."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        victim = await Phone(world, 2).registered(gnb)
        before, heard = world.amf.registry.by_supi[supi_of(2)].context, len(victim.heard)
        for message in (
            victim.registration(mobile_identity=victim.suci),
            nas.AuthenticationResponse(res=b"\0" * 16),
            nas.SecurityModeReject(cause=24),
            nas.IdentityResponse(mobile_identity=victim.suci),
        ):
            victim.say_octets(nas.encode(message))
            await asyncio.sleep(1)
        assert len(victim.heard) == heard
        assert world.amf.registry.by_supi[supi_of(2)].context == before
        assert sum("not protected, though" in cause for cause in world.causes()) == 4
        victim.establish(1)
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(2)].context.pdu_session_status == {1}
        await control(world, gnb)

    run(test)


def test_dev_033_cleartext_beyond_the_list_counts_for_nothing_even_without_a_container() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world, 2)
        gnb.initial(phone, nas.encode(phone.registration(requested_nssai=[SNssai(5)])))
        await asyncio.sleep(1)
        accept = phone.last(nas.RegistrationAccept)
        assert accept.allowed_nssai == [SNssai(1)]
        assert accept.rejected_nssai is None
        await control(world, gnb)

    run(test)
