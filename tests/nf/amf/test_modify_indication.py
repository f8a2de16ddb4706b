"""PDU Session Resource Modify Indication, TS 38.413 §8.2.5: every branch."""

from __future__ import annotations

import asyncio

from cinq.sbi import Problem
from cinq.sbi.services.nsmf_pdusession import SmContextUpdateRefused
from cinq.wire import ngap

from .moves import cancel, required, scene
from .phone import Phone
from .world import World, run


def indication(phone: Phone, *numbers: int) -> ngap.PDUSessionResourceModifyIndication:
    return ngap.PDUSessionResourceModifyIndication(
        amf_ue_ngap_id=phone.amf_id or 0,
        ran_ue_ngap_id=phone.ran_id,
        pdu_session_resource_modify_list_mod_ind=[
            ngap.PDUSessionResourceModifyItemModInd(
                pdu_session_id=n, pdu_session_resource_modify_indication_transfer=b"moved %d" % n
            )
            for n in numbers
        ],
    )


def results(confirm: ngap.PDUSessionResourceModifyConfirm) -> tuple[dict[int, bytes], dict[int, bytes]]:
    return (
        {
            i.pdu_session_id: i.pdu_session_resource_modify_confirm_transfer
            for i in confirm.pdu_session_resource_modify_list_mod_cfm or ()
        },
        {
            i.pdu_session_id: i.pdu_session_resource_modify_indication_unsuccessful_transfer
            for i in confirm.pdu_session_resource_failed_to_modify_list_mod_cfm or ()
        },
    )


def cause_of(transfer: bytes) -> ngap.Cause:
    return ngap.decode_value(ngap.PDUSessionResourceModifyIndicationUnsuccessfulTransfer, transfer).cause


def test_each_session_has_its_result() -> None:
    """Confirmed, refused by its SMF with and without a transfer, not answered, not confirmed, unknown."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world, 4)
        given = SmContextUpdateRefused(403, "N2_SM_ERROR", "no", "PDU_RES_MOD_IND_FAIL", b"refused")
        world.smf.answers = {
            b"moved 1": "PDU_RES_MOD_CFM",
            b"moved 2": given,
            b"moved 3": Problem(504, "TARGET_NF_NOT_REACHABLE"),
        }
        gnb.say(indication(phone, 1, 2, 3, 4, 9))
        await asyncio.sleep(0.1)
        done, failed = results(gnb.last(ngap.PDUSessionResourceModifyConfirm))
        assert done == {1: b"ok moved 1"}
        assert failed.keys() == {2, 3, 4, 9}
        assert failed[2] == b"refused"
        assert cause_of(failed[3]) == cause_of(failed[4]) == ("radioNetwork", "unspecified")
        assert cause_of(failed[9]) == ("radioNetwork", "unknown-PDU-session-ID")
        assert sum("stays as it was" in cause for cause in world.causes()) == 4

    run(test)


def test_in_a_handover_and_after_another() -> None:
    """It goes on beside a handover; a handover that is asked for meanwhile waits for it."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        world.smf.answers = {b"moved 1": "PDU_RES_MOD_CFM"}
        world.smf.delay = 0.5
        source.say(indication(phone, 1))
        source.say(indication(phone, 1))
        source.say(required(phone))
        await asyncio.sleep(0.2)
        assert source.count(ngap.PDUSessionResourceModifyConfirm) == 0
        await asyncio.sleep(2)
        assert source.count(ngap.PDUSessionResourceModifyConfirm) == 2
        assert target.count(ngap.HandoverRequest) == 1
        source.say(indication(phone, 1))
        await asyncio.sleep(1)
        assert source.count(ngap.PDUSessionResourceModifyConfirm) == 3
        source.say(cancel(phone))
        await asyncio.sleep(2)
        assert source.count(ngap.HandoverCancelAcknowledge) == 1
        assert source.count(ngap.ErrorIndication) == 0

    run(test)


def test_a_connection_that_is_being_released() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        gnb.silent.add("UEContextReleaseCommand")
        ids = {"amf_ue_ngap_id": phone.amf_id or 0, "ran_ue_ngap_id": phone.ran_id}
        gnb.say(ngap.UEContextReleaseRequest(**ids, cause=("radioNetwork", "user-inactivity")))
        await asyncio.sleep(0.1)
        gnb.say(indication(phone, 1))
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.PDUSessionResourceModifyConfirm) == 0
        assert any("being released" in cause for cause in world.causes())

    run(test)
