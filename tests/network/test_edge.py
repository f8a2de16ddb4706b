"""Sessions by several UPFs: a classifier that comes and goes with the UE. TS 23.501 §5.6.4, TS 23.502 §4.3.5."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest
from msgspec.structs import replace

from cinq.nf.smf import UserPlane
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyDecision
from cinq.wire import gtpu, ngap
from tests.network.edge import (
    FAR,
    GNB,
    OTHER_GNB,
    UE,
    Network,
    active,
    by_the_edge,
    play,
    sent,
    straight,
    to_the_edge,
    told,
)
from tests.network.upfs import ANCHOR, EAST, N3, WEST
from tests.nf.smf.gnb import DIRECT, acknowledge, path_switch
from tests.nf.smf.pcf import rule, session_of
from tests.nf.smf.places import place
from tests.nf.upf.steps import packet


def test_at_establishment() -> None:
    """TS 23.502 §4.3.2.2.1 step 10: both UPFs, the anchor's downlink by the classifier; released at both."""

    async def scene(w: Network) -> None:
        ref = await active(w, 2)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 1, str(WEST): 0}
        by_the_edge(w, EAST)
        await w.release(ref)
        await asyncio.sleep(0.1)
        assert not any(w.sessions().values())
        assert w.nothing_left()

    play(scene)


def test_elsewhere_the_anchor_alone() -> None:
    async def scene(w: Network) -> None:
        await active(w, 1)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 0}
        straight(w)

    play(scene)


def test_it_comes_and_goes_with_xn_handovers() -> None:
    """§4.9.1.2.3, §4.9.1.2.4, §4.3.5.7: inserted, another one, removed. An end marker on each path that is left; uplink
    packets of the path before are taken on for a while, then nothing of it is left."""

    async def scene(w: Network) -> None:
        ref = await active(w, 1)
        before = session_of(w).context.teid
        answer = await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=2)
        near = session_of(w).context.access.teid
        assert told(answer.binary_data_n2_sm_information, ngap.PathSwitchRequestAcknowledgeTransfer) == near
        assert near != before
        assert w.carried_on() == [(str(GNB), 7)]
        by_the_edge(w, EAST, OTHER_GNB, 0x33)
        late = sent(before, packet(UE, FAR))
        assert w.carry(late, GNB, N3[ANCHOR]) == f"N6 of {ANCHOR}"
        await asyncio.sleep(6)
        assert w.carry(late, GNB, N3[ANCHOR]) == "nowhere"

        await w.update(ref, n2=path_switch(address=int(GNB)), kind="PATH_SWITCH_REQ", tac=3)
        assert w.carried_on() == [(str(OTHER_GNB), 0x33)]
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 1, str(WEST): 1}
        by_the_edge(w, WEST, GNB, 0x33)
        await asyncio.sleep(6)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 1}
        by_the_edge(w, WEST, GNB, 0x33)

        answer = await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=1)
        assert told(answer.binary_data_n2_sm_information, ngap.PathSwitchRequestAcknowledgeTransfer) == before
        assert w.carried_on() == [(str(GNB), 0x33)]
        straight(w, OTHER_GNB, 0x33)
        await asyncio.sleep(6)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 0}
        straight(w, OTHER_GNB, 0x33)
        assert session_of(w).late is False
        await w.release(ref)
        await asyncio.sleep(0.1)
        assert w.nothing_left()

    play(scene)


def test_the_order_of_insertion() -> None:
    """§4.3.5.4: the new UPF first, then the anchor's downlink."""

    async def scene(w: Network) -> None:
        ref = await active(w, 1)
        w.asked.clear()
        await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=2)
        assert w.asked == [
            (EAST, "SessionEstablishmentRequest"),
            (ANCHOR, "SessionModificationRequest"),
        ]

    play(scene)


@pytest.mark.parametrize("end", ["completed", "cancelled", "refused"])
def test_n2_handover(end: str) -> None:
    """§4.9.1.3: made ready in the preparation, in use at the completion, gone where it does not come to that."""

    async def scene(w: Network) -> None:
        ref = await active(w, 1)
        answer = await w.update(ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING", target=2)
        near = told(answer.binary_data_n2_sm_information, ngap.PDUSessionResourceSetupRequestTransfer)
        assert near != session_of(w).context.teid
        assert w.sessions()[str(EAST)] == 1
        straight(w)
        if end == "cancelled":
            await w.update(ref, ho_state="CANCELLED", cause="x")
        elif end == "refused":
            with pytest.raises(Problem):
                await w.update(ref, n2=acknowledge(5), kind="HANDOVER_REQ_ACK", ho_state="PREPARED")
        else:
            await w.update(ref, n2=acknowledge(), kind="HANDOVER_REQ_ACK", ho_state="PREPARED")
            straight(w)
            await w.update(ref, ho_state="COMPLETED")
            by_the_edge(w, EAST, OTHER_GNB, 0x33)
            assert session_of(w).context.access.teid == near
            assert w.carried_on() == [(str(GNB), 7)]
            return
        straight(w)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 0}

    play(scene)


def test_service_request_where_the_ue_has_gone_to() -> None:
    """§4.2.3.2 steps 5b to 8: idle, paged by the UPF that keeps the packets, found elsewhere; what waited comes."""

    async def scene(w: Network) -> None:
        ref = await active(w, 2)
        await w.update(ref, state="DEACTIVATED")
        assert w.downlink(FAR, ANCHOR) == f"waits at {EAST}"
        await asyncio.sleep(0.1)
        assert len(w.amf.transfers) == 2  # the second asks for the UE
        answer = await w.update(ref, state="ACTIVATING", tac=3)
        near = told(answer.binary_data_n2_sm_information, ngap.PDUSessionResourceSetupRequestTransfer)
        assert near == session_of(w).context.access.teid
        assert session_of(w).context.access.upf == str(WEST)
        assert w.downlink(FAR, ANCHOR) == f"waits at {WEST}"
        await w.setup_response(ref, 9)
        sent = [(a, peer, gtpu.decode(o)) for a, plane in w.planes.items() for o, peer in plane.sent]
        out = [(a, peer[0], message.teid) for a, peer, message in sent if isinstance(message, gtpu.GPdu)]
        assert out == [(EAST, str(GNB), 9), (WEST, str(GNB), 9)]
        by_the_edge(w, WEST, teid=9)
        await asyncio.sleep(6)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 1}

    play(scene)


def test_service_request_back_at_the_anchor() -> None:
    async def scene(w: Network) -> None:
        ref = await active(w, 2)
        await w.update(ref, state="DEACTIVATED")
        await w.update(ref, state="ACTIVATING", tac=1)
        assert w.downlink(FAR, ANCHOR) == f"waits at {ANCHOR}"
        await w.setup_response(ref, 9)
        straight(w, teid=9)

    play(scene)


@pytest.mark.parametrize("silent", [EAST, ANCHOR])
def test_a_upf_that_does_not_answer_leaves_the_path_as_it_was(silent: IPv4Address) -> None:
    """The handover goes on without a classifier, and nothing stays at the UPF that would have been it."""

    async def scene(w: Network) -> None:
        ref = await active(w, 1)
        if silent == EAST:
            w.mute.add(EAST)
            await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=2)
            straight(w, OTHER_GNB, 0x33)
        else:
            w.mute.add(ANCHOR)
            with pytest.raises(Problem):
                await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=2)
        assert session_of(w).context.branch is None
        w.mute.clear()
        await asyncio.sleep(30)
        assert w.sessions()[str(EAST)] == 0

    play(scene)


def test_establishment_without_a_classifier() -> None:
    """It is an optimisation: without it there is a session. Where the anchor does not serve there is none."""

    async def scene(w: Network) -> None:
        w.mute.add(EAST)
        await active(w, 2)
        straight(w)

    play(scene)


@pytest.mark.parametrize("lost", [EAST, ANCHOR])
def test_a_upf_of_the_path_begins_anew(lost: IPv4Address) -> None:
    """TS 23.527 §4.3: it gets the session with the ends that the others use; nobody else is told anything."""

    async def scene(w: Network) -> None:
        await active(w, 2)
        before = session_of(w).context
        w.asked.clear()
        w.begin(lost)
        await asyncio.sleep(60)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 1, str(WEST): 0}
        after = session_of(w).context
        assert (after.teid, after.access.teid) == (before.teid, before.access.teid)
        assert {a for a, name in w.asked if name.startswith("Session")} == {lost}
        by_the_edge(w, EAST)

    play(scene)


@pytest.mark.parametrize("forgets", [EAST, ANCHOR])
def test_an_error_indication_of_n9(forgets: IPv4Address) -> None:
    """TS 29.281 §7.3.1: the other UPF tells that it does not know the tunnel; it gets the session again."""

    async def scene(w: Network) -> None:
        await active(w, 2)
        context = session_of(w).context
        assert context.branch is not None
        upf = w.upfs[forgets]
        for session in list(upf._registry.sessions.values()):
            upf._sessions.end(session)
        told_by = ANCHOR if forgets == EAST else EAST
        teid = context.branch.n9_teid if forgets == EAST else context.teid
        error = gtpu.ErrorIndication(tunnel=teid, peer=N3[forgets], sequence=0)
        w.upfs[told_by].gtpu_received(gtpu.encode(error), (str(N3[forgets]), 2152))
        await asyncio.sleep(1)
        by_the_edge(w, EAST)

    play(scene)


def test_another_decision_of_the_pcf() -> None:
    """A second flow that leaves at the edge, and its end: at both UPFs, as long as the classifier is there."""

    async def scene(w: Network) -> None:
        ref = await active(w, 2)
        other = rule("more", f"permit out 17 from {FAR} to assigned", 20)
        other = replace(other, ref_qos_data=None, ref_tc_data=["edge"])
        await w.decide(ref, SmPolicyDecision(pcc_rules={"more": other}))
        await asyncio.sleep(0.1)
        assert w.uplink(FAR) == f"N6 of {EAST}"
        assert w.downlink(FAR, EAST) == f"gNB {GNB} 0x7"

    play(scene)


def no_more() -> SmPolicyDecision:
    return SmPolicyDecision(pcc_rules={"edge": None}, traff_cont_decs={"edge": None})


async def uplink_moves(w: Network, ref: str, *, follows: bool = True) -> None:
    """The gNB is told another end of N3, and follows, or does not."""
    await asyncio.sleep(0.05)
    *_, command = w.amf.transfers
    assert command.binary_data_n2_information is not None
    transfer = ngap.decode_value(
        ngap.PDUSessionResourceModifyRequestTransfer, command.binary_data_n2_information
    )
    (item,) = transfer.ul_ngu_up_tnl_modify_list or []
    near = session_of(w).context.access
    assert int.from_bytes(item.ul_ngu_up_tnl_information[1].gtp_teid, "big") == near.teid
    if follows:
        await w.update(ref, n2=modify_response(), kind="PDU_RES_MOD_RSP")
        await asyncio.sleep(0.05)


def modify_response() -> bytes:
    return ngap.encode_value(ngap.PDUSessionResourceModifyResponseTransfer())


def quiet_rule() -> SmPolicyDecision:
    """One that the UE need not know: no modification of its QoS rules comes between."""
    decision = to_the_edge()
    wanted = decision.pcc_rules["edge"]
    assert wanted is not None
    infos = [replace(info, packet_filter_usage=False) for info in wanted.flow_infos or []]
    return replace(decision, pcc_rules={"edge": replace(wanted, flow_infos=infos)})


def test_a_rule_that_comes_in_the_middle() -> None:
    """§4.3.5.4: where the UE stays; the gNB is told last, and its uplink of before is taken on until then. The rule
    goes, and the classifier with it."""

    async def scene(w: Network) -> None:
        w.pcf.decision = SmPolicyDecision()
        ref = await active(w, 2)
        straight(w)
        before = session_of(w).context.teid
        await w.decide(ref, quiet_rule())
        await asyncio.sleep(0.05)
        late = sent(before, packet(session_of(w).context.ipv4, FAR))
        assert w.carry(late, GNB, N3[ANCHOR]) == f"N6 of {ANCHOR}"
        await uplink_moves(w, ref)
        by_the_edge(w, EAST)
        await w.decide(ref, no_more())
        await uplink_moves(w, ref)
        straight(w)
        await asyncio.sleep(6)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 0}
        await w.release(ref)
        await asyncio.sleep(0.1)
        assert w.nothing_left()

    play(scene)


def test_a_gnb_that_does_not_follow() -> None:
    """No answer within the guard time: the path is as before, and nothing is left at the classifier."""

    async def scene(w: Network) -> None:
        w.pcf.decision = SmPolicyDecision()
        ref = await active(w, 2)
        await w.decide(ref, quiet_rule())
        await uplink_moves(w, ref, follows=False)
        await asyncio.sleep(5.5)
        straight(w)
        await asyncio.sleep(6)
        straight(w)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 0}

    play(scene)


def test_a_classifier_that_stays_away_is_gone_round() -> None:
    """When heartbeats are not answered any more; and used again when it is back."""

    async def scene(w: Network) -> None:
        ref = await active(w, 2)
        by_the_edge(w, EAST)
        w.mute.add(EAST)
        await asyncio.sleep(28.5)
        while session_of(w).context.branch is not None:  # noqa: ASYNC110  # a heartbeat, and its repetitions
            await asyncio.sleep(0.1)
        await uplink_moves(w, ref)
        straight(w)
        await asyncio.sleep(20)
        w.mute.clear()
        w.begin(EAST)
        while session_of(w).context.branch is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await uplink_moves(w, ref)
        by_the_edge(w, EAST)

    play(scene)


def test_a_rule_for_an_idle_ue() -> None:
    """No gNB has to be told: the classifier keeps the packets from then on."""

    async def scene(w: Network) -> None:
        w.pcf.decision = SmPolicyDecision()
        ref = await active(w, 2)
        await w.update(ref, state="DEACTIVATED")
        await w.decide(ref, quiet_rule())
        await asyncio.sleep(0.05)
        assert w.downlink(FAR, ANCHOR) == f"waits at {EAST}"
        await w.update(ref, state="ACTIVATING", tac=2)
        await w.setup_response(ref)
        by_the_edge(w, EAST)

    play(scene)


def test_no_session_is_anchored_at_a_upf_that_only_stands_between() -> None:
    async def scene(w: Network) -> None:
        w.mute.add(ANCHOR)
        await asyncio.sleep(120)
        await w.create(location=place(2))
        await asyncio.sleep(30)
        assert not any(w.sessions()[str(upf)] for upf in (EAST, WEST))

    play(scene)


def test_an_i_upf_where_the_anchor_does_not_serve() -> None:
    """§4.9.1.2.3: without any rule, by the anchor's tracking areas alone; all packets go by the anchor."""
    far_anchor = (UserPlane(ANCHOR, tacs=(1,)), UserPlane(EAST, tacs=(2,), anchors=False, links=(ANCHOR,)))

    async def scene(w: Network) -> None:
        w.pcf.decision = SmPolicyDecision()
        ref = await active(w, 1)
        straight(w)
        await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=2)
        assert w.sessions() == {str(ANCHOR): 1, str(EAST): 1, str(WEST): 0}
        straight(w, OTHER_GNB, 0x33)
        await w.release(ref)
        await asyncio.sleep(0.1)
        assert not any(w.sessions().values())

    play(scene, far_anchor)


def test_the_ue_begins_anew_in_the_middle() -> None:
    """The same identity again, at each moment of an insertion: one session at each UPF of its path, none elsewhere."""

    async def scene(w: Network) -> None:
        for turns in range(1, 14):
            ref = await active(w, 1)
            moving = asyncio.ensure_future(w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ", tac=2))
            for _ in range(turns):
                await asyncio.sleep(0)
            await active(w, 3)
            await asyncio.gather(moving, return_exceptions=True)
            await asyncio.sleep(30)
            assert w.sessions() == {str(ANCHOR): 1, str(EAST): 0, str(WEST): 1}
            by_the_edge(w, WEST)

    play(scene)
