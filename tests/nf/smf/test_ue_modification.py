"""PDU session modification asked for by the UE: TS 24.501 §6.4.2, TS 29.512 §4.2.4.17."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.smf import n1
from cinq.nf.smf.flows import Prefix, SdfFilter
from cinq.nf.smf.ue_request import Wrong, sdf_filter
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyDecision
from cinq.wire import nas, ngap

from .pcf import (
    MOMENT,
    VIDEO,
    command_reject,
    commands,
    complete,
    in_force,
    modify_response,
    modify_unsuccessful,
    session_of,
    with_rule,
)
from .world import World, play, release_complete, release_request, setup_response

UDP = ((nas.Component.PROTOCOL, b"\x11"), (nas.Component.REMOTE_PORT, b"\x13\x8c"))
MAY_ASK = SmPolicyDecision(policy_ctrl_req_triggers=["RES_MO_RE"])


def rule(identifier: int = 0, operation: int = 1, **elements: object) -> nas.QosRule:
    packet_filter = nas.PacketFilter(0, nas.Direction.BIDIRECTIONAL, UDP)
    fields = {"packet_filters": (packet_filter,), "precedence": 50, "qfi": 0} | elements
    return nas.QosRule(identifier, operation, **fields)  # type: ignore[arg-type]


def flow(
    five_qi: int = 1, rate: int | None = 100_000, qfi: int = 0, operation: int = 1
) -> nas.QosFlowDescription:
    rates = dict.fromkeys(("gfbr_uplink", "gfbr_downlink", "mfbr_uplink", "mfbr_downlink"), rate)
    return nas.QosFlowDescription(qfi, operation, five_qi=five_qi, **rates)


def request(pti: int = 7, **elements: object) -> bytes:
    message = nas.PDUSessionModificationRequest(pdu_session_id=1, pti=pti)
    return nas.encode(message.replace(**elements))


async def asked(w: World, ref: str, **elements: object) -> nas.NasMessage:
    """The answer to a request, which travels in the answer to the AMF."""
    answer = await w.update(ref, n1=request(**elements))
    assert answer.binary_data_n1_sm_message is not None
    return nas.decode(answer.binary_data_n1_sm_message)


async def rejected(w: World, ref: str, **elements: object) -> int:
    message = await asked(w, ref, **elements)
    assert isinstance(message, nas.PDUSessionModificationReject)
    assert message.pti == 7
    return message.cause


def test_a_request_for_nothing_gets_a_command() -> None:
    """§6.4.2.3: with the UE's PTI; always-on and configuration options are answered."""

    async def scene(w: World) -> None:
        ref = await w.active()
        pco = [(nas.EPCO_DNS_SERVER_IPV4, b"")]
        command = await asked(w, ref, always_on_requested=True, extended_pco=pco)
        assert isinstance(command, nas.PDUSessionModificationCommand)
        assert (command.pti, command.always_on, command.authorized_qos_rules) == (7, False, None)
        assert command.extended_pco == [(13, bytes([1] * 4)), (13, bytes([8] * 4))]
        answer = await w.update(ref, n1=complete(7))
        assert answer.binary_data_n1_sm_message is None
        assert w.pcf.updates == []

    play(scene)


def test_a_flow_that_the_pcf_authorises() -> None:
    async def scene(w: World) -> None:
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        w.pcf.answer = with_rule("ue-1")
        answer = await w.update(
            ref, n1=request(requested_qos_rules=[rule()], requested_qos_flow_descriptions=[flow()])
        )
        (update,) = w.pcf.updates
        wanted = update.ue_init_res_req
        assert wanted is not None
        assert (wanted.rule_op, wanted.precedence) == ("CREATE_PCC_RULE", 50)
        (info,) = wanted.pack_filt_info
        assert info.pack_filt_cont == "permit out 17 from any 5004 to assigned"
        assert info.flow_direction == "BIDIRECTIONAL"
        assert wanted.req_qos is not None
        assert (wanted.req_qos.five_qi, wanted.req_qos.gbr_ul) == (1, "100 Kbps")
        assert answer.json_data.n2_sm_info_type == "PDU_RES_MOD_REQ"
        assert answer.binary_data_n2_sm_information is not None
        transfer = ngap.decode_value(
            ngap.PDUSessionResourceModifyRequestTransfer, answer.binary_data_n2_sm_information
        )
        assert len(transfer.qos_flow_add_or_modify_request_list or []) == 1
        assert answer.binary_data_n1_sm_message is not None
        command = nas.decode(answer.binary_data_n1_sm_message)
        assert isinstance(command, nas.PDUSessionModificationCommand)
        (created,) = command.authorized_qos_rules or []
        assert (command.pti, created.identifier, created.qfi) == (7, 2, 2)
        await w.update(ref, n2=modify_response(done=(2,)), kind="PDU_RES_MOD_RSP")
        await w.update(ref, n1=complete(7))
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["ue-1"]
        assert commands(w) == []  # it went in the answer, not by itself

        w.pcf.answer = SmPolicyDecision(pcc_rules={"ue-1": None})
        deletion = rule(2, nas.RuleOperation.DELETE, packet_filters=(), precedence=None, qfi=None)
        command = await asked(w, ref, requested_qos_rules=[deletion])
        assert isinstance(command, nas.PDUSessionModificationCommand)
        wanted = w.pcf.updates[-1].ue_init_res_req
        assert wanted is not None
        assert (wanted.rule_op, wanted.pcc_rule_id) == ("DELETE_PCC_RULE", "ue-1")
        await w.update(ref, n1=complete(7))
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []

    play(scene)


def video(qfi: int = 0) -> nas.QosRule:
    packet_filter = nas.PacketFilter(
        0,
        nas.Direction.BIDIRECTIONAL,
        ((nas.Component.PROTOCOL, b"\x11"), (nas.Component.REMOTE_PORT, b"\x13\x8e")),
    )
    return rule(packet_filters=(packet_filter,), precedence=51, qfi=qfi)


@pytest.mark.parametrize("qfis", [(0, 0), (5, 6)])
def test_several_rules_and_flows_at_once(qfis: tuple[int, int]) -> None:
    """§6.4.2.2: the PCF is asked for one after the other, each with its flow; the UE gets one command for all."""

    async def scene(w: World) -> None:
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        w.pcf.answers = [with_rule("ue-1"), with_rule("ue-2", "200 Kbps", VIDEO)]
        flows = [flow(1, 100_000, qfis[0]), flow(2, 200_000, qfis[1])]
        command = await asked(
            w,
            ref,
            requested_qos_rules=[rule(qfi=qfis[0]), video(qfis[1])],
            requested_qos_flow_descriptions=flows if qfis == (0, 0) else flows[::-1],
        )
        assert isinstance(command, nas.PDUSessionModificationCommand)
        assert len(command.authorized_qos_rules or []) == 2
        wanted = [update.ue_init_res_req for update in w.pcf.updates]
        assert [(one.precedence, one.req_qos.five_qi) for one in wanted if one and one.req_qos] == [
            (50, 1),
            (51, 2),
        ]
        await w.update(ref, n2=modify_response(done=(2, 3)), kind="PDU_RES_MOD_RSP")
        await w.update(ref, n1=complete(7))
        await asyncio.sleep(MOMENT)
        assert in_force(w) == ["ue-1", "ue-2"]
        assert session_of(w).context.pending is None

    play(scene)


def test_all_or_nothing() -> None:
    """The PCF grants the first rule and refuses the second: the UE is refused, and the PCF hears that the first is not
    in force."""

    async def scene(w: World) -> None:
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        before = session_of(w).context
        w.pcf.answers = [with_rule("ue-1"), Problem(403, "DENIED", Why("no more"))]
        assert await rejected(w, ref, requested_qos_rules=[rule(), video()]) == 37
        await asyncio.sleep(MOMENT)
        assert session_of(w).context == before
        assert w.pcf.failures() == [("ue-1", "RES_ALLO_FAIL")]

    play(scene)


def test_a_pcf_that_lets_no_ue_ask() -> None:
    """#37, and what mends it."""

    async def scene(w: World) -> None:
        ref = await w.active()
        assert await rejected(w, ref, requested_qos_rules=[rule()]) == 37
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        w.pcf.refuses = Problem(
            403, "ERROR_TRAFFIC_MAPPING_INFO_REJECTED", Why("too much", "[pcf] ue_max_gbr")
        )
        assert await rejected(w, ref, requested_qos_rules=[rule()]) == 37
        assert any(getattr(e.cause, "mend", "") == "[pcf] ue_max_gbr" for e in w.events)
        assert in_force(w) == []
        w.pcf.refuses = None

    play(scene)


@pytest.mark.parametrize(
    ("elements", "cause"),
    [
        # §6.4.2.4, semantic and syntactical errors in the QoS operation
        ({"requested_qos_rules": [rule(default=True)]}, 83),
        (
            {
                "requested_qos_rules": [
                    rule(1, nas.RuleOperation.DELETE, packet_filters=(), precedence=None, qfi=None)
                ]
            },
            83,
        ),
        ({"requested_qos_flow_descriptions": [flow(qfi=9, operation=3)]}, 83),
        ({"requested_qos_rules": [rule(5)]}, 84),
        ({"requested_qos_rules": [rule(packet_filters=())]}, 84),
        (
            {
                "requested_qos_rules": [
                    rule(9, nas.RuleOperation.DELETE, packet_filters=(), precedence=None, qfi=None)
                ]
            },
            84,
        ),
        ({"requested_qos_rules": [rule(operation=7)]}, 84),
        # in packet filters
        (
            {
                "requested_qos_rules": [
                    rule(packet_filters=(nas.PacketFilter(0, 3, ((nas.Component.REMOTE_PORT, b"\0\x50"),)),))
                ]
            },
            44,
        ),
        ({"requested_qos_rules": [rule(packet_filters=(nas.PacketFilter(0, 3, UDP[:1] * 2),))]}, 45),
        # QoS that there is not
        ({"requested_qos_rules": [rule()], "requested_qos_flow_descriptions": [flow(200, None)]}, 59),
        ({"requested_qos_rules": [rule()], "requested_qos_flow_descriptions": [flow(1, None)]}, 37),
        ({"requested_qos_rules": [rule()], "requested_qos_flow_descriptions": [flow(9)]}, 37),
        ({"requested_qos_rules": [rule(2), rule(2)]}, 83),
    ],
)
def test_a_request_with_an_error(elements: dict[str, object], cause: int) -> None:
    async def scene(w: World) -> None:
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        before = session_of(w).context
        assert await rejected(w, ref, **elements) == cause
        assert session_of(w).context == before
        assert w.pcf.updates == []

    play(scene)


def test_the_gnb_does_nothing_of_it() -> None:
    """TS 23.502 §4.3.3.2 step 7: the UE did not get the command; it is rejected with #26."""

    async def scene(w: World) -> None:
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        w.pcf.answer = with_rule("ue-1")
        command = await asked(w, ref, requested_qos_rules=[rule()])
        assert isinstance(command, nas.PDUSessionModificationCommand)
        await w.update(ref, n2=modify_unsuccessful("radio-resources-not-available"), kind="PDU_RES_MOD_FAIL")
        await asyncio.sleep(MOMENT)
        reject = w.amf.n1()[-1]
        assert isinstance(reject, nas.PDUSessionModificationReject)
        assert (reject.pti, reject.cause) == (7, 26)
        assert in_force(w) == []
        assert w.upf.pdrs[1] == {1, 2}

    play(scene)


def test_the_ue_rejects_what_it_asked_for() -> None:
    async def scene(w: World) -> None:
        w.pcf.decision = MAY_ASK
        ref = await w.active()
        w.pcf.answer = with_rule("ue-1")
        await asked(w, ref, requested_qos_rules=[rule()])
        told = len(w.amf.n1())
        await w.update(ref, n1=command_reject(83, 7))
        await asyncio.sleep(MOMENT)
        assert in_force(w) == []
        assert len(w.amf.n1()) == told  # no reject on a reject

    play(scene)


def test_collisions_with_a_modification_that_the_ue_asked_for() -> None:
    """The same request again is ignored; a release goes before it."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await asked(w, ref)
        assert (await w.update(ref, n1=request())).binary_data_n1_sm_message is None
        answer = await w.update(ref, n1=release_request(8))
        assert answer.binary_data_n1_sm_message is not None
        assert (await w.update(ref, n1=request(9))).binary_data_n1_sm_message is None
        await w.update(ref, n1=release_complete(8))
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


def test_a_ue_that_revokes_reflective_qos() -> None:
    """§6.4.2.1 c): its rules become signalled ones."""

    async def scene(w: World) -> None:
        decision = with_rule()
        qos = decision.qos_decs["voice"]
        assert qos is not None
        marked = {"voice": type(qos)(qos_id="voice", five_qi=7, reflective_qos=True)}
        w.pcf.decision = SmPolicyDecision(
            pcc_rules=decision.pcc_rules, traff_cont_decs=decision.traff_cont_decs, qos_decs=marked
        )
        capability = nas.Capability5gsm.of(nas.GsmFeature.REFLECTIVE_QOS)
        rate = nas.IntegrityProtectionMaximumDataRate()
        message = nas.PDUSessionEstablishmentRequest(
            pdu_session_id=1, pti=1, integrity_protection_maximum_data_rate=rate, capability_5gsm=capability
        )
        ref = await w.create(nas.encode(message))
        await asyncio.sleep(MOMENT)
        await w.update(ref, n2=setup_response(7, 1, 2), kind="PDU_RES_SETUP_RSP")
        command = await asked(w, ref, capability_5gsm=nas.Capability5gsm.of())
        assert isinstance(command, nas.PDUSessionModificationCommand)
        (created,) = command.authorized_qos_rules or []
        assert created.operation == nas.RuleOperation.CREATE
        await w.update(ref, n1=complete(7))
        await asyncio.sleep(MOMENT)
        assert not session_of(w).context.ue.reflective_qos

    play(scene)


filters = st.builds(
    SdfFilter,
    direction=st.sampled_from(["DOWNLINK", "UPLINK", "BIDIRECTIONAL"]),
    protocol=st.sampled_from([6, 17, 132]),
    remote=st.none()
    | st.integers(8, 32).flatmap(
        lambda n: st.just(Prefix((0xC6336400 & (0xFFFFFFFF << (32 - n))).to_bytes(4, "big"), n))
    ),
    remote_ports=st.none()
    | st.lists(st.integers(0, 65535), min_size=2, max_size=2).map(lambda p: (min(p), max(p))),
    local_ports=st.none() | st.integers(0, 65535).map(lambda p: (p, p)),
    tos=st.none() | st.tuples(st.integers(0, 255), st.integers(0, 255)),
)


@given(filters)
def test_packet_filters_are_read_as_they_are_written(sdf: SdfFilter) -> None:
    number = {"DOWNLINK": 1, "UPLINK": 2, "BIDIRECTIONAL": 3}[sdf.direction]
    assert sdf_filter("", nas.PacketFilter(1, number, n1.components(sdf))) == sdf


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from([*nas.Component]), st.binary(min_size=0, max_size=18)).filter(
            lambda c: (
                len(c[1])
                == {
                    1: 0,
                    0x10: 8,
                    0x11: 8,
                    0x21: 17,
                    0x23: 17,
                    0x80: 3,
                    0x30: 1,
                    0x40: 2,
                    0x41: 4,
                    0x50: 2,
                    0x51: 4,
                    0x60: 4,
                    0x70: 2,
                }.get(int(c[0]), len(c[1]))
            )
        ),
        max_size=4,
    )
)
def test_any_packet_filter_is_read_or_refused(components: list[tuple[int, bytes]]) -> None:
    with suppress(Wrong):
        sdf_filter("", nas.PacketFilter(1, 3, tuple(components)))
