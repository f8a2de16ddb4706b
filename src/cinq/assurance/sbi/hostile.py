"""What is wanted of a function that is sent what it must not take: the right status, and nothing of its inside."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cinq.assurance.sbi.nf import JSON, Answer, Nf
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

INSIDE = re.compile(
    rb"Traceback|goroutine \d|panic:|[Ss]tack ?trace|\.(py|go|c|cpp|java|rs)(:\d+|\", line)|"
    rb"0x[0-9a-fA-F]{8,}|sqlite|mongo|/usr/|/home/|/src/"
)
"""Of a program's own: places in its source or on its disk, addresses, its database."""
BAD = range(400, 500)
AT_ONCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """A producer that is asked under a token that it takes."""

    me: Nf
    root: str
    token: str

    async def ask(self, method: str, target: str, body: object = None, kind: str = JSON) -> Answer:
        return await self.me.ask(method, target, body, root=self.root, token=self.token, kind=kind)


@asynccontextmanager
async def at(trial: Trial, nf_type: str, service: str, consumer: str) -> AsyncIterator[Place]:
    """Controls: the bench is registered as the consumer, finds the producer, and has a token for the service."""
    me = Nf(trial)
    async with me.registered(consumer):
        producer = await me.finds(nf_type, consumer, service)
        yield Place(me, producer.root_of(service), await me.token(service, consumer, nf_type))


@asynccontextmanager
async def at_nrf(trial: Trial) -> AsyncIterator[Place]:
    """A control: the bench is registered at the NRF as an AMF that nobody is to find."""
    me = Nf(trial)
    async with me.registered("AMF"):
        yield Place(me, me.nrf, "")


async def answers(trial: Trial, what: str, asked: Awaitable[Answer], wanted: Container[int]) -> Answer:
    """A control: the well-formed twin of what follows, or of what was before, is answered so."""
    with trial.control(f"{what} is answered") as seen:
        answer = await asked
        seen.text = str(answer)
        check.one_of(answer.status, wanted, "the status")
    return answer


async def refuses(
    trial: Trial, what: str, asked: Awaitable[Answer], wanted: Container[int] = BAD
) -> Answer | None:
    """A finding: the answer has such a status, and nothing of the inside. None: there was no answer."""
    answer: Answer | None = None
    with trial.finding(f"{what}: refused, and nothing of the inside is told") as seen:
        answer = await asked
        seen.text = str(answer)
        check.one_of(answer.status, wanted, "the status")
        tells_nothing(answer)
    return answer


async def refuses_or_ends(trial: Trial, what: str, ask: Callable[[], Awaitable[Answer]]) -> None:
    """A finding: it is refused by a status, or the connection is ended, and in either case at once."""
    loop = asyncio.get_running_loop()
    with trial.finding(f"{what}: refused at once, by a status or the end of the connection") as seen:
        begun = loop.time()
        try:
            answer = await ask()
        except Failed as ended:
            seen.text = str(ended)[:200]
        else:
            seen.text = str(answer)
            check.one_of(answer.status, BAD, "the status")
            tells_nothing(answer)
        check.that(loop.time() - begun < AT_ONCE_S, f"not within {AT_ONCE_S:g} s")


def tells_nothing(answer: Answer) -> None:
    """Failed: something of the inside is in the answer."""
    found = INSIDE.search(answer.body)
    if found is not None:
        raise Failed(f"its body tells {found[0][:60]!r}")
