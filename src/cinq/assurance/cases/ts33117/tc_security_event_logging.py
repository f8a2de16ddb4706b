"""TS 33.117 §4.2.3.6.1 TC_SECURITY_EVENT_LOGGING: what matters for security is in the log."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable

from cinq.assurance.case import Case
from cinq.assurance.trial import Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue.faults import Fault
from cinq.wire import nas

CASE = Case(
    "SCAS-33117-4.2.3.6.1",
    requirement="Security events are logged, each with its time and who or what it was about.",
    threat="What nobody recorded nobody can find out: an intrusion has no beginning and no end.",
)
TIME = re.compile(r"\d{1,2}:\d{2}:\d{2}|\d{10}")
LIMIT = "an entry counts by words in it; whether it tells all that it should is for a person to read"
LOG_S = 15.0  # a log may gather what comes often
Act = Callable[[], Awaitable[None]]


async def logged(trial: Trial, what: str, act: Act, *words: str) -> None:
    """A finding: the act leaves a new entry with one of these words, and its time. What was there does not count."""
    since = str(int(trial.lab.utc()) - 1)
    before = Counter((await trial.turn("log", since=since)).splitlines())
    await act()
    new, until = list[str](), asyncio.get_running_loop().time() + LOG_S
    while asyncio.get_running_loop().time() < until and not _about(new, words):
        await trial.settle()
        after = Counter((await trial.turn("log", since=since)).splitlines())
        new = list((after - before).elements())
    with trial.finding(f"the log has a new entry about {what}, with its time") as seen:
        lines = _about(new, words)
        if not lines:
            raise Failed(f"{len(new)} new lines, none of them says {' or '.join(words)}")
        seen.text = lines[0][:200]
        check.that(any(TIME.search(line) for line in lines), f"there is no time in {lines[0][:120]!r}")


def _about(lines: list[str], words: tuple[str, ...]) -> list[str]:
    return [line for line in lines if any(word in line.lower() for word in words)]


@CASE.sub("interface", "a gNB's association comes and is lost", needs=("log",), limit=LIMIT)
async def interface(trial: Trial) -> None:
    gnbs: list[Gnb] = []

    async def comes() -> None:
        with trial.control("a gNB sets up its association"):
            gnbs.append(await trial.bench.gnb())

    async def goes() -> None:
        with trial.control("the association ends"):
            association = check.present(gnbs[0].n2.association, "the association")
            association.abort("switched off")
            await trial.bench.until(lambda: gnbs[0].n2.association is None, "the association is over")

    await logged(trial, "a gNB that came", comes, "gnb", "ng setup", "ngsetup", "association")
    name = gnbs[0].settings.name.lower()
    await logged(trial, "a gNB that was lost", goes, name, "lost", "aborted", "connection refused", "removed")


@CASE.sub("authentication", "a UE does not prove who it is", needs=("log",), limit=LIMIT, beyond=True)
async def authentication(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = trial.bench.ue(gnb)

    async def fails() -> None:
        with ue.station.record() as record, ue.faults.shown(Fault.WRONG_RES):
            ue.initiate(lambda: ue.register(attempts=1), "registration")
            with trial.control("a UE answers its challenge wrongly, and is rejected"):
                await record.expect(nas.AuthenticationReject)

    await logged(trial, "a failed authentication", fails, "authentic", "res*", "reject", "mac failure")


@CASE.sub("configuration", "the configuration is changed", needs=("log", "algorithm_order"), limit=LIMIT)
async def configuration(trial: Trial) -> None:
    algorithms = trial.target.algorithms
    integrity, ciphering = algorithms.integrity, ",".join(algorithms.ciphering)

    async def changes() -> None:
        await trial.turn("algorithm_order", integrity=",".join(integrity[::-1]), ciphering=ciphering)

    try:
        await logged(
            trial, "a change of the configuration", changes, "config", "setting", "reload", "integrity"
        )
    finally:
        await trial.turn("algorithm_order", integrity=",".join(integrity), ciphering=ciphering)


@CASE.sub("restart", "the product is restarted", needs=("log", "restart"), limit=LIMIT, within=120.0)
async def restart(trial: Trial) -> None:
    await logged(trial, "the restart", trial.restart, "start", "ready", "init", "stopp", "shut")


CASE.not_yet("accounts", "logins, and changes of accounts and their rights", "OAM client")
