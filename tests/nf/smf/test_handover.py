"""The SMF's part of N2 handovers: TS 23.502 §4.9.1.3, TS 29.502 §5.2.2.3.4."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from cinq.sbi import Problem
from cinq.sbi.services.nsmf_pdusession import SmContextUpdateRefused
from cinq.wire import nas, ngap, pfcp
from cinq.wire.pfcp import ApplyAction

from .gnb import (
    DIRECT,
    INDIRECT,
    MOVED,
    SOURCE,
    acknowledge,
    cause,
    downlink,
    path_switch,
    prepared,
    removed,
    tunnel,
)
from .world import SUPI, World, play, release_complete


def test_n2_handover() -> None:
    """§4.9.1.3: prepared, then completed; the downlink follows at the completion alone."""

    async def scene(w: World) -> None:
        ref = await w.active()
        command = ngap.decode_value(ngap.HandoverCommandTransfer, await prepared(w, ref))
        assert command.dl_forwarding_up_tnl_information is None
        answer = await w.update(ref, ho_state="COMPLETED")
        assert (answer.json_data.ho_state, answer.json_data.up_cnx_state) == ("COMPLETED", "ACTIVATED")
        assert downlink(w) == MOVED
        with pytest.raises(SmContextUpdateRefused):  # there is no handover any more
            await w.update(ref, ho_state="COMPLETED")
        assert downlink(w) == MOVED

    play(scene)


def test_direct_forwarding_passes_the_targets_tunnels_on() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        command = ngap.decode_value(ngap.HandoverCommandTransfer, await prepared(w, ref, forwarding=True))
        assert command.dl_forwarding_up_tnl_information == tunnel(0x44)
        assert [q.qos_flow_identifier for q in command.qos_flow_to_be_forwarded_list or []] == [1]
        (drb,) = command.data_forwarding_response_drb_list or []
        assert drb.dl_forwarding_up_tnl_information == tunnel(0x45)
        assert not [m for m in w.upf.received if getattr(m, "create_pdrs", None)][1:]

    play(scene)


def test_indirect_forwarding_goes_through_the_upf_until_its_timer() -> None:
    """§4.9.1.3.2 steps 11d and 11e, §4.9.1.3.3 steps 11 and 13a."""

    async def scene(w: World) -> None:
        ref = await w.active()
        octets = await prepared(w, ref, required=INDIRECT, forwarding=True)
        command = ngap.decode_value(ngap.HandoverCommandTransfer, octets)
        assert command.dl_forwarding_up_tnl_information is not None
        given = command.dl_forwarding_up_tnl_information[1]
        assert given.transport_layer_address == (int(IPv4Address("10.0.0.1")), 32)
        (request,) = [
            m for m in w.upf.received if isinstance(m, pfcp.SessionModificationRequest) and m.create_fars
        ]
        assert [far.far_id for far in request.create_fars] == [pdr.far_id for pdr in request.create_pdrs]
        (first, second) = request.create_fars
        for far, teid in ((first, 0x44), (second, 0x45)):
            assert far.forwarding_parameters is not None
            assert far.forwarding_parameters.destination_interface == pfcp.Interface.ACCESS
            outer = far.forwarding_parameters.outer_header_creation
            assert outer is not None
            assert (outer.teid, str(outer.ipv4)) == (teid, "10.0.0.3")
        await w.update(ref, ho_state="COMPLETED")
        assert not removed(w)
        await asyncio.sleep(6)
        assert removed(w) == [pdr.pdr_id for pdr in request.create_pdrs]

    play(scene)


def test_a_upf_that_does_not_forward_costs_no_session() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()

        def refuse(message: pfcp.Message) -> pfcp.Message | None:
            if isinstance(message, pfcp.SessionModificationRequest) and message.create_pdrs:
                return pfcp.SessionModificationResponse(cause=pfcp.Cause.SERVICE_NOT_SUPPORTED, seid=1)
            return w.upf.answer(message)

        w.upf.script[pfcp.SessionModificationRequest] = refuse
        octets = await prepared(w, ref, required=INDIRECT, forwarding=True)
        command = ngap.decode_value(ngap.HandoverCommandTransfer, octets)
        assert command.dl_forwarding_up_tnl_information is None
        assert command.qos_flow_to_be_forwarded_list is None
        assert any("without data forwarding" in e.cause for e in w.events)
        await w.update(ref, ho_state="COMPLETED")
        assert downlink(w) == MOVED

    play(scene)


def test_a_handover_that_is_cancelled() -> None:
    """§5.2.2.3.4.4: what was reserved goes, the session stays at the source."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await prepared(w, ref, required=INDIRECT, forwarding=True)
        answer = await w.update(ref, ho_state="CANCELLED", cause="HO_CANCEL")
        assert answer.json_data.ho_state == "CANCELLED"
        assert downlink(w) == SOURCE
        assert len(removed(w)) == 2
        await w.update(ref, ho_state="CANCELLED")  # again, for a second cancel
        await prepared(w, ref)
        await w.update(ref, ho_state="COMPLETED")
        assert downlink(w) == MOVED

    play(scene)


def test_the_target_has_no_resources() -> None:
    """§5.2.2.3.4.2 step 4b."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        failure = ngap.encode_value(
            ngap.HandoverResourceAllocationUnsuccessfulTransfer(
                cause=("radioNetwork", "no-radio-resources-available-in-target-cell")
            )
        )
        with pytest.raises(SmContextUpdateRefused, match="HANDOVER_RESOURCE_ALLOCATION_FAILURE") as refused:
            await w.update(ref, n2=failure, kind="HANDOVER_RES_ALLOC_FAIL", ho_state="PREPARED")
        assert refused.value.n2_sm_info_type == "HANDOVER_PREP_FAIL"
        told = cause(ngap.HandoverPreparationUnsuccessfulTransfer, refused.value.n2_sm_information)
        assert told == ("radioNetwork", "no-radio-resources-available-in-target-cell")
        with pytest.raises(SmContextUpdateRefused):
            await w.update(ref, ho_state="COMPLETED")
        assert downlink(w) == SOURCE

    play(scene)


@pytest.mark.parametrize("octets", [acknowledge(qfi=9), b"", b"\x00\xff"])
def test_an_acknowledgement_that_cannot_be_used(octets: bytes) -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        with pytest.raises(SmContextUpdateRefused) as refused:
            await w.update(ref, n2=octets, kind="HANDOVER_REQ_ACK", ho_state="PREPARED")
        assert refused.value.n2_sm_info_type == "HANDOVER_PREP_FAIL"
        with pytest.raises(SmContextUpdateRefused):
            await w.update(ref, ho_state="COMPLETED")
        assert downlink(w) == SOURCE

    play(scene)


def test_states_out_of_order() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        with pytest.raises(SmContextUpdateRefused):
            await w.update(ref, n2=acknowledge(), kind="HANDOVER_REQ_ACK", ho_state="PREPARED")
        with pytest.raises(SmContextUpdateRefused):
            await w.update(ref, ho_state="COMPLETED")
        await w.update(ref, state="DEACTIVATED")
        with pytest.raises(SmContextUpdateRefused) as refused:  # no user plane to hand over
            await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        assert refused.value.n2_sm_info_type == "HANDOVER_PREP_FAIL"

    play(scene)


def test_a_session_that_did_not_come_along_loses_its_user_plane() -> None:
    """§5.2.2.3.4.3: HO_FAILURE."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        answer = await w.update(ref, cause="HO_FAILURE")
        assert answer.json_data.up_cnx_state == "DEACTIVATED"
        assert w.upf.far[1].apply_action == ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
        answer = await w.update(ref, state="ACTIVATING")
        assert answer.json_data.n2_sm_info_type == "PDU_RES_SETUP_REQ"

    play(scene)


@pytest.mark.parametrize("end", ["COMPLETED", "CANCELLED"])
def test_a_release_waits_for_the_handover(end: str) -> None:
    """§4.9.1.3.1: the SMF's own procedures begin when the handover is over."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await prepared(w, ref)
        assert await w.smf.release(SUPI, 1, nas.GsmCause.REGULAR_DEACTIVATION)
        assert not [m for m in w.amf.n1() if isinstance(m, nas.PDUSessionReleaseCommand)]
        await w.update(ref, ho_state=end)
        await asyncio.sleep(0.01)
        assert isinstance(w.amf.n1()[-1], nas.PDUSessionReleaseCommand)
        await w.update(ref, n1=release_complete(0))
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_a_session_that_is_being_released_is_not_handed_over() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        releasing = asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause.REGULAR_DEACTIVATION))
        await asyncio.sleep(0.01)
        for n2, kind, state in (
            (path_switch(), "PATH_SWITCH_REQ", None),
            (DIRECT, "HANDOVER_REQUIRED", "PREPARING"),
        ):
            with pytest.raises(SmContextUpdateRefused, match="being released"):
                await w.update(ref, n2=n2, kind=kind, ho_state=state)
        answer = await w.update(ref, ho_state="CANCELLED")
        assert answer.json_data.ho_state == "CANCELLED"
        assert (await w.update(ref, state="DEACTIVATED")).json_data.up_cnx_state == "DEACTIVATED"
        with pytest.raises(Problem, match="HIGHER_PRIORITY"):  # TS 24.501 §6.3.3.5 d)
            await w.update(ref, state="ACTIVATING")
        await w.update(ref, n1=release_complete(0))
        assert await releasing
        assert w.nothing_left()

    play(scene)


def test_secondary_rat_usage_is_in_the_journal() -> None:
    """TS 23.502 §4.21; with the completion of a handover too."""

    async def scene(w: World) -> None:
        ref = await w.active()
        item = ngap.VolumeTimedReportItem(
            start_time_stamp=b"\0" * 4, end_time_stamp=b"\0\0\0\1", usage_count_ul=10, usage_count_dl=20
        )
        report = ngap.PDUSessionUsageReport(rat_type="eutra", pdu_session_timed_report_list=[item])
        usage = ngap.encode_value(
            ngap.SecondaryRATDataUsageReportTransfer(
                secondary_rat_usage_information=ngap.SecondaryRATUsageInformation(
                    pdu_session_usage_report=report
                )
            )
        )
        await prepared(w, ref)
        await w.update(ref, n2=usage, kind="SECONDARY_RAT_USAGE", ho_state="COMPLETED")
        assert downlink(w) == MOVED
        assert any("10 octets uplink, 20 downlink" in e.cause for e in w.events)
        with pytest.raises(Problem, match="N2_SM_ERROR"):
            await w.update(ref, n2=b"\xff\xff", kind="SECONDARY_RAT_USAGE")

    play(scene)
