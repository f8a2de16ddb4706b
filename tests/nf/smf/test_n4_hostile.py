"""N4 of the SMF: who may say what, everything spoilt, answers that come twice. TS 29.244 §6.4, §7.6, DEV-076 to 078."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from cinq.nf.smf.n4 import Peer
from cinq.sbi.problem import Problem
from cinq.sbi.services.nsmf_pdusession import SmContextUpdateRefused
from cinq.wire import ngap, pfcp
from cinq.wire.pfcp import Cause
from tests.nf.upf.mutations import spoilt

from .gnb import path_switch, tunnel
from .world import UPF_PEER, World, play

STRANGER: Peer = ("192.0.2.1", 8805)
NODE = pfcp.NodeId(IPv4Address(UPF_PEER[0]))
GONE = pfcp.SessionReportRequest(
    report_type=pfcp.ReportType(pfcp.ReportType.UISR),
    srreq_flags=pfcp.SrReqFlags(pfcp.SrReqFlags.PSDBU),
)
DATA = pfcp.SessionReportRequest(
    report_type=pfcp.ReportType(pfcp.ReportType.DLDR),
    downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2]),
)
REQUESTS: dict[str, pfcp.Message] = {
    "heartbeat": pfcp.HeartbeatRequest(recovery_time_stamp=100),
    "update": pfcp.AssociationUpdateRequest(node_id=NODE),
    "node report": pfcp.NodeReportRequest(
        node_id=NODE, node_report_type=pfcp.NodeReportType(pfcp.NodeReportType.UPFR)
    ),
    "data report": DATA,
    "a session request": pfcp.SessionDeletionRequest(),
}


def test_only_its_upf_reports_of_a_session() -> None:
    """A stranger, which may guess a SEID, neither ends a session nor has its UE paged."""

    async def scene(w: World) -> None:
        ref = await w.active()
        (session,) = w.upf.sessions.values()
        transfers, answers = len(w.amf.transfers), len(w.upf.answers)
        for number, message in enumerate((GONE, DATA)):
            octets = pfcp.encode(message, sequence=900 + number, seid=session.cp_f_seid.seid)
            w.smf.n4_received(octets, STRANGER)
        await asyncio.sleep(1)
        assert len(w.upf.answers) == answers
        assert w.upf.sessions
        assert len(w.amf.transfers) == transfers
        assert ref in w.smf.sessions.by_ref

    play(scene)


def test_a_stranger_gets_no_more_than_one_refusal() -> None:
    async def scene(w: World) -> None:
        await w.active()
        setup = pfcp.AssociationSetupRequest(node_id=NODE, recovery_time_stamp=100)
        for message in (setup, *REQUESTS.values()):
            for what, octets in spoilt(pfcp.encode(message, sequence=7, seid=1)):
                before = len(w.upf.answers)
                w.smf.n4_received(octets, STRANGER)
                for answer in w.upf.answers[before:]:
                    assert isinstance(answer, pfcp.AssociationSetupResponse), what
                    assert answer.cause == Cause.REQUEST_REJECTED, what
        assert not [key for key in w.smf.ports.n4._answered if key[0] == STRANGER[0]]
        assert w.upf.sessions

    play(scene)


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("state", ["association", "session", "deleted"])
def test_spoilt_requests_of_the_upf(name: str, state: str) -> None:
    """An answer of the right kind or silence, and the session stays."""
    request = REQUESTS[name]

    async def scene(w: World) -> None:
        seid = 1
        if state != "association":
            ref = await w.active()
            seid = next(iter(w.upf.sessions.values())).cp_f_seid.seid
            if state == "deleted":
                await w.release(ref)
        sequence = 100_000
        at = 12 if request.SESSION else 4
        for what, good in spoilt(pfcp.encode(request, sequence=0, seid=seid if request.SESSION else None)):
            sequence += 1
            octets = good[:at] + sequence.to_bytes(3, "big") + good[at + 3 :]
            before = len(w.upf.answers)
            w.upf.deliver(octets)
            new = w.upf.answers[before:]
            assert len(new) <= 1, what
            for answer in new:
                assert type(answer).TYPE in (type(request).TYPE + 1, 11), what
                assert getattr(answer, "cause", 1) in frozenset(Cause), what
        await asyncio.sleep(1)
        if state == "session":
            assert len(w.upf.sessions) == 1 or name == "heartbeat"  # another recovery time is another UPF
            assert ref in w.smf.sessions.by_ref

    play(scene)


def test_a_response_that_comes_twice_at_once_leaves_the_session() -> None:
    """Both copies are read before the procedure goes on: the second is no session that came too late."""

    async def scene(w: World) -> None:
        w.upf.mute.add(pfcp.SessionEstablishmentRequest)
        asked = asyncio.create_task(w.create())
        for _ in range(100):
            await asyncio.sleep(0.001)
        request = next(m for m in w.upf.received if isinstance(m, pfcp.SessionEstablishmentRequest))
        answer = w.upf.answer(request)
        assert answer is not None
        octets = pfcp.encode(answer, sequence=request.sequence, seid=answer.seid)
        w.upf.deliver(octets)
        w.upf.deliver(octets)
        await asked
        await asyncio.sleep(1)
        assert len(w.upf.sessions) == 1

    play(scene)


def gone(teid: int, address: str) -> pfcp.SessionReportRequest:
    end = pfcp.FTeid(teid, IPv4Address(address))
    return pfcp.SessionReportRequest(
        report_type=pfcp.ReportType(pfcp.ReportType.ERIR),
        error_indication_report=pfcp.ErrorIndicationReport(remote_f_teids=[end]),
    )


def test_a_tunnel_of_that_teid_elsewhere_is_not_ours() -> None:
    """§7.5.8.4: an F-TEID is TEID and address; the session stays active."""

    async def scene(w: World) -> None:
        await w.active()
        (session,) = w.upf.sessions.values()
        seid = session.cp_f_seid.seid
        asked = len(w.upf.received)
        w.upf.ask(gone(7, "10.0.0.66"), sequence=901, seid=seid)
        await asyncio.sleep(0.01)
        assert len(w.upf.received) == asked
        w.upf.ask(gone(7, "10.0.0.2"), sequence=902, seid=seid)
        await asyncio.sleep(0.01)
        assert len(w.upf.received) == asked + 1

    play(scene)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.4", "127.0.0.7", "127.0.0.1", "10.45.0.2", "10.46.9.9", "169.254.1.1"]
)
def test_a_tunnel_that_leads_back_to_the_core(address: str) -> None:
    """Our own ends, UE pools, loopback while N3 is none: the gNB is not believed, whatever it says it in."""

    async def scene(w: World) -> None:
        number = int(IPv4Address(address))
        ref = await w.active()
        far = w.upf.far[1]
        with pytest.raises(SmContextUpdateRefused):
            await w.update(ref, n2=path_switch(address=number), kind="PATH_SWITCH_REQ")
        assert w.upf.far[1] is far
        modified = ngap.PDUSessionResourceModifyResponseTransfer(dl_ngu_up_tnl_information=tunnel(9, number))
        with pytest.raises(Problem):
            await w.update(ref, n2=ngap.encode_value(modified), kind="PDU_RES_MOD_RSP")
        assert w.upf.far[1] is far

    play(scene)


def test_a_sequence_number_again_with_other_content_is_not_carried_out() -> None:
    """§6.4; a heartbeat changes nothing and is answered."""

    async def scene(w: World) -> None:
        await w.active()
        (session,) = w.upf.sessions.values()
        w.upf.ask(DATA, sequence=77, seid=session.cp_f_seid.seid)
        answers = len(w.upf.answers)
        w.upf.ask(GONE, sequence=77, seid=session.cp_f_seid.seid)
        assert len(w.upf.answers) == answers
        w.upf.ask(DATA, sequence=77, seid=session.cp_f_seid.seid)
        w.upf.ask(pfcp.HeartbeatRequest(recovery_time_stamp=100), sequence=77)
        assert len(w.upf.answers) == answers + 2
        await asyncio.sleep(1)
        assert w.upf.sessions

    play(scene)


def test_what_is_kept_of_answered_requests_is_small() -> None:
    async def scene(w: World) -> None:
        filler = pfcp.AssociationUpdateRequest(node_id=NODE, unknown=[(0x7FFE, bytes(60000))])
        for number in range(50):
            w.upf.deliver(pfcp.encode(filler, sequence=1000 + number))
        held = w.smf.ports.n4._answered.values()
        assert sum(len(octets) for _, octets in held) < 50 * 100

    play(scene)
