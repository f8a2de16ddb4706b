"""TS 33.512 §4.2.2.3.3 TC_NAS_INT_SELECTION_USE_AMF: the best algorithm that both have, and it is really used."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from cinq.assurance.case import Case
from cinq.assurance.security_mode import command, mac_holds
from cinq.assurance.trial import DISAPPOINTMENTS, QUIET_S, Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import Integrity
from cinq.wire import nas

CASE = Case(
    "SCAS-33512-4.2.2.3.3",
    requirement="The AMF chooses the integrity algorithm that stands highest in its list among those of the UE, and "
    "protects and checks NAS with it (TS 33.501 §5.5.2, §6.7.1.1).",
    threat="A weaker algorithm than both could have used, or one that is announced and not applied, is easier broken.",
)
SETS: tuple[tuple[Integrity, ...], ...] = (
    ("NIA1", "NIA2"),
    ("NIA1", "NIA2", "NIA3"),
    ("NIA0", "NIA1", "NIA2"),
)
"""What UEs support: NIA1 and NIA2 always, as every UE has to (TS 33.501 §5.3.3)."""


async def by_order(trial: Trial, gnb: Gnb, order: tuple[Integrity, ...]) -> None:
    """One UE after another with each set is given the first of the order that it has."""
    bench = trial.bench
    first = bench.ue(gnb)
    for offered in SETS:
        wanted = next(one for one in order if one in offered)
        ue = bench.ue_of(first, gnb, integrity=offered)
        ue.initiate(partial(ue.register, attempts=1), "registration")
        with trial.control(f"a UE with {', '.join(offered)} is authenticated; a SECURITY MODE COMMAND comes"):
            await bench.hears(nas.AuthenticationRequest, ue)
            found = await command(bench, gnb, ue)
        with trial.finding(
            f"of {', '.join(offered)} the AMF chooses {wanted}, by its order {', '.join(order)}"
        ):
            check.equal(f"NIA{found.message.algorithms.integrity}", wanted, "the algorithm chosen")
        with trial.finding(
            f"NAS is protected by it: the MAC of SECURITY MODE COMMAND holds by {wanted}"
        ) as seen:
            seen.text = mac_holds(ue, found)
        with trial.control("the registration goes on to its end"):
            await bench.until(partial(_registered, ue), "the UE is registered")
        with trial.control("the UE leaves"):
            await bench.succeeds(ue.deregister(), "deregistration")


def _registered(ue: Ue) -> bool:
    return ue.context.registered


@CASE.sub("A", "capability sets against the order that is set up")
async def as_set_up(trial: Trial) -> None:
    await by_order(trial, await trial.bench.gnb(), trial.target.algorithms.integrity)


@CASE.sub("B", "capability sets against another order", needs=("algorithm_order",))
async def another_order(trial: Trial) -> None:
    algorithms = trial.target.algorithms
    before = algorithms.integrity
    real = [one for one in before if one != "NIA0"]
    other = (*real[1:], real[0], *(one for one in before if one == "NIA0"))
    await _set_to(trial, other)
    try:
        await by_order(trial, await trial.bench.gnb(), other)
    finally:
        await _set_to(trial, before)


async def _set_to(trial: Trial, order: tuple[Integrity, ...]) -> None:
    """A product that had to be started again for it has forgotten everybody: those who must not notice begin anew."""
    ciphering = ",".join(trial.target.algorithms.ciphering)
    await trial.turn("algorithm_order", integrity=",".join(order), ciphering=ciphering)
    if trial.others is not None:
        await trial.others.restored()


@CASE.sub("C", "the MAC of SECURITY MODE COMPLETE is checked")
async def is_used(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.station.record() as record, ue.station.spoil_mac(nas.SecurityModeComplete, times=1) as spoilt:
        registering = asyncio.ensure_future(ue.register(attempts=1))
        try:
            with trial.control("the UE is authenticated and answers SECURITY MODE COMMAND, with a wrong MAC"):
                await record.expect(nas.SecurityModeCommand)
                await bench.until(lambda: spoilt.met == 1, "SECURITY MODE COMPLETE has left")
            trial.step("SECURITY MODE COMPLETE leaves with a MAC that does not hold")
            with trial.finding("the AMF does not take it: no REGISTRATION ACCEPT comes"):
                await asyncio.sleep(QUIET_S)
                check.equal(len(record.messages(nas.RegistrationAccept)), 0, "REGISTRATION ACCEPTs")
            with trial.control(
                "the command is repeated after T3560 and answered rightly, or the UE begins anew, and registers"
            ) as seen:
                seen.text = await _in_the_end(trial, ue, registering)
        finally:
            registering.cancel()


async def _in_the_end(trial: Trial, ue: Ue, registering: asyncio.Future[None]) -> str:
    """How the UE came to its registration."""
    bench = trial.bench
    with contextlib.suppress(*DISAPPOINTMENTS, TimeoutError):
        async with asyncio.timeout(15):
            await bench.succeeds(registering, "registration")
        return "by a command that was repeated"
    await bench.succeeds(bench.ue_of(ue, bench.gnb_of(ue)).register(), "registration anew")
    return "anew"
