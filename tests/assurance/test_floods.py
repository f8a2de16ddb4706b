"""Floods: a kernel with and without SYN cookies; an AMF that serves gNBs apart, and one with one line for all."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from cinq.assurance.cases.ts33117 import tc_syn_flood_prevention as syn
from cinq.assurance.cases.ts33117 import tc_system_handling_of_overload as overload
from cinq.assurance.verdict import Verdict
from cinq.nf.amf import AMF
from cinq.nf.amf.inbound.n2 import Inbound

from . import site
from .plain import N2, described, played, sysctl

OVERLOAD = ("33117-4.2.3.3.3", "measured")


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize(("cookies", "verdict"), [("1", Verdict.PASS), ("0", Verdict.FAIL)])
def test_syn_flood(cookies: str, verdict: Verdict, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syn, "STEPS", ((3000, 1.0),))
    monkeypatch.setattr(syn, "CONNECT_S", 1.0)
    monkeypatch.setattr(syn, "REST_S", 0.3)
    sysctl("net.ipv4.tcp_syncookies", cookies)
    sysctl("net.ipv4.tcp_max_syn_backlog", "4096")
    subprocess.run(["ip", "route", "add", "198.51.100.0/24", "dev", "lo"], check=True)

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        async with await asyncio.start_server(
            lambda reader, writer: writer.close(), str(N2), 7777, backlog=16
        ):
            yield

    bench = SimpleNamespace(chance=bytes)
    judged, trial = played("33117-4.3.3.1.4", "A", described(tcp=(7777,), n3=None), serving, bench=bench)
    assert judged.verdict is verdict, judged.reason
    assert (verdict is Verdict.PASS) == all(
        one["took"] for one in json.loads(trial.artefacts["availability.json"])
    )


@pytest.mark.kernel
def test_nobody_listens(namespace: str) -> None:
    judged, _ = played(
        "33117-4.3.3.1.4", "A", described(tcp=(7777,), n3=None), bench=SimpleNamespace(chance=bytes)
    )
    assert judged.verdict is Verdict.INCONCLUSIVE


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "STEPS", ((10, 2.0), (150, 4.0)))


@pytest.mark.usefixtures("short")
def test_a_crowd_at_one_gnb_keeps_nobody_else_waiting() -> None:
    outcome = site.asked(*OVERLOAD)
    assert outcome.verdict is Verdict.PASS, outcome.judged.reason
    samples = json.loads(outcome.artefacts["availability.json"])
    assert {one["rate"] for one in samples} == {0.0, 10.0, 150.0}
    assert len(samples) >= 10


@pytest.mark.usefixtures("short")
def test_one_line_for_all_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message takes 20 ms, and gNBs wait for each other."""
    connected = AMF.n2_connected
    free = [0.0]

    def n2_connected(self: AMF, association: object) -> Inbound:
        inbound = connected(self, association)  # type: ignore[arg-type]
        served = inbound.message

        def message(octets: bytes, stream: int, ppid: int) -> None:
            loop = asyncio.get_running_loop()
            free[0] = max(free[0], loop.time()) + 0.02
            loop.call_at(free[0], served, octets, stream, ppid)

        inbound.message = message  # type: ignore[method-assign]
        return inbound

    monkeypatch.setattr(AMF, "n2_connected", n2_connected)
    outcome = site.asked(*OVERLOAD)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason
    assert any(one["took"] is None for one in json.loads(outcome.artefacts["availability.json"]))
