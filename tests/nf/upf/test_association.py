"""Associations from both sides, heartbeats, load, and SMFs that are not there any more. TS 29.244 §6.2."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address

from cinq.nf.upf import UPF, Settings
from cinq.transport_address import TransportAddress
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

from .peer import N3, N4, POOL, SMF, UE, Bench, establishment
from .steps import UE2, cause, forwards, virtual

NODE = pfcp.NodeId(IPv4Address(SMF[0]))
PLAIN = Settings(N4, TransportAddress(N3), (POOL,), (IPv4Address(SMF[0]),), heartbeat_s=10.0, grace_s=60.0)


def bench_of(settings: Settings) -> Bench:
    bench = Bench(SMF)
    entropy = bench.upf._registry._entropy
    bench.upf = UPF(settings, bench.port, bench.upf.runtime.clock, entropy, bench.journal)
    bench.upf.start(bench.plane)
    return bench


def asked(bench: Bench, kind: type[pfcp.Message]) -> list[pfcp.Message]:
    return [m for m in (pfcp.decode(octets) for octets, _ in bench.port.sent) if isinstance(m, kind)]


def answer_heartbeats(bench: Bench, recovery: int = 1000) -> None:
    for request in asked(bench, pfcp.HeartbeatRequest):
        answer = pfcp.HeartbeatResponse(recovery_time_stamp=recovery)
        bench.upf.n4_received(pfcp.encode(answer, sequence=request.sequence), SMF)
    bench.port.sent.clear()


@virtual
async def test_an_smf_that_is_silent_for_too_long_leaves_no_session() -> None:
    """The sessions go on for the grace time, then they are removed, and both is said."""
    bench = bench_of(PLAIN)
    bench.associate()
    _, teid = bench.session()
    for _ in range(3):
        await asyncio.sleep(10)
        answer_heartbeats(bench)
    await asyncio.sleep(30)
    assert "no answer to heartbeats; its sessions stay for 60 s" in [e.cause for e in bench.journal.kept()]
    assert forwards(bench, teid)
    await asyncio.sleep(65)
    assert len(bench.upf) == 0
    assert not forwards(bench, teid)
    assert "1 sessions without owner removed, silent for too long" in [e.cause for e in bench.journal.kept()]
    assert not bench.upf._registry.associations
    await bench.upf.stop()


@virtual
async def test_an_smf_that_comes_back_in_time_has_its_sessions() -> None:
    bench = bench_of(PLAIN)
    bench.associate()
    _, teid = bench.session()
    await asyncio.sleep(45)
    bench.port.sent.clear()
    assert bench.ask(pfcp.HeartbeatRequest(recovery_time_stamp=1000)) is not None
    for _ in range(8):
        answer_heartbeats(bench)
        await asyncio.sleep(10)
    assert forwards(bench, teid)
    assert len(bench.upf) == 1
    await bench.upf.stop()


@virtual
async def test_retention() -> None:
    """§6.2.6.2.2: an SMF that lost the way, not its sessions, asks to retain them; another setup ends them."""
    bench = bench_of(PLAIN)
    retain = pfcp.AssociationSetupRequest(
        node_id=NODE,
        recovery_time_stamp=1000,
        session_retention_information=pfcp.SessionRetentionInformation(),
    )
    first = bench.ask(retain)
    assert isinstance(first, pfcp.AssociationSetupResponse)
    assert first.asrsp_flags is None, "there was nothing to retain"
    _, teid = bench.session()
    again = bench.ask(retain)
    assert isinstance(again, pfcp.AssociationSetupResponse)
    assert again.asrsp_flags is not None
    assert again.asrsp_flags.has(1)
    assert forwards(bench, teid)
    bench.associate()
    assert not forwards(bench, teid)
    await bench.upf.stop()


@virtual
async def test_we_set_the_association_up() -> None:
    """§6.2.6.3, until it is there; an SMF that refuses is asked again."""
    bench = bench_of(replace(PLAIN, associates=True))
    (setup,) = asked(bench, pfcp.AssociationSetupRequest)
    assert isinstance(setup, pfcp.AssociationSetupRequest)
    assert setup.up_function_features is not None
    refused = pfcp.AssociationSetupResponse(
        node_id=NODE, cause=Cause.REQUEST_REJECTED, recovery_time_stamp=1000
    )
    bench.upf.n4_received(pfcp.encode(refused, sequence=setup.sequence), SMF)
    assert cause(bench.ask(establishment(), 0)) == Cause.NO_ESTABLISHED_PFCP_ASSOCIATION
    bench.port.sent.clear()
    await asyncio.sleep(10)
    (again,) = asked(bench, pfcp.AssociationSetupRequest)
    good = pfcp.AssociationSetupResponse(
        node_id=NODE,
        cause=Cause.REQUEST_ACCEPTED,
        recovery_time_stamp=1000,
        cp_function_features=pfcp.CpFunctionFeatures(pfcp.CpFunctionFeatures.LOAD),
    )
    bench.upf.n4_received(pfcp.encode(good, sequence=again.sequence), SMF)
    bench.session()
    await bench.upf.stop()


@virtual
async def test_load_is_told_to_those_who_take_it() -> None:
    """§6.2.3.3: per cent of the sessions there is room for; the sequence number says when it changed."""
    bench = bench_of(replace(PLAIN, max_sessions=4))
    bench.associate()
    answer = bench.ask(establishment(), 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.load_control_information is None
    features = pfcp.CpFunctionFeatures(pfcp.CpFunctionFeatures.LOAD)
    bench.ask(
        pfcp.AssociationSetupRequest(node_id=NODE, recovery_time_stamp=1000, cp_function_features=features)
    )
    said = []
    for number, ue in enumerate((UE, UE2)):
        answer = bench.ask(establishment(ue, 90 + number), 0)
        assert isinstance(answer, pfcp.SessionEstablishmentResponse)
        assert answer.load_control_information is not None
        said.append(answer.load_control_information)
    assert [each.metric for each in said] == [25, 50]
    assert said[1].sequence_number == said[0].sequence_number + 1
    await bench.upf.stop()


@virtual
async def test_a_upf_that_goes_asks_to_be_released() -> None:
    """§6.2.7.3, §6.2.8."""
    bench = bench_of(PLAIN)
    bench.associate()
    bench.session()
    leaving = asyncio.create_task(bench.upf.leave(5.0))
    await asyncio.sleep(0.1)
    (update,) = asked(bench, pfcp.AssociationUpdateRequest)
    assert isinstance(update, pfcp.AssociationUpdateRequest)
    assert update.association_release_request is not None
    assert not leaving.done()
    assert cause(bench.ask(pfcp.AssociationReleaseRequest(node_id=NODE))) == Cause.REQUEST_ACCEPTED
    await asyncio.sleep(0.1)
    assert leaving.done()
    assert len(bench.upf) == 0
    await bench.upf.stop()


@virtual
async def test_a_set_of_sessions_ends_together() -> None:
    """§6.2.10: those of the FQ-CSID, of this SMF; the rest goes on, and so does everything on a bad request."""
    bench = bench_of(PLAIN)
    bench.associate()
    csid, other = bytes.fromhex("010a04000100070008"), bytes.fromhex("010a0400010009")
    first, second = establishment(), establishment(UE2, 78)
    first.fq_csids, second.fq_csids = [csid, other], [other]
    for request in (first, second):
        assert cause(bench.ask(request, 0)) == Cause.REQUEST_ACCEPTED
    delete = pfcp.SessionSetDeletionRequest(node_id=NODE, fq_csids=[csid])
    stranger = pfcp.SessionSetDeletionRequest(node_id=pfcp.NodeId("elsewhere"), fq_csids=[csid])
    assert cause(bench.ask(stranger)) == Cause.NO_ESTABLISHED_PFCP_ASSOCIATION
    assert cause(bench.ask(pfcp.SessionSetDeletionRequest(node_id=NODE))) == Cause.CONDITIONAL_IE_MISSING
    assert len(bench.upf) == 2
    assert cause(bench.ask(delete)) == Cause.REQUEST_ACCEPTED
    (left,) = bench.upf._registry.sessions.values()
    assert left.pdrs[0].ue == UE2
    await bench.upf.stop()
