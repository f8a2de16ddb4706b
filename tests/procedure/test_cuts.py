"""Cut at every await, and random conversations: nothing leaks, sticks, or is silent without a reason."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.procedure import Aborted, Refused, TimerExpired, run_virtual

from .conversation import (
    Answer,
    Bye,
    ByeAccept,
    Complete,
    Hello,
    Note,
    Odd,
    Question,
    Status,
    calling,
    make,
    silences,
)

CUTS = 130  # milliseconds that the longest path lasts, and more


@pytest.mark.parametrize("how", ["bye", "stop", "abort"])
def test_cut_at_every_instant(how: str) -> None:
    async def cut(at: float) -> None:
        peer, _ = make()
        peer.answers[Question] = lambda question: Answer()
        peer.receive(Hello())
        await asyncio.sleep(at)
        match how:
            case "bye":
                peer.receive(Bye())
            case "stop":
                await peer.runtime.stop()
            case _:
                peer.abort("association lost")
        await asyncio.sleep(60)
        assert peer.is_idle
        assert peer.runtime.busy == 0
        assert peer.world.held == []
        if how == "bye":
            assert peer.sent[-1] == ByeAccept()

    for millisecond in range(CUTS):
        run_virtual(cut(millisecond / 1000 + 0.0005))
        run_virtual(cut(millisecond / 1000))


def test_second_cut_does_not_harm_the_undo() -> None:
    async def cut(first: float, second: float) -> None:
        peer, _ = make()
        peer.answers[Question] = lambda question: Answer()
        peer.receive(Hello())
        await asyncio.sleep(first)
        peer.receive(Bye())
        await asyncio.sleep(second)
        peer.receive(Hello("again"))
        peer.abort("again")
        await asyncio.sleep(120)
        assert peer.is_idle
        assert peer.world.held == []

    for first in range(0, 60, 7):
        for second in range(0, 60, 7):
            run_virtual(cut(first / 1000, second / 1000))


MESSAGES = st.sampled_from(
    [Hello(), Hello("b"), Hello("forbidden"), Answer(), Complete(), Bye(), Note(), Odd()]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), MESSAGES),
        st.tuples(st.just("pass"), st.sampled_from([0.0, 0.0, 0.001, 0.011, 0.03, 7.0])),
        st.tuples(st.just("perform"), st.integers(0, 3)),
        st.tuples(st.just("abort"), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(STEPS)
def test_random_conversations(steps: list[tuple[str, object]]) -> None:
    async def main() -> None:
        peer, journal = make()
        calls: list[asyncio.Future[int]] = []
        for verb, argument in steps:
            if verb == "receive":
                peer.receive(argument)
            elif verb == "perform" and isinstance(argument, int):
                calls.append(asyncio.ensure_future(peer.perform(calling, argument)))
            elif verb == "abort":
                peer.abort("cut")
            elif isinstance(argument, float):
                await asyncio.sleep(argument)
        await asyncio.sleep(2000)
        assert peer.is_idle
        assert peer.runtime.busy == 0
        assert peer.world.held.count("uecm") == peer.world.held.count("policy")
        if peer.context.state == "OUT":
            assert peer.world.held == []
        for call in calls:
            assert call.done()
            assert isinstance(call.exception(), (Refused, TimerExpired, Aborted, type(None)))
        assert all(event.cause for event in silences(journal))
        peer.receive(Odd())
        assert peer.sent[-1] == Status()

    run_virtual(main())


MARKED = st.lists(
    st.sampled_from(["hello", "other", "answer", "complete", "bye", "odd", "pass"]), max_size=15
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(MARKED)
def test_every_message_has_a_fate(names: list[str]) -> None:
    """Each message is consumed by a procedure, answered with Status, or reported. Counted one by one."""

    async def main() -> None:
        peer, journal = make()
        peer.world.delay = 0
        for name in names:
            before_sent, before_events, before_running = len(peer.sent), len(journal.kept()), peer.running
            awaited = peer.awaits(Answer) or peer.awaits(Complete)
            message = {
                "hello": Hello(),
                "other": Hello("b"),
                "answer": Answer(),
                "complete": Complete(),
                "bye": Bye(),
                "odd": Odd(),
            }.get(name)
            if message is None:
                await asyncio.sleep(0.5)
                continue
            peer.receive(message)
            await asyncio.sleep(0.001)
            moved = (
                len(peer.sent) > before_sent
                or len(journal.kept()) > before_events
                or peer.running is not before_running
                or (awaited and not peer.awaits(type(message)))
            )
            assert moved, f"{name} vanished"
        await peer.runtime.stop()

    run_virtual(main())
