"""cinq scenario: what emulated gNBs and UEs ask of a core, one by one, each with a verdict."""

from __future__ import annotations

import asyncio
import json as json_
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from xml.etree import ElementTree

import typer
from rich.console import Console
from rich.text import Text

from cinq.cli.output import Failure, console, logging_to_stderr, settings, show_json, show_table
from cinq.cli.targets import Known, known_target

if TYPE_CHECKING:
    from cinq.ran.scenarios.run import Result
    from cinq.ran.scenarios.scenario import Scenario
    from cinq.ran.scenarios.target import Target

app = typer.Typer(help="List, show and run scenarios against this core or any other.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str], typer.Argument(help="Names of scenarios or of chapters, or all.")]
TargetFile = Annotated[
    Path | None, typer.Option("--target", help="The core under test (TOML); else this host's.")
]
STYLES = {"PASS": "green", "FAIL": "bold red", "INCONCLUSIVE": "yellow", "SKIPPED": "dim"}
LADDER_COLUMNS = 100
LADDERS = 5  # of the first failures; --json has the reason of each


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all scenarios, by chapter."""
    from cinq.ran.scenarios.library import LIBRARY

    if json:
        show_json([_facts(one) for one in LIBRARY.values()])
        return
    show_table(
        "", ("scenario", "chapter", "needs"), [(s.name, s.area, ", ".join(s.needs)) for s in LIBRARY.values()]
    )
    console().print(f"{len(LIBRARY)} scenarios; cinq scenario show NAME, cinq scenario run NAME|CHAPTER|all")


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="Name of a scenario.")], json: AsJson = False) -> None:
    """What a scenario shows, by which clause, and its text."""
    import inspect

    (one,) = _chosen([name])
    if json:
        show_json(_facts(one))
        return
    out = console()
    out.print(one.name, style="bold")
    out.print(one.title)
    if one.needs:
        out.print(f"needs: {', '.join(one.needs)}")
    out.print(Text(inspect.getsource(one.play)))


@app.command("target")
def target(product: Known = "") -> None:
    """Print a commented settings file for `run --target`: fill in the core under test."""
    from cinq.ran.scenarios import products
    from cinq.ran.scenarios.template import template

    typer.echo(known_target(product, products.ready) if product else template())


@app.command("run")
def run(
    names: Names,
    target: Annotated[
        Path | None, typer.Option("--target", help="The core under test (TOML); else this host's.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings of this host's core.")
    ] = None,
    json: AsJson = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write a JUnit report to this file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="A ladder of every scenario.")] = False,
) -> None:
    """Run scenarios. Exit code 0 when each passed or does not apply, 1 when one failed or nothing could be told."""
    from cinq.ran.scenarios.target import Target
    from cinq.settings.network import NetworkSettings
    from cinq.transport.write_behind import StoreError

    logging_to_stderr(False)
    chosen = _chosen(names)
    _writable(junit)
    if target is not None:
        results = _play(chosen, settings(Target, target), verbose, quiet=json)
    else:
        from cinq.lab.scenarios import own_core

        try:
            with own_core(settings(NetworkSettings, config), config) as own:
                results = _play(chosen, own, verbose, quiet=json)
        except StoreError as error:
            raise Failure(
                str(error), "cinq up first, or give --target FILE (cinq scenario target prints one)"
            ) from None
    if junit is not None:
        junit.write_bytes(_junit(results))
    if json:
        show_json([_outcome(result) for result in results])
    else:
        _sum_up(results)
    if any(result.verdict in ("FAIL", "INCONCLUSIVE") for result in results):
        raise typer.Exit(1)


def _chosen(names: Sequence[str]) -> list[Scenario]:
    import difflib

    from cinq.ran.scenarios.library import LIBRARY

    found: dict[str, Scenario] = {}
    for name in names:
        of_it = [s for s in LIBRARY.values() if name in ("all", s.name, s.area)]
        if not of_it:
            known = [*LIBRARY, *{s.area for s in LIBRARY.values()}]
            near = difflib.get_close_matches(name, known, 1, 0.4)
            raise Failure(
                f"no scenario {name!r}" + (f"; did you mean {near[0]}?" if near else ""), "cinq scenario list"
            )
        found.update({s.name: s for s in of_it})
    return list(found.values())


def _play(chosen: list[Scenario], target: Target, verbose: bool, quiet: bool) -> list[Result]:
    from cinq.lab.scenarios import place
    from cinq.ran.scenarios.run import run

    out, done = console() if not quiet else Console(stderr=True, highlight=False), 0
    ladders = 0

    def told(result: Result) -> None:
        nonlocal done, ladders
        done += 1
        line = Text(f"[{done:>{len(str(len(chosen)))}}/{len(chosen)}] ")
        line.append(f"{result.verdict:<13}", STYLES[result.verdict])
        line.append(f"{result.scenario.name}  {result.seconds:.2f} s")
        out.print(line)
        if result.reason:
            out.print(Text(f"        {result.reason}", STYLES[result.verdict]), soft_wrap=True)
        if not quiet and (verbose or (result.verdict == "FAIL" and ladders < LADDERS)):
            ladders += result.verdict == "FAIL"
            _show_ladder(result)

    out.print(f"{target.name}: AMF {target.core.amf_address}:{target.core.amf_port}, {len(chosen)} scenarios")
    return asyncio.run(run(chosen, place(target), told))


def _show_ladder(result: Result) -> None:
    from cinq.cli.trace import show_rows
    from cinq.trace import ladder_rows, steps_of_events

    show_rows(ladder_rows(steps_of_events(result.events), LADDER_COLUMNS))


def _sum_up(results: list[Result]) -> None:
    counts = {verdict: sum(r.verdict == verdict for r in results) for verdict in STYLES}
    words = ", ".join(f"{number} {verdict.lower()}" for verdict, number in counts.items() if number)
    console().print(f"{len(results)} scenarios: {words}")


def _facts(one: Scenario) -> dict[str, object]:
    return {
        "name": one.name,
        "chapter": one.area,
        "title": one.title,
        "clauses": list(one.clauses),
        "needs": list(one.needs),
    }


def _outcome(result: Result) -> dict[str, object]:
    return {
        "name": result.scenario.name,
        "verdict": result.verdict,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "clauses": list(result.scenario.clauses),
    }


def _junit(results: list[Result]) -> bytes:
    """The form that CI systems read: an error is a scenario that tells nothing of the core."""
    suite = ElementTree.Element(
        "testsuite",
        name="cinq scenario",
        tests=str(len(results)),
        failures=str(sum(r.verdict == "FAIL" for r in results)),
        errors=str(sum(r.verdict == "INCONCLUSIVE" for r in results)),
        skipped=str(sum(r.verdict == "SKIPPED" for r in results)),
        time=f"{sum(r.seconds for r in results):.3f}",
    )
    kinds = {"FAIL": "failure", "INCONCLUSIVE": "error", "SKIPPED": "skipped"}
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=result.scenario.area,
            name=result.scenario.name,
            time=f"{result.seconds:.3f}",
        )
        if result.verdict != "PASS":
            said = ElementTree.SubElement(case, kinds[result.verdict], message=_printable(result.reason))
            said.text = ", ".join(result.scenario.clauses)
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))


def _printable(text: str) -> str:
    """What XML may hold: a core under test may have put anything into a name."""
    return json_.dumps(text, ensure_ascii=True)[1:-1].replace('\\"', '"')


def _writable(path: Path | None) -> None:
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise Failure(f"--junit {path}: cannot be written", "name a file in a folder that is there")
