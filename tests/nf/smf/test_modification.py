"""PDU session modification commanded by the network: TS 23.502 §4.3.3.2, TS 24.501 §6.3.2."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cinq.sbi import Problem
from cinq.sbi.models import Ambr, Arp
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    NsmfPolicyCallback,
    PccRule,
    SessionRule,
    SmPolicyDecision,
    TerminationNotification,
)
from cinq.sbi.services.nudm_sdm import ModificationNotification, NsmfSdmCallback
from cinq.wire import nas, ngap, pfcp

from .pcf import (
    MOMENT,
    VIDEO,
    VOICE,
    commands,
    complete,
    gate,
    in_force,
    modify_requests,
    modify_response,
    session_of,
    with_ambr,
    with_rule,
    without_rule,
)
from .world import SUPI, World, play


async def with_voice(w: World) -> str:
    """A session with a GBR flow besides the default one."""
    ref = await w.active()
    assert await w.decide(ref, with_rule()) is None
    await asyncio.sleep(MOMENT)
    await w.update(ref, n2=modify_response(done=(2,)), kind="PDU_RES_MOD_RSP")
    await w.update(ref, n1=complete())
    await asyncio.sleep(MOMENT)
    assert in_force(w) == ["voice"]
    return ref


def test_a_new_flow() -> None:
    """The UPF has it first (2a), then gNB and UE (3), and it is in force with the UE's answer (11)."""

    async def scene(w: World) -> None:
        ref = await w.active()
        assert await w.decide(ref, with_rule()) is None
        await asyncio.sleep(MOMENT)
        request = w.upf.received[-1]
        assert isinstance(request, pfcp.SessionModificationRequest)
        assert [pdr.pdr_id for pdr in request.create_pdrs] == [3, 4]
        assert [(qer.qer_id, qer.qfi, qer.gbr) for qer in request.create_qers] == [
            (3, 2, pfcp.BitRate(100, 100))
        ]
        (transfer,) = modify_requests(w)
        (item,) = transfer.qos_flow_add_or_modify_request_list or []
        parameters = item.qos_flow_level_qos_parameters
        assert parameters is not None
        assert parameters.gbr_qos_information is not None
        assert parameters.gbr_qos_information.guaranteed_flow_bit_rate_dl == 100_000
        assert parameters.gbr_qos_information.notification_control == "notification-requested"
        (command,) = commands(w)
        assert (command.pti, command.session_ambr, command.cause) == (0, None, None)
        (qos_rule,) = command.authorized_qos_rules or []
        assert (qos_rule.operation, qos_rule.identifier, qos_rule.qfi, qos_rule.precedence) == (1, 2, 2, 10)
        (flow,) = command.authorized_qos_flow_descriptions or []
        assert (flow.qfi, flow.five_qi, flow.gfbr_uplink, flow.mfbr_downlink) == (2, 1, 100_000, 100_000)
        assert in_force(w) == []
        await w.update(ref, n2=modify_response(done=(2,)), kind="PDU_RES_MOD_RSP")
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]
        assert w.pcf.updates == []
        assert len(w.amf.transfers) == 2  # the accept and the command, once

    play(scene)


def test_a_flow_that_ends() -> None:
    async def scene(w: World) -> None:
        ref = await with_voice(w)
        await w.decide(ref, without_rule())
        await asyncio.sleep(MOMENT)
        assert w.upf.pdrs[1] == {1, 2, 3, 4}  # uplink packets still come until the UE knows
        (_, transfer) = modify_requests(w)
        assert [f.qos_flow_identifier for f in transfer.qos_flow_to_release_list or []] == [2]
        (qos_rule,) = commands(w)[-1].authorized_qos_rules or []
        assert (qos_rule.identifier, qos_rule.operation) == (2, nas.RuleOperation.DELETE)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []
        assert w.upf.pdrs[1] == {1, 2}

    play(scene)


def test_the_session_ambr_changes() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.decide(ref, with_ambr("10 Mbps", "20 Mbps"))
        await asyncio.sleep(MOMENT)
        (command,) = commands(w)
        assert command.session_ambr == nas.SessionAmbr(20_000_000, 10_000_000)
        assert command.authorized_qos_rules is None
        (transfer,) = modify_requests(w)
        assert transfer.pdu_session_aggregate_maximum_bit_rate is not None
        request = w.upf.received[-1]
        assert isinstance(request, pfcp.SessionModificationRequest)
        assert [(q.qer_id, q.mbr) for q in request.update_qers] == [(1, pfcp.BitRate(10_000, 20_000))]
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert session_of(w).context.qos.ambr.uplink_bps == 10_000_000

    play(scene)


def test_a_gate_is_the_upfs_alone() -> None:
    """§4.3.3.2: steps 2a to 7 are not invoked where only the UPF has something to do."""

    async def scene(w: World) -> None:
        ref = await with_voice(w)
        told = len(w.amf.transfers)
        await w.decide(ref, SmPolicyDecision(traff_cont_decs={"voice": gate("voice", is_open=False)}))
        await asyncio.sleep(MOMENT)
        assert len(w.amf.transfers) == told
        request = w.upf.received[-1]
        assert isinstance(request, pfcp.SessionModificationRequest)
        (qer,) = request.create_qers
        assert qer.gate_status == pfcp.GateStatus(1, 1)
        assert not session_of(w).context.qos.rules[1].uplink_open

    play(scene)


def test_what_only_the_gnb_has_to_know() -> None:
    """Another ARP is no matter of the UE's: steps 3 to 7 without N1."""

    async def scene(w: World) -> None:
        ref = await w.active()
        default = AuthorizedDefaultQos(arp=Arp(priority_level=2))
        rule = SessionRule(sess_rule_id="s", auth_def_qos=default)
        await w.decide(ref, SmPolicyDecision(sess_rules={"s": rule}))
        await asyncio.sleep(MOMENT)
        assert commands(w) == []
        (transfer,) = modify_requests(w)
        (item,) = transfer.qos_flow_add_or_modify_request_list or []
        assert item.qos_flow_identifier == 1
        assert session_of(w).context.qos.default_flow.profile.arp_priority == 8
        await w.update(ref, n2=modify_response(done=(1,)), kind="PDU_RES_MOD_RSP")
        await asyncio.sleep(MOMENT)
        assert session_of(w).context.qos.default_flow.profile.arp_priority == 2

    play(scene)


def test_a_rule_that_cannot_be_is_reported_at_once() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        broken = PccRule(pcc_rule_id="broken", flow_infos=[], precedence=3)
        both = SmPolicyDecision(
            pcc_rules={**with_rule().pcc_rules, "broken": broken},
            qos_decs=with_rule().qos_decs,
            traff_cont_decs=with_rule().traff_cont_decs,
        )
        report = await w.decide(ref, both)
        assert report is not None
        (said,) = report.rule_reports
        assert (said.pcc_rule_ids, said.failure_code) == (["broken"], "MISS_FLOW_INFO")
        await asyncio.sleep(MOMENT)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]
        with pytest.raises(Problem, match="RULE_PERMANENT_ERROR"):
            await w.decide(ref, SmPolicyDecision(pcc_rules={"broken": broken}))
        with pytest.raises(Problem, match="RULE_PERMANENT_ERROR"):
            await w.decide(ref, with_ambr("fast", "20 Mbps"))
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await w.decide("nobody", with_rule())
        assert in_force(w) == ["voice"]

    play(scene)


def refusing(w: World, flow: str) -> None:
    """A UPF that does not take this SDF filter."""

    def script(message: pfcp.Message) -> pfcp.Message | None:
        pdrs = [
            pdr.pdr_id
            for pdr in getattr(message, "create_pdrs", [])
            if any(sdf.flow_description == flow for sdf in pdr.pdi.sdf_filters)
        ]
        if not pdrs:
            return w.upf.answer(message)
        failed = pfcp.FailedRuleId(0, pdrs[0])
        cause = pfcp.Cause.SERVICE_NOT_SUPPORTED
        if isinstance(message, pfcp.SessionEstablishmentRequest):
            node = pfcp.NodeId(w.smf.ports.settings.node_id)
            return pfcp.SessionEstablishmentResponse(
                node_id=node, cause=cause, failed_rule_id=failed, seid=message.cp_f_seid.seid
            )
        return pfcp.SessionModificationResponse(cause=cause, failed_rule_id=failed, seid=1)

    w.upf.script[pfcp.SessionModificationRequest] = script
    w.upf.script[pfcp.SessionEstablishmentRequest] = script


def two_rules() -> SmPolicyDecision:
    one, two = with_rule(), with_rule("video", "1 Mbps", VIDEO)
    return SmPolicyDecision(
        pcc_rules={**one.pcc_rules, **two.pcc_rules},
        qos_decs={**one.qos_decs, **two.qos_decs},
        traff_cont_decs={**one.traff_cont_decs, **two.traff_cont_decs},
    )


def test_a_flow_that_the_upf_refuses_leaves_the_others() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        refusing(w, VIDEO)
        arps = {
            n: replace(q, arp=Arp(priority_level=p))
            for p, (n, q) in enumerate(two_rules().qos_decs.items(), 1)
        }
        assert await w.decide(ref, replace(two_rules(), qos_decs=arps)) is None
        await asyncio.sleep(MOMENT)
        (command,) = commands(w)
        assert len(command.authorized_qos_rules or []) == 1
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["voice"]
        assert w.pcf.failures() == [("video", "RES_ALLO_FAIL")]
        assert any("video" in e.cause and "service" in e.cause.lower() for e in w.events)

    play(scene)


def test_an_establishment_goes_on_without_a_flow_that_the_upf_refuses() -> None:
    async def scene(w: World) -> None:
        w.pcf.decision = two_rules()
        refusing(w, VOICE)
        await w.create()
        await asyncio.sleep(MOMENT)
        (accept,) = w.amf.n1()
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert [rule.qfi for rule in accept.authorized_qos_rules] == [
            flow.qfi for flow in accept.authorized_qos_flow_descriptions or []
        ]
        assert len(accept.authorized_qos_rules) == 2
        assert in_force(w) == ["video"]
        assert any("left out" in e.cause for e in w.events)

    play(scene)


def test_flows_of_the_first_decision() -> None:
    """The accept, the setup request and the UPF have the same flows from the start."""

    async def scene(w: World) -> None:
        w.pcf.decision = two_rules()
        await w.create()
        await asyncio.sleep(MOMENT)
        (transfer,) = w.amf.transfers
        assert transfer.binary_data_n2_information is not None
        setup = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, transfer.binary_data_n2_information
        )
        flows = [item.qos_flow_identifier for item in setup.qos_flow_setup_request_list]
        assert flows == [1, 2]  # both rules are of one 5QI and ARP
        (session,) = w.upf.sessions.values()
        assert [pdr.pdr_id for pdr in session.create_pdrs] == [1, 2, 3, 4, 5, 6]
        ends = {pdr.pdi.f_teid for pdr in session.create_pdrs if pdr.pdi.f_teid}
        assert ends == {pfcp.FTeid.choose(1)}  # one F-TEID for all

    play(scene)


def test_the_gnb_refuses_a_flow() -> None:
    """§4.3.3.2 step 7: the UE has the rule; another modification takes it away again, and the PCF hears of it."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        await w.update(ref, n2=modify_response(failed=(2,)), kind="PDU_RES_MOD_RSP")
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        second = commands(w)[1]
        (qos_rule,) = second.authorized_qos_rules or []
        assert qos_rule.operation == nas.RuleOperation.DELETE
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []
        assert w.pcf.failures() == [("voice", "RES_ALLO_FAIL")]

    play(scene)


# -- what begins it -------------------------------------------------------------------------------------


def notify(released: tuple[int, ...] = (), met: tuple[int, ...] = (), unmet: tuple[int, ...] = ()) -> bytes:
    lost = [
        ngap.QosFlowWithCauseItem(qos_flow_identifier=q, cause=("radioNetwork", "unspecified"))
        for q in released
    ]
    said = [ngap.QosFlowNotifyItem(qos_flow_identifier=q, notification_cause="fulfilled") for q in met]
    said += [ngap.QosFlowNotifyItem(qos_flow_identifier=q, notification_cause="not-fulfilled") for q in unmet]
    return ngap.encode_value(
        ngap.PDUSessionResourceNotifyTransfer(
            qos_flow_notify_list=said or None, qos_flow_released_list=lost or None
        )
    )


def test_the_gnb_lets_a_flow_go() -> None:
    """§4.3.3.2 step 1e."""

    async def scene(w: World) -> None:
        ref = await with_voice(w)
        await w.update(ref, n2=notify(released=(2,)), kind="PDU_RES_NTY")
        await asyncio.sleep(MOMENT)
        (qos_rule,) = commands(w)[-1].authorized_qos_rules or []
        assert qos_rule.operation == nas.RuleOperation.DELETE
        assert w.pcf.failures() == [("voice", "RES_ALLO_FAIL")]
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []

    play(scene)


def test_the_gnb_lets_the_default_flow_go() -> None:
    async def scene(w: World) -> None:
        ref = await with_voice(w)
        await w.update(ref, n2=notify(released=(1,)), kind="PDU_RES_NTY")
        await asyncio.sleep(MOMENT)
        command = w.amf.n1()[-1]
        assert isinstance(command, nas.PDUSessionReleaseCommand)
        assert command.cause == nas.GsmCause.INSUFFICIENT_RESOURCES

    play(scene)


def test_notification_control() -> None:
    """TS 29.512 §4.2.4.11: the PCF hears whether the guaranteed rate is met."""

    async def scene(w: World) -> None:
        ref = await with_voice(w)
        await w.update(ref, n2=notify(unmet=(2,)), kind="PDU_RES_NTY")
        await w.update(ref, n2=notify(met=(2,)), kind="PDU_RES_NTY")
        await asyncio.sleep(MOMENT)
        said = [(r.ref_pcc_rule_ids, r.notif_type) for u in w.pcf.updates for r in u.qnc_reports]
        assert said == [(["voice"], "NOT_GUARANTEED"), (["voice"], "GUARANTEED")]
        with pytest.raises(Problem, match="N2_SM_ERROR"):
            await w.update(ref, n2=b"\xff\xff", kind="PDU_RES_NTY")

    play(scene)


def test_the_gnb_lets_the_session_go() -> None:
    """TS 23.502 §4.3.4.2 step 1d: the user plane is deactivated."""

    async def scene(w: World) -> None:
        ref = await w.active()
        released = ngap.encode_value(
            ngap.PDUSessionResourceNotifyReleasedTransfer(cause=("radioNetwork", "user-inactivity"))
        )
        answer = await w.update(ref, n2=released, kind="PDU_RES_NTY_REL")
        assert answer.json_data.up_cnx_state == "DEACTIVATED"

    play(scene)


async def udm_tells(w: World) -> None:
    callback = w.bus.client(NsmfSdmCallback, "UDM")
    ref = session_of(w).ref
    await callback.sdm_notify(ref, ModificationNotification(notify_items=[]))
    await asyncio.sleep(MOMENT)


def test_another_session_ambr_is_subscribed() -> None:
    """§4.3.3.2 steps 1c and 2: the PCF decides on it."""

    async def scene(w: World) -> None:
        ref = await w.active()
        (subscription,) = w.udm.subscriptions.values()
        assert subscription.monitored_resource_uris == [f"/nudm-sdm/v2/{SUPI}/sm-data"]
        w.udm.change(session_ambr=Ambr(uplink="1 Mbps", downlink="2 Mbps"))
        await udm_tells(w)
        (update,) = w.pcf.updates
        assert update.rep_policy_ctrl_req_triggers == ["SE_AMBR_CH"]
        assert update.subs_sess_ambr == Ambr(uplink="1 Mbps", downlink="2 Mbps")
        (command,) = commands(w)
        assert command.session_ambr == nas.SessionAmbr(2_000_000, 1_000_000)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert session_of(w).context.subscribed.ambr.uplink_bps == 1_000_000
        await udm_tells(w)  # nothing new
        assert len(w.pcf.updates) == 1

    play(scene)


@pytest.mark.parametrize(("change", "cause"), [("gone", 36), ("ipv6", 36), ("static", 39)])
def test_a_subscription_that_this_session_does_not_fit(change: str, cause: int) -> None:
    async def scene(w: World) -> None:
        await w.active()
        if change == "gone":
            w.udm.refuses = Problem(404, "DATA_NOT_FOUND")
        elif change == "ipv6":
            w.udm.only("IPV6")
        else:
            w.udm.static("10.45.9.9")
        await udm_tells(w)
        command = w.amf.n1()[-1]
        assert isinstance(command, nas.PDUSessionReleaseCommand)
        assert command.cause == cause
        assert any("cinq subscriber" in getattr(e.cause, "mend", "") for e in w.events)

    play(scene)


@pytest.mark.parametrize(("why", "cause"), [("UE_SUBSCRIPTION", 36), ("REACTIVATION_REQUESTED", 39)])
def test_the_pcf_ends_the_association(why: str, cause: int) -> None:
    """TS 29.512 §4.2.3.3."""

    async def scene(w: World) -> None:
        ref = await w.active()
        callback = w.bus.client(NsmfPolicyCallback, "PCF")
        await callback.sm_policy_terminate_notify(ref, TerminationNotification(resource_uri="/x", cause=why))
        await asyncio.sleep(MOMENT)
        command = w.amf.n1()[-1]
        assert isinstance(command, nas.PDUSessionReleaseCommand)
        assert command.cause == cause

    play(scene)
