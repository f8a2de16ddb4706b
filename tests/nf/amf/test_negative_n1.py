"""N1 cases DEV-001 to DEV-021 that concern the AMF (the rest: test_negative_n1_later).

Each has a positive control: a well-behaved phone, afterwards.

DEV-005 to DEV-007 (concealed SUCIs) are the UDM's, DEV-024 to DEV-026 (5GSM contents) the SMF's; here the AMF's
part of them: one answer for whatever is wrong with a SUCI, and 5GSM octets passed on as they are.
"""

from __future__ import annotations

import asyncio

import pytest

from cinq.crypto import aka, milenage
from cinq.crypto.nas_security import INTEGRITY_CIPHERED_NEW
from cinq.numbering import AmfId, Guti, Suci, SuciNai
from cinq.wire import nas, ngap

from .gnb import Gnb, initial_ue_message
from .phone import Phone
from .world import OPC, PLMN, K, World, run, supi_of


async def control(world: World, gnb: Gnb, n: int = 3) -> Phone:
    """A phone that does everything right gets everything, and nothing else is left of what came before."""
    await asyncio.sleep(200)
    phone = await Phone(world, n).registered(gnb)
    phone.establish(5)
    await asyncio.sleep(1)
    assert world.amf.registry.by_supi[supi_of(n)].context.pdu_session_status == {5}
    known = set(world.amf.registry.by_supi)
    assert all(ue.is_idle for ue in world.amf.registry.by_supi.values())
    assert len(world.amf.access.connections) <= len(known)
    return phone


def test_dev_001_empty_nas_pdu() -> None:
    """A logical error of a class 2 procedure, TS 38.413 §10.4; 5GMM itself would ignore it (TS 24.501 §7.2.1)."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        victim = await Phone(world, 2).registered(gnb)
        for count, say in enumerate(
            (lambda: victim.say_octets(b""), lambda: gnb.say(initial_ue_message(gnb, 500, b""))), 1
        ):
            say()
            await asyncio.sleep(1)
            assert gnb.count(ngap.ErrorIndication) == count
            assert gnb.last(ngap.ErrorIndication).cause == ("protocol", "semantic-error")
        assert world.amf.registry.by_supi[supi_of(2)].context.rm_state == "RM-REGISTERED"
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize("size", range(1, 8))
def test_dev_002_protected_header_without_its_content(size: int) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        octets = bytes.fromhex("7e02aabbccdd00")[:size]
        before = len(phone.heard)
        phone.say_octets(octets)
        gnb.say(initial_ue_message(gnb, 500, octets))
        await asyncio.sleep(1)
        assert gnb.count(ngap.ErrorIndication) == 1
        assert len(phone.heard) == before
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize("kind", [1, 2, 4])
@pytest.mark.parametrize("size", [0, 1, 3])
def test_dev_003_short_mobile_identity(kind: int, size: int) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        identity = bytes((kind, 0x99, 0xF9))[:size]
        gnb.initial(
            phone, bytes.fromhex("7e004179") + size.to_bytes(2, "big") + identity + b"\x2e\x02\xf0\xf0"
        )
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == nas.GmmCause.INVALID_MANDATORY_INFORMATION
        assert gnb.count(ngap.UEContextReleaseCommand) == 1
        assert world.amf.access.connections == {}
        await control(world, gnb)

    run(test)


def test_dev_004_msin_of_forty_digits() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        identity = b"\x01" + PLMN.octets + b"\xf0\xff\x00\x00" + b"\x11" * 20
        request = (
            bytes.fromhex("7e004179") + len(identity).to_bytes(2, "big") + identity + b"\x2e\x02\xf0\xf0"
        )
        gnb.initial(phone, request)
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == nas.GmmCause.INVALID_MANDATORY_INFORMATION
        await control(world, gnb)

    run(test)


def test_dev_005_006_007_one_answer_for_whatever_is_wrong_with_a_suci() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        wrong = [
            Suci(PLMN, "0", 1, 77, b"\x01" * 45),  # key identifier that is not provisioned
            Suci(PLMN, "0", 1, 0, b"\x01" * 45),
            Suci(PLMN, "0", 2, 2, b"\x05" + b"\xff" * 50),  # no point of P-256
            Suci(PLMN, "0", 1, 1, b"\x09" + b"\0" * 44),
            SuciNai(1, "example.com", "678", 0, 0, "user17"),  # a SUPI that is no IMSI
            SuciNai(3, "5gc.mnc070.mcc999.3gppnetwork.org", "0", 0, 0, "00aabbccddee"),
        ]
        answers = []
        for suci in wrong:
            phone = Phone(world)
            phone.register(gnb, phone.registration(mobile_identity=suci))
            await asyncio.sleep(1)
            answers.append(
                [type(m).__name__ for m in phone.heard] + [phone.last(nas.RegistrationReject).cause]
            )
        assert answers == [["RegistrationReject", nas.GmmCause.ILLEGAL_UE]] * len(wrong)
        await control(world, gnb)

    run(test)


def test_dev_008_replayed_security_mode_complete() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        complete = next(octets for octets in phone.sent if octets[1] == INTEGRITY_CIPHERED_NEW)
        before = len(phone.heard), world.amf.registry.by_supi[supi_of(2)].context
        phone.say_octets(complete)
        await asyncio.sleep(1)
        assert (len(phone.heard), world.amf.registry.by_supi[supi_of(2)].context) == before
        assert any("ignored: NAS" in cause for cause in world.causes())
        phone.establish(1)  # what is new is heard
        await asyncio.sleep(1)
        assert phone.count(nas.DLNASTransport) == 1
        await control(world, gnb)

    run(test)


def test_dev_009_replayed_uplink_messages() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        phone.establish(1)
        await asyncio.sleep(1)
        phone.say_octets(phone.sent[-1])
        await asyncio.sleep(1)
        assert list(world.smf.contexts) == ["sm-1"]
        assert world.smf.released == []
        farewell = phone.deregister()
        await asyncio.sleep(1)
        again = await Phone(world, 2).registered(gnb)
        again.say_octets(farewell)
        gnb.say(initial_ue_message(gnb, 900, farewell))
        await asyncio.sleep(20)
        assert world.amf.registry.by_supi[supi_of(2)].context.rm_state == "RM-REGISTERED"
        assert again.count(nas.DeregistrationAcceptUEOriginating) == 0
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize("header", [1, 2, 3, 4])
def test_dev_010_forged_deregistration(header: int) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        victim = await Phone(world, 2).registered(gnb)
        before = world.amf.registry.by_supi[supi_of(2)].context
        forged = bytes((0x7E, header)) + b"\xde\xad\xbe\xef\x01" + farewell_of(victim)
        gnb.say(initial_ue_message(gnb, 900, forged))
        victim.say_octets(forged)
        await asyncio.sleep(20)
        assert world.amf.registry.by_supi[supi_of(2)].context == before
        assert len(world.amf.access.connections) == 1
        victim.deregister()  # the real one is believed
        await asyncio.sleep(1)
        assert supi_of(2) not in world.amf.registry.by_supi
        await control(world, gnb)

    run(test)


def farewell_of(phone: Phone, switch_off: bool = True) -> bytes:
    assert phone.guti is not None
    return nas.encode(
        nas.DeregistrationRequestUEOriginating(
            deregistration_type=nas.DeregistrationType(switch_off=switch_off),
            ng_ksi=nas.NgKsi(phone.ksi),
            mobile_identity=phone.guti,
        )
    )


@pytest.mark.parametrize("switch_off", [False, True])
def test_dev_011_plain_deregistration_with_the_guti_of_another(switch_off: bool) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        victim = await Phone(world, 2).registered(gnb)
        before = world.amf.registry.by_supi[supi_of(2)].context
        gnb.say(initial_ue_message(gnb, 900, farewell_of(victim, switch_off)))
        victim.say_octets(farewell_of(victim, switch_off))
        await asyncio.sleep(20)
        assert world.amf.registry.by_supi[supi_of(2)].context == before
        assert (
            next(iter(world.amf.access.connections.values())).user is world.amf.registry.by_supi[supi_of(2)]
        )
        assert any("nobody has checked" in cause for cause in world.causes())
        await control(world, gnb)

    run(test)


NOT_FIRST = [
    nas.IdentityResponse(mobile_identity=Suci.null_scheme(supi_of(1), PLMN)),
    nas.AuthenticationResponse(res=b"\0" * 16),
    nas.SecurityModeComplete(),
    nas.RegistrationComplete(),
    nas.FiveGMMStatus(cause=111),
    nas.ULNASTransport(payload_container_type=1, payload_container=b"\x2e\x01\x01\xc1"),
    nas.RegistrationAccept(registration_result=nas.RegistrationResult()),
]


@pytest.mark.parametrize("message", NOT_FIRST, ids=lambda m: type(m).__name__)
def test_dev_012_013_015_017_what_may_not_come_first(message: nas.NasMessage) -> None:
    """IDENTITY RESPONSE (012), REGISTRATION COMPLETE with MAC 0 (013), AUTHENTICATION RESPONSE (017), others (015)."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        octets = nas.encode(message)
        for n, pdu in enumerate((octets, b"\x7e\x02" + b"\0" * 5 + octets, b"\x7e\x01" + b"\0" * 5 + octets)):
            gnb.say(initial_ue_message(gnb, 900 + n, pdu))
        await asyncio.sleep(1)
        assert gnb.count(ngap.ErrorIndication) == 3
        assert gnb.count(ngap.DownlinkNASTransport) == 0
        assert world.amf.access.connections == {}
        assert world.amf.registry.by_supi == {}
        assert gnb.ran.connections == {}
        await control(world, gnb)

    run(test)


def test_dev_014_service_request_in_the_container_of_a_registration() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        other = nas.encode(
            nas.ServiceRequest(
                ng_ksi=nas.NgKsi(0),
                service_type=1,
                s_tmsi=Guti(PLMN, AmfId(1, 1, 0), 1).s_tmsi,
            )
        )
        phone.on[nas.SecurityModeCommand] = lambda m: phone.complete(m, nas_message_container=other)  # type: ignore[arg-type]
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == nas.GmmCause.SEMANTICALLY_INCORRECT_MESSAGE
        assert world.amf.registry.by_supi == {}
        await control(world, gnb)

    run(test)


def test_dev_016_authentication_response_without_res() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.on[nas.AuthenticationRequest] = lambda m: phone.say(nas.AuthenticationResponse())
        phone.register(gnb)
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.AuthenticationReject)
        assert world.amf.access.connections == {}
        await control(world, gnb)

    run(test)


def auts(message: nas.NasMessage) -> bytes:
    assert isinstance(message, nas.AuthenticationRequest)
    assert message.rand is not None
    return aka.auts(milenage, K, OPC, message.rand, 1 << 20)


def test_resynchronisation_is_granted_once() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)

        def lost(message: nas.NasMessage) -> None:
            del phone.on[nas.AuthenticationRequest]
            phone.say(nas.AuthenticationFailure(cause=21, auts=auts(message)))

        phone.on[nas.AuthenticationRequest] = lost
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.AuthenticationRequest) == 2
        assert isinstance(phone.heard[-1], nas.RegistrationAccept)

    run(test)


def test_dev_018_synchronisation_failure_again_and_again() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.on[nas.AuthenticationRequest] = lambda m: phone.say(
            nas.AuthenticationFailure(cause=21, auts=auts(m))
        )
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.AuthenticationRequest) == 2
        assert isinstance(phone.heard[-1], nas.AuthenticationReject)
        assert world.amf.access.connections == {}
        await control(world, gnb)

    run(test)


def test_dev_019_mac_failure_fifty_times() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)

        def fail(message: nas.NasMessage) -> None:
            for _ in range(50):
                if phone.amf_id is not None:
                    phone.say(nas.AuthenticationFailure(cause=20))

        phone.on[nas.AuthenticationRequest] = fail
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.AuthenticationRequest) == 2
        assert phone.count(nas.IdentityRequest) == 1
        assert isinstance(phone.heard[-1], nas.AuthenticationReject)
        assert world.amf.access.connections == {}
        await control(world, gnb)

    run(test)


def test_ngksi_in_use_gets_another_key_set() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)

        def in_use(message: nas.NasMessage) -> None:
            del phone.on[nas.AuthenticationRequest]
            phone.say(nas.AuthenticationFailure(cause=71))

        phone.on[nas.AuthenticationRequest] = in_use
        phone.register(gnb)
        await asyncio.sleep(1)
        first, second = (m for m in phone.heard if isinstance(m, nas.AuthenticationRequest))
        assert first.rand == second.rand
        assert first.ng_ksi != second.ng_ksi
        assert isinstance(phone.heard[-1], nas.RegistrationAccept)

    run(test)


def test_dev_020_no_ue_security_capability() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb, phone.registration(ue_security_capability=None))
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == nas.GmmCause.INVALID_MANDATORY_INFORMATION
        await control(world, gnb)

    run(test)


def test_dev_021_unknown_discriminator_while_the_identity_is_awaited() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.guti = Guti(PLMN, world.settings.amf_id, 0x12345678)
        phone.on[nas.IdentityRequest] = lambda m: phone.say_octets(b"\x00\x00\x5c\x00\x01\x01") and None
        phone.register(gnb)
        await asyncio.sleep(100)
        assert phone.count(nas.IdentityRequest) == 5  # T3570 and its retransmissions, then nothing
        assert world.amf.access.connections == {}
        assert world.amf.runtime.busy == 0
        await control(world, gnb)

    run(test)


def test_dev_017_authentication_response_before_any_challenge() -> None:
    """On a connection whose UE is being identified: ignored, and the identification goes on."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.guti = Guti(PLMN, world.settings.amf_id, 0x12345678)

        def early(message: nas.NasMessage) -> None:
            phone.say_octets(nas.encode(nas.AuthenticationResponse(res=b"\0" * 16)))
            phone.usual(message)

        phone.on[nas.IdentityRequest] = early
        phone.register(gnb)
        await asyncio.sleep(1)
        assert [type(m) for m in phone.heard[:2]] == [nas.IdentityRequest, nas.AuthenticationRequest]
        assert isinstance(phone.heard[-1], nas.RegistrationAccept)
        await control(world, gnb)

    run(test)
