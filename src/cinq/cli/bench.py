"""cinq bench: how fast the core and its data planes are on this host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cinq.cli.output import Failure, console, show_json, show_table
from cinq.lab import figures, rootless
from cinq.transport.error import TransportError

app = typer.Typer(help="Measure this host's control plane and user plane.", no_args_is_help=True)

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the figures to this file (JSON).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="How often everything is measured.")]


@app.command("user-plane")
def user_plane(
    output: Output = None,
    json: AsJson = False,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Seconds of each slot.")] = 1.0,
    rounds: Rounds = 3,
) -> None:
    """Each data plane against plain kernel forwarding: TCP and 64-octet UDP, uplink and downlink.

    Figures are median [minimum maximum] over the rounds. Needs network namespaces (root, or user namespaces).
    """
    from cinq.lab.traffic import TrafficError
    from cinq.lab.user_plane import Bench, Result

    _enter()
    result: Result
    try:
        with _progress("user plane") as step:
            result = Bench(rounds, seconds, step).run()
    except TrafficError as error:
        raise Failure(str(error), "cinq doctor") from None
    except TransportError as error:
        raise Failure(error.what, error.remedy) from None
    _show(result, output, json)
    if json:
        return
    columns = ("plane", "direction", "kind", "ratio to forwarding", "Gbit/s", "kpps")
    rows = [(r.plane, r.direction, r.kind, r.ratio, r.gbit_s, r.kpps) for r in result.rows]
    rows += [(r.plane, r.direction, r.kind, "", r.gbit_s, r.kpps) for r in result.forwarding]
    show_table(f"User plane: median [min max] of {rounds} rounds", columns, rows)
    for plane, why in result.skipped.items():
        console().print(f"{plane} was not measured: {why}", markup=False)
    gnb = ", ".join(f"{plane} {end}" for plane, end in result.gnb_plane.items())
    console().print(f"the UPF's plane is under test; plane of the gNB: {gnb}. TCP by {result.tcp_by}.")


def _enter() -> None:
    """Namespaces are needed: of the host's root, else of a user namespace."""
    if rootless.privileged():
        return
    try:
        rootless.enter()
    except TransportError as error:
        raise Failure(error.what, error.remedy) from None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal; called with how much is done, of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _show(result: object, output: Path | None, json: bool) -> None:
    if output is not None:
        try:
            figures.write(output, result)
        except OSError as error:
            raise Failure(f"{output}: {error.strerror}") from None
    if json:
        show_json(figures.plain(result))
