"""The cases of TS 33.117 on real sockets of this host: with what is declared alone, and with a service too many."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from ipaddress import IPv4Address

import pytest

from cinq.assurance.cases.ts33117 import tc_bvt_port_scanning as scanning
from cinq.assurance.knobs import Commands
from cinq.assurance.target import Interfaces, Knobs
from cinq.assurance.trial import Ended, Lab, Trial
from cinq.assurance.verdict import Fact, Judged, Verdict, judge
from cinq.ran.scenarios.target import Core, Radio
from cinq.transport import ports

from .site import target

pytestmark = pytest.mark.kernel
PLACE, BENCH = "127.0.0.77", IPv4Address("127.0.0.78")
LIVE = Fact("liveness", "it lives", True)


def scan(kind: str, declared: tuple[int, ...], tried: tuple[int, ...]) -> Judged:
    described = dataclasses.replace(
        target(),
        core=Core(amf_address=IPv4Address(PLACE)),
        radio=Radio(n3_address=BENCH),
        interfaces=Interfaces(tcp=declared, udp=declared),
    )

    async def main() -> Judged:
        trial = Trial(Lab(described, Commands(Knobs()), time.time), None)  # type: ignore[arg-type]  # no gNB plays here
        patch = pytest.MonkeyPatch()
        patch.setattr(scanning, "EVERY", tried)
        patch.setattr(scanning, "KNOWN_UDP", tried)
        with patch.context():
            try:
                play = scanning.CASE.subs[kind].play
                assert play is not None
                await play(trial)
            except Ended:
                pass
            finally:
                patch.undo()
        return judge([*trial.facts, LIVE])

    return asyncio.run(main())


@pytest.mark.parametrize(("kind", "listening"), [("TCP", ports.listening_tcp), ("UDP", ports.listening_udp)])
def test_only_what_is_declared_answers(kind: str, listening: object) -> None:
    with listening(PLACE) as port:  # type: ignore[operator]
        tried = (port - 1, port, port + 1)
        sound = scan(kind, (port,), tried)
        assert sound.verdict is Verdict.PASS, sound.reason
        weakened = scan(kind, (), tried)
        assert weakened.verdict is Verdict.FAIL
        assert str(port) in weakened.reason


def test_a_scan_that_sees_nothing_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def blind(address: str, tried: object) -> set[int]:
        return set()

    monkeypatch.setattr(ports, "open_tcp", blind)
    judged = scan("TCP", (), (1, 2))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "did not find TCP port" in judged.reason
