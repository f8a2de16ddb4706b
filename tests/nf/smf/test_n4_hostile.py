"""N4 of the SMF: who may say what, everything spoilt, answers that come twice. TS 29.244 §6.4, §7.6, DEV-076 to 078."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from cinq.nf.smf.n4 import Peer
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause
from tests.nf.upf.mutations import spoilt

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


def test_what_is_kept_of_answered_requests_is_small() -> None:
    async def scene(w: World) -> None:
        filler = pfcp.AssociationUpdateRequest(node_id=NODE, unknown=[(0x7FFE, bytes(60000))])
        for number in range(50):
            w.upf.deliver(pfcp.encode(filler, sequence=1000 + number))
        held = w.smf.ports.n4._answered.values()
        assert sum(len(octets) for _, octets in held) < 50 * 100

    play(scene)
