"""Requests that arrive again, TS 29.244 §6.4: answered from memory for as long as an SMF may repeat them."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.upf import n4
from cinq.nf.upf.n4 import Answers
from cinq.wire import pfcp

from .peer import OTHER_SMF, SMF, Bench, establishment
from .steps import UE2, virtual

TURN_S = 9.0  # T1 * N1


@virtual
async def test_late_repeat_at_a_high_rate_does_nothing() -> None:
    bench = Bench(SMF)
    bench.associate()
    first = pfcp.encode(establishment(), sequence=70_000, seid=0)
    answer = bench.send(first)
    unknown = pfcp.SessionDeletionRequest()
    for number in range(9000):  # a thousand in each second
        bench.send(pfcp.encode(unknown, sequence=1000 + number, seid=5))
        if number % 1000 == 999:
            await asyncio.sleep(0.99)
    assert bench.send(first) == answer
    assert len(bench.upf) == 1


@virtual
async def test_nothing_is_kept_by_an_idle_upf() -> None:
    answers = Answers(TURN_S)
    answers.keep(("a", 1), 1, b"request", b"response")
    await asyncio.sleep(TURN_S + 1)
    answers.keep(("a", 1), 2, b"request", b"response 2")
    assert answers.find(("a", 1), 1, b"request") == b"response"
    await asyncio.sleep(TURN_S)
    assert answers.find(("a", 1), 1, b"request") is None
    assert answers.find(("a", 1), 2, b"request") == b"response 2"
    await asyncio.sleep(2 * TURN_S)
    assert answers.find(("a", 1), 2, b"request") is None
    assert answers._timer is None


@virtual
async def test_answers_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(n4, "ROOM", 100_000)
    answers = Answers(TURN_S)
    for number in range(5000):
        answers.keep((f"peer {number % 50}", 1), number, b"request", bytes(100))
        held = [each for turn in (answers._latest, answers._older) for each in turn.values()]
        assert sum(len(each) for each in held) * (100 + n4.KEPT_ASIDE) <= 2 * n4.ROOM
    assert answers.find(("peer 49", 1), 4999, b"request") == bytes(100)


@virtual
async def test_other_octets_or_another_port_are_no_repeat() -> None:
    answers = Answers(TURN_S)
    answers.keep(("a", 1), 1, b"request", b"response")
    assert answers.find(("a", 1), 1, b"another") == b""
    assert answers.find(("a", 2), 1, b"another") is None
    assert answers.find(("b", 1), 1, b"request") is None


@virtual
async def test_a_sequence_number_again_with_other_content_is_not_carried_out() -> None:
    bench = Bench(SMF)
    bench.associate()
    first = bench.send(pfcp.encode(establishment(), sequence=500, seid=0))
    assert bench.send(pfcp.encode(establishment(UE2, 78), sequence=500, seid=0)) is None
    assert len(bench.upf) == 1
    assert bench.journal.kept()[-1].cause == "sequence number 500 again, with other content"
    assert bench.send(pfcp.encode(establishment(), sequence=500, seid=0)) == first
    assert bench.send(pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1000), sequence=500)) is not None
    assert bench.associate() is not None, "an SMF that begins anew counts anew"


@virtual
async def test_an_smf_that_begins_anew_means_new_requests() -> None:
    bench = Bench(SMF, OTHER_SMF)
    for peer in (SMF, OTHER_SMF):
        bench.associate(peer)
    octets = [pfcp.encode(establishment(cp_seid=n), sequence=99, seid=0) for n in (1, 2)]
    bench.send(octets[0])
    other = bench.send(octets[1], OTHER_SMF)
    bench.associate(recovery=2000)
    assert len(bench.upf) == 0
    again = bench.send(octets[0])
    assert isinstance(again, pfcp.SessionEstablishmentResponse)
    assert again.cause == pfcp.Cause.REQUEST_ACCEPTED
    assert len(bench.upf) == 1
    assert bench.send(octets[1], OTHER_SMF) == other
