"""Mailbox, verdicts, timers, undo, turns."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from cinq.procedure import Aborted, Refused, TimerExpired, run_virtual

from .conversation import (
    Accept,
    Answer,
    Bye,
    ByeAccept,
    Complete,
    Hello,
    Note,
    Noted,
    Odd,
    Peer,
    Question,
    Reject,
    Status,
    calling,
    causes,
    make,
)


def test_happy() -> None:
    async def main() -> None:
        peer, _ = make()
        peer.receive(Hello("x"))
        await asyncio.sleep(0.001)
        assert peer.sent == [Question(1)]
        peer.receive(Answer(1))
        await asyncio.sleep(1)
        assert peer.sent == [Question(1), Accept()]
        peer.receive(Complete())
        await asyncio.sleep(1)
        assert (peer.context.state, peer.context.name) == ("IN", "x")
        assert peer.stores == [peer.context]
        assert peer.world.held == ["uecm", "policy"]
        assert peer.is_idle
        assert peer.runtime.busy == 0

    run_virtual(main())


def test_retransmits_then_expires_with_a_reason() -> None:
    async def main() -> None:
        peer, journal = make()
        start = asyncio.get_running_loop().time()
        peer.receive(Hello())
        await asyncio.sleep(29.9)
        assert peer.sent == [Question(1)] * 5
        assert not peer.is_idle
        await asyncio.sleep(0.2)
        assert asyncio.get_running_loop().time() - start == pytest.approx(30.1)
        assert peer.is_idle
        assert causes(journal) == ["T1 expired"]

    run_virtual(main())


def test_messages_of_one_loop_pass_are_not_lost() -> None:
    """Answer, then the same again and a note, before the procedure has moved: none is lost."""

    async def main() -> None:
        peer, _ = make()
        peer.world.delay = 0
        peer.receive(Hello())
        peer.receive(Note())  # the procedure has not begun
        await asyncio.sleep(0.001)
        assert peer.sent == [Question(1), Noted()]
        peer.receive(Answer(1))
        peer.receive(Complete())  # came before Accept was sent: it answers nothing
        await asyncio.sleep(0.001)
        assert peer.sent == [Question(1), Noted(), Status(), Accept()]
        peer.receive(Complete())
        peer.receive(Note())
        await asyncio.sleep(0.001)
        assert peer.context.state == "IN"
        assert peer.context.notes == 2

    run_virtual(main())


def test_status_for_what_fits_no_state() -> None:
    async def main() -> None:
        peer, _ = make()
        peer.receive(Odd())
        assert peer.sent == [Status()]
        assert peer.is_idle
        peer.receive(Hello())
        await asyncio.sleep(0)
        peer.receive(Odd())
        assert peer.sent == [Status(), Question(1), Status()]

    run_virtual(main())


def test_ignore_and_resend() -> None:
    async def main() -> None:
        peer, journal = make()
        peer.receive(Hello())
        await asyncio.sleep(0.001)
        peer.receive(Hello())
        assert peer.sent == [Question(1)]
        assert causes(journal) == ["ignored: the same request is under way"]
        peer.receive(Answer())
        await asyncio.sleep(1)
        peer.receive(Hello())
        assert peer.sent == [Question(1), Accept(), Accept()]

    run_virtual(main())


def test_abort_undoes_then_takes_the_new_one() -> None:
    async def main() -> None:
        peer, journal = make()
        peer.receive(Hello("a"))
        await asyncio.sleep(0.001)
        peer.receive(Answer())
        await asyncio.sleep(0.015)
        assert peer.world.held == ["uecm"]  # the first grab is still under way
        peer.receive(Hello("b"))
        peer.receive(Note())  # judged when the abort has ended
        await asyncio.sleep(0.1)
        assert peer.world.held == []
        assert peer.sent == [Question(1), Question(1), Noted()]
        assert peer.opening == Hello("b")
        assert "aborted: Hello" in causes(journal)

    run_virtual(main())


def test_defer_until_the_end() -> None:
    async def main() -> None:
        peer, _ = make()
        peer.world.held = ["x"]
        peer.receive(Bye())
        await asyncio.sleep(0.001)
        peer.receive(Hello())
        await asyncio.sleep(0.001)
        assert peer.sent == []
        await asyncio.sleep(0.1)
        assert peer.sent == [ByeAccept(), Question(1)]

    run_virtual(main())


def test_refused_tells_its_answer() -> None:
    async def main() -> None:
        peer, _ = make()
        peer.receive(Hello("forbidden"))
        await asyncio.sleep(0)
        assert peer.sent == [Reject(3)]
        assert peer.is_idle

    run_virtual(main())


def test_bug_ends_one_procedure_loudly(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        peer, journal = make()
        peer.receive(Hello("bug"))
        await asyncio.sleep(0)
        assert peer.is_idle
        assert "ended by a bug: KeyError" in causes(journal)[0]
        peer.receive(Hello())
        await asyncio.sleep(0)
        assert peer.sent == [Question(1)]

    with caplog.at_level(logging.ERROR):
        run_virtual(main())
    assert "a bug of the procedure" in caplog.text


def test_perform_waits_for_its_turn() -> None:
    async def main() -> None:
        peer, _ = make()
        peer.answers[Question] = lambda question: Answer(question.number)  # type: ignore[attr-defined]
        first, second = await asyncio.gather(peer.perform(calling, 4), peer.perform(calling, 5))
        assert (first, second) == (8, 10)
        assert peer.sent == [Question(4), Question(5)]
        assert peer.is_idle

    run_virtual(main())


def test_perform_raises_what_ended_it() -> None:
    async def main() -> None:
        peer, _ = make()
        with pytest.raises(Refused):
            await peer.perform(calling, 0)
        assert peer.sent == []
        with pytest.raises(TimerExpired):
            await peer.perform(calling, 1)
        caller = asyncio.ensure_future(peer.perform(calling, 1))
        await asyncio.sleep(0.001)
        peer.receive(Bye())
        with pytest.raises(Aborted):
            await caller
        await asyncio.sleep(0.1)
        assert peer.sent[-1] == ByeAccept()
        assert peer.is_idle

    run_virtual(main())


def test_a_caller_that_gave_up_has_no_turn() -> None:
    async def main() -> None:
        peer, _ = make()
        first = asyncio.ensure_future(peer.perform(calling, 1))
        second = asyncio.ensure_future(peer.perform(calling, 2))
        await asyncio.sleep(0.001)
        second.cancel()
        peer.receive(Answer(1))
        assert await first == 2
        await asyncio.sleep(1)
        assert peer.sent == [Question(1)]
        assert peer.is_idle

    run_virtual(main())


def test_stop_undoes_everything() -> None:
    async def main() -> None:
        peer, journal = make()
        peer.receive(Hello())
        await asyncio.sleep(0.001)
        peer.receive(Answer())
        await asyncio.sleep(0.045)
        waiting = asyncio.ensure_future(peer.perform(calling, 1))
        await asyncio.sleep(0.001)
        assert peer.world.held == ["uecm", "policy"]
        await peer.runtime.stop()
        assert peer.world.held == []
        assert peer.runtime.busy == 0
        with pytest.raises(Aborted):
            await waiting
        peer.receive(Hello())
        assert causes(journal)[-1] == "ignored: stopping"

    run_virtual(main())


def test_mailbox_is_bounded() -> None:
    async def main() -> None:
        peer, journal = make()
        peer.world.held = ["x"]
        peer.receive(Bye())
        await asyncio.sleep(0.001)
        for _ in range(100):
            peer.receive(Hello())
            await asyncio.sleep(0)
        assert causes(journal).count("ignored: 64 messages wait already") == 0  # deferred one by one
        peer, journal = make()
        peer.receive(Bye())
        for _ in range(100):
            peer.receive(Hello())
        assert causes(journal).count("ignored: 64 messages wait already") == 36

    run_virtual(main())


def test_own_procedure_may_not_be_waited_for() -> None:
    async def main() -> None:
        peer, journal = make()

        async def selfish() -> None:
            await peer.perform(calling, 1)

        peer.beside(selfish, "selfish")  # beside is no deadlock
        await asyncio.sleep(0.001)
        peer.receive(Answer())
        await asyncio.sleep(0.001)
        assert peer.is_idle
        assert causes(journal) == []

    run_virtual(main())


def test_cost_of_four_asks() -> None:
    """Measured loosely: the figure is in the report, the bound only catches a blunder."""

    async def main() -> float:
        peer, _ = make(keep=0)
        peer.answers[Question] = lambda question: Answer(1)
        loops = 300

        async def four() -> None:
            for _ in range(loops):
                await peer.perform(calling, 1)

        start = time.process_time()
        await four()
        return (time.process_time() - start) / loops

    assert run_virtual(main()) < 0.001


def test_idle_costs_nothing() -> None:
    peer, _ = make()
    assert peer._activity is None
    assert not hasattr(peer, "__dict__") or Peer.__dictoffset__ == 0
