"""N4: transactions, associations, restoration, and what a UPF may get wrong (DEV-075 to DEV-078)."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.smf.n4 import N4Error
from cinq.procedure import run_virtual
from cinq.sbi import Problem
from cinq.wire import nas, pfcp
from cinq.wire.pfcp import ApplyAction, Cause

from .world import SUPI, UPF_PEER, World, play, rejected

NODE = pfcp.NodeId(IPv4Address(UPF_PEER[0]))


def network_failure() -> nas.PDUSessionEstablishmentReject:
    return nas.PDUSessionEstablishmentReject(pdu_session_id=1, pti=1, cause=38)


def without(message: pfcp.Message, number: int, sequence: int) -> bytes:
    """The octets of a message without its IEs of this type."""
    octets = pfcp.encode(message, sequence=sequence)
    at, out = 16, b""
    while at < len(octets):
        end = at + 4 + int.from_bytes(octets[at + 2 : at + 4], "big")
        if int.from_bytes(octets[at : at + 2], "big") != number:
            out += octets[at:end]
        at = end
    return octets[:2] + (len(out) + 12).to_bytes(2, "big") + octets[4:16] + out


@pytest.mark.parametrize("number", [19, 60], ids=["cause", "node-id"])
def test_dev_076_establishment_response_without(number: int) -> None:
    async def scene(w: World) -> None:
        def broken(message: pfcp.Message) -> bytes:
            answer = w.upf.answer(message)
            assert answer is not None
            w.upf.sessions.clear()
            return without(answer, number, message.sequence)

        w.upf.script[pfcp.SessionEstablishmentRequest] = broken
        await w.create()
        await asyncio.sleep(0.1)
        assert w.amf.n1() == [network_failure()]
        assert w.amf.notifications == [(SUPI, 1, "RELEASED")]
        assert w.nothing_left()

    play(scene)


def test_establishment_response_without_f_teid_leaves_nothing_at_the_upf() -> None:
    async def scene(w: World) -> None:
        def forgetful(message: pfcp.Message) -> pfcp.Message:
            answer = w.upf.answer(message)
            assert isinstance(answer, pfcp.SessionEstablishmentResponse)
            answer.created_pdrs = []
            return answer

        w.upf.script[pfcp.SessionEstablishmentRequest] = forgetful
        await w.create()
        await asyncio.sleep(0.1)
        assert w.amf.n1() == [network_failure()]
        assert w.nothing_left()

    play(scene)


def test_establishment_refused() -> None:
    async def scene(w: World) -> None:
        w.upf.script[pfcp.SessionEstablishmentRequest] = lambda m: pfcp.SessionEstablishmentResponse(
            node_id=NODE, cause=Cause.NO_RESOURCES_AVAILABLE, seid=1
        )
        await w.create()
        await asyncio.sleep(0.1)
        assert w.amf.n1() == [rejected(26)]
        assert w.nothing_left()

    play(scene)


def test_requests_are_sent_again_and_then_given_up() -> None:
    async def scene(w: World) -> None:
        w.upf.mute.add(pfcp.SessionEstablishmentRequest)
        await w.create()
        await asyncio.sleep(8.5)
        sent = [o for o in w.upf.octets if o[1] == pfcp.SessionEstablishmentRequest.TYPE]
        assert len(sent) == 3
        assert len(set(sent)) == 1  # the same sequence number
        await asyncio.sleep(1)
        assert w.amf.n1() == [network_failure()]
        assert w.nothing_left()

    play(scene)


def test_each_request_has_its_own_t1() -> None:
    """One timer serves all: what is answered in between neither delays nor hastens the others."""

    async def scene(w: World) -> None:
        n4, start = w.smf.ports.n4, asyncio.get_running_loop().time()
        sent: list[tuple[int, float]] = []

        def answer(message: pfcp.Message) -> pfcp.Message | None:
            sent.append((message.seid or 0, asyncio.get_running_loop().time() - start))
            return pfcp.SessionDeletionResponse(cause=1) if message.seid == 2 else None

        async def ask(seid: int, after: float) -> None:
            await asyncio.sleep(after)
            await n4.request(pfcp.SessionDeletionRequest(), pfcp.SessionDeletionResponse, UPF_PEER, seid)

        w.upf.script[pfcp.SessionDeletionRequest] = answer
        asked = [asyncio.create_task(ask(seid, after)) for seid, after in ((1, 0.0), (2, 0.5), (3, 1.0))]
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in ended] == [N4Error, type(None), N4Error]
        t1, n1 = w.smf.ports.settings.t1_s, w.smf.ports.settings.n1
        for seid, after in ((1, 0.0), (3, 1.0)):
            times = [time for number, time in sent if number == seid]
            assert times == pytest.approx([after + t1 * n for n in range(n1)])
        assert len(sent) == 2 * n1 + 1

    play(scene)


def test_a_session_that_comes_too_late_is_withdrawn() -> None:
    async def scene(w: World) -> None:
        w.upf.mute.add(pfcp.SessionEstablishmentRequest)
        await w.create()
        await asyncio.sleep(10)
        request = next(m for m in w.upf.received if isinstance(m, pfcp.SessionEstablishmentRequest))
        late = w.upf.answer(request)
        assert late is not None
        assert w.upf.sessions
        w.upf.deliver(pfcp.encode(late, sequence=request.sequence, seid=getattr(late, "seid", 0)))
        await asyncio.sleep(0.1)
        assert w.nothing_left()

    play(scene)


def test_dev_075_report_response_for_a_deleted_session() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.release(ref)
        before = len(w.upf.octets)
        w.upf.ask(pfcp.SessionReportResponse(cause=1), sequence=77, seid=1)
        await asyncio.sleep(0.01)
        assert len(w.upf.octets) == before
        assert w.nothing_left()

    play(scene)


def report(w: World, message: pfcp.SessionReportRequest, sequence: int = 1) -> pfcp.SessionReportResponse:
    (session,) = w.upf.sessions.values()
    w.upf.ask(message, sequence=sequence, seid=session.cp_f_seid.seid)
    answer = w.upf.answers[-1]
    assert isinstance(answer, pfcp.SessionReportResponse)
    return answer


def test_dev_077_downlink_data_report_is_missing() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, state="DEACTIVATED")
        kind = pfcp.ReportType(pfcp.ReportType.DLDR)
        answer = report(w, pfcp.SessionReportRequest(report_type=kind))
        assert (answer.cause, answer.offending_ie) == (Cause.CONDITIONAL_IE_MISSING, 83)
        empty = bytes.fromhex("00270001010053") + b"\x00\x00"  # a report without its mandatory PDR ID
        (session,) = w.upf.sessions.values()
        head = bytes((0x21, 56)) + (12 + len(empty)).to_bytes(2, "big")
        w.upf.deliver(head + session.cp_f_seid.seid.to_bytes(8, "big") + bytes((0, 0, 9, 0)) + empty)
        answer2 = w.upf.answers[-1]
        assert isinstance(answer2, pfcp.SessionReportResponse)
        assert (answer2.cause, answer2.offending_ie) == (Cause.MANDATORY_IE_MISSING, 56)
        await asyncio.sleep(0.01)
        assert len(w.amf.transfers) == 1  # nobody is paged

    play(scene)


def test_report_for_an_unknown_session() -> None:
    async def scene(w: World) -> None:
        kind = pfcp.ReportType(pfcp.ReportType.DLDR)
        w.upf.ask(pfcp.SessionReportRequest(report_type=kind), seid=12345)
        answer = w.upf.answers[-1]
        assert isinstance(answer, pfcp.SessionReportResponse)
        assert (answer.cause, answer.seid) == (Cause.SESSION_CONTEXT_NOT_FOUND, 0)

    play(scene)


def test_the_upf_deleted_the_session_itself() -> None:
    async def scene(w: World) -> None:
        await w.active()
        message = pfcp.SessionReportRequest(
            report_type=pfcp.ReportType(pfcp.ReportType.UISR),
            srreq_flags=pfcp.SrReqFlags(pfcp.SrReqFlags.PSDBU),
        )
        assert report(w, message).cause == 1
        w.upf.sessions.clear()
        await asyncio.sleep(100)
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("features", [None, b"", b"\x00\x00"], ids=["absent", "empty", "none"])
def test_dev_078_association_by_the_upf_without_features(features: bytes | None) -> None:
    async def scene(w: World) -> None:
        request = pfcp.AssociationSetupRequest(node_id=NODE, recovery_time_stamp=100)
        if features is not None:
            request.unknown = [(43, features)]
        w.upf.ask(request, sequence=5)
        answer = w.upf.answers[-1]
        assert isinstance(answer, pfcp.AssociationSetupResponse)
        assert answer.cause == (Cause.INVALID_LENGTH if features == b"" else Cause.REQUEST_ACCEPTED)

    play(scene)


def test_association_by_a_stranger() -> None:
    async def scene(w: World) -> None:
        request = pfcp.AssociationSetupRequest(node_id=NODE, recovery_time_stamp=100)
        w.smf.n4_received(pfcp.encode(request, sequence=5), ("192.0.2.1", 8805))
        answer = w.upf.answers[-1]
        assert isinstance(answer, pfcp.AssociationSetupResponse)
        assert answer.cause == Cause.REQUEST_REJECTED

    play(scene)


def test_other_versions_and_other_requests() -> None:
    async def scene(w: World) -> None:
        w.upf.deliver(bytes.fromhex("4001000c00000100 0060000400000001"))
        assert isinstance(w.upf.answers[-1], pfcp.VersionNotSupportedResponse)
        w.upf.ask(pfcp.SessionDeletionRequest(), sequence=3, seid=1)
        answer = w.upf.answers[-1]
        assert isinstance(answer, pfcp.SessionDeletionResponse)
        assert answer.cause == Cause.SERVICE_NOT_SUPPORTED
        kind = pfcp.NodeReportType(pfcp.NodeReportType.UPFR)
        w.upf.ask(pfcp.NodeReportRequest(node_id=NODE, node_report_type=kind), sequence=4)
        assert isinstance(w.upf.answers[-1], pfcp.NodeReportResponse)

    play(scene)


def test_no_upf_no_session() -> None:
    async def main() -> None:
        w = World()
        w.upf.mute.add(pfcp.AssociationSetupRequest)
        await w.start()
        await w.create()
        await asyncio.sleep(0.01)
        assert w.amf.n1() == [network_failure()]
        assert w.nothing_left() or w.smf.runtime.busy
        w.upf.mute.clear()
        await asyncio.sleep(60)
        await w.active()
        await w.smf.stop()

    run_virtual(main())


def test_a_upf_that_cannot_choose_f_teids_is_not_used() -> None:
    async def main() -> None:
        w = World()
        w.upf.features = pfcp.UpFunctionFeatures(0)
        await w.start()
        await w.create()
        await asyncio.sleep(0.01)
        assert w.amf.n1() == [network_failure()]
        await w.smf.stop()

    run_virtual(main())


def test_heartbeats() -> None:
    async def scene(w: World) -> None:
        await asyncio.sleep(61)
        assert sum(isinstance(m, pfcp.HeartbeatRequest) for m in w.upf.received) == 3
        w.upf.ask(pfcp.HeartbeatRequest(recovery_time_stamp=100), sequence=9)
        answer = w.upf.answers[-1]
        assert isinstance(answer, pfcp.HeartbeatResponse)
        w.upf.mute.add(pfcp.HeartbeatRequest)
        await asyncio.sleep(35)
        assert not next(iter(w.smf.ports.associations.values())).is_usable
        w.upf.mute.clear()
        await asyncio.sleep(35)
        assert next(iter(w.smf.ports.associations.values())).is_usable

    play(scene)


def test_a_upf_that_wants_its_association_released() -> None:
    """TS 29.244 §6.2.7 and §6.2.8: it is released, and set up again afterwards."""

    async def scene(w: World) -> None:
        await asyncio.sleep(1)
        flags = pfcp.AssociationReleaseRequestFlags(pfcp.AssociationReleaseRequestFlags.SARR)
        node = pfcp.NodeId(IPv4Address(UPF_PEER[0]))
        w.upf.ask(pfcp.AssociationUpdateRequest(node_id=node, association_release_request=flags), sequence=7)
        await asyncio.sleep(0.1)
        assert isinstance(w.upf.received[-1], pfcp.AssociationReleaseRequest)
        assert not next(iter(w.smf.ports.associations.values())).is_usable
        await asyncio.sleep(60)
        assert next(iter(w.smf.ports.associations.values())).is_usable

    play(scene)


def restarted(w: World) -> None:
    w.upf.sessions.clear()
    w.upf.recovery += 1


def test_a_upf_that_began_anew_gets_its_sessions_again() -> None:
    """With the same N3 end, so that the gNB need not know."""

    async def scene(w: World) -> None:
        ref = await w.active()
        restarted(w)
        await asyncio.sleep(25)
        (session,) = w.upf.sessions.values()
        assert session.create_pdrs[0].pdi.f_teid == pfcp.FTeid(0x1001, IPv4Address("10.0.0.1"))
        assert session.sereq_flags is not None
        assert session.create_fars[1].apply_action == ApplyAction(ApplyAction.FORW)
        assert len(w.amf.transfers) == 1
        await w.release(ref)
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_an_idle_session_is_restored_too() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, state="DEACTIVATED")
        restarted(w)
        w.upf.ask(pfcp.HeartbeatRequest(recovery_time_stamp=w.upf.recovery), sequence=9)
        await asyncio.sleep(0.1)
        (session,) = w.upf.sessions.values()
        assert session.create_fars[1].apply_action == ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
        await w.update(ref, state="ACTIVATING")
        assert (await w.setup_response(ref)).json_data.up_cnx_state == "ACTIVATED"

    play(scene)


def test_a_upf_that_does_not_restore_the_tunnel() -> None:
    """The UE is told to come again (#39)."""

    async def scene(w: World) -> None:
        await w.active()
        w.upf.takes_f_teid = False
        restarted(w)
        await asyncio.sleep(25)
        command = w.amf.n1()[-1]
        assert command == nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=39)
        await asyncio.sleep(100)
        assert w.nothing_left()

    play(scene)


def test_sessions_survive_a_restart_of_the_smf() -> None:
    async def main() -> None:
        first = await World().start()
        ref = await first.active()
        await first.smf.stop()
        second = await World(first.store).start()
        second.pcf.associations = first.pcf.associations
        second.udm.registered = first.udm.registered
        (session,) = second.upf.sessions.values()
        assert session.create_fars[1].apply_action == ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
        assert session.create_pdrs[0].pdi.ue_ip_addresses == [pfcp.UeIpAddress(IPv4Address("10.45.0.2"))]
        await second.create(supi="imsi-999700000000002")
        await asyncio.sleep(0.01)
        accept = second.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.pdu_address == nas.PduAddress(IPv4Address("10.45.0.3"))
        answer = await second.update(ref, state="ACTIVATING")
        assert answer.json_data.n2_sm_info_type == "PDU_RES_SETUP_REQ"
        assert (await second.setup_response(ref)).json_data.up_cnx_state == "ACTIVATED"
        await second.release(ref)
        await second.smf.stop()

    run_virtual(main())


def test_stored_octets_that_are_no_context() -> None:
    async def main() -> None:
        world = World()
        world.store.put("sm-contexts", "x", b"\xff")
        again = World(world.store)
        assert not again.smf.sessions.by_ref
        assert not list(world.store.items("sm-contexts"))

    run_virtual(main())


def test_the_upf_says_no_to_the_tunnel() -> None:
    async def scene(w: World) -> None:
        ref = await w.create()
        await asyncio.sleep(0.01)
        w.upf.script[pfcp.SessionModificationRequest] = lambda m: pfcp.SessionModificationResponse(
            cause=Cause.RULE_CREATION_MODIFICATION_FAILURE, seid=1
        )
        with pytest.raises(Problem, match="UPF_NOT_RESPONDING"):
            await w.setup_response(ref)
        await asyncio.sleep(0.01)
        assert w.amf.n1()[-1] == nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=38)
        await asyncio.sleep(100)
        assert w.nothing_left()

    play(scene)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(1, 57))
def test_any_octets_on_n4(datagrams: list[bytes], kind: int) -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        for octets in datagrams:
            w.smf.n4_received(octets, UPF_PEER)
            head = bytes((0x20 | (kind >= 50), kind)) + (len(octets) + 4).to_bytes(2, "big")
            w.smf.n4_received(head + octets, UPF_PEER)
        w.upf.ask(pfcp.HeartbeatRequest(recovery_time_stamp=100), sequence=9)
        await asyncio.sleep(0.1)
        await w.release(ref)

    play(scene)
