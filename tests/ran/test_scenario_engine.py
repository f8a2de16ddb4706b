"""What a scenario says of a core that is not there, refuses, hangs or answers nonsense: a verdict in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cinq.procedure import VirtualClock, run_virtual
from cinq.ran.gnb.gnb import Connect
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench, Place
from cinq.ran.scenarios.check import Failed, NotApplicable
from cinq.ran.scenarios.library import LIBRARY
from cinq.ran.scenarios.run import Pool, Result, play, run
from cinq.ran.scenarios.scenario import Scenario, scenario
from cinq.ran.scenarios.target import Knob, Subscribers, Target
from cinq.ran.scenarios.template import template
from cinq.ran.ue.elements import registration_request
from cinq.ran.ue.signals import Register
from cinq.settings import HexOctets, SettingsError, loads
from cinq.transport.error import NoAnswerError
from cinq.transport.sctp.association import AssociationHandler
from cinq.wire import ngap
from cinq.wire.nas import RegistrationKind
from tests.network.world import End

KEY = HexOctets(bytes(16))
TARGET = Target(subscribers=(Subscribers("999700000000001", 3, KEY, KEY),))


class NoKnobs:
    async def turn(self, knob: Knob, names: dict[str, str]) -> None:
        raise OSError("there is no such knob")


class Core:
    """The far end of an association that answers its first messages with these octets, or none at all.

    (Nonsense gets an Error Indication, TS 38.413 §10.2: two ends that answer each other for ever are no test.)
    """

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self.end: End | None = None
        self._left = 4

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        if self.end is not None and self._answer is not None and self._left:
            self._left -= 1
            self.end.send(self._answer)

    def lost(self, reason: str) -> None:
        self.end = None


def at(connect: Connect) -> Place:
    def of(settings: GnbSettings) -> Connect:
        return connect

    return Place(TARGET, of, NoKnobs(), VirtualClock(), lambda n: bytes(range(n)))


def answering(answer: bytes | None) -> Connect:
    async def connect(handler: AssociationHandler) -> End:
        core = Core(answer)
        near, far = End("gnb", handler), End("amf", core)
        near.peer, far.peer, core.end = far, near, far
        return near

    return connect


async def nobody(handler: AssociationHandler) -> End:
    raise NoAnswerError("127.0.0.5:38412 does not answer")


FAILURE = ngap.encode(ngap.NGSetupFailure(cause=("misc", "unknown-PLMN-or-SNPN")))


@pytest.mark.parametrize(
    ("connect", "said"),
    [
        (nobody, "does not answer"),
        (answering(None), "no answer"),
        (answering(b"\xff" * 40), "NG Setup"),
        (answering(FAILURE), "unknown-PLMN"),
    ],
    ids=["not there", "hangs", "nonsense", "refuses"],
)
def test_a_core_that_cannot_be_tested(connect: Connect, said: str) -> None:
    """Two scenarios find it out, the others do not wait again."""

    async def main() -> list[Result]:
        begun = asyncio.get_running_loop().time()
        results = await run([LIBRARY["registration-with-suci"]] * 5, at(connect))
        assert asyncio.get_running_loop().time() - begun < 30
        return results

    results = run_virtual(main())
    assert {result.verdict for result in results} == {"INCONCLUSIVE"}
    assert all(said in result.reason for result in results)
    assert results[-1].reason.startswith("not begun: ")


def declared(play_it: Callable[[Bench], object], needs: tuple[str, ...] = ()) -> Scenario:
    return Scenario("one", "negative", "", ("TS 24.501",), needs, 5.0, play_it)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Failed("wanted 1, found 2"), "FAIL"),
        (NotApplicable("a second gNB"), "SKIPPED"),
        (ZeroDivisionError("a bug"), "INCONCLUSIVE"),
    ],
)
def test_verdicts(error: Exception, verdict: str) -> None:
    async def raising(bench: Bench) -> None:
        raise error

    async def main() -> Result:
        place = at(nobody)
        return await play(declared(raising), place, Pool(place))

    result = run_virtual(main())
    assert result.verdict == verdict
    assert str(error) in result.reason


def test_a_bug_of_the_bench_says_nothing_about_the_next_scenario() -> None:
    async def bug(bench: Bench) -> None:
        raise ZeroDivisionError("a bug")

    async def fine(bench: Bench) -> None:
        return

    async def main() -> list[Result]:
        return await run([declared(bug)] * 3 + [declared(fine)], at(nobody))

    assert [result.verdict for result in run_virtual(main())] == ["INCONCLUSIVE"] * 3 + ["PASS"]


NO_SUCH_PROCEDURE = ngap.ErrorIndication(cause=("protocol", "abstract-syntax-error-reject"))


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (NO_SUCH_PROCEDURE, "SKIPPED"),
        (ngap.ErrorIndication(cause=("protocol", "semantic-error")), "FAIL"),
        (ngap.NGSetupFailure(cause=("misc", "unspecified")), "PASS"),
    ],
)
def test_a_procedure_that_a_core_does_not_comprehend(answer: ngap.Pdu, verdict: str) -> None:
    """TS 38.413 §10.3.4.1: it says so, and the scenario does not apply."""

    async def asks(bench: Bench) -> None:
        gnb = bench.unattached_gnb()
        gnb.start(set_up=False)
        await bench.associated(gnb)
        gnb.station.send(
            ngap.NGReset(cause=("misc", "unspecified"), reset_type=("nG-Interface", "reset-all"))
        )
        await bench.answer_to("the procedure", (ngap.NGSetupFailure,), gnb)

    async def main() -> Result:
        place = at(answering(ngap.encode(answer)))
        return await play(declared(asks), place, Pool(place))

    result = run_virtual(main())
    assert result.verdict == verdict, result.reason


def test_ues_of_a_scenario_have_more_to_do() -> None:
    """Without a follow-on request a network may release the connection at once, TS 24.501 §5.5.1.2.4."""

    async def registers(bench: Bench) -> None:
        ue = bench.ue(bench.unattached_gnb())
        other = bench.ue_of(ue, bench.unattached_gnb())
        for one in (ue, other):
            for kind, pending in (
                (RegistrationKind.INITIAL, True),
                (RegistrationKind.MOBILITY, True),
                (RegistrationKind.PERIODIC, False),
            ):
                request = registration_request(one, kind, Register(kind))
                check.equal(request.registration_type.follow_on, pending, f"follow-on request, {kind.name}")

    async def main() -> Result:
        place = at(nobody)
        return await play(declared(registers), place, Pool(place))

    result = run_virtual(main())
    assert result.verdict == "PASS", result.reason


def test_what_never_ends_fails_in_time() -> None:
    async def forever(bench: Bench) -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> Result:
        place = at(nobody)
        return await play(declared(forever), place, Pool(place))

    result = run_virtual(main())
    assert (result.verdict, result.reason) == (
        "FAIL",
        "not at its end within 5 s: it waits for its first step; nothing came at all",
    )


def test_what_the_target_lacks_is_said() -> None:
    async def never(bench: Bench) -> None:
        raise AssertionError("played")

    async def main() -> Result:
        place = at(nobody)
        return await play(declared(never, ("two slices", "restart")), place, Pool(place))

    assert run_virtual(main()).reason == "the target has not: a second slice, the knob restart"


def test_a_scenario_names_its_clauses() -> None:
    async def without(bench: Bench) -> None:
        """Nothing is cited."""

    with pytest.raises(TypeError, match="clauses"):
        scenario("negative")(without)


def test_the_template_is_a_target() -> None:
    target = loads(Target, template())
    assert len(target.ues()) == 1


def test_a_target_without_subscribers_is_refused() -> None:
    with pytest.raises(SettingsError, match="subscribers"):
        loads(Target, 'name = "x"')
