"""TS 33.117 §4.3.3.1.4 TC_SYN_FLOOD_PREVENTION: half-open connections take nobody's place."""

from __future__ import annotations

import asyncio
from contextlib import closing

from cinq.assurance.availability import Curve
from cinq.assurance.case import Case
from cinq.assurance.packets import places
from cinq.assurance.target import endpoint
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport import ports
from cinq.transport.raw import SynFlood

CASE = Case(
    "SCAS-33117-4.3.3.1.4",
    requirement="A flood of TCP SYNs does not end a service: it is reached while the flood lasts and afterwards "
    "(SYN cookies, RFC 4987).",
    threat="Anybody who can send packets, under any name, shuts out all others.",
)
STEPS: tuple[tuple[int, float], ...] = ((500, 2.0), (2_000, 2.0), (10_000, 3.0))
"""SYNs a second, and for how long."""
SOURCES = 200
CONNECT_S = 3.0  # a SYN that was lost is sent again after one second
EVERY_S = 0.25
REST_S = 1.5


async def service(trial: Trial) -> tuple[str, int]:
    """A place of the target that accepts connections. Failed: none does."""
    where = trial.target.interfaces
    known = [endpoint("interfaces", one) for one in (*where.tls, *where.https)]
    known += [(address, port) for address in places(trial) for port in where.tcp]
    for host, port in known:
        if await ports.open_tcp(host, (port,)):
            return host, port
    raise Failed(f"none of {known} accepts a connection")


@CASE.sub(
    "A",
    "SYNs of nobody at rising rates",
    needs=("tcp",),
    within=120.0,
    limit="whether the SYNs stay half open depends on the target's route to interfaces.flood, which the lab sets",
)
async def flood(trial: Trial) -> None:
    with trial.control("a TCP service of the target accepts connections") as seen:
        host, port = await service(trial)
        seen.text = f"{host}:{port}"

    async def connects() -> float:
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return asyncio.get_running_loop().time() - begun

    curve = Curve(trial, connects, EVERY_S)
    sources = [
        str(one) for one, _ in zip(trial.target.interfaces.flood.hosts(), range(SOURCES), strict=False)
    ]
    with trial.control("the bench can send packets of other sources"):
        try:
            sender = SynFlood(sources, trial.bench.chance(8))
        except OSError as error:
            raise Failed(str(error)) from None
    with closing(sender):
        for rate, seconds in STEPS:
            trial.step(f"{rate} SYNs a second to {host}:{port} for {seconds:g} s")
            await curve.during(rate, seconds, lambda count: sender.send(host, port, count))
    with trial.control("the SYNs left") as seen:
        check.that(
            sender.sent > 10 * max(1, sender.dropped), f"{sender.dropped} were not let out by the host"
        )
        seen.text = f"{sender.sent} SYNs"
    with trial.finding("the service is reached while the flood lasts") as seen:
        seen.text = curve.words
        check.equal(len(curve.lost()), 0, f"connections that were not accepted ({curve.words})")
    await curve.rest(REST_S)
    curve.keep()
    with trial.finding("the service is reached afterwards"):
        check.that(curve.samples[-1].took is not None, curve.samples[-1].why)
