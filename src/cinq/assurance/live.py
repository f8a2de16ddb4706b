"""A stage on real ports: N2 over SCTP, N3 over UDP, knobs by commands, chance from a seed."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cinq.assurance.host import OnHost
from cinq.assurance.knobs import Ask, Commands, NoKnobs
from cinq.assurance.n3 import N3
from cinq.assurance.n4 import BenchSmf
from cinq.assurance.run import Stage
from cinq.assurance.sbi.wire import Wire
from cinq.assurance.target import Target
from cinq.assurance.trial import Lab
from cinq.procedure import RealClock
from cinq.ran.gnb.serve import n2_port
from cinq.ran.scenarios.bench import Place
from cinq.transport import udp


@contextmanager
def stage(
    target: Target, seed: bytes, ask: Ask | None = None, kept: Mapping[str, bytes] | None = None
) -> Iterator[Stage]:
    """For one run. seed: whence all chance of the bench comes, each sub-case's own by its name. kept: what an earlier
    run has kept and this one asks again, by `case/sub-case/name`."""
    scenario, clock = target.scenario(), RealClock()
    n3, n4 = N3(chance(seed, "N3"), udp.endpoint), BenchSmf(target.interfaces, udp.endpoint)
    host = OnHost(target.host.prefix) if target.host.prefix else None
    sbi = Wire(target.sbi)
    knobs, papers = Commands(target.knobs, ask), documents(target)
    lab = Lab(target, knobs, time.time, n3, n4, kept or {}, host, papers, sbi=sbi)

    def place(name: str) -> Place:
        return Place(scenario, n2_port, NoKnobs(), clock, chance(seed, name))

    try:
        yield Stage(lab, place)
    finally:
        n3.close()
        n4.close()
        sbi.close()


def documents(target: Target) -> dict[str, list[str]]:
    """Those that the lab has, by row, each with its SHA-256: what was at hand is shown, and nobody read it here."""
    found: dict[str, list[str]] = {}
    for one in target.document:
        try:
            said = f"SHA-256 {hashlib.sha256(one.file.read_bytes()).hexdigest()}"
        except OSError as error:
            said = (error.strerror or str(error)).lower()
        found.setdefault(one.row, []).append(f"{one.file.name}, {said}")
    return found


def chance(seed: bytes, name: str) -> Callable[[int], bytes]:
    """Octets that look random and are the same each time for a seed and a name (SHAKE-256 of both and a counter)."""
    count = itertools.count()
    prefix = hashlib.sha256(seed + b"\0" + name.encode()).digest()
    return lambda n: hashlib.shake_256(prefix + next(count).to_bytes(8, "big")).digest(n)
