"""The emulator of the control-plane bench as a process in the radio namespace: one gNB and its UEs, no user plane.

python -m cinq.lab.radio_load JOB        JOB: a Job as JSON

Says {"up": true} after NG Setup, waits for a line on standard input, registers every UE and opens its PDU session,
says {"done": n} now and then, {"error": text} where one fails, and {"outcome": {...}} (an Outcome) at the end. All
UEs stay attached until standard input ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from ipaddress import IPv4Address
from typing import Literal

import msgspec

from cinq.procedure import Runtime, collect_seldom
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.serve import n2_port
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.load import Load, LoadSettings
from cinq.ran.ue.settings import UeSettings
from cinq.settings import HexOctets

UP_S = 10.0
UE_S = 20.0  # for one UE, however many are in flight
SAID_EACH = 50  # UEs between two words on progress


class Job(msgspec.Struct, frozen=True):
    """amf, gnb: addresses on N2. home_network_key: public, hexadecimal, for SUCI profile A; empty: null scheme."""

    amf: str
    gnb: str
    ues: int
    in_flight: int
    home_network_key: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """done: UEs with registration and session. seconds: from the first message to the last.

    p50_ms, p99_ms: registration and session of one UE. cpu_s: of the emulator. errors: how often each.
    """

    done: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    errors: dict[str, int]


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of what the process says."""

    up: bool = False
    done: int = 0
    outcome: Outcome | None = None
    error: str = ""


def say(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


async def work(job: Job) -> None:
    runtime = Runtime("RAN")
    amf, own = IPv4Address(job.amf), IPv4Address(job.gnb)
    settings = GnbSettings(
        amf_address=amf, n2_address=job.gnb, n3_address=own, radio="", data_plane="none", ng_setup_retry_s=0.1
    )
    gnb = Gnb(settings, n2_port(settings), runtime, os.urandom)
    lines = asyncio.StreamReader()
    source = os.fdopen(os.dup(0), "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), source)
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

    def done(count: int) -> None:
        failed = [reason for latencies in load.steps.values() for reason in latencies.errors]
        if failed:
            say(Word(error=f"a UE failed: {failed[0]}"))
        elif count % SAID_EACH == 0:
            say(Word(done=count))

    settings_of_load = LoadSettings(_ue(job), job.ues, job.in_flight, timeout_s=UE_S)
    load = Load(settings_of_load, [gnb], runtime, os.urandom, done)
    found = await load.run()
    p50, p99 = round(found.attach_ms(0.5), 2), round(found.attach_ms(0.99), 2)
    say(Word(outcome=Outcome(found.done, found.seconds, p50, p99, found.cpu_s, found.errors)))
    await lines.read()
    load.leave()
    await gnb.stop()


def _ue(job: Job) -> UeSettings:
    if not job.home_network_key:
        return UeSettings()
    scheme: Literal["A"] = "A"
    key = HexOctets(bytes.fromhex(job.home_network_key))
    return UeSettings(suci=scheme, home_network_key=key, home_network_key_id=1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(work(msgspec.json.decode(sys.argv[1], type=Job)))
