"""cinq ue: emulated UEs on a `cinq gnb` until Ctrl-C."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinq.cli.output import Failure, console, logging_to_stderr, settings, show_json, show_table, until_signal

if TYPE_CHECKING:
    from cinq.ran.ue import Ue
    from cinq.ran.ue.settings import UeSettings


def command(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).")] = None,
    imsi: Annotated[str, typer.Option(help="IMSI in place of the file's.")] = "",
    count: Annotated[int, typer.Option(help="How many UEs, with consecutive IMSIs.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object when all are there.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Switch emulated UEs on: they register, open their PDU sessions, and deregister at Ctrl-C."""
    from dataclasses import replace

    from cinq.ran.ue.settings import UeSettings

    logging_to_stderr(verbose)
    chosen = settings(UeSettings, config)
    try:
        chosen = replace(chosen, imsi=imsi.removeprefix("imsi-") or chosen.imsi, count=count or chosen.count)
    except ValueError as error:
        raise Failure(str(error)) from None
    asyncio.run(_run(chosen, json))


async def _run(chosen: UeSettings, json: bool) -> None:
    from cinq.procedure import Runtime
    from cinq.ran.ue.serve import serve

    stopped = until_signal()
    try:
        async with serve(chosen, Runtime("UE")) as ues:
            answers = await asyncio.gather(*(_power_on(ue) for ue in ues))
            _say(ues, answers, json)
            if all(answers):
                raise Failure(f"no UE came up: {answers[0]}", "cinq trace live, beside the core, shows why")
            await stopped
            await asyncio.gather(*(ue.deregister() for ue in ues), return_exceptions=True)
    except OSError as error:
        raise Failure(getattr(error, "what", str(error)), getattr(error, "remedy", "")) from None


async def _power_on(ue: Ue) -> str:
    """Empty when the UE registered and its sessions are up; else what was in the way."""
    from cinq.procedure import Aborted, Refused, TimerExpired

    try:
        await ue.power_on()
    except (Refused, TimerExpired, Aborted) as error:
        return str(error) or type(error).__name__
    return ""


def _say(ues: list[Ue], answers: list[str], json: bool) -> None:
    rows = [
        {
            "supi": str(ue.settings.supi),
            "registered": ue.context.registered,
            "sessions": [
                {
                    "id": n,
                    "dnn": s.settings.dnn,
                    "address": str(s.context.address or ""),
                    "interface": s.context.interface,
                }
                for n, s in sorted(ue.sessions.items())
            ],
            "error": answer,
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
            ", ".join(f"{s.context.address} ({s.context.interface})" for s in ue.sessions.values()),
            row["error"],
        )
        for ue, row in zip(ues[:50], rows, strict=False)
    ]
    show_table("", ("SUPI", "state", "address (interface)", "error"), shown)
    console().print(f"{sum(not a for a in answers)} of {len(ues)} UEs are up; Ctrl-C deregisters them")
