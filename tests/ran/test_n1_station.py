"""A test bench on N1: what it does to a UE's NAS messages arrives at the core as it was meant."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Refused
from cinq.ran.station import Unmet
from cinq.ran.ue import Ue
from cinq.ran.ue.security import PLAIN, Envelope
from cinq.ran.ue.station import Paged, Released
from cinq.wire import nas, ngap
from cinq.wire.nas import SecurityHeader

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import gmm, play


def pdus(core: Core) -> list[bytes]:
    """What the gNB carried, in order."""
    kinds = (ngap.InitialUEMessage, ngap.UplinkNASTransport)
    return [message.nas_pdu for message in core.heard if isinstance(message, kinds)]


def deaf(core: Core) -> None:
    """The core takes what comes and says nothing: broken octets are not its own trial."""
    core.silent |= {ngap.UplinkNASTransport, ngap.InitialUEMessage}


def test_any_octets_in_any_envelope() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        deaf(core)
        assert ue.security.current is not None
        count = ue.security.current.nas.ul_count
        for header in range(1, 16):
            ue.station.send(b"\xde\xad", envelope=Envelope(header, count=7))
            await settle()
            assert pdus(core)[-1][:2] == bytes((0x7E, header))
            assert pdus(core)[-1][6] == 7
        assert ue.security.current.nas.ul_count == count
        ue.station.send(b"\xde\xad", envelope=Envelope(mac=b"abcd", sequence_number=9))
        assert ue.security.current.nas.ul_count == count + 1
        ue.station.send(b"\xbe\xef", envelope=PLAIN)
        ue.station.send_pdu(b"")
        await settle()
        assert pdus(core)[-3][:7] == b"\x7e\x02abcd\x09"
        assert pdus(core)[-2:] == [b"\xbe\xef", b""]

    play(scene)


def test_under_valid_security() -> None:
    """Octets with the next COUNT are a message like any other, and the UE goes on after them."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        ue.station.send(nas.encode(nas.FiveGMMStatus(cause=111)))
        ue.station.send(nas.FiveGMMStatus(cause=97), envelope=Envelope(SecurityHeader.INTEGRITY))
        await ue.establish_session()
        assert [getattr(m, "cause", 0) for m in gmm(core, nas.FiveGMMStatus)] == [111, 97]

    play(scene)


def test_replay_and_duplicate() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with ue.station.record() as record, ue.station.duplicate(nas.RegistrationComplete):
            await ue.register()
            await settle()
        assert len(gmm(core, nas.RegistrationComplete)) == 2
        deaf(core)
        ue.station.replay(record.sent[-1])
        with ue.station.pdus.duplicate(nas.FiveGMMStatus):
            ue.tell(nas.FiveGMMStatus(cause=111))
        await settle()
        assert pdus(core)[-3] == record.sent[-1].octets
        assert pdus(core)[-1] == pdus(core)[-2]

    play(scene)


def test_filters_before_protection() -> None:
    class NotSo(Core):
        def on_authentication_response(self, ue: CoreUe, message: nas.AuthenticationResponse) -> None:
            assert message.res == b"\0" * 16
            self.down(ue, nas.AuthenticationReject())
            self.release(ue)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with (
            ue.station.change(nas.AuthenticationResponse, lambda m: [m.replace(res=b"\0" * 16)]),
            pytest.raises(Refused),
        ):
            await ue.register()

    play(scene, NotSo())


def test_mute_an_answer() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with ue.station.record() as record, ue.station.drop(nas.RegistrationComplete):
            await ue.register()
            await settle()
            assert not gmm(core, nas.RegistrationComplete)
            accept = await record.expect(nas.RegistrationAccept)
            assert accept.t3512 == core.t3512
            with pytest.raises(
                Unmet, match=r"IDENTITY REQUEST did not come within 3 s; these came: AUTHENTICATION"
            ):
                await record.expect(nas.IdentityRequest, timeout_s=3)
        ue.tell(nas.RegistrationComplete())
        await settle()
        assert gmm(core, nas.RegistrationComplete)

    play(scene)


def test_answer_by_hand_while_the_ue_is_deaf() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        at_core = core.last()
        with ue.station.record() as record, ue.station.mute(nas.IdentityRequest):
            core.down(at_core, nas.IdentityRequest(identity_type=nas.IdentityType.IMEISV))
            request = await record.expect(nas.IdentityRequest, lambda m: m.identity_type == 5)
            assert not gmm(core, nas.IdentityResponse)
            assert record.messages(nas.IdentityRequest) == [request]
            ue.station.send(nas.IdentityResponse(mobile_identity=ue.usim.conceal(ue.entropy)))
            await settle()
        assert len(gmm(core, nas.IdentityResponse)) == 1

    play(scene)


def test_at_a_moment_of_a_procedure() -> None:
    """A STATUS slips in between SECURITY MODE COMMAND and its answer, still under the old protection: none."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with ue.station.tap(
            nas.SecurityModeCommand, lambda _: ue.station.send_pdu(bytes.fromhex("7e00646f"))
        ):
            await ue.register()
        assert bytes.fromhex("7e00646f") in pdus(core)

    class Lenient(Core):
        def on_nas(self, ue: CoreUe, octets: bytes) -> None:
            if octets[:3] != bytes.fromhex("7e0064"):
                super().on_nas(ue, octets)

    play(scene, Lenient())


def test_delay_and_wrong_mac() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        deaf(core)
        count = len(pdus(core))
        with ue.station.pdus.delay(nas.FiveGMMStatus, 5):
            ue.tell(nas.FiveGMMStatus(cause=111))
            await asyncio.sleep(4)
            assert len(pdus(core)) == count
        await asyncio.sleep(2)
        assert len(pdus(core)) == count + 1
        with ue.station.record() as record, ue.station.spoil_mac(nas.FiveGMMStatus):
            ue.tell(nas.FiveGMMStatus(cause=111))
            await settle()
        assert pdus(core)[-1] == record.sent[-1].octets
        at_core = core.last()
        assert at_core.security is not None
        with pytest.raises(ValueError, match="MAC"):
            at_core.security.verify(pdus(core)[-1], 0)

    play(scene)


def test_session_messages_are_filtered_inside_their_transport() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        with (
            ue.station.record() as record,
            ue.station.change(nas.PDUSessionEstablishmentRequest, lambda m: [m.replace(ssc_mode=3)]),
        ):
            await ue.establish_session()
            request = record.said(nas.PDUSessionEstablishmentRequest)[0]
            assert request.ssc_mode == nas.SscMode.SSC_MODE_3
            accept = await record.expect(nas.PDUSessionEstablishmentAccept)
            assert accept.dnn == "internet"

    play(scene)


def test_initial_messages_by_hand_and_events() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        with ue.station.record() as record:
            core.release(core.last())
            assert (await record.expect(Released)).cause
            deaf(core)
            ue.station.open(b"\x7e\x00\x41", envelope=PLAIN, cause="mo-Data")
            await settle()
            initial = core.heard[-1]
            assert isinstance(initial, ngap.InitialUEMessage)
            assert (initial.nas_pdu, initial.rrc_establishment_cause) == (b"\x7e\x00\x41", "mo-Data")
            ue.on_paging()
            await record.expect(Paged)
            await ue.station.silence(nas.NasMessage, 1)

    play(scene)


def test_a_duplicate_of_the_initial_message() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        deaf(core)
        with ue.station.pdus.duplicate(nas.RegistrationRequest):
            ue.initiate(ue.register, "registration")
            await settle()
        assert core.names()[1:] == ["InitialUEMessage"]  # without an AMF UE NGAP ID nothing follows
        assert ue.link.connected

    play(scene)
