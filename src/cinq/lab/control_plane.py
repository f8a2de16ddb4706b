"""The control-plane bench: registrations with a PDU session, core in one process, emulator in another, real SCTP.

A round is a fresh core (`cinq up` in the core's namespace, all subscribers in its store) and a fresh emulator in the
radio namespace: two gNBs, `ues` UEs, `in_flight` of them at a time. Each registers with 5G-AKA and opens one
PDU session. Then, one phase after the other, all go idle and come back by a service request, go idle and are paged for
a packet of the data network, move by Xn, and move by N2. CPU time is that of the core's process, user and system,
from the first UE to the last.

At the end all are idle: what the core has grown by is what a UE that waits costs. One round more has the core's event
loop watched (loop_probe), which costs CPU time of its own: nothing is to keep the loop for long.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cinq.crypto import suci
from cinq.lab import core
from cinq.lab.figures import Figure
from cinq.lab.loop_probe import Block, blocks, by_phase, longest
from cinq.lab.radio_load import PAGED, Job, Outcome, Word
from cinq.lab.topology import Topology, work_folder
from cinq.nf.udr import provisioning
from cinq.ran.ue.settings import UeSettings
from cinq.transport.sqlite import SqliteStore

POOL = "10.128.0.0/12"
PHASES = ("idle", "service", "idle", PAGED, "xn", "n2", "idle")
ROWS = ("service", PAGED, "xn", "n2")
KNOCKS_A_SECOND = 200
STORE = "cinq.sqlite"


class BenchError(RuntimeError):
    """A round could not be measured: what happened, and where the core's log is."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of registration and PDU session of one UE."""

    p50: Figure
    p99: Figure


@dataclass(frozen=True, slots=True)
class Phase:
    """What every attached UE does once. cpu_us: CPU time of the core for one. p50_ms, p99_ms: latency at the UE."""

    cpu_us: Figure
    p50_ms: Figure
    p99_ms: Figure


@dataclass(frozen=True, slots=True)
class Result:
    """cpu_us_per_ue: CPU time of the core, microseconds. ready_s: from process start until it takes gNBs.

    rss_idle_mib: resident memory with a gNB and no UE. rss_kib_per_ue: what each attached UE added.
    rss_kib_per_idle_ue: what each added that has been through all phases and is idle.
    loop_block_ms: the longest that a callback kept the core's event loop in each phase, by the clock, over the phases.
    loop_block_cpu_ms: the same by its own CPU time: on a host with other work the clock says more.
    """

    cpu_us_per_ue: Figure
    registrations_per_s: Figure
    latency_ms: Latency
    rss_idle_mib: Figure
    rss_kib_per_ue: Figure
    ready_s: Figure
    emulator_cpu_us_per_ue: Figure
    service_request: Phase
    paging: Phase
    xn_handover: Phase
    n2_handover: Phase
    rss_kib_per_idle_ue: Figure
    loop_block_ms: Figure
    loop_block_cpu_ms: Figure
    loop_blocked_by: str
    ues: int
    in_flight: int
    rounds: int
    suci: str
    sctp: str
    data_plane: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One phase of one round: CPU seconds of the core, milliseconds at the UEs."""

    cpu_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Round:
    ready_s: float
    cpu_s: float
    idle_kib: int
    attached_kib: int
    outcome: Outcome
    facts: dict[str, object]
    phases: dict[str, Measured]
    settled_kib: int
    blocks: list[list[Block]]


@dataclass(slots=True)
class Bench:
    """A bench in progress. profile_a: SUCIs by profile A. on_ue: UEs done, and how many there are in all rounds.

    A round more than `rounds` is made, the last: the one with the event loop watched.
    """

    ues: int = 2000
    in_flight: int = 64
    rounds: int = 3
    profile_a: bool = False
    on_ue: Callable[[int, int], None] | None = None
    _done: list[Round] = field(default_factory=list)

    def run(self) -> Result:
        """TransportError, CoreError or BenchError when it cannot be measured."""
        with work_folder() as folder, Topology(route_pool=POOL) as topology:
            template = Path(folder) / STORE
            _provision(template, self.ues)
            private = os.urandom(32) if self.profile_a else b""
            public = suci.public_key(suci.PROFILE_A, private).hex() if private else ""
            a = topology.addresses
            job = Job(str(a.core), str(a.gnb), self.ues, self.in_flight, public)
            for number in range(self.rounds + 1):
                work = Path(folder) / str(number)
                work.mkdir()
                shutil.copy(template, work / STORE)
                settings = core.write_settings(work, topology, "bench", POOL, home_network_key=private)
                self._done.append(self._round(topology, settings, job, watched=number == self.rounds))
                shutil.rmtree(work)
        return self._result()

    def _round(self, topology: Topology, settings: Path, job: Job, *, watched: bool) -> Round:
        log = settings.with_name("core.log")
        probe = settings.with_name("probe")
        running = core.start(topology, settings, log, probe if watched else None)
        try:
            with _emulator(topology, job) as (said, go):
                if not next(said).up:
                    raise BenchError("the emulator's gNB was not set up")
                idle, cpu = running.resident_kib(), running.cpu_s()
                moments = [time.monotonic()]
                go("go")
                outcome = self._follow(said)
                cpu, attached = running.cpu_s() - cpu, running.resident_kib()
                self._demand_all(outcome, job, log)
                phases: dict[str, Measured | None] = {}
                for name in PHASES:
                    moments.append(time.monotonic())
                    phases[name] = self._phase(name, topology, running, job, said, go)
                settled = running.resident_kib()
                found = by_phase(blocks(probe), [*moments, time.monotonic()])
        except BenchError as error:
            raise BenchError(f"{error}; the core's last words: {_tail(log)}") from None
        finally:
            running.stop()
        measured = {name: each for name, each in phases.items() if each is not None}
        return Round(running.ready_s, cpu, idle, attached, outcome, running.facts, measured, settled, found)

    def _demand_all(self, outcome: Outcome, job: Job, log: Path) -> None:
        if outcome.done < job.ues:
            reasons = "; ".join(f"{count} × {reason}" for reason, count in outcome.errors.items())
            raise BenchError(f"{job.ues - outcome.done} of {job.ues} UEs failed: {reasons}; {_tail(log)}")

    def _phase(
        self,
        name: str,
        topology: Topology,
        running: core.Core,
        job: Job,
        said: Iterator[Word],
        go: Callable[[str], None],
    ) -> Measured | None:
        """None for a phase that only leads to the next."""
        cpu = running.cpu_s()
        go(name)
        sent = _knock(topology, next(said).addresses) if name == PAGED else {}
        outcome = next(said).outcome
        assert outcome is not None
        self._demand_all(outcome, job, Path(os.devnull))
        spent, p50, p99 = running.cpu_s() - cpu, outcome.p50_ms, outcome.p99_ms
        if sent:
            late = sorted((outcome.reached[address] - when) * 1000 for address, when in sent.items())
            p50, p99 = late[len(late) // 2], late[min(len(late) - 1, int(0.99 * len(late)))]
        return Measured(spent, p50, p99) if name in ROWS else None

    def _follow(self, said: Iterator[Word]) -> Outcome:
        for word in said:
            if word.outcome is not None:
                return word.outcome
            if self.on_ue is not None:
                self.on_ue(len(self._done) * self.ues + word.done, (self.rounds + 1) * self.ues)
        raise BenchError("the emulator ended without a result")

    def _result(self) -> Result:
        rounds, ues, watched = self._done[:-1], self.ues, self._done[-1]
        return Result(
            cpu_us_per_ue=Figure.of((r.cpu_s / ues * 1e6 for r in rounds), 1),
            registrations_per_s=Figure.of((ues / r.outcome.seconds for r in rounds), 1),
            latency_ms=Latency(
                Figure.of((r.outcome.p50_ms for r in rounds), 2),
                Figure.of((r.outcome.p99_ms for r in rounds), 2),
            ),
            rss_idle_mib=Figure.of((r.idle_kib / 1024 for r in rounds), 1),
            rss_kib_per_ue=Figure.of(((r.attached_kib - r.idle_kib) / ues for r in rounds), 2),
            ready_s=Figure.of((r.ready_s for r in rounds), 3),
            emulator_cpu_us_per_ue=Figure.of((r.outcome.cpu_s / ues * 1e6 for r in rounds), 1),
            service_request=self._row("service"),
            paging=self._row(PAGED),
            xn_handover=self._row("xn"),
            n2_handover=self._row("n2"),
            rss_kib_per_idle_ue=Figure.of(((r.settled_kib - r.idle_kib) / ues for r in rounds), 2),
            loop_block_ms=Figure.of((longest(phase).ms for phase in watched.blocks), 2),
            loop_block_cpu_ms=Figure.of((longest(phase, own=True).cpu_ms for phase in watched.blocks), 2),
            loop_blocked_by=longest([each for phase in watched.blocks for each in phase], own=True).what,
            ues=ues,
            in_flight=self.in_flight,
            rounds=self.rounds,
            suci="A" if self.profile_a else "null",
            sctp=str(rounds[0].facts["sctp"]),
            data_plane=str(rounds[0].facts["data_plane"]),
        )

    def _row(self, name: str) -> Phase:
        found = [r.phases[name] for r in self._done[:-1]]
        return Phase(
            Figure.of((each.cpu_s / self.ues * 1e6 for each in found), 1),
            Figure.of((each.p50_ms for each in found), 2),
            Figure.of((each.p99_ms for each in found), 2),
        )


def _knock(topology: Topology, addresses: list[str]) -> dict[str, float]:
    """A packet to each UE from the data network. When each was sent, by the system's monotonic clock."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as orders, os.fdopen(reading, "rb") as source:
        arguments = [sys.executable, "-m", "cinq.lab.knock", str(KNOCKS_A_SECOND)]
        process = topology.start(topology.dn, arguments, stdin=source, stdout=subprocess.PIPE, stderr=None)
        orders.write(msgspec.json.encode(addresses))
    assert process.stdout is not None
    return msgspec.json.decode(process.stdout.read(), type=dict[str, float])


@contextlib.contextmanager
def _emulator(topology: Topology, job: Job) -> Iterator[tuple[Iterator[Word], Callable[[str], None]]]:
    """What the emulator says, word by word, and how to let it begin. BenchError: what went wrong there."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as orders:
        with os.fdopen(reading, "rb") as source:
            arguments = [sys.executable, "-m", "cinq.lab.radio_load", msgspec.json.encode(job).decode()]
            process = topology.start(
                topology.radio, arguments, stdin=source, stdout=subprocess.PIPE, stderr=None
            )

        def said() -> Iterator[Word]:
            assert process.stdout is not None
            for line in process.stdout:
                word = msgspec.json.decode(line, type=Word)
                if word.error:
                    raise BenchError(word.error)
                yield word

        def go(order: str) -> None:
            orders.write(order.encode() + b"\n")
            orders.flush()

        yield said(), go
    process.wait(10)


def _provision(path: Path, ues: int) -> None:
    """Subscribers as the UEs of UeSettings() have their keys."""
    ue = UeSettings()
    store = SqliteStore(path)
    try:
        for number in range(ues):
            supi = ue.numbered(number).supi
            provisioning.put(store, provisioning.Subscriber(supi, bytes(ue.k), bytes(ue.opc)))
        store.flush()
    finally:
        store.close()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " | ".join(lines[-4:]) if lines else "none"
