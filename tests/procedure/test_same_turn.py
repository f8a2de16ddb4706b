"""An answer and an end in the same turn of the event loop: what came first counts first."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Aborted, run_virtual

from .conversation import Answer, Complete, Hello, Peer, Question, Reject, calling, causes, make


async def waiting(peer: Peer, answers: int) -> None:
    """A greeting that has had so many answers and waits for the next."""
    peer.receive(Hello())
    await asyncio.sleep(0.001)
    if answers:
        peer.receive(Answer())
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("first", ["answer", "end"])
def test_the_last_answer(first: str) -> None:
    async def main() -> None:
        peer, journal = make()
        await waiting(peer, 1)
        if first == "answer":
            peer.receive(Complete())
            assert peer.has_answer
            peer.abort("association lost")
        else:
            peer.abort("association lost")
            assert not peer.has_answer
            peer.receive(Complete())
        await asyncio.sleep(1)
        assert peer.is_idle
        assert peer.runtime.busy == 0
        done = first == "answer"
        assert peer.context.state == ("IN" if done else "OUT")
        assert peer.world.held == (["uecm", "policy"] if done else [])
        assert ("aborted: association lost" in causes(journal)) is not done

    run_virtual(main())


@pytest.mark.parametrize("answer", [Answer(), Reject()])
@pytest.mark.parametrize("first", ["answer", "end"])
def test_an_answer_that_is_not_the_last(first: str, answer: object) -> None:
    """It moves to its next await, and is ended there; one that the answer ends is over by itself."""

    async def main() -> None:
        peer, journal = make()
        await waiting(peer, 0)
        if first == "answer":
            peer.receive(answer)
            peer.abort("association lost")
        else:
            peer.abort("association lost")
            peer.receive(answer)
        peer.abort("again")
        await asyncio.sleep(1)
        assert peer.is_idle
        assert peer.world.held == []
        ended = "aborted: association lost" in causes(journal)
        assert ended is not (first == "answer" and isinstance(answer, Reject))
        assert "aborted: again" not in causes(journal)

    run_virtual(main())


def test_a_message_behind_the_end_is_judged_after_it() -> None:
    async def main() -> None:
        peer, _ = make()
        await waiting(peer, 0)
        peer.receive(Answer())
        peer.abort("association lost")
        peer.receive(Hello("b"))
        await asyncio.sleep(0.1)  # what the first has acquired is given back
        assert peer.opening == Hello("b")
        assert peer.sent == [Question(), Question()]
        peer.receive(Answer())
        await asyncio.sleep(0.1)
        peer.receive(Complete())
        await asyncio.sleep(0.1)
        assert (peer.context.state, peer.context.name) == ("IN", "b")
        assert peer.world.held == ["uecm", "policy"]

    run_virtual(main())


@pytest.mark.parametrize("how", ["abort", "stop"])
def test_who_waits_for_the_result_has_it(how: str) -> None:
    async def main() -> None:
        peer, _ = make()
        call = asyncio.ensure_future(peer.perform(calling, 4))
        await asyncio.sleep(0.001)
        peer.receive(Answer(4))
        if how == "abort":
            peer.abort("association lost")
        else:
            await peer.runtime.stop()
        assert await call == 8
        late = asyncio.ensure_future(peer.perform(calling, 4))
        await asyncio.sleep(0.001)
        peer.abort("association lost")
        peer.receive(Answer(4))
        with pytest.raises(Aborted):
            await late

    run_virtual(main())
