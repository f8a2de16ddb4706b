"""cinq upf: one UPF alone until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cinq import __version__
from cinq.cli.output import (
    Failure,
    console,
    control_of_upf,
    logging_to_stderr,
    settings,
    show_json,
    show_table,
    until_signal,
)
from cinq.settings.upf import UpfSettings

app = typer.Typer(invoke_without_command=True)


@app.callback()
def command(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object when ready.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="End what a UPF that was stopped has left running, and leave.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Start one UPF without a core: its SMFs are elsewhere, and name it in [[user_plane]] of their settings."""
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise Failure("cinq upf wants the settings of a UPF", "cinq upf --config upf.toml")
    begun = time.perf_counter()
    logging_to_stderr(verbose)
    chosen = settings(UpfSettings, config)
    if remove:
        _remove(chosen)
    else:
        asyncio.run(_run(chosen, begun, json))


@app.command("drops")
def drops(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file of the UPF, or of the network.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Packets that did not take the plain way through a UPF that runs: how many, why, and on which CPU."""
    from cinq.nf.upf.shown import ShownDrops
    from cinq.upf_state import Question, asked

    rows = asyncio.run(asked(control_of_upf(config), Question("drops"), ShownDrops))
    if json:
        show_json([msgspec.to_builtins(row) for row in rows])
        return
    width = max((len(row.counts) for row in rows), default=1) - 1
    columns = ("reason", "packets", "user space", *(f"CPU {n}" for n in range(width)), "what it is")
    rest = [[*row.counts, *[""] * (width + 1 - len(row.counts))] for row in rows]
    table = [(r.reason, sum(r.counts), *more, r.meaning) for r, more in zip(rows, rest, strict=True)]
    if table:
        show_table("", columns, table)
    else:
        console().print("every packet took the plain way")


def _remove(chosen: UpfSettings) -> None:
    from cinq.procedure import Journal
    from cinq.user_plane import Node

    gone = Node(chosen, Journal()).remove()
    console().print(f"removed: {'; '.join(gone)}" if gone else "there was nothing to remove")


async def _run(chosen: UpfSettings, begun: float, json: bool) -> None:
    from cinq.procedure import collect_seldom
    from cinq.user_plane import Node

    stopped = until_signal()
    node = await Node.start(chosen)
    collect_seldom()
    try:
        facts = {**node.facts(), "ready_s": round(time.perf_counter() - begun, 3)}
        if json:
            show_json(facts)
        else:
            _say(facts)
        await stopped
    finally:
        await node.stop()
    if not json:
        console().print(_last_words(chosen, facts))


def _last_words(chosen: UpfSettings, facts: dict[str, object]) -> str:
    if not chosen.node.survives:
        return "stopped; the host is as it was"
    if facts["packets_go_on"]:
        return "stopped; packets go on. cinq upf continues here, cinq upf --remove ends it"
    return "stopped; the host is as it was. Sessions are taken up when it starts again"


def _say(facts: dict[str, object]) -> None:
    out, smfs = Console(highlight=False, soft_wrap=True), facts["smfs"]
    out.print(f"[bold]cinq {__version__}[/] · UPF {facts['name']} · {facts['data_plane']} data plane")
    out.print(f" N4 {facts['n4']} for SMF {', '.join(smfs) if isinstance(smfs, list) else smfs}")
    out.print(f" N3 {facts['n3']} · {facts['dnns']} · trace: cinq trace live --socket {facts['control']}")
    changes = facts["host_changes"]
    if isinstance(changes, list) and changes:
        until = "it is removed" if facts["packets_go_on"] else "it stops"
        out.print(f" changed on this host until {until}: {'; '.join(map(str, changes))}")
    out.print(f" [green]ready[/] in {facts['ready_s']} s; Ctrl-C stops it")
