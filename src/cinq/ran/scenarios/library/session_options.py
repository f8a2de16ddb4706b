"""What a UE may ask of a PDU session beyond an address: TS 24.501 §6.4.1, §6.4.2."""

from __future__ import annotations

from cinq.procedure import Refused
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue import Ue
from cinq.ran.ue.signals import ModifySession
from cinq.wire import nas
from cinq.wire.nas import Component, GsmCause, PacketFilter, QosFlowDescription, QosRule, SscMode

_PRUK_ID = b"\x02"
_NAI = b"remote@example.org"
_CONTEXT = _PRUK_ID + bytes((len(_NAI),)) + _NAI + b"\0"
REMOTE_UE = b"\x01" + bytes((len(_CONTEXT),)) + _CONTEXT
"""Remote UE context list of one (TS 24.501 §9.11.4.29): its CP-PRUK ID as a NAI, and no IP information."""
MAIL = PacketFilter(1, components=((Component.REMOTE_PORT, b"\0\x19"),))
WEB = PacketFilter(1, components=((Component.REMOTE_PORT, b"\0\x50"),))


async def modified(bench: Bench, ue: Ue, wanted: ModifySession, what: str) -> bool:
    """Whether the network granted it. Refused is an answer, silence is none."""
    try:
        await bench.succeeds(_ask(ue, wanted), what)
    except _Refusal:
        return False
    return True


class _Refusal(Exception):
    """The network said no, with a cause."""


async def _ask(ue: Ue, wanted: ModifySession) -> None:
    try:
        await ue.modify_session(1, wanted)
    except Refused as refused:
        check.present(refused.answer, "PDU SESSION MODIFICATION REJECT")
        raise _Refusal from None


@scenario("session")
async def always_on_is_decided(bench: Bench) -> None:
    """A UE that asks for an always-on session is told whether it is one (TS 24.501 §6.4.1.3)."""
    ue = await bench.registered(sessions=(bench.session(always_on=True),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    check.present(accept.always_on, "the always-on indication")


async def ssc_mode(bench: Bench, mode: SscMode) -> None:
    """The mode is selected, or it is refused with #68 and the modes that are allowed."""
    ue = await bench.registered(sessions=(bench.session(ssc_mode=int(mode)),))
    try:
        await ue.establish_session()
    except Refused:
        reject = await bench.hears(nas.PDUSessionEstablishmentReject, ue)
        check.equal(reject.cause, GsmCause.NOT_SUPPORTED_SSC_MODE, "the 5GSM cause")
        check.present(reject.allowed_ssc_mode, "the allowed SSC modes")
    else:
        accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
        check.equal(accept.selected_ssc_mode, mode, "the selected SSC mode")


@scenario("session")
async def ssc_mode_2_is_decided(bench: Bench) -> None:
    """SSC mode 2 is selected or refused with #68 (TS 24.501 §6.4.1.3, §6.4.1.4.1)."""
    await ssc_mode(bench, SscMode.SSC_MODE_2)


@scenario("session")
async def ssc_mode_3_is_decided(bench: Bench) -> None:
    """SSC mode 3 is selected or refused with #68 (TS 24.501 §6.4.1.3, §6.4.1.4.1)."""
    await ssc_mode(bench, SscMode.SSC_MODE_3)


@scenario("session")
async def qos_that_the_ue_asks_for(bench: Bench) -> None:
    """A request for a QoS flow is granted by a command with the UE's PTI, or rejected with a cause.

    The session stands whatever the answer. TS 24.501 §6.4.2.3, §6.4.2.4.
    """
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    wanted = ModifySession(
        rules=(QosRule(0, packet_filters=(WEB,), precedence=50, qfi=0),),
        flows=(QosFlowDescription(0, five_qi=8),),
    )
    if await modified(bench, ue, wanted, "a QoS flow"):
        command = await bench.hears(nas.PDUSessionModificationCommand, ue)
        check.that(command.pti != 0, "the command has the PTI of the request")
    else:
        reject = await bench.hears(nas.PDUSessionModificationReject, ue)
        check.that(reject.pti != 0, "the reject has the PTI of the request")
    check.equal(ue.sessions[1].context.state, "ACTIVE", "the state of the session")
    await bench.succeeds(ue.release_session(1), "release")


@scenario("session")
async def several_rules_in_one_modification(bench: Bench) -> None:
    """Two QoS rules with flows of their own in one request: both are granted, or the request is rejected whole.

    TS 24.501 §6.4.2.2, §6.4.2.3, §6.3.2.2.
    """
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    before = ue.sessions[1].context.rules
    wanted = ModifySession(
        rules=(
            QosRule(0, packet_filters=(WEB,), precedence=50, qfi=0),
            QosRule(0, packet_filters=(MAIL,), precedence=51, qfi=0),
        ),
        flows=(QosFlowDescription(0, five_qi=8),),
    )
    granted = await modified(bench, ue, wanted, "two QoS rules")
    after = ue.sessions[1].context.rules
    if granted:
        added = [rule for rule in after if rule not in before]
        ports = {value for rule in added for packet in rule.packet_filters for _, value in packet.components}
        check.equal(sorted(ports), [b"\0\x19", b"\0\x50"], "remote ports of the rules that were added")
    else:
        await bench.hears(nas.PDUSessionModificationReject, ue)
        check.equal(after, before, "the rules of the session")
    check.equal(ue.sessions[1].context.state, "ACTIVE", "the state of the session")


@scenario("session")
async def remote_ue_report_is_answered(bench: Bench) -> None:
    """A relay UE reports UEs behind it; a core without 5G ProSe ignores it, and should say so by 5GSM STATUS.

    TS 24.501 §6.6.2.3, §7.4.
    """
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    report = nas.RemoteUEReport(
        pdu_session_id=1, pti=ue.allocate_pti(), remote_ue_context_connected=REMOTE_UE
    )
    ue.station.send(
        nas.ULNASTransport(
            payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
            payload_container=nas.encode(report),
            pdu_session_id=1,
        )
    )
    await bench.settled()
    for kind in (nas.RemoteUEReportResponse, nas.FiveGSMStatus):
        for answer in bench.heard(kind, ue):
            check.equal(answer.pti, report.pti, "the PTI")
    check.equal(ue.sessions[1].context.state, "ACTIVE", "the state of the session")
    await bench.succeeds(ue.release_session(1), "release")


@scenario("session")
async def a_modification_that_asks_for_nothing(bench: Bench) -> None:
    """A request that says what the UE supports, and no more, is answered (TS 24.501 §6.4.2.2, §6.4.2.3)."""
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    await modified(bench, ue, ModifySession(packet_filters=64), "number of packet filters")
    check.equal(ue.sessions[1].context.state, "ACTIVE", "the state of the session")


@scenario("session")
async def the_number_of_packet_filters(bench: Bench) -> None:
    """Authorized QoS rules keep to the packet filters that the UE supports (TS 24.501 §6.4.1.3)."""
    ue = await bench.registered(sessions=(bench.session(packet_filters=17),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    count = sum(len(rule.packet_filters) for rule in accept.authorized_qos_rules)
    check.that(count <= 17, "at most 17 packet filters")


@scenario("session")
async def options_are_answered_as_they_are_asked(bench: Bench) -> None:
    """DNS servers and link MTU are given when they are asked for (TS 24.008 §10.5.6.3)."""
    ue = await bench.registered(sessions=(bench.session(ask=("nas_address", "dns", "mtu")),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    context = ue.sessions[1].context
    check.that(bool(context.dns), "a DNS server is given")
    check.that(any(number == nas.EPCO_IPV4_LINK_MTU for number, _ in context.pco), "the link MTU is given")
