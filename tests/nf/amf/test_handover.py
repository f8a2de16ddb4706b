"""N2 handover, TS 38.413 §8.4.1 to §8.4.3 and §8.4.5 to §8.4.7, TS 23.502 §4.9.1.3: every branch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import Supi
from cinq.wire import ngap

from .gnb import Gnb
from .moves import (
    acknowledge,
    arrive,
    cancel,
    chain,
    commanded,
    is_served,
    notify,
    required,
    scene,
    switch_request,
)
from .phone import Phone
from .world import PLMN, World, run, supi_of

UNKNOWN: ngap.Cause = ("radioNetwork", "unknown-targetID")


def test_handover() -> None:
    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        nh, ncc = chain(phone, 1)
        assert request.security_context.next_hop_chaining_count == ncc
        assert request.security_context.next_hop_nh == int.from_bytes(nh, "big")
        assert request.source_to_target_transparent_container == b"to the target"
        (wanted,) = request.pdu_session_resource_setup_list_ho_req
        assert wanted.handover_request_transfer == b"for target"
        command = source.last(ngap.HandoverCommand)
        assert command.target_to_source_transparent_container == b"to the source"
        (item,) = command.pdu_session_resource_handover_list or ()
        assert item.handover_command_transfer == b"for source"
        source.say(
            ngap.UplinkRANStatusTransfer(
                amf_ue_ngap_id=phone.amf_id or 0,
                ran_ue_ngap_id=phone.ran_id,
                ran_status_transfer_transparent_container=status_container(),
            )
        )
        await asyncio.sleep(0.01)
        moved = target.last(ngap.DownlinkRANStatusTransfer)
        assert moved.ran_status_transfer_transparent_container == status_container()
        target.say(notify(request, target))
        await asyncio.sleep(0.1)
        release = source.last(ngap.UEContextReleaseCommand)
        assert release.cause == ("radioNetwork", "successful-handover")
        assert world.smf.ho_states() == ["PREPARING", "PREPARED", "COMPLETED"]
        arrive(phone, target, request.amf_ue_ngap_id)
        await is_served(phone)

    run(test)


def test_a_status_that_the_notify_overtook() -> None:
    """§8.4.6.2: the gNBs have associations of their own, so the target may speak first; nothing is lost by it."""

    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        source.silent.add("UEContextReleaseCommand")
        target.say(notify(request, target))
        await asyncio.sleep(0.1)
        source.last(ngap.UEContextReleaseCommand)
        source.say(
            ngap.UplinkRANStatusTransfer(
                amf_ue_ngap_id=phone.amf_id or 0,
                ran_ue_ngap_id=phone.ran_id,
                ran_status_transfer_transparent_container=status_container(),
            )
        )
        await asyncio.sleep(0.01)
        moved = target.last(ngap.DownlinkRANStatusTransfer)
        assert moved.amf_ue_ngap_id == request.amf_ue_ngap_id
        assert moved.ran_status_transfer_transparent_container == status_container()
        assert ngap.ErrorIndication not in [type(message) for message in source.heard]
        arrive(phone, target, request.amf_ue_ngap_id)
        await is_served(phone)

    run(test)


def status_container() -> ngap.RANStatusTransferTransparentContainer:
    count = ngap.DRBStatusUL18(ul_count_value=ngap.COUNTValueForPDCPSN18(pdcp_sn18=1, hfn_pdcp_sn18=2))
    down = ngap.DRBStatusDL18(dl_count_value=ngap.COUNTValueForPDCPSN18(pdcp_sn18=3, hfn_pdcp_sn18=4))
    item = ngap.DRBsSubjectToStatusTransferItem(
        drb_id=1, drb_status_ul=("dRBStatusUL18", count), drb_status_dl=("dRBStatusDL18", down)
    )
    return ngap.RANStatusTransferTransparentContainer(drbs_subject_to_status_transfer_list=[item])


@pytest.mark.parametrize("tac", [1, 9])
@pytest.mark.parametrize("gnb_id", [1, 3])
def test_unknown_target(gnb_id: int, tac: int) -> None:
    """A gNB that is not there, the source itself, an area that the target does not serve."""

    async def test(world: World) -> None:
        source, _, phone = await scene(world)
        source.say(required(phone, 2 if tac == 9 else gnb_id, tac=tac))
        await asyncio.sleep(0.1)
        assert source.last(ngap.HandoverPreparationFailure).cause == UNKNOWN
        await is_served(phone)

    run(test)


def test_identity_of_another_length_is_another_gnb() -> None:
    async def test(world: World) -> None:
        source, _, phone = await scene(world)
        message = required(phone)
        target = message.target_id[1]
        assert isinstance(target, ngap.TargetRANNodeID)
        node = ngap.GlobalGNBID(plmn_identity=PLMN.octets, gnb_id=("gNB-ID", (2, 24)))
        other = ngap.TargetRANNodeID(
            global_ran_node_id=("globalGNB-ID", node), selected_tai=target.selected_tai
        )
        message.target_id = ("targetRANNodeID", other)
        source.say(message)
        await asyncio.sleep(0.1)
        assert source.last(ngap.HandoverPreparationFailure).cause == UNKNOWN

    run(test)


def test_handover_of_an_unknown_ue() -> None:
    async def test(world: World) -> None:
        source, _, phone = await scene(world)
        phone.amf_id = 424242
        source.say(required(phone))
        await asyncio.sleep(0.1)
        failure = source.last(ngap.HandoverPreparationFailure)
        assert failure.cause == ("radioNetwork", "unknown-local-UE-NGAP-ID")

    run(test)


def test_the_target_refuses() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say(required(phone))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        cause: ngap.Cause = ("radioNetwork", "no-radio-resources-available-in-target-cell")
        target.say(ngap.HandoverFailure(amf_ue_ngap_id=request.amf_ue_ngap_id, cause=cause))
        await asyncio.sleep(0.1)
        assert source.last(ngap.HandoverPreparationFailure).cause == cause
        assert world.smf.ho_states() == ["PREPARING", "CANCELLED"]
        assert target.count(ngap.UEContextReleaseCommand) == 0
        await is_served(phone)

    run(test)


def test_the_target_is_silent() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say(required(phone))
        await asyncio.sleep(20)
        assert source.last(ngap.HandoverPreparationFailure).cause == ("radioNetwork", "tngrelocprep-expiry")
        assert target.last(ngap.UEContextReleaseCommand).ue_ngap_ids[0] == "aMF-UE-NGAP-ID"
        await is_served(phone)

    run(test)


def test_partial_admission() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world, 3)
        source.say(required(phone, sessions=(1, 2, 3)))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        target.say(acknowledge(request, admitted=(1,), failed=(2,)))  # and not a word of the third
        await asyncio.sleep(0.1)
        command = source.last(ngap.HandoverCommand)
        assert [i.pdu_session_id for i in command.pdu_session_resource_handover_list or ()] == [1]
        assert [i.pdu_session_id for i in command.pdu_session_resource_to_release_list_ho_cmd or ()] == [2, 3]
        kinds = [(ref, u.json_data.n2_sm_info_type) for ref, u in world.smf.updates]
        assert ("sm-2", "HANDOVER_RES_ALLOC_FAIL") in kinds
        assert ("sm-3", "HANDOVER_RES_ALLOC_FAIL") in kinds
        target.say(notify(request, target))
        await asyncio.sleep(0.1)
        arrive(phone, target, request.amf_ue_ngap_id)
        await is_served(phone)
        ended = [ref for ref, u in world.smf.updates if u.json_data.up_cnx_state == "DEACTIVATED"]
        assert ended[:2] == ["sm-2", "sm-3"]

    run(test)


def test_a_session_whose_smf_does_not_let_it_move() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world, 2)
        world.smf.stays.add("sm-2")
        source.say(required(phone, sessions=(1, 2, 7)))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        assert [i.pdu_session_id for i in request.pdu_session_resource_setup_list_ho_req] == [1]
        target.say(acknowledge(request))
        await asyncio.sleep(0.1)
        command = source.last(ngap.HandoverCommand)
        assert [i.pdu_session_id for i in command.pdu_session_resource_to_release_list_ho_cmd or ()] == [2, 7]

    run(test)


def test_cancelled_during_preparation() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say(required(phone))
        await asyncio.sleep(0.1)
        source.say(cancel(phone))
        await asyncio.sleep(0.1)
        assert source.count(ngap.HandoverCancelAcknowledge) == 1
        assert target.count(ngap.UEContextReleaseCommand) == 1
        assert world.smf.ho_states() == ["PREPARING", "CANCELLED"]
        target.say(acknowledge(target.last(ngap.HandoverRequest)))  # too late
        await asyncio.sleep(0.1)
        await is_served(phone)

    run(test)


def test_cancelled_after_the_command() -> None:
    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        source.say(cancel(phone))
        await asyncio.sleep(0.1)
        assert source.count(ngap.HandoverCancelAcknowledge) == 1
        release = target.last(ngap.UEContextReleaseCommand)
        assert release.cause == ("radioNetwork", "handover-cancelled")
        assert world.smf.ho_states() == ["PREPARING", "PREPARED", "CANCELLED"]
        target.say(notify(request, target))
        await asyncio.sleep(0.1)
        assert target.count(ngap.ErrorIndication) == 1
        await is_served(phone)

    run(test)


def test_cancel_without_a_handover_is_acknowledged() -> None:
    async def test(world: World) -> None:
        source, _, phone = await scene(world)
        source.say(cancel(phone))
        await asyncio.sleep(0.1)
        assert source.count(ngap.HandoverCancelAcknowledge) == 1

    run(test)


def test_the_ue_never_arrives() -> None:
    async def test(world: World) -> None:
        _, target, phone, _ = await commanded(world)
        await asyncio.sleep(30)
        assert target.count(ngap.UEContextReleaseCommand) == 1
        assert world.smf.ho_states()[-1] == "CANCELLED"
        await is_served(phone)

    run(test)


def test_what_smfs_send_meanwhile_waits() -> None:
    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        cause = await world.smf.transfer(
            str(phone.supi), 1, b"\x2e\x01\x00\xcbmodify", b"flows", "PDU_RES_MOD_REQ"
        )
        assert cause == "ATTEMPTING_TO_REACH_UE"
        assert source.count(ngap.PDUSessionResourceModifyRequest) == 0
        target.say(notify(request, target))
        arrive(phone, target, request.amf_ue_ngap_id)
        await asyncio.sleep(0.1)
        assert target.count(ngap.PDUSessionResourceModifyRequest) == 1

    run(test)


@pytest.mark.parametrize("lost", ["source", "target"])
def test_a_gnb_is_lost_during_a_handover(lost: str) -> None:
    async def test(world: World) -> None:
        source, target, phone, _ = await commanded(world)
        (source if lost == "source" else target).inbound.lost("switched off")
        await asyncio.sleep(30)
        if lost == "target":
            await is_served(phone)
        else:
            assert world.amf.registry.by_supi[supi_of(1)].connection is None
            await phone.registered(target)

    run(test)


def test_the_ue_registers_elsewhere_during_a_handover() -> None:
    async def test(world: World) -> None:
        source, target, phone, _ = await commanded(world)
        third = await Gnb(world, 3).set_up()
        await phone.registered(third)
        assert source.count(ngap.UEContextReleaseCommand) == 1
        assert target.count(ngap.UEContextReleaseCommand) == 1
        await is_served(phone)

    run(test)


@pytest.mark.parametrize("turns", range(4))
def test_a_cancel_that_comes_after_the_notify(turns: int) -> None:
    """§8.4.5: the UE is at the target already; it stays there, and the source is released as after any handover."""

    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        target.say(notify(request, target))
        for _ in range(turns):
            await asyncio.sleep(0)
        source.say(cancel(phone))
        await asyncio.sleep(0.1)
        assert source.last(ngap.UEContextReleaseCommand).cause == ("radioNetwork", "successful-handover")
        assert world.smf.ho_states() == ["PREPARING", "PREPARED", "COMPLETED"]
        assert set(world.amf.access.connections) == {request.amf_ue_ngap_id}
        arrive(phone, target, request.amf_ue_ngap_id)
        await is_served(phone)

    run(test)


Act = Callable[[World, Gnb, Gnb, Phone], None]


def _ack(world: World, source: Gnb, target: Gnb, phone: Phone) -> None:
    if target.count(ngap.HandoverRequest):
        target.say(acknowledge(target.last(ngap.HandoverRequest)))


def _notify(world: World, source: Gnb, target: Gnb, phone: Phone) -> None:
    if target.count(ngap.HandoverRequest):
        target.say(notify(target.last(ngap.HandoverRequest), target))


ACTS: tuple[Act, ...] = (
    lambda w, s, t, p: s.say(required(p)),
    lambda w, s, t, p: s.say(cancel(p)),
    _ack,
    _notify,
    lambda w, s, t, p: t.say(switch_request(p, t)),
    lambda w, s, t, p: s.inbound.lost("off") if not s.ran.is_lost else None,
    lambda w, s, t, p: t.inbound.lost("off") if not t.ran.is_lost else None,
    lambda w, s, t, p: p.register(s) if not s.ran.is_lost else None,
    lambda w, s, t, p: s.say(
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=p.amf_id or 0, ran_ue_ngap_id=p.ran_id, cause=("radioNetwork", "user-inactivity")
        )
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(ACTS) - 1), st.sampled_from([0.0, 0.001, 0.1, 9.0])), max_size=12)
)
def test_nothing_is_left_whatever_comes(acts: list[tuple[int, float]]) -> None:
    """Any messages at any moment: in the end no procedure waits, and every connection is somebody's."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        for number, pause in acts:
            ACTS[number](world, source, target, phone)
            await asyncio.sleep(pause)
        await asyncio.sleep(200)
        assert world.amf.runtime.busy == 0
        supi: Supi = supi_of(1)
        ue = world.amf.registry.by_supi.get(supi)
        held = set() if ue is None or ue.connection is None else {ue.connection.amf_ue_ngap_id}
        assert ue is None or ue.target is None
        assert set(world.amf.access.connections) == held
        for ran in world.amf.access.rans:
            assert not ran.preparing

    run(test)
