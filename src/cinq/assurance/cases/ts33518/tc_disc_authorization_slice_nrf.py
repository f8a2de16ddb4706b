"""TS 33.518 §4.2.2.2.1 TC_DISC_AUTHORIZATION_SLICE_NRF: who may not be found is not found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cinq.assurance.case import Case
from cinq.assurance.sbi.nf import Nf
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

CASE = Case(
    "SCAS-33518-4.2.2.2.1",
    requirement="The NRF shows a network function to those alone that its profile allows: a function of another slice "
    "is answered 403 Forbidden (TS 33.501 §13.3.1.1, TS 29.510 §5.3.2.2.2).",
    threat="Who holds a function of one slice learns of those of another, and where they are.",
)
RARE, ASKS = "UDSF", "AMF"
"""A type that no other function of the target has, so that the answer is about the bench's alone; and who asks."""
HIDDEN, OTHER = {"sst": 201, "sd": "c1a001"}, {"sst": 202, "sd": "c1a002"}
NEEDS = ("sbi nrf",)


@asynccontextmanager
async def hidden(trial: Trial, **allowed: object) -> AsyncIterator[Nf]:
    """A function of the bench that says whom it allows. Gives the one that will ask for it."""
    async with Nf(trial, 1).registered(RARE, nfStatus="REGISTERED", **allowed):
        yield Nf(trial)


async def found(me: Nf) -> None:
    """Failed: the NRF does not show the bench's hidden function."""
    shown = [one.instance.lower() for one in await me.found(RARE, ASKS)]
    check.that(me.wire.credentials.instances[1] in shown, f"it shows {len(shown)} others")


@CASE.sub("A", "a function of another slice looks for it", needs=NEEDS)
async def of_another_slice(trial: Trial) -> None:
    async with hidden(trial, sNssais=[HIDDEN], allowedNssais=[HIDDEN]) as me:
        async with me.registered(ASKS, sNssais=[HIDDEN]):
            with trial.control("one of the same slice finds it"):
                await found(me)
        async with me.registered(ASKS, sNssais=[OTHER]):
            await refused(trial, me, "one of another slice")


@CASE.sub("type", "a function of a type that is not allowed looks for it", needs=NEEDS, beyond=True)
async def of_another_type(trial: Trial) -> None:
    async with hidden(trial, allowedNfTypes=[ASKS]) as me, me.registered(ASKS):
        with trial.control("one of the type that is allowed finds it"):
            await found(me)
    async with hidden(trial, allowedNfTypes=["SMF"]) as me, me.registered(ASKS):
        await refused(trial, me, "one of another type")


async def refused(trial: Trial, me: Nf, who: str) -> None:
    answer = await me.search(RARE, ASKS)
    with trial.finding(f"the NRF does not show it to {who}"):
        check.that(me.wire.credentials.instances[1].encode() not in answer.body.lower(), "it does")
    with trial.finding(f"{who} is answered 403 Forbidden") as seen:
        seen.text = str(answer)
        if answer.status != 403:
            raise Failed(f"it is answered {answer}")
