"""Timers of one duration share one of the loop; what is handed over inside a process comes in order, in its turn."""

from __future__ import annotations

import asyncio

from cinq.procedure import Inside, Runtime, run_virtual


class Timed:
    """Says when it expired."""

    def __init__(self, name: str, said: list[tuple[str, float]], runtime: Runtime, again: int = 0) -> None:
        self.name, self.said, self.runtime, self.again = name, said, runtime, again
        self.due: float | None = None

    def expired(self) -> None:
        self.said.append((self.name, asyncio.get_running_loop().time()))
        if self.again:
            self.again -= 1
            self.runtime.start_timer(2.0, self)


def play(scene: str) -> list[tuple[str, float]]:
    said: list[tuple[str, float]] = []

    async def main() -> None:
        runtime, loop = Runtime("T"), asyncio.get_running_loop()
        begun = loop.time()
        first, second, third = (
            Timed(name, said, runtime, again=name == "second") for name in ("first", "second", "third")
        )
        runtime.start_timer(2.0, first)
        await asyncio.sleep(0.5)
        runtime.start_timer(2.0, second)
        runtime.start_timer(1.0, third)
        if scene == "stopped":
            first.due = None
        if scene == "runtime stopped":
            await runtime.stop()
        await asyncio.sleep(10)
        said[:] = [(name, at - begun) for name, at in said]

    run_virtual(main())
    return said


def test_each_expires_at_its_time() -> None:
    """In the order of time, and one that starts itself anew once more."""
    assert play("all") == [("third", 1.5), ("first", 2.0), ("second", 2.5), ("second", 4.5)]


def test_one_that_was_stopped_does_not() -> None:
    assert play("stopped") == [("third", 1.5), ("second", 2.5), ("second", 4.5)]


def test_nothing_expires_in_a_runtime_that_has_stopped() -> None:
    assert play("runtime stopped") == []


def test_what_was_stopped_is_let_go_of() -> None:
    """At the next start: thousands that were answered leave nothing behind."""

    async def main() -> int:
        runtime, said = Runtime("T"), list[tuple[str, float]]()
        for number in range(1000):
            timed = Timed(str(number), said, runtime)
            runtime.start_timer(6.0, timed)
            timed.due = None
        return len(runtime._expiries[6.0]._running)

    assert run_virtual(main()) == 1


def test_handed_over_in_order_and_with_turns_between() -> None:
    """A bug costs the one message, and others have their turn before the last of many has come."""

    async def main() -> tuple[list[int], int]:
        heard: list[int] = []

        def deliver(number: int) -> None:
            if number == 3:
                raise ValueError("a bug")
            heard.append(number)

        way = Inside(deliver)
        for number in range(40):
            way.send(number)
        assert heard == []
        await asyncio.sleep(0)
        way.send(40)
        after_a_turn = len(heard)
        await asyncio.sleep(1)
        return heard, after_a_turn

    heard, after_a_turn = run_virtual(main())
    assert heard == [n for n in range(41) if n != 3]
    assert 0 < after_a_turn < 40
