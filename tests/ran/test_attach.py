"""A UE comes, does what UEs do, and goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cinq.crypto import suci
from cinq.procedure import run_virtual
from cinq.ran.ue import UeSettings
from cinq.settings import HexOctets
from cinq.wire import nas, ngap

from .core import HOME_KEY, Core, Radio, settle


def test_register_session_deregister() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        assert ue.context.registered
        session = ue.sessions[1]
        await settle()
        assert str(session.context.address) == "10.45.0.2"
        assert (session.context.state, session.context.bearer) == ("ACTIVE", True)
        assert session.context.mtu == 1380
        assert (session.context.downlink_bps, session.context.uplink_bps) == (10**9, 10**8)
        assert core.names() == [
            "NGSetupRequest",
            "InitialUEMessage",
            "UplinkNASTransport",
            "UplinkNASTransport",
            "InitialContextSetupResponse",
            "UplinkNASTransport",
            "UplinkNASTransport",
            "PDUSessionResourceSetupResponse",
        ]
        assert radio.gnb.n2.ues[1].kgnb
        await ue.deregister()
        assert not ue.context.registered
        assert not ue.sessions
        assert not radio.gnb.n2.ues
        assert len(radio.gnb.bearers) == 0
        assert ue.is_idle
        await settle()
        assert core.names()[-1] == "UEContextReleaseComplete"
        await radio.gnb.stop()

    run_virtual(main())


@pytest.mark.parametrize("integrity", [1, 2, 3])
@pytest.mark.parametrize("ciphering", [0, 1, 2, 3])
def test_every_algorithm(integrity: int, ciphering: int) -> None:
    async def main() -> None:
        core = Core(integrity, ciphering)
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        assert ue.sessions[1].context.state == "ACTIVE"

    run_virtual(main())


def test_suci_profile_a() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        public = HexOctets(suci.public_key(1, HOME_KEY))
        ue = radio.ue(replace(UeSettings(), suci="A", home_network_key=public, home_network_key_id=1))
        await ue.register()
        assert ue.context.registered

    run_virtual(main())


def test_again_with_guti_and_context() -> None:
    """The second registration is integrity protected, its rest ciphered in the container (§4.4.6)."""

    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.register()
        first = ue.context.guti
        await ue.deregister()
        await ue.register()
        assert ue.context.guti != first
        initial = [m for m in core.heard if isinstance(m, ngap.InitialUEMessage)][1]
        assert initial.five_g_s_tmsi is not None
        envelope = nas.decode_envelope(initial.nas_pdu)
        assert isinstance(envelope, nas.Protected)
        clear = nas.decode(envelope.payload)
        assert isinstance(clear, nas.RegistrationRequest)
        assert clear.requested_nssai is None
        assert clear.nas_message_container is not None
        inner = core.last().plain[0]
        assert isinstance(inner, nas.RegistrationRequest)
        assert inner.requested_nssai

    run_virtual(main())


def test_idle_and_service_request() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        await settle()
        core.release(core.last())
        await settle()
        assert not ue.link.connected
        assert not ue.sessions[1].context.bearer
        assert ue.sessions[1].context.state == "ACTIVE"
        ue.on_uplink_data(1)
        await settle()
        assert ue.link.connected
        assert ue.sessions[1].context.bearer
        request = core.last().plain[0]
        assert isinstance(request, nas.ServiceRequest)
        assert request.uplink_data_status == {1}

    run_virtual(main())


def test_paging() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        await settle()
        core.release(core.last())
        await settle()
        assert ue.context.guti is not None
        s = ue.context.guti.s_tmsi
        identity = ngap.FiveGSTMSI(
            amf_set_id=s.amf_set, amf_pointer=s.amf_pointer, five_g_tmsi=s.tmsi.to_bytes(4, "big")
        )
        area = ngap.TAI(plmn_identity=bytes.fromhex("99f907"), tac=b"\0\0\1")
        core.tell(
            ngap.Paging(
                ue_paging_identity=("fiveG-S-TMSI", identity),
                tai_list_for_paging=[ngap.TAIListForPagingItem(tai=area)],
            )
        )
        await settle()
        assert ue.link.connected
        initial = [m for m in core.heard if isinstance(m, ngap.InitialUEMessage)][-1]
        assert initial.rrc_establishment_cause == "mt-Access"

    run_virtual(main())


def test_periodic_registration_in_idle() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.register()
        await settle()
        core.release(core.last())
        await settle()
        count = len(core.heard)
        await asyncio.sleep(539)
        assert len(core.heard) == count
        await asyncio.sleep(2)
        request = next(m for m in core.last().plain if isinstance(m, nas.RegistrationRequest))
        assert request.registration_type.value == nas.RegistrationKind.PERIODIC
        assert ue.context.registered

    run_virtual(main())


def test_session_release() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        await settle()
        await ue.release_session(1)
        await settle()
        assert not ue.sessions
        assert len(radio.gnb.bearers) == 0
        assert "PDUSessionResourceReleaseResponse" in core.names()
        gsm = [
            nas.decode(m.payload_container) for m in core.last().plain if isinstance(m, nas.ULNASTransport)
        ]
        assert isinstance(gsm[-1], nas.PDUSessionReleaseComplete)
        await ue.establish_session()
        assert ue.sessions[1].context.state == "ACTIVE"

    run_virtual(main())


def test_switch_off_from_idle() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        await settle()
        core.release(core.last())
        await settle()
        await ue.deregister(switch_off=True)
        assert not ue.context.registered
        assert not ue.link.connected
        assert core.names()[-1] == "UEContextReleaseComplete"

    run_virtual(main())
