"""PDU sessions from establishment to release, on the good way."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from cinq.procedure import run_virtual
from cinq.sbi import Problem
from cinq.sbi.services.namf_communication import N1N2MsgTxfrFailureNotification, NsmfCallback
from cinq.wire import nas, ngap, pfcp
from cinq.wire.pfcp import ApplyAction

from .world import SUPI, World, play, rejected, release_complete, release_request, setup_response


def test_establishment() -> None:
    async def scene(w: World) -> None:
        ref = await w.create()
        await asyncio.sleep(0.1)
        (transfer,) = w.amf.transfers
        assert transfer.binary_data_n1_message is not None
        accept = nas.decode(transfer.binary_data_n1_message)
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert (accept.pdu_session_id, accept.pti) == (1, 1)
        assert accept.pdu_address == nas.PduAddress(IPv4Address("10.45.0.2"))
        assert accept.session_ambr == nas.SessionAmbr(500_000_000, 200_000_000)
        assert accept.dnn == "internet"
        assert accept.extended_pco == [(13, bytes([1, 1, 1, 1])), (13, bytes([8, 8, 8, 8]))]
        assert accept.cause is None
        (rule,) = accept.authorized_qos_rules
        assert (rule.default, rule.qfi) == (True, 1)
        assert transfer.binary_data_n2_information is not None
        request = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, transfer.binary_data_n2_information
        )
        assert request.ul_ngu_up_tnl_information[1].gtp_teid == bytes.fromhex("00001001")
        assert (
            request.pdu_session_aggregate_maximum_bit_rate.pdu_session_aggregate_maximum_bit_rate_dl
            == 5 * 10**8
        )
        (session,) = w.upf.sessions.values()
        assert session.create_qers[0].mbr == pfcp.BitRate(200_000, 500_000)
        assert session.create_fars[1].apply_action == ApplyAction(ApplyAction.BUFF)
        assert w.udm.registered == {(SUPI, 1): "internet"}

        n4 = [e for e in w.events if e.interface == "N4" and "Session" in e.message]
        assert [(e.message, e.direction) for e in n4] == [
            ("SessionEstablishmentRequest", "out"),
            ("SessionEstablishmentResponse", "in"),
        ]
        assert {e.subject for e in n4} == {"imsi-999700000000001/1"}

        updated = await w.setup_response(ref, 7)
        assert updated.json_data.up_cnx_state == "ACTIVATED"
        far = w.upf.far[1]
        assert isinstance(far, pfcp.UpdateFar)
        assert far.apply_action == ApplyAction(ApplyAction.FORW)
        assert far.forwarding_parameters is not None
        created = far.forwarding_parameters.outer_header_creation
        assert created == pfcp.OuterHeaderCreation.gtpu(7, IPv4Address("10.0.0.2"))

    play(scene)


def test_release_by_the_ue() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(ref, n1=release_request())
        assert answer.binary_data_n1_sm_message is not None
        command = nas.decode(answer.binary_data_n1_sm_message)
        assert command == nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=2, cause=36)
        assert answer.json_data.n2_sm_info_type == "PDU_RES_REL_CMD"
        assert not w.upf.sessions
        again = await w.update(ref, n1=release_request())  # a retransmission of the UE is ignored
        assert again.binary_data_n1_sm_message is None
        await w.update(ref, n2=b"\0", kind="PDU_RES_REL_RSP")
        mismatch = await w.update(ref, n1=release_complete(9))
        assert mismatch.binary_data_n1_sm_message is not None
        status = nas.decode(mismatch.binary_data_n1_sm_message)
        assert isinstance(status, nas.FiveGSMStatus)
        assert status.cause == 47
        await w.update(ref, n1=release_complete())
        await asyncio.sleep(0.01)
        assert w.amf.notifications == [(SUPI, 1, "RELEASED")]
        assert w.nothing_left()

    play(scene)


def test_release_command_is_sent_five_times() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n1=release_request())
        await asyncio.sleep(100)
        assert len(w.amf.transfers) == 1 + 4
        assert w.nothing_left()

    play(scene)


def test_release_by_the_network() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        releasing = asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause.REACTIVATION_REQUESTED))
        await asyncio.sleep(0.01)
        command = w.amf.n1()[-1]
        assert command == nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=39)
        await w.update(ref, n1=release_complete(0))
        assert await releasing
        assert w.nothing_left()

    play(scene)


def test_release_when_the_amf_has_no_ue() -> None:
    async def scene(w: World) -> None:
        await w.active()
        w.amf.refuses = Problem(404, "CONTEXT_NOT_FOUND")
        assert await w.smf.release(SUPI, 1, nas.GsmCause.REGULAR_DEACTIVATION)
        assert w.nothing_left()

    play(scene)


def test_release_by_the_amf() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.release(ref)
        assert w.amf.notifications == []
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await w.release(ref)
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_user_plane_goes_and_comes() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(ref, state="DEACTIVATED")
        assert answer.json_data.up_cnx_state == "DEACTIVATED"
        assert w.upf.far[1].apply_action == ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
        answer = await w.update(ref, state="ACTIVATING")
        assert answer.json_data.n2_sm_info_type == "PDU_RES_SETUP_REQ"
        assert (await w.setup_response(ref, 8)).json_data.up_cnx_state == "ACTIVATED"
        assert w.upf.far[1].apply_action == ApplyAction(ApplyAction.FORW)

    play(scene)


def downlink_data(w: World, sequence: int = 1) -> None:
    (session,) = w.upf.sessions.values()
    report = pfcp.SessionReportRequest(
        report_type=pfcp.ReportType(pfcp.ReportType.DLDR),
        downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2]),
    )
    w.upf.ask(report, sequence=sequence, seid=session.cp_f_seid.seid)


def test_downlink_data_pages_the_ue() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, state="DEACTIVATED")
        w.amf.cause = "ATTEMPTING_TO_REACH_UE"
        downlink_data(w)
        downlink_data(w)  # the same report again
        await asyncio.sleep(0.01)
        downlink_data(w, 2)
        await asyncio.sleep(0.01)
        assert len(w.amf.transfers) == 2
        data = w.amf.transfers[-1].json_data
        assert data.n2_info_container is not None
        assert data.n1n2_failure_txf_notif_uri is not None
        assert [a.cause for a in w.upf.answers] == [1, 1, 1]
        await w.update(ref, state="ACTIVATING")
        assert (await w.setup_response(ref, 9)).json_data.up_cnx_state == "ACTIVATED"

    play(scene)


def test_paging_without_answer_discards_what_waits() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, state="DEACTIVATED")
        w.amf.refuses = Problem(504, "UE_NOT_REACHABLE")
        downlink_data(w)
        await asyncio.sleep(0.01)
        assert w.upf.flags == [pfcp.SmReqFlags(pfcp.SmReqFlags.DROBU)]
        w.amf.refuses, w.amf.cause = None, "ATTEMPTING_TO_REACH_UE"
        downlink_data(w, 2)
        await asyncio.sleep(0.01)
        failure = N1N2MsgTxfrFailureNotification(cause="UE_NOT_RESPONDING", n1n2_msg_data_uri="/x")
        await w.bus.client(NsmfCallback, "AMF").n1n2_transfer_failure(ref, failure)
        await asyncio.sleep(0.01)
        assert len(w.upf.flags) == 2

    play(scene)


def test_error_indication_deactivates() -> None:
    async def scene(w: World) -> None:
        await w.active()
        report = pfcp.SessionReportRequest(
            report_type=pfcp.ReportType(pfcp.ReportType.ERIR),
            error_indication_report=pfcp.ErrorIndicationReport(
                remote_f_teids=[pfcp.FTeid(7, IPv4Address("10.0.0.2"))]
            ),
        )
        (session,) = w.upf.sessions.values()
        w.upf.ask(report, seid=session.cp_f_seid.seid)
        await asyncio.sleep(0.01)
        assert w.upf.far[1].apply_action == ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
        assert w.amf.transfers[-1].json_data.n2_info_container is not None

    play(scene)


def test_gnb_without_resources_ends_a_new_session() -> None:
    async def scene(w: World) -> None:
        ref = await w.create()
        await asyncio.sleep(0.01)
        cause: ngap.Cause = ("radioNetwork", "radio-resources-not-available")
        failed = ngap.encode_value(ngap.PDUSessionResourceSetupUnsuccessfulTransfer(cause=cause))
        answer = await w.update(ref, n2=failed, kind="PDU_RES_SETUP_FAIL")
        assert answer.json_data.up_cnx_state == "DEACTIVATED"
        await asyncio.sleep(0.01)
        assert w.amf.n1()[-1] == rejected(26)
        assert w.amf.notifications == [(SUPI, 1, "RELEASED")]
        assert w.nothing_left()

    play(scene)


def test_flow_that_the_gnb_does_not_carry() -> None:
    async def scene(w: World) -> None:
        ref = await w.create()
        await asyncio.sleep(0.01)
        answer = await w.update(ref, n2=setup_response(7, 2), kind="PDU_RES_SETUP_RSP")
        assert answer.json_data.up_cnx_state == "DEACTIVATED"
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_same_identity_again_replaces() -> None:
    async def scene(w: World) -> None:
        first = await w.active()
        second = await w.create()
        await asyncio.sleep(0.01)
        assert len(w.upf.sessions) == 1
        assert len(w.pcf.associations) == 1
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await w.update(first, state="DEACTIVATED")
        assert (await w.setup_response(second, 8)).json_data.up_cnx_state == "ACTIVATED"
        await w.release(second)
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("instants", range(12))
def test_same_identity_again_at_every_instant(instants: int) -> None:
    """DEV-028: the second request comes while the first is anywhere in its flow."""

    async def scene(w: World) -> None:
        await w.create()
        for _ in range(instants):
            await asyncio.sleep(0)
        second = await w.create()
        await asyncio.sleep(0.1)
        assert len(w.upf.sessions) == len(w.pcf.associations) == len(w.smf.sessions.by_ref) == 1
        assert (await w.setup_response(second)).json_data.up_cnx_state == "ACTIVATED"
        await w.release(second)
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("instants", range(14))
def test_released_by_the_amf_at_every_instant(instants: int) -> None:
    async def scene(w: World) -> None:
        ref = await w.create()
        for _ in range(instants):
            await asyncio.sleep(0)
        await w.release(ref)
        await asyncio.sleep(0.1)
        assert w.nothing_left()

    play(scene)


def test_addresses() -> None:
    async def main() -> None:
        w = await World(pool="10.45.0.0/29").start()  # 2 to 6
        refs = [await w.create(supi=f"imsi-99970000000000{n}") for n in range(5)]
        await asyncio.sleep(0.01)
        given = [str(s.context.ipv4) for s in w.smf.sessions.by_identity.values()]
        assert given == [f"10.45.0.{n}" for n in range(2, 7)]
        await w.create(supi="imsi-999700000000007")
        await asyncio.sleep(0.01)
        assert w.amf.n1()[-1] == rejected(26)
        await w.release(refs[3])
        await w.release(refs[0])
        await w.create(supi="imsi-999700000000008")
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.pdu_address == nas.PduAddress(IPv4Address("10.45.0.5"))
        w.udm.static("10.45.0.2")
        await w.create(supi="imsi-999700000000009")
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.pdu_address == nas.PduAddress(IPv4Address("10.45.0.2"))
        await w.create(supi="imsi-999700000000010")
        await asyncio.sleep(0.01)
        assert isinstance(w.amf.n1()[-1], nas.PDUSessionEstablishmentReject)  # it belongs to another
        await w.smf.stop()

    run_virtual(main())
