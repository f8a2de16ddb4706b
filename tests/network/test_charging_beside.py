"""A CHF that is slow, silent or back again: the session's procedures never wait for it, and it hears all once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.sbi import Problem
from cinq.sbi.services.nchf_convergedcharging import ChargingDataRequest
from tests.network.test_charging import NUMBER, SUPI_TEXT, Meter, account, counted, sent
from tests.network.through import Path, play

Update = Callable[[str, ChargingDataRequest], Awaitable[object]]


class Chf:
    """The CHF as the SMF reaches it. delay: of answers to updates, in seconds. deaf: it never hears them; silent: it
    does, and no answer comes. asked: the sequence numbers of what was sent, whether it came or not."""

    def __init__(self, path: Path) -> None:
        self.client = path.network.smf.ports.chf
        self._update: Update = self.client.update
        self.client.update = self.update  # type: ignore[method-assign, assignment]
        self.delay, self.deaf, self.silent = 0.0, False, False
        self.asked: list[tuple[int, bool]] = []

    async def update(self, ref: str, body: ChargingDataRequest) -> object:
        self.asked.append((body.invocation_sequence_number, body.retransmission_indicator))
        if self.deaf:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE")
        answer = await self._update(ref, body)
        await asyncio.sleep(self.delay)
        if self.silent:
            raise Problem(504, "TIMED_OUT_REQUEST")
        return answer


async def in_no_time(work: Awaitable[object]) -> None:
    """It has nothing to wait for that takes more than a second."""
    async with asyncio.timeout(1):
        await work


def test_a_release_does_not_wait_for_a_slow_chf() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter, chf = Meter(path), Chf(path)
        chf.delay = 4.5
        assert sent(path, session, 9000)
        await counted()
        assert chf.asked
        await in_no_time(ue.release_session(NUMBER))
        assert NUMBER not in ue.sessions
        await asyncio.sleep(0.1)
        assert not path.network.smf.sessions.by_ref
        await asyncio.sleep(15)
        assert meter.balance == Decimal("0.91")
        assert meter.recorded == Decimal("0.09")
        assert not list(path.network.store.items("charging-untold"))

    play(scene, charged=account())


def test_a_service_request_and_a_new_session_do_not_wait_for_a_slow_chf() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        chf = Chf(path)
        chf.delay = 4.5
        assert sent(path, session, 9000)
        await counted()
        smf = path.network.smf.sessions.by_identity[SUPI_TEXT, NUMBER]
        assert smf.running is None
        assert smf.is_idle  # it has not lost its turn
        await in_no_time(ue.release_session(NUMBER))
        await in_no_time(ue.establish_session())
        await asyncio.sleep(15)
        assert Meter(path).recorded == Decimal("0.09")

    play(scene, charged=account())


@pytest.mark.parametrize("heard", [False, True])
def test_what_has_no_answer_is_asked_again_as_it_was(heard: bool) -> None:
    """Whether the CHF heard it or not, it counts once; what was used meanwhile comes afterwards."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter, chf = Meter(path), Chf(path)
        chf.deaf, chf.silent = not heard, heard
        assert sent(path, session, 9000)
        await counted()
        assert chf.asked == [(1, False)]
        assert sent(path, session, 1000)
        chf.deaf = chf.silent = False
        await asyncio.sleep(12)
        assert chf.asked[1] == (1, True)
        assert meter.balance == Decimal("0.90" if len(chf.asked) > 2 else "0.91")
        assert sent(path, session, 1000)
        await ue.release_session(NUMBER)
        await counted()
        assert meter.balance == Decimal("0.89")
        assert meter.recorded == Decimal("0.11")

    play(scene, charged=account())


@pytest.mark.parametrize("heard", [False, True])
def test_a_release_while_something_has_no_answer(heard: bool) -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter, chf = Meter(path), Chf(path)
        chf.deaf, chf.silent = not heard, heard
        assert sent(path, session, 9000)
        await counted()
        assert sent(path, session, 1000)
        await in_no_time(ue.release_session(NUMBER))
        await asyncio.sleep(25)
        assert meter.recorded == 0
        chf.deaf = chf.silent = False
        await asyncio.sleep(12)
        assert meter.recorded == Decimal("0.10")
        assert meter.balance == Decimal("0.90")
        assert {number for number, _ in chf.asked} == {1}

    play(scene, charged=account())


def test_a_chf_that_stays_away_ends_the_session_after_some_attempts() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter, chf = Meter(path), Chf(path)
        chf.deaf = True
        assert sent(path, session, 9000)
        await asyncio.sleep(15)
        assert NUMBER in ue.sessions
        await asyncio.sleep(45)
        assert NUMBER not in ue.sessions
        assert len(chf.asked) >= 3
        chf.deaf = False
        await asyncio.sleep(12)
        assert meter.recorded == Decimal("0.09")

    play(scene, charged=account())


def test_a_session_that_goes_on_without_a_chf() -> None:
    """Used up quota does not close it, and all is told when the CHF is back."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter, chf = Meter(path), Chf(path)
        object.__setattr__(path.network.smf.ports.settings.charging, "goes_on_without", True)
        chf.deaf = True
        assert sent(path, session, 12_000)
        await counted()
        await asyncio.sleep(12)
        assert sent(path, session, 5_000)
        await asyncio.sleep(60)
        assert NUMBER in ue.sessions
        chf.deaf = False
        await ue.release_session(NUMBER)
        await asyncio.sleep(12)
        assert meter.recorded == Decimal("0.17")
        assert meter.balance == Decimal("0.83")

    play(scene, charged=account())
