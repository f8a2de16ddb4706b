"""NG Setup, registration, deregistration, sessions: what goes well."""

from __future__ import annotations

import asyncio

from cinq.crypto import kdf
from cinq.numbering import SNssai
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .world import World, run, supi_of


def test_ng_setup() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        answer = gnb.last(ngap.NGSetupResponse)
        assert answer.amf_name == "cinq-amf"
        assert answer.relative_amf_capacity == 255
        assert world.amf.access.rans[0].context.name == "gnb-1"

    run(test)


def test_initial_registration_with_suci() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        await asyncio.sleep(1)
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert ue.context.rm_state == "RM-REGISTERED"
        assert ue.is_idle
        assert ue.context.guti == phone.guti
        assert ue.context.pei == "imeisv-3569380356438091"
        assert ue.context.allowed_nssai == (SNssai(1),)
        setup = gnb.last(ngap.InitialContextSetupRequest)
        assert phone.security is not None
        assert setup.security_key == int.from_bytes(kdf.kgnb(phone.kamf, 0), "big")
        assert setup.masked_imeisv == 0x35693803_56FFFF91
        assert setup.ue_security_capabilities.nr_integrity_protection_algorithms == (0xE000, 16)
        accept = phone.last(nas.RegistrationAccept)
        assert accept.t3512 == 3600
        assert [type(m).__name__ for m in phone.heard] == [
            "AuthenticationRequest",
            "SecurityModeCommand",
            "RegistrationAccept",
        ]
        assert world.store.get("amf-ue", str(supi_of(1)))
        assert world.messages("N1") == [
            "REGISTRATION REQUEST",
            "AUTHENTICATION REQUEST",
            "AUTHENTICATION RESPONSE",
            "SECURITY MODE COMMAND",
            "SECURITY MODE COMPLETE",
            "REGISTRATION ACCEPT",
            "REGISTRATION COMPLETE",
        ]

    run(test)


def test_registration_without_context_request_goes_in_downlink_nas_transport() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.request = phone.registration()
        gnb.initial(phone, phone.initial(phone.request), context=False)
        await asyncio.sleep(1)
        assert gnb.count(ngap.InitialContextSetupRequest) == 0
        assert world.amf.registry.by_supi[supi_of(1)].context.rm_state == "RM-REGISTERED"

    run(test)


def test_session_establishment_and_release() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        phone.establish(1, dnn="internet", s_nssai=SNssai(1))
        await asyncio.sleep(1)
        (created,) = world.smf.contexts.values()
        assert created.json_data.dnn == "internet"
        assert created.binary_data_n1_sm_message == b"\x2e\x01\x01\xc1request"
        request = gnb.last(ngap.PDUSessionResourceSetupRequest)
        (item,) = request.pdu_session_resource_setup_list_su_req
        assert item.pdu_session_resource_setup_request_transfer == b"setup"
        assert phone.last(nas.DLNASTransport).payload_container == b"\x2e\x01\x01\xc2accept"
        assert world.smf.states() == ["PDU_RES_SETUP_RSP"]
        assert world.amf.registry.by_supi[supi_of(1)].context.pdu_session_status == {1}
        phone.say_sm(1, b"\x2e\x01\x02\xd1release")
        await asyncio.sleep(1)
        assert world.smf.updates[-1][1].binary_data_n1_sm_message == b"\x2e\x01\x02\xd1release"
        await world.smf.transfer(str(phone.supi), 1, b"\x2e\x01\x02\xd3cmd", b"rel", "PDU_RES_REL_CMD")
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).payload_container == b"\x2e\x01\x02\xd3cmd"
        assert world.smf.states()[-1] == "PDU_RES_REL_RSP"

    run(test)


def test_deregistration() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        phone.establish()
        await asyncio.sleep(1)
        phone.deregister()
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.DeregistrationAcceptUEOriginating)
        assert gnb.last(ngap.UEContextReleaseCommand).cause == ("nas", "deregister")
        assert world.smf.released == ["sm-1"]
        assert world.amf.registry.by_supi == {}
        assert world.amf.registry.by_tmsi == {}
        assert world.amf.access.connections == {}
        assert world.store.get("amf-ue", str(supi_of(1))) is None

    run(test)


def test_switch_off_gets_no_accept() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        phone.deregister(switch_off=True)
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationAcceptUEOriginating) == 0
        assert world.amf.access.connections == {}
        assert world.amf.registry.by_supi == {}

    run(test)
