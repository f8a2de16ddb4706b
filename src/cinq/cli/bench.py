"""cinq bench: how fast the core and its data planes are on this host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cinq.cli.output import Failure, console, end_on_sigterm, show_json, show_table
from cinq.doctor import install, lacking_tools
from cinq.lab import figures, rootless
from cinq.transport.error import TransportError

if TYPE_CHECKING:
    from cinq.lab.control_plane import Phase

app = typer.Typer(help="Measure this host's control plane and user plane.", no_args_is_help=True)

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the figures to this file (JSON).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="How often everything is measured.")]


@app.command("control-plane")
def control_plane(
    output: Output = None,
    json: AsJson = False,
    ues: Annotated[int, typer.Option("--ues", min=1, max=100_000, help="UEs of each round.")] = 2000,
    in_flight: Annotated[int, typer.Option("--in-flight", min=1, help="UEs at a time.")] = 64,
    rounds: Rounds = 3,
    suci: Annotated[str, typer.Option("--suci", help="null, or A: SUCIs by profile A.")] = "null",
) -> None:
    """Registration with PDU session of many UEs: the core in one process, the emulator in another, over SCTP.

    Figures are median [minimum maximum] over the rounds. Needs network namespaces (root, or user namespaces).
    """
    from cinq.lab.control_plane import Bench, BenchError, Result
    from cinq.lab.core import CoreError

    if suci not in ("null", "A"):
        raise Failure(f"--suci: found {suci!r}, wanted null or A")
    _check(output)
    _enter()
    result: Result
    try:
        with _progress("control plane") as step:
            result = Bench(ues, in_flight, rounds, suci == "A", step).run()
    except (BenchError, CoreError) as error:
        raise Failure(str(error), "cinq doctor") from None
    except TransportError as error:
        raise Failure(error.what, error.remedy) from None
    _show(result, output, json)
    if json:
        return
    rows: tuple[tuple[str, figures.Figure], ...] = (
        ("CPU of the core, µs per UE", result.cpu_us_per_ue),
        ("registrations per second", result.registrations_per_s),
        ("latency p50, ms", result.latency_ms.p50),
        ("latency p99, ms", result.latency_ms.p99),
        ("resident memory, idle, MiB", result.rss_idle_mib),
        ("resident memory, KiB per UE", result.rss_kib_per_ue),
        ("ready for gNBs, s", result.ready_s),
        ("CPU of the emulator, µs per UE", result.emulator_cpu_us_per_ue),
        *_phase_rows("service request", result.service_request),
        *_phase_rows("paging", result.paging),
        *_phase_rows("Xn handover", result.xn_handover),
        *_phase_rows("N2 handover", result.n2_handover),
        ("resident memory, KiB per idle UE at the end", result.rss_kib_per_idle_ue),
        ("event loop kept longest, ms", result.loop_block_ms),
        ("event loop kept longest, ms of CPU", result.loop_block_cpu_ms),
    )
    title = (
        f"Control plane: {ues} UEs, {in_flight} in flight, SUCI {suci}, {result.sctp} SCTP; {rounds} rounds"
    )
    show_table(title, ("", "median", "min", "max"), [(name, f.median, f.min, f.max) for name, f in rows])


@app.command("sbi")
def service_calls(
    output: Output = None,
    json: AsJson = False,
    calls: Annotated[int, typer.Option("--calls", min=1, max=1_000_000, help="Calls of each round.")] = 2000,
    in_flight: Annotated[int, typer.Option("--in-flight", min=1, max=256, help="Calls at a time.")] = 16,
    rounds: Rounds = 5,
) -> None:
    """Service calls between two processes over HTTP/2, with TLS and an access token.

    Figures are median [minimum maximum] over the rounds; CPU is that of both processes.
    """
    from cinq.lab.service_calls import Bench, Result

    _check(output)
    result: Result
    try:
        with _progress("service calls") as step:
            result = Bench(calls, in_flight, rounds, step).run()
    except OSError as error:
        raise Failure(str(error)) from None
    _show(result, output, json)
    if json:
        return
    rows: tuple[tuple[str, figures.Figure], ...] = (
        ("CPU of both sides, µs per call", result.cpu_us),
        ("CPU of the consumer, µs per call", result.consumer_cpu_us),
        ("CPU of the producer, µs per call", result.producer_cpu_us),
        ("CPU of both sides, one call at a time", result.cpu_us_alone),
        ("calls per second", result.calls_per_s),
        ("latency p50, ms", result.p50_ms),
        ("latency p99, ms", result.p99_ms),
    )
    title = f"Service calls: {calls}, {in_flight} at a time, HTTP/2 over TLS; {rounds} rounds"
    show_table(title, ("", "median", "min", "max"), [(name, f.median, f.min, f.max) for name, f in rows])


@app.command("never-lost")
def never_lost(
    output: Output = None,
    json: AsJson = False,
    rate: Annotated[int, typer.Option("--rate", min=100, max=50000, help="Packets a second.")] = 5000,
) -> None:
    """Packets by number: while the process of the data plane is killed and started, and while they wait for an idle UE.

    Every packet that was sent should be delivered, or be counted as one for which there was no room to wait, and none
    should come after a later one. Needs root and eBPF.
    """
    from cinq.lab.never_lost import run

    _check(output)
    try:
        rows = run(rate)
    except TransportError as error:
        raise Failure(error.what, error.remedy) from None
    _show(rows, output, json)
    if not json:
        columns = ("row", "sent", "delivered", "discarded", "reordered", "packets/s")
        table = [(r.name, r.sent, r.delivered, r.discarded, r.reordered, r.packets_per_s) for r in rows]
        show_table("Packets that must not be lost", columns, table)


@app.command("user-plane")
def user_plane(
    output: Output = None,
    json: AsJson = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="Seconds of each slot; from 1 on TCP is by iperf3.")
    ] = 0.4,
    rounds: Rounds = 7,
) -> None:
    """Each data plane against plain kernel forwarding: TCP and 64-octet UDP, uplink and downlink.

    Figures are median [minimum maximum] over the rounds. A round counts for a row when other processes left the
    processors alone meanwhile; how many did not is shown. Needs network namespaces (root, or user namespaces).
    """
    from cinq.lab.traffic import TrafficError
    from cinq.lab.user_plane import Bench, Result

    _check(output)
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
    columns = ("plane", "direction", "kind", "ratio to forwarding", "Gbit/s", "kpps", "rounds")
    rows = [
        (r.plane, r.direction, r.kind, r.ratio, r.gbit_s, r.kpps, f"{r.pairs} of {r.pairs + r.dropped}")
        for r in (*result.rows, *result.forwarding)
    ]
    show_table(rf"User plane: median \[min max] of {rounds} rounds", columns, rows)
    dropped, disturbed = sum(r.dropped for r in result.rows), sum(r.disturbed for r in result.rows)
    if dropped or disturbed:
        console().print(
            f"Other processes took the processors: {dropped} pairs of slots were dropped"
            + (f", and {disturbed} count all the same for want of better ones." if disturbed else "."),
            style="yellow",
        )
    for plane, why in result.skipped.items():
        console().print(f"{plane} was not measured: {why}", markup=False)
    if lacking := lacking_tools(("iperf3",)):
        console().print(
            f"iperf3 is not installed: TCP by sockets of our own. mend: {install(lacking)}", markup=False
        )
    gnb = ", ".join(f"{end} beside {plane}" for plane, end in result.gnb_plane.items())
    console().print(f"The plane of the UPF is under test. The gNB has {gnb}. TCP by {result.tcp_by}.")


def _phase_rows(name: str, phase: Phase) -> tuple[tuple[str, figures.Figure], ...]:
    return (
        (f"{name}: CPU of the core, µs", phase.cpu_us),
        (f"{name}: latency p50, ms", phase.p50_ms),
        (f"{name}: latency p99, ms", phase.p99_ms),
    )


def _check(output: Path | None) -> None:
    """A file that cannot be written is told of before the bench, not after it."""
    if output is None:
        return
    there = output if output.exists() else output.absolute().parent
    if output.is_dir() or not there.exists() or not os.access(there, os.W_OK):
        raise Failure(
            f"--output {output}: cannot be written", "name a file in a folder that you may write to"
        )


def _enter() -> None:
    """Namespaces are needed: of the host's root, else of a user namespace. They go at any end but SIGKILL."""
    end_on_sigterm()
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
