"""A UPF that is killed at every write of a usage report: the SMF counts all of it, once, by UR-SEQN."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.smf.charging import used
from cinq.nf.smf.context import Charged
from cinq.nf.upf import UPF
from cinq.procedure.store import MemoryStore
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

from .peer import SMF, Bench, establishment
from .steps import forwards, virtual
from .test_survives import SETTINGS, begun
from .test_usage import PERIO, urr

PACKETS = 6


class Killed(Exception):
    """The process ends here."""


class Mortal(MemoryStore):
    """Dies before its nth write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes, self.dies = 0, 0

    def _write(self) -> None:
        self.writes += 1
        if self.writes == self.dies:
            raise Killed

    def put(self, collection: str, key: str, value: bytes) -> None:
        self._write()
        super().put(collection, key, value)

    def delete(self, collection: str, key: str) -> None:
        self._write()
        super().delete(collection, key)


def heard(bench: Bench, charged: Charged, *, answers: bool) -> Charged:
    """What the SMF makes of the reports that came; without an answer it has them, and the UPF does not know."""
    sent, found = list(bench.port.sent), charged
    bench.port.sent.clear()
    for octets, peer in sent:
        message = pfcp.decode(octets)
        if isinstance(message, pfcp.SessionReportRequest):
            found = used(found, message.usage_reports, 0.0)
            if answers:
                answer = pfcp.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED)
                bench.upf.n4_received(pfcp.encode(answer, sequence=message.sequence, seid=0), peer)
    return found


def packets(charged: Charged, size: int) -> float:
    return sum(one.uplink for one in charged.waiting) / size


async def life(dies: int, *, answers: bool) -> int:
    """How many writes it had after it began to measure, until the session's deletion was asked for."""
    bench, store, charged = Bench(SMF), Mortal(), Charged(1, 0.0)
    begun(bench, store)
    bench.associate()
    request = establishment()
    request.create_urrs = [urr(1, PERIO, measurement_period=1)]
    for pdr in request.create_pdrs:
        pdr.urr_ids = [1]
    answer = bench.ask(request, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.up_f_seid is not None
    f_teid = answer.created_pdrs[0].f_teid
    assert f_teid is not None
    assert f_teid.teid is not None
    if bench.upf._looking is not None:
        bench.upf._looking.cancel()
    store.writes, store.dies = 0, dies
    size = 0
    for n in range(PACKETS):
        assert forwards(bench, f_teid.teid)
        await asyncio.sleep(1.1)
        for _ in range(2):
            try:
                bench.upf._look()
                charged = heard(bench, charged, answers=answers)
                break
            except Killed:
                charged = heard(bench, charged, answers=False)
                plane, entropy = bench.plane, bench.upf._registry._entropy
                await bench.upf.stop()
                clock = bench.upf.runtime.clock
                bench.upf = UPF(SETTINGS, bench.port, clock, entropy, bench.journal, store=store)
                bench.upf.start(plane)
        if bench.upf._looking is not None:
            bench.upf._looking.cancel()
        size = size or bench.plane.usage(answer.up_f_seid.seid).uplink_octets // (n + 1)
    writes, store.dies = store.writes, 0
    ended = bench.ask(pfcp.SessionDeletionRequest(), next(iter(bench.upf._registry.sessions)))
    assert isinstance(ended, pfcp.SessionDeletionResponse)
    charged = used(charged, ended.usage_reports, 0.0)
    assert packets(charged, size) == PACKETS
    assert not list(store.items("pfcp-unheard"))
    await bench.upf.stop()
    return writes


@virtual
async def test_an_undisturbed_life() -> None:
    assert await life(0, answers=True) > PACKETS


@pytest.mark.parametrize("answers", [False, True])
def test_killed_at_every_write(answers: bool) -> None:
    writes = 0

    @virtual
    async def count() -> None:
        nonlocal writes
        writes = await life(0, answers=answers)

    count()
    assert writes > PACKETS
    for dies in range(1, writes + 1):

        @virtual
        async def one(dies: int = dies) -> None:
            await life(dies, answers=answers)

        one()
