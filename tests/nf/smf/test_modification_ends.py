"""Modifications commanded by the network that are refused, unanswered, in collision: TS 24.501 §6.3.2.4, §6.3.2.5."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.procedure import run_virtual
from cinq.sbi import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyDecision
from cinq.wire import nas, ngap

from .gnb import DIRECT, path_switch
from .pcf import (
    MOMENT,
    command_reject,
    commands,
    complete,
    in_force,
    modify_requests,
    modify_response,
    modify_unsuccessful,
    session_of,
    with_ambr,
    with_rule,
)
from .world import SUPI, World, play, release_complete, release_request

T3591_S = 16.0
Ending = Callable[[World, str], Awaitable[object]]


async def the_ue_rejects(w: World, ref: str) -> None:
    await w.update(ref, n1=command_reject(44))


async def nobody_answers(w: World, ref: str) -> None:
    await asyncio.sleep(5 * T3591_S)


async def the_gnb_does_nothing(w: World, ref: str) -> None:
    await w.update(ref, n2=modify_unsuccessful("radio-resources-not-available"), kind="PDU_RES_MOD_FAIL")


async def unreadable(w: World, ref: str) -> None:
    with pytest.raises(Problem, match="N2_SM_ERROR"):
        await w.update(ref, n2=b"\xff", kind="PDU_RES_MOD_RSP")


@pytest.mark.parametrize("end", [the_ue_rejects, nobody_answers, the_gnb_does_nothing, unreadable])
def test_a_modification_that_fails_changes_nothing(end: Ending) -> None:
    """§6.3.2.4, §6.3.2.5 a) and e): the former configuration holds at UPF and gNB, the PCF hears of it."""

    async def scene(w: World) -> None:
        ref = await w.active()
        before = session_of(w).context
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        await end(w, ref)
        await asyncio.sleep(MOMENT)
        assert session_of(w).context == before
        assert w.upf.pdrs[1] == {1, 2}
        assert [name for name, _ in w.pcf.failures()] == ["voice"]
        taken_back = modify_requests(w)[1:]
        assert [f.qos_flow_identifier for t in taken_back for f in t.qos_flow_to_release_list or []] == [2]
        answer = await w.update(ref, n1=complete())  # too late: no such procedure
        assert answer.binary_data_n1_sm_message is not None
        status = nas.decode(answer.binary_data_n1_sm_message)
        assert isinstance(status, nas.FiveGSMStatus)
        assert status.cause == nas.GsmCause.PTI_MISMATCH

    play(scene)


def test_the_command_is_sent_five_times_the_transfer_once() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.decide(ref, with_rule())
        await asyncio.sleep(4.5 * T3591_S)
        assert len(commands(w)) == 5
        assert len(modify_requests(w)) == 1

    play(scene)


def test_what_a_silent_ue_may_have_is_told_again() -> None:
    """§6.3.2.5 a): the rules are to be synchronised; with the next user plane the UE hears what holds."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await w.decide(ref, with_rule())
        await nobody_answers(w, ref)
        await asyncio.sleep(MOMENT)
        await w.update(ref, state="DEACTIVATED")
        await w.update(ref, state="ACTIVATING")
        await w.setup_response(ref, 8)
        await asyncio.sleep(MOMENT)
        (qos_rule,) = commands(w)[-1].authorized_qos_rules or []
        assert qos_rule.operation == nas.RuleOperation.DELETE
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        told = len(w.amf.transfers)
        await w.update(ref, state="DEACTIVATED")
        await w.update(ref, state="ACTIVATING")
        await w.setup_response(ref, 9)
        await asyncio.sleep(MOMENT)
        assert len(w.amf.transfers) == told

    play(scene)


@pytest.mark.parametrize("cause", ["TEMPORARY_REJECT_HANDOVER_ONGOING", "xn-handover-triggered"])
def test_a_handover_in_the_way_is_waited_for(cause: str) -> None:
    """TS 23.502 §4.9.1.3.1, TS 24.501 §6.3.2.5 f): the modification begins again after the guard timer."""

    async def scene(w: World) -> None:
        ref = await w.active()
        if cause.startswith("TEMPORARY"):
            w.amf.refuses = Problem(409, cause)
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        if w.amf.refuses is None:
            await w.update(ref, n2=modify_unsuccessful(cause), kind="PDU_RES_MOD_FAIL")
        await asyncio.sleep(1)
        assert w.upf.pdrs[1] == {1, 2}
        assert w.pcf.failures() == []
        w.amf.refuses = None
        await asyncio.sleep(w.smf.ports.settings.guard_s)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]

    play(scene)


def test_a_ue_that_does_not_answer_paging() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, state="DEACTIVATED")
        w.amf.cause = "ATTEMPTING_TO_REACH_UE"
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        data = w.amf.transfers[-1].json_data
        assert data.n2_info_container is None
        assert data.n1n2_failure_txf_notif_uri is not None
        await w.not_reached(ref)
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []
        assert [name for name, _ in w.pcf.failures()] == ["voice"]

    play(scene)


# -- collisions -----------------------------------------------------------------------------------------


async def under_way(w: World) -> str:
    ref = await w.active()
    await w.decide(ref, with_rule())
    await asyncio.sleep(MOMENT)
    assert len(commands(w)) == 1
    return ref


def test_the_ue_releases_meanwhile() -> None:
    """§6.3.2.5 c)."""

    async def scene(w: World) -> None:
        ref = await under_way(w)
        answer = await w.update(ref, n1=release_request())
        assert answer.binary_data_n1_sm_message is not None
        assert isinstance(nas.decode(answer.binary_data_n1_sm_message), nas.PDUSessionReleaseCommand)
        await w.update(ref, n1=release_complete())
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


def test_the_network_releases_meanwhile() -> None:
    async def scene(w: World) -> None:
        ref = await under_way(w)
        releasing = asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause.REGULAR_DEACTIVATION))
        await asyncio.sleep(MOMENT)
        assert isinstance(w.amf.n1()[-1], nas.PDUSessionReleaseCommand)
        await w.update(ref, n1=release_complete(0))
        assert await releasing
        assert w.nothing_left()

    play(scene)


def test_the_amf_releases_meanwhile() -> None:
    async def scene(w: World) -> None:
        ref = await under_way(w)
        await w.release(ref)
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


def test_the_ue_asks_for_a_modification_meanwhile() -> None:
    """§6.3.2.5 d): ignored."""

    async def scene(w: World) -> None:
        ref = await under_way(w)
        request = nas.encode(nas.PDUSessionModificationRequest(pdu_session_id=1, pti=7))
        assert (await w.update(ref, n1=request)).binary_data_n1_sm_message is None
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]

    play(scene)


def test_the_user_plane_is_wanted_back_meanwhile() -> None:
    """§6.3.2.5 g): aborted, and begun again when the user plane is there."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, state="DEACTIVATED")
        w.amf.cause = "ATTEMPTING_TO_REACH_UE"
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        answer = await w.update(ref, state="ACTIVATING")
        assert answer.binary_data_n2_sm_information is not None
        setup = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, answer.binary_data_n2_sm_information
        )
        assert [f.qos_flow_identifier for f in setup.qos_flow_setup_request_list] == [1]
        assert w.upf.pdrs[1] == {1, 2}
        await w.setup_response(ref, 8)
        await asyncio.sleep(MOMENT)
        assert len(modify_requests(w)) == 1
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]

    play(scene)


def test_the_ue_begins_anew_meanwhile() -> None:
    """§6.4.1.7 c)."""

    async def scene(w: World) -> None:
        await under_way(w)
        w.pcf.decision = SmPolicyDecision()
        ref = await w.active()
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []
        assert session_of(w).ref == ref
        assert len(w.upf.sessions) == len(w.pcf.associations) == 1

    play(scene)


def test_the_an_is_released_meanwhile() -> None:
    async def scene(w: World) -> None:
        ref = await under_way(w)
        answer = await w.update(ref, state="DEACTIVATED")
        assert answer.json_data.up_cnx_state == "DEACTIVATED"
        assert w.upf.pdrs[1] == {1, 2}
        await w.update(ref, state="ACTIVATING")
        await w.setup_response(ref, 8)
        await asyncio.sleep(MOMENT)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]

    play(scene)


def test_a_handover_meanwhile() -> None:
    """The target gets what is in force; the modification follows when the UE is there."""

    async def scene(w: World) -> None:
        ref = await under_way(w)
        await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ")
        await asyncio.sleep(MOMENT)
        assert len(commands(w)) == 2
        answer = await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        assert answer.binary_data_n2_sm_information is not None
        setup = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, answer.binary_data_n2_sm_information
        )
        assert [f.qos_flow_identifier for f in setup.qos_flow_setup_request_list] == [1]
        await w.decide(ref, with_ambr("10 Mbps", "20 Mbps"))
        await asyncio.sleep(MOMENT)
        assert len(commands(w)) == 2
        await w.update(ref, ho_state="CANCELLED")
        await asyncio.sleep(MOMENT)
        assert len(commands(w)) == 3
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]
        assert session_of(w).context.qos.ambr.uplink_bps == 10_000_000

    play(scene)


@pytest.mark.parametrize("steps", range(14))
def test_killed_at_any_moment(steps: int) -> None:
    """A core that is killed comes back with the session as it was, or as it is to be: never with a half of it."""

    async def main() -> None:
        w = await World().start()
        ref = await w.active()
        before = session_of(w).context.qos

        async def all_of_it() -> None:
            await w.decide(ref, with_rule())
            await asyncio.sleep(MOMENT)
            await w.update(ref, n2=modify_response(done=(2,)), kind="PDU_RES_MOD_RSP")
            await w.update(ref, n1=complete())

        task = asyncio.ensure_future(all_of_it())
        for _ in range(steps):
            await asyncio.sleep(MOMENT / 6)
        again = await World(w.store).start()
        task.cancel()
        session = session_of(again)
        qos = session.context.qos
        assert (qos == before) == (not session.context.decision.pcc_rules)
        (at_upf,) = again.upf.sessions.values()
        assert len(at_upf.create_pdrs) == 2 * len(qos.rules)
        await again.smf.stop()
        await w.smf.stop()

    run_virtual(main())
