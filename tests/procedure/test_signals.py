"""A network-initiated procedure is begun by its signal: `want` and `demand`."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Event, Refused, Signal, Subject, Why, procedure, run_virtual
from cinq.procedure.journal import Journal
from cinq.procedure.runtime import Runtime


class Doubled(Signal[int]):
    """What `number` is twice."""

    def __init__(self, number: int) -> None:
        self.number = number


class Unheard(Signal[None]):
    pass


class Counter(Subject[int]):
    def __init__(self) -> None:
        super().__init__(0, Runtime("TEST", Journal()))
        self.told: list[object] = []

    def send(self, message: object) -> None:
        self.told.append(message)


@procedure(opens=Doubled)
async def doubling(counter: Counter, wanted: Doubled) -> int:
    await asyncio.sleep(1)
    if wanted.number < 0:
        raise Refused("negative")
    counter.context = wanted.number
    return 2 * wanted.number


def test_demand_returns_the_result_in_turn() -> None:
    async def main() -> None:
        counter = Counter()
        assert await asyncio.gather(counter.demand(Doubled(1)), counter.demand(Doubled(2))) == [2, 4]
        assert counter.is_idle

    run_virtual(main())


def test_demand_raises_and_want_tells_the_peer() -> None:
    async def main() -> None:
        counter = Counter()
        with pytest.raises(Refused):
            await counter.demand(Doubled(-1))
        assert counter.told == []
        counter.want(Doubled(-1))
        counter.want(Doubled(3))
        await asyncio.sleep(3)
        assert counter.told == ["negative"]
        assert counter.context == 3

    run_virtual(main())


def test_a_signal_that_nobody_hears_is_a_mistake_of_the_caller() -> None:
    async def main() -> None:
        with pytest.raises(KeyError):
            Counter().want(Unheard())

    run_virtual(main())


def test_what_mends_a_refusal_is_in_its_event() -> None:
    class Never(Signal[None]):
        pass

    @procedure(opens=Never)
    async def never(counter: Counter, wanted: Never) -> None:
        raise Refused(None, Why("nobody is provisioned", "cinq subscriber add 1"))

    async def main() -> None:
        counter = Counter()
        events: list[Event] = []
        counter.runtime.journal.listen(events.append)
        counter.want(Never())
        await asyncio.sleep(1)
        (event,) = events
        assert event.cause == "refused: nobody is provisioned"
        assert event.mend == "cinq subscriber add 1"

    run_virtual(main())
