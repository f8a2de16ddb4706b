"""cinq ue: emulated UEs on a `cinq gnb` until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinq.cli.output import (
    Failure,
    console,
    failure_of,
    logging_to_stderr,
    say_failure,
    settings,
    show_json,
    show_table,
    until_signal,
)

if TYPE_CHECKING:
    from cinq.procedure import Runtime, Why
    from cinq.ran.ue import Ue
    from cinq.ran.ue.broadcast import Shown
    from cinq.ran.ue.context import SessionContext
    from cinq.ran.ue.serve import Traffic
    from cinq.ran.ue.session import Session
    from cinq.ran.ue.settings import UeSettings

log = logging.getLogger("cinq.ue")
FAREWELL_S = 5.0
REASONS = 20
NO_INTERFACE = "`netns` and `data_plane` in the settings of UE and gNB"


def command(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).")] = None,
    imsi: Annotated[str | None, typer.Option(help="IMSI in place of the file's.")] = None,
    count: Annotated[int | None, typer.Option(help="How many UEs, with consecutive IMSIs.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object when all are there.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Switch emulated UEs on: they register, open their PDU sessions, and deregister at Ctrl-C."""
    from dataclasses import replace

    from cinq.ran.ue.settings import UeSettings

    logging_to_stderr(verbose)
    chosen = settings(UeSettings, config)
    try:
        if imsi is not None:
            chosen = replace(chosen, imsi=imsi.removeprefix("imsi-"))
        if count is not None:
            chosen = replace(chosen, count=count)
    except ValueError as error:
        raise Failure(f"--{error}") from None
    asyncio.run(_run(chosen, json))


async def _run(chosen: UeSettings, json: bool) -> None:
    from cinq.cli import traffic_view
    from cinq.procedure import Runtime
    from cinq.ran.ue.serve import serve

    stopped, runtime = until_signal(), Runtime("UE")
    running: list[Traffic] = []
    gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_gone(reason: str) -> None:
        if not gone.done():
            gone.set_result(reason)

    try:
        async with serve(chosen, runtime, on_gone) as ues:
            life = asyncio.ensure_future(_live(ues, runtime, running, json))
            await asyncio.wait((life, stopped, gone), return_when=asyncio.FIRST_COMPLETED)
            ended = life.done()
            life.cancel()
            if gone.done():
                raise Failure(
                    f"the gNB at {chosen.radio} is gone: {gone.result()}", "cinq gnb, then this again"
                )
            traffic_view.finish(running, json)
            await _farewell(ues)
            gone.cancel()
            if ended:
                life.result()
    except OSError as error:
        found = failure_of(error)
        remedy = found.mend or "start a gNB first: cinq gnb (its key `radio` is that path)"
        raise Failure(found.what, remedy) from None


async def _live(ues: list[Ue], runtime: Runtime, running: list[Traffic], json: bool) -> None:
    """On, and never off by themselves. Failure when not one comes up. running: gets the traffic that they make."""
    from cinq.cli import traffic_view
    from cinq.ran.ue.serve import begin_traffic

    answers = await asyncio.gather(*(_power_on(ue) for ue in ues))
    _say(ues, answers, json)
    if all(answers):
        raise Failure(f"no UE came up: {answers[0]}", answers[0].mend)
    _say_why(answers)
    said: set[str] = set()
    warned: set[Shown] = set()
    for ue in ues:
        ue.on_shown = lambda _, shown: _say_warning(shown, warned)
        for shown in ue.warnings.shown:
            _say_warning(shown, warned)
        ue.on_trouble = lambda ue, what, why: _say_trouble(ue, what, why, said)
    running += begin_traffic(ues, runtime)
    if running and not json:
        await traffic_view.watch(running)
    await asyncio.get_running_loop().create_future()


async def _farewell(ues: list[Ue]) -> None:
    """All deregister; a core that does not answer keeps nobody here for long."""
    leaving = [asyncio.ensure_future(ue.deregister()) for ue in ues]
    done, silent = await asyncio.wait(leaving, timeout=FAREWELL_S + len(ues) / 100)
    await asyncio.gather(*done, return_exceptions=True)
    if silent:
        log.warning("%d of %d UEs leave without an answer to their deregistration", len(silent), len(ues))
        for one in silent:
            one.cancel()


async def _power_on(ue: Ue) -> Why:
    """Empty when the UE registered and programs can use its sessions; else what was in the way, and what mends it."""
    from cinq.procedure import Aborted, Refused, TimerExpired, Why
    from cinq.ran.ue.causes import explain

    try:
        await ue.power_on()
    except (Refused, TimerExpired, Aborted) as error:
        return explain(error, ue.asked)
    for number, session in ue.sessions.items():
        if session.trouble:
            mend = "" if "mend it with" in session.trouble else NO_INTERFACE
            return Why(f"no interface for session {number}: {session.trouble}", mend)
    return Why("")


def _say_why(answers: list[Why]) -> None:
    """What mends it, once for each reason, on standard error; of many reasons the first ones."""
    for answer in list(dict.fromkeys(answer for answer in answers if answer))[:REASONS]:
        say_failure(Failure(answer, answer.mend))


def _say_trouble(ue: Ue, what: str, why: Why, said: set[str]) -> None:
    """Later: what the network did to a UE, once for each reason."""
    if why not in said and len(said) < REASONS:
        said.add(why)
        say_failure(Failure(f"{ue.settings.supi}: {what}: {why}", why.mend))


def _say_warning(shown: Shown, said: set[Shown]) -> None:
    """A public warning that the cells broadcast, once for all UEs."""
    if shown not in said:
        said.add(shown)
        console().print(f"public warning, {shown}", style="bold yellow", markup=False, soft_wrap=True)


def _say(ues: list[Ue], answers: list[Why], json: bool) -> None:
    rows = [
        {
            "supi": str(ue.settings.supi),
            "registered": ue.context.registered,
            "sessions": [
                {
                    "id": n,
                    "dnn": s.settings.dnn,
                    "address": str(s.context.address or ""),
                    "ipv6": str(s.context.address6 or ""),
                    "interface": s.context.interface,
                    "netns": s.context.netns,
                }
                for n, s in sorted(ue.sessions.items())
            ],
            "error": answer,
            "mend": answer.mend,
        }
        for ue, answer in zip(ues, answers, strict=True)
    ]
    if json:
        show_json(rows)
        return
    shown = [
        (
            row["supi"],
            "registered" if row["registered"] else "not registered",
            ", ".join(f"{_addresses(s.context)} ({s.context.interface})" for s in _up(ue)),
            row["error"],
        )
        for ue, row in zip(ues[:50], rows, strict=False)
    ]
    show_table("", ("SUPI", "state", "address (interface)", "error"), shown)
    up = sum(not a for a in answers)
    console().print(f"{up} of {len(ues)} UEs are up" + ("; Ctrl-C deregisters them" if up else ""))
    session = next((s for ue in ues for s in _up(ue) if s.context.interface), None)
    if session is not None:
        console().print(f"try it: {_trial(session.context)}", soft_wrap=True)


def _up(ue: Ue) -> list[Session]:
    return [s for _, s in sorted(ue.sessions.items()) if s.context.state == "ACTIVE"]


def _addresses(session: SessionContext) -> str:
    """Both where there are both; the prefix of IPv6 may be still to come."""
    if session.is_ethernet:
        return "Ethernet"
    return ", ".join(str(each) for each in (session.address, session.address6) if each) or "no address yet"


def _trial(session: SessionContext) -> str:
    """A command that sends traffic through the session."""
    six = f"ping -6 -I {session.address6} 2606:4700:4700::1111"
    ping = six if session.address is None else f"ping -I {session.address} 1.1.1.1"
    if session.is_ethernet:
        ping = f"ip address add 192.0.2.2/24 dev {session.interface}"
    if not session.netns:
        return ping
    if session.netns.startswith("/"):
        return f"nsenter --net={session.netns} {ping}"
    if session.netns.isdecimal():
        return f"nsenter --net --target {session.netns} {ping}"
    return f"ip netns exec {session.netns} {ping}"
