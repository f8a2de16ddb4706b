"""The SMF's part of Xn handovers and of tunnels that move: TS 23.502 §4.9.1.2, TS 29.502 §5.2.2.3.3 and §5.2.2.3.7."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.smf import mobility
from cinq.nf.smf.n2 import TransferError
from cinq.sbi.services.nsmf_pdusession import SmContextUpdateRefused
from cinq.wire import nas, ngap, pfcp
from cinq.wire.pfcp import ApplyAction

from .gnb import MOVED, SOURCE, cause, downlink, path_switch, secured, tunnel
from .world import World, play, release_complete


def test_xn_handover() -> None:
    """§4.9.1.2.2 steps 2 to 6: the downlink goes to the target, an end marker down the old path."""

    async def scene(w: World) -> None:
        ref = await w.active()
        assert downlink(w) == SOURCE
        answer = await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ")
        assert answer.json_data.n2_sm_info_type == "PATH_SWITCH_REQ_ACK"
        assert answer.binary_data_n2_sm_information is not None
        transfer = ngap.decode_value(
            ngap.PathSwitchRequestAcknowledgeTransfer, answer.binary_data_n2_sm_information
        )
        assert transfer.ul_ngu_up_tnl_information is not None
        assert transfer.ul_ngu_up_tnl_information[1].gtp_teid == bytes.fromhex("00001001")
        assert downlink(w) == MOVED
        await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ")  # the same again moves nothing
        assert downlink(w) == (0x33, "10.0.0.3", False)

    play(scene)


@pytest.mark.parametrize(
    ("octets", "group"),
    [
        (path_switch(qfi=9), "radioNetwork"),
        (path_switch(address=0), "protocol"),
        (path_switch(address=int(IPv4Address("239.0.0.1"))), "protocol"),
        (b"", "protocol"),
        (b"\xff" * 9, "protocol"),
    ],
)
def test_a_path_switch_that_cannot_be(octets: bytes, group: str) -> None:
    """§5.2.2.3.3 step 2b: the target is told why, the downlink stays."""

    async def scene(w: World) -> None:
        ref = await w.active()
        with pytest.raises(SmContextUpdateRefused) as refused:
            await w.update(ref, n2=octets, kind="PATH_SWITCH_REQ")
        assert refused.value.n2_sm_info_type == "PATH_SWITCH_REQ_FAIL"
        told = cause(ngap.PathSwitchRequestUnsuccessfulTransfer, refused.value.n2_sm_information)
        assert told[0] == group
        assert downlink(w) == SOURCE

    play(scene)


def test_a_path_switch_that_the_upf_does_not_do() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        w.upf.script[pfcp.SessionModificationRequest] = lambda m: pfcp.SessionModificationResponse(
            cause=pfcp.Cause.NO_RESOURCES_AVAILABLE, seid=1
        )
        with pytest.raises(SmContextUpdateRefused) as refused:
            await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ")
        told = cause(ngap.PathSwitchRequestUnsuccessfulTransfer, refused.value.n2_sm_information)
        assert told == ("transport", "transport-resource-unavailable")

    play(scene)


def failed_transfer(why: str) -> bytes:
    return ngap.encode_value(ngap.PathSwitchRequestSetupFailedTransfer(cause=("radioNetwork", why)))


def test_a_session_that_the_target_rejects_is_deactivated() -> None:
    """§4.9.1.2.2 step 2: it keeps its context, downlink data page the UE."""

    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(
            ref, n2=failed_transfer("radio-resources-not-available"), kind="PATH_SWITCH_SETUP_FAIL"
        )
        assert answer.json_data.up_cnx_state == "DEACTIVATED"
        assert w.upf.far[1].apply_action == ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
        assert ref in w.smf.sessions.by_ref

    play(scene)


def test_a_session_whose_security_the_target_cannot_give_is_released() -> None:
    """§4.9.1.2.2 step 2, TS 23.501 §5.10.3."""

    async def scene(w: World) -> None:
        ref = await w.active()
        secured(w)
        failed = failed_transfer("up-integrity-protection-not-possible")
        await w.update(ref, n2=failed, kind="PATH_SWITCH_SETUP_FAIL")
        await asyncio.sleep(0.01)
        assert isinstance(w.amf.n1()[-1], nas.PDUSessionReleaseCommand)
        await w.update(ref, n1=release_complete(0))
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_a_path_switch_without_the_integrity_that_must_be() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        secured(w)
        with pytest.raises(SmContextUpdateRefused) as refused:
            await w.update(ref, n2=path_switch(performed="not-performed"), kind="PATH_SWITCH_REQ")
        told = cause(ngap.PathSwitchRequestUnsuccessfulTransfer, refused.value.n2_sm_information)
        assert told == ("radioNetwork", "up-integrity-protection-not-possible")
        assert "requires user plane integrity protection" in str(refused.value)

    play(scene)


def test_a_target_that_was_told_another_policy_hears_ours() -> None:
    """TS 33.501 §6.6.1: the SMF's user plane security policy takes precedence."""

    async def scene(w: World) -> None:
        ref = await w.active()
        secured(w, "PREFERRED")
        for told, corrected in (("not-needed", True), ("preferred", False)):
            answer = await w.update(
                ref, n2=path_switch(performed="performed", told=told), kind="PATH_SWITCH_REQ"
            )
            assert answer.binary_data_n2_sm_information is not None
            transfer = ngap.decode_value(
                ngap.PathSwitchRequestAcknowledgeTransfer, answer.binary_data_n2_sm_information
            )
            assert (transfer.security_indication is not None) == corrected

    play(scene)


def test_a_gnb_moves_the_session_to_another_tunnel() -> None:
    """TS 29.502 §5.2.2.3.7."""

    async def scene(w: World) -> None:
        ref = await w.active()
        flows = ngap.QosFlowPerTNLInformation(
            up_transport_layer_information=tunnel(),
            associated_qos_flow_list=[
                ngap.AssociatedQosFlowItem(qos_flow_identifier=1),
                ngap.AssociatedQosFlowItem(qos_flow_identifier=7),
            ],
        )
        indication = ngap.encode_value(
            ngap.PDUSessionResourceModifyIndicationTransfer(dl_qos_flow_per_tnl_information=flows)
        )
        answer = await w.update(ref, n2=indication, kind="PDU_RES_MOD_IND")
        assert answer.json_data.n2_sm_info_type == "PDU_RES_MOD_CFM"
        assert answer.binary_data_n2_sm_information is not None
        confirm = ngap.decode_value(
            ngap.PDUSessionResourceModifyConfirmTransfer, answer.binary_data_n2_sm_information
        )
        assert [f.qos_flow_identifier for f in confirm.qos_flow_modify_confirm_list] == [1]
        assert [f.qos_flow_identifier for f in confirm.qos_flow_failed_to_modify_list or []] == [7]
        assert downlink(w) == MOVED
        with pytest.raises(SmContextUpdateRefused) as refused:
            await w.update(ref, n2=b"\x01", kind="PDU_RES_MOD_IND")
        assert refused.value.n2_sm_info_type == "PDU_RES_MOD_IND_FAIL"

    play(scene)


READERS = (
    mobility.path_switch_request,
    mobility.path_switch_setup_failed,
    mobility.handover_required,
    mobility.handover_acknowledge,
    mobility.handover_allocation_unsuccessful,
    mobility.modify_indication,
    mobility.notify,
    mobility.notify_released,
    mobility.secondary_rat_usage,
)


@settings(max_examples=300, derandomize=True)
@given(st.sampled_from(READERS), st.binary(max_size=40))
def test_any_octets_are_read_or_refused(read: object, octets: bytes) -> None:
    assert callable(read)
    with suppress(TransferError):
        read(octets)
