"""The UE's side of 5GSM: establishment with everything, modification from both ends, SSC modes, many sessions
(TS 24.501 §6.3.2, §6.3.3, §6.4.1, §6.4.2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from cinq.numbering import SNssai
from cinq.procedure import Refused, TimerExpired
from cinq.ran.ue import SessionSettings, Ue, UeSettings
from cinq.ran.ue.signals import ModifySession
from cinq.wire import nas
from cinq.wire.nas import (
    Component,
    GsmCause,
    PacketFilter,
    QosFlowDescription,
    QosRule,
    RequestType,
    RuleOperation,
)

from .core import DEFAULT_RULE, Core, CoreUe, Radio, in_transport, settle
from .test_nas_rules import gmm, play

WEB = (PacketFilter(1, components=((Component.REMOTE_PORT, b"\0\x50"),)),)
NEW_RULE = QosRule(2, packet_filters=WEB, precedence=10, qfi=5)
NEW_FLOW = QosFlowDescription(5, five_qi=5)


def transports(core: Core) -> list[nas.ULNASTransport]:
    return [m for m in gmm(core, nas.ULNASTransport) if isinstance(m, nas.ULNASTransport)]


def gsm(core: Core, kind: type[nas.GsmMessage]) -> list[nas.GsmMessage]:
    decoded = [nas.decode(m.payload_container) for m in transports(core)]
    return [m for m in decoded if isinstance(m, kind)]


class Modifying(Core):
    """Accepts with further elements, and answers requests for modification as a test says."""

    def __init__(self, **elements: object) -> None:
        super().__init__()
        self.elements = elements
        self.answer: nas.GsmMessage | None = None

    def nas(self, ue: CoreUe, message: nas.NasMessage, header: nas.SecurityHeader | None = None) -> bytes:
        if isinstance(message, nas.DLNASTransport):
            inner = nas.decode(message.payload_container)
            if isinstance(inner, nas.PDUSessionEstablishmentAccept):
                message = in_transport(inner.replace(**self.elements))
        return super().nas(ue, message, header)

    def on_gsm(self, ue: CoreUe, message: nas.NasMessage) -> None:
        if isinstance(message, nas.PDUSessionModificationRequest) and self.answer is not None:
            self.down(ue, in_transport(self.answer.replace(pti=message.pti)))
        super().on_gsm(ue, message)


def command(**elements: object) -> nas.PDUSessionModificationCommand:
    return nas.PDUSessionModificationCommand(pdu_session_id=1, pti=0, **elements)  # type: ignore[arg-type]  # as given


async def up(core: Core, ue: Ue) -> CoreUe:
    await ue.power_on()
    await settle()
    return core.last()


def test_establishment_with_everything() -> None:
    wanted = SessionSettings(
        ssc_mode=3,
        always_on=True,
        packet_filters=100,
        integrity_rate="64k",
        reflective_qos=True,
        ask=("nas_address", "dns", "mtu", "p_cscf", "ipcp", "bearer_control"),
    )
    ipcp = bytes((2, 0, 0, 16, 129, 6, 9, 9, 9, 9, 131, 6, 0, 0, 0, 0))
    core = Modifying(
        selected_ssc_mode=3,
        always_on=True,
        rq_timer=60,
        authorized_qos_rules=[DEFAULT_RULE, NEW_RULE],
        authorized_qos_flow_descriptions=[NEW_FLOW],
        extended_pco=[(0x000C, bytes((10, 0, 0, 1))), (0x8021, ipcp), (nas.EPCO_DNS_SERVER_IPV4, b"short")],
    )

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await up(core, ue)
        (request,) = gsm(core, nas.PDUSessionEstablishmentRequest)
        assert isinstance(request, nas.PDUSessionEstablishmentRequest)
        assert (request.ssc_mode, request.always_on_requested) == (3, True)
        assert request.maximum_number_of_supported_packet_filters == 100
        rate = request.integrity_protection_maximum_data_rate
        assert (rate.uplink, rate.downlink) == (nas.DataRate.KBPS_64, nas.DataRate.KBPS_64)
        assert request.capability_5gsm == nas.Capability5gsm.of(nas.GsmFeature.REFLECTIVE_QOS)
        assert [identifier for identifier, _ in request.extended_pco or ()] == [10, 13, 16, 12, 0x8021, 5]
        context = ue.sessions[1].context
        assert (context.ssc_mode, context.always_on, context.rq_timer_s) == (3, True, 60)
        assert [rule.identifier for rule in context.rules] == [1, 2]
        assert [flow.qfi for flow in context.flows] == [5]
        assert (context.dns, context.p_cscf) == ((IPv4Address("9.9.9.9"),), (IPv4Address("10.0.0.1"),))

    play(scene, core, replace(UeSettings(), sessions=(wanted,)))


@pytest.mark.parametrize(
    ("rules", "cause"),
    [([NEW_RULE], 83), ([DEFAULT_RULE.__class__(1, default=True, precedence=1, qfi=9)], 84)],
)
def test_an_accept_without_sense_is_released(rules: list[QosRule], cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        with pytest.raises(Refused, match=f"#{cause}"):
            await ue.establish_session()
        (release,) = gsm(core, nas.PDUSessionReleaseRequest)
        assert getattr(release, "cause", None) == cause
        assert not ue.sessions
        await settle()
        assert len(radio.gnb.bearers) == 0

    play(scene, Modifying(authorized_qos_rules=rules))


def test_a_rule_that_is_wrong_is_given_back() -> None:
    """§6.4.1.3: the session stands; a modification request asks to delete the rule."""
    core = Modifying(authorized_qos_rules=[DEFAULT_RULE, replace_filters()])
    core.answer = command(
        authorized_qos_rules=[QosRule(2, RuleOperation.DELETE)],
    )

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await up(core, ue)
        (request,) = gsm(core, nas.PDUSessionModificationRequest)
        assert isinstance(request, nas.PDUSessionModificationRequest)
        assert request.cause == GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION
        assert [(r.identifier, r.operation) for r in request.requested_qos_rules or ()] == [
            (2, RuleOperation.DELETE)
        ]
        assert ue.sessions[1].context.state == "ACTIVE"
        assert gsm(core, nas.PDUSessionModificationComplete)

    play(scene, core)


def replace_filters() -> QosRule:
    return QosRule(2, packet_filters=(), precedence=10, qfi=5)


# modification by the network, §6.3.2


def test_modification_by_the_network() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        core.down(
            at_core,
            in_transport(
                command(
                    session_ambr=nas.SessionAmbr(downlink_bps=5_000_000, uplink_bps=1_000_000),
                    authorized_qos_rules=[NEW_RULE],
                    authorized_qos_flow_descriptions=[NEW_FLOW],
                    always_on=True,
                )
            ),
        )
        await settle()
        context = ue.sessions[1].context
        assert (context.downlink_bps, context.uplink_bps, context.always_on) == (5_000_000, 1_000_000, True)
        assert [rule.identifier for rule in context.rules] == [1, 2]
        (complete,) = gsm(core, nas.PDUSessionModificationComplete)
        assert complete.pti == 0

    play(scene)


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (
            {"authorized_qos_rules": [QosRule(9, RuleOperation.MODIFY_WITHOUT_FILTERS, precedence=3, qfi=5)]},
            83,
        ),
        ({"authorized_qos_rules": [QosRule(3, precedence=3, qfi=5)]}, 84),
        ({"authorized_qos_rules": [QosRule(3, packet_filters=WEB + WEB, precedence=3, qfi=5)]}, 45),
        ({"authorized_qos_flow_descriptions": [QosFlowDescription(7, 3)]}, 83),
    ],
)
def test_a_command_with_errors_is_rejected(wrong: dict[str, object], cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        before = ue.sessions[1].context
        core.down(at_core, in_transport(command(session_ambr=nas.SessionAmbr(1000, 1000), **wrong)))
        await settle()
        (reject,) = gsm(core, nas.PDUSessionModificationCommandReject)
        assert getattr(reject, "cause", None) == cause
        assert ue.sessions[1].context == before, "nothing of it is taken over"

    play(scene)


def test_rules_that_cannot_be_read_are_rejected() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        octets = nas.encode(command()) + bytes.fromhex("7a000402ff0141")
        transport = in_transport(command()).replace(payload_container=octets)
        core.down(at_core, transport)
        await settle()
        (reject,) = gsm(core, nas.PDUSessionModificationCommandReject)
        assert getattr(reject, "cause", None) == GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION

    play(scene)


def test_the_default_rule_is_deleted() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        core.down(at_core, in_transport(command(authorized_qos_rules=[QosRule(1, RuleOperation.DELETE)])))
        await settle(100)
        (release,) = gsm(core, nas.PDUSessionReleaseRequest)
        assert getattr(release, "cause", None) == GsmCause.SEMANTIC_ERROR_IN_THE_QOS_OPERATION
        assert not ue.sessions

    play(scene)


# modification by the UE, §6.4.2


def test_modification_by_the_ue() -> None:
    core = Modifying()
    core.answer = command(authorized_qos_rules=[NEW_RULE], authorized_qos_flow_descriptions=[NEW_FLOW])

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await up(core, ue)
        await ue.modify_session(1, ModifySession(rules=(NEW_RULE,), flows=(NEW_FLOW,), packet_filters=50))
        request = transports(core)[-2]
        assert request.request_type == RequestType.MODIFICATION_REQUEST
        assert request.dnn is None
        (complete,) = gsm(core, nas.PDUSessionModificationComplete)
        assert complete.pti == gsm(core, nas.PDUSessionModificationRequest)[0].pti != 0
        assert [rule.identifier for rule in ue.sessions[1].context.rules] == [1, 2]

    play(scene, core)


def test_modification_is_rejected_with_back_off() -> None:
    core = Modifying()
    core.answer = nas.PDUSessionModificationReject(pdu_session_id=1, pti=0, cause=26, back_off_timer=60)

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await up(core, ue)
        with pytest.raises(Refused, match="5GSM cause #26") as refused:
            await ue.modify_session(1, ModifySession(always_on=True))
        assert refused.value.reason.mend  # type: ignore[attr-defined]  # a Why
        assert ue.sessions[1].context.state == "ACTIVE"
        with pytest.raises(Refused, match="T3396 runs"):
            await ue.open_session(SessionSettings())

    play(scene, core)


def test_modification_of_a_session_that_the_network_has_lost() -> None:
    core = Modifying()
    core.answer = nas.PDUSessionModificationReject(pdu_session_id=1, pti=0, cause=43)

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        await up(core, ue)
        with pytest.raises(Refused, match="#43"):
            await ue.modify_session(1, ModifySession(always_on=True))
        assert not ue.sessions

    play(scene, core)


def test_modification_is_not_answered() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await up(core, ue)
        with pytest.raises(TimerExpired):
            await ue.modify_session(1, ModifySession(always_on=True))
        assert len(gsm(core, nas.PDUSessionModificationRequest)) == 5
        assert ue.sessions[1].context.state == "ACTIVE"

    play(scene)


def test_the_network_modifies_while_the_ue_asks() -> None:
    """§6.3.2.6 b): the UE's own procedure ends, the network's goes on."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        ue.initiate(lambda: ue.modify_session(1, ModifySession(always_on=True)), "modification")
        await settle()
        core.down(at_core, in_transport(command(session_ambr=nas.SessionAmbr(1000, 1000))))
        await settle()
        assert ue.sessions[1].context.downlink_bps == 1000
        (complete,) = gsm(core, nas.PDUSessionModificationComplete)
        assert complete.pti == 0
        assert ue.sessions[1].is_idle

    play(scene)


# sessions beside each other, SSC modes, request types


def test_fifteen_sessions_of_one_dnn_at_once() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        opened = await asyncio.gather(*(ue.open_session(SessionSettings(), n) for n in range(1, 16)))
        assert [s.context.state for s in opened] == ["ACTIVE"] * 15
        assert sorted(ue.sessions) == list(range(1, 16))
        requests = gsm(core, nas.PDUSessionEstablishmentRequest)
        assert len({m.pti for m in requests}) == 15
        await asyncio.gather(*(ue.release_session(n) for n in range(1, 16)))
        assert not ue.sessions

    play(scene)


def test_ssc_mode_3_gets_a_successor() -> None:
    """§6.3.2.3: a session to the same DNN that names the old one, which the network releases later."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        core.down(at_core, in_transport(command(cause=GsmCause.REACTIVATION_REQUESTED)))
        await settle(100)
        assert sorted(ue.sessions) == [1, 2]
        opening = [t for t in transports(core) if t.old_pdu_session_id is not None]
        assert [(t.pdu_session_id, t.old_pdu_session_id, t.request_type) for t in opening] == [
            (2, 1, RequestType.INITIAL_REQUEST)
        ]

    play(scene)


def test_ssc_mode_2_comes_back_in_the_slice_that_the_network_names() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        released = nas.PDUSessionReleaseCommand(
            pdu_session_id=1, pti=0, cause=GsmCause.REACTIVATION_REQUESTED, alternative_s_nssai=SNssai(4)
        )
        core.release_session(at_core, released)
        await settle(100)
        assert ue.sessions[1].context.state == "ACTIVE"
        assert transports(core)[-1].s_nssai == SNssai(4)

    play(scene)


def test_request_types() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await ue.open_session(SessionSettings(), 5, request_type=RequestType.EXISTING_PDU_SESSION)
        await ue.open_session(SessionSettings(emergency=True), 6)
        existing, emergency = transports(core)
        assert existing.request_type == RequestType.EXISTING_PDU_SESSION
        assert emergency.request_type == RequestType.INITIAL_EMERGENCY_REQUEST
        assert emergency.dnn is None
        assert emergency.s_nssai is None

    play(scene)


@pytest.mark.parametrize("cause", [50, 51, 57, 58, 61, 68])
def test_what_the_network_does_not_give_is_not_asked_for_again(cause: int) -> None:
    class Refuses(Core):
        def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
            if request.pdu_session_type == nas.PduSessionType.IPV6 or request.ssc_mode == 3:
                reject = nas.PDUSessionEstablishmentReject(
                    pdu_session_id=request.pdu_session_id, pti=request.pti, cause=cause
                )
                self.down(ue, in_transport(reject))
            else:
                super().on_establishment(ue, request)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        wanted = SessionSettings(ssc_mode=3) if cause == 68 else SessionSettings(kind="IPv6")
        await ue.register()
        for _ in range(3):
            with pytest.raises(Refused):
                await ue.open_session(wanted)
        assert len(gsm(core, nas.PDUSessionEstablishmentRequest)) == 1
        await ue.open_session(SessionSettings())

    play(scene, Refuses())
