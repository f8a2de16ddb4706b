"""cinq load: many UEs through the same steps, with the latency of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cinq.cli.output import Failure, console, logging_to_stderr, settings, show_json, show_table

if TYPE_CHECKING:
    from cinq.ran.load import LoadSettings, Outcome
    from cinq.ran.scenarios.target import Target

Steps = Annotated[
    list[str] | None,
    typer.Argument(
        help="Done once by each UE: register, session, idle, service, periodic, update, xn, n2, release, deregister."
        " Without any: register session."
    ),
]


def command(
    steps: Steps = None,
    repeat: Annotated[str, typer.Option(help="Steps that each UE repeats afterwards: 'idle service'.")] = "",
    loops: Annotated[int, typer.Option(min=0, help="How often it repeats them.")] = 1,
    ues: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many UEs.")] = 100,
    in_flight: Annotated[int, typer.Option(min=1, help="UEs that are on their way at a time.")] = 64,
    rate: Annotated[
        float, typer.Option(min=0.0, help="UEs that begin in a second; 0: as fast as it goes.")
    ] = 0.0,
    gnbs: Annotated[int, typer.Option(min=1, max=250, help="How many gNBs share them.")] = 1,
    target: Annotated[Path | None, typer.Option(help="The core under test (TOML); else this host's.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings of this host's core.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load a core: register, open sessions, go idle and come back, leave, at a rate or as fast as it goes.

    Exit code 1 when a step failed. Percentiles are of the emulated UE's own clock.
    """
    from cinq.lab.load import LoadError
    from cinq.lab.scenarios import own_core
    from cinq.ran.scenarios.target import Target
    from cinq.settings.network import NetworkSettings
    from cinq.transport.write_behind import StoreError

    logging_to_stderr(False)
    wanted = _wanted(steps or ("register", "session"), repeat.split(), loops, ues, in_flight, rate)
    try:
        if target is not None:
            outcome = _play(settings(Target, target), wanted, gnbs)
        else:
            with own_core(settings(NetworkSettings, config), config, ues) as own:
                outcome = _play(own, wanted, gnbs)
    except LoadError as error:
        raise Failure(
            str(error), "cinq up first, or give --target FILE (cinq scenario target prints one)"
        ) from None
    except StoreError as error:
        raise Failure(str(error)) from None
    if json:
        show_json(_facts(outcome))
    else:
        _show(outcome)
    if any(latencies.failed for latencies in outcome.steps.values()):
        raise typer.Exit(1)


def _wanted(
    first: Sequence[str], repeat: Sequence[str], loops: int, ues: int, in_flight: int, rate: float
) -> LoadSettings:
    from cinq.ran.load import STEPS, LoadSettings

    named = {str(step): step for step in STEPS}
    for step in (*first, *repeat):
        if step not in named:
            raise Failure(f"found step {step!r}, wanted {', '.join(STEPS)}", "cinq load --help")
    steps, again = tuple(named[step] for step in first), tuple(named[step] for step in repeat)
    return LoadSettings(ues=ues, in_flight=in_flight, rate=rate, first=steps, repeat=again, loops=loops)


def _play(target: Target, wanted: LoadSettings, gnbs: int) -> Outcome:
    from cinq.lab.load import of_target, play

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("UEs", total=wanted.ues)
        return asyncio.run(
            play(
                target, of_target(target, wanted), gnbs, lambda ended: progress.update(task, completed=ended)
            )
        )


def _show(outcome: Outcome) -> None:
    rows = [
        (
            step,
            len(found.times),
            found.failed or "",
            *(f"{found.quantile(q):.1f}" for q in (0.5, 0.9, 0.99, 1.0)),
        )
        for step, found in outcome.steps.items()
    ]
    show_table("", ("step", "done", "failed", "p50 ms", "p90", "p99", "max"), rows)
    out = console()
    for reason, count in outcome.errors.items():
        out.print(f"{count} × {reason}", style="bold red", markup=False)
    each = f"{outcome.done} UEs in {outcome.seconds:.1f} s, {outcome.per_second:.0f} a second"
    out.print(f"{each}; {outcome.cpu_s:.1f} s of it CPU of the emulated side")


def _facts(outcome: Outcome) -> dict[str, object]:
    return {
        "ues": outcome.done,
        "seconds": round(outcome.seconds, 3),
        "per_second": round(outcome.per_second, 1),
        "emulator_cpu_s": round(outcome.cpu_s, 3),
        "steps": {
            step: {
                "done": len(found.times),
                "failed": found.failed,
                "p50_ms": round(found.quantile(0.5), 2),
                "p90_ms": round(found.quantile(0.9), 2),
                "p99_ms": round(found.quantile(0.99), 2),
                "max_ms": round(found.quantile(1.0), 2),
                "errors": found.errors,
            }
            for step, found in outcome.steps.items()
        },
    }
