"""N4 of the UPF: every request in every state with every IE spoilt, and floods. TS 29.244 §7.6, DEV-060 to 075."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from cinq.nf.upf import n4
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

from .mutations import spoilt
from .peer import N3, OTHER_SMF, SMF, Bench, establishment, forward
from .steps import UE2, cause, downlink, forwards, virtual

NODE = pfcp.NodeId(IPv4Address(SMF[0]))
STRANGER = ("192.0.2.1", 8805)
OTHERS_UE, OTHERS_SEID = IPv4Address("10.45.0.99"), 5
CAUSES = frozenset(Cause)
REQUESTS: dict[str, tuple[pfcp.Message, bool]] = {
    "heartbeat": (pfcp.HeartbeatRequest(recovery_time_stamp=1000), False),
    "setup": (pfcp.AssociationSetupRequest(node_id=NODE, recovery_time_stamp=1000), False),
    "update": (pfcp.AssociationUpdateRequest(node_id=NODE), False),
    "release": (pfcp.AssociationReleaseRequest(node_id=NODE), False),
    "establishment": (establishment(UE2, 9), False),
    "modification": (pfcp.SessionModificationRequest(update_fars=[forward(end_marker=True)]), True),
    "deletion": (pfcp.SessionDeletionRequest(), True),
    "set deletion": (pfcp.SessionSetDeletionRequest(node_id=NODE), False),
    "a report": (pfcp.SessionReportRequest(report_type=pfcp.ReportType(pfcp.ReportType.DLDR)), True),
}


def others(bench: Bench) -> tuple[int, int]:
    """SEID and TEID of another SMF's session, which nothing may touch."""
    bench.associate(OTHER_SMF)
    request = establishment(OTHERS_UE, OTHERS_SEID, OTHER_SMF)
    answer = bench.ask(request, 0, OTHER_SMF)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    f_teid = answer.created_pdrs[0].f_teid
    assert answer.up_f_seid is not None
    assert f_teid is not None
    assert f_teid.teid is not None
    return answer.up_f_seid.seid, f_teid.teid


def _nothing(_: Bench) -> int:
    return 0x999


def _associated(bench: Bench) -> int:
    bench.associate()
    return 0x999


def _session(bench: Bench) -> int:
    bench.associate()
    return bench.session()[0]


def _deleted(bench: Bench) -> int:
    seid = _session(bench)
    bench.ask(pfcp.SessionDeletionRequest(), seid)
    return seid


def _began_anew(bench: Bench) -> int:
    seid = _session(bench)
    bench.associate(recovery=2000)
    return seid


def _of_another(bench: Bench) -> int:
    bench.associate()
    return next(iter(bench.upf._registry.sessions))


STATES: dict[str, Callable[[Bench], int]] = {
    "no association": _nothing,
    "association": _associated,
    "session": _session,
    "deleted": _deleted,
    "the SMF began anew": _began_anew,
    "another SMF's session": _of_another,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", REQUESTS)
@virtual
async def test_spoilt_requests(name: str, state: str) -> None:
    """An answer of the right kind with a cause of the table, or silence; the other SMF's session still works."""
    request, with_seid = REQUESTS[name]
    response = type(request).TYPE + 1
    sequence = 100_000
    bench = Bench(SMF, OTHER_SMF)
    seid, teid = others(bench)
    own = STATES[state](bench)
    good = pfcp.encode(request, sequence=0, seid=own if with_seid else 0)
    at = 12 if request.SESSION else 4
    for what, octets in spoilt(good):
        sequence += 1
        octets = octets[:at] + sequence.to_bytes(3, "big") + octets[at + 3 :]
        answer = bench.send(octets)
        if answer is not None:
            assert answer.TYPE in (response, pfcp.VersionNotSupportedResponse.TYPE), what
            assert getattr(answer, "cause", 1) in CAUSES, what
            assert answer.sequence == sequence or "flag" in what, what
            assert answer.seid != OTHERS_SEID, what
        assert forwards(bench, teid, OTHERS_UE), what
        assert seid in bench.upf._registry.sessions, what
        assert len(bench.upf) <= 3, what
        bench.plane.sent.clear()
    assert forwards(bench, teid, OTHERS_UE)
    nothing_is_left(bench, seid)


def nothing_is_left(bench: Bench, seid: int) -> None:
    """Both SMFs go: no session, TEID, address, far end or association stays, here or in the plane."""
    bench.ask(pfcp.SessionDeletionRequest(), seid, OTHER_SMF)
    for peer in (SMF, OTHER_SMF):
        bench.associate(peer)
        bench.ask(pfcp.AssociationReleaseRequest(node_id=pfcp.NodeId(IPv4Address(peer[0]))), peer=peer)
    registry, plane = bench.upf._registry, bench.plane.model.registry
    left = dict(registry.associations)
    for association in left.values():  # of Node IDs that were spoilt
        release = pfcp.AssociationReleaseRequest(node_id=association.node_id)
        bench.ask(release, peer=(association.address, 8805))
    tables = registry.associations, registry.sessions, registry._teids, registry._ues, registry._remote
    assert [len(each) for each in (*tables, plane.sessions, plane.teids, plane.ues)] == [0] * 8
    assert not bench.upf._n4._reports


@virtual
async def test_a_stranger_gets_no_more_than_one_refusal() -> None:
    """DEV-060: whatever is read or cannot be read, no memory is spent, and repeats of SMFs are still known."""
    bench = Bench(SMF, OTHER_SMF)
    seid, teid = others(bench)
    for name, (request, _) in REQUESTS.items():
        for what, octets in spoilt(pfcp.encode(request, sequence=7, seid=seid)):
            answer = bench.send(octets, STRANGER)
            refused = isinstance(answer, pfcp.AssociationSetupResponse)
            assert answer is None or (refused and cause(answer) == Cause.REQUEST_REJECTED), (name, what)
    kept = bench.upf._n4._answers
    assert STRANGER[0] not in kept._latest
    filled = kept._filled
    for number in range(3000):
        bench.send(pfcp.encode(REQUESTS["setup"][0], sequence=number), (f"192.0.{number % 200}.9", 8805))
    assert kept._filled == filled
    assert forwards(bench, teid, OTHERS_UE)


@virtual
async def test_an_unreadable_request_of_a_session_is_answered_to_its_seid() -> None:
    """§7.2.2.4.2: SEID 0 is for sessions that are not there."""
    bench = Bench(SMF, OTHER_SMF)
    others(bench)
    bench.associate()
    seid, _ = bench.session()
    update = forward()
    update.unknown = [(3, b"")]
    octets = pfcp.encode(pfcp.SessionModificationRequest(update_fars=[update]), sequence=3, seid=seid)
    spoilt_far = octets.replace(
        bytes.fromhex("006c000400000002"), bytes.fromhex("006c000300000000")[:7] + b"\0", 1
    )
    for peer, expected in ((SMF, 77), (OTHER_SMF, 0)):
        answer = bench.send(spoilt_far, peer)
        assert answer is not None
        assert cause(answer) in (Cause.INVALID_LENGTH, Cause.MANDATORY_IE_MISSING)
        assert answer.seid == expected


@pytest.mark.parametrize("address", ["0.0.0.9", "224.0.0.1", "255.255.255.255", str(N3)])
@virtual
async def test_downlink_goes_to_a_host_that_is_not_us(address: str) -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    request = pfcp.SessionModificationRequest(update_fars=[forward(peer=IPv4Address(address))])
    assert cause(bench.ask(request, seid)) in (
        Cause.MANDATORY_IE_INCORRECT,
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
    )
    assert "Buffered" in str(downlink(bench))


@virtual
async def test_floods_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions until the plane is full, setups and heartbeats in any number: memory has a bound, others live."""
    monkeypatch.setattr(n4, "ROOM", 200_000)
    bench = Bench(SMF, OTHER_SMF)
    seid, teid = others(bench)
    bench.associate()
    answers = [cause(bench.ask(establishment(IPv4Address("10.45.1.0") + n, 1000 + n), 0)) for n in range(300)]
    assert answers.count(Cause.REQUEST_ACCEPTED) == 99
    assert set(answers[99:]) == {Cause.NO_RESOURCES_AVAILABLE}
    assert len(bench.upf._registry._teids) == 100
    for number in range(1500):
        bench.associate(node=f"10.9.{number % 200}.1")
        bench.ask(pfcp.HeartbeatRequest(recovery_time_stamp=number % 900))
    kept = bench.upf._n4._answers
    assert kept._filled <= 200_000
    assert len(bench.upf._registry.associations) == 16
    assert forwards(bench, teid, OTHERS_UE)
    assert seid in bench.upf._registry.sessions
    bench.upf._n4.stop()


@virtual
async def test_only_a_report_response_answers_a_report() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    bench.upf.buffered(seid)
    report = pfcp.decode(bench.port.sent[-1][0])
    other = pfcp.HeartbeatResponse(recovery_time_stamp=1)
    bench.upf.n4_received(pfcp.encode(other, sequence=report.sequence), SMF)
    assert bench.upf._n4._reports
    done = pfcp.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED)
    bench.upf.n4_received(pfcp.encode(done, sequence=report.sequence, seid=seid), SMF)
    assert not bench.upf._n4._reports
