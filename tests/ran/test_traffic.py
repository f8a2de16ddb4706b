"""Traffic profiles and their figures: what is sent, what a responder gives, what counts as lost, late and jittery."""

from __future__ import annotations

import asyncio
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.procedure import run_virtual
from cinq.ran.traffic import (
    COOKIE,
    HEADER,
    LATE_S,
    MARK,
    MOST_REPLY,
    MOST_WAITING,
    NO_COOKIE,
    PART,
    REQUEST,
    Figures,
    Meter,
    Profile,
    Responder,
    Stream,
    peer_of,
    steps,
)
from cinq.ran.ue.settings import SessionSettings

PEER, UE = ("10.6.0.2", 5600), ("10.45.0.2", 40000)


class Path:
    """Between a stream and a responder. delay: seconds of each way of the n-th datagram from the UE, None: lost."""

    def __init__(self, delay: list[float | None]) -> None:
        self.responder, self.delays, self.count = Responder(b"secret"), delay, 0
        self.stream: Stream | None = None

    def send(self, octets: bytes, to: tuple[str, int]) -> None:
        assert to == PEER
        delay = self.delays[self.count % len(self.delays)]
        self.count += 1
        if delay is None:
            return
        loop = asyncio.get_running_loop()
        for answer in self.responder.answer(octets, UE):
            assert self.stream is not None
            loop.call_later(2 * delay, self.stream.received, answer, PEER)


def run(profile: Profile, seconds: float, delay: list[float | None]) -> tuple[Figures, Path]:
    async def main() -> tuple[Figures, Path]:
        loop, path = asyncio.get_running_loop(), Path(delay)
        path.stream = stream = Stream(path, PEER, steps(profile, 80_000, Random(1)), loop.time)
        task = loop.create_task(stream.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.sleep(LATE_S + 1)
        return stream.meter.figures(loop.time()), path

    return run_virtual(main())


@pytest.mark.parametrize(("profile", "per_second"), [("constant", 10), ("voice", 50), ("video", 25 * 9 + 25)])
def test_a_profile_on_a_good_path(profile: Profile, per_second: int) -> None:
    found, _ = run(profile, 10.0, [0.01])
    assert (found.lost, found.loss) == (0, 0.0)
    assert found.received == found.sent == pytest.approx(10 * per_second, rel=0.05)
    assert found.delay_ms == found.least_ms == found.most_ms == pytest.approx(20, abs=0.01)
    assert found.jitter_ms == pytest.approx(0, abs=0.01)


def test_web_is_pages_and_pauses() -> None:
    found = list(islice(steps("web", 0, Random(7)), 2000))
    pauses = [wait for wait, _, _ in found if wait != 0.01]
    assert 100 < len(pauses) < 500
    assert 3 < sum(pauses) / len(pauses) < 7
    assert all(0 < wanted <= MOST_REPLY for _, _, wanted in found)
    seen, _ = run("web", 60.0, [0.02])
    assert seen.received == seen.sent > 20


def test_what_is_lost_and_what_is_late() -> None:
    """Each fourth is lost, after the one that gets the cookie."""
    found, _ = run("voice", 10.0, [0.005, 0.005, None, 0.005])
    assert found.sent == found.received + found.lost
    assert found.loss == pytest.approx(0.25, abs=0.01)
    late, _ = run("voice", 10.0, [0.005, LATE_S])
    assert late.loss == pytest.approx(0.5, abs=0.01)


def test_jitter_is_that_of_rfc_3550() -> None:
    meter, expected, before = Meter(), 0.0, None
    for number in range(100):
        delay = 0.02 if number % 2 else 0.03
        meter.sent(number, 1, number)
        meter.heard(number, 0, 100, number + delay)
        if before is not None:
            expected += (abs(delay - before) - expected) / 16
        before = delay
    found = meter.figures(100)
    assert found.jitter_ms == pytest.approx(1000 * expected, abs=0.001)
    assert (found.least_ms, found.most_ms, found.delay_ms) == (20, 30, 25)
    assert found.octets == 100 * 100


def test_what_comes_twice_or_unasked_counts_once() -> None:
    meter = Meter()
    meter.sent(1, 2, 0)
    assert meter.heard(1, 0, 10, 0.1)
    assert not meter.heard(1, 0, 10, 0.1)
    assert not meter.heard(1, 2, 10, 0.1)
    assert not meter.heard(9, 0, 10, 0.1)
    assert meter.figures(LATE_S + 1).lost == 1
    assert not meter.heard(1, 1, 10, 5)
    for number in range(MOST_WAITING + 10):
        meter.sent(number + 10, 1, 10)
    assert meter.figures(10).lost == 11, "no more wait than there is room for"


def test_a_responder_that_floods_nobody() -> None:
    """Without the cookie of the address it gives no more than it got."""
    responder = Responder(b"secret")
    asked = HEADER.pack(MARK, REQUEST, 0, 1, 0, NO_COOKIE, MOST_REPLY)
    (cookie,) = responder.answer(asked, UE)
    assert len(cookie) <= len(asked)
    assert HEADER.unpack(cookie)[1] == COOKIE
    mine = HEADER.unpack(cookie)[5]
    paid = HEADER.pack(MARK, REQUEST, 0, 1, 0, mine, 1 << 31)
    answers = responder.answer(paid, UE)
    assert (len(answers), max(map(len, answers))) == (-(-MOST_REPLY // PART), PART)
    assert sum(map(len, answers)) == MOST_REPLY
    (again,) = responder.answer(paid, ("10.45.0.3", 40000))
    assert HEADER.unpack(again)[1] == COOKIE, "another's cookie"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(octets=st.binary(max_size=80), known=st.booleans())
def test_any_octets(octets: bytes, known: bool) -> None:
    responder = Responder(b"secret")
    whole = MARK + octets if known else octets
    assert len(b"".join(responder.answer(whole, UE))) <= max(len(whole), HEADER.size)

    async def main() -> None:
        stream = Stream(Path([None]), PEER, steps("voice", 0, Random(1)), asyncio.get_running_loop().time)
        stream.received(whole, PEER)
        stream.received(whole, UE)
        assert stream.meter.figures(0) == Figures()

    run_virtual(main())


def test_how_a_peer_is_written() -> None:
    assert peer_of("10.6.0.2") == ("10.6.0.2", 5600)
    assert peer_of("10.6.0.2:7") == ("10.6.0.2", 7)
    assert peer_of("2001:db8::1") == ("2001:db8::1", 5600)
    assert peer_of("[2001:db8::1]:7") == ("2001:db8::1", 7)
    for wrong in ("", "host", "10.6.0.2:0", "10.6.0.2:x", "[2001:db8::1]:99999", "10.6.0"):
        with pytest.raises(ValueError, match="wanted an address and a port"):
            peer_of(wrong)


WRONG = {
    "traffic_peer: found '', wanted an address and a port": {"traffic": "voice"},
    "traffic_rate: found 0 bps, wanted 1 Kbps to 1 Gbps": {"traffic": "constant", "traffic_rate": 0},
    "traffic: found 'web' in an Ethernet session": {"traffic": "web", "kind": "Ethernet"},
}


@pytest.mark.parametrize("said", WRONG)
def test_settings_that_make_no_traffic(said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SessionSettings(**WRONG[said])  # type: ignore[arg-type]
