"""The robustness suite: the sound core passes each, and each kills a network that dies of its stimulus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cinq.assurance.cases import CASES
from cinq.assurance.run import play
from cinq.assurance.verdict import Verdict
from cinq.procedure import run_virtual
from cinq.ran.scenarios.library import LIBRARY
from cinq.ran.scenarios.run import Pool
from cinq.ran.station import Rule, Station
from cinq.ran.ue.station import N1Station
from tests.network.world import Network

from .site import COUNT, DNNS, SLICES, TACS, entropy, found, stage, target

ROBUSTNESS = "33117-4.4.4"
NAMES = [name for name in CASES[f"SCAS-{ROBUSTNESS}"].subs if name in LIBRARY]
"""Those that are scenarios; test_campaigns.py has the others."""


def weaken(patch: pytest.MonkeyPatch, crash: Callable[[], None]) -> None:
    """The target dies a moment after it got what the bench made by hand, or made of what a UE sends."""

    def soon() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.001, crash)

    def wrap(kind: type, name: str) -> None:
        sound = getattr(kind, name)

        def wrapped(self: object, *given: object, **named: object) -> object:
            answer = sound(self, *given, **named)
            if answer is not False:
                soon()
            return answer

        patch.setattr(kind, name, wrapped)

    for kind, name in (
        (Station, "send"),
        (N1Station, "send"),
        (N1Station, "open"),
        (N1Station, "send_pdu"),
        (N1Station, "replay"),
        (Rule, "takes"),
    ):
        wrap(kind, name)


def asked(name: str, dies: bool) -> tuple[Verdict, str]:
    """dies: the first thing that the bench sends by hand ends the associations of all gNBs."""
    whole, part = found(ROBUSTNESS, name)

    async def main() -> tuple[Verdict, str]:
        network = Network(tacs=TACS, slices=SLICES, dnns=DNNS, entropy=entropy(b"core"))
        network.provision(COUNT, slices=SLICES, dnns=DNNS)
        await network.start()

        def crash() -> None:
            for ran in list(network.amf.access.rans):
                ran.association.abort("crash")

        with pytest.MonkeyPatch.context() as patch:
            if dies:
                weaken(patch, crash)
            where = stage(network, target())
            outcome = await play(whole, part, where, Pool(where.place("subscribers")))
        await network.stop()
        return outcome.verdict, outcome.judged.reason

    return run_virtual(main())


@pytest.mark.parametrize("name", NAMES)
def test_the_sound_core_passes(name: str) -> None:
    verdict, reason = asked(name, dies=False)
    assert verdict is Verdict.PASS, reason


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_dies_of_it_is_found_out(name: str) -> None:
    verdict, reason = asked(name, dies=True)
    assert verdict is Verdict.FAIL, reason
