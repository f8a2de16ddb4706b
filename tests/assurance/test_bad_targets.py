"""Targets that are not there, talk nonsense, close in the middle: INCONCLUSIVE with the reason, and the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cinq.assurance.cases import ts33117  # noqa: F401  # fills CASES
from cinq.assurance.run import Outcome, Stage, run
from cinq.assurance.trial import Lab
from cinq.assurance.verdict import Verdict
from cinq.nf.upf import UPF
from cinq.procedure import VirtualClock, run_virtual
from cinq.ran.gnb.gnb import Connect
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios.bench import Place
from cinq.transport.error import NoAnswerError
from cinq.transport.sctp.association import AssociationHandler
from tests.network.world import End, Network

from . import upf_site
from .site import COUNT, DNNS, SLICES, TACS, Knobsman, Turned, entropy, found, stage, target

MOST = 5
ASKED = ("33512-4.2.2.3.1", "A")


class Garbage:
    """The far end of an association: says this to whatever comes."""

    def __init__(self, end: End, says: Callable[[End], None]) -> None:
        self._end, self._says, self._left = end, says, MOST

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        self._left -= 1  # in memory two ends can talk for ever in no time
        if self._left >= 0:
            self._says(self._end)

    def lost(self, reason: str) -> None: ...


def nonsense(end: End) -> None:
    end.send(b"\0\x15\0\x40Hello!" * 9)


def flood(end: End) -> None:
    for _ in range(500):
        end.send(b"\xff" * 40)


def hang_up(end: End) -> None:
    end.abort("closed")


def silence(end: End) -> None: ...


def against(
    says: Callable[[End], None] | None, asked: tuple[str, str] = ASKED, times: int = 4
) -> list[Outcome]:
    described = target()

    def connect(settings: GnbSettings) -> Connect:
        async def opened(handler: AssociationHandler) -> End:
            if says is None:
                raise NoAnswerError("N2: nobody answers", "")
            near, far = End(settings.name, handler), End("amf")
            near.peer, far.peer = far, near
            far.handler = Garbage(far, says)  # type: ignore[assignment]
            return near

        return opened

    def place(name: str) -> Place:
        return Place(described.scenario(), connect, Turned(), VirtualClock(), entropy(name.encode()))

    async def main() -> list[Outcome]:
        network = Network()
        where = Stage(Lab(described, Knobsman(network), network.clock.now), place)
        return await run([found(*asked)] * times, where)

    return run_virtual(main())


@pytest.mark.parametrize("says", [None, silence, nonsense, hang_up, flood])
def test_what_is_no_core_is_not_judged(says: Callable[[End], None] | None) -> None:
    outcomes = against(says)
    assert [one.verdict for one in outcomes] == [Verdict.INCONCLUSIVE] * 4
    assert all(one.judged.reason for one in outcomes)
    assert "not begun" in outcomes[-1].judged.reason


@pytest.mark.parametrize("sub", ["N1-phone", "N2-gnb"])
@pytest.mark.parametrize("says", [silence, nonsense, flood])
def test_a_campaign_against_what_is_no_core(says: Callable[[End], None], sub: str) -> None:
    (outcome,) = against(says, ("33117-4.4.4", sub), 1)
    assert outcome.verdict is Verdict.INCONCLUSIVE, outcome.judged.reason


@pytest.mark.parametrize("answer", [b"", b"\x20\xff\0\x04\0\0\x01\0", bytes(9000)])
@pytest.mark.parametrize("sub", ["N4-smf", "dev-064-modification-that-is-wrong-in-part"])
def test_a_upf_that_says_nothing_or_nonsense(
    sub: str, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bench SMF; the target's own is served."""
    received = UPF.n4_received

    def hears(self: UPF, octets: bytes, peer: tuple[str, int]) -> None:
        if peer[0] != str(upf_site.BENCH_SMF):
            received(self, octets, peer)
        elif answer:
            for _ in range(50):
                self._n4._port.send(answer, peer)

    monkeypatch.setattr(UPF, "n4_received", hears)
    outcome = upf_site.asked("33117-4.4.4", sub)
    assert outcome.verdict is Verdict.INCONCLUSIVE, outcome.judged.reason


@pytest.mark.parametrize(("back", "verdict"), [(True, Verdict.FAIL), (False, Verdict.INCONCLUSIVE)])
def test_a_target_that_goes_away_in_the_middle(back: bool, verdict: Verdict) -> None:
    """One that comes back has served nobody meanwhile; of one that does not nobody can say why."""

    async def main() -> Outcome:
        network = Network(tacs=TACS, slices=SLICES, dnns=DNNS, entropy=entropy(b"core"))
        network.provision(COUNT, slices=SLICES, dnns=DNNS)
        await network.start()
        described = target()
        sound = stage(network, described)
        away = False

        def place(name: str) -> Place:
            whole = sound.place(name)

            def connect(settings: GnbSettings) -> Connect:
                open_ = whole.connect(settings)

                async def opened(handler: AssociationHandler) -> End:
                    if away and not back:
                        raise NoAnswerError("N2: nobody answers", "")
                    return await open_(handler)  # type: ignore[return-value]

                return opened

            return Place(whole.target, connect, whole.operator, whole.clock, whole.entropy)

        async def pull() -> None:
            nonlocal away
            await asyncio.sleep(2.5)  # while it waits for an answer that should not come
            away = True
            for ran in list(network.amf.access.rans):
                ran.association.abort("pulled")

        pulling = asyncio.ensure_future(pull())
        outcomes = await run([found(*ASKED)], Stage(sound.lab, place))
        await pulling
        await network.stop()
        return outcomes[0]

    outcome = run_virtual(main())
    assert outcome.verdict is verdict, outcome.judged.reason
    assert "SECURITY MODE COMPLETE leaves once more" in outcome.judged.reason or back
