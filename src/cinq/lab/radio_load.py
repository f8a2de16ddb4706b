"""The emulator of the control-plane bench as a process in the radio namespace: two gNBs and UEs, no user plane.

python -m cinq.lab.radio_load JOB        JOB: a Job as JSON

Says {"up": true} after NG Setup, waits for a line on standard input, registers every UE and opens its PDU session,
says {"done": n} now and then, {"error": text} where one fails, and {"outcome": {...}} (an Outcome) at the end. Then
each line names a phase for all UEs (a step of cinq.ran.load, or "paged": wait until everybody is back), which ends with
its outcome. All UEs stay attached until standard input ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from functools import partial
from ipaddress import IPv4Address
from typing import Literal

import msgspec

from cinq.procedure import Runtime, ServingLoop, collect_seldom
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.serve import n2_port
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.load import STEPS, Load, LoadSettings
from cinq.ran.load import Outcome as LoadOutcome
from cinq.ran.ue.settings import UeSettings
from cinq.settings import HexOctets

UP_S = 10.0
UE_S = 20.0  # for one UE, however many are in flight
SAID_EACH = 50  # UEs between two words on progress
GNBS = 2
PAGED = "paged"
PAGED_S = 60.0
LOOK_S = 0.002


class Job(msgspec.Struct, frozen=True):
    """amf, gnb: addresses on N2. home_network_key: public, hexadecimal, for SUCI profile A; empty: null scheme."""

    amf: str
    gnb: str
    ues: int
    in_flight: int
    home_network_key: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """done: UEs with registration and session. seconds: from the first message to the last.

    p50_ms, p99_ms: of one UE, all steps of the phase. cpu_s: of the emulator. errors: how often each. reached: when
    the UE of each address was back after paging, by the system's monotonic clock.
    """

    done: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    errors: dict[str, int]
    reached: dict[str, float] = {}


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of what the process says."""

    up: bool = False
    done: int = 0
    addresses: list[str] = []
    outcome: Outcome | None = None
    error: str = ""


def say(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


async def work(job: Job) -> None:
    runtime, ng_ran = Runtime("RAN"), NgRan()
    gnbs = [_gnb(job, number, runtime, ng_ran) for number in range(GNBS)]
    lines = asyncio.StreamReader()
    source = os.fdopen(os.dup(0), "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), source)
    for gnb in gnbs:
        gnb.start()
        try:
            async with asyncio.timeout(UP_S):
                await gnb.up()
        except TimeoutError:
            say(Word(error=f"NG Setup: {gnb.trouble or 'no answer'}"))
            return
    collect_seldom()
    say(Word(up=True))
    await lines.readline()
    load = Load(
        LoadSettings(_ue(job), job.ues, job.in_flight, timeout_s=UE_S), gnbs, runtime, os.urandom, None
    )
    load.on_done = partial(_progress, load)
    say(Word(outcome=_outcome(await load.run())))
    load.on_done = None
    while phase := (await lines.readline()).decode().strip():
        say(Word(outcome=await _paged(load) if phase == PAGED else await _phase(load, phase)))
    load.leave()
    for gnb in gnbs:
        await gnb.stop()


def _gnb(job: Job, number: int, runtime: Runtime, ng_ran: NgRan) -> Gnb:
    settings = GnbSettings(
        name=f"bench-{number + 1}",
        gnb_id=number + 1,
        amf_address=IPv4Address(job.amf),
        n2_address=job.gnb,
        n3_address=IPv4Address(job.gnb) + number,
        radio="",
        data_plane="none",
        ng_setup_retry_s=0.1,
    )
    return Gnb(settings, n2_port(settings), runtime, os.urandom, ng_ran)


def _progress(load: Load, count: int) -> None:
    failed = [reason for latencies in load.steps.values() for reason in latencies.errors]
    if failed:
        say(Word(error=f"a UE failed: {failed[0]}"))
    elif count % SAID_EACH == 0:
        say(Word(done=count))


async def _phase(load: Load, step: str) -> Outcome:
    chosen = next(each for each in STEPS if each == step)
    return _outcome(await load.again([chosen]))


async def _paged(load: Load) -> Outcome:
    """Everybody is idle and somebody sends to each: when is each back, with its bearer?"""
    start, cpu, reached = time.perf_counter(), time.process_time(), dict[str, float]()
    waiting = {str(ue.sessions[1].context.address): ue for ue in (actor.ue for actor in load.actors)}
    say(Word(addresses=sorted(waiting)))
    until = start + PAGED_S
    while waiting and time.perf_counter() < until:
        back = [address for address, ue in waiting.items() if ue.sessions[1].context.bearer]
        now = time.monotonic()
        for address in back:
            del waiting[address]
            reached[address] = now
        await asyncio.sleep(LOOK_S)
    errors = {f"not back within {PAGED_S:g} s": len(waiting)} if waiting else {}
    seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    return Outcome(len(reached), seconds, 0.0, 0.0, spent, errors, reached)


def _outcome(found: LoadOutcome) -> Outcome:
    p50, p99 = round(found.attach_ms(0.5), 2), round(found.attach_ms(0.99), 2)
    return Outcome(found.done, found.seconds, p50, p99, found.cpu_s, found.errors)


def _ue(job: Job) -> UeSettings:
    if not job.home_network_key:
        return UeSettings()
    scheme: Literal["A"] = "A"
    key = HexOctets(bytes.fromhex(job.home_network_key))
    return UeSettings(suci=scheme, home_network_key=key, home_network_key_id=1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    with asyncio.Runner(loop_factory=ServingLoop) as runner:
        runner.run(work(msgspec.json.decode(sys.argv[1], type=Job)))
