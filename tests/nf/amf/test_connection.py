"""Service request, AN release, paging, reset, loss of the association, restart, updates."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.amf import signals
from cinq.sbi import Problem
from cinq.sbi.services.namf_communication import NamfCommunication
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .world import World, run, supi_of


async def attached(world: World, gnb: Gnb | None = None, n: int = 1) -> tuple[Gnb, Phone]:
    gnb = gnb or await Gnb(world).set_up()
    phone = await Phone(world, n).registered(gnb)
    phone.establish(1)
    await asyncio.sleep(1)
    return gnb, phone


async def idle(gnb: Gnb, phone: Phone) -> None:
    assert phone.amf_id is not None
    gnb.say(
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=phone.amf_id,
            ran_ue_ngap_id=phone.ran_id,
            cause=("radioNetwork", "user-inactivity"),
        )
    )
    await asyncio.sleep(1)


def test_an_release_and_service_request() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert ue.context.cm_state == "CM-IDLE"
        assert world.amf.access.connections == {}
        assert world.smf.states()[-1] == "DEACTIVATED"
        assert gnb.last(ngap.UEContextReleaseCommand).cause == ("radioNetwork", "user-inactivity")
        phone.service_request(gnb, uplink_data_status=frozenset({1}), pdu_session_status=frozenset({1}))
        await asyncio.sleep(1)
        accept = phone.last(nas.ServiceAccept)
        assert accept.pdu_session_status == {1}
        assert accept.pdu_session_reactivation_result == frozenset()
        setup = gnb.last(ngap.InitialContextSetupRequest)
        assert setup.pdu_session_resource_setup_list_cxt_req is not None
        assert (
            setup.pdu_session_resource_setup_list_cxt_req[0].pdu_session_resource_setup_request_transfer
            == b"resetup"
        )
        assert world.smf.states()[-2:] == ["ACTIVATING", "PDU_RES_SETUP_RSP"]
        assert ue.context.cm_state == "CM-CONNECTED"
        phone.say_sm(1, b"\x2e\x01\x00\xd6x")
        await asyncio.sleep(1)
        assert world.smf.updates[-1][1].binary_data_n1_sm_message == b"\x2e\x01\x00\xd6x"

    run(test)


def test_an_release_without_an_answer_of_the_gnb() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        gnb.silent.add("UEContextReleaseCommand")
        await idle(gnb, phone)
        assert world.amf.access.connections != {}
        await asyncio.sleep(10)
        assert world.amf.access.connections == {}
        assert world.amf.registry.by_supi[supi_of(1)].context.cm_state == "CM-IDLE"

    run(test)


def test_service_request_drops_sessions_that_the_ue_has_lost() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        phone.service_request(gnb, pdu_session_status=frozenset())
        await asyncio.sleep(1)
        assert phone.last(nas.ServiceAccept).pdu_session_status == frozenset()
        assert world.smf.released == ["sm-1"]
        assert world.amf.registry.by_supi[supi_of(1)].context.sm_contexts == ()

    run(test)


def test_service_request_of_an_unknown_ue() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await world.amf.stop()
        world.store.delete("amf-ue", str(supi_of(1)))
        await world.restart()
        gnb = await Gnb(world).set_up()
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.last(nas.ServiceReject).cause == 9
        assert world.amf.access.connections == {}

    run(test)


def test_known_guti_skips_authentication() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        before, guti = phone.count(nas.AuthenticationRequest), phone.guti
        await phone.registered(
            gnb, registration_type=nas.RegistrationType(2), pdu_session_status=frozenset({1})
        )
        await asyncio.sleep(1)
        assert phone.count(nas.AuthenticationRequest) == before
        assert phone.guti != guti
        assert phone.last(nas.RegistrationAccept).pdu_session_status == {1}
        assert set(world.amf.registry.by_tmsi) == {phone.s_tmsi.tmsi}
        assert world.smf.released == []

    run(test)


def test_known_guti_is_authenticated_where_the_policy_says_so() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await phone.registered(gnb)
        assert phone.count(nas.AuthenticationRequest) == 2
        assert phone.count(nas.IdentityRequest) == 0

    run(test, authenticate_known=True)


def test_initial_registration_anew_releases_sessions_and_the_old_connection() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        old = phone.ran_id
        await phone.registered(gnb)
        await asyncio.sleep(1)
        assert world.smf.released == ["sm-1"]
        assert old not in gnb.ran.connections
        assert len(world.amf.access.connections) == 1
        assert gnb.ran.leaving == {}

    run(test)


def test_registration_with_suci_replaces_the_former_one() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        again = await Phone(world).registered(gnb)
        await asyncio.sleep(1)
        assert world.smf.released == ["sm-1"]
        assert len(world.amf.access.connections) == 1
        assert world.amf.registry.by_supi[supi_of(1)].context.guti == again.guti
        assert set(world.amf.registry.by_tmsi) == {again.s_tmsi.tmsi}
        assert phone.amf_id is None

    run(test)


def test_periodic_registration_ends_in_idle() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await phone.registered(gnb, registration_type=nas.RegistrationType(3))
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(1)].context.cm_state == "CM-IDLE"
        assert world.smf.released == []

    run(test)


def test_paging_and_the_answer() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        elsewhere = await Gnb(world, 2).set_up()
        await idle(gnb, phone)
        said = await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
        assert said == "ATTEMPTING_TO_REACH_UE"
        await asyncio.sleep(7)
        assert (gnb.count(ngap.Paging), elsewhere.count(ngap.Paging)) == (2, 1)  # first where it was
        paged = phone.guti
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.guti != paged
        assert list(world.amf.registry.by_tmsi) == [phone.s_tmsi.tmsi]
        item = gnb.last(ngap.PDUSessionResourceSetupRequest).pdu_session_resource_setup_list_su_req[0]
        assert item.pdu_session_resource_setup_request_transfer == b"setup"
        await asyncio.sleep(60)
        assert gnb.count(ngap.Paging) == 2
        assert world.smf.failures == []

    run(test)


def test_paging_without_an_answer_is_told_to_the_smf() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        await idle(gnb, phone)
        await world.smf.transfer(str(phone.supi), 1, b"\x2e\x01\x00\xcb", None, None)
        await asyncio.sleep(60)
        assert gnb.count(ngap.Paging) == 4
        assert world.smf.failures == ["sm-1"]
        assert world.amf.registry.by_supi[supi_of(1)].pending == ()
        assert world.amf.runtime.busy == 0

    run(test)


def test_transfer_for_an_unknown_ue() -> None:
    async def test(world: World) -> None:
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await world.smf.transfer("imsi-999700000000009", 1, b"x", None, None)
        with pytest.raises(Problem, match="400"):
            await world.smf.transfer("nobody", 1, b"x", None, None)
        assert world.bus.client(NamfCommunication, "SMF")

    run(test)


def test_association_lost() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        gnb2 = await Gnb(world, 2).set_up()
        _, other = await attached(world, gnb2, 2)
        half = Phone(world, 3)
        half.on[nas.AuthenticationRequest] = lambda m: None
        half.register(gnb)
        await asyncio.sleep(0.1)
        gnb.inbound.lost("abort by the peer")
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(1)].context.cm_state == "CM-IDLE"
        assert world.smf.states().count("DEACTIVATED") == 1
        assert list(world.amf.access.connections) == [other.amf_id]
        assert supi_of(3) not in world.amf.registry.by_supi
        assert world.amf.runtime.busy == 0
        phone.service_request(gnb2, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)

    run(test)


def test_full_reset_and_setup_again() -> None:
    async def test(world: World) -> None:
        gnb, _phone = await attached(world)
        gnb.say(ngap.NGReset(cause=("misc", "om-intervention"), reset_type=("nG-Interface", "reset-all")))
        await asyncio.sleep(1)
        assert gnb.last(ngap.NGResetAcknowledge)
        assert world.amf.access.connections == {}
        assert world.smf.states()[-1] == "DEACTIVATED"
        _, again = await attached(world, gnb)
        await gnb.set_up()
        await asyncio.sleep(1)
        assert world.amf.access.connections == {}
        assert again.amf_id is not None

    run(test)


def test_reset_by_the_amf() -> None:
    async def test(world: World) -> None:
        gnb, _ = await attached(world)
        done = asyncio.ensure_future(gnb.ran.demand(signals.ResetGnb(("misc", "om-intervention"))))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.NGReset).reset_type == ("nG-Interface", "reset-all")
        gnb.say(ngap.NGResetAcknowledge())
        await done
        assert world.amf.access.connections == {}

    run(test)


def test_ran_configuration_update() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        gnb.say(ngap.RANConfigurationUpdate(ran_node_name="renamed"))
        await asyncio.sleep(0.1)
        assert isinstance(gnb.heard[-1], ngap.RANConfigurationUpdateAcknowledge)
        assert gnb.ran.label == "renamed"

    run(test)


def test_session_released_by_the_smf_is_forgotten() -> None:
    async def test(world: World) -> None:
        from cinq.sbi.services.namf_communication import NamfCallback, SmContextStatusNotification, StatusInfo

        _, phone = await attached(world)
        await world.bus.client(NamfCallback, "SMF").sm_context_status_notify(
            str(phone.supi),
            1,
            SmContextStatusNotification(status_info=StatusInfo(resource_status="RELEASED")),
        )
        assert world.amf.registry.by_supi[supi_of(1)].context.sm_contexts == ()

    run(test)


def test_lost_registration_complete() -> None:
    """§5.5.1.2.8 c): the accept is repeated four times; then the UE is registered all the same."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)

        def heard(message: nas.NasMessage) -> None:
            phone.secured = True

        phone.on[nas.RegistrationAccept] = heard
        phone.register(gnb)
        await asyncio.sleep(60)
        assert phone.count(nas.RegistrationAccept) == 5
        assert gnb.count(ngap.InitialContextSetupRequest) == 1
        assert world.amf.registry.by_supi[supi_of(1)].context.rm_state == "RM-REGISTERED"

    run(test)


def test_registration_request_again_before_the_complete() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)

        def heard(message: nas.NasMessage) -> None:
            phone.secured = True
            del phone.on[nas.RegistrationAccept]

        phone.on[nas.RegistrationAccept] = heard
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.request is not None
        phone.say(nas.FiveGMMStatus(cause=111))
        await asyncio.sleep(1)
        assert phone.count(nas.RegistrationAccept) == 1
        await asyncio.sleep(6)
        assert phone.count(nas.RegistrationAccept) == 2
        assert world.amf.registry.by_supi[supi_of(1)].context.rm_state == "RM-REGISTERED"

    run(test)


@pytest.mark.parametrize("milliseconds", [0, 1, 5, 20, 50, 51, 99])
@pytest.mark.parametrize("cut", ["lost", "release", "deregister", "anew"])
def test_registration_cut_anywhere_leaves_nothing(milliseconds: int, cut: str) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        slow = {nas.AuthenticationRequest: 0.02, nas.SecurityModeCommand: 0.03, nas.RegistrationAccept: 0.05}
        for kind, delay in slow.items():
            phone.on[kind] = lambda m, d=delay: asyncio.get_running_loop().call_later(d, answer, m) and None  # type: ignore[misc]

        def answer(message: nas.NasMessage) -> None:
            if phone.amf_id is not None:
                phone.usual(message)

        phone.register(gnb)
        await asyncio.sleep(milliseconds / 1000)
        if cut == "lost":
            gnb.inbound.lost("cut")
        elif cut == "release" and phone.amf_id is not None:
            gnb.say(
                ngap.UEContextReleaseRequest(
                    amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id, cause=("misc", "unspecified")
                )
            )
        elif cut == "deregister" and phone.amf_id is not None:
            phone.deregister()
        elif cut == "anew":
            await Phone(world).registered(gnb)
        await asyncio.sleep(300)
        assert world.amf.runtime.busy == 0
        registered = [
            ue for ue in world.amf.registry.by_supi.values() if ue.context.rm_state == "RM-REGISTERED"
        ]
        assert len(world.amf.registry.by_supi) == len(registered) == len(world.amf.registry.by_tmsi)
        assert len(world.amf.access.connections) <= len(registered)

    run(test)


def test_events_name_the_subscriber_whole() -> None:
    async def test(world: World) -> None:
        await attached(world)
        await asyncio.sleep(1)
        last = [e for e in world.journal.kept() if e.interface in ("N1", "N2")][-1]
        assert last.subject == str(supi_of(1))
        assert last.peer == "gnb-1"

    run(test)


def test_two_associations_of_one_gnb() -> None:
    """A gNB that comes back on a new association has forgotten its UEs on the former one."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        gnb.is_alive = False
        again = await Gnb(world).set_up()
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(1)].context.cm_state == "CM-IDLE"
        phone.service_request(again, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)
        assert world.amf.access.rans == [again.ran]  # the former association was ended
        gnb.inbound.lost("at last")
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(1)].context.cm_state == "CM-CONNECTED"

    run(test)
